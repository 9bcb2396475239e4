"""A metric is found by name, by shapes and loss, or wrapped around a function."""

import functools
import re

import pytest
import torch
from torch import nn

import mica
from mica import losses, metrics
from mica.errors import ConfigError, DataError, ShapeError
from mica.losses import get_loss
from mica.metrics import get_metric
from mica.metrics.lookup import LOSS_NAMES, METRICS
from tests.tolerances import assert_close

SHORT = {
    "f1": metrics.F1Score,
    "mae": metrics.MeanAbsoluteError,
    "MSE": metrics.MeanSquaredError,
    "r2": metrics.R2Score,
    "rmse": metrics.RootMeanSquaredError,
}


@pytest.mark.parametrize(("name", "kind"), {**METRICS, **SHORT}.items())
def test_a_metric_is_found_by_name_and_keeps_it(name, kind):
    metric = get_metric(name)
    assert type(metric) is kind
    assert metric.name == name


@pytest.mark.parametrize("kind", METRICS.values())
def test_a_metric_is_found_by_the_name_of_its_class(kind):
    assert type(get_metric(kind.__name__)) is kind


@pytest.mark.parametrize(("name", "kind"), METRICS.items())
def test_a_metric_is_called_by_the_name_it_is_found_by(name, kind):
    assert kind().name == name


@pytest.mark.parametrize(("name", "kind"), LOSS_NAMES.items())
def test_a_loss_is_a_metric_by_name(name, kind):
    metric = get_metric(name)
    assert type(metric.loss) is getattr(losses, kind)
    assert metric.name == name


# A mean over batches says little of them.
WHOLE_BATCHES = {"BatchTriplet", "Circle", "Dice", "InfoNCE", "Tversky"}
BOUNDS = {"BernoulliLikelihood", "GaussianKLDivergence", "GaussianLikelihood"}


def test_every_loss_is_a_metric_in_one_way_or_another():
    known = set(LOSS_NAMES.values()) | {kind.__name__ for kind in METRICS.values()}
    known |= WHOLE_BATCHES | {"Contrastive", "Triplet"} | BOUNDS
    assert {kind.__name__ for kind in losses.lookup.LOSSES.values()} <= known


