"""Data sets to start with: `load("digits")` and others by name."""

from collections.abc import Callable

from mica.data.samples import breast_cancer, diabetes, digits, iris, mnist, wine
from mica.data.samples.download import cache_folder, dataset_folders
from mica.data.samples.sample import Sample
from mica.errors import ConfigError, near_misses

__all__ = ["Sample", "cache_folder", "dataset_folders", "load", "names"]

_LOADERS: dict[str, Callable[[], Sample]] = {
    "breast_cancer": breast_cancer.load,
    "diabetes": diabetes.load,
    "digits": digits.load,
    "iris": iris.load,
    "mnist": mnist.load,
    "wine": wine.load,
}


def names() -> tuple[str, ...]:
    """List the samples that `load` knows.

    Returns:
        Their names.

    Example:
        >>> names()
        ('breast_cancer', 'diabetes', 'digits', 'iris', 'mnist', 'wine')
    """
    return tuple(_LOADERS)


def load(name: str) -> Sample:
    """Load a data set by name, split into a training and a test part.

    All but "mnist" are part of scikit-learn and need no network.

    Args:
        name: One of `names()`.

    Returns:
        The sample.

    Raises:
        ConfigError: There is no such sample.
        DataError: A file is damaged, or cannot be had.

    Example:
        >>> sample = load("iris")
        >>> sample.x_test.shape, sample.label_names
        ((30, 4), ('setosa', 'versicolor', 'virginica'))
    """
    if name not in _LOADERS:
        raise ConfigError(
            f"samples.load: expected the name of a sample, got {name!r}. "
            f"{near_misses(name, _LOADERS)}"
        )
    return _LOADERS[name]()
