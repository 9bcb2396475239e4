"""Files of data sets: looked for, else downloaded, and trusted only by their hash."""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mica import engine
from mica.errors import DataError

__all__ = [
    "LocalFile",
    "RemoteFile",
    "cache_folder",
    "check_content",
    "dataset_folders",
    "find_local",
    "find_or_download",
]

BLOCK_BYTES = 2**20  # read at once; ours
TIMEOUT_SECONDS = 30.0  # without a single byte; ours
ATTEMPTS = 3  # connections before giving up; each goes on where the last one stopped


@dataclass(frozen=True)
class LocalFile:
    """Another packing of a data set, with no address: the user's own copy of it.

    Args:
        name: Folder and file name, such as "text/nietzsche.txt".
        sha256: Its hash.
    """

    name: str
    sha256: str

    @property
    def short_name(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded and is known by its hash.

    Args:
        name: Folder and file name, such as "mnist/mnist.npz".
        address: Where it can be had.
        sha256: The hash of the file at ``address``; None when only the hash of what
            is inside is known, which its loader then checks (see `check_content`).
        size_bytes: Its size; the most it may be when ``sha256`` is None.
        also: Hashes of other files with the same content, such as one packed anew.
    """

    name: str
    address: str
    sha256: str | None
    size_bytes: int
    also: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]


def dataset_folders() -> list[Path]:
    """List the folders that the environment variable MICA_DATASETS names.

    Returns:
        The folders, in the order they are searched.

    Example:
        >>> all(isinstance(folder, Path) for folder in dataset_folders())
        True
    """
    names = os.environ.get("MICA_DATASETS", "").split(os.pathsep)
    return [Path(name).expanduser() for name in names if name.strip()]


def cache_folder() -> Path:
    """Name the folder for downloaded data sets; it need not exist yet.

    Returns:
        ``mica/datasets`` in the user's cache folder.

    Example:
        >>> cache_folder().parts[-2:]
        ('mica', 'datasets')
    """
    return engine.cache_folder("datasets")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_trusted(path: Path, file: RemoteFile | LocalFile) -> bool:
    if file.sha256 is None:
        return True
    also = file.also if isinstance(file, RemoteFile) else ()
    return _hash(path) in (file.sha256, *also)


def check_content(content: bytes, sha256: str, path: Path) -> None:
    """Demand that what a file holds is what it held when its hash was taken.

    For archives whose own hash is not known, and as a proof that two packings hold
    the same.

    Args:
        content: What was read.
        sha256: Its hash.
        path: The file it comes from.

    Raises:
        DataError: The hash is another one.

    Example:
        >>> check_content(b"", hashlib.sha256().hexdigest(), Path("empty.txt"))
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path}: expected content with the sha256 {sha256}, got {found}. Delete "
            "the file; it will be downloaded again."
        )


def find_local(file: RemoteFile | LocalFile) -> Path | None:
    """Find the user's own copy, in a folder of MICA_DATASETS; it is never touched.

    Args:
        file: What is wanted.

    Returns:
        The path, or None.

    Raises:
        DataError: There is a file of that name with a wrong hash.

    Example:
        >>> find_local(LocalFile("nowhere/nothing.txt", "0" * 64)) is None
        True
    """
    for folder in dataset_folders():
        for path in (folder / file.name, folder / file.short_name):
            if not path.is_file():
                continue
            if not _is_trusted(path, file):
                raise DataError(
                    f"{path}: expected a file with the sha256 {file.sha256}, got "
                    f"{_hash(path)}. Replace the file, or take its folder out of "
                    "MICA_DATASETS."
                )
            return path
    return None


def _advice(file: RemoteFile) -> str:
    return (
        f"Check the network and try again, or put the file at "
        f"{cache_folder() / file.name} yourself, or in a folder that MICA_DATASETS "
        "names."
    )


def _failed(file: RemoteFile, reason: str) -> DataError:
    return DataError(
        f"{file.short_name}: expected to download {file.address}, got: {reason}. "
        f"{_advice(file)}"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server's answer {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        cause = error.reason
        return _reason(cause) if isinstance(cause, Exception) else str(cause)
    if isinstance(error, TimeoutError):
        return f"no answer in {TIMEOUT_SECONDS:g} seconds"
    return str(error) or type(error).__name__


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read(BLOCK_BYTES):
            yield block
    except TimeoutError:
        raise
    except OSError as error:  # of the connection; writing has its own
        raise ConnectionError(str(error)) from error


def _goes_on(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether the server sends the rest, rather than the whole file again."""
    given = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status == 206 and given is not None and int(given[1]) == start


def _announced(response: http.client.HTTPResponse, start: int) -> int:
    """The whole file's size, as the server says it; 0 when it does not."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else 0


def _transfer(file: RemoteFile, part: Path) -> int:
    """One connection: append what is missing to `part`, or write it anew.

    Gives the size that `part` should have.
    """
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(file.address)
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        start = start if start and _goes_on(response, start) else 0
        whole = file.size_bytes if file.sha256 else _announced(response, start)
        with part.open("ab" if start else "wb") as target:
            for block in _blocks(response):
                target.write(block)
                if target.tell() > file.size_bytes:
                    break  # too long to be the file
    return whole


def _write(file: RemoteFile, part: Path) -> None:
    """Connect until `part` is as long as the file should be."""
    reason = ""
    for _ in range(ATTEMPTS):
        whole = file.size_bytes
        try:
            whole = _transfer(file, part)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            reason = _reason(error)
            if error.code != 416:  # the range asked for lies behind the file's end
                raise _failed(file, reason) from error
            part.unlink()
        except (urllib.error.URLError, http.client.HTTPException) as error:
            reason = _reason(error)
        except (TimeoutError, ConnectionError) as error:
            reason = _reason(error)
        if part.exists() and part.stat().st_size >= whole:
            return
    raise _failed(file, reason)


def _download(file: RemoteFile, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if part.exists() and part.stat().st_size >= file.size_bytes:
            part.unlink()  # an earlier download that was never accepted
        had_part = part.exists()
        _write(file, part)
        if had_part and not _is_trusted(part, file):
            part.unlink()  # what was left from before did not belong to this file
            _write(file, part)
    except OSError as error:
        raise DataError(
            f"{path}: expected to write the downloaded file, got: {error.strerror}. "
            "Make room or set XDG_CACHE_HOME to a folder that can be written."
        ) from error
    if part.stat().st_size > file.size_bytes and file.sha256 is None:
        part.unlink()
        raise DataError(
            f"{file.address}: expected a file of at most {file.size_bytes:,} bytes, "
            f"got more; it was removed. {_advice(file)}"
        )
    if not _is_trusted(part, file):
        found = _hash(part)
        part.unlink()
        raise DataError(
            f"{file.address}: expected a file with the sha256 {file.sha256}, got "
            f"{found}; it was removed. {_advice(file)}"
        )
    os.replace(part, path)


def find_or_download(file: RemoteFile) -> Path:
    """Give the path of a file whose hash is right.

    The folders of MICA_DATASETS are searched first (a file with a wrong hash there
    is an error, and stays), then the cache; else the file is downloaded, going on
    where an interrupted download stopped, and moved into place when it is whole.

    Args:
        file: What is wanted.

    Returns:
        The path.

    Raises:
        DataError: A wrong hash, no network, or no room: with the address and the
            place where the file can be put by hand.
    """
    found = find_local(file)
    if found is not None:
        return found
    path = cache_folder() / file.name
    if path.is_file() and not _is_trusted(path, file):
        path.unlink()
    if not path.is_file():
        _download(file, path)
    return path
