"""CSVLogger: one row an epoch in a text file."""

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mica.errors import CheckpointError, ConfigError
from mica.training.callbacks.callback import Callback
from mica.training.checkpoint import atomic_file

if TYPE_CHECKING:
    from mica.training.state import TrainState

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file, at once.

    The first column is `epoch`, counted from 1. A log that is new (validation every
    second epoch) becomes a new last column, empty in earlier rows, so rows and header
    always agree.

    Args:
        filename: The file. Folders that are missing are made.
        separator: One character between the columns.
        append: Whether rows of an earlier training are kept.

    Raises:
        ConfigError: `separator` is not one character, or the file to append to has no
            column `epoch` in front.
        CheckpointError: The file cannot be read or written; earlier rows are kept.

    Example:
        >>> import mica
        >>> mica.callbacks.CSVLogger("history.csv", append=True).filename
        'history.csv'
    """

    def __init__(
        self, filename: str | Path, *, separator: str = ",", append: bool = False
    ) -> None:
        if len(separator) != 1:
            raise ConfigError(
                "CSVLogger: expected one character as separator, got "
                f"{separator!r}. Use ',' or ';'."
            )
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] = []

    def on_train_begin(self, state: "TrainState") -> None:
        """Begin a new file, or find the columns of the old one."""
        self._columns = ["epoch"]
        rows = self._rows() if self.append and Path(self.filename).exists() else []
        if rows and rows[0][:1] != ["epoch"]:
            raise ConfigError(
                "CSVLogger: expected a file of CSVLogger to append to, got "
                f"{self.filename!r} without a first column 'epoch'. Choose another "
                "file or separator."
            )
        if rows:
            self._columns = rows[0]
            # A run that was killed may have left half a row.
            rows = [row for row in rows if len(row) == len(rows[0])]
        self._rewrite(rows)

    def on_epoch_end(self, state: "TrainState") -> None:
        """Add a row."""
        logs = {"epoch": state.epoch + 1, **state.logs}
        new = [name for name in logs if name not in self._columns]
        if new:
            self._columns += new
            rows = self._rows()[1:]
            padded = [row + [""] * (len(self._columns) - len(row)) for row in rows]
            self._rewrite([self._columns, *padded])
        self._append([str(logs.get(name, "")) for name in self._columns])

    def _text(self, rows: list[list[str]]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        writer.writerows(rows)
        return text.getvalue()

    def _rows(self) -> list[list[str]]:
        try:
            with open(self.filename, newline="", encoding="utf-8") as file:
                return list(csv.reader(file, delimiter=self.separator))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CheckpointError(
                f"CSVLogger: expected to read {self.filename!r}, got "
                f"{type(error).__name__}. Choose another file."
            ) from error

    def _rewrite(self, rows: list[list[str]]) -> None:
        with atomic_file(self.filename, where="CSVLogger") as file:
            file.write(self._text(rows).encode())

    def _append(self, row: list[str]) -> None:
        before = None
        try:
            with open(self.filename, "ab") as file:
                before = file.tell()
                file.write(self._text([row]).encode())
        except OSError as error:
            if before is not None:  # half a row would spoil the file
                os.truncate(self.filename, before)
            raise CheckpointError(
                f"CSVLogger: expected to add a row to {self.filename!r}, got the error "
                f"{error.strerror!r}. Free some space or choose another path; earlier "
                "rows are kept."
            ) from error
