"""What people hold (arrays, frames, lists) as tensors: checked, one row per sample."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import torch

from mica.errors import DataError

__all__ = [
    "Role",
    "as_sample_weight",
    "as_tensors",
    "check_lengths",
    "is_plain",
    "named_leaves",
]

Role = Literal["x", "integer x", "y"]

_TOKEN_TYPES = (torch.int32, torch.int64, torch.uint32, torch.uint64)
_FRAME_LIBRARIES = ("pandas", "polars")
_LARGEST_INTEGER = 2**63 - 1  # int64


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _is_frame(value: Any) -> bool:
    return _library(value) in _FRAME_LIBRARIES and hasattr(value, "columns")


def _is_series(value: Any) -> bool:
    is_column = hasattr(value, "to_numpy") and not hasattr(value, "columns")
    return _library(value) in _FRAME_LIBRARIES and is_column


def _place(position: Iterable[int]) -> str:
    """Say where an entry stands, counting from 0 as its owner would index it."""
    row, *rest = (int(index) for index in position)
    if not rest:
        return f"row {row}"
    if len(rest) == 1:
        return f"row {row}, column {rest[0]}"
    return f"row {row}, position {tuple(rest)}"


def _amount(count: int) -> str:
    return "the only one" if count == 1 else f"{count} in all"


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.unravel_index(mask.argmax(), mask.shape))


def _refuse_text(text: object, place: tuple[int, ...], where: str) -> DataError:
    return DataError(
        f"{where}: expected numbers, got the text {str(text)!r} at {_place(place)}. "
        "Number labels with numpy.unique(labels, return_inverse=True); a table of "
        "numbers and words is read by mica.data.TableEncoder."
    )


def _refuse_object(array: np.ndarray, where: str) -> DataError:
    numbers = (int, float, np.integer, np.floating, np.bool_)
    odd = np.array([not isinstance(entry, numbers) for entry in array.flat])
    if not odd.any():
        return DataError(
            f"{where}: expected an array of numbers, got an array of Python objects "
            "(dtype object). All of them are numbers: convert it with "
            ".astype('float32')."
        )
    place = _first(odd.reshape(array.shape))
    entry = array[place]
    if isinstance(entry, str):
        return _refuse_text(entry, place, where)
    if entry is None:
        got, advice = "None", "Fill the gap or leave the row out."
    elif isinstance(entry, (list, tuple)) or getattr(entry, "ndim", 0) > 0:
        got = f"a {type(entry).__name__} of length {len(entry)}"
        advice = "Give every row the same length, then stack the rows into one array."
    else:
        got = f"an object of type {type(entry).__name__}"
        advice = "Turn it into a number or leave it out."
    return DataError(
        f"{where}: expected numbers, got {got} at {_place(place)}. {advice}"
    )


def _refuse_kind(array: np.ndarray, where: str) -> DataError:
    kinds = {
        "M": ("dates", "Turn them into numbers, such as days since a start."),
        "m": ("durations", "Turn them into numbers, such as seconds."),
        "c": ("complex numbers", "Give real and imaginary part as two columns."),
        "V": ("records of named fields", "Give a dict of arrays, one per field."),
    }
    name, advice = kinds[array.dtype.kind]
    return DataError(
        f"{where}: expected real numbers, got {name} ({array.dtype}). {advice}"
    )


def _refuse_single(value: Any, where: str) -> DataError:
    return DataError(
        f"{where}: expected one row per sample, got the single value {value}. Put it "
        f"into an array: [[{value}]]."
    )


def _from_numpy(array: np.ndarray, where: str) -> torch.Tensor:
    if array.ndim == 0:
        raise _refuse_single(array.item(), where)
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.getmaskarray(array).any():
            place = _place(_first(np.ma.getmaskarray(array)))
            raise DataError(
                f"{where}: expected a value in every place, got a masked one at "
                f"{place}. Fill it with .filled(value) or leave the row out."
            )
        array = np.asarray(array)
    kind = array.dtype.kind
    if kind == "O" and array.size:
        raise _refuse_object(array, where)
    if kind in "UST" and array.size:
        raise _refuse_text(array.flat[0], (0,) * array.ndim, where)
    if kind in "MmcV":
        raise _refuse_kind(array, where)
    if array.dtype == np.uint64 and array.size and array.max() > _LARGEST_INTEGER:
        raise DataError(
            f"{where}: expected whole numbers below 2**63, got {array.max()}. "
            "Give them as floating-point numbers."
        )
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if array.size == 0:  # its kind may be one torch lacks; the caller refuses it
        return torch.empty(array.shape)
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    # Torch cannot mark memory read-only, so it gets a copy of such an array.
    array = array if array.flags.writeable else array.copy()
    return torch.from_numpy(array)


def _as_objects(value: Any, where: str) -> np.ndarray:
    """A list that is no array, entry by entry, so that the odd one can be named."""
    nested = [isinstance(row, (list, tuple, np.ndarray)) for row in value]
    if any(nested):
        lengths = [
            len(row) if inner else 1 for row, inner in zip(value, nested, strict=True)
        ]
        odd = [row for row, length in enumerate(lengths) if length != lengths[0]]
        got = "lists of several lengths inside them"
        if odd:
            got = f"{lengths[0]} in row 0 and {lengths[odd[0]]} in row {odd[0]}"
        raise DataError(
            f"{where}: expected rows of one length, got {got}. Pad or cut the rows to "
            "one length."
        )
    objects = np.empty(len(value), dtype=object)
    objects[:] = value
    return objects


def _from_list(value: Any, where: str) -> torch.Tensor:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        array = _as_objects(value, where)
    if array.dtype.kind in "US":  # one word made words of all the numbers
        array = np.array(value, dtype=object)
    return _from_numpy(array, where)


def _from_series(series: Any, where: str) -> torch.Tensor:
    missing = series.isna() if _library(series) == "pandas" else series.is_null()
    missing = missing.to_numpy()
    if missing.any():
        raise DataError(
            f"{where}: expected a value in every row, got none in row "
            f"{_first(missing)[0]} ({_amount(int(missing.sum()))}). Fill the gaps, "
            "leave the rows out, or use mica.data.TableEncoder."
        )
    return _from_numpy(series.to_numpy(), where)


def is_plain(value: Any) -> bool:
    """Whether a list holds numbers (one array) rather than arrays (several inputs).

    Args:
        value: A list or tuple; or an entry of one.

    Example:
        >>> is_plain([[1, 2], [3, 4]]), is_plain([torch.zeros(2), torch.zeros(2)])
        (True, False)
    """
    if isinstance(value, (list, tuple)):
        return all(is_plain(child) for child in value[:2])
    if isinstance(value, torch.Tensor):
        return value.ndim == 0
    kinds = (bool, int, float, complex, str, bytes, np.generic)
    return value is None or isinstance(value, kinds)


def _standard(tensor: torch.Tensor, role: Role) -> torch.Tensor:
    """Cast to the types training uses: the default float, token ids, int64 labels."""
    if tensor.is_floating_point():
        return tensor.to(torch.get_default_dtype())
    if role == "y":
        return tensor.to(torch.int64)
    if role == "integer x" and tensor.dtype in _TOKEN_TYPES:
        return tensor if tensor.dtype == torch.int32 else tensor.to(torch.int64)
    return tensor.to(torch.get_default_dtype())


def _check_rows(tensor: torch.Tensor, where: str) -> None:
    if tensor.ndim == 0:
        raise _refuse_single(tensor.item(), where)
    if tensor.numel() == 0:
        raise DataError(
            f"{where}: expected at least one row and one value in it, got the shape "
            f"{tuple(tensor.shape)}. Look at the file or filter that made it."
        )


def _check_finite(tensor: torch.Tensor, before: torch.Tensor, where: str) -> None:
    # A finite sum proves every term finite, in one pass and without a copy.
    if not tensor.is_floating_point() or math.isfinite(tensor.sum().item()):
        return
    wrong = ~torch.isfinite(tensor)
    count = int(wrong.sum())
    if count == 0:
        return
    place = tuple(wrong.nonzero()[0].tolist())
    value = before[place].item()
    if math.isfinite(value):
        raise DataError(
            f"{where}: expected numbers that {str(tensor.dtype).removeprefix('torch.')}"
            f" can hold, got {value} at {_place(place)}. Scale the values first."
        )
    raise DataError(
        f"{where}: expected finite numbers, got {value} at {_place(place)} "
        f"({_amount(count)}). Fill these places or leave the rows out; "
        "mica.data.TableEncoder fills gaps."
    )


def _finish(tensor: torch.Tensor, where: str, role: Role, finite: bool) -> torch.Tensor:
    if tensor.layout != torch.strided or tensor.is_complex():
        got = "complex numbers" if tensor.is_complex() else f"layout {tensor.layout}"
        raise DataError(
            f"{where}: expected a dense tensor of real numbers, got {got}. "
            "Convert it with .to_dense() or torch.view_as_real()."
        )
    _check_rows(tensor, where)
    tensor = tensor.detach()
    standard = _standard(tensor, role).contiguous()
    if finite:
        _check_finite(standard, tensor, where)
    return standard


def _from_frame(frame: Any, where: str, role: Role, finite: bool) -> torch.Tensor:
    names = list(frame.columns)
    if not names or not len(frame):
        raise DataError(
            f"{where}: expected at least one row and one column, got a frame of shape "
            f"{tuple(frame.shape)}. Look at the file or filter that made it."
        )
    columns = []
    for index, name in enumerate(names):
        pandas = _library(frame) == "pandas"
        series = frame.iloc[:, index] if pandas else frame.to_series(index)
        inside = f"{where}[{name!r}]"
        columns.append(_finish(_from_series(series, inside), inside, role, finite))
    # The columns of a table of inputs are measurements, whole numbers or not.
    if role != "y" or any(column.is_floating_point() for column in columns):
        columns = [column.to(torch.get_default_dtype()) for column in columns]
    return torch.stack(columns, dim=1)  # (rows, columns)


def _refuse_type(value: Any, where: str) -> DataError:
    if value is None:
        got, advice = "None", "Look at what should have made the data."
    elif isinstance(value, str):
        got, advice = (
            f"the text {value!r}",
            "Read a file with mica.data.read_csv(path).",
        )
    elif hasattr(value, "toarray"):
        got = f"a sparse {type(value).__name__}"
        advice = f"Convert it with {where}.toarray()."
    else:
        got = f"an object of type {type(value).__name__}"
        advice = "Convert it with numpy.asarray first."
    return DataError(
        f"{where}: expected NumPy arrays, tensors, frames or lists of numbers, "
        f"got {got}. {advice}"
    )


def _leaf(value: Any, where: str, role: Role, finite: bool) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        tensor = value
    elif isinstance(value, (np.ndarray, np.generic)):
        tensor = _from_numpy(np.asanyarray(value), where)
    elif _is_frame(value):
        return _from_frame(value, where, role, finite)
    elif _is_series(value):
        tensor = _from_series(value, where)
    elif isinstance(value, (list, tuple, range)):
        tensor = _from_list(value, where)
    elif isinstance(value, (bool, int, float, complex)):
        raise _refuse_single(value, where)
    elif hasattr(value, "__array__"):
        tensor = _from_numpy(np.asarray(value), where)
    else:
        raise _refuse_type(value, where)
    return _finish(tensor, where, role, finite)


def _check_dict(value: Mapping[Any, Any], where: str) -> None:
    if not value:
        raise DataError(
            f"{where}: expected named arrays, got an empty dict. Give at least one."
        )


def as_tensors(value: Any, where: str, *, role: Role, finite: bool = True) -> Any:
    """Turn what the user holds into checked tensors, in the same nesting.

    Floating-point numbers become torch's default type. Inputs in x that are integers
    or booleans become floating-point too, but as "integer x" those of 32 and 64 bits
    stay integers, unless a frame holds them. In y, integers and booleans become
    int64. A list of numbers is an array; a list of arrays is several inputs.

    Args:
        value: Arrays, tensors, pandas or polars frames and series, lists of numbers,
            or dicts, tuples and lists of these.
        where: The argument's name, for errors: "x", "y".
        role: "x" for inputs, "integer x" for inputs that may be token ids, "y" for
            targets.
        finite: Whether to look for NaN and infinity.

    Returns:
        Tensors with at least one axis and one row; memory is shared where the type
        allows it.

    Raises:
        DataError: Text, objects, dates, complex or missing values, NaN or infinity,
            no rows, or a type that is no array: each named with its place.

    Example:
        >>> import numpy as np
        >>> as_tensors([[0, 1], [2, 3]], "x", role="x")
        tensor([[0., 1.],
                [2., 3.]])
        >>> tokens = np.zeros((2, 4), dtype="int64")
        >>> as_tensors({"words": tokens}, "x", role="integer x")["words"].dtype
        torch.int64
    """
    if isinstance(value, Mapping):
        _check_dict(value, where)
        return {
            key: as_tensors(item, f"{where}[{key!r}]", role=role, finite=finite)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)) and not is_plain(value):
        items = [
            as_tensors(item, f"{where}[{index}]", role=role, finite=finite)
            for index, item in enumerate(value)
        ]
        return items if isinstance(value, list) else tuple(items)
    return _leaf(value, where, role, finite)


def _check_weight(weight: torch.Tensor, where: str) -> None:
    if weight.min() < 0:
        row = int((weight < 0).nonzero()[0])
        raise DataError(
            f"{where}: expected weights of at least 0, got {weight[row].item():g} at "
            f"row {row}. Use 0 for rows that should not count."
        )
    if weight.max() == 0:
        raise DataError(
            f"{where}: expected at least one weight above 0, got only zeros: nothing "
            "could be learned. Look at what made the weights."
        )


def as_sample_weight(
    value: Any, where: str = "sample_weight", *, values: bool = True
) -> Any:
    """Turn sample weights into checked tensors of one weight per row.

    Args:
        value: Weights of shape (rows,) or (rows, 1), or a dict, tuple or list of them,
            one per output.
        where: The argument's name, for errors.
        values: Whether to look at the values too, not only at type and shape.

    Returns:
        Floating-point tensors of shape (rows,), in the same nesting.

    Raises:
        DataError: The weights have another shape, are negative, or all zero.

    Example:
        >>> as_sample_weight([1, 2, 0])
        tensor([1., 2., 0.])
    """
    if isinstance(value, Mapping):
        _check_dict(value, where)
        return {
            key: as_sample_weight(item, f"{where}[{key!r}]", values=values)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)) and not is_plain(value):
        items = [
            as_sample_weight(item, f"{where}[{index}]", values=values)
            for index, item in enumerate(value)
        ]
        return items if isinstance(value, list) else tuple(items)
    weight = _leaf(value, where, "x", values).to(torch.get_default_dtype())
    if weight.ndim == 2 and weight.shape[1] == 1:
        weight = weight[:, 0]  # (rows,)
    if weight.ndim != 1:
        raise DataError(
            f"{where}: expected one weight per row, shape (rows,), got the shape "
            f"{tuple(weight.shape)}. Average or sum the weights of a row."
        )
    if values:
        _check_weight(weight, where)
    return weight


def named_leaves(structure: Any, where: str) -> list[tuple[str, Any]]:
    """List the arrays of nested data with the words that reach them.

    Args:
        structure: An array (also a list of numbers), or dicts, lists and tuples of
            arrays.
        where: The name of the whole.

    Example:
        >>> [name for name, _ in named_leaves({"a": [1, 2], "b": ([3], "?")}, "x")]
        ["x['a']", "x['b']"]
        >>> [name for name, _ in named_leaves((torch.zeros(2), torch.zeros(2)), "x")]
        ['x[0]', 'x[1]']
    """
    if isinstance(structure, Mapping):
        children = list(structure.items())
    elif isinstance(structure, (list, tuple)) and not is_plain(structure):
        children = list(enumerate(structure))
    else:
        return [(where, structure)]
    return [
        pair
        for key, child in children
        for pair in named_leaves(child, f"{where}[{key!r}]")
    ]


def check_lengths(x: Any, y: Any, sample_weight: Any, prefix: str = "") -> int:
    """Demand as many rows everywhere, and count them.

    Args:
        x: Nested tensors.
        y: Nested tensors, or None.
        sample_weight: Nested tensors, or None.
        prefix: Stands before the argument's name in errors.

    Returns:
        The number of rows.

    Raises:
        DataError: Two tensors differ in their number of rows.

    Example:
        >>> check_lengths(torch.zeros(5, 2), torch.zeros(5), None)
        5
    """
    parts = {"x": x, "y": y, "sample_weight": sample_weight}
    leaves = [
        pair
        for name, part in parts.items()
        if part is not None
        for pair in named_leaves(part, name)
    ]
    first_name, first = leaves[0]
    for name, leaf in leaves[1:]:
        if len(leaf) != len(first):
            raise DataError(
                f"{prefix}{name}: expected {len(first)} rows as in {first_name}, got "
                f"{len(leaf)}. Give every sample one row in each array."
            )
    return len(first)
