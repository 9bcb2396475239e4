"""Film reviews as well as Mica can in some minutes: words, pairs and triples, weighed.

How much more often a term occurs in friendly reviews than in unfriendly ones is a good
first guess of what it says (naive Bayes). It is counted, kept as one number for each
term, and multiplied by a second number, which is learned: so the network begins with
the right signs, and has only to find out how much each term is to be trusted.
"""

from collections.abc import Sequence

import numpy as np
import torch

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.optimizers import Adam
from mica.recipes.recipe import Recipe
from mica.recipes.text.terms import distinct_terms

__all__ = ["RECIPE", "main"]

TERMS, ORDER = 800_000, 3  # words, pairs and triples
BATCH_SIZE, EPOCHS = 32, 3


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the model once.

    Args:
        seed: Decides the order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for 3.

    Returns:
        "test accuracy".
    """
    mica.set_seed(seed)
    reviews = samples.load("imdb", raw=True)
    x_train, y_train = reviews.x_train[:rows], reviews.y_train[:rows]

    # In mode "int", 0 is padding and 1 a term that is not among the frequent ones.
    terms = layers.TextVectorization(
        TERMS,
        standardize=("strip_tags", "lower"),
        split="words_and_marks",
        ngrams=ORDER,
    )
    terms.adapt(x_train)
    num_terms = len(terms.get_vocabulary())
    train = distinct_terms(terms, x_train)
    test = distinct_terms(terms, reviews.x_test[:rows])

    ratio = layers.Embedding(num_terms, 1, name="ratio")
    weight = layers.Embedding(num_terms, 1)
    numbers = mica.Input((None,), dtype="int64")
    score = (ratio(numbers) * weight(numbers)).sum(1)  # (batch, 1)
    model = mica.Model(numbers, score.sigmoid())
    ratio.weight.data[:, 0] = _log_ratio(train, y_train, num_terms)
    ratio.trainable = False

    model.compile(Adam(0.001), "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        BucketSource(train, y_train), batch_size=BATCH_SIZE, epochs=epochs or EPOCHS
    )
    _, accuracy = model.evaluate(
        BucketSource(test, reviews.y_test[:rows]), batch_size=256
    )
    return {"test accuracy": accuracy}


def _log_ratio(
    reviews: Sequence[np.ndarray], friendly: np.ndarray, num_terms: int
) -> torch.Tensor:
    """log(share of friendly reviews with a term / share of unfriendly ones)."""
    shares = []
    for wanted in (1, 0):
        chosen = [reviews[row] for row in np.flatnonzero(friendly == wanted).tolist()]
        # One more than counted: a term seen on one side only has a ratio too.
        counts = np.bincount(np.concatenate(chosen), minlength=num_terms) + 1.0
        shares.append(counts / counts.sum())
    ratio = np.log(shares[0] / shares[1])
    ratio[:2] = 0  # padding and unknown terms say nothing
    return torch.from_numpy(ratio).float()


RECIPE = Recipe(
    name="imdb-best",
    title="Film reviews, 800,000 words, pairs and triples, naive Bayes weighed",
    source="Wang & Manning, Baselines and bigrams (2012)",
    main=main,
    goal={"test accuracy": 0.91},
)

if __name__ == "__main__":
    print(main())
