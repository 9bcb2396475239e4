"""Film reviews from their last 20 words, each as 8 learned numbers.

An embedding is a table with a row for each word; training moves the rows so that what
is said of a film can be read from them. 20 words are few, and their order is only in
which of 160 weights they meet: this is the plainest of the networks of sequences.
"""

import mica
from mica import layers
from mica.data import samples
from mica.data.text import pad_sequences
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, LENGTH, SIZE = 10_000, 20, 8  # the book's
BATCH_SIZE, EPOCHS = 32, 4


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights, order, and the reviews put aside.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for 4.

    Returns:
        "validation accuracy", which the book gives, "test accuracy" and "test loss".
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", num_words=WORDS)
    # Longer reviews lose their beginning: how they end says more.
    x_train = pad_sequences(reviews.x_train[:rows], maxlen=LENGTH)
    x_test = pad_sequences(reviews.x_test[:rows], maxlen=LENGTH)

    model = mica.Sequential(
        mica.Input((LENGTH,), dtype="int32"),
        layers.Embedding(WORDS, SIZE),
        layers.Flatten(),
        layers.Dense(1, activation="sigmoid"),
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(
        x_train,
        reviews.y_train[:rows],
        batch_size=BATCH_SIZE,
        epochs=epochs or EPOCHS,
        validation_split=0.2,
    )

    loss, accuracy = model.evaluate(x_test, reviews.y_test[:rows], batch_size=512)
    return {
        "validation accuracy": history.history["val_accuracy"][-1],
        "test accuracy": accuracy,
        "test loss": loss,
    }


RECIPE = Recipe(
    name="imdb-embedding",
    title="Film reviews, last 20 words, embedding of 8 numbers, one sigmoid",
    source="Chollet, Deep Learning with Python (2017), section 6.1",
    main=main,
    book={"validation accuracy": 0.76},
    goal={"validation accuracy": 0.75, "test accuracy": 0.75},
)

if __name__ == "__main__":
    print(main())
