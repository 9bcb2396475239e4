"""Progress of a long training: a line for some epochs, not for each of hundreds."""

import math

from mica.training import Callback, Progress, TrainState, Verbosity

__all__ = ["SparseProgress"]

MOST_LINES = 40  # what stays in sight in a tall terminal


class SparseProgress(Callback):
    """Shows what `Progress` shows, and leaves a line for every n-th epoch only.

    n = ceil(epochs / 40); the first and the last epoch always leave theirs.

    Args:
        verbose: As in `Model.fit`, which then gets 0.

    Example:
        >>> SparseProgress(verbose=0).listens_to("batch_end")
        False
    """

    def __init__(self, verbose: Verbosity = "auto") -> None:
        # The report of the run has a part of its own for the plan.
        self._progress = Progress(verbose, plan=False)

    def listens_to(self, event: str) -> bool:
        """Tell whether an event is of interest.

        Args:
            event: For example "epoch_end".

        Returns:
            Whether it is.
        """
        return self._progress.listens_to(event)

    def on_train_begin(self, state: TrainState) -> None:
        """Pass it on."""
        self._progress.on_train_begin(state)

    def on_epoch_begin(self, state: TrainState) -> None:
        """Pass it on."""
        self._progress.on_epoch_begin(state)

    def on_batch_end(self, state: TrainState) -> None:
        """Pass it on."""
        self._progress.on_batch_end(state)

    def on_epoch_end(self, state: TrainState) -> None:
        """Pass on the first, every n-th, and the last."""
        done = state.epoch + 1
        every = math.ceil(state.epochs / MOST_LINES)
        is_last = done == state.epochs or state.stop_reason is not None
        if done == 1 or done % every == 0 or is_last:
            self._progress.on_epoch_end(state)

    def on_train_end(self, state: TrainState) -> None:
        """Pass it on."""
        self._progress.on_train_end(state)
