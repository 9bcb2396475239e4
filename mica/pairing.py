"""Predictions meet targets: shapes without broadcasting, weights, argument order."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.shapes import describe

__all__ = [
    "align",
    "check_two_arguments",
    "detached",
    "fit_weight",
    "match",
    "takes_target_first",
    "widen",
]

_HALF = frozenset({torch.float16, torch.bfloat16})
_TARGET_WORDS = frozenset(
    "y_true target targets label labels true truth expected".split()
)
_PREDICTION_WORDS = frozenset(
    "y_pred y_hat yhat prediction predictions predicted preds pred output outputs "
    "input inputs logits".split()
)


def _units_advice(prediction: torch.Size, target: torch.Size) -> str:
    """The remedy for targets that hold another number of values per sample."""
    if len(prediction) == len(target) and prediction[:-1] == target[:-1]:
        return f"Give the last layer {target[-1]} units."
    if len(prediction) == len(target) + 1 and prediction[:-1] == target:
        return "Give the last layer 1 unit."
    return "Give the model outputs of the targets' shape."


def align(prediction: Tensor, target: Tensor, where: str) -> Tensor:
    """View `target` in the shape of `prediction`; nothing is ever broadcast.

    A last axis of size 1 may be missing on either side: (n, 1) meets (n,).

    Args:
        prediction: What the model gave.
        target: What it should have given.
        where: Who asks, for the error.

    Shape:
        prediction: (*shape)
        target: (*shape), or with one last axis of size 1 more or less

    Returns:
        A view of the target, of the prediction's shape.

    Raises:
        ShapeError: The shapes differ by more than a last axis of size 1.

    Example:
        >>> import torch
        >>> align(torch.zeros(4, 1), torch.ones(4), "loss").shape
        torch.Size([4, 1])
    """
    if prediction.shape == target.shape:
        return target
    if prediction.shape == (*target.shape, 1):
        return target.unsqueeze(-1)
    if target.shape == (*prediction.shape, 1):
        return target.squeeze(-1)
    raise ShapeError(
        f"{where}: expected targets of the predictions' shape "
        f"{describe(prediction.shape)}, got {describe(target.shape)}. "
        f"{_units_advice(prediction.shape, target.shape)}"
    )


def widen(prediction: Tensor) -> Tensor:
    """Compute in at least 32 bits: half precision becomes float32.

    Args:
        prediction: A tensor of any dtype.

    Returns:
        The tensor itself, or its values in float32.

    Example:
        >>> import torch
        >>> widen(torch.zeros(2, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return prediction.float() if prediction.dtype in _HALF else prediction


def match(prediction: Tensor, target: Tensor, where: str) -> tuple[Tensor, Tensor]:
    """Give prediction and target one shape and one dtype of at least 32 bits.

    Args:
        prediction: What the model gave.
        target: What it should have given, of any dtype.
        where: Who asks, for the error.

    Shape:
        prediction: (*shape)
        target: (*shape), or with one last axis of size 1 more or less

    Returns:
        Both, in the prediction's dtype; half precision is widened to float32.

    Raises:
        ShapeError: The shapes differ by more than a last axis of size 1.

    Example:
        >>> import torch
        >>> pair = match(torch.zeros(2, 1).bfloat16(), torch.tensor([0, 1]), "loss")
        >>> [tensor.dtype for tensor in pair]
        [torch.float32, torch.float32]
    """
    if prediction.shape != target.shape:
        target = align(prediction, target, where)
    prediction = widen(prediction)
    if target.dtype is not prediction.dtype:
        target = target.to(prediction.dtype)
    return prediction, target


def fit_weight(weight: Tensor, values: Tensor, where: str) -> Tensor:
    """Shape sample weights to multiply `values` along the leading axes.

    Args:
        weight: One weight per sample, per step, per pixel, or one for all.
        values: What is weighted.
        where: Who asks, for the error.

    Shape:
        weight: () or (batch,) or any leading part of the values' shape; trailing axes
            of size 1 do not count
        values: (batch, *rest)

    Returns:
        The weights with axes of size 1 after their own, in the values' dtype when
        that is floating.

    Raises:
        ShapeError: The weights are not a leading part of the values' shape.

    Example:
        >>> import torch
        >>> fit_weight(torch.ones(4), torch.zeros(4, 7), "loss").shape
        torch.Size([4, 1])
    """
    shape = weight.shape
    while len(shape) and shape[-1] == 1 and shape != values.shape[: len(shape)]:
        shape = shape[:-1]
    if shape != values.shape[: len(shape)]:
        raise ShapeError(
            f"{where}: expected sample weights of shape "
            f"{describe(values.shape[:1])}, one per sample, got "
            f"{describe(weight.shape)}. Give one weight per row of the data."
        )
    if values.is_floating_point():
        weight = weight.to(values.dtype)
    return weight.reshape(shape + (1,) * (values.ndim - len(shape)))


def takes_target_first(function: Callable[..., Any]) -> bool:
    """Whether a user's function wants (target, prediction), read from its names.

    Args:
        function: A function of a prediction and a target. Parameters called
            `y_true`, `target`, `labels`, ... and `y_pred`, `prediction`, `output`,
            `input`, ... are recognised.

    Returns:
        True for Keras's order; False for torch's, and when the names do not say.

    Example:
        >>> takes_target_first(lambda y_true, y_pred: y_pred - y_true)
        True
        >>> takes_target_first(lambda a, b: a - b)
        False
    """
    try:
        names = list(inspect.signature(function).parameters)[:2]
    except (TypeError, ValueError):  # some built-in functions do not tell
        return False
    if len(names) < 2:
        return False
    first, second = names
    return first in _TARGET_WORDS or (
        second in _PREDICTION_WORDS and first not in _PREDICTION_WORDS
    )


def check_two_arguments(function: Callable[..., Any], where: str) -> None:
    """Demand a function that can be called with a prediction and a target.

    Args:
        function: A user's loss or metric.
        where: Who asks, for the error.

    Raises:
        ConfigError: It takes fewer or more.

    Example:
        >>> check_two_arguments(lambda y_true, y_pred: y_pred - y_true, "loss")
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise ConfigError(
            f"{where}: expected a function of two arguments, got one of {signature}. "
            "Write def function(y_true, y_pred): ... and return a tensor."
        ) from error


def detached(prediction: Any, where: str) -> Tensor:
    """Give predictions without their graph; `predict` gives arrays, which have none.

    Args:
        prediction: What the model gave.
        where: Who asks, for the error.

    Returns:
        The same values.

    Raises:
        DataError: It is no tensor.

    Example:
        >>> import torch
        >>> detached(torch.ones(1, requires_grad=True), "auc")
        tensor([1.])
    """
    try:
        return prediction.detach()
    except AttributeError as error:
        raise DataError(
            f"{where}: expected predictions as a tensor, got "
            f"{type(prediction).__name__}. Convert predictions and targets with "
            "torch.as_tensor(...)."
        ) from error
