"""Walk: one training step of any model, number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from mica.errors import ConfigError, near_misses
from mica.optimizers import SGD, get_optimizer
from mica.report import Finding, Report, Table
from mica.trace.capture import capture
from mica.trace.comparison import compare
from mica.trace.page import walk_html, write_page
from mica.trace.replay import Replay
from mica.trace.step import Source, Step, Weight
from mica.training import Objective

__all__ = ["Walk", "walk"]

LEARNING_RATE = 0.01  # Keras's default for SGD
SHOWN_NUMBERS = 4  # of a tensor in the terminal's table


class Walk:
    """Predict, compare, learn: every step of one training step, with its numbers.

    A walk holds what torch exported, computed again by `mica.reference` in float64:
    `sources` (inputs, targets, weights), `steps` (one for each operation) and
    `weights` (before and after the update).

    Args:
        title: What is walked through.
        replay: The step on the reference engine.
        learning_rate: How far the weights move.
        note: What a reader must know of the update.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> one = walk(layer, [[1.0, 2.0]], [[0.5]], loss="mse")
        >>> [step.operation for step in one.steps]
        ['permute', 'addmm', 'sub', 'pow', 'mean']
        >>> one.verify().parts[0].severity
        'good'
    """

    def __init__(
        self, title: str, replay: Replay, learning_rate: float, note: str = ""
    ) -> None:
        self.title = title
        self.learning_rate = learning_rate
        self.note = note
        self.sources: tuple[Source, ...] = tuple(replay.sources())
        self.steps: tuple[Step, ...] = tuple(replay.steps())
        self.unknown: Mapping[str, str] = {
            replay.titles[name]: reason for name, reason in replay.unknown.items()
        }
        self.not_finite = replay.not_finite
        self._replay = replay
        self.weights: tuple[Weight, ...] = tuple(
            self._learned(source, beginning.trained)
            for source, beginning in zip(
                self.sources, replay.capture.beginnings, strict=True
            )
            if source.role == "weight"
        )

    def _learned(self, source: Source, trained: bool) -> Weight:
        before, gradient = source.value, source.gradient if trained else None
        after = before if gradient is None else before - self.learning_rate * gradient
        return Weight(source.name, source.path, before, gradient, after)

    @property
    def loss(self) -> float | None:
        """The loss; None where nothing was compared."""
        name = self._replay.capture.loss
        return None if name is None else float(self._replay.values[name].data)

    @property
    def outputs(self) -> list[np.ndarray]:
        """What the model predicts: before the activation that the loss folds in."""
        return [self._replay.values[name].data for name in self._replay.capture.outputs]

    def step(self, name: str) -> Step:
        """Find a step by its name.

        Args:
            name: What later steps call its result.

        Returns:
            The step.

        Raises:
            ConfigError: There is no such step.
        """
        return _named(self.steps, name, "a step")

    def weight(self, name: str) -> Weight:
        """Find a weight by its path in the model.

        Args:
            name: Such as "dense.weight".

        Returns:
            The weight before and after the update.

        Raises:
            ConfigError: There is no such weight.
        """
        return _named(self.weights, name, "a weight")

    def follow(self, name: str, *place: int) -> Report:
        """Follow one weight: where it is used, what flows back, how it moves.

        Args:
            name: Its path in the model, such as "dense.weight".
            *place: One number of it, by its position; none for the whole tensor.

        Returns:
            A report.

        Raises:
            ConfigError: There is no such weight, or no such place in it.
        """
        weight = self.weight(name)
        try:
            before, after = weight.before[place], weight.after[place]
            slope = None if weight.gradient is None else weight.gradient[place]
        except IndexError as error:
            raise ConfigError(
                f"follow: expected a place within the shape {weight.before.shape} of "
                f"{name!r}, got {place}. Count from 0."
            ) from error
        uses = [step for step in self.steps if name in step.inputs]
        moved = Table(
            "Learn: new = old - learning rate * gradient",
            ("old", "learning rate", "gradient", "new"),
            [(_brief(before), self.learning_rate, _brief(slope), _brief(after))],
        )
        used = Table(
            "Predict: where it is used",
            ("step", "layer", "formula", "gives", "flows back"),
            [
                (s.name, s.place, s.formula, _brief(s.value), _brief(s.gradient))
                for s in uses
            ],
        )
        shown = f"{name}[{', '.join(map(str, place))}]" if place else name
        return Report(shown, [used, moved], self.note)

    def report(self) -> Report:
        """Give the walk as tables: predict, compare, learn.

        Returns:
            One section for each phase.
        """
        columns = ("step", "layer", "what", "formula", "shape", "value", "gradient")
        parts: list[Any] = [
            Table(
                "Start",
                ("name", "role", "shape", "value", "gradient"),
                [
                    (
                        s.name,
                        s.role,
                        _shape(s.value),
                        _brief(s.value),
                        _brief(s.gradient),
                    )
                    for s in self.sources
                ],
            )
        ]
        for phase, title in (("predict", "Predict"), ("compare", "Compare")):
            rows = [
                (
                    step.name,
                    step.place,
                    step.words,
                    step.formula,
                    _shape(step.value),
                    _brief(step.value),
                    _brief(step.gradient),
                )
                for step in self.steps
                if step.phase == phase
            ]
            if rows:
                parts.append(Table(title, columns, rows))
        if self.loss is not None:
            parts.append(
                Table(
                    f"Learn: new = old - {self.learning_rate:g} * gradient",
                    ("weight", "old", "gradient", "new"),
                    [
                        (w.name, _brief(w.before), _brief(w.gradient), _brief(w.after))
                        for w in self.weights
                    ],
                    self.note,
                )
            )
        return Report(self.title, [*self.findings(), *parts])

    def findings(self) -> list[Finding]:
        """Say what a reader must know before trusting the numbers."""
        found = [
            Finding(
                "warning",
                self.step(name).place,
                f"The step {name!r} ({self.step(name).operation}) has no rule in the "
                "reference engine; its numbers are torch's.",
                reason if reason != "no rule" else "",
            )
            for name, reason in self.unknown.items()
        ]
        if self.not_finite:
            found.append(
                Finding(
                    "problem",
                    "loss",
                    "The loss is not a finite number, so nothing flows back.",
                    self.not_finite,
                )
            )
        return found

    def show(self) -> None:
        """Print the walk."""
        self.report().show()

    def verify(self) -> Report:
        """Compare every value and gradient with torch's, layer by layer.

        Returns:
            A finding, and the worst difference of each layer.
        """
        return compare(self.title, self.sources, self.steps, self._replay)

    def page(self, path: str | PathLike[str]) -> Path:
        """Write one page that opens offline, to step forward and back through.

        Args:
            path: The file to write; its folder is made if missing.

        Returns:
            The path written.

        Raises:
            ConfigError: ``path`` is a folder.
        """
        text = walk_html(
            self.title,
            self.sources,
            self.steps,
            self.weights if self.loss is not None else (),
            learning_rate=self.learning_rate,
            note=self.note,
            findings=self.findings(),
        )
        return write_page(text, path)


def _named(entries: Sequence[Any], name: str, what: str) -> Any:
    for entry in entries:
        if entry.name == name:
            return entry
    names = [entry.name for entry in entries]
    raise ConfigError(
        f"walk: expected the name of {what}, got {name!r}. {near_misses(name, names)}"
    )


def _shape(value: np.ndarray | None) -> str | None:
    return None if value is None else str(tuple(value.shape))


def _brief(value: Any) -> str | None:
    """A few numbers, or what is the size of many."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.size <= SHOWN_NUMBERS:
        return " ".join(f"{number:.4g}" for number in array.ravel())
    numbers = array.astype(np.float64)
    return f"{numbers.min():.3g} to {numbers.max():.3g}"


