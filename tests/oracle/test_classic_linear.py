"""The classic one-layer models against closed forms, scikit-learn and the book."""

import numpy as np
import pytest
import sklearn.linear_model
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.preprocessing import StandardScaler

from mica.classic import (
    HingeClassifier,
    LeastSquares,
    LogisticRegression,
    MarginPerceptron,
    MultinomialRegression,
    Perceptron,
    PerceptronCriterion,
    PocketPerceptron,
    WidrowHoff,
    Winnow,
    is_separable,
)
from mica.classic.linear import with_bias
from mica.reference import Tensor, functions, gradients, losses
from tests.oracle.printed import assert_prints
from tests.tolerances import assert_close

IRIS = load_iris(return_X_y=True)
NOISY = make_classification(
    120, 6, n_informative=3, class_sep=0.6, flip_y=0.1, random_state=3
)


def scaled(data):
    x, y = data
    return StandardScaler().fit_transform(x), y


def weights_of(model):
    return np.hstack([model.coef_, model.intercept_[:, None]])


# Perceptrons.


@pytest.mark.parametrize("epochs", [1, 2, 5, 20])
@pytest.mark.parametrize("data", [NOISY, IRIS], ids=["two classes", "three classes"])
def test_the_perceptron_criterion_is_scikit_learns_perceptron(data, epochs):
    # Its own shuffling is off: both take the points in their order.
    theirs = sklearn.linear_model.Perceptron(max_iter=epochs, tol=None, shuffle=False)
    ours = PerceptronCriterion(epochs=epochs, shuffle=False)
    theirs.fit(*data)
    ours.fit(*data)
    assert_close(weights_of(ours), weights_of(theirs))


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0])
def test_the_rate_only_scales_a_perceptron(rate):
    one = Perceptron(epochs=5, random_state=0).fit(*NOISY)
    other = Perceptron(rate, epochs=5, random_state=0).fit(*NOISY)
    assert_close(weights_of(other), rate * weights_of(one))


def test_a_perceptron_steps_twice_as_far_as_the_criterion():
    perceptron = Perceptron(epochs=5, random_state=0).fit(*NOISY)
    criterion = PerceptronCriterion(2.0, epochs=5, random_state=0).fit(*NOISY)
    assert_close(weights_of(perceptron), weights_of(criterion))


def test_a_batch_adds_the_changes_of_its_points():
    x, y = np.array([[1.0, 2.0], [3.0, -1.0], [-1.0, 1.0]]), np.array([1, 0, 1])
    model = Perceptron(0.5, epochs=1, batch_size=3, shuffle=False).fit(x, y)
    # At W = 0 all are mistakes: alpha times the sum of E x, with E = 2 y.
    assert_close(model.coef_, [[2 * 0.5 * (1 - 3 - 1), 2 * 0.5 * (2 + 1 + 1)]])
    assert_close(model.intercept_, [2 * 0.5 * (1 - 1 + 1)])


def test_weight_decay_shrinks_before_the_step():
    x, y = np.array([[2.0], [0.1]]), np.array([1, 0])
    model = HingeClassifier(
        0.5, epochs=1, weight_decay=0.2, use_bias=False, shuffle=False
    ).fit(x, y)
    first = 0.5 * 2.0
    assert_close(model.coef_, [[first * (1 - 0.5 * 0.2) - 0.5 * 0.1]])


@pytest.mark.parametrize("seed", range(5))
def test_a_margin_of_zero_is_the_perceptron_criterion(seed):
    margin = MarginPerceptron(0.0, epochs=5, random_state=seed).fit(*NOISY)
    criterion = PerceptronCriterion(epochs=5, random_state=seed).fit(*NOISY)
    assert_close(weights_of(margin), weights_of(criterion))


def test_a_margin_is_kept_by_every_point():
    x, y = IRIS[0][:100], IRIS[1][:100]
    model = MarginPerceptron(10.0, epochs=1000, random_state=0).fit(x, y)
    assert model.converged_
    assert ((2 * y - 1) * model.decision_function(x)).min() >= 10


def test_the_pocket_is_never_worse_than_what_went_into_it():
    x, y = NOISY
    pocket = [PocketPerceptron(epochs=n, random_state=0).fit(x, y) for n in (1, 5, 30)]
    plain = PerceptronCriterion(epochs=30, random_state=0).fit(x, y)
    scores = [model.score(x, y) for model in pocket]
    assert scores == sorted(scores)
    assert scores[-1] >= plain.score(x, y)


