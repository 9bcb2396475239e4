"""Checkpoints: files that are whole or absent, and a module's weights in one."""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mica.errors import CheckpointError, MicaError

__all__ = [
    "atomic_file",
    "load_weights",
    "save_weights",
    "standalone_tensors",
    "write_tensors",
]

_ADVICE = {
    errno.ENOSPC: "Free some space or choose another disk",
    errno.EDQUOT: "Free some space or choose another disk",
    errno.EFBIG: "Choose a disk or a limit that allows larger files",
    errno.EACCES: "Choose a folder you may write to",
    errno.EPERM: "Choose a folder you may write to",
    errno.EROFS: "Choose a folder you may write to",
}


def _sentence(where: str, path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "Choose another path")
    return (
        f"{where}: expected to write {str(path)!r}, got the error {reason!r}. "
        f"{advice}; what was there before is unchanged."
    )


def _flush_to_disk(path: Path) -> None:
    # By name, not by handle: a library may have put another file there.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: str | Path, *, where: str = "save") -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all.

    The bytes go to a temporary file of the same folder, reach the disk, and take the
    file's name in one step. Until then, and after any failure (a full disk, an
    exception, Ctrl-C, a killed process, a power cut), the old file is whole. Only a
    killed process leaves its temporary file, `.mica-*.partial`, behind.

    Args:
        path: Where the file shall stand; folders that are missing are made. A link is
            followed: what it points to is replaced.
        where: Who speaks in an error.

    Yields:
        The open temporary file. A library that writes by name may use its `.name`.

    Raises:
        CheckpointError: The file cannot be written, or the path is a folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with atomic_file(path) as file:
        ...     _ = file.write(b"whole")
        >>> path.read_text()
        'whole'
    """
    path = Path(path)
    # Replacing a device such as the null device would remove it from the system.
    if path.exists() and not path.is_file():
        raise CheckpointError(
            f"{where}: expected the path of a file, got {str(path)!r}, which is a "
            "folder or a device. Choose another name."
        )
    partial: Path | None = None
    try:
        target = Path(os.path.realpath(path))
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
        name = target.parent / f".mica-{secrets.token_hex(8)}.partial"
        with open(name, "xb") as file:
            partial = name
            yield file
        _flush_to_disk(partial)
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
        partial = None
        _flush_folder(target.parent)
    except MicaError:
        raise
    except OSError as error:
        raise CheckpointError(_sentence(where, path, error)) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])  # three show the pattern
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _named_tensors(module: nn.Module, where: str) -> dict[str, Tensor]:
    """Every tensor of the state once, by its first name: tied weights have several."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in module.state_dict(keep_vars=True).items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"{where}: expected tensors in the state of {type(module).__name__}, "
                f"got {type(value).__name__} in {name!r}. Keep what is not a tensor in "
                "the module's arguments."
            )
        if id(value) not in seen:
            seen.add(id(value))
            tensors[name] = value
    return tensors


def _standalone(tensor: Tensor) -> Tensor:
    """The values in memory of their own: the file format refuses shared memory."""
    tensor = tensor.detach().cpu().contiguous()
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
    return tensor if whole else tensor.clone()


