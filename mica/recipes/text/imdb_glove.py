"""Film reviews from 200 examples, with word vectors that others have learned.

200 reviews are too few to learn 10,000 words from. GloVe's vectors know words from
billions of sentences; they are put into the embedding and frozen, and only what stands
behind it learns. The same network with vectors of its own is beside it.
"""

import torch

import mica
from mica import layers
from mica.data import samples
from mica.data.text import pad_sequences
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

WORDS, LENGTH, EXAMPLES = 10_000, 100, 200  # the book's
BATCH_SIZE, EPOCHS = 32, 10  # the book's
SIZE = 50  # numbers for a word; the book has 100


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge both networks once.

    Args:
        seed: Decides the examples, first weights and order.
        rows: Use only so many rows of the test part; None for all.
        epochs: Passes over the examples; None for the book's 10.

    Returns:
        "test accuracy" with GloVe's vectors, and with learned ones.
    """
    reviews = samples.load("imdb", num_words=WORDS)
    vectors = samples.load("glove", dimensions=SIZE)

    # The words in the order of their numbers; 0 to 3 are marks.
    words = ["", "", "", "", *reviews.word_index][:WORDS]
    table = torch.from_numpy(vectors.matrix(words))
    chosen = torch.randperm(
        len(reviews.x_train), generator=torch.Generator().manual_seed(seed)
    )[:EXAMPLES].numpy()
    x_train = pad_sequences(reviews.x_train[chosen], maxlen=LENGTH)
    x_test = pad_sequences(reviews.x_test[:rows], maxlen=LENGTH)

    results = {}
    for name in ("test accuracy", "test accuracy, learned vectors"):
        mica.set_seed(seed)
        embedding = layers.Embedding(WORDS, SIZE)
        model = mica.Sequential(
            mica.Input((LENGTH,), dtype="int32"),
            embedding,
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        )
        if name == "test accuracy":
            embedding.weight.data[: len(table)] = table
            embedding.trainable = False
        model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
        model.fit(
            x_train,
            reviews.y_train[chosen],
            batch_size=BATCH_SIZE,
            epochs=epochs or EPOCHS,
            verbose=0,
        )
        _, results[name] = model.evaluate(
            x_test, reviews.y_test[:rows], batch_size=512, verbose=0
        )
    return results


RECIPE = Recipe(
    name="imdb-glove",
    title="Film reviews, 200 examples, GloVe's vectors of 50 numbers, frozen",
    source="Chollet, Deep Learning with Python (2017), section 6.1",
    main=main,
    book={"test accuracy": 0.56},
    goal={"test accuracy": 0.55},
)

if __name__ == "__main__":
    print(main())