@pytest.mark.parametrize("seed", range(8))
def test_a_perceptron_converges_exactly_when_a_plane_exists(seed):
    random = np.random.RandomState(seed)
    x = random.randn(12, 2)
    y = (x @ [1, -1] + (0.7 * random.randn(12) if seed % 2 else 0) > 0).astype(int)
    model = Perceptron(epochs=2000, random_state=0).fit(x, y)
    assert model.converged_ == is_separable(x, y)


def test_winnow_makes_fewer_mistakes_among_many_irrelevant_features():
    random = np.random.RandomState(0)
    x = random.choice([-1.0, 1.0], (400, 1000))
    y = (x[:, :3].sum(1) > 0).astype(int)
    winnow = Winnow(0.2, epochs=1, shuffle=False, use_bias=False).fit(x, y)
    perceptron = Perceptron(epochs=1, shuffle=False, use_bias=False).fit(x, y)
    assert winnow.mistakes_[0] < 0.6 * perceptron.mistakes_[0]


def test_winnow_multiplies_by_hand():
    x, y = np.array([[1.0, 0.5]]).repeat(2, 0), np.array([1, 0])
    model = Winnow(0.3, epochs=1, shuffle=False, use_bias=False).fit(x, y)
    # Features are divided by their size, 1 and 0.5: both count as 1. The first point
    # multiplies U by e^0.3 and V by e^-0.3, the second turns it back.
    assert_close(model.coef_, [[0.0, 0.0]])
    model = Winnow(0.3, epochs=1, shuffle=False, use_bias=False)
    model.fit(np.array([[1.0, 0.5], [-1.0, -0.5]]), y)
    expected = (np.exp(0.3) - np.exp(-0.3)) / 2
    assert_close(model.coef_, [[expected, expected / 0.5]])


def test_widrow_and_hoff_step_by_hand():
    x, y = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([1, 0])
    model = WidrowHoff(0.5, epochs=1, use_bias=False, random_state=0).fit(x, y)
    weights = np.zeros(2)
    for i in np.random.RandomState(0).permutation([0, 1]):
        error = (2 * y[i] - 1) - weights @ x[i]
        weights = weights + 0.5 * error * x[i] / (x[i] @ x[i])
    assert_close(model.coef_, [weights])


def test_widrow_and_hoff_come_near_to_least_squares_on_the_signs():
    x, y = scaled(NOISY)
    model = WidrowHoff(0.002, epochs=300, random_state=0).fit(x, y)
    points = with_bias(x, True)
    length = np.linalg.norm(points, axis=1)
    best = np.linalg.lstsq(points / length[:, None], (2 * y - 1) / length)[0]
    assert np.abs(weights_of(model)[0] - best).max() < 0.02


# Regressions: where the gradient is zero, there is the answer.

EXACT = {"tolerance": 1e-14, "epochs": 100_000}


@pytest.mark.parametrize("decay", [0.0, 1.0, 10.0])
def test_least_squares_comes_to_the_ridge_regression(decay):
    x, _ = scaled(IRIS)
    y = x @ [1.0, -2.0, 0.5, 3.0] + 2 + np.random.RandomState(0).randn(len(x))
    model = LeastSquares(weight_decay=decay, **EXACT).fit(x, y)
    points = with_bias(x, True)
    square = points.T @ points + decay * np.eye(5)
    expected = np.linalg.solve(square, points.T @ y)
    assert_close([*model.coef_, model.intercept_], expected)


def test_several_outputs_are_several_regressions():
    x, _ = scaled(IRIS)
    y = np.random.RandomState(0).randn(len(x), 3)
    together = LeastSquares(**EXACT).fit(x, y)
    apart = [LeastSquares(**EXACT).fit(x, column) for column in y.T]
    assert_close(together.coef_, [model.coef_ for model in apart])
    assert_close(together.predict(x), np.stack([m.predict(x) for m in apart], 1))


def test_small_batches_come_near_to_what_all_points_say():
    x, _ = scaled(IRIS)
    y = x @ [1.0, -2.0, 0.5, 3.0] + 2
    model = LeastSquares(batch_size=10, epochs=5000, random_state=0).fit(x, y)
    assert np.abs(model.coef_ - [1.0, -2.0, 0.5, 3.0]).max() < 1e-3


