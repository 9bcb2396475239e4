"""Data sets to start with: `load("digits")` and others by name."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, overload

from mica.data.samples import (
    babi,
    boston_housing,
    breast_cancer,
    cats_vs_dogs,
    cifar10,
    diabetes,
    digits,
    enron_spam,
    glove,
    imdb,
    iris,
    jena_climate,
    mnist,
    nietzsche,
    reuters,
    spa_eng,
    tiny_shakespeare,
    wine,
)
from mica.data.samples.babi import Question, StorySample
from mica.data.samples.cats_vs_dogs import PhotoSample
from mica.data.samples.corpus import CorpusSample
from mica.data.samples.download import cache_folder, dataset_folders
from mica.data.samples.glove import VectorSample
from mica.data.samples.jena_climate import SeriesSample
from mica.data.samples.sample import Sample
from mica.data.samples.spa_eng import PairSample
from mica.data.samples.text_sample import TextSample
from mica.errors import ArgumentError, ConfigError, near_misses

__all__ = [
    "CorpusSample",
    "PairSample",
    "PhotoSample",
    "Question",
    "Sample",
    "SeriesSample",
    "StorySample",
    "TextSample",
    "VectorSample",
    "cache_folder",
    "dataset_folders",
    "load",
    "names",
]

_LOADERS: dict[str, Callable[..., Any]] = {
    "babi": babi.load,
    "boston_housing": boston_housing.load,
    "breast_cancer": breast_cancer.load,
    "cats_vs_dogs": cats_vs_dogs.load,
    "cifar10": cifar10.load,
    "diabetes": diabetes.load,
    "digits": digits.load,
    "enron_spam": enron_spam.load,
    "glove": glove.load,
    "imdb": imdb.load,
    "iris": iris.load,
    "jena_climate": jena_climate.load,
    "mnist": mnist.load,
    "nietzsche": nietzsche.load,
    "reuters": reuters.load,
    "spa_eng": spa_eng.load,
    "tiny_shakespeare": tiny_shakespeare.load,
    "wine": wine.load,
}


def names() -> tuple[str, ...]:
    """List the samples that `load` knows.

    Returns:
        Their names.

    Example:
        >>> names()[:5]
        ('babi', 'boston_housing', 'breast_cancer', 'cats_vs_dogs', 'cifar10')
    """
    return tuple(_LOADERS)


@overload
def load(name: Literal["babi"], *, task: int = ...) -> StorySample: ...
@overload
def load(
    name: Literal[
        "boston_housing",
        "breast_cancer",
        "diabetes",
        "digits",
        "iris",
        "mnist",
        "wine",
    ],
) -> Sample: ...
@overload
def load(name: Literal["cats_vs_dogs"]) -> PhotoSample: ...
@overload
def load(name: Literal["cifar10"], *, subset: bool = ...) -> Sample: ...
@overload
def load(
    name: Literal["enron_spam", "imdb", "reuters"], **options: Any
) -> TextSample: ...
@overload
def load(
    name: Literal["glove"], *, dimensions: int = ..., num_words: int = ...
) -> VectorSample: ...
@overload
def load(
    name: Literal["jena_climate"], *, every: Literal["hour", "10 minutes"] = ...
) -> SeriesSample: ...
@overload
def load(name: Literal["nietzsche", "tiny_shakespeare"]) -> CorpusSample: ...
@overload
def load(name: Literal["spa_eng"], *, test_size: int = ...) -> PairSample: ...
@overload
def load(name: str, **options: Any) -> Any: ...


def load(name: str, **options: Any) -> Any:
    """Load a data set by name, split into a training and a test part.

    "breast_cancer", "diabetes", "digits", "iris" and "wine" are part of scikit-learn
    and need no network; the others are looked for in MICA_DATASETS and in the cache,
    and downloaded once (not "cats_vs_dogs", which is not given to everybody).

    Args:
        name: One of `names()`.
        **options: What the sample's own ``load`` takes, such as ``num_words=10000``
            for "imdb", "reuters" and "enron_spam", or ``task=2`` for "babi".

    Returns:
        A `Sample` of numbers or pictures; a `TextSample` ("enron_spam", "imdb",
        "reuters"), `CorpusSample` ("nietzsche", "tiny_shakespeare"), `PairSample`
        ("spa_eng"), `StorySample` ("babi"), `SeriesSample` ("jena_climate"),
        `VectorSample` ("glove") or `PhotoSample` ("cats_vs_dogs").

    Raises:
        ConfigError: There is no such sample, or an option cannot be.
        ArgumentError: The sample has no such option.
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
    known = list(inspect.signature(_LOADERS[name]).parameters)
    for option, value in options.items():
        if option not in known:
            advice = near_misses(option, known) if known else "Leave it out."
            raise ArgumentError(
                f"samples.load: expected no option {option!r} for {name!r}, got "
                f"{value!r}. {advice}"
            )
    return _LOADERS[name](**options)
