"""LambdaCallback: plain functions that listen."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from mica.training.state import TrainState

    Listener = Callable[[TrainState], Any]

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """Calls a function of yours at an event; each takes the `TrainState`.

    Keras's functions take `(epoch, logs)`; here both are in the state, as
    `state.epoch` and `state.logs`.

    Args:
        on_train_begin: Called before the first batch.
        on_epoch_begin: Called before each epoch.
        on_batch_begin: Called before each batch.
        on_batch_end: Called after each batch.
        on_validation_end: Called after each validation.
        on_epoch_end: Called after each epoch, validation included.
        on_train_end: Called after the last epoch.

    Raises:
        ConfigError: What was given is not a function.

    Example:
        >>> import mica
        >>> callback = mica.callbacks.LambdaCallback(
        ...     on_epoch_end=lambda state: print(state.logs["loss"])
        ... )
        >>> callback.listens_to("epoch_end"), callback.listens_to("batch_end")
        (True, False)
    """

    def __init__(
        self,
        *,
        on_train_begin: "Listener | None" = None,
        on_epoch_begin: "Listener | None" = None,
        on_batch_begin: "Listener | None" = None,
        on_batch_end: "Listener | None" = None,
        on_validation_end: "Listener | None" = None,
        on_epoch_end: "Listener | None" = None,
        on_train_end: "Listener | None" = None,
    ) -> None:
        given = {
            "on_train_begin": on_train_begin,
            "on_epoch_begin": on_epoch_begin,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_validation_end": on_validation_end,
            "on_epoch_end": on_epoch_end,
            "on_train_end": on_train_end,
        }
        for name, function in given.items():
            if function is None:
                continue
            if not callable(function):
                raise ConfigError(
                    f"LambdaCallback: expected a function of the state as {name}, got "
                    f"{type(function).__name__}. Write lambda state: ..."
                )
            # An attribute of the object hides the class's empty method.
            setattr(self, name, function)
