"""Word vectors from film reviews: terrible - bad + good, and king - man + woman.

A word is taken out of a review and guessed from the two words on each side. Words that
fill the same blanks get similar vectors, whatever they say of the film: "brilliant" now
lies near "terrible". GloVe's vectors, from far more text, answer beside ours.
"""

import numpy as np

import mica
from mica.data import samples
from mica.data.samples import VectorSample
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Table

__all__ = ["RECIPE", "main"]

SIZE, WINDOW, NEGATIVE = 50, 2, 5  # the book's
REVIEWS = 10_000  # the book has 25,000
EPOCHS, BATCH_SIZE, MIN_COUNT = 2, 128, 20
NEAREST = ("terrible", "beautiful")  # the book's
# First and third are added, the second is taken off.
ANALOGIES = {
    ("terrible", "bad", "good"): {"great", "terrific", "superb", "wonderful", "fine"},
    ("elizabeth", "she", "he"): {"william", "christopher", "john", "george", "robert"},
    ("king", "man", "woman"): {"queen", "princess"},
}


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn the vectors, and ask them and GloVe's.

    Args:
        seed: Of the first vectors, the order, and the wrong words.
        rows: How many reviews; None for 10,000.
        epochs: Passes over them; None for the book's 2.
        show: Is given the nearest words and the analogies.

    Returns:
        How many of the book's three analogies have a fitting word among the ten
        nearest, of ours and of GloVe's vectors.
    """
    reviews = samples.load("imdb", raw=True).x_train[: rows or REVIEWS]
    split = mica.layers.TextVectorization(
        standardize=("strip_tags", "lower_and_strip_punctuation")
    ).tokens_of
    model = mica.classic.WordVectors(
        SIZE,
        window=WINDOW,
        num_negative=NEGATIVE,
        min_count=MIN_COUNT,
        epochs=epochs or EPOCHS,
        batch_size=BATCH_SIZE,
        random_state=seed,
    ).fit([split(review) for review in reviews])
    for word in NEAREST:
        if word in model.words_:
            show(Table(f"Nearest to {word}", ("word", "cosine"), model.nearest(word)))

    glove = samples.load("glove")
    ours = VectorSample("reviews", tuple(model.words_), model.vectors_, "Ours.")
    results = {}
    for name, vectors in (("ours", ours), ("GloVe", glove)):
        fitting = 0
        for (first, taken, added), expected in ANALOGIES.items():
            answers = _answers(vectors, first, taken, added)
            title = f"{first} - {taken} + {added} ({name})"
            show(Table(title, ("word", "cosine"), answers))
            fitting += any(word in expected for word, _ in answers)
        results[f"analogies, {name}"] = float(fitting)
    return results


def _answers(
    vectors: VectorSample, first: str, taken: str, added: str
) -> list[tuple[str, float]]:
    """The ten words at the smallest angle to first - taken + added."""
    place = {word: row for row, word in enumerate(vectors.words)}
    if not {first, taken, added} <= place.keys():
        return []
    table = vectors.vectors
    # The book multiplies each vector by its squared length; to compare angles, it is
    # divided by its length.
    table = table / np.linalg.norm(table, axis=1, keepdims=True).clip(1e-12)
    asked = [place[first], place[taken], place[added]]
    cosine = table @ (table[asked[0]] - table[asked[1]] + table[asked[2]])
    cosine[asked] = -np.inf  # the words of the question are no answer
    return [
        (vectors.words[row], float(cosine[row])) for row in (-cosine).argsort()[:10]
    ]


RECIPE = Recipe(
    name="word-analogies",
    title="Word vectors of 10,000 film reviews: nearest words and analogies",
    source="Trask, Grokking Deep Learning (2019), chapter 11",
    main=main,
    goal={"analogies, GloVe": 3.0},
    draws=True,
)

if __name__ == "__main__":
    print(main())
