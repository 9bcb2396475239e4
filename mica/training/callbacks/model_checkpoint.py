"""ModelCheckpoint: save the model after each epoch, or after the best ones."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.monitor import Mode, Monitor
from mica.training.checkpoint import save_weights

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Callback):
    """Saves the model after every epoch, or after each one that is the best so far.

    A file is written whole or not at all: a run that is killed while saving leaves the
    file of the epoch before. A model with a `save` method writes itself (`.mica`); of
    any other torch module the weights are saved with safetensors.

    Args:
        filepath: Where to save. `{epoch}` (counted from 1) and the names of the logs
            are filled in: "runs/{epoch:02d}-{val_loss:.3f}.mica". Without them every
            save replaces the last one.
        monitor: Which log decides what is best.
        save_best_only: Whether an epoch that is not the best is left out.
        save_weights_only: Whether only the weights are saved, with safetensors.
        mode: "min", "max", or "auto": by the log's name.

    Raises:
        ConfigError: An argument is out of its range, or no log has a name that is used
            (at the end of the first epoch).
        CheckpointError: The file cannot be written.

    Example:
        >>> import mica
        >>> mica.callbacks.ModelCheckpoint("best.mica", save_best_only=True).filepath
        'best.mica'
    """

    def __init__(
        self,
        filepath: str | Path,
        *,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Mode = "auto",
    ) -> None:
        self.filepath = os.fspath(filepath)
        self.monitor = monitor
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self._monitor: Monitor | None = None
        if save_best_only:
            self._monitor = Monitor(monitor, mode=mode, where="ModelCheckpoint")
            self.best = self._monitor.worst
        self.mode = self._monitor.mode if self._monitor else mode

    def on_epoch_end(self, state: "TrainState") -> None:
        """Save, if this epoch is wanted."""
        if self._monitor is not None:
            value = self._monitor.read(state)
            # NOTE: the best is kept when fit is called again, so that a training that
            # goes on from a worse place does not replace a better file.
            if value is None or not self._monitor.improves(value, self.best):
                return
            self.best = value
        self._save(self._path(state), state)

    def _path(self, state: "TrainState") -> str:
        fields = {**state.logs, "epoch": state.epoch + 1}
        try:
            return self.filepath.format(**fields)
        except (KeyError, ValueError, IndexError) as error:
            there = ", ".join(["epoch", *state.logs])
            raise ConfigError(
                f"ModelCheckpoint: expected only these fields in filepath: {there}, "
                f"got {self.filepath!r}. Write them as {{epoch:02d}} or "
                "{loss:.3f}."
            ) from error

    def _save(self, path: str, state: "TrainState") -> None:
        save = getattr(state.model, "save", None)
        if save is None or self.save_weights_only:
            save_weights(state.model, path)
        else:
            save(path)
