"""Boston housing: what houses cost in 506 quarters around 1970."""

import zipfile
from pathlib import Path

import numpy as np

from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)
from mica.data.samples.sample import Sample
from mica.errors import DataError

__all__ = ["FEATURES", "ORIGINAL", "REPACKED", "load"]

ORIGINAL = RemoteFile(
    name="boston_housing/boston_housing.npz",
    address=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz"
    ),
    sha256="f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    size_bytes=57_026,
)
# The table of the UCI repository: the same rows in the same order.
REPACKED = LocalFile(
    "boston_housing/housing.data",
    "e3e36f7b9e5435f9eb8320e106aebad00031fefa3064527da0c71dec59e49b76",
)
FEATURES = tuple("CRIM ZN INDUS CHAS NOX RM AGE DIS RAD TAX PTRATIO B LSTAT".split())
KERAS_SEED = 113  # of the order in which Keras splits the rows
TEST_FRACTION = 0.2


def _read() -> np.ndarray:
    """Features and, in the last column, the price."""
    path = find_local(REPACKED)
    if path is None:
        return _read_original(find_or_download(ORIGINAL))
    return np.loadtxt(path, dtype=np.float64, ndmin=2)


def _read_original(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return np.column_stack([file["x"], file["y"]])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a NumPy archive of x and y, got: {error}. Delete the "
            "file; it will be downloaded again."
        ) from error


def load() -> Sample:
    """Load 506 quarters of Boston, in the split and order of Keras.

    Returns:
        404 rows to learn from and 102 for the test; the target is the median price of
        a house in thousands of dollars.

    Raises:
        DataError: A file is damaged, or cannot be had.

    Source:
        Harrison & Rubinfeld 1978, "Hedonic prices and the demand for clean air".
    """
    rows = _read()
    order = np.arange(len(rows))
    np.random.RandomState(KERAS_SEED).shuffle(order)
    rows = rows[order].astype(np.float32)
    first_test = int(len(rows) * (1 - TEST_FRACTION))
    return Sample(
        name="boston_housing",
        task="regression",
        x_train=rows[:first_test, :-1],
        y_train=rows[:first_test, -1],
        x_test=rows[first_test:, :-1],
        y_test=rows[first_test:, -1],
        label_names=(),
        feature_names=FEATURES,
        description=(
            "506 quarters of Boston about 1970: thirteen measures each, and the median "
            "price of a house in thousands of dollars. The column B, made of the share "
            "of black people, is why many refuse this set. Source: Harrison & "
            "Rubinfeld 1978."
        ),
    )
