"""Making models: sequential, functional, subclassed; names, summaries, parts."""

import re

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.errors import ConfigError, ShapeError, StateError


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


def small() -> mica.Sequential:
    return mica.Sequential(
        mica.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3)
    )


def test_sequential_takes_layers_or_one_list_of_them():
    one = mica.Sequential(layers.Dense(2), layers.Dense(3))
    other = mica.Sequential([layers.Dense(2), layers.Dense(3)])
    assert [type(part) for part in one.layers] == [type(part) for part in other.layers]


def test_sequential_without_input_is_built_by_its_first_call():
    model = mica.Sequential(layers.Dense(3))
    assert not model.built
    assert model(torch.ones(2, 5)).shape == (2, 3)
    assert model.built


def test_parts_are_named_as_keras_names_them():
    model = mica.Sequential(
        mica.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Conv2D(2, 3)
    )
    assert list(dict(model.named_children())) == ["conv2d", "conv2d_1"]


def test_weights_have_the_names_of_a_plain_torch_module():
    assert list(small().state_dict()) == [
        "dense.weight", "dense.bias", "dense_1.weight", "dense_1.bias",
    ]  # fmt: skip


def test_a_torch_module_may_stand_among_the_layers():
    model = mica.Sequential(mica.Input((4,)), nn.Linear(4, 5), layers.Dense(2))
    assert model(torch.ones(3, 4)).shape == (3, 2)
    assert model.get_layer("dense").weight.shape == (2, 5)


def test_add_and_pop_change_a_sequential_model():
    model = small()
    taken = model.pop()
    model.add(layers.Dense(7))
    assert isinstance(taken, layers.Dense)
    assert model(torch.ones(1, 4)).shape == (1, 7)


def test_an_input_may_be_added_first():
    model = mica.Sequential()
    model.add(mica.Input((4,)))
    model.add(layers.Dense(2))
    assert model.built


def test_a_functional_model_has_several_inputs_and_outputs():
    a, b = mica.Input((2,), name="a"), mica.Input((3,), name="b")
    both = torch.cat([a, b], dim=-1)
    model = mica.Model([a, b], {"sum": both.sum(-1), "double": 2 * both})
    found = model(a=torch.ones(1, 2), b=torch.ones(1, 3))
    assert found["sum"].tolist() == [5.0]
    assert found["double"].shape == (1, 5)


@pytest.mark.parametrize("form", ["positions", "list", "dict"])
def test_inputs_are_given_by_position_in_a_list_or_by_name(form):
    a, b = mica.Input((2,), name="a"), mica.Input((2,), name="b")
    model = mica.Model([a, b], a - b)
    x, y = torch.ones(1, 2), torch.zeros(1, 2)
    given = {"positions": (x, y), "list": ([x, y],), "dict": ({"b": y, "a": x},)}
    assert model(*given[form]).tolist() == [[1.0, 1.0]]


def test_a_shared_layer_has_its_weights_once():
    shared = layers.Dense(3)
    a, b = mica.Input((4,)), mica.Input((4,), name="other")
    model = mica.Model([a, b], shared(a) + shared(b))
    assert model.count_parameters() == 15


def test_a_model_is_a_layer_of_another_model():
    inner = mica.Sequential(mica.Input((4,)), layers.Dense(2))
    x = mica.Input((4,))
    outer = mica.Model(x, layers.Dense(1)(inner(x)))
    assert outer(torch.ones(5, 4)).shape == (5, 1)
    assert outer.count_parameters() == 13


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: torch.relu(x) * 2 + 1,
        lambda x: x.reshape(-1, 2, 3).mean(1),
        lambda x: x[..., 1:] - x[..., :-1],
        lambda x: torch.stack(torch.split(x, 3, dim=-1)).max(dim=0).values,
        lambda x: (1 - x) @ torch.arange(12.0).reshape(6, 2),
        lambda x: torch.where(x > 0, x, -x),
        lambda x: nn.functional.pad(x, (1, 1)).abs().T.T,
        lambda x: abs(-x) ** 2 / 3,
        lambda x: torch.nn.functional.one_hot((x > 0).long(), 2).float().sum(1),
    ],
)
def test_torch_functions_and_operators_work_on_symbolic_tensors(compute):
    x = mica.Input((6,))
    model = mica.Model(x, compute(x))
    real = torch.randn(5, 6)
    assert torch.equal(model(real), compute(real))


