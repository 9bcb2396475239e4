"""CIFAR-10: 60,000 photos of ten kinds of things, 32 by 32 pixels."""

import zipfile
from pathlib import Path

import numpy as np

from mica.data.samples.archive import read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    find_local,
    find_or_download,
)
from mica.data.samples.sample import Sample
from mica.errors import DataError

__all__ = ["LABEL_NAMES", "ORIGINAL", "SUBSET", "load"]

# The binary version: the other one can only be opened by running it (pickle).
ORIGINAL = RemoteFile(
    name="cifar10/cifar-10-binary.tar.gz",
    address="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    size_bytes=170_052_171,
)
# 1,000 and 200 photos of each class, chosen by a hash of their names.
SUBSET = LocalFile(
    "cifar10/cifar10_10k_2k.npz",
    "3a6359dedb4a6768e065751b4d4780f8c60eea71122e3dd5cf4a2c6ba5788528",
)
LABEL_NAMES = tuple(
    "airplane automobile bird cat deer dog frog horse ship truck".split()
)
SIDE = 32  # pixels
COLOURS = 3
RECORD_BYTES = 1 + COLOURS * SIDE * SIDE  # a label and a photo, plane by plane
BRIGHTEST = 255.0  # of an 8-bit pixel
LIMIT_BYTES = 2**28  # unpacked; the archive has 184 MB

_Arrays = tuple[np.ndarray, np.ndarray]


def _records(content: bytes, name: str) -> _Arrays:
    if len(content) % RECORD_BYTES:
        raise DataError(
            f"{name}: expected records of {RECORD_BYTES} bytes, got {len(content):,} "
            "bytes in all. Delete the file; it will be downloaded again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    photos = records[:, 1:].reshape(-1, COLOURS, SIDE, SIDE)
    return photos.transpose(0, 2, 3, 1), records[:, 0]  # (B, H, W, C), (B,)


def _read_original(path: Path) -> tuple[_Arrays, _Arrays]:
    members = read_members(
        path, lambda name: name.endswith(".bin"), limit_bytes=LIMIT_BYTES
    )
    found = {name.rpartition("/")[2]: content for name, content in members}
    parts = []
    for names in ([f"data_batch_{n}.bin" for n in range(1, 6)], ["test_batch.bin"]):
        missing = [name for name in names if name not in found]
        if missing:
            raise DataError(
                f"{path.name}: expected the member {missing[0]}, got none of that "
                "name. Delete the file; it will be downloaded again."
            )
        parts.append(_records(b"".join(found[name] for name in names), path.name))
    return parts[0], parts[1]


def _read_subset() -> tuple[_Arrays, _Arrays]:
    path = find_local(SUBSET)
    if path is None:
        raise DataError(
            f"cifar10: expected the subset {SUBSET.name} in a folder that "
            "MICA_DATASETS names, got none. Leave subset out to download all."
        )
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            train = file["x_train"], file["y_train"]
            return train, (file["x_test"], file["y_test"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a NumPy archive of photos and labels, got: {error}. "
            "Replace the file, or take its folder out of MICA_DATASETS."
        ) from error


def load(*, subset: bool = False) -> Sample:
    """Load CIFAR-10: from MICA_DATASETS, from the cache, or from the network once.

    Pixels are scaled from 0..255 to 0..1; all photos take 0.7 GB of memory.

    Args:
        subset: Whether to take the 10,000 and 2,000 photos of the small copy, which
            is nowhere to be downloaded.

    Returns:
        50,000 photos to learn from and 10,000 for the test, of shape (32, 32, 3).

    Raises:
        DataError: A file is damaged, or cannot be had.

    Source:
        Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    if subset:
        train, test = _read_subset()
    else:
        train, test = _read_original(find_or_download(ORIGINAL))
    return Sample(
        name="cifar10",
        task="classification",
        x_train=train[0] / np.float32(BRIGHTEST),
        y_train=train[1].astype(np.int64),
        x_test=test[0] / np.float32(BRIGHTEST),
        y_test=test[1].astype(np.int64),
        label_names=LABEL_NAMES,
        feature_names=(),
        description=(
            f"{len(train[0]) + len(test[0]):,} colour photos of ten kinds of things, "
            "32 by 32 pixels, scaled to 0..1. Source: Krizhevsky 2009."
        ),
    )
