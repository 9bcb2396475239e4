"""What every layer promises, swept over the table in `layer_cases`."""

import copy
import inspect
import json
import pickle
import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mica import Model, layers, load
from mica.errors import ShapeError
from mica.layers import Input, Layer
from mica.nested import flatten, map_nested
from tests.contract.layer_cases import (
    LAYERS,
    Constant,
    Derived,
    LayerCase,
    Normal,
    Orthogonal,
    Uniform,
)
from tests.tolerances import assert_close

EXPORTED = [
    kind
    # A class that Keras calls by two names is judged once.
    for kind in dict.fromkeys(map(layers.__dict__.get, layers.__all__))
    if inspect.isclass(kind) and issubclass(kind, Layer) and kind is not Layer
    # A cell takes one step and a state: it is judged inside of RNN; a Wrapper is
    # abstract: what it promises is judged in those that wrap.
    if not issubclass(kind, layers.RecurrentCell) and kind is not layers.Wrapper
]
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)


def rows(unless: str = "") -> pytest.MarkDecorator:
    """The rows of the table, but for those that give a reason in the field `unless`."""
    kept = {
        name: case
        for name, case in LAYERS.items()
        if not unless or not getattr(case, unless)
    }
    return pytest.mark.parametrize("case", kept.values(), ids=kept)


def first_rows_of_each_class(unless: str) -> pytest.MarkDecorator:
    """One row for each class: compiling takes a while."""
    kept: dict[type, str] = {}
    for name, case in LAYERS.items():
        if not getattr(case, unless):
            kept.setdefault(type(case.make()), name)
    names = list(kept.values())
    return pytest.mark.parametrize("case", [LAYERS[name] for name in names], ids=names)


every_class = pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: kind.__name__)


def run(layer: Layer, x: Any) -> Any:
    """The output, nested as it is, from the same random state each time."""
    torch.manual_seed(1)
    return layer(x)


def leaves(value: Any) -> list[Tensor]:
    """The tensors of an input or an output, in order; a layer may give none."""
    return [leaf for leaf in flatten(value) if leaf is not None]


def equal(one: Any, other: Any) -> bool:
    """The same tensors to the bit."""
    pairs = zip(leaves(one), leaves(other), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def close(one: Any, other: Any) -> None:
    """The same tensors but for the order of additions."""
    for left, right in zip(leaves(one), leaves(other), strict=True):
        assert_close(left, right, "reordered")


def inputs(case: LayerCase, batch_size: int | None = None) -> Any:
    """Symbolic inputs for a case."""
    kind = leaves(case.batch(1))[0].dtype
    dtype = None if kind.is_floating_point else kind
    if isinstance(case.sample, list):
        shapes = case.sample
        return [Input(shape, dtype=dtype, batch_size=batch_size) for shape in shapes]
    return Input(case.sample, dtype=dtype, batch_size=batch_size)


def built(case: LayerCase, dtype: torch.dtype = torch.float32) -> Layer:
    x = case.batch(dtype=dtype)
    torch.manual_seed(2)
    layer = case.make()
    layer.ensure_built(x)
    return layer


def fits(shape: tuple[int | None, ...], real: torch.Size) -> bool:
    return len(shape) == len(real) and all(
        size in (None, actual) for size, actual in zip(shape, real, strict=True)
    )


@every_class
def test_every_exported_layer_has_a_case(kind):
    assert kind in {type(case.make()) for case in LAYERS.values()}


@every_layer
@pytest.mark.parametrize("varying", [6, 9])
def test_inferred_shapes_are_the_real_ones(case, varying):
    inferred = leaves(case.make()(inputs(case)))
    real = leaves(case.make()(case.batch(2, varying=varying)))
    for symbol, tensor in zip(inferred, real, strict=True):
        assert symbol.shape[0] is None
        assert fits(symbol.shape, tensor.shape)


def map_shapes(case: LayerCase) -> Any:
    """The shape, or the list of shapes, of one real sample."""
    x = case.batch(2)
    if isinstance(x, list):
        return [tuple(tensor.shape[1:]) for tensor in x]
    return tuple(x.shape[1:])


@every_layer
def test_a_known_shape_is_inferred_without_gaps(case):
    known = replace(case, sample=map_shapes(case))
    symbolic = leaves(known.make()(inputs(known, batch_size=2)))
    real = leaves(case.make()(case.batch(2)))
    shapes = [tuple(tensor.shape) for tensor in real]
    assert [symbol.shape for symbol in symbolic] == shapes


@every_layer
def test_a_layer_built_from_a_shape_is_the_one_built_from_data(case):
    symbolic, entrance = case.make(), inputs(case)
    torch.manual_seed(2)
    symbolic(entrance)
    eager, x = built(case), case.batch()
    assert equal(run(symbolic, x), run(eager, x))


@rows(unless="no_gradient_because")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_output_has_the_type_of_the_input(case, dtype):
    layer, x = built(case, dtype), case.batch(dtype=dtype)
    assert {y.dtype for y in leaves(run(layer, x))} == {dtype}
    assert all(
        weight.dtype in (dtype, torch.float32) for weight in layer.state_dict().values()
    )


@rows(unless="no_gradient_because")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_gradient_reaches_the_input_and_every_weight(case, dtype):
    layer, x = built(case, dtype), case.batch(dtype=dtype)
    for weight in layer.parameters():  # a zero would hide the gradient of another
        weight.data = torch.where(weight == 0, 0.1, weight)
    for tensor in leaves(x):
        tensor.requires_grad_()
    total = sum((y * torch.randn_like(y)).sum() for y in leaves(run(layer, x)))
    total.backward()
    tensors = [*leaves(x), *layer.parameters()]
    gradients = [tensor.grad for tensor in tensors if tensor.requires_grad]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients)


