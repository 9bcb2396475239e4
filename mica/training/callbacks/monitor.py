"""Monitor: one of the logs, watched for getting better."""

import math
from typing import TYPE_CHECKING, Literal

from mica.errors import ConfigError, near_misses

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["Mode", "Monitor"]

Mode = Literal["auto", "min", "max"]

# Words of metric names, split at underscores; "loss" anywhere decides first.
_SMALLER_IS_BETTER = frozenset(
    "crossentropy divergence error errors hinge huber logcosh loss mae mape mse msle "
    "perplexity poisson rmse".split()
)
_LARGER_IS_BETTER = frozenset(
    "acc accuracy auc bleu f1 fbeta iou kappa precision r2 recall score sensitivity "
    "similarity specificity".split()
)


def _direction(name: str, where: str) -> Literal["min", "max"]:
    words = set(name.lower().split("_"))
    if words & _SMALLER_IS_BETTER:
        return "min"
    if words & _LARGER_IS_BETTER:
        return "max"
    raise ConfigError(
        f"{where}: expected mode 'min' or 'max' for {name!r}, got 'auto', which knows "
        "losses, errors and the usual scores. Say mode='max' if more is better."
    )


class Monitor:
    """One of the logs, watched for getting better.

    With mode "auto" the name decides: a loss, an error or a divergence shall fall; an
    accuracy, a score, a precision shall rise.

    Args:
        name: The log's name, for example "val_loss".
        mode: "min", "max" or "auto".
        min_delta: A smaller change than this is none. At least 0.
        where: Who speaks in an error.

    Raises:
        ConfigError: An argument is out of its range, or "auto" does not know the name.

    Example:
        >>> monitor = Monitor("val_accuracy", where="Example")
        >>> monitor.mode, monitor.improves(0.9, best=0.8)
        ('max', True)
    """

    def __init__(
        self, name: str, *, mode: Mode = "auto", min_delta: float = 0.0, where: str
    ) -> None:
        if mode not in ("auto", "min", "max"):
            raise ConfigError(
                f"{where}: expected mode 'auto', 'min' or 'max', got {mode!r}. "
                "Choose one of them."
            )
        if not min_delta >= 0:
            raise ConfigError(
                f"{where}: expected min_delta of at least 0, got {min_delta}. "
                "Give the smallest change that counts."
            )
        self.name = name
        self.where = where
        self.mode = _direction(name, where) if mode == "auto" else mode
        self.min_delta = min_delta
        self.worst = math.inf if self.mode == "min" else -math.inf

    def improves(self, value: float, best: float) -> bool:
        """Tell whether a value beats another by more than `min_delta`.

        Args:
            value: The new one; NaN never improves.
            best: The one to beat.

        Returns:
            Whether it is better.
        """
        if self.mode == "min":
            return value + self.min_delta < best
        return value - self.min_delta > best

    def read(self, state: "TrainState") -> float | None:
        """Take the value from the logs of a finished epoch.

        Args:
            state: The TrainState.

        Returns:
            The value; `None` in an epoch without validation.

        Raises:
            ConfigError: No epoch has such a log.
        """
        value = state.logs.get(self.name)
        rare = (
            self.name.startswith("val_")
            and state.validates
            and not any(name.startswith("val_") for name in state.logs)
        )
        if value is not None or rare:
            return value
        there = ", ".join(state.logs)
        if self.name.removeprefix("val_") in state.logs:
            advice = "Give fit validation_data or validation_split."
        else:
            advice = near_misses(self.name, state.logs)
        raise ConfigError(
            f"{self.where}: expected monitor to be one of the logs ({there}), got "
            f"{self.name!r}. {advice}"
        )
