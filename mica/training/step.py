"""One training step: predict, compare, learn."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from mica.engine import (
    ExecutionPlan,
    compile_network,
    compute_scope,
    random_state,
    restore_random_state,
)
from mica.nested import map_nested
from mica.training.accumulating import Term
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

    Example:
        >>> import torch
        >>> from mica.data import Batch
        >>> from mica.engine import eager_plan
        >>> model, objective = nn.Linear(1, 1), Objective("mse")
        >>> x, y = torch.ones(2, 1), torch.zeros(2, 1)
        >>> objective.bind(model, x, y)
        >>> updater = Updater("sgd", list(model.parameters()))
        >>> step = TrainStep(model, objective, updater, eager_plan("cpu"))
        >>> first, second = (step(Batch(x, y, None, 2))["loss"] for _ in range(2))
        >>> bool(second < first)
        True
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
        self._network = compile_network(model) if plan.is_compiled else model
        self._measures = any(head.all_metrics for head in objective.heads)

    def losses(self, batch: Any) -> tuple[Any, dict[str, Tensor]]:
        """Predict and compare.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            (outputs, losses); `losses["loss"]` is the total.
        """
        outputs = self._predict(batch)
        return outputs, self.objective.compute(outputs, batch.y, batch.sample_weight)

    def _predict(self, batch: Any) -> Any:
        if not self._mixed:
            return self.objective.forward(self._network, batch.x)
        with compute_scope(self.plan):
            outputs = self.objective.forward(self._network, batch.x)
        # Losses and metrics add up many numbers: float32 for them.
        return map_nested(_in_float32, outputs)

    def _terms(self, batch: Any) -> tuple[Any, dict[str, Tensor], list[Term]]:
        outputs = self._predict(batch)
        losses, terms = self.objective.terms(
            outputs, batch.y, batch.sample_weight, batch.size
        )
        return outputs, losses, terms

    def _gather(self, batch: Any) -> dict[str, Tensor]:
        """The step of an update that needs more than the gradient of this batch."""
        begun = random_state() if self.updater.looks_again else {}

        def look(take: Callable[[Iterable[Term]], None]) -> None:
            # The same dropout each time; running statistics are those of one look.
            now = random_state()
            kept = [(each, each.clone()) for each in self.model.buffers()]
            restore_random_state(begun)
            take(self._terms(batch)[2])
            restore_random_state(now)
            with torch.no_grad():
                for buffer, value in kept:
                    buffer.copy_(value)

        outputs, losses, terms = self._terms(batch)
        self.measure(outputs, batch)
        self.updater.gather(terms, look if self.updater.looks_again else None)
        return {name: value.detach() for name, value in losses.items()}

    def learn(self, batch: Any) -> tuple[Any, dict[str, Tensor]]:
        """Predict, compare, differentiate and move, all on the device.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            (outputs, losses).
        """
        self.updater.clear()
        outputs, losses = self.losses(batch)
        losses["loss"].backward()
        self.updater.move()
        return outputs, losses

    def measure(self, outputs: Any, batch: Any) -> None:
        """Show a batch to the metrics.

        Args:
            outputs: What `learn` gave.
            batch: The batch.
        """
        if self._measures:
            self.objective.measure(outputs, batch.y, batch.sample_weight)

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """Do the step.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            The batch's loss, and each output's when there are several; not read yet.
        """
        updater = self.updater
        if updater.gathers:
            return self._gather(batch)
        updater.set_rate()
        outputs, losses = self.learn(batch)
        updater.count()
        self.measure(outputs, batch)
        return {name: value.detach() for name, value in losses.items()}


def _in_float32(value: Any) -> Any:
    """A half-precision tensor in float32; anything else as it is."""
    return value.float() if getattr(value, "dtype", None) is torch.bfloat16 else value
