"""EarlyStopping: end training when it no longer gets better."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mica.errors import ConfigError, DivergenceError
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.monitor import Mode, Monitor

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["EarlyStopping"]


def _tensors(state: "TrainState") -> list[Tensor]:
    return [*state.model.parameters(), *state.model.buffers()]


class EarlyStopping(Callback):
    """Ends training when a log has not improved for some epochs; keeps the best.

    stop after epoch e  when  e - (last epoch that improved) >= max(patience, 1)

    The weights of the best epoch are put back when training ends, whether it was
    stopped here, elsewhere or not at all. (Keras leaves the last weights unless asked.)

    Args:
        monitor: Which log to watch.
        min_delta: A smaller change than this is no improvement. At least 0.
        patience: How many epochs without improvement are borne. At least 0; 0 stops
            at the first, yet never in the first epoch.
        mode: "min", "max", or "auto": by the log's name.
        baseline: A value to be beaten as well: epochs that do not reach it count as
            not improved. `None` is none.
        restore_best_weights: Whether the best epoch's weights are put back at the end.
            It costs one copy of the weights in memory.
        start_from_epoch: Epochs left out of the comparison at the beginning.

    Raises:
        ConfigError: An argument is out of its range, or no log has that name (at the
            end of the first epoch).

    Example:
        >>> import mica
        >>> stopping = mica.callbacks.EarlyStopping(patience=3)
        >>> stopping.monitor, stopping.mode
        ('val_loss', 'min')

    Source:
        Prechelt 1998, Early Stopping - But When?, section 2.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        min_delta: float = 0.0,
        patience: int = 0,
        mode: Mode = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        for name, value in (
            ("patience", patience),
            ("start_from_epoch", start_from_epoch),
        ):
            if value < 0:
                raise ConfigError(
                    f"EarlyStopping: expected {name} of at least 0, got {value}. "
                    "Give a number of epochs."
                )
        self._monitor = Monitor(
            monitor, mode=mode, min_delta=min_delta, where="EarlyStopping"
        )
        self.monitor = monitor
        self.min_delta = min_delta
        self.patience = patience
        self.mode = self._monitor.mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._forget()

    def _forget(self) -> None:
        self.best = self._monitor.worst
        self.best_epoch: int | None = None
        self._waited = 0
        self._weights: list[Tensor] = []

    def on_train_begin(self, state: "TrainState") -> None:
        """Forget an earlier training."""
        self._forget()

    def on_epoch_end(self, state: "TrainState") -> None:
        """Compare; remember the best, or stop when patience is at its end."""
        value = self._monitor.read(state)
        if value is None or state.epoch < self.start_from_epoch:
            return
        self._waited += 1
        if self._monitor.improves(value, self.best):
            self._remember(value, state)
        elif self._waited >= self.patience and state.epoch > 0:
            state.stop(self._reason())

    def on_train_end(self, state: "TrainState") -> None:
        """Put the best weights back, unless the loss has just become no number."""
        weights, self._weights = self._weights, []
        # NOTE: DivergenceError promises the weights of one step before.
        if not weights or isinstance(state.failure, DivergenceError):
            return
        with torch.no_grad():
            for tensor, saved in zip(_tensors(state), weights, strict=True):
                tensor.copy_(saved)

    def _remember(self, value: float, state: "TrainState") -> None:
        self.best, self.best_epoch = value, state.epoch
        if self.baseline is None or self._monitor.improves(value, self.baseline):
            self._waited = 0
        if not self.restore_best_weights:
            return
        live = _tensors(state)
        with torch.no_grad():
            if not self._weights:
                self._weights = [tensor.detach().clone() for tensor in live]
            for saved, tensor in zip(self._weights, live, strict=True):
                saved.copy_(tensor)

    def _reason(self) -> str:
        if self.best_epoch is None:
            return f"EarlyStopping: {self.monitor} was never a finite number."
        reason = (
            f"EarlyStopping: {self.monitor} has not improved since epoch "
            f"{self.best_epoch + 1} ({self.best:.4g})"
        )
        if self.baseline is None or self._monitor.improves(self.best, self.baseline):
            return f"{reason}."
        return f"{reason} and has not reached the baseline {self.baseline:.4g}."
