"""Diagnosis: where a NaN or an infinity was born, and the weights from before it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from mica.errors import DivergenceError
from mica.nested import flatten
from mica.training.means import RunningMeans
from mica.training.state import Snapshot, TrainState
from mica.training.step import TrainStep
from mica.training.updating import Updater

__all__ = ["Guard", "name_birth"]


def _is_finite(structure: Any) -> bool:
    found = [
        torch.isfinite(leaf).all()
        for leaf in flatten(structure)
        if isinstance(leaf, Tensor) and leaf.is_floating_point()
    ]
    # One answer to wait for on a device, however many tensors there are.
    return not found or bool(torch.stack(found).all())


@contextmanager
def _watching(model: nn.Module, found: list[str]) -> Iterator[None]:
    """Note the first part that turns numbers into something else."""
    names = {part: name for name, part in model.named_modules()}

    def look(part: nn.Module, inputs: Any, output: Any) -> None:
        if found or _is_finite(output):
            return
        kind = type(part).__name__
        if not _is_finite(inputs):
            found.append(f"in the input of layer {names[part]!r} ({kind})")
        elif not _is_finite(list(part.parameters())):
            found.append(f"in the weights of layer {names[part]!r} ({kind})")
        else:
            found.append(f"in the output of layer {names[part]!r} ({kind})")

    leaves = [part for part in names if not list(part.children())]
    hooks = [part.register_forward_hook(look) for part in leaves]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def name_birth(step: TrainStep, batch: Any) -> str | None:
    """Run one batch again and find where the first non-number comes from.

    Args:
        step: The training step; gradients are left cleared, weights untouched.
        batch: The batch.

    Returns:
        A phrase such as `in the output of layer 'dense_1' (Dense)`; None when
        everything is finite.
    """
    if not _is_finite((batch.x, batch.y)):
        return "in the data of the batch"
    found: list[str] = []
    with _watching(step.model, found):
        _, losses = step.losses(batch)
    if found:
        return found[0]
    if not _is_finite(losses):
        return "in the loss"
    step.updater.clear()
    losses["loss"].backward()
    bad = [
        name
        for name, parameter in step.model.named_parameters()
        if parameter.grad is not None and not _is_finite(parameter.grad)
    ]
    step.updater.clear()
    # Gradients run from the last layer to the first, so the last one is the oldest.
    return f"in the gradient of {bad[-1]!r}" if bad else None


class Guard:
    """Keeps the weights of the last finished epoch and goes back to them in need.

    When the loss is no number, the epoch is replayed up to the batch that did it, so
    that the weights are as they were before. Nothing is read from the device between
    two looks, so watching costs no time.

    Args:
        batches: Gives the batches of an epoch from a batch on, in the same order each
            time; None when the data cannot be read twice.
        step: The training step; None when the model brings its own.
        updater: The optimizer, whose step count goes back too.
    """

    def __init__(
        self,
        batches: Callable[[int], Iterable[Any]] | None,
        step: TrainStep | None,
        updater: Updater,
    ) -> None:
        self._batches = batches
        self._step = step
        self._updater = updater
        self._snapshot: Snapshot | None = None
        self._updates = updater.step

    def remember(self, state: TrainState) -> None:
        """Keep the weights as they are now: an epoch begins.

        Args:
            state: The state of training.
        """
        if self._snapshot is None:
            self._snapshot = Snapshot(state)
        else:
            self._snapshot.take(state)
        self._updates = self._updater.step

    def go_back(self, state: TrainState) -> None:
        """Put back the weights of the last finished epoch.

        Args:
            state: The state of training.
        """
        if self._snapshot is not None:
            self._updater.forget()
            self._snapshot.restore(state)
            self._updater.step = self._updates

    def check(self, state: TrainState, means: RunningMeans) -> None:
        """Look whether the loss is still a number.

        Args:
            state: The state of training.
            means: The epoch's logs so far.

        Raises:
            DivergenceError: It is not; the weights are as they were before.
        """
        if means.is_finite():
            return
        values = means.read()
        shown = next(value for value in values.values() if not _finite_number(value))
        self._refuse(state, f"a finite loss, got {shown}")

    def check_epoch(self, state: TrainState, means: RunningMeans) -> None:
        """Look at the weights as well: the last update of an epoch may spoil them.

        Args:
            state: The state of training.
            means: The epoch's logs.

        Raises:
            DivergenceError: Loss or weights are no numbers; the weights are as before.
        """
        self.check(state, means)
        if not _is_finite(self._updater.parameters):
            self._refuse(state, "finite weights, got NaN or infinity in them")

    def _refuse(self, state: TrainState, what: str) -> NoReturn:
        """Go back to where all was well, and say where it went wrong."""
        self.go_back(state)
        if self._batches is None or self._step is None:
            raise DivergenceError(
                f"fit: expected {what} in epoch {state.epoch + 1}. The weights are "
                "those of the last finished epoch. Lower the learning rate, clip the "
                "gradients (global_clipnorm=1.0) or look at the data."
            )
        born = self._replay(state, self._batches, self._step)
        raise DivergenceError(
            f"fit: expected {what} in epoch {state.epoch + 1}, step {state.batch + 1}: "
            f"born {born}. The weights are as they were before that step. Lower the "
            "learning rate, clip the gradients (global_clipnorm=1.0) or look at the "
            "data."
        )

    def _replay(
        self,
        state: TrainState,
        batches: Callable[[int], Iterable[Any]],
        step: TrainStep,
    ) -> str:
        """Repeat the epoch until a batch goes wrong, and stop in front of it."""
        before = Snapshot(state)
        for batch in batches(state.epoch):
            before.take(state)
            updates = self._updater.step
            logs = step(batch)
            if not _is_finite([*logs.values(), *self._updater.parameters]):
                self._updater.forget()
                before.restore(state)
                born = name_birth(step, batch)
                before.restore(state)  # the look itself drew random numbers
                self._updater.step = updates
                return born or "in the update of the weights"
            state.step += 1
            state.batch += 1
        before.take(state)
        updates = self._updater.step
        self._updater.finish()
        if not _is_finite(self._updater.parameters):
            before.restore(state)
            self._updater.step = updates
            return "in the update of the weights"
        return "in a batch that did not fail when it was repeated"


def _finite_number(value: float) -> bool:
    return value == value and value not in (float("inf"), float("-inf"))
