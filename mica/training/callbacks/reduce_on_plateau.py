"""ReduceLROnPlateau: a smaller learning rate when progress stalls."""

from typing import TYPE_CHECKING

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.monitor import Mode, Monitor
from mica.training.callbacks.rate import refuse_two_masters

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by a factor when a log stops improving.

    rate <- max(rate * factor, min_lr)  after `patience` epochs without improvement

    The epoch's logs get the `learning_rate` it was trained with, as in Keras.

    Args:
        monitor: Which log to watch.
        factor: What the rate is multiplied by. In (0, 1).
        patience: Epochs without improvement before a reduction. At least 0.
        mode: "min", "max", or "auto": by the log's name.
        min_delta: A smaller change than this is no improvement. At least 0.
        cooldown: Epochs after a reduction in which none is counted. At least 0.
        min_lr: The rate never falls below this. At least 0.

    Raises:
        ConfigError: An argument is out of its range, no log has that name (at the end
            of the first epoch), or the optimizer has a schedule of its own.

    Example:
        >>> import mica
        >>> mica.callbacks.ReduceLROnPlateau(factor=0.5, patience=2).monitor
        'val_loss'
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        factor: float = 0.1,
        patience: int = 10,
        mode: Mode = "auto",
        min_delta: float = 1e-4,  # Keras's
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not 0 < factor < 1:
            raise ConfigError(
                f"ReduceLROnPlateau: expected a factor between 0 and 1, got {factor}. "
                "0.1 divides the rate by ten."
            )
        for name, value in (
            ("patience", patience),
            ("cooldown", cooldown),
            ("min_lr", min_lr),
        ):
            if not value >= 0:
                raise ConfigError(
                    f"ReduceLROnPlateau: expected {name} of at least 0, got {value}. "
                    "Choose a larger number."
                )
        self._monitor = Monitor(
            monitor, mode=mode, min_delta=min_delta, where="ReduceLROnPlateau"
        )
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.mode = self._monitor.mode
        self.min_delta = min_delta
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._forget()

    def _forget(self) -> None:
        self.best = self._monitor.worst
        self._waited = 0
        self._cooling = 0

    def on_train_begin(self, state: "TrainState") -> None:
        """Forget an earlier training."""
        refuse_two_masters(state, "ReduceLROnPlateau")
        self._forget()

    def on_epoch_end(self, state: "TrainState") -> None:
        """Compare; reduce the rate when patience is at its end."""
        state.log("learning_rate", state.learning_rate)
        value = self._monitor.read(state)
        if value is None:
            return
        if self._cooling > 0:
            self._cooling -= 1
            self._waited = 0
        if self._monitor.improves(value, self.best):
            self.best = value
            self._waited = 0
        elif self._cooling == 0:
            self._waited += 1
            if self._waited >= self.patience and state.learning_rate > self.min_lr:
                self._reduce(state)

    def _reduce(self, state: "TrainState") -> None:
        state.learning_rate = max(state.learning_rate * self.factor, self.min_lr)
        self._cooling = self.cooldown
        self._waited = 0
