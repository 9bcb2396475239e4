"""What a file may name: constructor arguments as JSON, and the classes they rebuild."""

import functools
import inspect
import math
import operator
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar

import torch

from mica.errors import ArgumentError, ConfigError, near_misses

__all__ = ["Configurable", "decode", "encode", "register", "register_name"]

Registered = TypeVar("Registered", bound=Callable[..., Any])

_CLASSES: dict[str, type["Configurable"]] = {}
_FUNCTIONS: dict[str, Callable[..., Any]] = {}
_OPERATORS = (
    "abs add and_ eq floordiv ge getitem gt invert le lt matmul mod mul ne neg or_ "
    "pow sub truediv xor"
).split()
# Names of torch functions that change their input, leave torch or hold no tensor.
_REFUSED = frozenset(
    "apply backward data_ptr item numpy register_hook retain_grad storage tofile "
    "tolist untyped_storage map set share_memory to_dlpack from_file".split()
)


def register_name(kind: type | Callable[..., Any]) -> str:
    """Name a class or function as it stands in a file.

    Args:
        kind: A class or function.

    Returns:
        `mica.layers.Dense` for a part of Mica, `custom.Name` for the user's own.

    Example:
        >>> import mica
        >>> register_name(mica.layers.Dense)
        'mica.layers.Dense'
    """
    # A method of torch.Tensor has no module.
    module = (getattr(kind, "__module__", None) or "torch").split(".")
    if module[0] == "mica":
        return ".".join([*module[:2], kind.__qualname__])
    return f"custom.{kind.__name__}"


@functools.lru_cache(maxsize=512)
def _signature(kind: type) -> inspect.Signature:
    return inspect.signature(kind.__init__)


def _check_names(cls: type["Configurable"], kwargs: dict[str, Any]) -> None:
    """Refuse an argument of another name, with the name it has here."""
    known = list(_signature(cls).parameters)[1:]
    for name, value in kwargs.items():
        if name in known:
            continue
        shown = reprlib.repr(value)
        advice = cls.words_of_others.get(name)
        if advice is None:
            advice = near_misses(name, known)
        elif advice in known:
            advice = f"Write {advice}={shown}."
        raise ArgumentError(
            f"{cls.__name__}: expected no argument {name!r}, got {shown}. {advice}"
        )


def _check_positions(cls: type["Configurable"], args: tuple[Any, ...]) -> None:
    """Refuse more arguments by position than there are."""
    parameters = list(_signature(cls).parameters.values())[1:]
    kinds = inspect.Parameter
    by_position = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    ]
    count = len(by_position)
    if len(args) <= count:
        return
    by_name = [part.name for part in parameters if part.kind is kinds.KEYWORD_ONLY]
    advice = "Leave it out."
    if by_name:
        shown = f"{by_name[0]}={reprlib.repr(args[count])}"
        advice = f"Give the others by name, e.g. {shown}."
    expected = "no argument without a name"
    if count:
        plural = "argument" if count == 1 else "arguments"
        names = ", ".join(by_position)
        expected = f"at most {count} {plural} without a name ({names})"
    raise ArgumentError(
        f"{cls.__name__}: expected {expected}, got {len(args)}. {advice}"
    )