BINARY, SPARSE, CATEGORICAL = (
    metrics.BinaryAccuracy,
    metrics.SparseCategoricalAccuracy,
    metrics.CategoricalAccuracy,
)


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "kind"),
    [
        ("mse", (None, 1), (None, 1), BINARY),
        ("bce", (None, 1), (None,), BINARY),
        ("bce", (None,), (None,), BINARY),
        ("bce", (None, 5), (None, 5), BINARY),
        ("hinge", (None, 5), (None, 5), BINARY),
        ("sparse_categorical_crossentropy", (None, 5), (None,), SPARSE),
        ("sparse_categorical_crossentropy", (None, 5), (None, 1), SPARSE),
        ("sparse_categorical_crossentropy", (None, 9, 5), (None, 9), SPARSE),
        ("categorical_crossentropy", (None, 5), (None, 5), CATEGORICAL),
        (None, (None, 5), (None, 5), CATEGORICAL),
        ("bce", None, None, BINARY),
        ("hinge", None, None, BINARY),
        ("sparse_categorical_crossentropy", None, None, SPARSE),
        ("categorical_crossentropy", None, None, CATEGORICAL),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_is_of_the_kind_that_fits(name, loss, prediction, target, kind):
    metric = get_metric(
        name,
        loss=None if loss is None else get_loss(loss),
        prediction_shape=prediction,
        target_shape=target,
    )
    assert type(metric) is kind
    assert metric.name == name


@pytest.mark.parametrize("loss", [None, losses.MeanSquaredError()])
def test_accuracy_of_an_unknown_kind_is_asked_for(loss):
    sentence = (
        "accuracy: expected shapes of prediction and target to choose the kind of "
        "accuracy by, got none. Name it: binary_accuracy, categorical_accuracy or "
        "sparse_categorical_accuracy."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_metric("accuracy", loss=loss)


COLUMN = {"prediction_shape": (None, 1), "target_shape": (None, 1)}
COLUMNS = {"prediction_shape": (None, 4), "target_shape": (None, 4)}
CLASSES = {"prediction_shape": (None, 4), "target_shape": (None,)}
LOGITS = losses.BinaryCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("name", "loss", "shapes", "cut"),
    [
        ("accuracy", losses.BinaryCrossentropy(), COLUMN, 0.5),
        ("accuracy", LOGITS, COLUMN, 0.0),
        ("accuracy", losses.Hinge(), COLUMN, 0.0),
        ("precision", losses.BinaryCrossentropy(), COLUMN, 0.5),
        ("precision", LOGITS, COLUMN, 0.0),
        ("recall", get_loss(nn.BCEWithLogitsLoss()), COLUMN, 0.0),
        ("f1_score", LOGITS, COLUMN, 0.0),
        ("f1_score", losses.BinaryCrossentropy(), COLUMNS, 0.5),
        ("f1_score", LOGITS, COLUMNS, 0.0),
        ("f1_score", losses.CategoricalCrossentropy(), COLUMNS, None),
        ("f1_score", losses.SparseCategoricalCrossentropy(), CLASSES, None),
        ("f1_score", None, {}, None),
    ],
)
def test_a_metric_by_name_decides_where_its_loss_does(name, loss, shapes, cut):
    assert get_metric(name, loss=loss, **shapes).threshold == cut


@pytest.mark.parametrize("from_logits", [True, None])
def test_a_cross_entropy_by_name_reads_what_the_loss_reads(from_logits):
    loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    metric = get_metric("sparse_categorical_crossentropy", loss=loss)
    assert metric.loss.from_logits is from_logits


def test_a_metric_is_itself():
    metric = metrics.AUC()
    assert get_metric(metric) is metric


def test_a_class_is_made_into_a_metric():
    assert isinstance(get_metric(metrics.AUC), metrics.AUC)


@pytest.mark.parametrize("name", ["acuracy", "binary_acuracy"])
def test_a_misspelt_name_gets_a_hint(name):
    sentence = (
        f"metric: expected the name of a metric, got {name!r}. Did you mean "
        f"'{name.replace('acu', 'accu')}'"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}"):
        get_metric(name)


@pytest.mark.parametrize("thing", [3, None, ["mae"]])
def test_something_else_is_no_metric(thing):
    sentence = (
        f"metric: expected a name, a Metric or a function, got "
        f"{type(thing).__name__}. Write for example metrics=['accuracy']."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_metric(thing)


def bias(y_true, y_pred):
    return y_pred - y_true


@pytest.mark.parametrize("function", [bias, functools.partial(bias)])
def test_a_function_in_kerass_order_is_a_metric(function):
    metric = get_metric(function)
    metric.update(torch.tensor([[1.0], [3.0]]), torch.zeros(2))
    metric.update(torch.tensor([[8.0]]), torch.zeros(1))
    assert metric.name == "bias"
    assert metric.compute().item() == 4


def test_a_function_takes_sample_weights():
    metric = get_metric(bias)
    metric.update(torch.tensor([1.0, 3.0]), torch.zeros(2), torch.tensor([3.0, 1.0]))
    assert metric.compute().item() == 1.5


def test_one_number_for_a_batch_counts_for_all_its_samples():
    metric = get_metric(lambda prediction, target: (prediction - target).max())
    metric.update(torch.tensor([1.0, 1.0, 1.0]), torch.zeros(3))
    metric.update(torch.tensor([5.0]), torch.zeros(1))
    assert metric.compute().item() == 2


def test_one_number_for_a_batch_cannot_be_weighted():
    metric = metrics.FunctionMetric(lambda prediction, target: 1.0, name="one")
    sentence = (
        "one: expected a function with one value per sample to apply sample weights "
        "to, got a single number. Return one value per sample."
    )
    metric.update(torch.zeros(2), torch.zeros(2))
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        metric.update(torch.zeros(2), torch.zeros(2), torch.ones(2))


def test_a_module_is_a_metric_too():
    metric = get_metric(nn.L1Loss())
    metric.update(torch.tensor([1.0, 3.0]), torch.zeros(2))
    assert metric.name == "L1Loss"
    assert metric.compute().item() == 2


def test_a_loss_is_a_metric():
    metric = get_metric(losses.Huber(name="distance"))
    metric.update(torch.tensor([[1.0], [3.0]]), torch.zeros(2))
    assert metric.name == "distance"
    assert metric.compute().item() == 1.5


def test_labels_that_a_loss_ignores_do_not_count():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0, from_logits=True)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 0])
    metric = get_metric(loss)
    metric.update(logits[:2], labels[:2])
    metric.update(logits[2:], labels[2:])
    assert_close(metric.compute().float(), loss(logits, labels))


class Largest:
    """As torchmetrics has them: update, compute, reset."""

    def reset(self):
        self.value = 0.0

    def update(self, prediction, target):
        self.value = max(self.value, float(prediction.max()))

    def compute(self):
        return self.value


