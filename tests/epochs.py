"""Play prepared epochs to callbacks, without a network learning anything."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from mica.engine import eager_plan
from mica.training.callbacks import Callback
from mica.training.events import Events
from mica.training.state import TrainState

__all__ = ["new_state", "play"]


def new_state(model: nn.Module | None = None, **settings: Any) -> TrainState:
    """A state in front of its first epoch; SGD at a rate of 0.1."""
    model = nn.Linear(2, 1) if model is None else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    arguments = {"seed": 0, "epochs": 1, "steps_per_epoch": 2, **settings}
    return TrainState(model, optimizer, eager_plan("cpu"), **arguments)


def play(
    callbacks: Callback | Sequence[Callback],
    rows: Sequence[dict[str, float]],
    *,
    state: TrainState | None = None,
    change: Callable[[TrainState], Any] = lambda state: None,
) -> TrainState:
    """Emit the events of as many epochs as there are rows of logs.

    `change` is called before each epoch ends: the place to alter weights.
    """
    state = new_state() if state is None else state
    state.epochs = len(rows)
    events = Events([callbacks] if isinstance(callbacks, Callback) else callbacks)
    events.emit("train_begin", state)
    while state.epoch < state.epochs and state.stop_reason is None:
        _play_epoch(state, rows[state.epoch], events, change)
        state.epoch += 1
    events.emit("train_end", state)
    return state


def _play_epoch(
    state: TrainState,
    row: dict[str, float],
    events: Events,
    change: Callable[[TrainState], Any],
) -> None:
    state.batch = state.samples = 0
    events.emit("epoch_begin", state)
    for _ in range(state.steps_per_epoch or 2):
        events.emit("batch_begin", state)
        state.step, state.batch = state.step + 1, state.batch + 1
        state.samples += 32
        events.emit("batch_end", state)
    change(state)
    state.logs = dict(row)
    if any(name.startswith("val_") for name in row):
        state.validates = True
        events.emit("validation_end", state)
    state.history.add(state.epoch, state.logs)
    events.emit("epoch_end", state)
