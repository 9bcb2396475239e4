"""Loss: how wrong predictions are, as one number whose gradient trains a model."""

import re
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mica.errors import ConfigError, DataError, ShapeError
from mica.losses.targets import TargetKind, check_kind
from mica.nested import flatten
from mica.pairing import fit_weight
from mica.registry import Configurable
from mica.shapes import Shape, describe

__all__ = ["Loss", "Reduction", "mean_of_last_axis"]

Reduction = Literal[
    "sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"
]
_REDUCTIONS = get_args(Reduction)


def mean_of_last_axis(values: Tensor) -> Tensor:
    """Average over the last axis; values of shape (batch,) are per sample already.

    Args:
        values: One value per number of a prediction.

    Shape:
        values: (*batch, units) or (batch,)

    Returns:
        (*batch) or (batch,).

    Example:
        >>> mean_of_last_axis(torch.tensor([[1.0, 3.0]]))
        tensor([2.])
    """
    return values.mean(-1) if values.ndim > 1 else values


def _check_tensors(where: str, *given: Any) -> None:
    """Refuse arrays and lists of numbers; the rest is the loss's affair."""
    for value in given:
        kinds = (np.ndarray, np.generic, list, tuple, int, float)
        leaves = flatten(value)
        if isinstance(value, kinds) and not any(
            isinstance(leaf, Tensor) for leaf in leaves
        ):
            raise DataError(
                f"{where}: expected tensors, got {type(value).__name__}. Convert it "
                "with torch.as_tensor(...)."
            )


def _fit_mask(mask: Tensor, values: Tensor, where: str) -> Tensor:
    """The mask as one truth value for each of `values`."""
    if mask.shape != values.shape[: mask.ndim]:
        raise ShapeError(
            f"{where}: expected a mask of the leading axes of {describe(values.shape)},"
            f" got {describe(mask.shape)}. Give True for each entry that counts."
        )
    rest = (1,) * (values.ndim - mask.ndim)
    return mask.bool().reshape(*mask.shape, *rest).expand_as(values)


def _over(total: Tensor, amount: Tensor) -> Tensor:
    """Divide, and give 0 where the amount is 0, as in Keras."""
    return total / torch.where(amount == 0, torch.ones_like(amount), amount)


