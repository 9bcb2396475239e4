"""Losses from elsewhere: torch's own and plain functions, with the face of ours."""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mica.errors import ConfigError
from mica.losses.loss import Loss, Reduction
from mica.losses.targets import TargetKind, check_kind
from mica.pairing import align, check_two_arguments, match, takes_target_first
from mica.shapes import Shape

__all__ = ["IGNORED_LABEL", "FunctionLoss", "TorchLoss"]

# What torch's losses expect of targets: the same words as for ours. Losses of a kind
# other than "classes" compare number with number: shapes are matched for them, where
# torch would broadcast.
_KINDS: dict[Any, TargetKind] = {
    nn.BCELoss: "binary",
    nn.BCEWithLogitsLoss: "binary",
    nn.HuberLoss: "real",
    nn.KLDivLoss: "real",
    nn.L1Loss: "real",
    nn.MSELoss: "real",
    nn.PoissonNLLLoss: "real",
    nn.SmoothL1Loss: "real",
    nn.SoftMarginLoss: "real",
    functional.binary_cross_entropy: "binary",
    functional.binary_cross_entropy_with_logits: "binary",
    functional.huber_loss: "real",
    functional.kl_div: "real",
    functional.l1_loss: "real",
    functional.mse_loss: "real",
    functional.poisson_nll_loss: "real",
    functional.smooth_l1_loss: "real",
    functional.soft_margin_loss: "real",
}
# These want the classes on axis 1, where Mica has them last.
_OF_CLASSES = (
    nn.CrossEntropyLoss,
    nn.NLLLoss,
    functional.cross_entropy,
    functional.nll_loss,
)
IGNORED_LABEL = -100  # torch's default of `ignore_index`


