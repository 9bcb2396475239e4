"""What holds for every input of the reference engine."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mica.reference import Tensor, apply, functions, gradients
from tests.tolerances import assert_close

NUMBERS = st.floats(-3, 3, allow_nan=False, width=32)


def matrices(*shape):
    return arrays.arrays(np.float64, shape, elements=NUMBERS)


PAIRS = st.shared(
    arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3)
)


def fresh(array):
    return Tensor(array, requires_gradient=True)


@given(PAIRS, st.integers(0, 99))
def test_summing_back_is_the_adjoint_of_broadcasting(shapes, seed):
    random = np.random.RandomState(seed)
    a, b = (fresh(random.randn(*shape)) for shape in shapes.input_shapes)
    seed_gradient = np.asarray(random.randn(*shapes.result_shape))
    found = gradients([a + b], [seed_gradient])
    for part in (a, b):
        # <spread out x, g> = <x, g summed back>, for the very x at hand.
        spread = np.broadcast_to(part.data, shapes.result_shape)
        assert found[part].shape == part.shape
        assert_close(
            (found[part].data * part.data).sum(), (spread * seed_gradient).sum()
        )


CUTS = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))


@given(CUTS, st.integers(0, 5), st.integers(0, 99))
def test_folding_is_the_adjoint_of_cutting_windows(cut, extra, seed):
    size, stride, dilation = cut
    random = np.random.RandomState(seed)
    x = random.randn(2, dilation * (size - 1) + 1 + extra, 3)
    settings = {"axis": 1, "size": size, "stride": stride, "dilation": dilation}
    windows = apply("windows", x, **settings)
    g = random.randn(*windows.shape)
    folded = apply("fold", g, length=x.shape[1], **settings)
    assert_close((windows.data * g).sum(), (x * folded.data).sum())


@given(st.lists(st.integers(0, 4), max_size=8), st.integers(0, 99))
def test_putting_is_the_adjoint_of_taking(places, seed):
    random = np.random.RandomState(seed)
    x, g = random.randn(5, 2), random.randn(len(places), 2)
    key = (np.array(places, int),)
    taken, put = apply("index", x, key=key), apply("put", g, key=key, shape=(5, 2))
    assert_close((taken.data * g).sum(), (x * put.data).sum())


# Any expression of smooth operations: a list of steps, each of which takes one or two
# of the tensors made so far.
STEPS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 99), st.integers(0, 99)), max_size=12
)


def expression(x, steps):
    made = [x, x * 0.5 + 1]
    for kind, one, other in steps:
        a, b = made[one % len(made)], made[other % len(made)]
        made.append(
            [
                lambda a, b: a + b,
                lambda a, b: a - b,
                lambda a, b: a.tanh() * b.tanh(),
                lambda a, b: a / (b * b + 1),
                lambda a, b: a.tanh().exp() + b,
                lambda a, b: (a * a + 1).log() * b.sigmoid(),
                lambda a, b: a.sum(0) + b.mean(1, keepdims=True),
                lambda a, b: functions.softmax(a.mT) @ b.tanh(),
            ][kind](a, b)
        )
    # The last is the root: what leads nowhere is a dead branch.
    return (made[-1].tanh() * made[len(made) // 2].sigmoid()).sum()


@given(matrices(3, 3), matrices(3, 3), STEPS)
def test_the_slope_of_any_expression_is_its_finite_difference(start, direction, steps):
    x = fresh(start)
    slope = (gradients([expression(x, steps)])[x].data * direction).sum()

    def along(t):
        return expression(Tensor(start + t * direction), steps).item()

    step = 1e-3
    near, far = along(step) - along(-step), along(2 * step) - along(-2 * step)
    assert_close(slope, (8 * near - far) / (12 * step), "composed_difference")


@given(matrices(3, 3), matrices(3, 3), STEPS)
def test_second_derivatives_do_not_depend_on_the_order(left, right, steps):
    # u' H v = v' H u: the matrix of second derivatives is symmetric.
    x = fresh(np.linspace(-1, 1, 9).reshape(3, 3))
    first = gradients([expression(x, steps)], create_graph=True)[x]

    def curved(u, v):
        return (gradients([(first * u).sum()], retain_graph=True)[x].data * v).sum()

    assert_close(curved(left, right), curved(right, left), "composed_difference")


@given(matrices(3, 3), STEPS, NUMBERS)
def test_a_gradient_is_linear_in_its_seed(start, steps, factor):
    x = fresh(start)
    root = expression(x, steps)
    one = gradients([root], [1.0], retain_graph=True)[x]
    many = gradients([root], [factor])[x]
    assert_close(many.data, factor * one.data, "reordered")


@given(matrices(3, 3), STEPS)
def test_two_roots_give_the_sum_of_their_gradients(start, steps):
    x = fresh(start)
    first, second = expression(x, steps), expression(x, steps[::-1])
    together = gradients([first, second], retain_graph=True)[x]
    apart = [gradients([root])[x].data for root in (first, second)]
    assert_close(together.data, apart[0] + apart[1], "reordered")


@given(matrices(3, 3), STEPS)
def test_remembering_gradients_does_not_change_them(start, steps):
    x = fresh(start)
    root = expression(x, steps)
    remembered = gradients([root], create_graph=True)[x]
    plain = gradients([root])[x]
    assert (remembered.data == plain.data).all()
    assert not plain.requires_gradient


@given(matrices(4, 5), st.floats(-1e4, 1e4))
def test_softmax_is_blind_to_a_common_shift(scores, shift):
    here, there = (functions.softmax(Tensor(scores + s)).data for s in (0.0, shift))
    assert_close(here.sum(-1), np.ones(4))
    assert_close(there, here)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=7), st.integers(0, 99))
def test_joining_and_cutting_apart_gives_the_parts_again(widths, seed):
    random = np.random.RandomState(seed)
    parts = [random.randn(2, width) for width in widths]
    joined = functions.concatenate([Tensor(part) for part in parts], 1)
    assert (joined.data == np.concatenate(parts, 1)).all()


@given(st.integers(0, 99))
def test_a_batch_is_its_examples_one_by_one(seed):
    random = np.random.RandomState(seed)
    weight = fresh(random.randn(4, 2, 3, 3))
    pictures = random.randn(3, 5, 6, 2)
    whole = functions.convolve(Tensor(pictures), weight, padding=1)
    parts = [functions.convolve(Tensor(p[None]), weight, padding=1) for p in pictures]
    assert_close(whole.data, np.concatenate([part.data for part in parts]))
    total = gradients([(whole**2).sum()])[weight]
    apart = [gradients([(part**2).sum()])[weight].data for part in parts]
    assert_close(total.data, sum(apart))