@pytest.mark.parametrize("decay", [0.5, 5.0])
def test_logistic_regression_ends_where_its_gradient_is_zero(decay):
    x, y = scaled(NOISY)
    model = LogisticRegression(weight_decay=decay, **EXACT).fit(x, y)
    weights = Tensor(weights_of(model)[0], requires_gradient=True)
    scores = with_bias(x, True) @ weights
    loss = losses.binary_cross_entropy(scores, y) * len(x)
    slope = gradients([loss + decay / 2 * (weights**2).sum()])[weights]
    assert_close(slope.data, np.zeros(7))


@pytest.mark.parametrize("decay", [0.5, 5.0])
def test_multinomial_regression_ends_where_its_gradient_is_zero(decay):
    x, y = scaled(IRIS)
    model = MultinomialRegression(weight_decay=decay, **EXACT).fit(x, y)
    weights = Tensor(weights_of(model), requires_gradient=True)
    loss = losses.cross_entropy(with_bias(x, True) @ weights.mT, y) * len(x)
    slope = gradients([loss + decay / 2 * (weights**2).sum()])[weights]
    assert_close(slope.data, np.zeros((3, 5)))


def test_two_classes_make_multinomial_logistic():
    x, y = scaled(NOISY)
    multinomial = MultinomialRegression(weight_decay=2.0, **EXACT).fit(x, y)
    # Two mirrored rows are decayed at half their price each.
    logistic = LogisticRegression(weight_decay=1.0, **EXACT).fit(x, y)
    assert_close(multinomial.predict_proba(x), logistic.predict_proba(x))


def test_probabilities_of_many_classes_add_up():
    x, y = scaled(IRIS)
    chances = LogisticRegression(weight_decay=0.1).fit(x, y).predict_proba(x)
    assert_close(chances.sum(1), np.ones(len(x)))


CLASSIFIERS = [
    HingeClassifier(0.01, weight_decay=0.01, epochs=50, random_state=0),
    LogisticRegression(weight_decay=1.0),
    MultinomialRegression(weight_decay=1.0),
    PocketPerceptron(epochs=20, random_state=0),
    WidrowHoff(random_state=0),
]


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_a_linear_model_tells_tumours_apart(model):
    x, y = scaled(load_breast_cancer(return_X_y=True))
    assert model.fit(x[::2], y[::2]).score(x[1::2], y[1::2]) > 0.94


# The book's table of four points and five features, and its exercises.


def test_four_points_do_not_say_what_five_weights_are():
    x = np.hstack([[[1.0], [2], [3], [4]], np.eye(4)])
    y = np.array([2.0, 4, 6, 8])
    options = {"use_bias": False, **EXACT}
    model = LeastSquares(**options).fit(x, y)
    # From W = 0 gradient descent finds the shortest of all W without error.
    assert_close(model.predict(x), y)
    assert_prints(model.coef_, "1.9355 .0645 .1290 .1935 .2581")
    decayed = LeastSquares(weight_decay=1.0, **options).fit(x, y)
    assert_prints(decayed.coef_, "1.875 .0625 .125 .1875 .25")


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
SIGNED_XOR = np.array([[-1.0, -1], [1, 1], [1, -1], [-1, 1]])


def test_exercise_1_two_relus_say_exclusive_or_without_a_bias():
    x1, x2 = Tensor(XOR[:, 0]), Tensor(XOR[:, 1])
    output = functions.relu(x1 - x2) + functions.relu(x2 - x1)
    assert output.data.tolist() == [0, 1, 1, 0]


V = Tensor(np.linspace(-5, 5, 41))


def test_exercise_2_the_sigmoid_is_mirrored_and_tanh_odd():
    assert_close((-V).sigmoid().data, (1 - V.sigmoid()).data)
    assert_close((-V).tanh().data, -V.tanh().data)


def test_exercise_3_tanh_is_a_sigmoid_of_twice_the_number():
    assert_close(V.tanh().data, (2 * (2 * V).sigmoid() - 1).data)