def _classes_second(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Labels as int64, and classes where torch's cross-entropy looks for them."""
    if target.ndim == prediction.ndim and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if target.ndim < prediction.ndim:
        target = target.long()
    if prediction.ndim < 3:
        return prediction, target
    if target.shape == prediction.shape:
        return prediction.movedim(-1, 1), target.movedim(-1, 1)
    torch_order = (prediction.shape[0], *prediction.shape[2:])
    if target.shape == prediction.shape[:-1] and target.shape != torch_order:
        return prediction.movedim(-1, 1), target
    return prediction, target


def _close_rank(prediction: Any, target: Any, where: str) -> tuple[Any, Any]:
    """Let (n, 1) meet (n,) in a function that would broadcast them, in one dtype."""
    if isinstance(prediction, Tensor) and isinstance(target, Tensor):
        ours, theirs = prediction.shape, target.shape
        if ours == (*theirs, 1) or theirs == (*ours, 1):
            target = align(prediction, target, where)
        if target.is_floating_point() and prediction.is_floating_point():
            target = target.to(prediction.dtype)
    return prediction, target


def _prepared(kind: Any, prediction: Any, target: Any, where: str) -> tuple[Any, Any]:
    """Prediction and target as the torch loss `kind` reads them."""
    if kind in _OF_CLASSES:
        return _classes_second(prediction, target)
    if kind in _KINDS:
        return match(prediction, target, where)
    return _close_rank(prediction, target, where)


def _check_foreign(
    kind: Any,
    where: str,
    shape: Shape,
    dtype: torch.dtype,
    target: Tensor,
    ignored: int,
) -> None:
    """The checks of our own loss of the same kind; soft labels are left to torch."""
    if kind in _KINDS:
        check_kind(_KINDS[kind], where, shape, dtype, target)
    elif kind in _OF_CLASSES and len(shape) == 2 and not target.is_floating_point():
        check_kind("classes", where, shape, dtype, target, ignore_class=ignored)


def _unweighable(where: str) -> ConfigError:
    return ConfigError(
        f"{where}: expected a loss with one value per sample to apply sample weights "
        "to, got a single number. Train without weights, or return one value per "
        "sample."
    )


class TorchLoss(Loss):
    """A loss of `torch.nn`, or any module of (prediction, target), as a `Loss`.

    loss = module(prediction, target)

    Losses that compare number with number get targets of the prediction's shape and
    dtype; classes may stand on the last axis, as everywhere in Mica, or on axis 1.
    With sample weights the module is asked for one value per sample and the weighted
    values are divided by their number.

    Args:
        module: The loss.
        name: As in `Loss`; `None` for the module's class name.

    Shape:
        prediction: as the module wants it
        target: as the module wants it
        loss: (), or what the module gives

    Raises:
        ConfigError: Sample weights for a module that cannot give one value per sample.
        ShapeError: The shapes differ where they must not.

    Example:
        >>> import torch
        >>> loss = TorchLoss(torch.nn.MSELoss())
        >>> loss(torch.zeros(3, 1), torch.tensor([1, 2, 3]))
        tensor(4.6667)

    Source:
        The module's own.
    """

    def __init__(self, module: nn.Module, *, name: str | None = None) -> None:
        super().__init__(name=name or type(module).__name__)
        self.module = module
        self._kind = type(module)
        self._per_sample: nn.Module | None = None
        if hasattr(module, "reduction"):
            self._per_sample = copy.copy(module)
            self._per_sample.__dict__["reduction"] = "none"

    @property
    def where(self) -> str:
        """Who speaks in an error: the wrapped class, once there is one."""
        module = self._modules.get("module") if "_modules" in self.__dict__ else None
        return type(self if module is None else module).__name__

    @property
    def reads_classes(self) -> bool:
        """Whether targets are numbers of classes, some of which may not count."""
        return self._kind in _OF_CLASSES

    @property
    def reads_logits(self) -> bool:
        """Whether predictions must come before softmax or sigmoid."""
        return isinstance(self.module, (nn.CrossEntropyLoss, nn.BCEWithLogitsLoss))

    def average(self, prediction: Any, target: Any) -> Tensor:
        """Call the module; its own reduction counts."""
        prediction, target = _prepared(self._kind, prediction, target, self.where)
        return self.module(prediction, target)

    def per_sample(self, prediction: Any, target: Any) -> Tensor:
        """Call the module without its reduction."""
        if self._per_sample is None:
            raise _unweighable(self.where)
        prediction, target = _prepared(self._kind, prediction, target, self.where)
        return self._per_sample(prediction, target)

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say what is wrong with targets, for the losses of torch that we know."""
        ignored = getattr(self.module, "ignore_index", IGNORED_LABEL)
        shape, dtype = prediction_shape, prediction_dtype
        _check_foreign(self._kind, self.where, shape, dtype, target, ignored)


class FunctionLoss(Loss):
    """A plain function as a `Loss`.

    loss = mean of function(prediction, target), weighted by the sample weights

    The function is called (target, prediction) when its parameters are named so
    (`y_true, y_pred`, `labels, output`, ...), else (prediction, target). It may return
    one value per sample, or one number. (n, 1) meets (n,) without broadcasting.

    Args:
        function: A function of prediction and target.
        reduction: As in `Loss`.
        name: As in `Loss`; `None` for the function's name.

    Shape:
        prediction: as the function wants it
        target: as the function wants it
        loss: (), or what the function gives without reduction

    Raises:
        ConfigError: Sample weights for a function that returns one number; a function
            of other than two arguments, or whose value is no tensor or has no gradient.

    Example:
        >>> import torch
        >>> def cubic(y_true, y_pred):
        ...     return (y_true - y_pred).abs() ** 3
        >>> FunctionLoss(cubic)(torch.zeros(2, 1), torch.tensor([1, 2]))
        tensor(4.5000)

    Source:
        The function's own.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        kind = function
        while isinstance(kind, functools.partial):
            kind = kind.func
        super().__init__(
            reduction=reduction, name=name or getattr(kind, "__name__", None)
        )
        self.function = function
        self._kind = kind
        check_two_arguments(function, self.where)
        self._target_first = takes_target_first(function)
        self._unreduced = _without_reduction(kind, function)

    @property
    def where(self) -> str:
        """Who speaks in an error: the function."""
        return getattr(self.__dict__.get("_kind", self), "__name__", "FunctionLoss")

    @property
    def reads_classes(self) -> bool:
        """Whether targets are numbers of classes, some of which may not count."""
        return self._kind in _OF_CLASSES

    @property
    def reads_logits(self) -> bool:
        """Whether predictions must come before softmax or sigmoid."""
        return self._kind in (
            functional.cross_entropy,
            functional.binary_cross_entropy_with_logits,
        )

    def _call(
        self, function: Callable[..., Tensor], prediction: Any, target: Any
    ) -> Tensor:
        first, second = _prepared(self._kind, prediction, target, self.where)
        if self._target_first:
            first, second = second, first
        value = function(first, second)
        if not isinstance(value, Tensor):
            raise ConfigError(
                f"{self.where}: expected a function that returns a tensor, got "
                f"{type(value).__name__}. Compute with torch on what it is given, and "
                "return the result."
            )
        learns = isinstance(prediction, Tensor) and prediction.requires_grad
        if learns and not value.requires_grad and torch.is_grad_enabled():
            raise ConfigError(
                f"{self.where}: expected a value computed from the predictions with "
                "torch, got one without a gradient. Leave out detach(), item(), "
                "rounding and the like."
            )
        return value

    def average(self, prediction: Any, target: Any) -> Tensor:
        """Call the function and average what it gives."""
        value = self._call(self.function, prediction, target)
        return value.mean() if value.ndim else value

    def per_sample(self, prediction: Any, target: Any) -> Tensor:
        """Call the function; it must give more than one number."""
        values = self._call(self._unreduced, prediction, target)
        if values.ndim == 0:
            raise _unweighable(self.where)
        return values

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say what is wrong with targets, for the functions of torch that we know."""
        options = getattr(self.function, "keywords", {})
        ignored = options.get("ignore_index", IGNORED_LABEL)
        shape, dtype = prediction_shape, prediction_dtype
        _check_foreign(self._kind, self.where, shape, dtype, target, ignored)


def _without_reduction(
    kind: Callable[..., Tensor], function: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    """Torch's functions can be asked for one value per sample."""
    try:
        reduces = "reduction" in inspect.signature(kind).parameters
    except (TypeError, ValueError):  # some built-in functions do not tell
        return function
    return functools.partial(function, reduction="none") if reduces else function
