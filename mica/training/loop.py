"""THE LOOP: epochs and batches, and the moments between them."""

from collections.abc import Callable, Iterable
from typing import Any

from mica.training.diagnosis import Guard
from mica.training.edges import Edges
from mica.training.events import Events
from mica.training.means import RunningMeans
from mica.training.state import TrainState

__all__ = ["loop"]

CHECK_EVERY = 32  # batches between two looks at whether the loss is still a number


def loop(
    state: TrainState,
    batches: Callable[[int], Iterable[Any]],
    step: Callable[[Any], Any],
    *,
    events: Events,
    means: RunningMeans,
    measured: Callable[[], dict[str, float]],
    validate: Callable[[int], dict[str, float]],
    guard: Guard,
    edges: Edges,
) -> None:
    """Train until the last epoch or until someone calls `state.stop`.

    Args:
        state: What training changes; says where it stands.
        batches: Gives the batches of an epoch.
        step: Learns from one batch and gives its logs.
        events: Who listens.
        means: Gathers the logs of an epoch.
        measured: Reads the metrics of an epoch.
        validate: Gives the validation's logs after an epoch, {} for none.
        guard: Keeps the weights safe and watches for a loss that is no number.
        edges: What is done to the weights where an epoch begins and ends.

    Raises:
        DivergenceError: The loss became NaN or infinite.
    """
    before, after = events.listeners("batch_begin"), events.listeners("batch_end")
    while state.epoch < state.epochs and state.stop_reason is None:
        means.reset()
        state.batch = state.samples = 0
        edges.begin(state.epoch)
        guard.remember(state)
        events.emit("epoch_begin", state)
        for batch in batches(state.epoch):
            for listener in before:
                listener(state)
            means.add(step(batch), batch.size)
            state.step += 1
            state.batch += 1
            state.samples += batch.size
            if state.batch % CHECK_EVERY == 0:
                guard.check(state, means)
            for listener in after:
                listener(state)
            if state.stop_reason is not None:
                break
        edges.finish()
        guard.check_epoch(state, means)
        edges.end()
        state.logs = {**means.read(), **measured()}
        validation = validate(state.epoch)
        if validation:
            state.logs.update(validation)
            events.emit("validation_end", state)
        state.history.add(state.epoch, state.logs)
        events.emit("epoch_end", state)
        state.epoch += 1