def _check_call(
    cls: type["Configurable"], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Say what is wrong with a call; Python says it well when an argument is missing.

    NOTE: copying and unpickling call `__new__` without arguments, and mean it.
    """
    kinds = {parameter.kind for parameter in _signature(cls).parameters.values()}
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        _check_names(cls, kwargs)
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return
    _check_positions(cls, args)
    twice = list(_signature(cls).parameters)[1 : 1 + len(args)]
    for name in twice:
        if name in kwargs:
            raise ArgumentError(
                f"{cls.__name__}: expected each argument once, got {name} twice. "
                "Leave one out."
            )


class Configurable:
    """An object that remembers the arguments it was made with.

    `Class.from_config(instance.config())` makes an equal object. Parts of Mica are
    known by being defined; your own classes need `@mica.register` before a file can
    rebuild them.

    Example:
        >>> import mica
        >>> config = mica.layers.Dense(3, use_bias=False).config()
        >>> config
        {'units': 3, 'use_bias': False}
        >>> mica.layers.Dense.from_config(config).units
        3
    """

    _arguments: dict[str, Any]
    # What other libraries call an argument, and its name here, or what to do.
    words_of_others: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.split(".")[0] == "mica":
            _CLASSES[register_name(cls)] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the object and note its arguments; `__init__` runs as ever.

        Raises:
            ArgumentError: An argument of another name, or one too many.
        """
        instance = super().__new__(cls)
        try:
            bound = _signature(cls).bind(instance, *args, **kwargs)
        except TypeError:
            _check_call(cls, args, kwargs)
            return instance  # __init__ is about to say what is missing
        arguments = dict(list(bound.arguments.items())[1:])
        instance.__dict__["_arguments"] = arguments
        return instance

    def __repr__(self) -> str:
        """Show the class and the arguments it was made with."""
        arguments = self.__dict__.get("_arguments", {})
        shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return f"{type(self).__name__}({shown})"

    def config(self) -> dict[str, Any]:
        """Give the constructor's arguments as JSON values.

        Returns:
            Argument names and encoded values; arguments left out stay out.

        Raises:
            ConfigError: An argument is an object that a file cannot hold.
        """
        config: dict[str, Any] = {}
        for name, value in self.__dict__["_arguments"].items():
            parameter = _signature(type(self)).parameters[name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                config.update({key: encode(item) for key, item in value.items()})
            else:
                config[name] = encode(value)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the object that `config` describes.

        Args:
            config: What `config()` gave.

        Returns:
            A new object.

        Raises:
            ConfigError: The arguments do not fit the class.
        """
        arguments = {name: decode(value) for name, value in config.items()}
        positional: list[Any] = []
        for name, parameter in _signature(cls).parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL and name in arguments:
                positional = list(arguments.pop(name))
        try:
            return cls(*positional, **arguments)
        except TypeError as error:
            raise ConfigError(
                f"{cls.__name__}.from_config: expected the arguments of "
                f"{cls.__name__}, got {sorted(config)}. Save the file again with this "
                "version of Mica."
            ) from error


def register(given: Registered) -> Registered:
    """Let files name your class or function, so that `mica.load` can rebuild it.

    Args:
        given: A Layer, Model, Loss, Metric or Optimizer class of yours, or a function.

    Returns:
        The same class or function: use it as a decorator.

    Raises:
        ConfigError: Another class or function has that name already.

    Example:
        >>> import mica
        >>> @mica.register
        ... def cube(x):
        ...     return x**3
        >>> config = mica.layers.Dense(2, activation=cube).config()
        >>> mica.layers.Dense.from_config(config).activation is cube
        True
    """
    kind: Any = given
    name = register_name(kind)
    table: dict[str, Any] = _CLASSES if isinstance(kind, type) else _FUNCTIONS
    known = table.get(name)
    # A notebook cell run twice defines the same thing again: the newer one counts.
    if known is not None and known.__qualname__ != kind.__qualname__:
        raise ConfigError(
            f"register: expected a name of its own, got {name!r} for "
            f"{kind.__qualname__} and for {known.__qualname__}. Rename one of them."
        )
    if inspect.isclass(kind) and not issubclass(kind, Configurable):
        raise ConfigError(
            f"register: expected a class that remembers its arguments, got "
            f"{kind.__name__}. Inherit from mica.Layer, mica.Model or another class "
            "of Mica."
        )
    table[name] = kind
    return given


@functools.lru_cache(maxsize=1)
def _torch_functions() -> dict[str, Callable[..., Any]]:
    """Every torch function that a graph may hold: pure, from tensors to tensors."""
    table: dict[str, Callable[..., Any]] = {}
    for functions in torch.overrides.get_overridable_functions().values():
        for function in functions:
            name = torch.overrides.resolve_name(function) or ""
            last = name.rpartition(".")[2]
            # No trailing underscore: that is torch's mark of a change in place.
            pure = re.fullmatch(r"[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?", last)
            if pure and last not in _REFUSED and ".__" not in name:
                table[name] = function
    table.update({f"operator.{name}": getattr(operator, name) for name in _OPERATORS})
    return table


def _function_name(function: Callable[..., Any]) -> str:
    name = register_name(function) if hasattr(function, "__qualname__") else ""
    if _FUNCTIONS.get(name) is function:
        return name
    for torch_name, known in _torch_functions().items():
        if known is function:
            return torch_name
    shown = getattr(function, "__qualname__", repr(function))
    raise ConfigError(
        f"save: expected a registered function, got {shown}. Write it as a named "
        "function and decorate it with @mica.register."
    )


def _encode_float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _encode_dict(value: dict[Any, Any]) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: encode(item) for key, item in value.items()}
    return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}


def encode(value: Any) -> Any:
    """Write a value as JSON can hold it.

    Args:
        value: None, booleans, numbers, text, lists, tuples, dicts, slices, `...`,
            torch data types, objects of Mica, registered functions, torch functions.

    Returns:
        The JSON value; what JSON lacks becomes a dict with one key that starts
        with `$`.

    Raises:
        ConfigError: The value is of none of these kinds.

    Example:
        >>> encode((1, float("inf"), slice(None, 3)))
        {'$tuple': [1, {'$float': 'inf'}, {'$slice': [None, 3, None]}]}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return _encode_float(value)
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return _encode_dict(value)
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return {"$slice": [encode(part) for part in parts]}
    if value is Ellipsis:
        return {"$ellipsis": True}
    if isinstance(value, torch.dtype):
        return {"$dtype": str(value).removeprefix("torch.")}
    if isinstance(value, Configurable):
        name = register_name(type(value))
        if _CLASSES.get(name) is not type(value):
            raise ConfigError(
                f"save: expected a registered class, got {type(value).__name__}. "
                "Decorate the class with @mica.register."
            )
        return {"$object": name, "config": value.config()}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return encode(value.item())  # a NumPy scalar
    if isinstance(value, torch.nn.Module):
        raise ConfigError(
            f"save: expected layers that remember their arguments, got torch's "
            f"{type(value).__name__}. Write a mica.Layer that makes it in __init__, or "
            "keep the weights alone: mica.training.save_weights(model, path)."
        )
    if callable(value) and not isinstance(value, type):
        return {"$function": _function_name(value)}
    raise ConfigError(
        f"save: expected numbers, text, or objects of Mica as arguments, got "
        f"{type(value).__name__}. Give the part plain arguments, or register it."
    )


def _known(table: dict[str, Any], name: Any, kind: str) -> Any:
    if not isinstance(name, str) or name not in table:
        raise ConfigError(
            f"load: expected a known {kind}, got {name!r}. Import the code that "
            f"defines it and decorate it with @mica.register."
        )
    return table[name]


def _decode_object(value: dict[str, Any]) -> Any:
    cls = _known(_CLASSES, value["$object"], "class")
    config = value.get("config")
    if not isinstance(config, dict):
        raise ConfigError(
            f"load: expected a config for {value['$object']}, got {config!r}. The file "
            "was not written by Mica."
        )
    return cls.from_config(config)


def _decode_function(value: dict[str, Any]) -> Any:
    name = value["$function"]
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    return _known(_torch_functions(), name, "function")


def _decode_dtype(value: dict[str, Any]) -> torch.dtype:
    dtype = getattr(torch, str(value["$dtype"]), None)
    if not isinstance(dtype, torch.dtype):
        raise ConfigError(
            f"load: expected a torch data type, got {value['$dtype']!r}. The file was "
            "not written by Mica."
        )
    return dtype


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "$tuple": lambda value: tuple(_decode(item) for item in value["$tuple"]),
    "$float": lambda value: float(value["$float"]),
    "$slice": lambda value: slice(*(_decode(part) for part in value["$slice"])),
    "$ellipsis": lambda _: Ellipsis,
    "$dict": lambda value: {
        _decode(key): _decode(item) for key, item in value["$dict"]
    },
    "$dtype": _decode_dtype,
    "$object": _decode_object,
    "$function": _decode_function,
}


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    marks = [key for key in value if key.startswith("$")]
    if not marks:
        return {key: _decode(item) for key, item in value.items()}
    decoder = _known(_DECODERS, marks[0], "mark")
    try:
        return decoder(value)
    except (TypeError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"load: expected a value written by Mica after {marks[0]!r}, got "
            f"{str(value)[:80]}. The file is damaged or was not written by Mica."
        ) from error


def decode(value: Any) -> Any:
    """Read a value that `encode` wrote; only registered classes are ever built.

    Args:
        value: A JSON value.

    Returns:
        The value `encode` was given.

    Raises:
        ConfigError: A class or function that is not registered, a mark that `encode`
            does not write, or nesting without end.

    Example:
        >>> decode(encode((1, float("inf"), slice(None, 3))))
        (1, inf, slice(None, 3, None))
    """
    try:
        return _decode(value)
    except RecursionError as error:
        raise ConfigError(
            "load: expected a value written by Mica, got one nested too deeply. The "
            "file is damaged or was not written by Mica."
        ) from error
