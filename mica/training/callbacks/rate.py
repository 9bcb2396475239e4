"""Rate: one master at a time sets the learning rate."""

from typing import TYPE_CHECKING

from mica.errors import ConfigError

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["refuse_two_masters"]


def refuse_two_masters(state: "TrainState", where: str) -> None:
    """Refuse to set a rate that the optimizer sets again at its next step.

    Args:
        state: The TrainState.
        where: The callback that wants to set it.

    Raises:
        ConfigError: The optimizer has a schedule.
    """
    if state.scheduled:
        raise ConfigError(
            f"{where}: expected an optimizer with a number as learning_rate, got one "
            "with a schedule. Use the schedule or the callback, not both."
        )
