"""Predictions meet targets without broadcasting; weights and names are understood."""

import functools
import re

import pytest
import torch

from mica.errors import ShapeError
from mica.pairing import align, fit_weight, match, takes_target_first, widen


@pytest.mark.parametrize(
    ("prediction", "target"),
    [((4,), (4,)), ((4, 1), (4,)), ((4,), (4, 1)), ((4, 3, 1), (4, 3)), ((), ())],
)
def test_a_target_takes_the_shape_of_its_prediction(prediction, target):
    aligned = align(torch.zeros(prediction), torch.zeros(target), "loss")
    assert aligned.shape == prediction


@pytest.mark.parametrize(
    ("prediction", "target", "sentence"),
    [
        (
            (4, 3),
            (4,),
            "loss: expected targets of the predictions' shape (4, 3), got (4,). Give "
            "the last layer 1 unit.",
        ),
        (
            (4, 3),
            (4, 2),
            "loss: expected targets of the predictions' shape (4, 3), got (4, 2). Give "
            "the last layer 2 units.",
        ),
        (
            (4, 1),
            (5,),
            "loss: expected targets of the predictions' shape (4, 1), got (5,). Give "
            "the model outputs of the targets' shape.",
        ),
    ],
)
def test_shapes_that_differ_are_not_broadcast(prediction, target, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        align(torch.zeros(prediction), torch.zeros(target), "loss")


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(half):
    pair = match(torch.zeros(2, dtype=half), torch.zeros(2, dtype=half), "loss")
    assert [tensor.dtype for tensor in pair] == [torch.float32] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_target_takes_the_dtype_of_its_prediction(dtype):
    _, target = match(torch.zeros(2, dtype=dtype), torch.tensor([0, 1]), "loss")
    assert target.dtype is dtype


def test_wide_predictions_are_not_copied():
    prediction = torch.zeros(2)
    assert widen(prediction) is prediction


@pytest.mark.parametrize(
    ("weight", "values", "fitted"),
    [
        ((4,), (4,), (4,)),
        ((4,), (4, 7), (4, 1)),
        ((4,), (4, 4), (4, 1)),
        ((4, 1), (4,), (4,)),
        ((4, 1), (4, 7), (4, 1)),
        ((4, 7), (4, 7, 2), (4, 7, 1)),
        ((4, 7, 1), (4, 7), (4, 7)),
        ((), (4, 7), (1, 1)),
    ],
)
def test_weights_belong_to_the_leading_axes(weight, values, fitted):
    shaped = fit_weight(torch.ones(weight), torch.zeros(values), "loss")
    assert shaped.shape == fitted


@pytest.mark.parametrize("weight", [(7,), (7, 4), (5,)])
def test_weights_of_another_shape_are_refused(weight):
    sentence = (
        f"loss: expected sample weights of shape (4,), one per sample, got "
        f"{tuple(weight)}. Give one weight per row of the data."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        fit_weight(torch.ones(weight), torch.zeros(4, 7), "loss")


def keras_style(y_true, y_pred): ...


def half_named(truth, guess): ...


def other_half_named(a, y_pred): ...


def torch_style(input, target): ...  # noqa: A002  # torch's name for it


def unnamed(a, b): ...


def single(x): ...


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (keras_style, True),
        (half_named, True),
        (other_half_named, True),
        (torch_style, False),
        (unnamed, False),
        (single, False),
        (functools.partial(keras_style), True),
        (torch.nn.functional.mse_loss, False),
        (torch.dist, False),
    ],
)
def test_the_order_of_arguments_is_read_from_their_names(function, answer):
    assert takes_target_first(function) is answer