@rows(unless="no_gradient_because")
def test_large_inputs_give_finite_outputs(case):
    large = map_nested(lambda tensor: 1e4 * tensor, case.batch())
    assert all(torch.isfinite(y).all() for y in leaves(run(built(case), large)))


@every_layer
def test_the_input_is_left_as_it_was(case):
    layer, x = built(case), case.batch()
    before = copy.deepcopy(x)
    run(layer, x)
    assert equal(x, before)


@every_layer
def test_the_output_is_contiguous(case):
    assert all(y.is_contiguous() for y in leaves(run(built(case), case.batch())))


@every_layer
def test_strides_of_the_input_do_not_matter(case):
    layer, x = built(case).eval(), case.batch()

    def with_other_strides(tensor: Tensor) -> Tensor:
        backwards = tuple(range(tensor.ndim))[::-1]
        return tensor.permute(backwards).contiguous().permute(backwards)

    close(run(layer, map_nested(with_other_strides, x)), run(layer, x))


@rows(unless="no_empty_batch_because")
def test_an_empty_batch_gives_an_empty_output(case):
    layer = built(case)
    empty, two = (leaves(run(layer, case.batch(size))) for size in (0, 2))
    assert [y.shape for y in empty] == [(0, *y.shape[1:]) for y in two]
    assert all(torch.isfinite(value).all() for value in layer.state_dict().values())


@every_layer
def test_a_config_in_json_makes_the_same_layer(case):
    layer, x = built(case), case.batch()
    config = json.loads(json.dumps(layer.config()))
    other = type(layer).from_config(config)
    assert other.config() == layer.config()
    other.ensure_built(x)
    other.load_state_dict(layer.state_dict())
    assert equal(run(other, x), run(layer, x))


@every_layer
def test_a_graph_of_the_layer_computes_what_the_layer_computes(case):
    layer, x = built(case).eval(), case.batch()
    entrance = inputs(case)
    model = Model(entrance, layer(entrance)).eval()
    assert equal(run(model, x), run(layer, x))


@every_layer
def test_a_model_file_gives_the_same_layer_to_the_bit(case, tmp_path):
    layer, x = built(case), case.batch()
    run(layer, x)  # moves statistics away from their first values
    entrance = inputs(case)
    model = Model(entrance, layer(entrance)).eval()
    loaded = load(model.save(tmp_path / "layer.mica")).eval()
    again = loaded.get_layer(index=-1)
    assert type(again) is type(layer)
    assert again.config() == layer.config()
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(
        torch.equal(value, model.state_dict()[name])
        for name, value in loaded.state_dict().items()
    )
    assert equal(run(loaded, x), run(model, x))


@every_layer
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_gives_the_same_output_and_shares_nothing(case, copied):
    layer, x = built(case), case.batch()
    other = copied(layer)
    assert equal(run(other, x), run(layer, x))
    assert other.config() == layer.config()
    pointers = {weight.data_ptr() for weight in layer.state_dict().values()}
    assert pointers.isdisjoint(
        weight.data_ptr() for weight in other.state_dict().values()
    )


@every_layer
def test_evaluation_equals_training_unless_stated(case):
    layer, x = built(case), case.batch()
    trained = run(layer.train(), x)
    assert equal(run(layer.eval(), x), trained) is not case.differs_in_training


@every_layer
def test_evaluation_changes_no_state(case):
    layer = built(case).eval()
    before = copy.deepcopy(layer.state_dict())
    run(layer, case.batch())
    assert all(
        torch.equal(value, before[key]) for key, value in layer.state_dict().items()
    )


