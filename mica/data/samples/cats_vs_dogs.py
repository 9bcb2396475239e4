"""Cats and dogs: 4,000 photos in folders, Chollet's small split."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mica.data.samples.download import dataset_folders
from mica.errors import DataError

__all__ = ["TREES", "PhotoSample", "load"]

FOLDER = "cats_vs_dogs"
# Of the lines "sha256  path" of a folder's files, sorted by path.
TREES = {
    "train": "7b7b29e91cb27df22354edf0a5d0669f43e5a3dfc54ee527d46a64322476c2bc",
    "validation": "90d93a28cb34b6c390018acecdbf7cce2fad715696fb502f8fad0ee2712d05e4",
    "test": "ab1a3363e9492ef4006c9fb5a9ebe374d8700ea490ed88f10ecd68bab179b8f6",
}


@dataclass(frozen=True)
class PhotoSample:
    """Photos in folders: one folder for each part, in it one for each class.

    Args:
        name: Its name, as `load` takes it.
        train: The folder to learn from.
        validation: The folder for choices.
        test: The folder for the final judgement.
        label_names: The classes' folders, in the order of their numbers.
        description: What it is, with its source.

    Example:
        >>> here = Path("photos")
        >>> PhotoSample("two", here, here, here, ("cats", "dogs"), "Two.").label_names
        ('cats', 'dogs')
    """

    name: str
    train: Path
    validation: Path
    test: Path
    label_names: tuple[str, ...]
    description: str


def _tree_hash(folder: Path) -> str:
    files = sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file()
    )
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n"
        for name, path in files
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def load() -> PhotoSample:
    """Find the folder cats_vs_dogs in MICA_DATASETS, and check every photo.

    Nothing is downloaded: the photos of Kaggle's competition are given to those who
    take part.

    Returns:
        The folders: 1,000, 500 and 500 photos of each kind, at most 180 pixels wide.

    Raises:
        DataError: There is no such folder, or its photos are others.

    Source:
        Elson et al. 2007, "Asirra"; the split of Chollet's "Deep learning with
        Python".
    """
    found = next((f / FOLDER for f in dataset_folders() if (f / FOLDER).is_dir()), None)
    if found is None:
        raise DataError(
            f"cats_vs_dogs: expected the folder {FOLDER} in a folder that "
            "MICA_DATASETS names, got none. Put train, validation and test into it, "
            "with the folders cats and dogs in each."
        )
    for part, expected in TREES.items():
        tree = _tree_hash(found / part)
        if tree != expected:
            raise DataError(
                f"{found / part}: expected photos with the sha256 {expected}, got "
                f"{tree}. Replace the folder, or take it out of MICA_DATASETS."
            )
    return PhotoSample(
        FOLDER,
        found / "train",
        found / "validation",
        found / "test",
        ("cats", "dogs"),
        "4,000 photos of cats and dogs, at most 180 pixels wide. Source: Asirra "
        "through Kaggle's Dogs vs. Cats; research and education.",
    )
