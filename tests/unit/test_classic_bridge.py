"""Any Mica model stands wherever scikit-learn takes an estimator."""

import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mica
from mica.classic import Classifier, Regressor
from mica.errors import ConfigError, DataError, ShapeError
from mica.layers import Conv2D, Dense, Flatten

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X).astype(np.float32)


def whole(sentence):
    return f"^{re.escape(sentence)}$"


def three_classes():
    return mica.Sequential(Dense(16, activation="relu"), Dense(3, activation="softmax"))


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_cross_validation():
    model = make_pipeline(StandardScaler(), Classifier(epochs=80, random_state=0))
    assert cross_val_score(model, *load_iris(return_X_y=True), cv=3).mean() > 0.9


def test_a_grid_search_over_models_and_settings():
    grid = {"model": [None, three_classes()], "optimizer": ["sgd", "adam"]}
    search = GridSearchCV(Classifier(epochs=15, random_state=0), grid, cv=2)
    search.fit(X, Y)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_params_["optimizer"] == "adam"
    assert search.best_score_ > 0.8


def test_chances_can_be_calibrated():
    model = CalibratedClassifierCV(Classifier(epochs=20, random_state=0), cv=2)
    chances = model.fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(chances.sum(1), 1)


def test_regression_beats_the_mean():
    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    model = make_pipeline(StandardScaler(), Regressor(epochs=20, random_state=0))
    assert cross_val_score(model, x, y, cv=3).mean() > 0.35


def test_several_targets():
    y = np.stack([X[:, 0], X[:, 1] ** 2], 1)
    assert Regressor(epochs=60, random_state=0).fit(X, y).predict(X).shape == (150, 2)


def test_pictures_and_labels_that_are_words():
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1)[:600]
    names = np.array(["even", "odd"])[digits[:600] % 2]
    model = mica.Sequential(
        Conv2D(8, 3, activation="relu"), Flatten(), Dense(1, activation="sigmoid")
    )
    estimator = Classifier(model, epochs=40, random_state=0).fit(
        images[:500], names[:500]
    )
    assert estimator.score(images[500:], names[500:]) > 0.85
    assert estimator.predict_proba(images[:3]).shape == (3, 2)


def test_the_users_model_is_not_trained():
    model = three_classes()
    model(torch.as_tensor(X[:1]))
    before = weights(model)
    estimator = Classifier(model, epochs=2, random_state=0).fit(X, Y)
    assert estimator.model is model
    assert estimator.model_ is not model
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_each_fit_starts_from_new_weights_or_from_the_users():
    model = three_classes()
    model(torch.as_tensor(X[:1]))
    settings = {"optimizer": mica.optimizers.SGD(0.0), "epochs": 1, "random_state": 0}
    fresh = Classifier(model, **settings).fit(X, Y).model_
    kept = Classifier(model, keep_weights=True, **settings).fit(X, Y).model_
    assert not torch.equal(weights(fresh)[0], weights(model)[0])
    assert torch.equal(weights(kept)[0], weights(model)[0])


def test_a_function_makes_a_model_for_the_data():
    seen = []

    def build(features, outputs):
        seen.append((features, outputs))
        return mica.Sequential(Dense(outputs, activation="softmax"))

    Classifier(build, epochs=1, random_state=0).fit(X, Y)
    assert seen == [(4, 3)]


def test_a_torch_module_is_a_model_too():
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
    )
    before = weights(module)
    target = X @ [1.0, -1.0, 0.5, 0.0]
    model = Regressor(module, epochs=60, random_state=0).fit(X, target)
    assert model.score(X, target) > 0.8
    assert torch.equal(weights(module)[0], before[0])


def test_the_same_seed_gives_the_same_model_and_the_world_its_numbers():
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(2), np.random.rand(2)
    torch.manual_seed(3)
    np.random.seed(3)
    models = [Classifier(epochs=3, random_state=5).fit(X, Y) for _ in range(2)]
    drawn = torch.rand(2), np.random.rand(2)
    assert torch.equal(drawn[0], expected[0])
    assert (drawn[1] == expected[1]).all()
    first, second = (model.predict_proba(X) for model in models)
    assert (first == second).all()


def test_more_of_fit_is_at_hand():
    options = {"validation_split": 0.2, "class_weight": "balanced"}
    model = Classifier(epochs=3, fit_options=options, random_state=0).fit(X, Y)
    assert len(model.history_.history["val_loss"]) == 3


def test_an_estimator_with_a_model_can_be_cloned():
    estimator = Classifier(three_classes(), epochs=2, random_state=0)
    assert clone(estimator).fit(X, Y).score(X, Y) > 0.2


def test_what_is_said_of_a_row_does_not_depend_on_its_neighbours():
    model = Classifier(epochs=3, random_state=0).fit(X, Y)
    alone = np.concatenate([model.predict_proba(row[None]) for row in X[:40]])
    assert (alone == model.predict_proba(X)[:40]).all()


# What is wrong is said.


def test_one_class_only_is_refused():
    sentence = (
        "Classifier: expected labels of at least 2 classes, got 1 class, 7. "
        "Add examples of another."
    )
    with pytest.raises(DataError, match=whole(sentence)):
        Classifier().fit(X, np.full(len(X), 7))


def test_a_classifier_with_too_few_outputs_is_refused():
    sentence = (
        "Classifier: expected a model with 3 outputs, one for each class, got 2. "
        "Give its last layer 3 units."
    )
    model = mica.Sequential(Dense(2, activation="softmax"))
    with pytest.raises(ShapeError, match=whole(sentence)):
        Classifier(model).fit(X, Y)


def test_a_regressor_with_too_many_outputs_is_refused():
    sentence = (
        "Regressor: expected a model with 1 outputs, one for each target, got 2. "
        "Give its last layer 1 units."
    )
    with pytest.raises(ShapeError, match=whole(sentence)):
        Regressor(mica.Sequential(Dense(2))).fit(X, X[:, 0])


def test_a_classifier_whose_outputs_are_no_probabilities_is_refused():
    sentence = (
        "SparseCategoricalCrossentropy: expected probabilities from a last softmax, "
        "got a linear last layer. "
        "End in activation='softmax', or pass from_logits=True."
    )
    with pytest.raises(ConfigError, match=whole(sentence)):
        Classifier(mica.Sequential(Dense(3)), epochs=1).fit(X, Y)


LOGITS = [
    (3, Y, torch.nn.CrossEntropyLoss()),
    (3, Y, mica.losses.SparseCategoricalCrossentropy(from_logits=True)),
    (1, Y > 0, mica.losses.BinaryCrossentropy(from_logits=True)),
]


@pytest.mark.parametrize(("width", "labels", "loss"), LOGITS)
def test_outputs_may_be_logits_when_the_loss_says_so(width, labels, loss):
    model = mica.Sequential(Dense(width))
    settings = {"optimizer": mica.optimizers.Adam(0.05), "epochs": 20}
    estimator = Classifier(model, loss=loss, random_state=0, **settings)
    chances = estimator.fit(X, labels).predict_proba(X)
    np.testing.assert_allclose(chances.sum(1), 1)
    assert chances.min() >= 0
    assert estimator.score(X, labels) > 0.75