@every_layer
def test_a_layer_works_inside_a_sequence_of_torch(case):
    layer, x = built(case), case.batch()
    sequence = nn.Sequential(copy.deepcopy(layer), nn.Identity())
    assert equal(run(sequence, x), run(layer, x))


@first_rows_of_each_class(unless="no_compilation_because")
@pytest.mark.usefixtures("without_shape_checks")
def test_a_compiled_layer_is_one_graph_and_gives_the_same(case):
    torch._dynamo.reset()
    layer, x = built(case).eval(), case.batch()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    close(compiled(x), layer(x))


@first_rows_of_each_class(unless="no_compilation_because")
@pytest.mark.usefixtures("without_shape_checks")
def test_a_compiled_layer_trains_the_same(case):
    torch._dynamo.reset()
    layer, x = built(case), case.batch()
    other = copy.deepcopy(layer)
    compiled = torch.compile(other, fullgraph=True, backend="aot_eager")
    torch.manual_seed(1)
    y = compiled(x)
    close(y, run(layer, x))
    for key, value in layer.state_dict().items():
        assert_close(other.state_dict()[key], value, "reordered")


@every_layer
def test_a_frozen_layer_learns_nothing(case):
    layer = case.make()
    layer.trainable = False
    layer(case.batch())
    assert not any(weight.requires_grad for weight in layer.parameters())


@every_layer
def test_all_numbers_are_counted(case):
    layer = built(case)
    assert layer.count_parameters() == sum(
        value.numel() for value in layer.state_dict().values()
    )


@every_layer
def test_any_number_of_axes_may_lead_unless_stated(case):
    layer, x = built(case).eval(), case.batch(6)
    expected = leaves(run(layer, x))
    grouped = map_nested(lambda one: one.reshape(3, 2, *one.shape[1:]), x)
    if case.takes_any_leading_axes:
        for found, value in zip(leaves(run(layer, grouped)), expected, strict=True):
            assert found.shape[:2] == (3, 2)
            assert_close(found.reshape(value.shape), value, "reordered")
    elif case.takes_more_places:
        assert [len(y) for y in leaves(run(layer, grouped))] == [3] * len(expected)
    else:
        with pytest.raises(ShapeError, match="expected"):
            run(layer, grouped)


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in LAYERS.values() for name in case.first_values],
    ids=[f"{key}-{name}" for key, case in LAYERS.items() for name in case.first_values],
)
def test_first_values_are_spread_as_documented(case, name):
    values = built(case).state_dict()[name]
    expected = case.first_values[name]
    if isinstance(expected, Derived):
        assert torch.isfinite(values).all()
        return
    if isinstance(expected, Constant):
        constant = torch.as_tensor(expected.value, dtype=values.dtype)
        if constant.ndim == 1:
            constant = constant.reshape(-1, *[1] * (values.ndim - 1))
        assert_close(values, constant.expand_as(values))
        return
    if isinstance(expected, Orthogonal):
        rows = values.double().flatten(1)
        small = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
        assert_close(
            small, expected.gain**2 * torch.eye(len(small)).double(), "rounded once"
        )
        return
    if isinstance(expected, Normal):
        scaled = values.double() / expected.deviation
        assert scaled.numel() >= 10_000
        assert_close(scaled.mean(), 0.0, "statistical")
        assert_close(scaled.square().mean(), 1.0, "statistical")
        return
    assert isinstance(expected, Uniform)
    scaled = values.double() / expected.limit
    assert scaled.numel() >= 10_000
    assert scaled.abs().max() <= 1
    assert_close(scaled.mean(), 0.0, "statistical")
    assert_close(scaled.square().mean(), 1 / 3, "statistical")


@every_class
def test_every_weight_has_documented_first_values(kind):
    cases = [case for case in LAYERS.values() if type(case.make()) is kind]
    held = {name for case in cases for name in built(case).state_dict()}
    assert held == {name for case in cases for name in case.first_values}


@every_class
def test_a_layer_explains_itself(kind):
    text = inspect.getdoc(kind) or ""
    titles = re.findall(r"^(\w+):$", text, flags=re.MULTILINE)
    assert {"Args", "Shape", "Example"} <= set(titles)
    formula = text.split("\n\n")[1:3]
    assert any("=" in paragraph for paragraph in formula) or kind.__name__ == "Flatten"


@every_class
def test_every_weight_is_explained(kind):
    cases = [case for case in LAYERS.values() if type(case.make()) is kind]
    held = {
        name.partition(".")[0] for case in cases for name in built(case).state_dict()
    }
    text = inspect.getdoc(kind) or ""
    section = re.search(r"^Parameters:\n((?:    .*\n)+)", text, flags=re.MULTILINE)
    explained = re.findall(r"^    (\w+): ", section.group(1) if section else "", re.M)
    assert set(explained) == held
