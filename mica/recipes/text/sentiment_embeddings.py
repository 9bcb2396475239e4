"""Film reviews by the sum of their words, and what the words come to mean by it.

Each word is 100 numbers; those of a review's words are added, squeezed, and weighed.
Nothing but the verdict is taught, so words that say the same of a film come to lie
together: near "terrible" is what people write of films they hated.
"""

import numpy as np

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.optimizers import Adam
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Table

__all__ = ["RECIPE", "main"]

SIZE = 100  # numbers for a word; the book's
TEST_ROWS = 1_000  # the last of the training part; the book's
BATCH_SIZE, EPOCHS = 128, 2
ASKED = ("beautiful", "terrible")  # the book's


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train and judge the model once.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for the book's 2.
        show: Is given the words nearest to "beautiful" and to "terrible".

    Returns:
        The accuracy on the book's test, the last 1,000 reviews of the training part,
        and on the 25,000 of the test part.
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", start_char=None)
    num_words = len(reviews.word_index) + reviews.index_from + 1
    # Each word once, however often it occurs.
    x = [np.unique(review) for review in reviews.x_train[:rows]]
    y = reviews.y_train[:rows]
    last = min(TEST_ROWS, len(x) // 5)

    words = mica.Input((None,), dtype="int64")
    embedding = layers.Embedding(num_words, SIZE)
    # Numbers up to 2 stand for padding and for words that training did not have.
    is_known = words.gt(2).unsqueeze(-1)
    total = (embedding(words) * is_known).sum(1)  # (batch, SIZE)
    model = mica.Model(words, layers.Dense(1, activation="sigmoid")(total.sigmoid()))
    model.compile(Adam(0.001), "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        BucketSource(x[:-last], y[:-last]),
        batch_size=BATCH_SIZE,
        epochs=epochs or EPOCHS,
    )

    _, of_the_book = model.evaluate(BucketSource(x[-last:], y[-last:]), batch_size=256)
    test = BucketSource(
        [np.unique(review) for review in reviews.x_test[:rows]], reviews.y_test[:rows]
    )
    _, accuracy = model.evaluate(test, batch_size=256)
    for word in ASKED:
        show(_nearest(word, embedding.weight.detach().numpy(), reviews))
    return {"last 1,000, accuracy": of_the_book, "test accuracy": accuracy}


def _nearest(word: str, table: np.ndarray, reviews: samples.TextSample) -> Table:
    """The words whose vectors are the fewest steps away, among the 10,000 frequent."""
    title, columns = f"Nearest to {word!r}", ("word", "distance")
    if word not in reviews.word_index:
        return Table(title, columns, [])
    number = reviews.word_index[word] + reviews.index_from
    distance = np.linalg.norm(table[:10_000] - table[number], axis=1)
    distance[: reviews.index_from + 1] = np.inf  # marks are no words
    found = [n for n in distance.argsort()[:11] if n != number]
    rows = [(reviews.decode([n]), float(distance[n])) for n in found]
    return Table(title, columns, rows)


RECIPE = Recipe(
    name="sentiment-from-embeddings",
    title="Film reviews by the sum of their words' vectors; words near to each other",
    source="Trask, Grokking Deep Learning (2019), chapter 11",
    main=main,
    book={"last 1,000, accuracy": 0.849},
    goal={"last 1,000, accuracy": 0.86, "test accuracy": 0.86},
    draws=True,
)

if __name__ == "__main__":
    print(main())
