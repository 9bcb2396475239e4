"""IMDB: 50,000 film reviews, half of them friendly."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mica.data.samples.archive import read_compressed, read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)
from mica.data.samples.text_sample import TextSample, WordNumbers, make_text_sample
from mica.errors import DataError

__all__ = ["ORIGINAL", "REPACKED", "load"]

ORIGINAL = RemoteFile(
    name="imdb/aclImdb_v1.tar.gz",
    address="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    size_bytes=84_125_825,
)
# The same reviews, a line each: label, rating and text between tabs.
REPACKED = {
    "train": LocalFile(
        "imdb/aclimdb_train.tsv.xz",
        "3788f25dc3865b51b49abed959372a973b0daa6ad1a11be50cd954aec173c832",
    ),
    "test": LocalFile(
        "imdb/aclimdb_test.tsv.xz",
        "f0949ebd9386279640f17df3e305005ad0629baa3e7335ca2aabc4301343b0ff",
    ),
}
LIMIT_BYTES = 2**30  # unpacked; the archive has 0.4 GiB
_REVIEW = re.compile(r"(?:.*/)?(train|test)/(pos|neg)/(\d+)_(\d+)\.txt")


class _Review(NamedTuple):
    part: str
    number: int
    label: int
    text: str


def _read_original(path: Path) -> list[_Review]:
    reviews = []
    wanted = _REVIEW.fullmatch
    for name, content in read_members(
        path, lambda name: wanted(name) is not None, limit_bytes=LIMIT_BYTES
    ):
        part, label, number, _ = wanted(name).groups()  # type: ignore[union-attr]
        text = content.decode("utf-8")
        reviews.append(_Review(part, int(number), int(label == "pos"), text))
    return reviews


def _read_repacked(path: Path, part: str) -> list[_Review]:
    text = read_compressed(path, limit_bytes=LIMIT_BYTES).decode("utf-8")
    reviews = []
    for line in text.split("\n")[:-1]:
        label, _, review = line.split("\t", 2)
        reviews.append(_Review(part, len(reviews) // 2, int(label), review))
    return reviews


def _read() -> list[_Review]:
    paths = {part: find_local(file) for part, file in REPACKED.items()}
    reviews = []
    for part, path in paths.items():
        if path is None:
            return _read_original(find_or_download(ORIGINAL))
        reviews += _read_repacked(path, part)
    return reviews


def _part(reviews: Sequence[_Review], part: str) -> tuple[list[str], list[int]]:
    """One part, friendly and unfriendly reviews in turn."""
    ordered = sorted(
        (review for review in reviews if review.part == part),
        key=lambda review: (review.number, -review.label),
    )
    if not ordered:
        raise DataError(
            f"imdb: expected reviews in the folders {part}/pos and {part}/neg, got "
            "none. Delete the file; it will be downloaded again."
        )
    return [review.text for review in ordered], [review.label for review in ordered]


def load(
    *,
    raw: bool = False,
    num_words: int | None = None,
    skip_top: int = 0,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> TextSample:
    """Load IMDB: from MICA_DATASETS, from the cache, or from the network once.

    The reviews are the authors' own; Keras's file of numbers is not read, for it can
    only be opened by running what is in it (pickle), so words have other numbers here.

    Args:
        raw: Whether to give the texts, with their ``<br />``, instead of numbers.
        num_words: See `WordNumbers`, as the others.
        skip_top: Numbers below are left out.
        start_char: The mark of the start.
        oov_char: The mark of a word left out.
        index_from: What is added to ranks.

    Returns:
        25,000 reviews to learn from and 25,000 for the test; 1 is friendly. Friendly
        and unfriendly ones take turns.

    Raises:
        ConfigError: An option that cannot be.
        DataError: A file is damaged, or cannot be had.

    Source:
        Maas et al. 2011, "Learning word vectors for sentiment analysis".
    """
    numbers = WordNumbers(num_words, skip_top, start_char, oov_char, index_from)
    reviews = _read()
    return make_text_sample(
        "imdb",
        _part(reviews, "train"),
        _part(reviews, "test"),
        ("negative", "positive"),
        "50,000 film reviews from IMDB, at most 30 of a film, friendly (7 stars or "
        "more) or unfriendly (4 or fewer). Source: Maas et al. 2011; research use.",
        raw=raw,
        numbers=numbers,
    )
