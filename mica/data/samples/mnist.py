"""MNIST: 70,000 handwritten digits, 28 by 28 pixels."""

import zipfile
from pathlib import Path

import numpy as np

from mica.data.samples.download import RemoteFile, find_or_download
from mica.data.samples.sample import Sample
from mica.errors import DataError

__all__ = ["MNIST", "load", "read_arrays"]

MNIST = RemoteFile(
    name="mnist/mnist.npz",
    address="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    size_bytes=11_490_434,
    # The same arrays packed anew, in the same order.
    also=("06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",),
)
BRIGHTEST = 255.0  # of an 8-bit pixel
SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the four arrays of an MNIST file; nothing in it is ever executed.

    Args:
        path: An .npz file.

    Returns:
        x_train, y_train, x_test and y_test, as bytes from 0 to 255.

    Raises:
        DataError: The file is none of that kind.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in SHAPES if name in file}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a NumPy archive of arrays, got: {error}. Delete the "
            "file; it will be downloaded again."
        ) from error
    if len(arrays) < len(SHAPES):
        raise DataError(
            f"{path}: expected the arrays {', '.join(SHAPES)}, got only "
            f"{', '.join(arrays) or 'others'}. Delete the file; it will be downloaded "
            "again."
        )
    for name, shape in SHAPES.items():
        if arrays[name].shape != shape or arrays[name].dtype != np.uint8:
            raise DataError(
                f"{path}: expected {name} to be bytes of shape {shape}, got "
                f"{arrays[name].dtype} of shape {arrays[name].shape}. Delete the file; "
                "it will be downloaded again."
            )
    return arrays


def load() -> Sample:
    """Load MNIST: from MICA_DATASETS, from the cache, or from the network once.

    Pixels are scaled from 0..255 to 0..1.

    Returns:
        60,000 rows to learn from and 10,000 for the test, of shape (28, 28, 1).

    Raises:
        DataError: The file is damaged, or cannot be had.

    Source:
        LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to
        document recognition".
    """
    arrays = read_arrays(find_or_download(MNIST))
    images = {
        name: (arrays[name][..., np.newaxis] / np.float32(BRIGHTEST))  # (B, H, W, C)
        for name in ("x_train", "x_test")
    }
    return Sample(
        name="mnist",
        task="classification",
        x_train=images["x_train"],
        y_train=arrays["y_train"].astype(np.int64),
        x_test=images["x_test"],
        y_test=arrays["y_test"].astype(np.int64),
        label_names=tuple("0123456789"),
        feature_names=(),
        description=(
            "70,000 handwritten digits, 28 by 28 pixels in 256 shades of grey, scaled "
            "to 0..1. Source: LeCun, Cortes & Burges, MNIST."
        ),
    )