def standalone_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give each tensor memory of its own: the file format refuses to share it.

    Args:
        tensors: Tensors by name; views of each other are allowed.

    Returns:
        Contiguous tensors in the processor's memory; copies only where they must be.

    Example:
        >>> whole = torch.arange(4.0)
        >>> standalone_tensors({"whole": whole, "part": whole[:2]})["part"]
        tensor([0., 1.])
    """
    standalone: dict[str, Tensor] = {}
    used: set[int] = set()
    for name, tensor in tensors.items():
        value = _standalone(tensor)
        if value.numel() and value.data_ptr() in used:
            value = value.clone()
        used.add(value.data_ptr())
        standalone[name] = value
    return standalone


def save_weights(module: nn.Module, path: str | Path) -> None:
    """Write a module's parameters and buffers as one safetensors file, atomically.

    Args:
        module: Any torch module.
        path: The file, for example "weights.safetensors".

    Raises:
        CheckpointError: The file cannot be written, or the module's state holds
            something that is not a tensor.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
        >>> module = nn.Linear(2, 1)
        >>> save_weights(module, path)
        >>> copy = nn.Linear(2, 1)
        >>> load_weights(copy, path)
        >>> torch.equal(copy.weight, module.weight)
        True
    """
    write_tensors(_named_tensors(module, "save_weights"), path, where="save_weights")


def write_tensors(
    tensors: dict[str, Tensor],
    path: str | Path,
    *,
    where: str,
    words: dict[str, str] | None = None,
) -> None:
    """Write tensors by name as one safetensors file, atomically.

    Args:
        tensors: What is written; views of each other are allowed.
        path: The file.
        where: Who speaks in an error.
        words: Text that is kept beside them.

    Raises:
        CheckpointError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.safetensors"
        >>> write_tensors({"one": torch.ones(1)}, path, where="save")
        >>> path.exists()
        True
    """
    metadata = {"format": "pt", **(words or {})}
    with atomic_file(path, where=where) as file:
        try:
            save_file(standalone_tensors(tensors), file.name, metadata=metadata)
        except SafetensorError as error:
            code = re.search(r"(?:code: |os error )(\d+)", str(error))
            if code is None:
                raise OSError(str(error)) from error
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from error


def _check_names(wanted: set[str], found: set[str], kind: str, path: Path) -> None:
    missing, surplus = sorted(wanted - found), sorted(found - wanted)
    if missing:
        raise CheckpointError(
            f"load_weights: expected {_listed(missing)} for {kind} in {str(path)!r}, "
            f"got {_listed(sorted(found)) or 'nothing'}. Build the module as it was "
            "when the file was written."
        )
    if surplus:
        raise CheckpointError(
            f"load_weights: expected the weights of {kind} and no more in "
            f"{str(path)!r}, got {_listed(surplus)} too. Build the module as it was "
            "when the file was written."
        )


def _check_tensor(name: str, wanted: Tensor, found: Tensor, path: Path) -> None:
    if wanted.shape != found.shape:
        raise CheckpointError(
            f"load_weights: expected shape {tuple(wanted.shape)} for {name!r}, got "
            f"{tuple(found.shape)} in {str(path)!r}. Build the module as it was when "
            "the file was written."
        )
    both_floating = wanted.is_floating_point() and found.is_floating_point()
    if wanted.dtype != found.dtype and not both_floating:
        raise CheckpointError(
            f"load_weights: expected {wanted.dtype} for {name!r}, got {found.dtype} in "
            f"{str(path)!r}. Build the module as it was when the file was written."
        )


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Read a file of `save_weights` into a module of the same architecture.

    Nothing is changed unless every name, shape and kind of number fits. Floating-point
    types may differ (weights of float32 load into a module of bfloat16).

    Args:
        module: A module that is built, on any device.
        path: The file.

    Raises:
        CheckpointError: The file is missing, damaged, or of another architecture.

    Example:
        >>> load_weights(nn.Linear(2, 1), "absent.safetensors")
        Traceback (most recent call last):
        ...
        mica.errors.CheckpointError: load_weights: expected a file at \
'absent.safetensors', got none. Check the path.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f"load_weights: expected a file at {str(path)!r}, got none. Check the path."
        )
    tensors = _named_tensors(module, "load_weights")
    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            _check_names(set(tensors), names, type(module).__name__, path)
            loaded = {name: file.get_tensor(name) for name in names}
    except MicaError:
        raise
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"load_weights: expected a whole safetensors file, got {str(path)!r}, "
            "which cannot be read. Save it again, or fetch it again."
        ) from error
    for name, tensor in tensors.items():
        _check_tensor(name, tensor, loaded[name], path)
    with torch.no_grad():
        for name, tensor in tensors.items():
            tensor.copy_(loaded[name])
