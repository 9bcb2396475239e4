"""Versions: which Mica this is."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["mica_version"]


def mica_version() -> str:
    """Give the version of the installed package.

    Returns:
        Such as "0.1.0"; "unknown" when Mica runs without being installed.

    Example:
        >>> isinstance(mica_version(), str)
        True
    """
    try:
        return version("mica-learn")
    except PackageNotFoundError:
        return "unknown"
