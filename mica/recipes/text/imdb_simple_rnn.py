"""Film reviews with the plainest recurrent network: one state, one matrix.

Word by word, the state becomes tanh of what it was and of the word that comes. What was
said long ago fades, so the network looks at the last words only, and their states are
averaged instead of trusting the very last one.
"""

import math

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.optimizers import RMSprop
from mica.optimizers.schedules import one_cycle
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, SIZE, UNITS = 10_000, 32, 32  # the book's
LENGTH = 250  # the book has 500
BATCH_SIZE, EPOCHS = 128, 4


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for 4.

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
        layers.SpatialDropout1D(0.3),  # ours, as the other dropout
        layers.SimpleRNN(UNITS, return_sequences=True),
        # Ours: the book takes the last state alone, which forgets what was said first.
        layers.GlobalAveragePooling1D(),
        layers.Dropout(0.3),
        layers.Dense(1, activation="sigmoid"),
    )
    # Ours, chosen on a fifth of the training part put aside: a rate that rises and
    # falls once, after which the last weights are no matter of luck.
    epochs = epochs or EPOCHS
    steps = math.ceil(train.num_samples / BATCH_SIZE) * epochs
    rate = one_cycle(0.002, max(steps, 2))
    model.compile(RMSprop(rate), "binary_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(train, batch_size=BATCH_SIZE, epochs=epochs)

    loss, accuracy = model.evaluate(test, batch_size=256)
    return {"test accuracy": accuracy, "test loss": loss}


RECIPE = Recipe(
    name="imdb-simple-rnn",
    title="Film reviews, last 250 words, SimpleRNN of 32 units, states averaged",
    source="Chollet, Deep Learning with Python (2017), section 6.2",
    main=main,
    goal={"test accuracy": 0.85},
)

if __name__ == "__main__":
    print(main())
