"""Small texts in the place of the downloaded ones, for recipes that read them."""

from typing import Any

import numpy as np

from mica.data import samples
from mica.data.samples.text_sample import TextSample, WordNumbers, make_text_sample

GOOD = ["great", "superb", "brilliant", "fine", "king", "queen", "beautiful", "he"]
BAD = ["terrible", "bad", "boring", "dull", "man", "woman", "she", "elizabeth"]
OTHERS = ["the", "film", "was", "and", "a", "plot,", "it's", "not", "so", "good!"]


def _texts(count: int, classes: int, seed: int) -> tuple[list[str], list[int]]:
    """Texts whose words say of which class they are, in turn."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(count):
        label = row % classes
        kind = (GOOD, BAD)[label % 2]
        words = random.choice([*kind, *OTHERS], random.integers(4, 30)).tolist()
        texts.append(f"{' '.join(words)}<br />topic{label}")
        labels.append(label)
    return texts, labels


def small_text_sample(
    name: str, *, classes: int = 2, raw: bool = False, **options: Any
) -> TextSample:
    """120 texts to learn from and 60 for the test."""
    return make_text_sample(
        name,
        _texts(120, classes, 0),
        _texts(60, classes, 1),
        tuple(f"class {number}" for number in range(classes)),
        "Made up.",
        raw=raw,
        numbers=WordNumbers(**options),
    )


def small_vectors(*, dimensions: int = 50, **options: Any) -> samples.VectorSample:
    """Vectors of some words, as GloVe's would be."""
    words = (*GOOD, *BAD, *(word.strip(",!") for word in OTHERS))
    vectors = np.random.default_rng(2).normal(size=(len(words), dimensions))
    return samples.VectorSample("glove", words, vectors.astype(np.float32), "Made up.")


SMALL = {
    "imdb": lambda **options: small_text_sample("imdb", **options),
    "enron_spam": lambda **options: small_text_sample("enron_spam", **options),
    "reuters": lambda **options: small_text_sample("reuters", classes=5, **options),
    "glove": small_vectors,
}
_load = samples.load


def load_small(name: str, **options: Any) -> Any:
    """`samples.load`, with small samples in the place of large texts."""
    return SMALL[name](**options) if name in SMALL else _load(name, **options)
