"""Callback: what listens to training."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["Callback"]


class Callback:
    """A listener: override the moments you care about.

    Each method gets the one `TrainState`: `state.epoch`, `state.step`, `state.batch`,
    `state.logs` (of the finished epoch, in `on_epoch_end`), `state.running_logs()`,
    `state.model`, `state.optimizer`, `state.learning_rate`, `state.history`, and
    `state.stop("reason")`.

    Example:
        >>> class Greeter(Callback):
        ...     def on_epoch_end(self, state):
        ...         print(f"epoch {state.epoch + 1}: loss {state.logs['loss']:.2f}")
        >>> Greeter().listens_to("epoch_end"), Greeter().listens_to("batch_end")
        (True, False)
    """

    def on_train_begin(self, state: "TrainState") -> None:
        """Before the first batch."""

    def on_epoch_begin(self, state: "TrainState") -> None:
        """Before each epoch."""

    def on_batch_begin(self, state: "TrainState") -> None:
        """Before each batch."""

    def on_batch_end(self, state: "TrainState") -> None:
        """After each batch; reading a value here waits for the device."""

    def on_validation_end(self, state: "TrainState") -> None:
        """After each validation; `state.logs` has the `val_` values."""

    def on_epoch_end(self, state: "TrainState") -> None:
        """After each epoch, validation included."""

    def on_train_end(self, state: "TrainState") -> None:
        """After the last epoch, also when training was stopped or failed."""

    def listens_to(self, event: str) -> bool:
        """Tell whether this callback overrides an event's method.

        Args:
            event: For example "epoch_end".

        Returns:
            True when the method is not `Callback`'s empty one.
        """
        name = f"on_{event}"
        own = getattr(self, name)
        return getattr(own, "__func__", own) is not getattr(Callback, name)
