"""The base of all layers: built once, named, frozen, counted, and clear in failure."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from mica.errors import ConfigError, StateError
from mica.layers import BatchNormalization, Dense, Input, Layer
from mica.layers.layer import snake_case
from tests.tolerances import assert_close


class Scale(Layer):
    """Multiplies by a learned number per channel."""

    def build(self, shape):
        self.scale = self.add_weight((shape[-1],), "ones")

    def forward(self, x):
        return x * self.scale


class Pair(Layer):
    """Holds two other layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Dense(3), Scale()

    def forward(self, x):
        return self.second(self.first(x))


def test_a_layer_is_built_by_its_first_input():
    layer = Dense(3)
    assert not layer.built
    layer(torch.zeros(2, 5))
    assert layer.built
    assert layer.weight.shape == (3, 5)


def test_a_layer_is_built_once():
    layer = Dense(3)
    layer(torch.zeros(2, 5))
    weight = layer.weight
    layer(torch.zeros(7, 5))
    assert layer.weight is weight


def test_a_layer_of_layers_needs_no_build():
    layer = Pair()
    assert layer(torch.zeros(2, 5)).shape == (2, 3)
    assert layer.count_parameters() == 5 * 3 + 3 + 3


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_weights_have_the_type_of_the_input(dtype):
    layer = Scale()
    layer(torch.zeros(2, 3, dtype=dtype))
    assert layer.scale.dtype == dtype


def test_weights_for_whole_numbers_are_floats():
    layer = Scale()
    layer(torch.zeros(2, 3, dtype=torch.int64))
    assert layer.scale.dtype == torch.float32


def test_weights_built_in_inference_mode_can_be_trained():
    layer = Dense(3)
    with torch.inference_mode():
        layer(torch.zeros(2, 5))
    layer(torch.ones(2, 5)).sum().backward()
    assert layer.weight.grad is not None


def test_weights_built_without_gradients_can_be_trained():
    layer = Dense(3)
    with torch.no_grad():
        layer(torch.zeros(2, 5))
    assert all(weight.requires_grad for weight in layer.parameters())


def test_the_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        torch.manual_seed(5)
        layer = Dense(3)
        layer(Input((4,)))
        weights.append(layer.weight)
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("class_name", "layer_name"),
    [
        ("Dense", "dense"),
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("GlobalAveragePooling2D", "global_average_pooling2d"),
        ("BatchNormalization", "batch_normalization"),
        ("ReLU", "re_lu"),
        ("LSTM", "lstm"),
    ],
)
def test_names_are_made_as_in_keras(class_name, layer_name):
    assert snake_case(class_name) == layer_name


def test_a_name_is_kept_and_shown():
    layer = Dense(3, name="head")
    assert layer.name == "head"
    assert repr(layer) == "Dense(units=3, name='head')"


def test_an_error_names_the_layer():
    with pytest.raises(ConfigError, match=r"^Dense 'head': expected units to be a "):
        Dense(0, name="head")


@pytest.mark.parametrize("name", ["a.b", "", 3])
@pytest.mark.usefixtures("without_shape_checks")
def test_a_name_is_a_plain_word(name):
    with pytest.raises(ConfigError) as caught:
        Dense(3, name=name)
    assert str(caught.value) == (
        f"Dense: expected a name without dots, got {name!r}. Choose another name."
    )


def test_freezing_reaches_every_part():
    layer = Pair()
    layer(torch.zeros(2, 5))
    layer.trainable = False
    assert not layer.second.trainable
    assert not any(weight.requires_grad for weight in layer.parameters())
    layer.trainable = True
    assert all(weight.requires_grad for weight in layer.parameters())


def test_a_frozen_part_is_built_frozen():
    layer = Pair()
    layer.first.trainable = False
    layer(torch.zeros(2, 5))
    assert [weight.requires_grad for weight in layer.first.parameters()] == [False] * 2
    assert layer.second.scale.requires_grad


def test_parts_are_walked_through():
    layer = Pair()
    assert list(layer.sublayers()) == [layer.first, layer.second]


def test_running_statistics_are_counted_too():
    layer = BatchNormalization()
    layer(torch.zeros(2, 5))
    assert layer.count_parameters() == 4 * 5


def test_a_foreign_failure_says_in_which_layer_it_was():
    class Broken(Layer):
        def forward(self, x):
            return x @ x

    with pytest.raises(RuntimeError) as caught:
        Broken(name="odd")(torch.zeros(2, 5))
    assert caught.value.__notes__ == [
        "in Broken 'odd', called with an input of shape (2, 5)"
    ]


def test_a_layer_without_tensors_works():
    class Counting(Layer):
        def forward(self, number):
            return number + 1

    assert Counting()(3) == 4


def test_a_layer_takes_several_inputs():
    class Gate(Layer):
        def build(self, shape):
            self.weight = self.add_weight((shape[0][-1],), "ones")

        def forward(self, inputs):
            left, right = inputs
            return left * self.weight + right

    layer = Gate()
    assert layer([torch.ones(2, 3), torch.ones(2, 3)]).tolist() == [[2.0] * 3] * 2
    assert layer([Input((3,)), Input((3,))]).shape == (None, 3)


def test_hooks_of_torch_work():
    seen = []
    layer = Dense(3)
    layer.register_forward_hook(lambda module, args, output: seen.append(output.shape))
    layer(torch.zeros(2, 5))
    assert seen == [(2, 3)]


def test_a_layer_can_be_parametrised_by_torch():
    layer = Dense(3)
    layer(torch.zeros(2, 5))
    nn.utils.parametrizations.weight_norm(layer)
    before = layer(torch.ones(2, 5))
    assert_close(copy.deepcopy(layer)(torch.ones(2, 5)), before, "reordered")


def test_a_batch_of_gradients_is_taken_by_vmap():
    layer, x = Dense(3), torch.randn(4, 5)
    layer(x)
    weights = dict(layer.named_parameters())

    def loss(weights, row):
        return torch.func.functional_call(layer, weights, (row,)).square().sum()

    each = torch.vmap(torch.func.grad(loss), (None, 0))(weights, x)
    together = torch.func.grad(loss)(weights, x)
    assert_close(each["weight"].sum(0), together["weight"])


def test_arguments_from_numpy_are_numbers():
    layer = Dense(int(np.int64(4)))
    assert layer.config() == {"units": 4}


def test_a_layer_without_forward_says_so():
    class Keraslike(Layer):
        def call(self, x):
            return x

    with pytest.raises(StateError) as caught:
        Keraslike()(torch.zeros(2, 4))
    assert str(caught.value) == (
        "Keraslike: expected a method forward(self, x), got none. Define it; Keras "
        "calls it call."
    )
