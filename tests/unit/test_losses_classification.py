"""Cross-entropies: one fused call, logits or probabilities, ignored classes."""

import math
import re
from itertools import product

import pytest
import torch
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from tests.tolerances import assert_close

BINARY, CATEGORICAL, SPARSE = (
    losses.BinaryCrossentropy,
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
)
LABELS = torch.tensor([0, 2])
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, -2.0]])


def torch_calls(run) -> list[str]:
    """The outermost operators that `run` calls."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        run()
    return [event.name for event in record.events() if event.cpu_parent is None]


@pytest.mark.parametrize(
    ("loss", "target", "operator"),
    [
        (SPARSE(from_logits=True), LABELS, "aten::cross_entropy_loss"),
        (
            BINARY(from_logits=True),
            torch.rand(2, 3),
            "aten::binary_cross_entropy_with_logits",
        ),
        (losses.MeanSquaredError(), torch.rand(2, 3), "aten::mse_loss"),
    ],
)
def test_a_training_step_makes_one_call(loss, target, operator):
    calls = torch_calls(lambda: loss(LOGITS, target))
    work = [name for name in calls if name.startswith("aten::")]
    # mse_loss asks torch to broadcast tensors of one shape first: views, no work.
    assert [name for name in work if "broadcast" not in name] == [operator]


@pytest.mark.parametrize("kind", [SPARSE, CATEGORICAL])
def test_none_means_probabilities_in_a_direct_call(kind):
    shares = LOGITS.softmax(-1)
    target = LABELS if kind is SPARSE else functional.one_hot(LABELS, 3)
    assert_close(kind()(shares, target), kind(from_logits=False)(shares, target))
    assert_close(kind()(shares, target), kind(from_logits=True)(LOGITS, target))


@pytest.mark.parametrize(
    ("kind", "activation"),
    [(BINARY, "sigmoid"), (CATEGORICAL, "softmax"), (SPARSE, "softmax")],
)
def test_a_cross_entropy_names_the_activation_it_folds(kind, activation):
    assert kind().folds == activation
    assert kind(from_logits=True).folds is None


@pytest.mark.parametrize("kind", [BINARY, CATEGORICAL, SPARSE])
def test_on_logits_keeps_all_other_arguments(kind):
    loss = kind(label_smoothing=0.1, reduction="sum", name="mine")
    assert loss.on_logits().config() == {
        "label_smoothing": 0.1,
        "reduction": "sum",
        "name": "mine",
        "from_logits": True,
    }
    assert loss.config()["name"] == "mine"
    assert "from_logits" not in loss.config()


@pytest.mark.parametrize("kind", [BINARY, CATEGORICAL, SPARSE])
@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2.0])
def test_label_smoothing_out_of_range_is_refused(kind, smoothing):
    sentence = (
        f"{kind.__name__}: expected label_smoothing from 0 to below 1, got "
        f"{smoothing}. 0.1 is a usual value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(label_smoothing=smoothing)


@pytest.mark.parametrize("from_logits", [True, False])
def test_ignored_labels_count_nowhere(from_logits):
    prediction = LOGITS if from_logits else LOGITS.softmax(-1)
    loss = SPARSE(from_logits=from_logits, ignore_class=255)
    kept = SPARSE(from_logits=from_logits)(prediction[:1], LABELS[:1])
    assert_close(loss(prediction, torch.tensor([0, 255])), kept)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_batch_of_ignored_labels_teaches_nothing(from_logits, weighted):
    prediction = LOGITS.softmax(-1).requires_grad_()
    loss = SPARSE(from_logits=from_logits, ignore_class=-1)
    weight = torch.ones(2) if weighted else None
    value = loss(prediction, torch.tensor([-1, -1]), weight)
    value.backward()
    assert value.item() == 0
    assert prediction.grad.abs().sum().item() == 0


def test_torchs_own_ignored_label_is_not_ignored():
    sentence = (
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got -100 at "
        "row 1. Number the classes from 0."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        SPARSE(from_logits=True)(LOGITS, torch.tensor([0, -100]))


def test_labels_per_pixel_need_no_reshaping():
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    labels = torch.randint(5, (2, 3, 4))
    expected = functional.cross_entropy(logits.reshape(-1, 5), labels.reshape(-1))
    assert_close(SPARSE(from_logits=True)(logits, labels), expected)
    assert_close(SPARSE(from_logits=True)(logits, labels.unsqueeze(-1)), expected)


@pytest.mark.parametrize("per_sample", [False, True])
def test_labels_in_another_order_of_axes_are_refused(per_sample):
    weight = torch.ones(()) if per_sample else None
    sentence = (
        "SparseCategoricalCrossentropy: expected integer labels of shape (2, 3) for "
        "predictions of shape (2, 3, 4), got (3, 2). Give one label per prediction."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        SPARSE(from_logits=True)(
            torch.zeros(2, 3, 4), torch.zeros(3, 2, dtype=torch.long), weight
        )


@pytest.mark.parametrize("kind", [BINARY, CATEGORICAL])
def test_smoothing_moves_labels_towards_even_chances(kind):
    rows = torch.tensor([[1.0, 0.0]])
    logits = torch.tensor([[3.0, -1.0]])
    smooth = kind(from_logits=True, label_smoothing=0.2)(logits, rows)
    moved = kind(from_logits=True)(logits, torch.tensor([[0.9, 0.1]]))
    assert_close(smooth, moved)


@pytest.mark.parametrize("kind", [BINARY, CATEGORICAL, SPARSE])
def test_a_certain_mistake_has_a_finite_loss(kind):
    prediction = torch.tensor([[1.0, 0.0]], requires_grad=True)
    target = torch.tensor([1]) if kind is SPARSE else torch.tensor([[0.0, 1.0]])
    loss = kind()(prediction, target)
    loss.backward()
    assert math.isfinite(loss.item())
    assert prediction.grad.isfinite().all()


def captured(loss, *arguments) -> torch.Tensor:
    """The loss as one graph: `fullgraph` refuses to leave a part of it to Python."""
    torch.compiler.reset()
    return torch.compile(loss, fullgraph=True, backend="eager")(*arguments)


@pytest.mark.untyped
def test_losses_are_captured_whole_by_torch_compile():
    shares, rows = LOGITS.sigmoid(), functional.one_hot(LABELS, 3)
    kinds = [BINARY, CATEGORICAL, SPARSE, losses.MeanSquaredError, losses.Hinge]
    differ = []
    for kind, weight in product(kinds, [None, torch.tensor([0.5, 2.0])]):
        loss, target = kind(), LABELS if kind is SPARSE else rows
        value = captured(loss, shares, target, weight)
        if not value.equal(loss(shares, target, weight)):
            differ.append((kind, weight))
    assert differ == []
