"""What the recipes about the weather share: windows, and how a network is judged."""

import torch

import mica
from mica.callbacks import EarlyStopping
from mica.data import (
    PreparedSeries,
    WindowSource,
    add_cycles,
    as_series,
    prepare_series,
    samples,
)

__all__ = ["BOOK", "GOAL", "learn", "prepare_weather"]

TARGET = "T (degC)"
PATIENCE = 4  # epochs without a better validation before training stops; ours
BATCH_SIZE = 128  # the book's
# Of the book's file of every ten minutes and fourteen columns, on its validation part.
BOOK = {"validation error": 2.35, "error of the last value, validation": 2.57}
GOAL = {"gain over the last value": 0.08}


def prepare_weather(every: str = "3h") -> PreparedSeries:
    """Cut eight years into windows of five days, and print what common sense reaches.

    The temperature 24 hours after a window is asked for. Ours, not the book's: the file
    of every hour with six columns, of which a window sees every third row; the time of
    year and day as columns; training windows three hours apart.

    Args:
        every: The distance of the rows that a window sees.

    Returns:
        Windows for training (the first half of the years), validation and test.

    Raises:
        DataError: The file is damaged, or cannot be had.
    """
    weather = prepare_series(
        add_cycles(as_series(samples.load("jena_climate"))),
        TARGET,
        history="5 days",
        horizon="24h",
        every=every,
        stride=3,
    )
    print(weather.baselines())
    return weather


def _few(source: WindowSource, count: int | None) -> WindowSource:
    """A source of the first windows only."""
    if count is None:
        return source
    return source.take(torch.arange(min(count, source.num_samples)))


def learn(
    model: mica.Model, weather: PreparedSeries, rows: int | None, epochs: int
) -> dict[str, float]:
    """Train a compiled network, keep its best epoch, and judge that once by the test.

    Args:
        model: Compiled with the mean absolute error as its loss.
        weather: What `prepare_weather` gave.
        rows: Use only so many windows of each part; None for all.
        epochs: Passes over the data, at most.

    Returns:
        Mean absolute errors in degrees: "test error", "validation error", those of the
        last value, and "gain over the last value", the share it is better by.
    """
    train, validation, test = (
        _few(source, rows)
        for source in (weather.train, weather.validation, weather.test)
    )
    model.summary()
    model.fit(
        train,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=validation,
        callbacks=[EarlyStopping(patience=PATIENCE, restore_best_weights=True)],
    )
    degrees = weather.encoder.target_scale  # a standard deviation of training, in C
    watched = degrees * model.evaluate(validation, batch_size=1000)
    error = degrees * model.evaluate(test, batch_size=1000)
    last = weather.test_baselines[0].mean_absolute_error
    return {
        "test error": error,
        "error of the last value": last,
        "gain over the last value": 1 - error / last,
        "validation error": watched,
        "error of the last value, validation": (
            weather.validation_baselines[0].mean_absolute_error
        ),
    }
