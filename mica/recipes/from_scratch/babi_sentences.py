"""The first 1,000 lines of bAbI's first task, as words."""

from pathlib import Path

from mica.data import samples
from mica.errors import DataError

__all__ = ["load", "vocabulary"]

FILE = "qa1_single-supporting-fact_train.txt"
LINES = 1000  # the book's


def load(rows: int | None = None) -> list[list[str]]:
    """Read sentences, in small letters, without the number each line begins with.

    The lines are stories and questions such as "mary moved to the bathroom."; a
    question ends in its answer. The end of a sentence stays with its last word.

    Args:
        rows: Use only so many lines; None for the book's 1,000.

    Returns:
        The words of each line.

    Raises:
        DataError: The file is in none of the folders of MICA_DATASETS.

    Source:
        Weston et al. 2015, "Towards AI-complete question answering", task 1.
    """
    folders = samples.dataset_folders()
    names = [folder / place / FILE for folder in folders for place in ("babi", "")]
    found = next((name for name in names if name.is_file()), None)
    if found is None:
        raise DataError(
            f"babi: expected {Path('babi', FILE)} in a folder of MICA_DATASETS, got "
            f"{', '.join(map(str, folders)) or 'no folder'}. Put the file there; it is "
            "part of the bAbI tasks v1.1 (en)."
        )
    lines = found.read_text("utf-8").splitlines()[:LINES][:rows]
    return [line.lower().split(" ")[1:] for line in lines]


def vocabulary(sentences: list[list[str]]) -> dict[str, int]:
    """Number the words, by the alphabet.

    Args:
        sentences: The words of each.

    Returns:
        Each word's number.

    Example:
        >>> vocabulary([["mary", "moved"], ["john", "moved"]])
        {'john': 0, 'mary': 1, 'moved': 2}
    """
    words = sorted({word for sentence in sentences for word in sentence})
    return {word: number for number, word in enumerate(words)}
