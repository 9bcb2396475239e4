"""Arguments become JSON and come back; only what is registered is ever built."""

import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.errors import ConfigError
from mica.layers import Dense, Layer
from mica.registry import Configurable, decode, encode, register, register_name

VALUES: list[Any] = [
    None,
    True,
    0,
    -3,
    2.5,
    math.inf,
    -math.inf,
    "text",
    [],
    [1, [2, "three"]],
    (1, (2, 3)),
    {"a": 1, "b": {"c": (1,)}},
    {1: "one", (2, 3): "pair"},
    {"$float": "no mark of ours"},
    slice(None),
    slice(1, None, 2),
    (Ellipsis, 0),
    torch.float32,
    torch.bfloat16,
    torch.int64,
    torch.relu,
    torch.nn.functional.gelu,
    torch.Tensor.mean,
]


@pytest.mark.parametrize(
    "value", VALUES, ids=lambda value: repr(value).split(" at ")[0]
)
def test_a_value_survives_json(value):
    text = json.dumps(encode(value), allow_nan=False)
    back = decode(json.loads(text))
    assert back == value
    assert type(back) is type(value)


def test_what_is_not_a_number_survives_json():
    assert math.isnan(decode(json.loads(json.dumps(encode(math.nan)))))


@pytest.mark.parametrize(
    ("scalar", "plain"),
    [(np.float64(0.5), 0.5), (np.int32(3), 3), (torch.tensor(2.0), 2.0)],
    ids=repr,
)
def test_a_scalar_of_a_library_becomes_a_number(scalar, plain):
    assert encode(scalar) == plain


def test_an_ordered_dict_becomes_a_dict():
    assert decode(encode(OrderedDict(a=1))) == {"a": 1}


def test_an_object_is_rebuilt_from_its_arguments():
    layer = decode(json.loads(json.dumps(encode(Dense(3, activation="relu")))))
    assert isinstance(layer, Dense)
    assert layer.config() == {"units": 3, "activation": "relu"}


def test_arguments_left_out_stay_out():
    assert Dense(3).config() == {"units": 3}


def test_a_positional_argument_is_known_by_name():
    assert mica.layers.Conv2D(8, (3, 2)).config() == {
        "filters": 8,
        "kernel_size": {"$tuple": [3, 2]},
    }


class Gathering(Configurable):
    """Takes anything, as a wrapper would."""

    def __init__(self, *parts: Any, scale: float = 1.0, **rest: Any) -> None:
        self.parts, self.scale, self.rest = parts, scale, rest


def test_gathered_arguments_are_kept_apart():
    original = Gathering(1, Dense(2), scale=3.0, other=(4,))
    copy = Gathering.from_config(json.loads(json.dumps(original.config())))
    assert (copy.parts[0], copy.scale, copy.rest) == (1, 3.0, {"other": (4,)})
    assert copy.parts[1].units == 2


@register
class Registered(Layer):
    """A user's layer."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor


@register
def registered(x: torch.Tensor) -> torch.Tensor:
    """A user's function."""
    return x + 1


def test_a_users_own_parts_are_named_custom():
    assert register_name(Registered) == "custom.Registered"
    assert encode(registered) == {"$function": "custom.registered"}
    assert decode(encode(Registered(2.0))).factor == 2.0
    assert decode(encode(registered)) is registered


def test_a_cell_run_twice_defines_the_part_again():
    @register
    def twice(x):
        return x

    first = twice

    @register
    def twice(x):
        return -x

    assert decode(encode(twice)) is twice
    assert first is not twice


def every_configurable(kind: type = Configurable) -> list[type]:
    below = [part for child in kind.__subclasses__() for part in (child,)]
    return [*below, *(deep for child in below for deep in every_configurable(child))]


OWN = sorted(
    {kind for kind in every_configurable() if kind.__module__.startswith("mica.")},
    key=lambda kind: (kind.__module__, kind.__qualname__),
)


