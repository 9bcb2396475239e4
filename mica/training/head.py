"""Head: one output of a model, with its loss, its metrics and its last activation."""

from typing import Any

import torch
from torch import Tensor

from mica.losses import Loss
from mica.metrics import Metric
from mica.training.folding import LastActivation

__all__ = ["Head"]


def _free_name(name: str, taken: dict[str, Metric]) -> str:
    """The name, numbered when another metric or the loss has it."""
    free, number = name, 0
    while free in taken or free == "loss":
        number += 1
        free = f"{name}_{number}"
    return free


class Head:
    """One output of a model: its loss, its metrics, the activation it ends in.

    Args:
        name: The output's name, used in logs when there are several.
        loss: The loss as it was asked for; None when this output has none.
        weight: Its share of the total.
        metrics: Measured without sample weights.
        weighted_metrics: Measured with them.
        fold: The last activation, when the loss computes it.
    """

    def __init__(
        self,
        name: str,
        loss: Loss | None,
        weight: float,
        metrics: list[Metric],
        weighted_metrics: list[Metric],
        fold: LastActivation | None,
    ) -> None:
        self.name = name
        self.weight = weight
        self.metrics = metrics
        self.weighted_metrics = weighted_metrics
        self.fold = fold
        self.loss = loss.on_logits() if loss is not None and fold else loss
        self._logits_will_do = all(metric.accepts_logits for metric in self.all_metrics)

    @property
    def all_metrics(self) -> list[Metric]:
        """Both kinds of metrics."""
        return [*self.metrics, *self.weighted_metrics]

    def named_metrics(self) -> dict[str, Metric]:
        """Both kinds of metrics by a name of their own, as Keras names them."""
        named: dict[str, Metric] = {}
        for metric in self.metrics:
            named[_free_name(metric.name, named)] = metric
        for metric in self.weighted_metrics:
            prefix = "weighted_" if metric.name in named else ""
            named[_free_name(prefix + metric.name, named)] = metric
        return named

    @torch.no_grad()
    def measure(
        self,
        output: Tensor,
        target: Tensor,
        sample_weight: Any,
        mask: Tensor | None = None,
    ) -> None:
        """Let the metrics see one batch; waits for nothing.

        Args:
            output: Logits when the activation is folded, else what the model gives.
            target: The targets.
            sample_weight: One weight per sample, or None.
            mask: Which steps of the output are real; None when all are.
        """
        output = output.detach()
        if self.fold is not None and not self._logits_will_do:
            output = self.fold(output)
        real = None if mask is None else mask.to(output.dtype)
        for metric in self.metrics:
            metric.update(output, target, real)
        if real is not None and sample_weight is not None:
            rest = (1,) * (real.ndim - sample_weight.ndim)
            real = real * sample_weight.reshape(*sample_weight.shape, *rest)
        for metric in self.weighted_metrics:
            metric.update(output, target, sample_weight if real is None else real)
