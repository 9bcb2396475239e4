"""LearningRateScheduler: a function of the epoch decides the learning rate."""

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.rate import refuse_two_masters

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["LearningRateScheduler"]


def _takes_rate(schedule: Callable[..., Any]) -> bool:
    """Whether a second positional argument can be given."""
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except (TypeError, ValueError):  # it does not, or is a built-in that does not say
        return False
    return True


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to what a function says.

    rate of epoch e = schedule(e, rate of the epoch before)

    Schedules of the *step* are given to the optimizer instead:
    `Adam(learning_rate=schedules.cosine_decay(...))`. The epoch's logs get the
    `learning_rate`, as in Keras.

    Args:
        schedule: Takes the epoch (from 0), or the epoch and the present rate; gives
            the new rate, a finite number of at least 0.

    Raises:
        ConfigError: `schedule` is not a function, gives no such number, or the
            optimizer has a schedule of its own.

    Example:
        >>> import mica
        >>> halve = mica.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> halve.schedule(3, 0.5)
        0.25
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        if not callable(schedule):
            raise ConfigError(
                "LearningRateScheduler: expected a function of the epoch, got "
                f"{type(schedule).__name__}. Write lambda epoch: 0.1 / (1 + epoch)."
            )
        self.schedule = schedule
        self._takes_rate = _takes_rate(schedule)

    def on_train_begin(self, state: "TrainState") -> None:
        """Make sure that nobody else sets the rate."""
        refuse_two_masters(state, "LearningRateScheduler")

    def on_epoch_begin(self, state: "TrainState") -> None:
        """Set the rate of this epoch."""
        if self._takes_rate:
            given = self.schedule(state.epoch, state.learning_rate)
        else:
            given = self.schedule(state.epoch)
        try:
            rate = float(given)
        except (TypeError, ValueError):
            rate = math.nan
        if not 0 <= rate < math.inf:
            raise ConfigError(
                "LearningRateScheduler: expected schedule to give a finite number of "
                f"at least 0, got {given!r} for epoch {state.epoch}. Mend the function."
            )
        state.learning_rate = rate

    def on_epoch_end(self, state: "TrainState") -> None:
        """Write the rate into the logs."""
        state.log("learning_rate", state.learning_rate)
