"""RunOptions: how long a run takes, in what portions, and who listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

from mica.errors import ConfigError
from mica.training.augmenting import get_augmenter
from mica.training.callbacks import Callback

__all__ = ["RunOptions", "Verbosity"]

Verbosity = Literal["auto"] | int


@dataclass(frozen=True)
class RunOptions:
    """How long, in what portions, and who listens.

    Args:
        epochs: The number of the last epoch. At least 1.
        batch_size: Rows in a batch; None for the source's own, else 32.
        shuffle: Whether the order changes from epoch to epoch.
        callbacks: Listeners.
        verbose: "auto", 0 (silent), 1 (live bar) or 2 (one line per epoch).
        seed: Decides the order of the data; None draws one from the global generator.
        initial_epoch: Epochs that count as done.
        validation_freq: Epochs from one validation to the next.
        augment: What changes the batches that are learned from: a layer, a function
            from (x, y) to (x, y), or a list of them; None for nothing.

    Raises:
        ConfigError: A number below its least value, or an augment that is no layer and
            no function.

    Example:
        >>> RunOptions(epochs=3, batch_size=64).shuffle
        True
    """

    epochs: int = 1
    batch_size: int | None = None
    shuffle: bool = True
    callbacks: Sequence[Callback] = ()
    verbose: Verbosity = "auto"
    seed: int | None = None
    initial_epoch: int = 0
    validation_freq: int = 1
    augment: Any = None

    def __post_init__(self) -> None:
        least = {"epochs": 1, "batch_size": 1, "initial_epoch": 0, "validation_freq": 1}
        if self.batch_size is None:
            del least["batch_size"]
        for name, minimum in least.items():
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and int(value) >= minimum):
                raise ConfigError(
                    f"fit: expected {name} to be a whole number of at least {minimum}, "
                    f"got {value!r}. Write for example {name}={max(minimum, 1)}."
                )
            object.__setattr__(self, name, int(value))  # NumPy's integers too
        get_augmenter(self.augment)  # found now, not after the data were read
