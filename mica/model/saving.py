"""Saving: a `.mica` file is a zip of JSON and safetensors, and loading trusts nothing.

model.json              format, architecture, what compile was given, names
weights.safetensors     parameters and buffers by name
optimizer.safetensors   the optimizer's tensors; absent when there are none
"""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from mica.engine import mica_version, without_memory
from mica.errors import CheckpointError, MicaError, ShapeError, StateError
from mica.layers import Layer
from mica.layers.adapting import Adaptive
from mica.model.signature import symbolic_call, zeros_call
from mica.registry import decode, encode, register_name
from mica.training import atomic_file
from mica.training.calling import evaluation_mode
from mica.training.checkpoint import standalone_tensors
from mica.training.freezing import Trainability

if TYPE_CHECKING:
    from mica.model.model import Model

__all__ = ["load_model", "save_model"]

FORMAT_VERSION = 1
JSON, WEIGHTS, OPTIMIZER = "model.json", "weights.safetensors", "optimizer.safetensors"
AVERAGE = "average"  # the first word of its tensors' names; the others are numbers
JSON_LIMIT_BYTES = 64 * 2**20  # a thousand-layer graph takes about 1 MB


def _fingerprint(architecture: Any, weights: bytes) -> str:
    """sha256 over the architecture's JSON and the weights' bytes."""
    digest = hashlib.sha256(json.dumps(architecture, sort_keys=True).encode())
    digest.update(weights)
    return digest.hexdigest()


def _named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; a shared tensor counts once."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _optimizer_parts(model: "Model") -> tuple[dict[str, Tensor], Any]:
    """Split an optimizer's state into tensors and JSON values."""
    session = model.session if model.is_compiled else None
    if session is None or session.updater is None:
        return {}, None
    saved = session.updater.state()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, values in saved["optimizer"]["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{name}"] = value.detach().cpu().contiguous()
            elif isinstance(value, list):  # LBFGS remembers several directions
                numbers.setdefault(str(index), {})[name] = [None] * len(value)
                for place, entry in enumerate(value):
                    if isinstance(entry, Tensor):
                        tensor = entry.detach().cpu().contiguous()
                        tensors[f"{index}.{name}.{place}"] = tensor
            else:
                numbers.setdefault(str(index), {})[name] = encode(value)
    groups = [
        {
            name: encode(value.item() if isinstance(value, Tensor) else value)
            for name, value in group.items()
        }
        for group in saved["optimizer"]["param_groups"]
    ]
    document = {"step": saved["step"], "groups": groups, "numbers": numbers}
    average = saved.get("average")
    if average is not None:
        for index, tensor in enumerate(average["tensors"]):
            tensors[f"{AVERAGE}.{index}"] = tensor.detach().cpu().contiguous()
        document["average"] = {
            name: value for name, value in average.items() if name != "tensors"
        }
    return tensors, document


def save_model(model: "Model", path: str | Path) -> Path:
    """Write a model to a file; an old file survives any failure.

    Args:
        model: A built model.
        path: Where; `.mica` is added when it has no suffix.

    Returns:
        The path written.

    Raises:
        StateError: The model is not built yet.
        ConfigError: A part that a file cannot name.
        CheckpointError: The file cannot be written.
    """
    if not model.built:
        raise StateError(
            f"save: expected a built {type(model).__name__}, got one without weights. "
            "Put mica.Input(shape) first, or call the model on data."
        )
    path = Path(path)
    if not path.suffix:
        path = path.with_suffix(".mica")
    architecture = encode(model)
    weights = safetensors.torch.save(standalone_tensors(_named_tensors(model)))
    tensors, optimizer = _optimizer_parts(model)
    document = {
        "format": FORMAT_VERSION,
        "mica": mica_version(),
        "architecture": architecture,
        "signature": encode(model.signature),
        "compiled": model.compiled_config(),
        "optimizer": optimizer,
        "frozen": {
            "now": Trainability(model).frozen(),
            "compiled": _frozen_when_compiled(model),
        },
        "preprocessing": encode(model.preprocessing),
        "label_names": encode(model.label_names),
        "learned": _learned_inside(model),
        "fingerprint": _fingerprint(architecture, weights),
    }
    members = {JSON: json.dumps(document, allow_nan=False).encode(), WEIGHTS: weights}
    if tensors:
        members[OPTIMIZER] = safetensors.torch.save(standalone_tensors(tensors))
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            # Stored, not packed: the size in the file is the size in memory.
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def _learned_inside(model: nn.Module) -> dict[str, Any]:
    """What layers learned from data, where no architecture of ours tells it.

    A class of the user's own makes its layers anew, as they were before `adapt`.
    """
    parts = [part for part in model.modules() if isinstance(part, Layer)]
    if not any(register_name(type(part)).startswith("custom.") for part in parts):
        return {}
    return {
        name: encode(part.learned())
        for name, part in model.named_modules()
        if isinstance(part, Adaptive) and part.adapted
    }


