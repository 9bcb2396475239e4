"""Every rule of the table against torch and against finite differences, twice over."""

import numpy as np
import pytest
import torch

from mica.reference import RULES, Tensor, apply, gradients
from tests.tolerances import assert_close

X = np.random.RandomState(5)
MATRIX = X.randn(3, 4)
OTHER = X.randn(3, 4)
ROW = X.randn(4)
POSITIVE = X.rand(3, 4) + 0.5
IMAGE = X.randn(2, 7, 6, 3)
MASK = MATRIX > OTHER
KEY = (np.array([[2, 0], [2, 2]]), slice(1, 3))
CUT = {"axis": 1, "size": 3, "stride": 2, "dilation": 2}


def torch_put(g, key, shape):
    return torch.zeros(shape, dtype=g.dtype).index_put(
        tuple(torch.tensor(k) for k in key), g, accumulate=True
    )


def torch_windows(a, axis, size, stride, dilation):
    cut = a.unfold(axis, dilation * (size - 1) + 1, stride)
    return cut[..., ::dilation]


def torch_fold(a, axis, size, stride, dilation, length):
    # The only linear map whose adjoint is `windows`: torch's own gradient of it.
    shape = (*a.shape[:axis], length, *a.shape[axis + 1 : -1])
    source = torch.zeros(shape, dtype=a.dtype, requires_grad=True)
    cut = torch_windows(source, axis, size, stride, dilation)
    return torch.autograd.grad(cut, source, a, create_graph=True)[0]


# Rule, inputs, settings, the same in torch. A rule may have several cases.
CASES = [
    ("add", (MATRIX, ROW), {}, torch.add),
    ("subtract", (ROW, MATRIX), {}, torch.sub),
    ("multiply", (MATRIX, ROW), {}, torch.mul),
    ("multiply", (MATRIX[:, None], OTHER), {}, torch.mul),
    ("divide", (MATRIX, POSITIVE), {}, torch.div),
    ("divide", (ROW, POSITIVE), {}, torch.div),
    ("negative", (MATRIX,), {}, torch.neg),
    ("power", (POSITIVE, ROW), {}, torch.pow),
    ("exp", (MATRIX,), {}, torch.exp),
    ("log", (POSITIVE,), {}, torch.log),
    ("sin", (MATRIX,), {}, torch.sin),
    ("cos", (MATRIX,), {}, torch.cos),
    ("tanh", (MATRIX,), {}, torch.tanh),
    ("sigmoid", (MATRIX,), {}, torch.sigmoid),
    ("softplus", (MATRIX,), {}, torch.nn.functional.softplus),
    ("erf", (MATRIX,), {}, torch.erf),
    ("maximum", (MATRIX, OTHER), {}, torch.maximum),
    ("maximum", (MATRIX, ROW), {}, torch.maximum),
    (
        "where",
        (MATRIX, ROW),
        {"condition": MASK},
        lambda a, b, condition: torch.where(torch.tensor(condition), a, b),
    ),
    (
        "sum",
        (IMAGE,),
        {"axis": (0, 2), "keepdims": True},
        lambda a, axis, keepdims: a.sum(axis, keepdim=keepdims),
    ),
    (
        "max",
        (IMAGE,),
        {"axis": (1, 3), "keepdims": True},
        lambda a, axis, keepdims: a.amax(axis, keepdim=keepdims),
    ),
    ("matmul", (MATRIX, OTHER.T), {}, torch.matmul),
    ("matmul", (IMAGE, X.randn(7, 3, 2)), {}, torch.matmul),
    ("expand", (ROW,), {"shape": (2, 3, 4)}, lambda a, shape: a.expand(shape)),
    ("expand", (MATRIX[:1],), {"shape": (3, 4)}, lambda a, shape: a.expand(shape)),
    ("reshape", (IMAGE,), {"shape": (-1, 9)}, lambda a, shape: a.reshape(shape)),
    ("transpose", (IMAGE,), {"axes": (2, 0, 3, 1)}, lambda a, axes: a.permute(axes)),
    (
        "concatenate",
        (IMAGE, IMAGE[:, :2]),
        {"axis": 1},
        lambda a, b, axis: torch.cat((a, b), axis),
    ),
    (
        "pad",
        (MATRIX,),
        {"pad_width": ((1, 0), (0, 2)), "constant_values": 7.0},
        lambda a, pad_width, constant_values: torch.nn.functional.pad(
            a, (*pad_width[1], *pad_width[0]), value=constant_values
        ),
    ),
    ("index", (MATRIX,), {"key": KEY}, lambda a, key: a[torch.tensor(key[0]), key[1]]),
    ("index", (IMAGE,), {"key": (..., slice(0, 6, 2), -1)}, lambda a, key: a[key]),
    (
        "put",
        (OTHER,),
        {"key": (np.array([4, 0, 4]),), "shape": (5, 4)},
        torch_put,
    ),
    ("windows", (IMAGE,), CUT, torch_windows),
    ("windows", (IMAGE,), {**CUT, "axis": 2, "dilation": 1}, torch_windows),
    ("fold", (X.randn(2, 2, 6, 3, 3),), {**CUT, "length": 7}, torch_fold),
]
NAMES = [f"{number}-{case[0]}" for number, case in enumerate(CASES)]
each_case = pytest.mark.parametrize(
    ("rule", "arrays", "settings", "same"), CASES, ids=NAMES
)


def test_every_rule_has_a_case():
    assert {case[0] for case in CASES} == set(RULES)


def leaves(arrays):
    return [Tensor(array, requires_gradient=True) for array in arrays]


def weights_like(array, seed):
    """Fixed random numbers: what multiplies each result before they are summed."""
    return np.random.RandomState(seed).randn(*array.shape)