@pytest.mark.parametrize("kind", [Perceptron, PerceptronCriterion])
def test_exercise_4_a_perceptron_cycles_on_exclusive_or(kind):
    model = kind(shuffle=False, use_bias=False).fit(SIGNED_XOR, [1, 1, 0, 0])
    assert not model.converged_
    assert model.outcome_.startswith("not separable: cycling, the weights after epoch")
    assert not is_separable(SIGNED_XOR, [1, 1, 0, 0])


def test_exercise_5_the_product_of_both_features_separates_them():
    product = SIGNED_XOR.prod(1, keepdims=True)
    assert is_separable(product, [1, 1, 0, 0])
    assert Perceptron(random_state=0).fit(product, [1, 1, 0, 0]).converged_


@pytest.mark.parametrize(("name", "largest"), [("sigmoid", 0.25), ("tanh", 1.0)])
def test_exercises_7_and_8_a_squashing_function_is_steepest_at_zero(name, largest):
    v = Tensor(V.data, requires_gradient=True)
    slope = gradients([getattr(v, name)().sum()])[v].data
    assert slope.max() == largest
    assert v.data[slope.argmax()] == 0


@pytest.mark.parametrize(
    ("point", "output", "slope"),
    [((1.0, 1.0), "1.81477", "0.0374063"), ((0.0, 0.0), "1.08458", "1.2768143")],
)
def test_exercises_9_and_10_a_network_of_two_layers_and_its_slope(point, output, slope):
    x = Tensor(point, requires_gradient=True)
    both = x.sum()
    for _ in range(2):
        both = both.sigmoid() + both.tanh()
    value = functions.relu(both)
    assert_prints(value.item(), output)
    assert_prints(gradients([value])[x].data[0], slope)


# Exercise 11: the perceptron and the hinge loss, over 1,000 training sets.


def many_models(points, signs, *, margin, rate, epochs, order):
    """The update rule for all training sets at once: (sets, 2) weights."""
    weights = np.zeros((len(points), 2))
    for _ in range(epochs):
        for i in order:
            x, y = points[:, i], signs[:, i]
            reached = y * (weights * x).sum(1)
            wrong = (reached < margin) | (reached <= 0)
            weights += rate * (wrong * y)[:, None] * x
    return weights


def training_sets(count):
    random = np.random.RandomState(11)
    points = random.uniform(size=(count, 20, 2))
    signs = np.where(points[..., 0] > points[..., 1], 1.0, -1.0)
    return points, signs, random.uniform(size=(1000, 2))


def test_many_models_at_once_are_the_models_one_by_one():
    points, signs, _ = training_sets(5)
    order = np.arange(20)
    options = {"rate": 0.1, "epochs": 7, "order": order}
    settings = {"epochs": 7, "shuffle": False, "use_bias": False}
    perceptrons = many_models(points, signs, margin=0.0, **options)
    hinges = many_models(points, signs, margin=1.0, **options)
    data = list(zip(points, signs, strict=True))
    ours = [PerceptronCriterion(0.1, **settings).fit(*d).coef_[0] for d in data]
    assert_close(perceptrons, ours)
    assert_close(
        hinges, [HingeClassifier(0.1, **settings).fit(*d).coef_[0] for d in data]
    )


def judge(weights, test):
    """Accuracy of each model, and how often two of them agree."""
    predicted = test @ weights.T > 0  # (test points, models)
    right = test[:, :1] > test[:, 1:]
    agree = (predicted[:, ::2] == predicted[:, 1::2]).mean()
    return (predicted == right).mean(0), agree


@pytest.mark.parametrize(("epochs", "rate"), [(20, 1.0), (1000, 0.1)])
def test_exercise_11_the_winner_depends_on_how_long_one_trains(epochs, rate):
    points, signs, test = training_sets(1000)
    order = np.random.RandomState(0).permutation(20)
    options = {"rate": rate, "epochs": epochs, "order": order}
    perceptron, perceptron_agreement = judge(
        many_models(points, signs, margin=0.0, **options), test
    )
    hinge, hinge_agreement = judge(
        many_models(points, signs, margin=1.0, **options), test
    )
    assert 0.96 < perceptron.mean() < 0.98
    # The hinge varies less from one training set to the next, however long it learns...
    assert hinge.std() < perceptron.std()
    # ...but is more accurate, and more of one mind, only when it has learned for long.
    assert (hinge.mean() > perceptron.mean()) == (epochs == 1000)
    assert (hinge_agreement > perceptron_agreement) == (epochs == 1000)
