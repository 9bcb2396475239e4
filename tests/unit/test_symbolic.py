"""Symbolic tensors infer shapes, record what is done to them, and hold no values."""

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.errors import ConfigError, MicaError, ShapeError, StateError
from mica.layers import Dense, Input, Layer, SymbolicTensor
from mica.layers.symbolic import holds_symbolic, record


def test_an_input_has_a_shape_a_type_and_no_batch_size():
    x = Input((28, 28, 1))
    assert (x.shape, x.dtype, x.ndim) == ((None, 28, 28, 1), torch.float32, 4)


def test_an_input_may_vary_have_a_type_a_batch_and_a_name():
    x = Input((None, 3), dtype=torch.int64, batch_size=8, name="tokens")
    assert (x.shape, x.dtype, x.name) == ((8, None, 3), torch.int64, "tokens")
    assert repr(x) == (
        "SymbolicTensor(shape=(8, None, 3), dtype=torch.int64, name='tokens')"
    )


def test_a_scalar_per_sample_is_an_input():
    assert Input(()).shape == (None,)


@pytest.mark.usefixtures("without_shape_checks")
def test_a_number_is_a_shape_of_one_axis():
    assert Input(5).shape == (None, 5)


@pytest.mark.parametrize("shape", [(0,), (-1, 2), (2.5,), ("3",), (True,), "ab"])
@pytest.mark.usefixtures("without_shape_checks")
def test_anything_else_is_no_input(shape):
    with pytest.raises(ConfigError) as caught:
        Input(shape)
    assert str(caught.value) == (
        f"Input: expected a tuple of positive integers and None, got {shape!r}. Write "
        "the shape of one sample without the batch, e.g. Input((28, 28, 1))."
    )


@pytest.mark.usefixtures("without_shape_checks")
def test_a_size_may_come_from_numpy():
    assert Input((np.int64(4), None)).shape == (None, 4, None)


@pytest.mark.parametrize("dtype", ["int64", torch.int64])
def test_a_type_may_be_given_by_its_name(dtype):
    assert Input((4,), dtype=dtype).dtype == torch.int64


@pytest.mark.parametrize("dtype", ["nonsense", "zeros", 64])
@pytest.mark.usefixtures("without_shape_checks")
def test_an_unknown_type_is_no_input(dtype):
    with pytest.raises(ConfigError) as caught:
        Input((4,), dtype=dtype)
    assert str(caught.value) == (
        f"Input: expected a dtype of torch or its name, got {dtype!r}. Write for "
        "example dtype='int64'."
    )


@pytest.mark.usefixtures("without_shape_checks")
def test_no_shape_is_no_input():
    with pytest.raises(ConfigError, match=r"^Input: expected a tuple .*, got None\."):
        Input(None)


