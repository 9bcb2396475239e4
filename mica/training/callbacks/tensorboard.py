"""TensorBoard: the logs, and on request the weights, for TensorBoard's pages."""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from mica.errors import ConfigError, MissingDependencyError
from mica.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes loss, metrics, learning rate and weights for TensorBoard.

    Look at them with `tensorboard --logdir logs`. As in Keras, training and validation
    are two runs, `train` and `validation`, with the same names (`epoch_loss`), so that
    their curves share a chart. Epochs are counted from 1.

    Args:
        log_dir: The folder.
        histogram_freq: Every how many epochs the weights are written as histograms;
            0 is never. Each time all weights are copied from the device.
        update_freq: "epoch", or every how many steps the running means are written
            as well (`batch_loss`); "batch" is every step. Each time the device is
            waited for.

    Raises:
        ConfigError: An argument is out of its range.
        MissingDependencyError: The package tensorboard is not installed.

    Example:
        >>> import mica
        >>> mica.callbacks.TensorBoard("runs/logs", histogram_freq=5).log_dir
        'runs/logs'
    """

    def __init__(
        self,
        log_dir: str | Path = "logs",
        *,
        histogram_freq: int = 0,
        update_freq: Literal["epoch", "batch"] | int = "epoch",
    ) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingDependencyError(
                "TensorBoard: expected the package tensorboard, got none installed. "
                "Run pip install 'mica-learn[tensorboard]'."
            )
        if histogram_freq < 0:
            raise ConfigError(
                "TensorBoard: expected histogram_freq of at least 0, got "
                f"{histogram_freq}. 0 writes no histograms."
            )
        steps = 1 if update_freq == "batch" else update_freq
        if steps != "epoch" and (not isinstance(steps, int) or steps < 1):
            raise ConfigError(
                "TensorBoard: expected update_freq 'epoch', 'batch' or a number of "
                f"steps of at least 1, got {update_freq!r}. Choose one of them."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.update_freq = update_freq
        self._steps = None if steps == "epoch" else steps
        self._writers: dict[str, Any] = {}

    def listens_to(self, event: str) -> bool:
        """Tell whether an event is of interest; batches only on request.

        Args:
            event: For example "epoch_end".

        Returns:
            Whether it is.
        """
        if event == "batch_end" and self._steps is None:
            return False
        return super().listens_to(event)

    def _writer(self, run: str) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        if run not in self._writers:
            self._writers[run] = SummaryWriter(os.path.join(self.log_dir, run))
        return self._writers[run]

    def on_batch_end(self, state: "TrainState") -> None:
        """Write the running means, every `update_freq` steps."""
        if self._steps is not None and state.step % self._steps == 0:
            writer = self._writer("train")
            for name, value in state.running_logs().items():
                writer.add_scalar(f"batch_{name}", value, state.step)

    def on_epoch_end(self, state: "TrainState") -> None:
        """Write the epoch's logs, the learning rate and, when due, the weights."""
        epoch = state.epoch + 1
        logs = {**state.logs, "learning_rate": state.learning_rate}
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            tag = f"epoch_{name.removeprefix('val_')}"
            self._writer(run).add_scalar(tag, value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(state, epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, state: "TrainState", epoch: int) -> None:
        writer = self._writer("train")
        for name, weight in state.model.named_parameters():
            values = weight.detach().float().cpu().flatten()
            finite = values[torch.isfinite(values)]
            if finite.numel():
                writer.add_histogram(name.replace(".", "/"), finite, epoch)

    def on_train_end(self, state: "TrainState") -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
