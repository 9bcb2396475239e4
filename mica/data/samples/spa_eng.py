"""English sentences and what they are in Spanish."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mica.data.order import epoch_order
from mica.data.samples.archive import read_members
from mica.data.samples.download import (
    RemoteFile,
    check_content,
    find_or_download,
)
from mica.data.samples.text_sample import object_array
from mica.errors import ConfigError, DataError

__all__ = [
    "CONTENT_SHA256",
    "ORIGINAL",
    "PairSample",
    "load",
    "split_pairs",
]

# Zip files made at several times hold the same member, which is held to CONTENT_SHA256.
ORIGINAL = RemoteFile(
    name="spa_eng/spa-eng.zip",
    address="https://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip",
    sha256=None,
    size_bytes=16 * 2**20,
)
CONTENT_SHA256 = "6ec60e212f812ee3430f7568ea6f33b6fb080e32193c5952e8da0ee8ba45574c"
MEMBER = "spa-eng/spa.txt"
LIMIT_BYTES = 2**26  # unpacked; the file has 8 MB
SPLIT_SEED = 0  # the split is part of the data set: it never changes


@dataclass(frozen=True)
class PairSample:
    """Pairs of sentences, split once and for all.

    Args:
        name: Its name, as `load` takes it.
        x_train: Sentences to learn from.
        y_train: What they are in the other language.
        x_test: Different sentences for the final judgement, none of them in
            ``x_train``.
        y_test: One translation of each.
        references: All translations of each, as BLEU takes them.
        description: What it is, with its source.

    Shape:
        x_train: (rows,), objects: str

    Example:
        >>> from mica.data.samples.spa_eng import split_pairs
        >>> pairs = [("Go.", "Ve."), ("Run!", "¡Corre!"), ("Run!", "¡Corred!")]
        >>> sample = split_pairs(pairs, 1)
        >>> len(sample.x_train) + sum(map(len, sample.references))
        3
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    references: list[list[str]]
    description: str

    def __repr__(self) -> str:
        """Show what it is and how large, not every sentence."""
        return (
            f"PairSample({self.name!r}, {len(self.x_train):,} pairs to learn from, "
            f"{len(self.x_test):,} sentences for the test)"
        )


def split_pairs(pairs: Sequence[tuple[str, str]], test_size: int) -> PairSample:
    """Set sentences aside with all their translations.

    Args:
        pairs: Sentence and translation; a sentence may come more than once.
        test_size: How many different sentences go to the test.

    Returns:
        The sample.

    Raises:
        ConfigError: Not at least one sentence would be left on both sides.
    """
    translations: dict[str, list[str]] = {}
    for source, target in pairs:
        translations.setdefault(source, []).append(target)
    sentences = list(translations)
    if not 0 < test_size < len(sentences):
        raise ConfigError(
            f"spa_eng: expected test_size from 1 to {len(sentences) - 1:,}, got "
            f"{test_size!r}. 1000 is a common choice."
        )
    order = epoch_order(len(sentences), SPLIT_SEED, 0).tolist()
    test = [sentences[place] for place in order[:test_size]]
    aside = set(test)
    kept = [pair for pair in pairs if pair[0] not in aside]
    mixed = [kept[row] for row in epoch_order(len(kept), SPLIT_SEED, 1).tolist()]
    return PairSample(
        "spa_eng",
        object_array([source for source, _ in mixed]),
        object_array([target for _, target in mixed]),
        object_array(test),
        object_array([translations[sentence][0] for sentence in test]),
        [translations[sentence] for sentence in test],
        "English sentences and Spanish translations by volunteers. Source: Tatoeba "
        "through manythings.org/anki, 2018; CC BY 2.0 FR.",
    )


def load(*, test_size: int = 1000) -> PairSample:
    """Load 118,964 pairs: from MICA_DATASETS, the cache, or the network once.

    A sentence is in one part only, with all its translations; a random choice of pairs
    would put half of the test's sentences into the training part as well.

    Args:
        test_size: How many different English sentences are held out.

    Returns:
        The pairs, English first.

    Raises:
        ConfigError: ``test_size`` leaves nothing on one side.
        DataError: The file is damaged, or cannot be had.

    Source:
        Tatoeba, https://tatoeba.org
    """
    path = find_or_download(ORIGINAL)
    members = read_members(path, lambda name: name == MEMBER, limit_bytes=LIMIT_BYTES)
    _, content = next(members, ("", None))
    if content is None:
        raise DataError(
            f"{path.name}: expected the member {MEMBER}, got none of that name. Delete "
            "the file; it will be downloaded again."
        )
    check_content(content, CONTENT_SHA256, path)
    lines = content.decode("utf-8").split("\n")
    pairs = [tuple(line.split("\t")[:2]) for line in lines if line]
    return split_pairs([(source, target) for source, target in pairs], test_size)
