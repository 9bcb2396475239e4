"""The quantile loss: to predict a number that a given share of targets stays below."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.losses.loss import Loss, Reduction, mean_of_last_axis
from mica.losses.targets import TargetKind, check_kind
from mica.pairing import match, widen
from mica.shapes import Shape, describe

__all__ = ["Quantile"]


class Quantile(Loss):
    """The pinball loss: its least value is at a quantile of the targets.

    loss = mean over units of max(q e, (q - 1) e), e = target - prediction

    With one quantile (0.5 is the median) every unit predicts it. With several, the
    last layer has one unit for each, all for the same target: an interval of 80 % is
    ``Quantile([0.1, 0.9])`` on two units.

    Args:
        quantiles: A number between 0 and 1, or a list of them.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,); (*batch, quantiles) with several
        target: the same, up to a last axis of size 1; (*batch) or (*batch, 1) with
            several quantiles
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: A quantile is not between 0 and 1, or there is none.
        ShapeError: The shapes differ, or there is not one unit for each quantile.

    Example:
        >>> import torch
        >>> loss = Quantile([0.1, 0.9])
        >>> loss(torch.tensor([[1.0, 5.0]]), torch.tensor([3.0]))
        tensor(0.2000)

    Source:
        Koenker & Bassett 1978, Regression quantiles.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def __init__(
        self,
        quantiles: float | Sequence[float] = 0.5,
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        listed = [quantiles] if isinstance(quantiles, (int, float)) else [*quantiles]
        if not listed or not all(0 < each < 1 for each in listed):
            raise ConfigError(
                f"Quantile: expected quantiles between 0 and 1, got {quantiles!r}. 0.5 "
                "is the median."
            )
        self.quantiles = [float(each) for each in listed]
        self._per_unit = not isinstance(quantiles, (int, float))

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say which shapes do not fit; one target meets all quantiles."""
        shape = prediction_shape
        if self._per_unit:
            self._check_units(shape)
            shape = (*shape[:-1], 1)
        check_kind(self.target_kind, self.where, shape, prediction_dtype, target)

    def _check_units(self, shape: Shape) -> None:
        count = len(self.quantiles)
        if len(shape) < 2 or shape[-1] != count:
            raise ShapeError(
                f"Quantile: expected predictions of shape (..., {count}), one for each "
                f"quantile, got {describe(shape)}. Give the last layer {count} units."
            )

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        if not self._per_unit:
            prediction, target = match(prediction, target, self.where)
            share = self.quantiles[0]
            error = target - prediction
            return mean_of_last_axis(torch.maximum(share * error, (share - 1) * error))
        self._check_units(prediction.shape)
        prediction = widen(prediction)
        _, target = match(prediction[..., :1], target, self.where)
        shares = torch.tensor(
            self.quantiles, dtype=prediction.dtype, device=prediction.device
        )
        error = target - prediction
        return torch.maximum(shares * error, (shares - 1) * error).mean(-1)
