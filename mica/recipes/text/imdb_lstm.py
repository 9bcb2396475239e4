"""Film reviews with an LSTM: a memory that is written, read and cleared by gates.

Word by word, gates decide what the memory keeps, takes in and shows, so that what was
said long ago can stay. The output after the last word is all that the verdict sees.

A fifth of the reviews is put aside to find how many epochs are best; then the network
is trained anew, for as many, on all of them.
"""

import math
from typing import Any

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.optimizers import RMSprop
from mica.optimizers.schedules import one_cycle
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, LENGTH, SIZE, UNITS = 10_000, 500, 32, 32  # the book's
BATCH_SIZE, EPOCHS = 128, 5  # the book has 10, and finds the best by its curves


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data, at most; None for 5.

    Returns:
        "validation accuracy", which the book gives, "test accuracy" and "test loss".
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", num_words=WORDS)
    x, y = reviews.x_train[:rows], reviews.y_train[:rows]
    aside = len(x) // 5
    epochs = epochs or EPOCHS

    trial = _network()
    trial.summary()
    judged = _batches(x[-aside:], y[-aside:])
    history = _fit(trial, _batches(x[:-aside], y[:-aside]), epochs, judged)
    best, _ = history.best("val_loss")

    model = _network()
    _fit(model, _batches(x, y), epochs, stop_after=best + 1)
    test = _batches(reviews.x_test[:rows], reviews.y_test[:rows])
    loss, accuracy = model.evaluate(test, batch_size=256)
    return {
        "validation accuracy": history.history["val_accuracy"][best],
        "test accuracy": accuracy,
        "test loss": loss,
    }


def _batches(x: Any, y: Any) -> BucketSource:
    """The last 500 words in batches of similar lengths.

    Less than half of the book's steps are computed. The embedding marks what is filled
    up; the state stays as it is there.
    """
    return BucketSource(x, y, maxlen=LENGTH, truncating="pre")


def _network() -> mica.Sequential:
    return mica.Sequential(
        mica.Input((None,), dtype="int64"),
        layers.Embedding(WORDS, SIZE, mask_zero=True),
        layers.SpatialDropout1D(0.3),  # ours, as the other dropout
        layers.LSTM(UNITS),
        layers.Dropout(0.3),
        layers.Dense(1, activation="sigmoid"),
    )


def _fit(
    model: mica.Sequential,
    train: BucketSource,
    epochs: int,
    validation: BucketSource | None = None,
    *,
    stop_after: int | None = None,
) -> mica.History:
    # Ours, not the book's: a rate that rises and falls once.
    steps = math.ceil(train.num_samples / BATCH_SIZE) * epochs
    rate = one_cycle(0.003, max(steps, 2))
    model.compile(RMSprop(rate), "binary_crossentropy", metrics=["accuracy"])
    return model.fit(
        train,
        batch_size=BATCH_SIZE,
        epochs=stop_after or epochs,
        validation_data=validation,
    )


RECIPE = Recipe(
    name="imdb-lstm",
    title="Film reviews, last 500 words, LSTM of 32 units",
    source="Chollet, Deep Learning with Python (2017), section 6.2",
    main=main,
    book={"validation accuracy": 0.89},
    goal={"test accuracy": 0.88},
)

if __name__ == "__main__":
    print(main())
