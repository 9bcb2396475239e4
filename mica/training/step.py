"""One training step: predict, compare, learn."""

from typing import Any

import torch
from torch import Tensor, nn

from mica.engine import ExecutionPlan, compute_scope
from mica.training.objective import Objective
from mica.training.updating import Updater

__all__ = ["TrainStep"]


class TrainStep:
    """Forward, loss, backward, update, metrics, for one batch.

    w <- w - update(d loss(model(x), y) / d w)

    Args:
        model: The module in training.
        objective: Its bound losses and metrics.
        updater: Its optimizer.
        plan: How the step is executed.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        updater: Updater,
        plan: ExecutionPlan,
    ) -> None:
        self.model = model
        self.objective = objective
        self.updater = updater
        self.plan = plan
        self._mixed = plan.precision == "bfloat16"
        self._several = len(objective.heads) > 1
        self._measures = any(head.all_metrics for head in objective.heads)

    def loss(self, batch: Any) -> tuple[Any, Tensor]:
        """Predict and compare.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            (outputs, loss).
        """
        if self._mixed:
            with compute_scope(self.plan):
                return self._loss(batch)
        return self._loss(batch)

    def _loss(self, batch: Any) -> tuple[Any, Tensor]:
        outputs = self.objective.forward(self.model, batch.x)
        return outputs, self.objective.compute(outputs, batch.y, batch.sample_weight)

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """Do the step.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            The batch's loss, and each output's when there are several; not read yet.
        """
        updater = self.updater
        updater.clear()
        outputs, loss = self.loss(batch)
        loss.backward()
        updater.apply()
        logs = {"loss": loss.detach()}
        if self._several:
            with torch.no_grad():
                logs.update(self.objective.parts(outputs, batch.y, batch.sample_weight))
        if self._measures:
            self.objective.measure(outputs, batch.y, batch.sample_weight)
        return logs
