"""CTC: labels in order, without knowing at which steps they stand."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, DataError, ShapeError
from mica.losses.loss import Loss, Reduction
from mica.pairing import widen
from mica.shapes import Shape, describe

__all__ = ["CTC"]


def _steps_needed(labels: Tensor, real: Tensor) -> Tensor:
    """One step for each label, and one blank between two that are the same."""
    twins = (labels[:, 1:] == labels[:, :-1]) & real[:, 1:]
    return real.sum(-1) + twins.sum(-1)


class CTC(Loss):
    """Chance of a row of labels, summed over all ways to spread it over the steps.

    loss = -log sum over paths of prod over steps of softmax(prediction)[step, path],
    a path being the labels in order, each held for one step or more, with blanks
    between them where one likes (and where two neighbours are the same)

    For speech and handwriting, where nobody marked which sound belongs to which
    label. Lists of labels end in padding: blanks, or negative numbers. Where inputs
    have different lengths, give ``(prediction, lengths)`` in place of the prediction;
    steps from a length on are not looked at.

    NOTE: torch asks the device for the lengths, so a step on a GPU waits once.

    Args:
        blank: The class that means "no label here".
        zero_infinity: Whether a sample with more labels than its steps can hold costs
            0 and teaches nothing, instead of infinity.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, time, classes): logits, or (logits, lengths)
        target: (batch, labels): whole numbers, padded at the end
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``blank`` is below 0.
        ShapeError: Predictions without a time axis, or targets of another batch.
        DataError: A label that is no class; before training also padding before a
            label, and rows with more labels than steps.

    Example:
        >>> import torch
        >>> CTC()(torch.zeros(1, 2, 3), torch.tensor([[1, 0]]))
        tensor(1.0986)

    Source:
        Graves et al. 2006, Connectionist temporal classification, eqs. 3 and 14.
        Blank and padding 0 as in Keras 3.
    """

    def __init__(
        self,
        *,
        blank: int = 0,
        zero_infinity: bool = False,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if isinstance(blank, bool) or not blank >= 0:
            raise ConfigError(
                f"CTC: expected blank to be a class from 0 on, got {blank!r}. 0 is "
                "Keras's and torch's."
            )
        self.blank = blank
        self.zero_infinity = zero_infinity

    @property
    def reads_logits(self) -> bool:
        """Whether predictions must come before the softmax: always."""
        return True

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say which label is no class, and which row has too many labels."""
        self._check_shapes(prediction_shape, target)
        time, classes = prediction_shape[-2:]
        real = self._real(target)
        if classes is not None:
            self._check_range(classes, target)
        late = real[:, 1:] & ~real[:, :-1]
        if late.any():
            row, place = (int(index) for index in late.nonzero()[0])
            raise DataError(
                f"CTC: expected padding only after the labels, got a label at row {row}"
                f", position {place + 1} after padding. Move the labels to the front."
            )
        needed = _steps_needed(target, real)
        if time is not None and (needed > time).any():
            row = int((needed > time).nonzero()[0])
            raise DataError(
                f"CTC: expected labels that fit into {time} steps, got "
                f"{int(real[row].sum())} labels at row {row}, which need "
                f"{int(needed[row])}. Give longer inputs, or shrink time less."
            )

    def _check_range(self, classes: int, target: Tensor) -> None:
        wrong = target >= classes
        if wrong.any():
            row, place = (int(index) for index in wrong.nonzero()[0])
            raise DataError(
                f"CTC: expected class labels from 0 to {classes - 1}, got "
                f"{int(target[row, place])} at row {row}, position {place}. Give the "
                f"last layer {int(target.max()) + 1} units, or mend the label."
            )

    def _check_shapes(self, shape: Shape, target: Tensor) -> None:
        if len(shape) != 3:
            raise ShapeError(
                "CTC: expected predictions of shape (batch, time, classes), got "
                f"{describe(shape)}. Let the model give one row of logits per step."
            )
        if target.ndim != 2 or shape[0] not in (None, len(target)):
            rows = "batch" if shape[0] is None else shape[0]
            raise ShapeError(
                f"CTC: expected targets of shape ({rows}, labels), got "
                f"{describe(target.shape)}. Give one padded row of labels per sample."
            )

    def _real(self, target: Tensor) -> Tensor:
        return (target != self.blank) & (target >= 0)

    def per_sample(self, prediction: Any, target: Tensor) -> Float[Tensor, "batch"]:
        """Give minus the logarithm of each row's chance."""
        logits, lengths = prediction, None
        if isinstance(prediction, (tuple, list)):
            logits, lengths = prediction
        self._check_shapes(logits.shape, target)
        self._check_range(logits.shape[-1], target)  # torch would read past the row
        if lengths is None:
            lengths = torch.full((len(logits),), logits.shape[1], dtype=torch.int64)
        real = self._real(target)
        return functional.ctc_loss(
            widen(logits).log_softmax(-1).transpose(0, 1),  # (T, B, K)
            torch.where(real, target, self.blank).long(),
            lengths.long(),
            real.sum(-1),
            blank=self.blank,
            reduction="none",
            zero_infinity=self.zero_infinity,
        )
