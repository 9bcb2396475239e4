"""Capturing: a whole step recorded once and replayed, launched as one piece."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mica.data import Batch
from mica.engine import ExecutionPlan, Recording
from mica.errors import ConfigError
from mica.nested import flatten, map_nested
from mica.training.objective import Objective
from mica.training.step import TrainStep
from mica.training.updating import Updater

__all__ = ["CapturedStep", "Step", "make_step"]

WARM_UP = 3  # steps done one by one before recording: libraries choose their kernels

Step = Callable[[Any], dict[str, Tensor]]


def make_step(
    model: torch.nn.Module,
    objective: Objective,
    updater: Updater,
    plan: ExecutionPlan,
    *,
    captured: bool = True,
) -> Any:
    """Make the step that a plan describes.

    Args:
        model: The module in training.
        objective: Its bound losses and metrics.
        updater: Its optimizer.
        plan: How the step is executed.
        captured: Whether to capture it when the plan says so.

    Returns:
        A `TrainStep`, or a `CapturedStep` around it.

    Raises:
        ConfigError: The plan captures a step that cannot be captured.

    Example:
        >>> from mica.engine import eager_plan
        >>> model, objective = torch.nn.Linear(1, 1), Objective("mse")
        >>> objective.bind(model, torch.ones(2, 1), torch.ones(2, 1))
        >>> updater = Updater("sgd", list(model.parameters()))
        >>> type(make_step(model, objective, updater, eager_plan("cpu"))).__name__
        'TrainStep'
    """
    step = TrainStep(model, objective, updater, plan)
    return CapturedStep(step) if captured and plan.is_recorded else step


class CapturedStep:
    """A training step that is recorded once and then replayed on each new batch.

    Forward, loss, backward, clipping and update are launched as one piece; metrics see
    the outputs afterwards. A batch of another shape, such as the last one of an epoch,
    is learned from one operation after the other, with the same numbers.

    Args:
        step: The step.

    Raises:
        ConfigError: The optimizer needs more than the gradient of one batch, or cannot
            be replayed.

    Example:
        >>> from mica.engine import ExecutionPlan
        >>> model, objective = torch.nn.Linear(1, 1), Objective("mse")
        >>> x, y = torch.ones(2, 1), torch.zeros(2, 1)
        >>> objective.bind(model, x, y)
        >>> updater = Updater("sgd", list(model.parameters()))
        >>> plan = ExecutionPlan(torch.device("cpu"), capture="graph")
        >>> step = CapturedStep(TrainStep(model, objective, updater, plan))
        >>> losses = [step(Batch(x, y, None, 2))["loss"].item() for _ in range(6)]
        >>> losses == sorted(losses, reverse=True)
        True
    """

    def __init__(self, step: TrainStep) -> None:
        self.step = step
        if step.updater.gathers:
            raise ConfigError(
                "fit: expected an optimizer that moves once after each batch to "
                'capture the step, got one that gathers several. Use plan="eager".'
            )
        device = step.plan.device
        if device.type == "cuda":
            step.updater.make_replayable(device)
        self._recording = Recording(device)
        self._shapes: list[Any] = []
        self._calls = 0
        self._held: Any = None
        self._outputs: Any = None
        self._losses: dict[str, Tensor] = {}

    def losses(self, batch: Any) -> tuple[Any, dict[str, Tensor]]:
        """Predict and compare, one operation after the other.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            As `TrainStep.losses`.
        """
        return self.step.losses(batch)

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """Do the step.

        Args:
            batch: A `mica.data.Batch`.

        Returns:
            The batch's losses; not read yet.
        """
        shapes = [
            (leaf.shape, leaf.dtype) if isinstance(leaf, Tensor) else None
            for leaf in flatten(tuple(batch[:3]))
        ]
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            return self.step(batch)
        self._calls += 1
        if self._calls <= WARM_UP:
            with self._recording.warm_up():
                return self.step(batch)
        updater = self.step.updater
        updater.set_rate()
        if self._held is None:
            self._record(batch)
        else:
            self._fill(batch)
        self._recording.replay()
        updater.count()
        self.step.measure(self._outputs, batch)
        # The next replay writes into the same memory.
        return {name: value.detach().clone() for name, value in self._losses.items()}

    def _record(self, batch: Any) -> None:
        parts = [map_nested(_copied, part) for part in batch[:3]]
        self._held = Batch(parts[0], parts[1], parts[2], batch.size)
        self.step.updater.clear()
        self._recording.record(self._learn)

    def _learn(self) -> None:
        self._outputs, self._losses = self.step.learn(self._held)

    def _fill(self, batch: Any) -> None:
        held, given = flatten(tuple(self._held[:3])), flatten(tuple(batch[:3]))
        for mine, new in zip(held, given, strict=True):
            if isinstance(mine, Tensor):
                mine.copy_(new, non_blocking=True)


def _copied(leaf: Any) -> Any:
    return leaf.clone() if isinstance(leaf, Tensor) else leaf