def _rate(model: nn.Module, learning_rate: float | None) -> tuple[float, str]:
    """How far weights move, and what to say about it."""
    session = getattr(model, "_session", None)
    if learning_rate is not None:
        return float(learning_rate), ""
    if session is None:
        return LEARNING_RATE, ""
    spec = get_optimizer(session.optimizer)
    rate = getattr(spec, "learning_rate", None)
    rate = rate(0) if callable(rate) else rate
    name = type(spec).__name__
    # The first step of a momentum is the plain one, unless it looks ahead.
    plain = isinstance(spec, SGD) and not (
        spec.clips or spec.weight_decay or spec.nesterov
    )
    if plain and isinstance(rate, (int, float)):
        return float(rate), ""
    note = f"Plain gradient descent; the model's own optimizer is {name}."
    return (float(rate) if isinstance(rate, (int, float)) else LEARNING_RATE), note


def _objective(model: nn.Module, y: Any, loss: Any) -> Objective | None:
    """What is compared and how; None to predict only."""
    session = getattr(model, "_session", None)
    if y is None and loss is None:
        return None
    if y is None:
        raise ConfigError(
            "walk: expected targets for the loss, got none. Give y, or leave the loss "
            "out to predict only."
        )
    if loss is not None:
        return Objective(loss)
    if session is None:
        raise ConfigError(
            "walk: expected a loss to compare the targets with, got none. Give "
            'loss=..., such as loss="mse", or compile the model.'
        )
    compiled = session.objective
    return Objective(compiled.loss, loss_weights=compiled.loss_weights)


def walk(
    model: nn.Module,
    x: Any,
    y: Any = None,
    *,
    loss: Any = None,
    learning_rate: float | None = None,
    training: bool = True,
) -> Walk:
    """Go through one training step of a model, number by number.

    torch exports model and loss as one graph of elementary operations; the reference
    engine computes it again in float64, forward and backward; every weight moves by
    w - learning_rate * gradient. The model itself is left as it is.

    Args:
        model: Any torch module; one of Mica that was compiled brings its own loss and
            learning rate.
        x: Its inputs: an array, or a tuple or dict of them.
        y: The targets; None to predict only.
        loss: A name, Loss, torch loss or function; None for the compiled one.
        learning_rate: How far the weights move; None for the compiled optimizer's,
            else 0.01.
        training: Whether dropout and the like are on; what they draw is kept.

    Returns:
        The walk: `show()`, `page("walk.html")`, `verify()`, `follow("name")`.

    Raises:
        ConfigError: There is no loss to compare with; torch cannot export the model.
        ShapeError: Inputs or targets that do not fit the model.
        DataError: Labels that the loss cannot read.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(1, 1, bias=False)
        >>> _ = layer.load_state_dict({"weight": torch.tensor([[0.5]])})
        >>> one = walk(layer, [[2.0]], [[0.8]], loss="mse", learning_rate=0.1)
        >>> round(one.loss, 4), one.weight("weight").after.round(4).tolist()
        (0.04, [[0.42]])
    """
    objective = _objective(model, y, loss)
    rate, note = _rate(model, learning_rate)
    captured = capture(model, x, y, objective, training=training)
    name = getattr(model, "name", None) or type(model).__name__
    return Walk(f"A walk through {name}", Replay(captured), rate, note)
