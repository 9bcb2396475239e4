"""BackupAndRestore: an interrupted training goes on where its last epoch ended."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mica.engine import random_state, restore_random_state
from mica.errors import CheckpointError
from mica.layers.noise import Noise
from mica.registry import decode, encode
from mica.training.callbacks.callback import Callback
from mica.training.checkpoint import write_tensors

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["BackupAndRestore"]

FILE = "backup.safetensors"
WEIGHT = "weight."  # first word of the names of weights; the others are numbers


def _take_apart(value: Any, tensors: dict[str, Tensor]) -> Any:
    """A structure as JSON, its tensors moved to a list by number."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach()
        return {"tensor": name}
    if isinstance(value, dict):
        pairs = [
            [encode(key), _take_apart(each, tensors)] for key, each in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_take_apart(each, tensors) for each in value]}
    return {"value": encode(value)}


def _put_together(document: Any, tensors: dict[str, Tensor]) -> Any:
    """What `_take_apart` was given."""
    ((kind, value),) = document.items()
    if kind == "tensor":  # in memory that begins where torch's does: sums depend on it
        return tensors[value].clone()
    if kind == "dict":
        return {decode(key): _put_together(each, tensors) for key, each in value}
    if kind in ("list", "tuple"):
        parts = [_put_together(each, tensors) for each in value]
        return parts if kind == "list" else tuple(parts)
    return decode(value)


def _weights(state: "TrainState") -> dict[str, Tensor]:
    """All that the model holds, each tensor once."""
    model = state.model
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _noise(state: "TrainState") -> dict[str, Noise]:
    """Layers that count their own random numbers."""
    return {
        name: part
        for name, part in state.model.named_modules()
        if isinstance(part, Noise)
    }


class BackupAndRestore(Callback):
    """Keeps all of a training in a file, and goes on from it after an interruption.

    Write it once and run the same program again, on the same data: whatever ended it
    (a power cut, a killed process, an exception), training goes on after the last
    finished epoch, and gives the numbers it would have given, to the bit: weights,
    optimizer, averages, the order of the data, random numbers and history are those of
    before. What other
    callbacks counted (the patience of `EarlyStopping`) begins anew. Keras's own
    restores weights and optimizer.

    Args:
        backup_dir: The folder of the file, of this training alone.
        delete_checkpoint: Whether the file is removed once training has ended by
            itself, so that the next `fit` begins at the beginning.

    Raises:
        CheckpointError: The file cannot be written or read, or is of another model.

    Example:
        >>> import mica
        >>> mica.callbacks.BackupAndRestore("backup").backup_dir
        'backup'
    """

    def __init__(
        self, backup_dir: str | Path, *, delete_checkpoint: bool = True
    ) -> None:
        self.backup_dir = os.fspath(backup_dir)
        self.delete_checkpoint = delete_checkpoint

    @property
    def _path(self) -> Path:
        return Path(self.backup_dir) / FILE

    def on_train_begin(self, state: "TrainState") -> None:
        """Go on from the file, if there is one."""
        if self._path.exists():
            self._restore(state)

    def on_epoch_end(self, state: "TrainState") -> None:
        """Write the file anew."""
        tensors: dict[str, Tensor] = {}
        updater = state.updater
        document = {
            "seed": state.seed,
            "epoch": state.epoch + 1,
            "step": state.step,
            "history": {"epoch": state.history.epoch, "logs": state.history.history},
            "draws": {name: part.calls for name, part in _noise(state).items()},
            "random": random_state(),
            "updater": None if updater is None else updater.state(),
        }
        words = {"mica": json.dumps(_take_apart(document, tensors))}
        for name, tensor in _weights(state).items():
            tensors[WEIGHT + name] = tensor.detach()
        write_tensors(tensors, self._path, where="BackupAndRestore", words=words)

    def on_train_end(self, state: "TrainState") -> None:
        """Remove the file, unless training was cut off."""
        if state.failure is None and self.delete_checkpoint:
            self._path.unlink(missing_ok=True)

    def _read(self) -> tuple[dict[str, Tensor], Any]:
        try:
            with safe_open(self._path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                words = (file.metadata() or {})["mica"]
            return tensors, _put_together(json.loads(words), tensors)
        except (
            SafetensorError,
            OSError,
            KeyError,
            ValueError,
            AttributeError,
        ) as error:
            raise CheckpointError(
                f"BackupAndRestore: expected a backup in {str(self._path)!r}, got a "
                "file that cannot be read. Remove it to begin at the beginning."
            ) from error

    def _restore(self, state: "TrainState") -> None:
        tensors, document = self._read()
        live = _weights(state)
        saved = {
            name.removeprefix(WEIGHT): tensor
            for name, tensor in tensors.items()
            if name.startswith(WEIGHT)
        }
        shapes = {name: tuple(tensor.shape) for name, tensor in saved.items()}
        if shapes != {name: tuple(tensor.shape) for name, tensor in live.items()}:
            raise CheckpointError(
                f"BackupAndRestore: expected the backup of this model in "
                f"{str(self._path)!r}, got that of another one. Give each training a "
                "folder of its own, or remove the file."
            )
        with torch.no_grad():
            for name, tensor in live.items():
                tensor.copy_(saved[name])
        if state.updater is not None and document["updater"] is not None:
            state.updater.load(document["updater"])
        for name, part in _noise(state).items():
            part.restart(document["draws"].get(name, 0))
        state.seed, state.epoch = document["seed"], document["epoch"]
        state.step = document["step"]
        state.history.epoch = list(document["history"]["epoch"])
        state.history.history = dict(document["history"]["logs"])
        restore_random_state(document["random"])
