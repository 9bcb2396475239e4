"""Archives read in memory: no member is written anywhere, and sizes are bounded."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from mica.errors import DataError

__all__ = ["read_compressed", "read_members", "stream_lines"]

BLOCK_BYTES = 2**20  # read at once; ours
_OPENERS = {b"\x1f\x8b": gzip.open, b"\xfd7": lzma.open, b"BZ": bz2.open}
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member; NotImplementedError, an unknown compression
)


def _too_large(path: Path, limit_bytes: int) -> DataError:
    return DataError(
        f"{path.name}: expected at most {limit_bytes:,} bytes when unpacked, got more. "
        "The file is not what it says; delete it."
    )


def _broken(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path.name}: expected an archive that can be unpacked, got: "
        f"{error or type(error).__name__}. Delete the file; it will be downloaded "
        "again."
    )


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than it may."""

    def __init__(self, stream: IO[bytes], limit_bytes: int, path: Path) -> None:
        super().__init__()
        self._stream, self._limit, self._path = stream, limit_bytes, path
        self._given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        rest = self._limit - self._given
        wanted = rest + 1 if size < 0 else min(size, rest + 1)
        try:
            block = self._stream.read(wanted)
        except _BROKEN as error:
            raise _broken(self._path, error) from error
        self._given += len(block)
        if self._given > self._limit:
            raise _too_large(self._path, self._limit)
        return block

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def _check_name(name: str, path: Path) -> None:
    """Refuse a name that leads out of the archive's folder, on any system."""
    parts = PurePosixPath(name.replace("\\", "/"))
    has_drive = name[1:2] == ":"
    if parts.is_absolute() or has_drive or ".." in parts.parts or "\0" in name:
        raise DataError(
            f"{path.name}: expected members inside the archive's folder, got the name "
            f"{name!r}. The file is not to be trusted; delete it."
        )


def _open_compressed(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(2)
    opener = _OPENERS.get(start)
    return path.open("rb") if opener is None else opener(path, "rb")


def _zip_members(
    path: Path, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _check_name(info.filename, path)
            if info.is_dir() or not wanted(info.filename):
                continue
            with archive.open(info) as stream:
                yield info.filename, stream


def _tar_members(
    path: Path, wanted: Callable[[str], bool], limit_bytes: int
) -> Iterator[tuple[str, IO[bytes]]]:
    with _open_compressed(path) as packed:
        limited = _Limited(packed, limit_bytes, path)
        # As a stream: long headers too are read piece by piece, under the limit.
        with tarfile.open(fileobj=limited, mode="r|") as archive:
            for info in archive:
                _check_name(info.name, path)
                if info.isdir() or not wanted(info.name):
                    continue
                stream = archive.extractfile(info) if info.isfile() else None
                if stream is None:
                    raise DataError(
                        f"{path.name}: expected plain files, got the link or device "
                        f"{info.name!r}. The file is not to be trusted; delete it."
                    )
                yield info.name, stream


def _members(
    path: Path, wanted: Callable[[str], bool], limit_bytes: int
) -> Iterator[tuple[str, IO[bytes]]]:
    """The members as streams, each under the limit and to be read before the next."""
    try:
        if zipfile.is_zipfile(path):
            found = _zip_members(path, wanted)
        else:
            found = _tar_members(path, wanted, limit_bytes)
        for name, stream in found:
            limited = _Limited(stream, limit_bytes, path)
            yield name, io.BufferedReader(limited, BLOCK_BYTES)
    except _BROKEN as error:
        raise _broken(path, error) from error


def read_members(
    path: Path, wanted: Callable[[str], bool], *, limit_bytes: int
) -> Iterator[tuple[str, bytes]]:
    """Read members of a zip or tar archive, one after the other, into memory.

    Nothing is written to the disk, so no member can climb out of a folder; names that
    try to are refused all the same, and so are links and devices.

    Args:
        path: The archive; a tar may be compressed by gzip, bzip2 or xz.
        wanted: Says by its name whether a member is read.
        limit_bytes: What all members that are read may be together, unpacked.

    Yields:
        Each member's name and content.

    Raises:
        DataError: No archive or a damaged one, a name that leads out, a link, or more
            than ``limit_bytes``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "pair.zip"
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("a.txt", "one")
        ...         archive.writestr("b.png", "two")
        ...     dict(read_members(path, lambda name: ".txt" in name, limit_bytes=99))
        {'a.txt': b'one'}
    """
    rest = limit_bytes
    for name, stream in _members(path, wanted, limit_bytes):
        content = stream.read(rest + 1)
        rest -= len(content)
        if rest < 0:
            raise _too_large(path, limit_bytes)
        yield name, content


def stream_lines(path: Path, member: str, *, limit_bytes: int) -> Iterator[bytes]:
    r"""Read one member of an archive line by line, never all of it at once.

    Args:
        path: The archive.
        member: The member's name.
        limit_bytes: What may be read, unpacked.

    Yields:
        The lines without their ends.

    Raises:
        DataError: No such member, a damaged archive, or more than ``limit_bytes``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "words.zip"
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("words.txt", "a 1\nb 2\n")
        ...     next(stream_lines(path, "words.txt", limit_bytes=99))
        b'a 1'
    """
    found = False
    for _, stream in _members(path, lambda name: name == member, limit_bytes):
        found = True
        for line in stream:
            yield line.rstrip(b"\r\n")
    if not found:
        raise DataError(
            f"{path.name}: expected the member {member!r}, got none of that name. "
            "Delete the file; it will be downloaded again."
        )


def read_compressed(path: Path, *, limit_bytes: int) -> bytes:
    """Read a file that may be compressed by gzip, bzip2 or xz.

    Args:
        path: The file.
        limit_bytes: What it may be, unpacked.

    Returns:
        The content.

    Raises:
        DataError: It is damaged, or more than ``limit_bytes``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "note.txt.gz"
        ...     _ = path.write_bytes(gzip.compress(b"hello"))
        ...     read_compressed(path, limit_bytes=99)
        b'hello'
    """
    try:
        with _open_compressed(path) as stream:
            return _Limited(stream, limit_bytes, path).read()
    except _BROKEN as error:
        raise _broken(path, error) from error
