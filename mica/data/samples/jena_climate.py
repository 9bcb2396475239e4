"""Jena climate: the weather at one place, eight years long."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from mica.data.samples.archive import read_compressed, read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    check_content,
    find_local,
    find_or_download,
)
from mica.errors import ConfigError, DataError

__all__ = ["CONTENT_SHA256", "ORIGINAL", "REPACKED", "SeriesSample", "load"]

# The archive's own hash is not known; what becomes of it hour by hour is held to
# CONTENT_SHA256.
ORIGINAL = RemoteFile(
    name="jena_climate/jena_climate_2009_2016.csv.zip",
    address=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
        "jena_climate_2009_2016.csv.zip"
    ),
    sha256=None,
    size_bytes=2**25,
)
# Every sixth row, without rows that come twice, and six of the columns.
REPACKED = LocalFile(
    "jena_climate/jena_hourly_2009_2016.csv.gz",
    "79501ea319238bef918318fff3b83a3ae75decc986a366e7c01a59ca8781cb64",
)
# Of the hours as float64 rows: seconds since 1970, then the six columns.
CONTENT_SHA256 = "bd6430a9427fb812c4bcd2ab271315cc67cf0d1bd6cab4ee4fbda94c4dd3ed31"
HOURLY_COLUMNS = (
    "T (degC)",
    "p (mbar)",
    "rh (%)",
    "VPmax (mbar)",
    "wv (m/s)",
    "Tdew (degC)",
)
TIME = "Date Time"
TIME_FORMAT = "%d.%m.%Y %H:%M:%S"
ROWS_AN_HOUR = 6
LIMIT_BYTES = 2**27  # unpacked; the file has 43 MB


@dataclass(frozen=True)
class SeriesSample:
    """Measurements in the order of time.

    Args:
        name: Its name, as `load` takes it.
        times: When each row was measured.
        values: The measurements.
        feature_names: What each column is, with its unit.
        description: What it is, with its source.

    Shape:
        times: (rows,), datetime64[s]
        values: (rows, features), float32

    Example:
        >>> times = np.array(["2009-01-01T00:10"], dtype="datetime64[s]")
        >>> values = np.zeros((1, 1), dtype=np.float32)
        >>> series = SeriesSample("one", times, values, ("T (degC)",), "One row.")
        >>> series.column("T (degC)").tolist()
        [0.0]
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    feature_names: tuple[str, ...]
    description: str

    def __repr__(self) -> str:
        """Show what it is and how long, not every number."""
        rows, features = self.values.shape
        return f"SeriesSample({self.name!r}, {rows:,} rows, {features} columns)"

    def column(self, name: str) -> np.ndarray:
        """Give one column.

        Args:
            name: One of ``feature_names``.

        Shape:
            returns: (rows,), float32

        Returns:
            The numbers.

        Raises:
            ConfigError: There is no such column.
        """
        if name not in self.feature_names:
            raise ConfigError(
                f"column: expected one of {', '.join(self.feature_names)}, got "
                f"{name!r}. Names have their units."
            )
        return self.values[:, self.feature_names.index(name)]


def _parse(text: str, path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Seconds since 1970, the numbers, and the columns' names."""
    rows: Iterator[Sequence[str]] = csv.reader(text.splitlines())
    names = next(rows, ())
    if names[:1] != [TIME]:
        raise DataError(
            f"{path.name}: expected the first column to be {TIME!r}, got "
            f"{', '.join(names[:1]) or 'nothing'}. Delete the file; it will be "
            "downloaded again."
        )
    table = list(rows)
    epoch = datetime(1970, 1, 1)
    seconds = [
        (datetime.strptime(row[0], TIME_FORMAT) - epoch).total_seconds()
        for row in table
    ]
    values = np.array([row[1:] for row in table], dtype=np.float64)
    return np.array(seconds), values, tuple(names[1:])


def _hours(
    seconds: np.ndarray, values: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Every sixth row without rows that come twice; wind below 0 was no measurement."""
    rows = np.column_stack([seconds, values])
    _, first = np.unique(rows, axis=0, return_index=True)
    kept = np.sort(first)[::ROWS_AN_HOUR]
    columns = [names.index(name) for name in HOURLY_COLUMNS]
    hourly = values[kept][:, columns]
    wind = HOURLY_COLUMNS.index("wv (m/s)")
    hourly[:, wind] = np.maximum(hourly[:, wind], 0.0)
    return seconds[kept], hourly


def _read_original(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    members: Iterable[tuple[str, bytes]] = read_members(
        path, lambda name: name.endswith(".csv"), limit_bytes=LIMIT_BYTES
    )
    # Beside the file there may be what a Mac keeps about it.
    found = [content for name, content in members if "__MACOSX" not in name]
    if len(found) != 1:
        raise DataError(
            f"{path.name}: expected one CSV file inside, got {len(found)}. Delete the "
            "file; it will be downloaded again."
        )
    return _parse(found[0].decode("utf-8"), path)


def _check(seconds: np.ndarray, hourly: np.ndarray, path: Path) -> None:
    rows = np.column_stack([seconds, hourly]).astype("<f8")
    check_content(rows.tobytes(), CONTENT_SHA256, path)


def load(*, every: Literal["hour", "10 minutes"] = "hour") -> SeriesSample:
    """Load the weather of 2009 to 2016.

    By the hour there are six columns, and the small copy of MICA_DATASETS is enough;
    every ten minutes there are all fourteen, 420,551 rows as they were published
    (some twice, some missing), and the original is needed: 14 MB, once.

    Args:
        every: "hour" or "10 minutes".

    Returns:
        The measurements in the order of time.

    Raises:
        ConfigError: Another ``every``.
        DataError: A file is damaged, or cannot be had.

    Source:
        Max Planck Institute for Biogeochemistry, Jena,
        https://www.bgc-jena.mpg.de/wetter/
    """
    if every not in ("hour", "10 minutes"):
        raise ConfigError(
            f"jena_climate: expected every to be 'hour' or '10 minutes', got "
            f"{every!r}. The station measures every ten minutes."
        )
    path = find_local(REPACKED) if every == "hour" else None
    if path is not None:
        content = read_compressed(path, limit_bytes=LIMIT_BYTES)
        seconds, values, names = _parse(content.decode("utf-8"), path)
        _check(seconds, values, path)
    else:
        path = find_or_download(ORIGINAL)
        seconds, values, names = _read_original(path)
        hours = _hours(seconds, values, names)
        _check(*hours, path)
        if every == "hour":
            (seconds, values), names = hours, HOURLY_COLUMNS
    return SeriesSample(
        "jena_climate",
        seconds.astype("datetime64[s]"),
        values.astype(np.float32),
        names,
        f"The weather at Jena, 2009 to 2016, every {every}. Source: Max Planck "
        "Institute for Biogeochemistry.",
    )
