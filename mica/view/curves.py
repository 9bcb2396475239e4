"""Training curves: each measured value over the epochs, its best epoch marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mica.errors import DataError
from mica.report import Chart, Mark, Series, format_value

__all__ = ["training_curves"]

VALIDATION = "val_"  # Keras's prefix for what was measured on held-out data
RATES = ("learning_rate", "lr")  # settings, not measurements: no best epoch

# Parts of names whose smaller values are better; everything else grows.
_LOWER_IS_BETTER = ("loss", "error", "mae", "mse", "mape", "msle", "rmse", "perplexity")


def training_curves(
    history: Mapping[str, Sequence[float | None]],
    *,
    epochs: Sequence[float] | None = None,
    higher_is_better: Mapping[str, bool] | None = None,
) -> list[Chart]:
    """Give one chart per measured value, training and validation together.

    The best epoch is marked: of the validation's values where there are some, the
    earliest if several are equal. NaN, infinity and None are gaps.

    Args:
        history: Values per epoch, by name: "loss", "val_loss", "accuracy"...
        epochs: The epochs' numbers; None counts from 1.
        higher_is_better: Which way is better, by name without "val_"; a name that is
            missing is judged by its words: "loss" and "error" fall, others grow.

    Returns:
        The loss's chart first, then the others in the history's order, the learning
        rate's last.

    Raises:
        DataError: The history is empty, holds no epoch, or its values differ in
            number.

    Example:
        >>> history = {"loss": [0.9, 0.4, 0.2], "val_loss": [0.8, 0.5, 0.6]}
        >>> print(training_curves(history)[0])
        loss
        loss: 0.9 to 0.2 over epoch 1 to 3, lowest 0.2 at 3, highest 0.9 at 1
        val_loss: 0.8 to 0.6 over epoch 1 to 3, lowest 0.5 at 2, highest 0.8 at 1
        lowest val_loss 0.5 at epoch 2
    """
    num_epochs = _count_epochs(history)
    numbers = list(range(1, num_epochs + 1)) if epochs is None else list(epochs)
    if len(numbers) != num_epochs:
        raise DataError(
            f"training_curves: expected {num_epochs} epoch numbers, "
            f"got {len(numbers)}. Give one for each epoch of the history."
        )
    names = list(dict.fromkeys(name.removeprefix(VALIDATION) for name in history))
    names.sort(key=lambda name: (name in RATES) - (name == "loss"))
    directions = higher_is_better or {}
    return [
        _chart(name, history, numbers, is_higher_better=directions.get(name))
        for name in names
    ]


def _count_epochs(history: Mapping[str, Sequence[float | None]]) -> int:
    lengths = {name: len(values) for name, values in history.items()}
    if not lengths:
        raise DataError(
            "training_curves: expected values of at least one name, got an empty "
            "history. Train first."
        )
    first, num_epochs = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != num_epochs:
            raise DataError(
                f"training_curves: expected {num_epochs} values of {name!r}, as of "
                f"{first!r}, got {length}. Give None for epochs not measured."
            )
    if num_epochs == 0:
        raise DataError(
            "training_curves: expected at least one epoch, got none. Train first."
        )
    return num_epochs


def _chart(
    name: str,
    history: Mapping[str, Sequence[float | None]],
    epochs: Sequence[float],
    *,
    is_higher_better: bool | None,
) -> Chart:
    lines = [
        Series(key, epochs, history[key])
        for key in (name, VALIDATION + name)
        if key in history
    ]
    if name in RATES:
        is_positive = all(y > 0 for line in lines for _, y in line.points())
        scale = "log" if is_positive and _spans_decades(lines) else "linear"
        return Chart(name, lines, "epoch", y_scale=scale)
    if is_higher_better is None:
        words = name.lower()
        is_higher_better = not any(word in words for word in _LOWER_IS_BETTER)
    return Chart(
        name, lines, "epoch", marks=_best(lines[-1], is_higher=is_higher_better)
    )


def _spans_decades(lines: Sequence[Series]) -> bool:
    values = [y for line in lines for _, y in line.points()]
    return bool(values) and math.log10(max(values)) - math.log10(min(values)) > 1


def _best(line: Series, *, is_higher: bool) -> list[Mark]:
    """Mark the best epoch; of a single one there is nothing to say."""
    points = line.points()
    if len(points) < 2:
        return []
    x, y = (max if is_higher else min)(points, key=lambda point: point[1])
    word = "highest" if is_higher else "lowest"
    label = f"{word} {line.name} {format_value(y)} at epoch {format_value(x)}"
    return [Mark(x, y, label)]
