"""Events: the named moments of training, and who listens to them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback

__all__ = ["EVENTS", "Events"]

_ANY = (inspect.Parameter.VAR_POSITIONAL,)
EVENTS = (
    "train_begin",
    "epoch_begin",
    "batch_begin",
    "batch_end",
    "validation_end",
    "epoch_end",
    "train_end",
)


def _check_listeners(callback: Callback) -> None:
    """A method written for Keras would take the state for an epoch's number."""
    for event in EVENTS:
        if not callback.listens_to(event):
            continue
        listener = getattr(callback, f"on_{event}")
        try:
            parameters = inspect.signature(listener).parameters.values()
        except (TypeError, ValueError):  # a built-in does not tell
            continue
        if len(parameters) == 1 or any(each.kind in _ANY for each in parameters):
            continue
        names = ", ".join(each.name for each in parameters)
        raise ConfigError(
            f"callbacks: expected on_{event} to take the state alone, got "
            f"on_{event}({names}) of {type(callback).__name__}. Write "
            f"on_{event}(self, state) and read state.epoch, state.batch and state.logs."
        )


class Events:
    """Calls each callback's `on_<event>` with the one state object.

    A callback that does not care for an event costs nothing there: only methods that
    differ from `Callback`'s empty ones are kept.

    Args:
        callbacks: Listeners, told in this order.

    Raises:
        ConfigError: One of them is not a Callback, or has a method with Keras's
            arguments.
    """

    def __init__(self, callbacks: Sequence[Callback] = ()) -> None:
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise ConfigError(
                    "callbacks: expected objects of mica.training.Callback, got "
                    f"{type(callback).__name__}. Inherit from Callback, or wrap "
                    "functions in LambdaCallback."
                )
            _check_listeners(callback)
        self.callbacks = list(callbacks)
        self._listeners: dict[str, list[Callable[[Any], Any]]] = {
            event: [
                getattr(callback, f"on_{event}")
                for callback in callbacks
                if callback.listens_to(event)
            ]
            for event in EVENTS
        }

    def listeners(self, event: str) -> list[Callable[[Any], Any]]:
        """List who is called at an event, for a loop that calls them itself."""
        return self._listeners[event]

    def emit(self, event: str, state: Any) -> None:
        """Tell every listener.

        Args:
            event: One of `EVENTS`.
            state: The TrainState.
        """
        for listener in self._listeners[event]:
            listener(state)

    def emit_to_all(self, event: str, state: Any) -> None:
        """Tell every listener, even when one of them fails: open files get closed.

        Args:
            event: One of `EVENTS`.
            state: The TrainState.

        Raises:
            Exception: The first failure, after all were told.
        """
        failures: list[Exception] = []
        for listener in self._listeners[event]:
            try:
                listener(state)
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
        if failures:
            raise failures[0]
