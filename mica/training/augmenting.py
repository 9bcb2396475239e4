"""Augmenter: what changes each training batch before the model sees it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from mica.data import Batch
from mica.errors import ConfigError, DataError
from mica.layers.augmentation import augment_batch
from mica.layers.noise import Noise
from mica.nested import flatten
from mica.training.state import TrainState

__all__ = ["Augmenter", "get_augmenter"]

_EXAMPLE = "Write for example augment=mica.layers.MixUp(0.2)."
# How far apart two steps lie in the random numbers of a layer with a seed of its own:
# more than any layer draws in one step.
_DRAWS_PER_STEP = 2**10


class Augmenter:
    """Changes the batches that training learns from, on the device, as they come.

    (x', y') = step_n(... step_1(x, y))

    Layers that mix samples change labels too, other layers change x. Random numbers
    come from torch's generator, or from a layer's own seed and the number of the
    training step, so that a run that goes on later sees the same pictures.

    Args:
        steps: Layers, and functions from (x, y) to (x, y).

    Raises:
        ConfigError: A step is neither a layer nor a function.

    Example:
        >>> from mica.layers import MixUp
        >>> x, y = Augmenter([MixUp(1.0)]).change(torch.eye(2), torch.eye(2))
        >>> torch.equal(x, y)
        True
    """

    def __init__(self, steps: Sequence[Any]) -> None:
        for step in steps:
            if not callable(step) or isinstance(step, type):
                raise ConfigError(
                    "fit: expected augment to be a layer, a function from (x, y) to "
                    f"(x, y), or a list of them, got {step!r}. {_EXAMPLE}"
                )
        self.steps = tuple(steps)
        self._layers = [step for step in self.steps if isinstance(step, nn.Module)]

    def change(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Pass a batch through all steps.

        Args:
            x: The inputs.
            y: The targets.

        Returns:
            (x, y)

        Raises:
            DataError: A function gives something else than (x, y).
        """
        for step in self.steps:
            if isinstance(step, nn.Module):
                x, y = augment_batch(step, x, y)
                continue
            changed = step(x, y)
            if not isinstance(changed, (tuple, list)) or len(changed) != 2:
                raise DataError(
                    "fit: expected the function given as augment to give (x, y), got "
                    f"{type(changed).__name__}. End it with return x, y."
                )
            x, y = changed
        return x, y

    def changed(self, batches: Iterable[Batch], state: TrainState) -> Iterator[Batch]:
        """Change batches as they come; their sample weights stay with their rows.

        Args:
            batches: What the data gave.
            state: Where training stands.

        Yields:
            Batches of as many rows.

        Raises:
            DataError: A step gives another number of rows.
        """
        for layer in self._layers:
            layer.to(state.plan.device).train()
        for batch in batches:
            self._restart(state.step)
            with torch.no_grad():
                x, y = self.change(batch.x, batch.y)
            for tensor in flatten((x, y)):
                if tensor is not None and len(tensor) != batch.size:
                    raise DataError(
                        "fit: expected augment to keep the number of rows, got "
                        f"{len(tensor)} from {batch.size}. Give one row of x and y "
                        "for each there was."
                    )
            yield Batch(x, y, batch.sample_weight, batch.size)

    def _restart(self, step: int) -> None:
        """Let layers with a seed of their own draw what belongs to this step."""
        for layer in self._layers:
            for part in layer.modules():
                if isinstance(part, Noise):
                    part.restart(step * _DRAWS_PER_STEP)


def get_augmenter(augment: Any) -> Augmenter | None:
    """Read what `fit` was given as `augment`.

    Args:
        augment: A layer, a function from (x, y) to (x, y), a list of them, or None.

    Returns:
        The augmenter; None when there is nothing to do.

    Raises:
        ConfigError: It is something else.

    Example:
        >>> get_augmenter(None) is None
        True
    """
    if augment is None:
        return None
    several = isinstance(augment, (list, tuple))
    return Augmenter(augment if several else [augment])
