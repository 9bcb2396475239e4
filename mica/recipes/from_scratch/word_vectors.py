"""Word vectors from their neighbours: Trask's chapter 11, on a small made-up court.

A word is taken out of its sentence and guessed from the words around it, beside a few
wrong ones. Nobody says what a king is; but kings stand near crowns and beards. Then
king - man + woman is asked for.
"""

import numpy as np

import mica
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series, Table

__all__ = ["RECIPE", "main"]

SENTENCES, EPOCHS = 3000, 5
FEWEST = 100  # sentences in which every word occurs
RANKS = {"ruler": ["crown", "throne", "palace"], "commoner": ["field", "plough", "inn"]}
GENDERS = {"he": ["beard", "his", "sir"], "she": ["gown", "her", "madam"]}
NAMES = {
    ("ruler", "he"): "king",
    ("ruler", "she"): "queen",
    ("commoner", "he"): "man",
    ("commoner", "she"): "woman",
}


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn the words of the court.

    Args:
        seed: Of the sentences and the first vectors.
        rows: How many sentences, at least 100; None for 3,000.
        epochs: Passes over them; None for 5.
        show: Is given the nearest words, and a map of all.

    Returns:
        Whether queen is king - man + woman (1 or 0), the cosine of the two, and the
        share of the words around whose nearest neighbour is of their own kind.
    """
    texts = _sentences(np.random.default_rng(seed), max(rows or SENTENCES, FEWEST))
    model = mica.classic.WordVectors(
        10, epochs=epochs or EPOCHS, random_state=seed
    ).fit(texts)

    answer = model.analogy(["king", "woman"], ["man"], count=3)
    show(Table("king - man + woman", ("word", "cosine"), answer))
    kinds = [*RANKS.values(), *GENDERS.values()]
    nearest = {
        word: (model.nearest(word, count=1)[0][0], kind)
        for kind in kinds
        for word in kind
    }
    neighbours = [(word, near) for word, (near, _) in nearest.items()]
    show(Table("Nearest words", ("word", "nearest"), neighbours))

    # A map: the two directions along which the vectors differ most.
    centred = model.vectors_ - model.vectors_.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    places = dict(zip(model.words_, (centred @ directions[:2].T).tolist(), strict=True))
    groups = [*kinds, *([name] for name in NAMES.values())]
    series = []
    for group in groups:
        across, up = zip(*(places[word] for word in group), strict=True)
        series.append(Series(", ".join(group), across, up))
    show(Chart("A map of the words", series, kind="points"))
    return {
        "queen": float(answer[0][0] == "queen"),
        "cosine": dict(answer).get("queen", 0.0),
        "own kind": float(np.mean([near in kind for near, kind in nearest.values()])),
    }


def _sentences(random: np.random.Generator, count: int) -> list[list[str]]:
    """A name between a word of its rank and a word of its gender, in either order."""
    texts = []
    for _ in range(count):
        rank, gender = random.choice(list(RANKS)), random.choice(list(GENDERS))
        sides = [random.choice(RANKS[rank]), random.choice(GENDERS[gender])]
        first, last = random.permutation(sides).tolist()
        texts.append([first, NAMES[rank, gender], last])
    return texts


RECIPE = Recipe(
    name="word-vectors",
    title="Word vectors of a made-up court: king - man + woman",
    source="Trask, Grokking Deep Learning (2019), chapter 11",
    main=main,
    goal={"queen": 1.0, "own kind": 0.9},
    draws=True,
)

if __name__ == "__main__":
    print(main())