def _restore_learned(path: Path, model: nn.Module, document: dict[str, Any]) -> None:
    try:
        for name, values in document.get("learned", {}).items():
            part = model.get_submodule(name)
            if isinstance(part, Adaptive):
                part.restore_learned(decode(values))
    except (AttributeError, KeyError, TypeError) as error:
        raise _broken(path, "values for layers of this model", f"{error!r}") from error


def _frozen_when_compiled(model: "Model") -> dict[str, list[str]] | None:
    return model.session.trainability.frozen() if model.is_compiled else None


def _broken(path: Path, expected: str, got: str) -> CheckpointError:
    return CheckpointError(
        f"load: expected {expected} in {str(path)!r}, got {got}. The file is damaged "
        "or was not written by Mica; use another copy."
    )


def _read_members(path: Path) -> dict[str, bytes]:
    """Read the members of the zip; names, number and sizes are checked before."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(path, entries)
            return {entry.filename: archive.read(entry) for entry in entries}
    except FileNotFoundError:
        raise CheckpointError(
            f"load: expected a model file, got no file at {str(path)!r}. Check the "
            "path."
        ) from None
    except MicaError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise _broken(path, "a whole .mica file", f"{error or 'its end'}") from error
    except OSError as error:
        raise CheckpointError(
            f"load: expected a readable file, got {error.strerror or error} at "
            f"{str(path)!r}. Check the path and its permissions."
        ) from error


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    for name in names:
        if name not in (JSON, WEIGHTS, OPTIMIZER):
            raise _broken(path, f"only {JSON}, {WEIGHTS}, {OPTIMIZER}", repr(name))
    if len(set(names)) < len(names):
        raise _broken(path, "each member once", f"{names}")
    for name in (JSON, WEIGHTS):
        if name not in names:
            raise _broken(path, f"a member {name}", f"{names}")
    available = path.stat().st_size
    for entry in entries:
        stored = entry.compress_type == zipfile.ZIP_STORED
        if not stored or entry.file_size != entry.compress_size:
            raise _broken(path, "members that are not packed", repr(entry.filename))
        if entry.file_size > available:
            raise _broken(
                path,
                f"at most {available} bytes",
                f"{entry.file_size} bytes for {entry.filename}",
            )
        if entry.filename == JSON and entry.file_size > JSON_LIMIT_BYTES:
            raise _broken(
                path,
                f"at most {JSON_LIMIT_BYTES} bytes of JSON",
                f"{entry.file_size}",
            )


def _read_document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _broken(path, f"JSON as {JSON}", f"{error}") from error
    keys = {"format", "architecture", "compiled", "fingerprint", "frozen", "signature"}
    if not isinstance(document, dict) or not keys <= set(document):
        raise _broken(path, f"the entries {sorted(keys)}", "others")
    if document["format"] != FORMAT_VERSION:
        raise CheckpointError(
            f"load: expected format {FORMAT_VERSION} in {str(path)!r}, got "
            f"{document['format']!r}. Install the version of Mica that wrote it "
            f"({document.get('mica')})."
        )
    return document


def _read_tensors(path: Path, name: str, content: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, f"safetensors as {name}", f"{error}") from error


def _construct(
    path: Path,
    document: dict[str, Any],
    make_call: Callable[[Any], tuple[Any, Any]] = symbolic_call,
) -> Any:
    """Build the architecture: registered classes only, weights not filled yet."""
    try:
        model = decode(document["architecture"])
    except RecursionError as error:
        raise _broken(path, "an architecture of bounded depth", "more") from error
    if not isinstance(model, Layer) or not hasattr(model, "restore_compiled"):
        raise _broken(path, "a model", type(model).__name__)
    _restore_learned(path, model, document)
    if not model.built and document["signature"] is not None:
        args, kwargs = make_call(decode(document["signature"]))
        with torch.no_grad(), evaluation_mode(model):
            model(*args, **kwargs)
    return model


def _check_weights(path: Path, model: Any, weights: dict[str, Tensor]) -> None:
    expected = _named_tensors(model)
    if set(expected) != set(weights):
        odd = sorted(set(expected) ^ set(weights))
        raise _broken(path, "a weight for every part", f"{odd[:3]} on one side only")
    for name, tensor in expected.items():
        if weights[name].shape != tensor.shape:
            raise _broken(
                path,
                f"shape {tuple(tensor.shape)} for {name}",
                f"{tuple(weights[name].shape)}",
            )


def _fill(model: Any, weights: dict[str, Tensor]) -> None:
    for name, tensor in _named_tensors(model).items():
        # Into the memory that is there: its layout is part of how a layer computes.
        memory = tensor.data.to(weights[name].dtype)
        if 0 in memory.stride():  # expanded: several places share one number
            memory = torch.empty_like(weights[name])
        tensor.data = memory.copy_(weights[name])


def _average(saved: Any, tensors: dict[int, Tensor]) -> dict[str, Any] | None:
    """The state of an average; None when the file has none."""
    if saved is None:
        return None
    return {**saved, "tensors": [tensors[index] for index in range(len(tensors))]}


def _restore_optimizer(
    path: Path, model: Any, saved: dict[str, Any], content: bytes | None
) -> None:
    tensors = {} if content is None else _read_tensors(path, OPTIMIZER, content)
    state: dict[int, dict[str, Any]] = {}
    averages: dict[int, Tensor] = {}
    try:
        for key, tensor in tensors.items():
            index, _, name = key.partition(".")
            if index == AVERAGE:
                averages[int(name)] = tensor
            else:
                state.setdefault(int(index), {})[name] = tensor
        for index, numbers in saved["numbers"].items():
            state.setdefault(int(index), {}).update(decode(numbers))
        for values in state.values():
            for key in [key for key in values if "." in key]:
                name, _, place = key.partition(".")
                values[name][int(place)] = values.pop(key)
        groups = [decode(group) for group in saved["groups"]]
        model.session.ready_updater().load(
            {
                "step": saved["step"],
                "optimizer": {"state": state, "param_groups": groups},
                "average": _average(saved.get("average"), averages),
            }
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _broken(path, "an optimizer that fits the model", f"{error}") from error


def load_model(path: str | Path) -> Any:
    """Read a model that `save` wrote.

    Only classes of Mica and those you registered are built; names, sizes and the
    fingerprint are checked before memory is taken for weights. Nothing in the file is
    executed.

    Args:
        path: The file.

    Returns:
        The model, compiled if it was.

    Raises:
        CheckpointError: No file, a damaged one, or one not written by Mica.
        ConfigError: A class or function that is not registered.

    Example:
        >>> import tempfile
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> path = model.save(tempfile.mkdtemp() + "/small.mica")
        >>> load_model(path).count_parameters()
        15
    """
    path = Path(path)
    if not path.suffix and not path.exists():
        path = path.with_suffix(".mica")  # as `save` adds it
    members = _read_members(path)
    document = _read_document(path, members[JSON])
    weights = _read_tensors(path, WEIGHTS, members[WEIGHTS])
    if document["fingerprint"] != _fingerprint(
        document["architecture"], members[WEIGHTS]
    ):
        raise _broken(path, "the fingerprint of its content", "another one")
    try:
        with without_memory():
            _check_weights(path, _construct(path, document), weights)
        model = _construct(path, document)
    except (RuntimeError, ShapeError):
        if not str(document["architecture"]["$object"]).startswith("custom."):
            raise
        # A forward of the user's own that looks at values; shapes are not enough.
        model = _construct(path, document, zeros_call)
        _check_weights(path, model, weights)
    _fill(model, weights)
    _restore(path, model, document, members.get(OPTIMIZER))
    model.eval()
    return model


def _freeze(path: Path, model: Any, frozen: Any, when: str) -> None:
    try:
        if frozen[when] is not None:
            Trainability.freeze(model, frozen[when])
    except (KeyError, TypeError) as error:
        raise _broken(path, "names of what is frozen", f"{error!r}") from error


def _restore(
    path: Path, model: Any, document: dict[str, Any], optimizer: bytes | None
) -> None:
    """Bring back what is not weights: compiled state, frozen parts, names."""
    _freeze(path, model, document["frozen"], "compiled")
    model.restore_compiled(document["compiled"])
    if document.get("optimizer") is not None and model.is_compiled:
        _restore_optimizer(path, model, document["optimizer"], optimizer)
    _freeze(path, model, document["frozen"], "now")
    model.label_names = decode(document.get("label_names"))
    model.preprocessing = decode(document.get("preprocessing"))