def test_a_torch_module_called_on_a_symbolic_tensor_is_trained_with_the_model():
    linear = nn.Linear(4, 2)
    x = mica.Input((4,))
    model = mica.Model(x, linear(x))
    assert {id(p) for p in model.parameters()} == {id(p) for p in linear.parameters()}


def test_an_intermediate_tensor_may_be_the_output_or_the_input():
    x = mica.Input((4,))
    hidden = layers.Dense(3)(x)
    last = layers.Dense(2)
    whole = mica.Model(x, last(hidden))
    head, tail = mica.Model(x, hidden), mica.Model(hidden, last(hidden))
    real = torch.randn(2, 4)
    assert torch.equal(tail(head(real)), whole(real))


def test_a_deep_graph_needs_no_recursion():
    x = y = mica.Input((1,))
    for _ in range(1500):
        y = y + 1
    assert mica.Model(x, y)(torch.zeros(1, 1)).item() == 1500


def test_dimensions_that_vary_show_as_none():
    sequence = mica.Input((None, 4))
    assert layers.Dense(3)(sequence).shape == (None, None, 3)
    assert sequence.reshape(-1, 4).shape == (None, 4)


def test_a_subclass_is_built_by_its_first_call():
    model = Two()
    assert model(torch.ones(2, 4)).shape == (2, 1)
    assert model.get_layer("hidden").name == "hidden"


