"""Film reviews, friendly or not, from which words occur: Chollet's second network.

A review becomes a row of 10,000 numbers, 1 where a word occurs in it and 0 elsewhere.
Two layers of 16 units and a sigmoid tell whether its author liked the film.
"""

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, BATCH_SIZE, EPOCHS = 10_000, 512, 4  # the book's


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for the book's 4.

    Returns:
        "test accuracy" and "test loss".
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", num_words=WORDS)

    # Reviews are lists of word numbers of many lengths. A bucket source makes batches
    # of similar lengths, so little has to be filled up with zeros.
    train = BucketSource(reviews.x_train[:rows], reviews.y_train[:rows])
    test = BucketSource(reviews.x_test[:rows], reviews.y_test[:rows])

    model = mica.Sequential(
        mica.Input((None,), dtype="int64"),
        layers.CategoryEncoding(WORDS, output_mode="multi_hot"),
        layers.Dense(16, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    model.summary()

    # Four passes: the book saw by 10,000 reviews put aside that more do harm.
    model.fit(train, batch_size=BATCH_SIZE, epochs=epochs or EPOCHS)

    loss, accuracy = model.evaluate(test, batch_size=BATCH_SIZE)
    return {"test accuracy": accuracy, "test loss": loss}


RECIPE = Recipe(
    name="imdb-dense",
    title="Film reviews, 10,000 words, 16-16-1, 4 epochs, batch 512, RMSprop",
    source="Chollet, Deep Learning with Python (2017), section 3.4",
    main=main,
    book={"test accuracy": 0.8833, "test loss": 0.2930},
    goal={"test accuracy": 0.880},
)

if __name__ == "__main__":
    print(main())