def test_a_metric_of_another_library_is_a_metric():
    metric = get_metric(Largest())
    metric.update(torch.tensor([1.0, 3.0]), torch.zeros(2))
    assert metric.name == "Largest"
    assert metric.compute().item() == 3
    metric.reset()
    assert metric.compute().item() == 0


def test_a_metric_of_another_library_takes_no_weights():
    sentence = (
        "Largest: expected no sample weights, got some: metrics from other libraries "
        "do not take them. Use a metric of Mica, or train without weights."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_metric(Largest()).update(torch.ones(2), torch.ones(2), torch.ones(2))


class Several(Largest):
    """As a collection of torchmetrics, or one without an average."""

    def __init__(self, value):
        self.answer = value

    def compute(self):
        return self.answer


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1.0, "b": 2.0}, "several"),
        (torch.zeros(3), "a tensor of shape (3,)"),
    ],
)
def test_a_metric_of_another_library_gives_one_number(value, shown):
    sentence = (
        f"Several: expected one number, got {shown}. Let the object average them, or "
        "give its metrics one by one."
    )
    metric = get_metric(Several(value))
    metric.update(torch.ones(2), torch.ones(2))
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        metric.compute()


class Moving(Largest):
    """As torchmetrics' objects: with a method that moves its tensors."""

    device = None

    def to(self, device):
        self.device = device


def test_a_metric_of_another_library_follows_the_predictions():
    moving = Moving()
    get_metric(moving).update(torch.ones(2), torch.ones(2))
    assert moving.device == torch.device("cpu")


def test_a_metric_of_another_library_does_not_merge():
    sentence = (
        "Largest: expected a metric of Mica to merge with auc, got one of another "
        "library. Let that library synchronise it."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_metric(Largest()).merge(metrics.AUC())


def test_a_function_of_one_argument_is_no_metric():
    with pytest.raises(ConfigError) as caught:
        get_metric(lambda y_pred: y_pred.mean())
    assert str(caught.value) == (
        "<lambda>: expected a function of two arguments, got one of (y_pred). Write "
        "def function(y_true, y_pred): ... and return a tensor."
    )


def test_a_function_that_returns_a_word_is_no_metric():
    metric = get_metric(lambda y_true, y_pred: "good")
    with pytest.raises(ConfigError) as caught:
        metric.update(torch.zeros(2, 1), torch.zeros(2, 1))
    assert str(caught.value) == (
        "<lambda>: expected a function that returns a number or one value per sample, "
        "got str. Compute with torch and return the result."
    )


MEASURED = {"numbers": [0.0, 1.0, 2.5], "fractions below 0": [0.0, 1.0, -0.5]}


@pytest.mark.parametrize("values", MEASURED.values(), ids=MEASURED)
def test_the_accuracy_of_measured_values_is_refused_before_training(values):
    x, y = torch.zeros(3, 2), torch.tensor(values)
    model = mica.Sequential(mica.layers.Dense(1))
    model.compile("sgd", "mse", metrics=["accuracy"])
    with pytest.raises(DataError) as caught:
        model.fit(x, y, verbose=0)
    assert str(caught.value) == (
        "accuracy: expected yes or no as targets (0 and 1, or -1 and 1), got "
        f"{values[2]:g} at row 2. For measured values use metrics such as 'mae' or "
        "'r2_score'."
    )


@pytest.mark.parametrize("values", [[0, 1, 1], [-1, 1, 1], [0.1, 0.9, 0.9]])
def test_signs_and_chances_are_answers_to_yes_or_no(values):
    metrics.BinaryAccuracy().check_target(torch.tensor(values))


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (metrics.BinaryCrossentropy, "BinaryCrossentropy"),
        (metrics.CategoricalCrossentropy, "CategoricalCrossentropy"),
    ],
)
def test_a_crossentropy_refuses_a_share_above_one(make, where):
    sentence = (
        f"{where}: expected label_smoothing from 0 to below 1, got 1.5. 0.1 is a "
        "usual value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make(label_smoothing=1.5)


def test_accuracy_of_labels_wants_as_many_of_them():
    sentence = (
        "accuracy: expected targets of the predictions' shape (3,), got (2,). Give the "
        "last layer 2 units."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        metrics.Accuracy().update(torch.zeros(3), torch.zeros(2))


def test_a_metric_by_a_loss_s_class_gives_what_its_name_gives():
    prediction, target = torch.rand(2, 9, 3, dtype=torch.float64)
    named, made = get_metric("poisson"), get_metric(metrics.Poisson)
    for metric in (named, made):
        metric.update(prediction, target)
    assert torch.equal(named.compute(), made.compute())
    assert named.name == made.name
