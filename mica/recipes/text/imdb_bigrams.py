"""Film reviews from their words and pairs of words, each weighed by how rare it is.

"Not good" is another thing than "not" and "good": with pairs of neighbours, a bag of
words knows a little of their order. A pair that is in every review says nothing, so
counts are multiplied by how seldom a term occurs (TF-IDF).
"""

import torch

import mica
from mica import layers
from mica.data import samples
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

TERMS, BATCH_SIZE, EPOCHS = 20_000, 128, 2


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
    reviews = samples.load("imdb", raw=True)

    # The layer learns its terms and their weights from the training part, and is part
    # of the model: the model takes texts, and keeps the vocabulary when it is saved.
    terms = layers.TextVectorization(
        TERMS,
        standardize=("strip_tags", "lower_and_strip_punctuation"),
        ngrams=2,
        output_mode="tf_idf",
    )
    terms.adapt(reviews.x_train[:rows])

    model = mica.Sequential(
        terms,
        # Ours: a term that occurs ten times does not say ten times as much. Judged by
        # the last 5,000 training rows, after the best epoch: 0.8998 against 0.8892.
        layers.Lambda(torch.log1p),
        layers.Dense(16, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        reviews.x_train[:rows],
        reviews.y_train[:rows],
        batch_size=BATCH_SIZE,
        epochs=epochs or EPOCHS,
    )

    loss, accuracy = model.evaluate(
        reviews.x_test[:rows], reviews.y_test[:rows], batch_size=512
    )
    return {"test accuracy": accuracy, "test loss": loss}


RECIPE = Recipe(
    name="imdb-bigrams",
    title="Film reviews, 20,000 words and pairs with TF-IDF, one layer of 16 units",
    source="Chollet, Deep Learning with R (2022), chapter 11",
    main=main,
    book={"test accuracy": 0.88},
    goal={"test accuracy": 0.890},
)

if __name__ == "__main__":
    print(main())