def first_and_second(rule, arrays, settings):
    """The value, its gradients, and the gradients of a weighted sum of these."""
    inputs = leaves(arrays)
    value = apply(rule, *inputs, **settings)
    root = (value * weights_like(value, 1)).sum()
    found = gradients([root], create_graph=True)
    first = [found[leaf] for leaf in inputs]
    total = sum(((g * weights_like(g, 2 + i)).sum() for i, g in enumerate(first)), 0.0)
    # A linear rule has constant gradients: their derivative is zero everywhere.
    again = gradients([total]) if total.requires_gradient else {}
    second = [
        again[leaf].data if leaf in again else np.zeros(leaf.shape) for leaf in inputs
    ]
    return value.data, [g.data for g in first], second


def torch_first_and_second(same, arrays, settings):
    inputs = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = same(*inputs, **settings)
    root = (value * torch.tensor(weights_like(value, 1))).sum()
    first = torch.autograd.grad(root, inputs, create_graph=True)
    total = sum(
        (g * torch.tensor(weights_like(g, 2 + i))).sum() for i, g in enumerate(first)
    )
    second = [None] * len(inputs)
    if total.requires_grad:
        second = torch.autograd.grad(total, inputs, allow_unused=True)
    zeros = [
        torch.zeros_like(i) if s is None else s
        for i, s in zip(inputs, second, strict=True)
    ]
    return value, first, zeros


@each_case
def test_a_rule_agrees_with_torch(rule, arrays, settings, same):
    value, first, second = first_and_second(rule, arrays, settings)
    torch_value, torch_first, torch_second = torch_first_and_second(
        same, arrays, settings
    )
    assert_close(value, torch_value, "reordered")
    for ours, theirs in zip(first, torch_first, strict=True):
        assert_close(ours, theirs, "reordered")
    for ours, theirs in zip(second, torch_second, strict=True):
        assert_close(ours, theirs, "reordered")


def slope(function, array):
    """Derivative by each element of `array`: differences of fourth order."""
    result, step = np.empty_like(array), 1e-3
    for place in np.ndindex(array.shape):
        moved = []
        for times in (1, -1, 2, -2):
            there = array.copy()
            there[place] += times * step
            moved.append(function(there))
        near, far = moved[0] - moved[1], moved[2] - moved[3]
        result[place] = (8 * near - far) / (12 * step)
    return result


@each_case
def test_a_rule_agrees_with_finite_differences(rule, arrays, settings, same):
    value, first, _ = first_and_second(rule, arrays, settings)
    scale = weights_like(value, 1)
    for position, array in enumerate(arrays):

        def root(moved, position=position):
            inputs = [*arrays[:position], moved, *arrays[position + 1 :]]
            return (apply(rule, *inputs, **settings).data * scale).sum()

        assert_close(first[position], slope(root, array), "extrapolated_difference")


@each_case
def test_the_slope_of_a_slope_agrees_with_finite_differences(
    rule, arrays, settings, same
):
    _, first, second = first_and_second(rule, arrays, settings)
    scales = [weights_like(g, 2 + i) for i, g in enumerate(first)]
    for position, array in enumerate(arrays):

        def total(moved, position=position):
            inputs = leaves([*arrays[:position], moved, *arrays[position + 1 :]])
            value = apply(rule, *inputs, **settings)
            found = gradients([value], [weights_like(value, 1)])
            pairs = zip(inputs, scales, strict=True)
            return sum((found[leaf].data * scale).sum() for leaf, scale in pairs)

        assert_close(second[position], slope(total, array), "extrapolated_difference")


TIES = np.array([1.0, 3.0, 3.0, 2.0])


def test_equal_numbers_share_the_gradient_of_a_maximum():
    x = Tensor(TIES, requires_gradient=True)
    x.max().backward()
    assert x.gradient.data.tolist() == [0, 0.5, 0.5, 0]


def test_two_equal_numbers_share_the_gradient_of_their_maximum():
    a, b = leaves([np.array(3.0), np.array(3.0)])
    apply("maximum", a, b).backward()
    assert (a.gradient.item(), b.gradient.item()) == (0.5, 0.5)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_powers_are_differentiated_at_zero_as_torch_does(exponent):
    x = Tensor([0.0], requires_gradient=True)
    y = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    ours, theirs = x**exponent, y**exponent
    for _ in range(3):
        ours = gradients([ours], create_graph=True)[x]
        (theirs,) = torch.autograd.grad(theirs, y, create_graph=True)
        assert_close(ours.data, theirs, "reordered")
        if not (ours.requires_gradient and theirs.requires_grad):
            break


def test_zero_to_a_positive_power_does_not_move_with_the_exponent():
    b = Tensor(2.0, requires_gradient=True)
    (Tensor(0.0) ** b).backward()
    assert b.gradient.item() == 0


@pytest.mark.parametrize("x", [-1e4, -700.0, -40.0, 0.0, 40.0, 1e4])
@pytest.mark.parametrize("rule", ["sigmoid", "softplus", "tanh"])
def test_a_squashing_function_is_right_for_any_size(rule, x):
    ours, theirs = Tensor([x], True), torch.tensor([x], dtype=torch.float64)
    theirs.requires_grad_()
    value = apply(rule, ours)
    expected = (
        torch.logaddexp(theirs, torch.zeros(1))
        if rule == "softplus"
        else getattr(torch, rule)(theirs)
    )
    value.sum().backward()
    expected.sum().backward()
    # Divided by its size, so that a tiny number must be right in all its digits.
    size = max(abs(expected.item()), np.finfo(float).tiny)
    assert_close(value.data / size, expected / size, "reordered")
    assert_close(ours.gradient.data, theirs.grad, "reordered")