class Two(mica.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(3, activation="tanh")
        self.last = layers.Dense(1)

    def forward(self, x):
        return self.last(self.hidden(x))


def test_summary_is_the_books_table():
    lines: list[str] = []
    model = mica.Sequential(
        mica.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    )
    model.summary(lines.append)
    text = re.sub(r" +", " ", lines[0])
    assert "conv2d (Conv2D) (None, 26, 26, 32) 320" in text
    assert "flatten (Flatten) (None, 5408) 0" in text
    assert "Total parameters: 54,410 (217.64 KB)" in text


def test_summary_counts_frozen_parameters_apart():
    model = small()
    model.get_layer("dense").trainable = False
    note = mica.model.summarize(model).note
    assert "Trainable parameters: 27\nNon-trainable parameters: 40" in note


def test_summary_of_a_graph_says_what_is_connected():
    x = mica.Input((4,), name="x")
    model = mica.Model(x, layers.Dense(4, name="d")(x) + x)
    rows = mica.model.summarize(model).rows
    assert [row[-1] for row in rows] == ["", "x", "d, x"]


def test_summary_of_a_subclass_runs_it_on_symbolic_sizes():
    model = Two()
    model(torch.ones(2, 4))
    rows = mica.model.summarize(model).rows
    assert [row[:3] for row in rows] == [
        ("hidden (Dense)", "(None, 3)", 15),
        ("last (Dense)", "(None, 1)", 4),
    ]


def test_get_layer_finds_by_name_and_by_index():
    model = small()
    assert model.get_layer("dense_1") is model.get_layer(index=-1)


def test_freezing_reaches_every_part():
    model = small()
    model.trainable = False
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not model.get_layer("dense").trainable


WRONG = {
    "a cut graph": (
        lambda: mica.Model(mica.Input((2,)), mica.Input((3,), name="b") + 1),
        ConfigError,
        "Model: expected every input that the outputs depend on, got (None, 2) without "
        "SymbolicTensor(shape=(None, 3), dtype=torch.float32, name='b'). Add it to "
        "inputs.",
    ),
    "outputs that are not symbolic": (
        lambda: mica.Model(mica.Input((2,)), torch.ones(1)),
        ConfigError,
        "Model: expected symbolic tensors as outputs, got Tensor. Start from "
        "mica.Input(shape) and call the layers on it.",
    ),
    "no inputs": (
        lambda: mica.Model([], mica.Input((2,))),
        ConfigError,
        "Model: expected at least one symbolic tensor as inputs, got none. Start from "
        "mica.Input(shape) and call the layers on it.",
    ),
    "two inputs of one name": (
        lambda: twins(),
        ConfigError,
        "Model: expected a name of its own for each input, got ['x', 'x']. Name them: "
        "Input(shape, name=...).",
    ),
    "two layers of one name": (
        lambda: mica.Sequential(layers.Dense(1, name="a"), layers.Dense(1, name="a")),
        ConfigError,
        "Model: expected a name of its own for each layer, got 'a' twice. Rename one "
        "of the layers.",
    ),
    "a name that every model has": (
        lambda: mica.Sequential(layers.Dense(1, name="fit")),
        ConfigError,
        "Sequential: expected a layer name that is free, got 'fit', which every model "
        "has already. Rename the layer.",
    ),
    "something that is no layer": (
        lambda: mica.Sequential("dense"),
        ConfigError,
        "Sequential: expected layers, got str. Give layer objects such as "
        "mica.layers.Dense(64); Input comes first.",
    ),
    "nothing to pop": (
        lambda: mica.Sequential().pop(),
        ConfigError,
        "pop: expected a layer to take off, got none. Add one.",
    ),
    "several tensors for sequential": (
        lambda: mica.Sequential(layers.Dense(1))([torch.ones(1, 1), torch.ones(1, 1)]),
        ShapeError,
        "Sequential: expected one tensor as input, got [(1, 1), (1, 1)]. Use "
        "Model(inputs, outputs) for several.",
    ),
    "no forward": (
        lambda: type("Empty", (mica.Model,), {})()(torch.ones(1)),
        StateError,
        "Empty: expected a method forward(self, x), got none. Define it, or make the "
        "model from inputs and outputs.",
    ),
    "too few inputs": (
        lambda: two_inputs()(torch.ones(1, 2)),
        ShapeError,
        "Model: expected 2 inputs ['a', 'b'], got 1. Give one tensor for each input.",
    ),
    "unknown input names": (
        lambda: two_inputs()({"a": torch.ones(1, 2), "c": torch.ones(1, 2)}),
        ShapeError,
        "Model: expected inputs named ['a', 'b'], got ['a', 'c']. Give each input "
        "under its name.",
    ),
    "an unknown layer": (
        lambda: small().get_layer("dens"),
        ConfigError,
        "get_layer: expected a layer of this model, got 'dens'. Did you mean 'dense' "
        "or 'dense_1'?",
    ),
    "a layer number too large": (
        lambda: small().get_layer(index=9),
        ConfigError,
        "get_layer: expected a layer of this model, got number 9. Choose from: dense, "
        "dense_1.",
    ),
    "the summary of a model without sizes": (
        lambda: mica.Sequential(layers.Dense(1)).summary(),
        StateError,
        "Sequential: expected a built model for its summary, got one without sizes. "
        "Put mica.Input(shape) first, or call the model on data.",
    ),
    "shapes that a torch function cannot combine": (
        lambda: mica.Input((3,)) @ torch.ones(4, 2),
        ShapeError,
        None,
    ),
}


def twins() -> mica.Model:
    one, other = mica.Input((1,), name="x"), mica.Input((1,), name="x")
    return mica.Model([one, other], one + other)


def two_inputs() -> mica.Model:
    a, b = mica.Input((2,), name="a"), mica.Input((2,), name="b")
    return mica.Model([a, b], a + b)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_model_is_a_clear_sentence(case):
    make, kind, text = WRONG[case]
    with pytest.raises(
        kind, match=sentence(text) if text else "expected inputs it can"
    ):
        make()


def test_a_layer_cannot_stand_twice_in_a_sequence():
    layer = layers.Dense(4)
    text = (
        "Sequential: expected each layer once, got Dense twice. Use Model(inputs, "
        "outputs) to share a layer."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.Sequential(mica.Input((4,)), layer, layer)