IMAGE = (None, 28, 28, 3)
OPERATIONS = {
    "+": (lambda x: x + 1, IMAGE),
    "+ from the right": (lambda x: 1 + x, IMAGE),
    "-": (lambda x: 1 - x, IMAGE),
    "* itself": (lambda x: x * x, IMAGE),
    "/": (lambda x: 2 / x, IMAGE),
    "//": (lambda x: x // 2, IMAGE),
    "%": (lambda x: x % 2, IMAGE),
    "**": (lambda x: 2**x, IMAGE),
    "neg": (lambda x: -x, IMAGE),
    "abs": (lambda x: abs(x), IMAGE),
    "@": (lambda x: x @ torch.ones(3, 5), (None, 28, 28, 5)),
    "@ from the right": (lambda x: torch.ones(4, 28) @ x, (None, 28, 4, 3)),
    "an index": (lambda x: x[:, 0], (None, 28, 3)),
    "a slice": (lambda x: x[..., ::2], (None, 28, 28, 2)),
    "a new axis": (lambda x: x[:, None], (None, 1, 28, 28, 3)),
    "a comparison": (lambda x: x > 0, IMAGE),
    "equality": (lambda x: x == 0, IMAGE),
    "logic": (lambda x: ~((x > 0) & (x < 1)), IMAGE),
    "a torch function": (lambda x: torch.relu(x), IMAGE),
    "a function of several": (lambda x: torch.cat([x, x], dim=-1), (None, 28, 28, 6)),
    "a stack": (lambda x: torch.stack([x, x], dim=1), (None, 2, 28, 28, 3)),
    "a method": (lambda x: x.mean(dim=(1, 2)), (None, 3)),
    "a method with names": (lambda x: x.sum(-1, keepdim=True), (None, 28, 28, 1)),
    "flatten": (lambda x: x.flatten(1), (None, 2352)),
    "unflatten": (lambda x: x.unflatten(1, (14, 2)), (None, 14, 2, 28, 3)),
    "permute": (lambda x: x.permute(0, 3, 1, 2), (None, 3, 28, 28)),
    "mT": (lambda x: x.mT, (None, 28, 3, 28)),
    "T": (lambda x: x[:, 0, 0].T, (3, None)),
    "max": (lambda x: x.max(dim=-1).values, (None, 28, 28)),
    "a cast": (lambda x: x.long(), IMAGE),
    "functional": (lambda x: nn.functional.pad(x, (0, 0, 1, 2)), (None, 28, 31, 3)),
}


@pytest.mark.parametrize(("operation", "shape"), OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_recorded_with_its_shape(operation, shape):
    y = operation(Input((28, 28, 3)))
    assert isinstance(y, SymbolicTensor)
    assert y.shape == shape
    assert y.node is not None


@pytest.mark.parametrize(("operation", "shape"), OPERATIONS.values(), ids=OPERATIONS)
def test_the_recorded_shape_is_the_real_one(operation, shape):
    real = operation(torch.rand(5, 28, 28, 3)).shape
    assert real == tuple(5 if size is None else size for size in shape)


def test_a_torch_module_is_recorded():
    assert record(nn.Linear(3, 7), (Input((3,)),), {}).shape == (None, 7)


def test_a_free_size_takes_what_is_left():
    assert Input((4, 6)).reshape(-1, 8).shape == (None, 8)


def test_a_graph_of_operations_computes_what_eager_code_computes():
    x = Input((4,))
    y = torch.cat([2 * x + 1, x.exp()], dim=-1).mean(dim=-1)
    values = torch.randn(3, 4)
    expected = torch.cat([2 * values + 1, values.exp()], dim=-1).mean(dim=-1)
    assert torch.equal(mica.Model(x, y)(values), expected)


def test_types_are_inferred_too():
    assert (Input((3,)) > 0).dtype == torch.bool
    assert Input((3,), dtype=torch.float64).long().dtype == torch.int64


def test_several_outputs_keep_their_form():
    left, right = torch.chunk(Input((6,)), 2, dim=1)
    assert (left.shape, right.shape) == ((None, 3), (None, 3))


def test_a_node_knows_its_inputs():
    x, y = Input((3,)), Input((3,))
    assert [id(part) for part in (x + y).node.inputs] == [id(x), id(y)]


def test_sizes_are_asked_for_as_in_torch():
    x = Input((4, 5))
    assert (x.size(), x.size(1), x.size(0), x.dim()) == ((None, 4, 5), 4, None, 3)


def test_a_known_first_axis_can_be_walked_along():
    rows = Input((4,), batch_size=3)
    assert len(rows) == 3
    assert [row.shape for row in rows] == [(4,)] * 3


def test_symbolic_tensors_are_found_in_nests():
    x = Input((2,))
    assert holds_symbolic({"a": [1, (x,)]})
    assert not holds_symbolic({"a": [1, (torch.ones(1),)]})


def test_a_symbolic_tensor_has_only_what_a_tensor_has():
    with pytest.raises(
        AttributeError, match=r"^a symbolic tensor has no attribute 'hat'$"
    ):
        _ = Input((2,)).hat


def test_a_layer_may_be_called_with_symbolic_keywords():
    class Joining(Layer):
        def forward(self, x, other=None):
            return x + other

    x = Input((2,))
    assert Joining()(x, other=x).shape == (None, 2)


def test_real_and_symbolic_tensors_combine():
    assert (Input((3,)) + torch.ones(3)).shape == (None, 3)


def test_inferring_leaves_weights_and_modes_alone():
    layer = mica.layers.BatchNormalization()
    layer(Input((3,)))
    assert layer.training
    assert torch.equal(layer.running_mean, torch.zeros(3))


def test_a_built_layer_gives_shapes_for_meta_tensors():
    layer = Dense(3)
    layer(torch.zeros(2, 5))
    y = layer(torch.empty(7, 5, device="meta"))
    assert (y.shape, y.is_meta) == ((7, 3), True)


FAILURES = {
    "a decision": (
        lambda x: bool(x > 0),
        StateError,
        "symbolic tensor: expected a value to decide on, got only a shape (None, 3). "
        "Write the condition inside a layer's forward, or use torch.where.",
    ),
    "a length": (
        len,
        StateError,
        "symbolic tensor: expected a known first size, got None in shape (None, 3). "
        "Write the code inside a layer's forward.",
    ),
    "a walk": (
        list,
        StateError,
        "symbolic tensor: expected a known first size, got None in shape (None, 3). "
        "Write the code inside a layer's forward.",
    ),
    "NumPy": (
        np.asarray,
        StateError,
        "symbolic tensor: expected a value for NumPy, got only a shape (None, 3). Use "
        "torch functions on symbolic tensors, or put the NumPy code inside a layer's "
        "forward.",
    ),
    "shapes that do not fit": (
        lambda x: x + Input((4,)),
        ShapeError,
        "add: expected inputs it can combine, got (None, 3), (None, 4). Attempting to "
        "broadcast a dimension of length 4 at -1! Mismatching argument at index 1 had "
        "torch.Size([None, 4]); but expected shape should be broadcastable to [None, "
        "3].",
    ),
    "an index that is not there": (
        lambda x: x[:, 7],
        ShapeError,
        "getitem: expected inputs it can combine, got (None, 3). index 7 is out of "
        "bounds for dimension 1 with size 3.",
    ),
}


@pytest.mark.parametrize(("act", "kind", "sentence"), FAILURES.values(), ids=FAILURES)
def test_what_needs_values_or_cannot_fit_is_said(act, kind, sentence):
    with pytest.raises(MicaError) as caught:
        act(Input((3,)))
    assert type(caught.value) is kind
    assert str(caught.value) == sentence
