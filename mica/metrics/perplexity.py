"""Perplexity: among how many words a language model still hesitates."""

from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.metrics.accuracy import labels_for
from mica.metrics.metric import MeanMetric
from mica.pairing import detached, fit_weight, widen

__all__ = ["Perplexity"]

EPSILON = 1e-7  # smallest probability, as in the cross-entropies


class Perplexity(MeanMetric):
    """The number of equally likely words that would surprise as much.

    perplexity = exp(mean over steps of -log p_t), t = the word that came,
    p = softmax(prediction) with ``from_logits``, else the prediction divided by its
    sum and raised to at least 1e-7

    Range: 1 up, lower is better; a model that knows nothing has the vocabulary's size.

    Args:
        from_logits: Whether predictions are before the softmax. Asked for by name
            ("perplexity") it is as the loss has it.
        ignore_class: A label whose steps do not count, such as padding; `None` for
            none.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, time, vocabulary)
        target: (*batch, time), whole numbers of any dtype

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> metric = Perplexity(from_logits=True)
        >>> metric.update(torch.zeros(1, 2, 4), torch.tensor([[3, 0]]))
        >>> round(metric.compute().item(), 4)
        4.0

    Source:
        Jelinek et al. 1977, Perplexity: a measure of the difficulty of speech
        recognition tasks.
    """

    higher_is_better: ClassVar[bool | None] = False

    def __init__(
        self,
        *,
        from_logits: bool = False,
        ignore_class: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.from_logits = from_logits
        self.ignore_class = ignore_class

    def update(
        self,
        prediction: Float[Tensor, "*batch vocabulary"],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Add the surprises of one batch."""
        prediction = widen(detached(prediction, self.name))
        labels = labels_for(prediction, target, self.name)
        kept = torch.ones_like(labels, dtype=torch.bool)
        if self.ignore_class is not None:
            kept = labels != self.ignore_class
            labels = labels.where(kept, 0)
        if self.from_logits:
            logs = prediction.log_softmax(-1)
        else:
            shares = prediction / prediction.sum(-1, keepdim=True)
            logs = shares.clamp_min(EPSILON).log()
        surprise = -logs.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        weight = kept.to(surprise.dtype)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, surprise, self.name)
        self.add_weighted(surprise, weight)

    def compute(self) -> Float[Tensor, ""]:
        """Raise e to the mean surprise."""
        return super().compute().exp()
