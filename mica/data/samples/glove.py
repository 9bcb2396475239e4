"""GloVe: vectors of words, learned from six billion words of text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mica.data.samples.archive import stream_lines
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)
from mica.errors import ConfigError, DataError

__all__ = ["ORIGINAL", "REPACKED", "VectorSample", "load"]

ORIGINAL = RemoteFile(
    name="glove/glove.6B.zip",
    address="https://nlp.stanford.edu/data/glove.6B.zip",
    sha256="617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
    size_bytes=862_182_613,
)
# The first 10,000 words with 50 numbers each.
REPACKED = LocalFile(
    "glove/glove.6B.50d.10k.npz",
    "0f4763a4960541225416d276e73371a3cfd68061fd477a8b45d675de2b50cce6",
)
REPACKED_WORDS = 10_000
REPACKED_DIMENSIONS = 50
DIMENSIONS = (50, 100, 200, 300)
WORDS = 400_000  # in the original
LIMIT_BYTES = 2**31  # unpacked; the file of 300 dimensions has 1.04 GB


@dataclass(frozen=True)
class VectorSample:
    """Words and their vectors, the most frequent words first.

    Args:
        name: Its name, as `load` takes it.
        words: The words.
        vectors: A row for each.
        description: What it is, with its source.

    Shape:
        vectors: (words, dimensions), float32

    Example:
        >>> vectors = np.eye(2, dtype=np.float32)
        >>> sample = VectorSample("two", ("the", "cat"), vectors, "Two words.")
        >>> sample.matrix(["", "[UNK]", "cat"]).tolist()
        [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    """

    name: str
    words: tuple[str, ...]
    vectors: np.ndarray
    description: str

    def __repr__(self) -> str:
        """Show what it is and how large, not every number."""
        count, dimensions = self.vectors.shape
        return f"VectorSample({self.name!r}, {count:,} words, {dimensions} dimensions)"

    def matrix(self, vocabulary: Iterable[str]) -> np.ndarray:
        """Arrange the vectors for a vocabulary, as an embedding's weights.

        Args:
            vocabulary: The words in the order of their numbers, marks among them.

        Shape:
            returns: (words of the vocabulary, dimensions), float32

        Returns:
            A row for each word, zeros for one that is not here.
        """
        place = {word: row for row, word in enumerate(self.words)}
        rows = [place.get(word, -1) for word in vocabulary]
        found = np.zeros((len(rows), self.vectors.shape[1]), dtype=np.float32)
        known = np.array(rows) >= 0
        found[known] = self.vectors[np.array(rows)[known]]
        return found


def _read_repacked(path: Path, num_words: int) -> tuple[Sequence[str], np.ndarray]:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return file["words"][:num_words].tolist(), file["vectors"][:num_words]


def _read_original(
    path: Path, dimensions: int, num_words: int
) -> tuple[Sequence[str], np.ndarray]:
    words: list[str] = []
    vectors = np.empty((num_words, dimensions), dtype=np.float32)
    member = f"glove.6B.{dimensions}d.txt"
    for line in stream_lines(path, member, limit_bytes=LIMIT_BYTES):
        word, *numbers = line.decode("utf-8").split(" ")
        if len(numbers) != dimensions:
            raise DataError(
                f"{member}, line {len(words) + 1}: expected a word and {dimensions} "
                f"numbers, got {len(numbers)} numbers. Delete {path.name}; it will be "
                "downloaded again."
            )
        vectors[len(words)] = numbers
        words.append(word)
        if len(words) == num_words:
            break
    return words, vectors[: len(words)]


def load(*, dimensions: int = 50, num_words: int = REPACKED_WORDS) -> VectorSample:
    """Load vectors of the most frequent words.

    With 50 dimensions and up to 10,000 words the small copy of MICA_DATASETS is
    enough; otherwise the original is needed, a download of 862 MB, once.

    Args:
        dimensions: 50, 100, 200 or 300.
        num_words: How many words, 1 to 400,000.

    Returns:
        The words and their vectors.

    Raises:
        ConfigError: Other dimensions, or another number of words.
        DataError: A file is damaged, or cannot be had.

    Source:
        Pennington, Socher & Manning 2014, "GloVe: global vectors for word
        representation".
    """
    if dimensions not in DIMENSIONS:
        raise ConfigError(
            f"glove: expected 50, 100, 200 or 300 dimensions, got {dimensions!r}. The "
            "original has no others."
        )
    if not isinstance(num_words, int) or not 1 <= num_words <= WORDS:
        raise ConfigError(
            f"glove: expected num_words from 1 to {WORDS:,}, got {num_words!r}. The "
            "most frequent words come first."
        )
    small = dimensions == REPACKED_DIMENSIONS and num_words <= REPACKED_WORDS
    path = find_local(REPACKED) if small else None
    if path is not None:
        words, vectors = _read_repacked(path, num_words)
    else:
        path = find_or_download(ORIGINAL)
        words, vectors = _read_original(path, dimensions, num_words)
    return VectorSample(
        "glove",
        tuple(words),
        vectors,
        f"GloVe 6B: {dimensions} numbers for each of the {len(words):,} most frequent "
        "words of Wikipedia 2014 and Gigaword 5. Source: Pennington et al. 2014; "
        "PDDL 1.0.",
    )
