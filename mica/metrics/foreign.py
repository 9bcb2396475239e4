"""Metrics from elsewhere: plain functions, losses, and objects like torchmetrics'."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.metric import MeanMetric, Metric
from mica.pairing import (
    align,
    check_two_arguments,
    detached,
    fit_weight,
    takes_target_first,
)

__all__ = ["ForeignMetric", "FunctionMetric", "LossMetric", "PerSampleLoss"]


class FunctionMetric(MeanMetric):
    """The mean of a plain function over all samples.

    metric = sum_i w_i function_i / sum_i w_i

    The function is called (target, prediction) when its parameters are named so
    (`y_true, y_pred`, `labels, output`, ...), else (prediction, target). It may return
    one value per sample, or one number for the batch, which then counts as many times
    as the batch has samples: exact for means, not for ratios such as precision.
    (n, 1) meets (n,) without broadcasting.

    Range: the function's own.

    Args:
        function: A function of prediction and target.
        name: As in `Metric`; `None` for the function's name.

    Shape:
        prediction: as the function wants it
        target: as the function wants it

    Raises:
        ConfigError: A function of other than two arguments, or whose value is none.

    Example:
        >>> def cubic(y_true, y_pred):
        ...     return (y_true - y_pred).abs() ** 3
        >>> metric = FunctionMetric(cubic)
        >>> metric.update(torch.zeros(2, 1), torch.tensor([1.0, 2.0]))
        >>> metric.compute().item()
        4.5

    Source:
        The function's own.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str | None = None
    ) -> None:
        kind = function
        while isinstance(kind, functools.partial):
            kind = kind.func
        super().__init__(name=name or getattr(kind, "__name__", type(kind).__name__))
        self.function = function
        check_two_arguments(function, self.name)
        self._target_first = takes_target_first(function)

    def _call(self, prediction: Any, target: Any) -> Tensor:
        if isinstance(prediction, Tensor) and isinstance(target, Tensor):
            ours, theirs = prediction.shape, target.shape
            if ours == (*theirs, 1) or theirs == (*ours, 1):
                target = align(prediction, target, self.name)
        if self._target_first:
            value = self.function(target, prediction)
        else:
            value = self.function(prediction, target)
        try:
            return torch.as_tensor(value)
        except (RuntimeError, TypeError) as error:
            raise ConfigError(
                f"{self.name}: expected a function that returns a number or one value "
                f"per sample, got {type(value).__name__}. Compute with torch and "
                "return the result."
            ) from error

    def values(self, prediction: Any, target: Any) -> Tensor:
        """Call the function; one number stands for every sample of the batch."""
        values = self._call(prediction, target).detach()
        return values.expand(len(prediction)) if values.ndim == 0 else values

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Add the function's values of one batch."""
        if sample_weight is None:
            super().update(prediction, target)
            return
        values = self._call(detached(prediction, self.name), target)
        if values.ndim == 0:
            raise ConfigError(
                f"{self.name}: expected a function with one value per sample to apply "
                "sample weights to, got a single number. Return one value per sample."
            )
        self.add_weighted(values, fit_weight(sample_weight, values, self.name))


@runtime_checkable
class PerSampleLoss(Protocol):
    """What a loss must offer to be a metric: its value for each sample."""

    name: str

    def per_sample(self, prediction: Any, target: Any) -> Tensor:
        """Give the loss of each sample."""
        ...

    def counted(self, prediction: Any, target: Any) -> Tensor | None:
        """Tell which values count, `None` for all."""
        ...


class LossMetric(MeanMetric):
    """The mean of a loss over all samples.

    metric = sum_i w_i loss_i / sum_i w_i

    Range: the loss's own, lower is better.

    Args:
        loss: A `mica.losses.Loss`.
        name: As in `Metric`; `None` for the loss's name.

    Shape:
        prediction: as the loss wants it
        target: as the loss wants it

    Example:
        >>> from mica.losses import Huber
        >>> metric = LossMetric(Huber())
        >>> metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        >>> metric.compute().item()
        0.75

    Source:
        The loss's own.
    """

    higher_is_better: ClassVar[bool | None] = False

    def __init__(self, loss: PerSampleLoss, *, name: str | None = None) -> None:
        super().__init__(name=name or loss.name)
        self.loss = loss

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Add the losses of one batch."""
        prediction = detached(prediction, self.name)
        values = self.loss.per_sample(prediction, target)
        counted = self.loss.counted(prediction, target)
        weight = torch.ones_like(values)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, values, self.name)
        self.add_weighted(values, weight if counted is None else weight * counted)


class ForeignMetric(Metric):
    """An object with `update`, `compute` and `reset`, such as torchmetrics' have.

    metric = what the object computes

    Range: the object's own.

    Args:
        metric: The object; `update` is called (prediction, target). One that has a
            method `to` follows the predictions to their device.
        name: As in `Metric`; `None` for the object's class name.

    Shape:
        prediction: as the object wants it
        target: as the object wants it

    Raises:
        ConfigError: Sample weights, which other libraries do not take; or a value of
            several numbers.

    Example:
        >>> class Largest:
        ...     def reset(self): self.value = 0.0
        ...     def update(self, prediction, target): self.value = prediction.max()
        ...     def compute(self): return self.value
        >>> metric = ForeignMetric(Largest())
        >>> metric.update(torch.tensor([1.0, 3.0]), torch.zeros(2))
        >>> metric.compute().item()
        3.0

    Source:
        The object's own.
    """

    def __init__(self, metric: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.metric = metric
        if name is None:
            self.name = getattr(metric, "name", None) or type(metric).__name__
        self._device: torch.device | None = None
        metric.reset()

    def reset(self) -> None:
        """Reset the object."""
        self.metric.reset()

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Show the object one batch."""
        if sample_weight is not None:
            raise ConfigError(
                f"{self.name}: expected no sample weights, got some: metrics from "
                "other libraries do not take them. Use a metric of Mica, or train "
                "without weights."
            )
        prediction = detached(prediction, self.name)
        self._follow(prediction.device)
        self.metric.update(prediction, target)

    def _follow(self, device: torch.device) -> None:
        """Bring an object that keeps tensors to where the predictions are."""
        if device != self._device:
            if hasattr(self.metric, "to"):
                self.metric.to(device)
            self._device = device

    def compute(self) -> Tensor:
        """Ask the object."""
        value = self.metric.compute()
        if isinstance(value, dict) or (
            isinstance(value, Tensor) and value.numel() != 1
        ):
            shown = "several"
            if isinstance(value, Tensor):
                shown = f"a tensor of shape {tuple(value.shape)}"
            raise ConfigError(
                f"{self.name}: expected one number, got {shown}. Let the object average"
                " them, or give its metrics one by one."
            )
        value = torch.as_tensor(value)
        return value.reshape(()) if value.ndim else value

    def merge(self, other: Metric) -> None:
        """Refuse: only the object knows how to merge.

        Args:
            other: Another metric.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"{self.name}: expected a metric of Mica to merge with {other.name}, got "
            "one of another library. Let that library synchronise it."
        )
