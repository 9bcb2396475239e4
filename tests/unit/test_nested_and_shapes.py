"""Nested data keep their form; shapes read as people write them."""

from collections import namedtuple

import numpy as np
import pytest

from mica.errors import ConfigError, near_misses
from mica.nested import flatten, map_nested, pack_like
from mica.shapes import (
    describe,
    each_axis,
    same_padding,
    window_output,
)

Batch = namedtuple("Batch", ["x", "y"])

STRUCTURES = {
    "a leaf": 1,
    "a tuple": (1, 2),
    "a list": [1, [2, 3]],
    "a dict": {"b": 1, "a": (2, {"c": 3})},
    "a named tuple": Batch(1, [2]),
    "nothing": (),
}
every_structure = pytest.mark.parametrize(
    "structure", STRUCTURES.values(), ids=STRUCTURES
)


@every_structure
def test_leaves_go_back_where_they_came_from(structure):
    back = pack_like(structure, flatten(structure))
    assert back == structure
    assert type(back) is type(structure)


@every_structure
def test_every_leaf_is_mapped_once(structure):
    doubled = map_nested(lambda leaf: 2 * leaf, structure)
    assert flatten(doubled) == [2 * leaf for leaf in flatten(structure)]


def test_leaves_come_in_the_order_of_the_dict():
    assert flatten({"b": 1, "a": [2, {"c": 3}]}) == [1, 2, 3]


def test_several_structures_are_mapped_together():
    added = map_nested(
        lambda a, b, c: a + b + c, {"a": (1, 2)}, {"a": (3, 4)}, {"a": [5, 6]}
    )
    assert added == {"a": (9, 12)}


def test_entries_of_dicts_are_matched_by_key():
    pairs = map_nested(lambda a, b: (a, b), {"a": 1, "b": 2}, {"b": 20, "a": 10})
    assert pairs == {"a": (1, 10), "b": (2, 20)}


def test_too_few_leaves_are_noticed():
    with pytest.raises((StopIteration, RuntimeError)):
        pack_like((1, 2), [1])


def test_a_shape_reads_as_a_tuple():
    assert describe([None, 28, 28, 1]) == "(None, 28, 28, 1)"
    assert describe((3,)) == "(3,)"


@pytest.mark.parametrize(
    ("value", "sizes"),
    [(3, (3, 3)), ((2, 3), (2, 3)), ([1, 2], (1, 2)), (np.int64(4), (4, 4))],
    ids=repr,
)
def test_a_size_counts_for_both_directions(value, sizes):
    assert each_axis(value, 2, "Conv2D", "kernel_size") == sizes
    assert all(
        type(size) is int for size in each_axis(value, 2, "Conv2D", "kernel_size")
    )


@pytest.mark.parametrize(
    "value",
    [0, -1, True, 2.0, None, "33", (1, 2, 3), (1,), (0, 1), (1.5, 2), [True, 1]],
)
def test_anything_else_is_no_size(value):
    with pytest.raises(ConfigError) as caught:
        each_axis(value, 2, "Conv2D", "strides")
    assert str(caught.value) == (
        "Conv2D: expected strides to be a positive integer or two of them, got "
        f"{value!r}. Write strides=3 or strides=(3, 3)."
    )


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ((28, 3, 1, 1, "valid"), 26),
        ((28, 3, 2, 1, "valid"), 13),
        ((28, 3, 1, 2, "valid"), 24),
        ((28, 3, 2, 1, "same"), 14),
        ((7, 2, 3, 1, "same"), 3),
        ((2, 3, 1, 1, "valid"), 0),
        ((None, 3, 1, 1, "same"), None),
    ],
    ids=str,
)
def test_positions_of_a_window_are_counted(arguments, count):
    assert window_output(*arguments) == count


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("window", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_gives_the_promised_positions(size, window, stride, dilation):
    before, after = same_padding(size, window, stride, dilation)
    padded = size + before + after
    assert after - before in (0, 1)
    assert window_output(padded, window, stride, dilation, "valid") == window_output(
        size, window, stride, dilation, "same"
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("rleu", "Did you mean 'relu'?"),
        ("elu", "Did you mean 'relu' or 'gelu'?"),
        ("ta", "Did you mean 'tanh'?"),
        ("xyz", "Choose from: gelu, relu, tanh."),
    ],
)
def test_a_slip_of_the_pen_is_corrected(name, advice):
    assert near_misses(name, ["tanh", "relu", "gelu"]) == advice
