"""What every layer promises, swept over the table in `cases.py`."""

import copy
import inspect
import json
import pickle
import re

import pytest
import torch
from torch import Tensor, nn

from mica import layers
from mica.layers import Input, Layer
from tests.contract.cases import LAYERS, Constant, LayerCase, Uniform
from tests.tolerances import assert_close

EXPORTED = [
    kind
    for kind in map(layers.__dict__.get, layers.__all__)
    if inspect.isclass(kind) and issubclass(kind, Layer) and kind is not Layer
]
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
every_class = pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: kind.__name__)


def run(layer: Layer, x: Tensor) -> Tensor:
    """The output from the same random state each time."""
    torch.manual_seed(1)
    return layer(x)


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
    inferred = case.make()(Input(case.sample)).shape
    assert inferred[0] is None
    assert fits(inferred, case.make()(case.batch(2, varying=varying)).shape)


@every_layer
def test_a_known_shape_is_inferred_without_gaps(case):
    x = case.batch(2)
    symbolic = case.make()(Input(tuple(x.shape[1:]), batch_size=2))
    assert symbolic.shape == tuple(case.make()(x).shape)


@every_layer
def test_a_layer_built_from_a_shape_is_the_one_built_from_data(case):
    symbolic = case.make()
    torch.manual_seed(2)
    symbolic(Input(case.sample))
    eager, x = built(case), case.batch()
    assert torch.equal(run(symbolic, x), run(eager, x))


@every_layer
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_output_has_the_type_of_the_input(case, dtype):
    layer, x = built(case, dtype), case.batch(dtype=dtype)
    assert run(layer, x).dtype == dtype
    assert all(
        weight.dtype in (dtype, torch.float32) for weight in layer.state_dict().values()
    )


@every_layer
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_gradient_reaches_the_input_and_every_weight(case, dtype):
    layer, x = built(case, dtype), case.batch(dtype=dtype).requires_grad_()
    y = run(layer, x)
    (y * torch.randn_like(y)).sum().backward()
    gradients = [x.grad, *(weight.grad for weight in layer.parameters())]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients)


@every_layer
def test_large_inputs_give_finite_outputs(case):
    assert torch.isfinite(run(built(case), 1e4 * case.batch())).all()


@every_layer
def test_the_input_is_left_as_it_was(case):
    layer, x = built(case), case.batch()
    before = x.clone()
    run(layer, x)
    assert torch.equal(x, before)


@every_layer
def test_the_output_is_contiguous(case):
    assert run(built(case), case.batch()).is_contiguous()


@every_layer
def test_strides_of_the_input_do_not_matter(case):
    layer, x = built(case).eval(), case.batch()
    backwards = tuple(range(x.ndim))[::-1]
    strided = x.permute(backwards).contiguous().permute(backwards)
    assert_close(run(layer, strided), run(layer, x), "reordered")


@every_layer
def test_an_empty_batch_gives_an_empty_output(case):
    layer = built(case)
    y = run(layer, case.batch(0))
    assert y.shape == (0, *run(layer, case.batch(2)).shape[1:])
    assert all(torch.isfinite(value).all() for value in layer.state_dict().values())


@every_layer
def test_a_config_in_json_makes_the_same_layer(case):
    layer, x = built(case), case.batch()
    config = json.loads(json.dumps(layer.config()))
    other = type(layer).from_config(config)
    assert other.config() == layer.config()
    other.ensure_built(x)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(run(other, x), run(layer, x))


@every_layer
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_gives_the_same_output_and_shares_nothing(case, copied):
    layer, x = built(case), case.batch()
    other = copied(layer)
    assert torch.equal(run(other, x), run(layer, x))
    assert other.config() == layer.config()
    pointers = {weight.data_ptr() for weight in layer.state_dict().values()}
    assert pointers.isdisjoint(
        weight.data_ptr() for weight in other.state_dict().values()
    )


@every_layer
def test_evaluation_equals_training_unless_stated(case):
    layer, x = built(case), case.batch()
    trained = run(layer.train(), x)
    assert torch.equal(run(layer.eval(), x), trained) is not case.differs_in_training


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
    assert torch.equal(run(nn.Sequential(layer, nn.Identity()), x), run(layer, x))


@every_layer
@pytest.mark.usefixtures("without_shape_checks")
def test_a_compiled_layer_is_one_graph_and_gives_the_same(case):
    torch._dynamo.reset()
    layer, x = built(case).eval(), case.batch()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert_close(compiled(x), layer(x), "reordered")


@every_layer
@pytest.mark.usefixtures("without_shape_checks")
def test_a_compiled_layer_trains_the_same(case):
    torch._dynamo.reset()
    layer, x = built(case), case.batch()
    other = copy.deepcopy(layer)
    compiled = torch.compile(other, fullgraph=True, backend="aot_eager")
    torch.manual_seed(1)
    y = compiled(x)
    assert_close(y, run(layer, x), "reordered")
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


@pytest.mark.parametrize(
    "case",
    [case for case in LAYERS.values() if case.takes_any_leading_axes],
    ids=[name for name, case in LAYERS.items() if case.takes_any_leading_axes],
)
def test_any_number_of_axes_may_lead(case):
    layer, x = built(case), case.batch(6)
    grouped = x.reshape(3, 2, *x.shape[1:])
    expected = layer(x)
    assert_close(layer(grouped).reshape(expected.shape), expected, "reordered")


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in LAYERS.values() for name in case.first_values],
    ids=[f"{key}-{name}" for key, case in LAYERS.items() for name in case.first_values],
)
def test_first_values_are_spread_as_documented(case, name):
    values = built(case).state_dict()[name]
    expected = case.first_values[name]
    if isinstance(expected, Constant):
        assert_close(values, torch.full_like(values, expected.value))
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
    held = {name for case in cases for name in built(case).state_dict()}
    text = inspect.getdoc(kind) or ""
    section = re.search(r"^Parameters:\n((?:    .*\n)+)", text, flags=re.MULTILINE)
    explained = re.findall(r"^    (\w+): ", section.group(1) if section else "", re.M)
    assert set(explained) == held
