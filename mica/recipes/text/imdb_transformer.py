"""Film reviews with a Transformer's encoder: every word looks at every other one.

Words and their places become vectors; attention mixes into each word what other words
have to say about it, a small dense network turns it over, and the mean over the words
decides.
"""

import math

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.optimizers import Adam
from mica.optimizers.schedules import one_cycle
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, LENGTH = 20_000, 300  # the book has 600
SIZE, HEADS, UNITS = 32, 2, 32  # the book has 256, 2, 32
BATCH_SIZE, EPOCHS = 32, 2


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for 2.

    Returns:
        "test accuracy" and "test loss".
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", num_words=WORDS)
    train, test = (
        BucketSource(x[:rows], y[:rows], maxlen=LENGTH, truncating="pre")
        for x, y in (
            (reviews.x_train, reviews.y_train),
            (reviews.x_test, reviews.y_test),
        )
    )

    model = mica.Sequential(
        mica.Input((None,), dtype="int64"),
        layers.Embedding(WORDS, SIZE, mask_zero=True),
        layers.PositionEmbedding(LENGTH, initializer="zeros"),
        layers.SpatialDropout1D(0.3),
        layers.TransformerEncoder(UNITS, HEADS),
        layers.GlobalAveragePooling1D(),  # the book has the maximum
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    )
    epochs = epochs or EPOCHS
    steps = math.ceil(train.num_samples / BATCH_SIZE) * epochs
    rate = one_cycle(0.002, max(steps, 2))
    model.compile(Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(train, batch_size=BATCH_SIZE, epochs=epochs)

    loss, accuracy = model.evaluate(test, batch_size=128)
    return {"test accuracy": accuracy, "test loss": loss}


RECIPE = Recipe(
    name="imdb-transformer",
    title="Film reviews, 300 words of 20,000, one Transformer encoder of 32 numbers",
    source="Chollet, Deep Learning with R (2022), chapter 11",
    main=main,
    book={"test accuracy": 0.875},
    goal={"test accuracy": 0.875},
)

if __name__ == "__main__":
    print(main())