class Loss(Configurable, nn.Module):
    """How wrong predictions are: one number to make small.

    loss = sum_i weight_i * loss_i / (number of loss_i)

    To write a loss of your own, define `per_sample`. Arguments come in torch's order,
    prediction first. A loss is a `torch.nn.Module`; its result can be differentiated.

    Args:
        reduction: "sum_over_batch_size" (or "mean") divides the sum of the weighted
            losses by their number, "mean_with_sample_weight" by the sum of the
            weights, "sum" does not divide, "none" (or `None`) does not sum.
        name: What the loss is called in logs; `None` for the class's name.

    Shape:
        prediction: (batch, *rest)
        target: the same, or as the loss says
        sample_weight: (batch,) or any leading part of what `per_sample` gives
        mask: any leading part of what `per_sample` gives; True where an entry counts
        loss: (), or what `per_sample` gives when the reduction is "none"

    Raises:
        ConfigError: An unknown reduction.
        ShapeError: Prediction and target, or weights, do not fit; nothing is broadcast.
        DataError: A label that the loss cannot read.

    Example:
        >>> import torch
        >>> class Cubic(Loss):
        ...     def per_sample(self, prediction, target):
        ...         return ((prediction - target).abs() ** 3).mean(-1)
        >>> Cubic()(torch.tensor([[2.0], [1.0]]), torch.tensor([[0.0], [1.0]]))
        tensor(4.)
    """

    target_kind: ClassVar[TargetKind] = "any"
    # Whether there is a loss only where there is a target.
    needs_target: ClassVar[bool] = True

    def __init__(
        self,
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__()
        reduction = "none" if reduction is None else reduction
        if reduction not in _REDUCTIONS:
            raise ConfigError(
                f"{type(self).__name__}: expected a reduction out of "
                f"{', '.join(_REDUCTIONS)}, got {reduction!r}. Leave it out to average."
            )
        words = re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.where
        )
        self.reduction: Reduction = reduction
        self.name = words.lower() if name is None else name
        self._averages = reduction not in ("sum", "none")

    @property
    def where(self) -> str:
        """Who speaks in an error."""
        return type(self).__name__

    @property
    def folds(self) -> str | None:
        """The activation that `on_logits` makes unnecessary, "softmax" or "sigmoid"."""
        return None

    @property
    def reads_logits(self) -> bool:
        """Whether predictions must come before softmax or sigmoid."""
        return bool(getattr(self, "from_logits", None))

    def per_sample(self, prediction: Any, target: Any) -> Tensor:
        """Give the loss of each sample; a loss of your own defines this.

        Args:
            prediction: What the model gave.
            target: What it should have given.

        Returns:
            (batch, *rest): in most losses the prediction's shape without its last axis.

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{self.where}: expected a method per_sample(prediction, target), got "
            "none. Define it in the class."
        )

    def average(self, prediction: Any, target: Any) -> Tensor:
        """Average the loss over the batch: the step without weights, in few calls.

        Args:
            prediction: What the model gave.
            target: What it should have given.

        Returns:
            A number: the mean of what counts of `per_sample`.
        """
        values = self.per_sample(prediction, target)
        return self._reduce(values, self.counted(prediction, target), None)

    def counted(self, prediction: Any, target: Any) -> Tensor | None:
        """Tell which entries of `per_sample` count.

        Args:
            prediction: What the model gave.
            target: What it should have given.

        Returns:
            A boolean tensor of the shape of `per_sample`, or `None` when all count.
        """
        del prediction, target
        return None

    def on_logits(self) -> "Loss":
        """Give the same loss for a model whose last activation was taken off.

        Returns:
            A loss that reads what went into the activation named by `folds`.

        Raises:
            ConfigError: The loss folds no activation.
        """
        raise ConfigError(
            f"{self.where}: expected a loss that can be computed from logits, got one "
            "that cannot. Use a cross-entropy."
        )

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say what is wrong with targets; whole arrays at once, or after a failure.

        Args:
            prediction_shape: The model's output, `None` where it may vary.
            prediction_dtype: Its dtype.
            target: The targets.

        Raises:
            ConfigError: The predictions are not floating-point numbers.
            ShapeError: The shapes do not fit.
            DataError: A label that the loss cannot read.
        """
        check_kind(
            self.target_kind, self.where, prediction_shape, prediction_dtype, target
        )

    def _reduce(
        self, values: Tensor, counted: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Weigh and reduce `values` as `reduction` says."""
        if weight is not None:
            weight = fit_weight(weight, values, self.where)
            values = values * weight
        if counted is not None:  # whatever stands in padding, it adds nothing
            values = values.masked_fill(~counted, 0)
        if self.reduction == "none":
            return values
        if self.reduction == "sum":
            return values.sum()
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            weight = weight.expand_as(values)
            kept = weight if counted is None else weight * counted
            return _over(values.sum(), kept.sum())
        return values.mean() if counted is None else _over(values.sum(), counted.sum())

    def weighed(
        self,
        prediction: Any,
        target: Any,
        sample_weight: Tensor | None,
        mask: Tensor | None,
    ) -> Tensor:
        """Compute the loss of a batch with weights, a mask, or a reduction of its own.

        Args:
            prediction: What the model gave.
            target: What it should have given.
            sample_weight: How much each sample counts; `None` for all the same.
            mask: Which entries count; `None` for all.

        Returns:
            The reduced loss.

        Raises:
            ShapeError: Weights or mask do not fit.
        """
        values = self.per_sample(prediction, target)
        counted = self.counted(prediction, target)
        if mask is not None:
            mask = _fit_mask(mask, values, self.where)
            counted = mask if counted is None else mask & counted
        return self._reduce(values, counted, sample_weight)

    def forward(
        self,
        prediction: Any,
        target: Any = None,
        sample_weight: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Float[Tensor, "..."]:
        """Compute the loss of a batch.

        Args:
            prediction: What the model gave.
            target: What it should have given; `None` only for losses that need none.
            sample_weight: How much each sample counts; `None` for all the same.
            mask: Which entries count: the others add nothing, not even to the number
                that the sum is divided by. `None` for all.

        Returns:
            The reduced loss.

        Raises:
            ShapeError: Shapes that do not fit each other.
            DataError: A label that the loss cannot read; an array or list instead of
                a tensor; no target.
        """
        try:
            if sample_weight is None and mask is None and self._averages:
                return self.average(prediction, target)
            return self.weighed(prediction, target, sample_weight, mask)
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            # Now it may cost something to find the sentence.
            if target is None and self.needs_target:
                raise DataError(
                    f"{self.where}: expected a target, got none. Call the loss with "
                    "prediction and target."
                ) from None
            _check_tensors(self.where, prediction, target)
            if isinstance(prediction, Tensor) and isinstance(target, Tensor):
                self.check_target(prediction.shape, prediction.dtype, target)
            raise

    def __repr__(self) -> str:
        """Show the arguments and the parts inside, as torch does."""
        return nn.Module.__repr__(self)

    def extra_repr(self) -> str:
        """Show the arguments the loss was made with."""
        arguments = self.__dict__["_arguments"]
        return ", ".join(f"{key}={value!r}" for key, value in arguments.items())

    def _with(self, **changes: Any) -> "Loss":
        """The same loss with other arguments."""
        return type(self)(**{**self.__dict__["_arguments"], **changes})
