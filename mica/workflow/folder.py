"""The folder of a run: made before the work begins, gone if nothing came of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mica.errors import CheckpointError, ConfigError

__all__ = ["run_folder"]


def _check_name(name: str) -> None:
    if name in ("", ".", "..") or Path(name).name != name:
        raise ConfigError(
            f"train: expected the name of a folder, got {name!r}. Give a plain name, "
            "and the folder around it as runs."
        )


def _make(parent: Path, name: str) -> Path:
    """A folder that was not there: an earlier run is never written over."""
    parent.mkdir(parents=True, exist_ok=True)
    folder, number = parent / name, 1
    while True:
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1
            folder = parent / f"{name}-{number}"


def _remove(folder: Path, made_parent: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if made_parent and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


@contextmanager
def run_folder(parent: str | Path, name: str) -> Iterator[Path]:
    """Make a new folder; when the work in it fails without a model, take it away.

    Args:
        parent: Where; made if missing.
        name: What to call it; a number is added when the name is taken.

    Yields:
        The folder.

    Raises:
        ConfigError: A name with a path in it.
        CheckpointError: The folder cannot be made.

    Example:
        >>> import tempfile
        >>> runs = Path(tempfile.mkdtemp())
        >>> with run_folder(runs, "iris") as first, run_folder(runs, "iris") as second:
        ...     first.name, second.name
        ('iris', 'iris-2')
    """
    _check_name(name)
    parent = Path(parent)
    made_parent = not parent.exists()
    try:
        folder = _make(parent, name)
    except OSError as error:
        raise CheckpointError(
            f"train: expected to make a folder in {os.fspath(parent)!r}, got the error "
            f"{error.strerror!r}. Choose another place as runs."
        ) from error
    try:
        yield folder
    except BaseException:
        if not (folder / "model.mica").exists():
            _remove(folder, made_parent)
        raise
