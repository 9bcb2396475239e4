"""Make a library of the C files here, keep it and load it, or say why there is none."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from mica.engine.folders import cache_folder

__all__ = ["KernelLibrary", "find_compiler", "make_library"]

SOURCES = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
# Contracting x * y + z is wanted, and IEEE's NaN and infinity are; -ffast-math is not.
OPTIONS = (
    "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fopenmp",
    "-shared", "-fPIC", "-w",
)  # fmt: skip
SECONDS_TO_COMPILE = 300
SECONDS_BEFORE_TRYING_AGAIN = 24 * 60 * 60
DIGITS = 32  # of a SHA-256 in a file's name


class _Refused(Exception):
    """Why there is no library; never leaves this package."""


class KernelLibrary:
    """The library of kernels, made or found when first asked for, once per process.

    Args:
        folder: Where libraries are kept; `None` for the user's cache.
        options: More words for the compiler, behind the usual ones.
        names: The C files it is made of; none for all that are here.

    Example:
        >>> library = KernelLibrary(options=("--no-such-option",))
        >>> library.load() is None
        True
        >>> library.reason.startswith("the C compiler")
        True
    """

    def __init__(
        self,
        folder: Path | None = None,
        options: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.options = options
        self.names = names
        self.reason = ""
        self._loaded: ctypes.CDLL | None = None
        self._lock = threading.Lock()
        self._asked = False

    def load(self) -> ctypes.CDLL | None:
        """Give the library, or `None` with `reason` set; asks the compiler once."""
        if not self._asked:
            with self._lock:
                if not self._asked:
                    self._loaded = self._find()
                    self._asked = True
        return self._loaded

    def _find(self) -> ctypes.CDLL | None:
        folder = self.folder or cache_folder("kernels")
        try:
            return make_library(folder, self.options, self.names)
        except _Refused as error:
            self.reason = str(error)
        return None


def find_compiler() -> str | None:
    """Name the C compiler of this machine.

    Returns:
        Its path, or `None`.

    Example:
        >>> compiler = find_compiler()
        >>> compiler is None or Path(compiler).is_absolute()
        True
    """
    found = (shutil.which(name) for name in COMPILERS)
    return next((os.path.abspath(path) for path in found if path), None)


def _run(command: list[str]) -> str:
    """What a command wrote; its complaint becomes the reason."""
    words = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=words,
            stdin=subprocess.DEVNULL, timeout=SECONDS_TO_COMPILE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise _Refused(f"the C compiler {command[0]} did not run: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = next((line for line in lines if "error" in line), "") or "".join(
            lines[:1]
        )
        raise _Refused(f"the C compiler {command[0]} refused: {said.strip()}")
    return done.stdout


def _machine_option() -> str:
    """Instructions of this very processor: the cache is keyed by what that means."""
    arm = platform.machine().lower() in ("aarch64", "arm64")
    return "-mcpu=native" if arm else "-march=native"


def _sources(names: tuple[str, ...]) -> list[Path]:
    files = [SOURCES / name for name in names] or SOURCES.glob("*.c")
    return sorted([*files, *SOURCES.glob("*.h")])


def _key(compiler: str, options: tuple[str, ...], names: tuple[str, ...]) -> str:
    """One name per source, compiler and processor: its macros tell all three."""
    macros = _run([compiler, *options, "-dM", "-E", "-x", "c", os.devnull])
    summed = hashlib.sha256()
    for part in (compiler, *options, macros, platform.platform()):
        summed.update(part.encode() + b"\0")
    for path in _sources(names):
        summed.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return summed.hexdigest()[:DIGITS]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]


def _is_ours(path: Path) -> bool:
    """Whether this user wrote the file and its content is what its name says."""
    foreign = hasattr(os, "getuid") and path.stat().st_uid != os.getuid()
    return not foreign and path.stem.rpartition("-")[2] == _digest(path)


def _kept(folder: Path, key: str) -> ctypes.CDLL | None:
    """The library made before; a damaged one is thrown away."""
    for path in sorted(folder.glob(f"{key}-*.so")):
        try:
            if _is_ours(path):
                return ctypes.CDLL(str(path))
            path.unlink()
        except OSError:
            continue
    return None


def _compile(
    compiler: str, options: tuple[str, ...], names: tuple[str, ...], folder: Path
) -> Path:
    """Compile beside its place and rename: nobody ever sees half of a library."""
    made = folder / "kernels.so"
    sources = [str(path) for path in _sources(names) if path.suffix == ".c"]
    _run([compiler, *options, *sources, "-o", str(made)])
    return made


def make_library(
    folder: Path, options: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> ctypes.CDLL:
    """Load the library kept in a folder, or make it there.

    Its name holds a digest of sources, compiler and processor and one of its content,
    so that a stale, damaged or foreign file is never loaded. Where the folder cannot be
    written, the library is made for this process alone.

    Args:
        folder: Where libraries are kept.
        options: More words for the compiler.
        names: The C files it is made of; none for all that are here.

    Returns:
        The library.

    Raises:
        _Refused: There is no compiler, it refused, or what it made cannot be loaded.
    """
    compiler = find_compiler()
    if compiler is None:
        raise _Refused(f"no C compiler was found ({', '.join(COMPILERS)})")
    options = (*OPTIONS, _machine_option(), *options)
    key = _key(compiler, options, names)
    library = _kept(folder, key)
    if library is not None:
        return library
    refusal = folder / f"{key}.txt"
    _raise_what_is_remembered(refusal)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            made = _compile(compiler, options, names, Path(place))
            kept = folder / f"{key}-{_digest(made)}.so"
            os.replace(made, kept)
        return ctypes.CDLL(str(kept))
    except _Refused as error:
        _remember(refusal, str(error))
        raise
    except OSError:
        return _make_for_this_process(compiler, options, names)


def _make_for_this_process(
    compiler: str, options: tuple[str, ...], names: tuple[str, ...]
) -> ctypes.CDLL:
    """Where nothing can be kept; once loaded, the file is not needed."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            return ctypes.CDLL(str(_compile(compiler, options, names, Path(place))))
    except OSError as error:
        raise _Refused(f"the library cannot be kept or loaded: {error}") from None


def _raise_what_is_remembered(refusal: Path) -> None:
    """A compiler that refused is not asked again for a day."""
    try:
        age = time.time() - refusal.stat().st_mtime
        if 0 <= age < SECONDS_BEFORE_TRYING_AGAIN:
            raise _Refused(refusal.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return


def _remember(refusal: Path, reason: str) -> None:
    try:
        refusal.write_text(reason, encoding="utf-8")
    except OSError:
        return