def test_no_two_parts_share_a_name():
    names = [register_name(kind) for kind in OWN]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.usefixtures("without_shape_checks")
def test_a_wrong_call_says_what_python_says():
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Dense()


class Unregistered(Layer):
    """A user's layer that no file can name."""


class Other:
    @staticmethod
    def registered(x):
        return x


FAILURES = {
    "an unknown class": (
        lambda: decode({"$object": "os.system", "config": {}}),
        "load: expected a known class, got 'os.system'. Import the code that defines "
        "it and decorate it with @mica.register.",
    ),
    "an unknown function": (
        lambda: decode({"$function": "torch.load"}),
        "load: expected a known function, got 'torch.load'. Import the code that "
        "defines it and decorate it with @mica.register.",
    ),
    "a function that changes its input": (
        lambda: decode({"$function": "torch.Tensor.add_"}),
        "load: expected a known function, got 'torch.Tensor.add_'. Import the code "
        "that defines it and decorate it with @mica.register.",
    ),
    "a name that is no text": (
        lambda: decode({"$object": ["os"], "config": {}}),
        "load: expected a known class, got ['os']. Import the code that defines it "
        "and decorate it with @mica.register.",
    ),
    "an unknown mark": (
        lambda: decode({"$code": "1 + 1"}),
        "load: expected a known mark, got '$code'. Import the code that defines it "
        "and decorate it with @mica.register.",
    ),
    "no config": (
        lambda: decode({"$object": "mica.layers.Dense"}),
        "load: expected a config for mica.layers.Dense, got None. The file was not "
        "written by Mica.",
    ),
    "an unknown type": (
        lambda: decode({"$dtype": "nn"}),
        "load: expected a torch data type, got 'nn'. The file was not written by Mica.",
    ),
    "a damaged value": (
        lambda: decode({"$slice": 3}),
        "load: expected a value written by Mica after '$slice', got {'$slice': 3}. The "
        "file is damaged or was not written by Mica.",
    ),
    "other arguments": (
        lambda: Dense.from_config({"units": 3, "colour": "red"}),
        "Dense.from_config: expected the arguments of Dense, got ['colour', 'units']. "
        "Save the file again with this version of Mica.",
    ),
    "a class that is not registered": (
        lambda: encode(Unregistered()),
        "save: expected a registered class, got Unregistered. Decorate the class with "
        "@mica.register.",
    ),
    "a function that is not registered": (
        lambda: encode(Dense(3, activation=math.sin)),
        "save: expected a registered function, got sin. Write it as a named function "
        "and decorate it with @mica.register.",
    ),
    "a lambda": (
        lambda: Dense(3, activation=lambda x: x).config(),
        "save: expected a registered function, got <lambda>.<locals>.<lambda>. Write "
        "it as a named function and decorate it with @mica.register.",
    ),
    "an object of another library": (
        lambda: encode(object()),
        "save: expected numbers, text, or objects of Mica as arguments, got object. "
        "Give the part plain arguments, or register it.",
    ),
    "a name that is taken": (
        lambda: register(Other.registered),
        "register: expected a name of its own, got 'custom.registered' for "
        "Other.registered and for registered. Rename one of them.",
    ),
    "a class that forgets its arguments": (
        lambda: register(nn.Linear),
        "register: expected a class that remembers its arguments, got Linear. Inherit "
        "from mica.Layer, mica.Model or another class of Mica.",
    ),
}


@pytest.mark.parametrize(("act", "sentence"), FAILURES.values(), ids=FAILURES)
def test_what_cannot_be_stored_or_built_is_said(act, sentence):
    with pytest.raises(ConfigError) as caught:
        act()
    assert str(caught.value) == sentence


def test_nesting_without_end_is_refused():
    deep: Any = 1
    for _ in range(100_000):
        deep = {"$tuple": [deep]}
    with pytest.raises(ConfigError) as caught:
        decode(deep)
    assert str(caught.value) == (
        "load: expected a value written by Mica, got one nested too deeply. The file "
        "is damaged or was not written by Mica."
    )
