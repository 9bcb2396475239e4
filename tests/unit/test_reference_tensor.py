"""The reference engine does what it says, and says what is wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

import mica.reference
from mica.reference import Tensor, apply, backward, functions, gradients, layers, losses
from mica.reference.optimizers import SGD, Optimizer
from mica.reference.rules import RULES

FOLDER = Path(mica.reference.__file__).parent


def leaf(*numbers):
    return Tensor(np.array(numbers, float), requires_gradient=True)


def whole(sentence):
    return f"^{re.escape(sentence)}$"


# The graph.


def test_a_result_remembers_how_it_was_made():
    a, b = leaf(1, 2), leaf(3, 4)
    y = a * b
    assert (y.operation, y.parents, y.requires_gradient) == ("multiply", (a, b), True)
    assert repr(y) == "Tensor([3., 8.], multiply)"


def test_nothing_is_remembered_where_no_gradient_is_asked_for():
    y = Tensor([1.0, 2.0]) * [3.0, 4.0]
    assert (y.operation, y.parents, y.requires_gradient) == ("", (), False)
    assert repr(y) == "Tensor([3., 8.])"


def test_a_constant_gets_no_gradient():
    a, b = leaf(2), Tensor([3.0])
    (a * b).sum().backward()
    assert a.gradient.data.tolist() == [3]
    assert b.gradient is None


def test_gradients_add_up_over_several_walks():
    x = leaf(3)
    for _ in range(2):
        (x * x).sum().backward()
    assert x.gradient.data.tolist() == [12]


def test_a_tensor_used_many_times_collects_every_share():
    x = leaf(2)
    (x * x * x + x + x).sum().backward()
    assert x.gradient.data.tolist() == [14]


def test_a_tensor_may_be_both_inputs_of_one_operation():
    x = leaf(2, 3)
    (x * x).backward([1, 10])
    assert x.gradient.data.tolist() == [4, 60]


def test_a_graph_of_ten_thousand_operations_is_walked():
    x = leaf(1)
    y = x
    for _ in range(10_000):
        y = y + x
    y.backward()
    assert x.gradient.data.tolist() == [10_001]


def test_a_deep_graph_can_be_forgotten_without_being_walked():
    y = leaf(1)
    for _ in range(100_000):
        y = -y
    del y


def test_a_diamond_on_a_diamond_takes_one_visit_for_each_tensor():
    # 2^40 paths lead back to x: only a walk in the right order ever arrives.
    x = leaf(1)
    y = x
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.gradient.data.tolist() == [2.0**40]


def test_a_dead_branch_changes_nothing():
    x = leaf(3)
    hidden = x * 2
    dead = hidden.tanh() * x
    (hidden * hidden).sum().backward()
    assert x.gradient.data.tolist() == [24]
    assert dead.gradient is None


def test_several_roots_are_added_up():
    x = leaf(3)
    hidden = x * 2
    backward([hidden.sum(), (hidden * x).sum()])
    assert x.gradient.data.tolist() == [2 + 12]


def test_a_root_may_lead_to_another_root():
    x = leaf(3)
    first = x * 2
    backward([first, first * 5], [[1], [1]])
    assert x.gradient.data.tolist() == [12]


def test_one_root_named_twice_counts_twice():
    x = leaf(3)
    y = x * 2
    assert gradients([y, y])[x].data.tolist() == [4]


def test_a_seed_scales_the_gradient():
    x = leaf(1, 2)
    (x * 3).backward([10.0, 0.5])
    assert x.gradient.data.tolist() == [30, 1.5]


def test_detach_stops_the_gradient():
    x = leaf(3)
    (x * x.detach()).sum().backward()
    assert x.gradient.data.tolist() == [3]


def test_gradients_of_results_in_between_can_be_asked_for():
    x = leaf(3)
    hidden = x * 2
    found = gradients([(hidden * hidden).sum()])
    assert found[hidden].data.tolist() == [12]
    assert x.gradient is None


def test_a_graph_that_is_retained_is_walked_twice():
    x = leaf(3)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.gradient.data.tolist() == [12]


def test_derivatives_of_any_order():
    x = leaf(2)
    slope, expected = x**5, [80, 160, 240, 240, 120]
    for number in expected:
        slope = gradients([slope], create_graph=True)[x]
        assert slope.data.tolist() == [number]


def test_backward_can_leave_gradients_that_remember():
    x = leaf(2)
    (x**3).backward(create_graph=True)
    assert gradients([x.gradient])[x].data.tolist() == [12]


def test_leaves_that_got_one_gradient_do_not_share_its_memory():
    a, b = leaf(1), leaf(2)
    (a + b).backward()
    a.gradient.data[:] = 7
    assert b.gradient.data.tolist() == [1]


def test_a_walk_leaves_the_numbers_alone():
    x = leaf(1, 2)
    y = (x.exp() * x).sum()
    before = x.data.copy(), y.data.copy()
    y.backward()
    assert (x.data == before[0]).all()
    assert y.data == before[1]


# Numbers, arrays, shapes.


def test_arrays_and_numbers_may_stand_on_either_side():
    x = leaf(2, 4)
    array = np.array([1.0, 2.0])
    assert (array + x).data.tolist() == [3, 6]
    assert (array - x).data.tolist() == [-1, -2]
    assert (1 / x).data.tolist() == [0.5, 0.25]
    assert (2**x).data.tolist() == [4, 16]
    assert (array @ x).item() == 10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_width_there_and_back(dtype):
    x = Tensor(np.linspace(-1, 1, 12, dtype=dtype).reshape(1, 4, 3), True)
    y = functions.gelu(functions.relu(2.0 * x + 1) ** 2).tanh().max(1) / 3
    (functions.softmax(y) * functions.maximum(y, 0.0)).mean().backward()
    assert (y.dtype, x.gradient.dtype) == (dtype, dtype)


def test_a_tensor_iterates_over_its_first_axis():
    assert [row.data.tolist() for row in Tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert len(Tensor([[1, 2], [3, 4]])) == 2


def test_indices_may_be_tensors():
    x = leaf(1, 2, 3)
    x[Tensor([2, 2])].sum().backward()
    assert x.gradient.data.tolist() == [0, 0, 2]


def test_vectors_multiply_matrices_on_both_sides():
    matrix, vector = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    assert (Tensor(matrix) @ vector).data.tolist() == (matrix @ vector).tolist()
    assert (Tensor([1.0, 2]) @ matrix).data.tolist() == ([1.0, 2] @ matrix).tolist()
    stack = np.ones((4, 3, 2))
    assert (Tensor(vector) @ stack).data.tolist() == (vector @ stack).tolist()


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), [1]])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_axes_are_reduced_as_numpy_reduces_them(name, axis, keepdims):
    array = np.random.rand(2, 3, 4)
    ours = getattr(Tensor(array), name)(axis, keepdims)
    axes = tuple(axis) if isinstance(axis, list) else axis
    theirs = getattr(array, name)(axis=axes, keepdims=keepdims)
    np.testing.assert_array_almost_equal_nulp(ours.data, np.asarray(theirs), 2)


def test_the_sum_of_a_single_number_is_itself():
    x = Tensor(3.0, requires_gradient=True)
    x.sum().backward()
    assert x.gradient.item() == 1


# Layers and optimizers.


def test_a_layer_knows_the_parameters_of_the_layers_in_it():
    random = np.random.RandomState(0)
    model = layers.Sequential(layers.Linear(2, 3, random), layers.RNNCell(3, 4, random))
    shapes = [parameter.shape for parameter in model.parameters()]
    assert shapes == [(2, 3), (3,), (3, 4), (4,), (4, 4)]


def test_first_weights_are_uniform_and_biases_zero():
    layer = layers.Linear(100, 200, np.random.default_rng(0))
    assert 0.099 < layer.weight.data.max() < 0.1
    assert -0.1 < layer.weight.data.min() < -0.099
    assert not layer.bias.data.any()


def test_a_parameter_that_no_gradient_reached_stays():
    used, unused = leaf(1), leaf(1)
    optimizer = SGD([used, unused], rate=0.5)
    (used * 2).sum().backward()
    optimizer.step()
    assert (used.data.tolist(), unused.data.tolist()) == ([0], [1])


def test_a_step_forgets_the_gradients():
    x = leaf(1)
    (x * 2).sum().backward()
    SGD([x]).step()
    assert x.gradient is None


def test_a_step_leaves_an_earlier_graph_its_numbers():
    x = leaf(3)
    y = x * x
    y.backward(retain_graph=True)
    first = x.data
    SGD([x], rate=1).step()
    assert first.tolist() == [3]


def test_an_optimizer_must_say_how_it_changes_things():
    x = leaf(1)
    x.sum().backward()
    with pytest.raises(NotImplementedError):
        Optimizer([x], 0.1).step()


# What is wrong is said.


@pytest.mark.parametrize(
    ("data", "kind"),
    [(["a"], "<U1"), ([None], "object"), ([1j], "complex128")],
)
def test_what_is_not_a_real_number_is_refused(data, kind):
    sentence = (
        f"Tensor: expected real numbers, got {kind}. Convert the data to float first."
    )
    with pytest.raises(TypeError, match=whole(sentence)):
        Tensor(data)


@pytest.mark.parametrize(("data", "kind"), [([1, 2], "int64"), ([True], "bool")])
def test_whole_numbers_have_no_gradient(data, kind):
    sentence = (
        f"Tensor: expected floats where a gradient is asked for, got {kind}. "
        "Write 1.0 instead of 1, or use data.astype(float)."
    )
    with pytest.raises(TypeError, match=whole(sentence)):
        Tensor(data, requires_gradient=True)


FIT = "expected shapes and settings that fit together, got shape"
ONES = Tensor(np.ones((2, 3)))
COLUMNS = Tensor(np.ones((3, 2)))
MISFITS = {
    f"add: {FIT} (2, 3) and (3, 2).": lambda: ONES + COLUMNS,
    f"matmul: {FIT} (2, 3) and (2, 3).": lambda: ONES @ ONES,
    f"reshape: {FIT} (2, 3) with shape=(4, 2).": lambda: ONES.reshape(4, 2),
    f"transpose: {FIT} (2, 3) with axes=(0, 0).": lambda: ONES.transpose((0, 2)),
    f"expand: {FIT} (2, 3) with shape=(4, 2).": lambda: ONES.expand((4, 2)),
    f"concatenate: {FIT} (2, 3) and (3, 2) with axis=0.": (
        lambda: functions.concatenate([ONES, COLUMNS])
    ),
    f"windows: {FIT} (1, 2, 3) with axis=1, size=3, stride=1, dilation=1.": (
        lambda: functions.windows(ONES.reshape(1, 2, 3), (3,))
    ),
}


@pytest.mark.parametrize("fact", MISFITS)
def test_shapes_that_do_not_fit_are_named(fact):
    sentence = f"{fact} Change one to fit the other."
    with pytest.raises(ValueError, match=whole(sentence)):
        MISFITS[fact]()


def test_an_index_that_does_not_exist_is_named():
    sentence = f"index: {FIT} (3,) with key=(5,). Change one to fit the other."
    with pytest.raises(IndexError, match=whole(sentence)):
        leaf(1, 2, 3)[5]


def test_a_root_of_several_elements_needs_a_gradient():
    sentence = (
        "backward: expected a root of one element, got shape (2,). "
        "Sum it first, or pass a gradient of that shape."
    )
    with pytest.raises(ValueError, match=whole(sentence)):
        (leaf(1, 2) * 2).backward()


def test_a_gradient_must_have_the_roots_shape():
    sentence = (
        "backward: expected a gradient of the root's shape (2,), got (2, 1). "
        "Reshape it."
    )
    with pytest.raises(ValueError, match=whole(sentence)):
        (leaf(1, 2) * 2).backward([[1.0], [1.0]])


def test_a_constant_root_is_refused():
    sentence = (
        "backward: expected a root made from a tensor with requires_gradient=True, "
        "got one made from constants. Ask for gradients where the graph begins."
    )
    with pytest.raises(RuntimeError, match=whole(sentence)):
        (Tensor([1.0]) * 2).backward()


def test_a_freed_graph_cannot_be_walked_again():
    x = leaf(1, 2)
    hidden = x * x
    y = hidden.sum()
    y.backward()
    sentence = (
        "backward: expected a whole graph, got 'reshape' of shape () freed by an "
        "earlier backward. Pass retain_graph=True to the earlier one."
    )
    with pytest.raises(RuntimeError, match=whole(sentence)):
        y.backward()


def test_a_new_result_on_a_freed_graph_is_refused_too():
    x = leaf(1, 2)
    hidden = x * x
    hidden.sum().backward()
    sentence = (
        "backward: expected a whole graph, got 'multiply' of shape (2,) freed by an "
        "earlier backward. Pass retain_graph=True to the earlier one."
    )
    with pytest.raises(RuntimeError, match=whole(sentence)):
        (hidden * 3).sum().backward()
    assert x.gradient.data.tolist() == [2, 4]


def test_a_cycle_is_refused():
    x = leaf(1)
    first = x * 2
    second = first.tanh()
    first.parents = (x, second)
    sentence = (
        "backward: expected a graph without cycles, got 'tanh' of shape (1,) that "
        "depends on itself. "
        "Make a new tensor instead of changing the parents of an old one."
    )
    with pytest.raises(ValueError, match=whole(sentence)):
        (second * 3).sum().backward()


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize(
    ("make", "born"),
    [
        (lambda x: (x - 3).log() * 2, "'log' of shape (2,)"),
        (lambda x: (1 / (x - 1)).sum(), "'divide' of shape (2,)"),
        (lambda x: (x * np.nan).sum(), "'multiply' of shape (2,)"),
    ],
)
def test_a_nan_is_traced_to_where_it_was_born(make, born):
    sentence = (
        f"backward: expected finite numbers, got NaN or infinity, first in {born}. "
        "Keep what goes in there inside its domain."
    )
    with pytest.raises(FloatingPointError, match=whole(sentence)):
        make(leaf(1, 2)).sum().backward()


def test_a_nan_that_came_from_outside_is_traced_to_the_input():
    sentence = (
        "backward: expected finite numbers, got NaN or infinity, first in 'input' "
        "of shape (2,). Keep what goes in there inside its domain."
    )
    with pytest.raises(FloatingPointError, match=whole(sentence)):
        (leaf(1, np.nan) * 2).sum().backward()


@pytest.mark.parametrize("wrong", [4, -1])
def test_a_word_outside_the_table_is_refused(wrong):
    sentence = (
        f"gather: expected indices from 0 to 3, got {wrong}. "
        "Look for a wrong index, or make the table larger."
    )
    with pytest.raises(IndexError, match=whole(sentence)):
        functions.gather(Tensor(np.ones((4, 2))), [0, wrong])


@pytest.mark.parametrize("shape", [(2, 6, 6, 3), (6, 6, 4)])
def test_a_convolution_says_which_channels_it_expects(shape):
    sentence = (
        f"convolve: expected 4 channels on the last of 4 axes, got shape {shape}. "
        "Move the channels to the end, or build the weight for this input."
    )
    weight = Tensor(np.ones((8, 2, 3, 3)))
    with pytest.raises(ValueError, match=whole(sentence)):
        functions.convolve(Tensor(np.ones(shape)), weight, groups=2)


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_outside_the_classes_is_refused(label):
    sentence = (
        f"cross_entropy: expected labels from 0 to 2, got {label}. "
        "Number the classes from 0, or give the scores more columns."
    )
    with pytest.raises(ValueError, match=whole(sentence)):
        losses.cross_entropy(Tensor(np.ones((2, 3))), [0, label])


def test_a_column_is_not_compared_with_a_row():
    sentence = (
        "squared_error: expected a target of shape (3, 1), got (3,). "
        "Reshape the target."
    )
    with pytest.raises(ValueError, match=whole(sentence)):
        losses.squared_error(Tensor(np.ones((3, 1))), np.ones(3))


# The whole.


def test_every_rule_can_be_applied_by_name():
    assert apply("add", 1.0, 2.0).item() == 3
    assert all(callable(part) for rule in RULES.values() for part in rule)


def test_the_engine_is_read_in_an_hour():
    lines = [
        line
        for file in FOLDER.glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    assert len(lines) <= 900


def test_the_page_shows_pictures_that_exist():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"there are {len(RULES)} of them" in page
    pictures = re.findall(r"\]\((pictures/[\w-]+\.svg)\)", page)
    assert len(pictures) >= 3
    assert all((FOLDER / picture).is_file() for picture in pictures)
    assert {path.name for path in (FOLDER / "pictures").iterdir()} == {
        Path(picture).name for picture in pictures
    }


def test_the_code_of_the_page_prints_what_it_says(capsys):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S))
    exec(compile(code, "README.md", "exec"), {})
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.M)
    assert len(promised) == 4
    assert capsys.readouterr().out.splitlines() == promised
