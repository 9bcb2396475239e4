"""The classic models do what they say, and say what is wrong."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from mica import classic
from mica.errors import (
    ConfigError,
    DataError,
    DivergenceError,
    ShapeError,
    StateError,
)
from tests.tolerances import assert_close

X = np.random.RandomState(0).randn(30, 4)
Y = (X[:, 0] > 0).astype(int)
TEXTS = ["the cat sat", "the dog sat"]


def whole(sentence):
    return f"^{re.escape(sentence)}$"


CLASSIFIERS = [
    classic.HingeClassifier,
    classic.LogisticRegression,
    classic.MarginPerceptron,
    classic.MultinomialRegression,
    classic.Perceptron,
    classic.PerceptronCriterion,
    classic.PocketPerceptron,
    classic.RadialClassifier,
    classic.WidrowHoff,
    classic.Winnow,
]


def test_importing_mica_imports_no_scikit_learn():
    code = "import sys, mica; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Perceptrons.


def test_a_separated_set_is_said_to_be_separated():
    model = classic.Perceptron(random_state=0).fit(X, Y)
    assert model.converged_
    assert model.outcome_ == f"separated: no mistake in epoch {model.n_iter_}"
    assert model.mistakes_[-1] == 0
    assert model.score(X, Y) == 1


@pytest.mark.parametrize(
    ("labels", "epoch", "when"),
    [([0, 1, 1, 0], 1, "at the start"), ([0, 0, 1, 1], 2, "after epoch 1")],
)
def test_a_cycle_is_said_to_be_one(labels, epoch, when):
    x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    x = x if epoch == 1 else [x[0], x[3], x[1], x[2]]
    model = classic.PerceptronCriterion(shuffle=False).fit(x, labels)
    assert not model.converged_
    assert model.outcome_ == (
        f"not separable: cycling, the weights after epoch {epoch} are those {when} "
        "again"
    )


def test_what_is_not_decided_is_said_to_be_open():
    x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    model = classic.Perceptron(epochs=7, random_state=0).fit(x, [0, 1, 1, 0])
    assert re.fullmatch(
        r"not separated in 7 epochs, \d mistakes in the last; "
        r"mica\.classic\.is_separable tells whether more epochs would help",
        model.outcome_,
    )


def test_a_point_on_the_plane_belongs_to_the_second_class():
    model = classic.Perceptron(random_state=0).fit([[-1.0], [1.0]], ["a", "b"])
    model.intercept_ = np.zeros(1)
    assert model.predict([[0.0]]) == ["b"]


def test_without_a_bias_the_plane_goes_through_the_origin():
    model = classic.LogisticRegression(use_bias=False).fit(X, Y)
    assert model.intercept_.tolist() == [0]


def test_labels_may_be_words():
    names = np.array(["no", "yes"])[Y]
    model = classic.Perceptron(random_state=0).fit(X, names)
    assert (model.predict(X) == names).all()


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_same_seed_gives_the_same_model(kind):
    def scores():
        model = kind(random_state=3).fit(X, Y)
        return model.decision_function(X)

    assert (scores() == scores()).all()


def test_a_model_stands_in_a_pipeline():
    machine = classic.BoltzmannMachine(20, random_state=0)
    pipeline = make_pipeline(machine, classic.LogisticRegression())
    assert cross_val_score(pipeline, expit(3 * X), Y, cv=3).mean() > 0.6


def expit(x):
    return 1 / (1 + np.exp(-x))


# Boltzmann machines and deep networks.


def test_a_stack_starts_a_deep_network():
    x = (X > 0).astype(float)
    stack = classic.BoltzmannStack((5, 3), epochs=2, random_state=0).fit(x)
    layers = [torch.nn.Linear(4, 5), torch.nn.Linear(5, 3)]
    stack.initialize(layers)
    deep = torch.nn.Sequential(
        layers[0], torch.nn.Sigmoid(), layers[1], torch.nn.Sigmoid()
    )
    expected = deep(torch.tensor(x, dtype=torch.float32)).detach()
    assert_close(stack.transform(x), expected)


def test_chains_may_be_longer_than_one_step():
    x = (X > 0).astype(float)
    machine = classic.BoltzmannMachine(5, num_steps=3, random_state=0).fit(x)
    assert machine.errors_[-1] < machine.errors_[0]
    assert set(np.unique(machine.sample(5, random_state=0))) <= {0.0, 1.0}


# Words.


def test_frequent_words_come_first_and_rare_ones_are_left_out():
    model = classic.WordVectors(4, min_count=2, random_state=0).fit(TEXTS)
    assert model.words_ == ["sat", "the"]


def test_a_text_is_the_mean_of_its_known_words():
    model = classic.WordVectors(4, random_state=0).fit(TEXTS)
    both = (model.vector("cat") + model.vector("dog")) / 2
    np.testing.assert_allclose(model.transform(["cat dog bird"]), [both])
    assert not model.transform(["bird"]).any()


def test_texts_may_be_split_already():
    split = classic.WordVectors(4, random_state=0).fit([t.split() for t in TEXTS])
    whole_texts = classic.WordVectors(4, random_state=0).fit(TEXTS)
    assert (split.vectors_ == whole_texts.vectors_).all()


def test_the_words_of_a_question_are_not_its_answer():
    model = classic.WordVectors(4, random_state=0).fit(TEXTS)
    answers = {word for word, _ in model.analogy(["cat", "the"], ["dog"])}
    assert answers == {"sat"}


# What is wrong is said.


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_one_class_only_is_refused(kind):
    sentence = (
        f"{kind.__name__}: expected labels of at least 2 classes, got 1 class, 'a'. "
        "Add examples of another."
    )
    with pytest.raises(DataError, match=whole(sentence)):
        kind().fit(X, ["a"] * 30)


def test_separability_is_a_question_about_two_classes():
    sentence = (
        "is_separable: expected labels of 2 classes, got 3. "
        "Ask for one class against the rest."
    )
    with pytest.raises(DataError, match=whole(sentence)):
        classic.is_separable([[0], [1], [2]], [0, 1, 2])


COUNTS = [
    (classic.Perceptron, "epochs", 0, 1),
    (classic.HingeClassifier, "batch_size", 0, 1),
    (classic.LeastSquares, "epochs", 0, 1),
    (classic.LogisticRegression, "batch_size", -1, 1),
    (classic.Winnow, "epochs", 0, 1),
    (classic.RadialRegressor, "num_prototypes", 0, 1),
    (classic.HopfieldNetwork, "max_sweeps", 0, 1),
    (classic.BoltzmannMachine, "num_hidden", 0, 1),
    (classic.BoltzmannMachine, "num_steps", 0, 1),
    (classic.LinearAutoencoder, "num_components", 0, 1),
    (classic.LinearAutoencoder, "epochs", 0, 1),
    (classic.SumProductNetwork, "num_parts", 1, 2),
    (classic.SumProductNetwork, "min_points", 1, 2),
]


@pytest.mark.parametrize(("kind", "name", "value", "least"), COUNTS)
def test_a_count_that_is_too_small_is_refused(kind, name, value, least):
    sentence = (
        f"{kind.__name__}: expected {name} of at least {least}, got {value}. Raise it."
    )
    with pytest.raises(ConfigError, match=whole(sentence)):
        kind(**{name: value}).fit(X, Y)


@pytest.mark.parametrize("name", ["size", "window", "num_negative", "epochs"])
def test_a_count_of_word_vectors_that_is_too_small_is_refused(name):
    sentence = f"WordVectors: expected {name} of at least 1, got 0. Raise it."
    with pytest.raises(ConfigError, match=whole(sentence)):
        classic.WordVectors(**{name: 0}).fit(TEXTS)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (classic.RadialClassifier, "width"),
        (classic.RadialRegressor, "weight_decay"),
        (classic.SumProductNetwork, "min_deviation"),
    ],
)
def test_a_size_that_must_be_positive_is_refused(kind, name):
    sentence = f"{kind.__name__}: expected {name} above 0, got 0.0. Raise it."
    with pytest.raises(ConfigError, match=whole(sentence)):
        kind(**{name: 0.0}).fit(X, Y)


@pytest.mark.parametrize("rate", [0.0, 2.0, -1.0])
def test_an_unstable_rate_of_widrow_and_hoff_is_refused(rate):
    sentence = (
        f"WidrowHoff: expected a learning_rate between 0 and 2, got {rate}. "
        "Outside, every step makes the error larger."
    )
    with pytest.raises(ConfigError, match=whole(sentence)):
        classic.WidrowHoff(rate).fit(X, Y)


def test_weights_that_grow_beyond_all_bounds_are_refused():
    with pytest.raises(DivergenceError) as caught:
        classic.LeastSquares(1.0).fit(X, Y)
    assert re.fullmatch(
        r"LeastSquares: expected weights that settle, got weights beyond 1e100 in "
        r"epoch \d+\. Lower the learning_rate, or pass None\.",
        str(caught.value),
    )


def test_a_rule_nobody_knows_is_refused():
    sentence = (
        "HopfieldNetwork: expected the rule 'hebb' or 'projection', got 'hebbian'. "
        "Choose one of them."
    )
    with pytest.raises(ConfigError, match=whole(sentence)):
        classic.HopfieldNetwork("hebbian").fit(X)


def test_a_stack_of_nothing_is_refused():
    sentence = (
        "BoltzmannStack: expected at least 1 size, got none. "
        "Say how many hidden units each machine has."
    )
    with pytest.raises(ConfigError, match=whole(sentence)):
        classic.BoltzmannStack(()).fit(X)


@pytest.fixture
def stack():
    return classic.BoltzmannStack((5, 3), epochs=1, random_state=0).fit(X)


def test_a_stack_needs_a_layer_for_each_machine(stack):
    sentence = (
        "BoltzmannStack: expected 2 layers, one for each machine, got 3. "
        "Leave out the layers above."
    )
    with pytest.raises(ShapeError, match=whole(sentence)):
        stack.initialize([torch.nn.Linear(4, 5)] * 3)


def test_a_stack_needs_layers_that_are_built(stack):
    sentence = (
        "BoltzmannStack: expected layers that are built, got Sigmoid without a weight. "
        "Give the model its Input, or call it once."
    )
    with pytest.raises(StateError, match=whole(sentence)):
        stack.initialize([torch.nn.Sigmoid(), torch.nn.Linear(5, 3)])


def test_a_stack_needs_layers_of_its_sizes_and_changes_none_otherwise(stack):
    layers = [torch.nn.Linear(4, 5), torch.nn.Linear(5, 4)]
    before = layers[0].weight.detach().clone()
    sentence = (
        "BoltzmannStack: expected a weight of shape (3, 5), got (4, 5). "
        "Build the layers with the sizes of the stack."
    )
    with pytest.raises(ShapeError, match=whole(sentence)):
        stack.initialize(layers)
    assert (layers[0].weight == before).all()


@pytest.mark.parametrize(("text", "kind"), [(3, "int"), (["a", 2.5], "float")])
def test_a_text_must_be_made_of_words(text, kind):
    sentence = (
        "WordVectors: expected each text to be a string or a list of words, got "
        f"{kind} in text 1. Convert it to strings."
    )
    with pytest.raises(DataError, match=whole(sentence)):
        classic.WordVectors().fit(["fine", text])


def test_texts_without_neighbours_are_refused():
    sentence = (
        "WordVectors: expected texts in which 2 words of the vocabulary stand side by "
        "side, got 2 texts and a vocabulary of 2. Give more text, or lower min_count."
    )
    with pytest.raises(DataError, match=whole(sentence)):
        classic.WordVectors().fit(["one", "two"])


def test_a_word_that_was_not_learned_is_refused():
    model = classic.WordVectors(4, random_state=0).fit(TEXTS)
    sentence = (
        "WordVectors: expected one of the 4 words learned, got 'catt'. "
        "Did you mean 'cat'?"
    )
    with pytest.raises(DataError, match=whole(sentence)):
        model.nearest("catt")
