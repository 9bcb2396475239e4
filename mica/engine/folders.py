"""Folders: where this user keeps what programs can make again."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(*parts: str) -> Path:
    """Name a folder of Mica's in the user's cache; it need not exist yet.

    Args:
        *parts: Names of folders inside.

    Returns:
        ``mica/<parts>`` in the folder the system has for caches.

    Example:
        >>> cache_folder("plans").parts[-2:]
        ('mica', 'plans')
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    folder = Path(base).expanduser() if base else Path.home() / ".cache"
    return folder.joinpath("mica", *parts)
