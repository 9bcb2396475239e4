"""Progress: what training says while it runs."""

import math
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from mica.errors import ConfigError
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.screens import (
    Kind,
    Piece,
    Screen,
    choose_kind,
    open_screen,
)

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["Progress"]

REDRAW_SECONDS = 0.1  # ten pictures a second look fluent
BAR_WIDTH = 20  # characters


def _number(value: float) -> str:
    """Four decimals; four digits and an exponent where those would mislead."""
    ordinary = value == 0 or not math.isfinite(value) or 1e-3 <= abs(value) < 1e5
    return f"{value:.4f}" if ordinary else f"{value:.3e}"


def _duration(seconds: float) -> str:
    if seconds < 0.0995:  # what is shown as less than 0.1 s
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # what is shown as less than 60.0
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _rate(samples: int, seconds: float) -> str:
    """Three digits: the fourth changes from one look to the next."""
    rate = samples / max(seconds, 1e-9)  # a clock that has not moved
    if rate < 100:
        return f"{rate:.3g} samples/s"
    return f"{round(rate, 2 - math.floor(math.log10(rate))):,.0f} samples/s"


def _bar(done: float) -> list[Piece]:
    full = round(done * BAR_WIDTH)
    return [("━" * full, "green"), ("─" * (BAR_WIDTH - full), "dim")]


def _values(logs: Mapping[str, float]) -> list[list[Piece]]:
    return [[(f"{name} ", "dim"), (_number(value), "")] for name, value in logs.items()]


class Progress(Callback):
    """Shows how far training is, what it has learned, and how long it will take.

    In a terminal and in a notebook a live bar, and one line for each finished epoch;
    where the output goes to a file or a pipe, that line alone. The bar is redrawn at
    most ten times a second, and only then are loss and metrics read from the device.
    Samples per second count the training part of the epoch, not its validation.

    Args:
        verbose: 0 is silent, 1 a live bar where there can be one, 2 one line an epoch;
            "auto" is 1.
        plan: Whether a first line says how steps are executed.

    Raises:
        ConfigError: `verbose` is none of these.

    Example:
        >>> import mica
        >>> mica.callbacks.Progress(verbose=0).listens_to("batch_end")
        False
    """

    def __init__(
        self, verbose: Literal["auto"] | int = "auto", *, plan: bool = True
    ) -> None:
        if verbose not in ("auto", 0, 1, 2):
            raise ConfigError(
                f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}. Use 0 for "
                "silence, 1 for a live bar, 2 for one line an epoch."
            )
        self.verbose = verbose
        self.plan = plan
        self._kind: Kind = choose_kind(verbose)
        self._is_live = self._kind in ("terminal", "notebook")
        self._screen: Screen = open_screen("silent")
        self._next_draw = 0.0
        self._epoch_began = self._last_batch = 0.0

    def listens_to(self, event: str) -> bool:
        """Tell whether an event is of interest; none is where nothing is shown.

        Args:
            event: For example "epoch_end".

        Returns:
            Whether it is.
        """
        return self._kind != "silent" and super().listens_to(event)

    def on_train_begin(self, state: "TrainState") -> None:
        """Open the screen, and say the plan."""
        self._screen = open_screen(self._kind)
        self._next_draw = 0.0
        line = getattr(state, "plan_line", "")
        if self.plan and line:
            self._screen.finish([[("plan: ", "dim"), (line, "")]])

    def on_epoch_begin(self, state: "TrainState") -> None:
        """Start the clock of the epoch."""
        now = self._epoch_began = self._last_batch = perf_counter()
        if self._is_live and now >= self._next_draw:
            self._draw(state, {})

    def on_batch_end(self, state: "TrainState") -> None:
        """Redraw, if the last picture is old enough."""
        now = self._last_batch = perf_counter()
        if self._is_live and (now >= self._next_draw or self._is_last(state, now)):
            self._draw(state, state.running_logs())

    def on_epoch_end(self, state: "TrainState") -> None:
        """Leave one line."""
        seconds = perf_counter() - self._epoch_began
        self._screen.finish(
            [
                self._epoch(state),
                [(_duration(seconds), "dim")],
                *_values(state.logs),
                [(_rate(state.samples, self._last_batch - self._epoch_began), "dim")],
            ]
        )

    def on_train_end(self, state: "TrainState") -> None:
        """Say why training ended early, if it did."""
        if state.stop_reason is not None:
            self._screen.finish([[(state.stop_reason, "")]])
        self._screen.close()

    def _is_last(self, state: "TrainState", now: float) -> bool:
        """Whether the full bar should be seen: validation may take its time."""
        full = state.batch == state.steps_per_epoch
        return full and now - self._epoch_began > REDRAW_SECONDS

    def _epoch(self, state: "TrainState") -> list[Piece]:
        width = len(str(state.epochs))
        return [(f"epoch {state.epoch + 1:>{width}}/{state.epochs}", "bold")]

    def _draw(self, state: "TrainState", logs: Mapping[str, float]) -> None:
        seconds = self._last_batch - self._epoch_began
        line = [self._epoch(state), *self._position(state, seconds), *_values(logs)]
        if state.samples:
            line.append([(_rate(state.samples, seconds), "dim")])
        self._screen.draw(line)
        self._next_draw = perf_counter() + REDRAW_SECONDS

    def _position(self, state: "TrainState", seconds: float) -> list[list[Piece]]:
        steps = state.steps_per_epoch
        if steps is None:
            return [[(f"{state.batch} batches", "")]]
        width = len(str(steps))
        position = [
            _bar(state.batch / steps),
            [(f"{state.batch:>{width}}/{steps}", "")],
        ]
        if 0 < state.batch < steps:
            left = seconds / state.batch * (steps - state.batch)
            position.append([(f"{_duration(left)} left", "dim")])
        return position
