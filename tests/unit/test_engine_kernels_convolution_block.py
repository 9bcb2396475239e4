"""The first block of a network for pictures: a kernel beside torch's operations."""

import itertools

import pytest
import torch
from torch.nn import functional

import mica
from mica import layers
from mica.engine import ExecutionPlan, run_convolution_block, without_kernels
from mica.engine.kernels import convolution_block
from mica.plan.counting import Counting
from tests.tolerances import assert_close

pytestmark = pytest.mark.skipif(
    convolution_block._kernels() is None,
    reason=convolution_block.LIBRARY.reason or "the processor has no AVX-512",
)
TIMES_TORCHS_ERROR = 4  # the kernel's largest error, in torch's own in float32
SPACING = 2.0**-23  # of float32 at 1: where torch hits the very number, some of these
SIZES = [  # batch, height, width, channels, filters, kernel
    (1, 4, 4, 1, 1, 3),
    (2, 10, 11, 3, 5, 3),
    (3, 9, 9, 1, 33, 5),
    (2, 12, 13, 3, 20, 5),
    (5, 28, 28, 1, 32, 3),
    (2, 30, 17, 3, 64, 3),
]
every_size = pytest.mark.parametrize("sizes", SIZES, ids=str)


@pytest.fixture(autouse=True)
def kernels_for_small_pictures_too(monkeypatch):
    monkeypatch.setattr(convolution_block, "FEWEST", 0)


def draw(sizes):
    batch, height, width, channels, filters, kernel = sizes
    x = torch.randn(batch, height, width, channels)
    weight = torch.randn(filters, channels, kernel, kernel)
    return x, weight.contiguous(memory_format=torch.channels_last), torch.randn(filters)


def by_torch(x, weight, bias):
    y = functional.conv2d(x.permute(0, 3, 1, 2), weight, bias)
    return functional.max_pool2d(torch.relu(y), 2).permute(0, 2, 3, 1)


def with_gradients(run, given, slope, dtype):
    """What is computed, and the slopes by weight and bias."""
    x, weight, bias = (each.to(dtype) for each in given)
    leaves = [weight.clone().requires_grad_(), bias.clone().requires_grad_()]
    y = run(x, *leaves)
    y.backward(slope.to(dtype))
    return [y.detach(), *(each.grad for each in leaves)]


@every_size
def test_numbers_and_gradients_are_as_exact_as_torch_s(sizes):
    given = draw(sizes)
    slope = torch.randn_like(by_torch(*given))
    exact = with_gradients(by_torch, given, slope, torch.float64)
    torchs = with_gradients(by_torch, given, slope, torch.float32)
    ours = with_gradients(run_convolution_block, given, slope, torch.float32)
    for one, other, right in zip(ours, torchs, exact, strict=True):
        largest = right.abs().max()
        allowed = TIMES_TORCHS_ERROR * (other - right).abs().max() + SPACING * largest
        assert (one - right).abs().max() <= allowed


def test_memory_of_a_weight_may_lie_in_any_order():
    x, weight, bias = draw(SIZES[1])
    expected = run_convolution_block(x, weight, bias)
    assert torch.equal(run_convolution_block(x, weight.contiguous(), bias), expected)


def test_without_a_bias_there_is_none():
    x, weight, bias = draw(SIZES[1])
    found = run_convolution_block(x, weight.requires_grad_(), None)
    expected = run_convolution_block(x, weight, torch.zeros_like(bias))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("threads", [2, 3])
def test_outputs_do_not_depend_on_the_number_of_threads(threads, restored_threads):
    given = draw(SIZES[4])
    slope = torch.randn_like(by_torch(*given)) / 100
    torch.set_num_threads(1)
    alone = with_gradients(run_convolution_block, given, slope, torch.float32)
    torch.set_num_threads(threads)
    runs = [
        with_gradients(run_convolution_block, given, slope, torch.float32)
        for _ in range(2)
    ]
    assert torch.equal(alone[0], runs[0][0])
    for one, again, other in zip(*runs, alone, strict=True):
        assert torch.equal(one, again)
        assert_close(one, other)


@pytest.fixture
def restored_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_of_equal_numbers_the_first_is_taken_as_torch_does():
    x, weight, bias = torch.rand(1, 6, 6, 1), torch.zeros(2, 1, 3, 3), torch.zeros(2)
    weight[:, :, 1, 1] = 1  # of all that lies under it, the middle alone counts
    x[:, 1:5, 1:5] = 1
    slope = torch.randn(1, 2, 2, 2)
    ours = with_gradients(
        run_convolution_block, (x, weight, bias), slope, torch.float32
    )
    torchs = with_gradients(by_torch, (x, weight, bias), slope, torch.float32)
    for one, other in zip(ours, torchs, strict=True):
        assert_close(one, other)


def test_no_slope_goes_back_where_relu_gave_zero():
    x, weight = torch.ones(1, 6, 6, 1), -torch.ones(2, 1, 3, 3)
    found = with_gradients(
        run_convolution_block,
        (x, weight, torch.zeros(2)),
        torch.ones(1, 2, 2, 2),
        torch.float32,
    )
    assert all(not each.any() for each in found)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_come_out_where_torch_has_them(number):
    x, weight, bias = draw(SIZES[1])
    x[0, 3, 4, 1] = number
    found, expected = run_convolution_block(x, weight, bias), by_torch(x, weight, bias)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.isinf(), expected.isinf())
    assert_close(found.nan_to_num(0, 0, 0), expected.nan_to_num(0, 0, 0))


def test_the_gradient_has_a_gradient():
    x, weight, bias = draw((1, 6, 6, 1, 2, 3))

    def penalty(run):
        leaf = weight.clone().requires_grad_()
        y = run(x, leaf, bias)
        slope = torch.autograd.grad((y**2).sum(), leaf, create_graph=True)[0]
        return torch.autograd.grad((slope**2).sum(), leaf)[0]

    found, expected = penalty(run_convolution_block), penalty(by_torch)
    assert_close(found, expected, "trajectory")


def refused():
    x, weight, bias = draw((1, 8, 8, 3, 4, 3))
    return {
        "float64": (x.double(), weight.double(), bias.double()),
        "bfloat16": (x.bfloat16(), weight.bfloat16(), bias.bfloat16()),
        "a gradient by x": (x.clone().requires_grad_(), weight, bias),
        "gaps": (x.permute(0, 2, 1, 3), weight, bias),
        "two channels": (x[..., :2].contiguous(), weight[:, :2], bias),
        "other channels": (x[..., :1].contiguous(), weight, bias),
        "a kernel of two": (x, weight[..., :2, :2], bias),
        "a kernel not square": (x, weight[..., :2], bias),
        "a bias of another length": (x, weight, bias[:3]),
        "nothing to pool": (x[:, :3].contiguous(), weight, bias),
        "no pictures": (x[:0], weight, bias),
        "another device": (x.to("meta"), weight.to("meta"), bias.to("meta")),
        "three axes": (x[0], weight, bias),
    }


@pytest.mark.parametrize("kind", refused())
def test_what_the_kernel_cannot_do_is_left_to_torch(kind):
    assert run_convolution_block(*refused()[kind]) is None


def test_few_numbers_are_left_to_torch(monkeypatch):
    monkeypatch.undo()
    given = draw((1, 8, 8, 3, 4, 3))
    assert run_convolution_block(*given) is None


def test_transforms_and_those_who_want_torch_get_torch():
    given = draw(SIZES[1])
    with without_kernels():
        assert run_convolution_block(*given) is None
    seen = []

    def look(x):
        seen.append(run_convolution_block(x, *given[1:]))
        return x

    torch.func.vmap(look)(given[0][None])
    assert seen == [None]


def test_who_counts_sees_what_it_multiplies_and_moves():
    x, weight, bias = draw((2, 8, 8, 3, 4, 3))
    leaf, seen = weight.clone().requires_grad_(), []
    with Counting(seen.append):
        run_convolution_block(x, leaf, bias).sum().backward()
    by_name = {each.name: each for each in seen}
    flops = 2 * 2 * 6 * 6 * 4 * 27  # as of the convolution alone
    pooled = 2 * 3 * 3 * 4
    assert by_name["convolution_block"].flops == flops
    assert by_name["convolution_block_backward"].flops == flops
    sizes = 4 * (x.numel() + weight.numel() + bias.numel()) + 5 * pooled
    assert by_name["convolution_block"].num_bytes == sizes


def make_network(padding="valid", kernel=3, between=None, **arguments):
    return mica.Sequential(
        layers.Conv2D(8, kernel, padding=padding, activation="relu", **arguments),
        *([] if between is None else [between]),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )


def train(model, x, y, **arguments):
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(
        x, y, epochs=2, batch_size=8, shuffle=False, verbose=0, plan="eager",
        **arguments,
    )  # fmt: skip
    return [weight.detach().clone() for weight in model.parameters()]


@pytest.fixture
def counted(monkeypatch):
    """How often the kernel went forward."""
    calls = itertools.count()
    call = convolution_block._call

    def counting(way, *args, **kwargs):
        if way == "forward":
            next(calls)
        return call(way, *args, **kwargs)

    monkeypatch.setattr(convolution_block, "_call", counting)
    return lambda: next(calls)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("use_bias", [True, False])
def test_training_uses_the_kernel_and_ends_where_torch_s_operations_do(
    padding, kernel, use_bias, counted
):
    x, y = torch.rand(16, 12, 11, 3), torch.arange(16) % 3
    mica.set_seed(0)
    model = make_network(padding, kernel, use_bias=use_bias)
    model.predict(x[:1])
    start = [weight.detach().clone() for weight in model.parameters()]
    ours = train(model, x, y)
    assert counted() >= 4
    with torch.no_grad():
        for weight, value in zip(model.parameters(), start, strict=True):
            weight.copy_(value)
    with without_kernels():
        torchs = train(model, x, y)
    for one, other in zip(ours, torchs, strict=True):
        assert_close(one, other, "trajectory")


@pytest.mark.parametrize(
    "change",
    [
        {"strides": 2},
        {"dilation_rate": 2},
        {"groups": 3, "filters": 9},
        {"activation": "tanh"},
    ],
    ids=str,
)
def test_other_convolutions_are_computed_one_by_one(change, counted):
    change = {"filters": 8, "kernel_size": 3, "activation": "relu", **change}
    model = mica.Sequential(
        layers.Conv2D(**change),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )
    train(model, torch.rand(16, 12, 11, 3), torch.arange(16) % 3)
    assert counted() == 0


@pytest.mark.parametrize(
    "pooling",
    [
        layers.MaxPooling2D(3),
        layers.MaxPooling2D(2, 1),
        layers.MaxPooling2D(2, padding="same"),
    ],
    ids=["of 3", "overlapping", "same"],
)
def test_other_poolings_are_computed_one_by_one(pooling, counted):
    model = mica.Sequential(
        layers.Conv2D(8, 3, activation="relu"),
        pooling,
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    )
    train(model, torch.rand(16, 12, 11, 3), torch.arange(16) % 3)
    assert counted() == 0


def test_a_block_that_is_not_the_first_is_computed_by_torch(counted):
    model = mica.Sequential(
        layers.Conv2D(3, 1), make_network().layers[0], layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(3, activation="softmax"),
    )  # fmt: skip
    train(model, torch.rand(16, 12, 11, 3), torch.arange(16) % 3)
    assert counted() == 0


def test_who_hooks_a_layer_sees_what_it_gives(counted):
    model, shapes = make_network(), []
    model.predict(torch.rand(1, 12, 11, 3))
    model.layers[0].register_forward_hook(lambda *given: shapes.append(given[2].shape))
    train(model, torch.rand(16, 12, 11, 3), torch.arange(16) % 3)
    assert (8, 10, 9, 8) in shapes
    assert counted() == 0


def test_a_forward_of_one_s_own_is_kept(counted):
    model, calls = make_network(), []
    model.predict(torch.rand(1, 12, 11, 3))
    convolution = model.layers[0]

    def forward(x):
        calls.append(x.shape)
        return layers.Conv2D.forward(convolution, x)

    convolution.forward = forward
    train(model, torch.rand(16, 12, 11, 3), torch.arange(16) % 3)
    assert counted() == 0
    assert convolution.__dict__["forward"] is forward
    assert calls


def test_after_training_each_layer_does_its_own_part_again():
    model = make_network()
    x = torch.rand(16, 12, 11, 3)
    train(model, x, torch.arange(16) % 3)
    assert model.layers[0](x).shape == (16, 10, 9, 8)
    assert model.layers[1](model.layers[0](x)).shape == (16, 5, 4, 8)


def test_mixed_precision_takes_the_kernel_in_float32(counted):
    plan = ExecutionPlan(torch.device("cpu"), precision="bfloat16")
    model, x, y = make_network(), torch.rand(16, 12, 11, 3), torch.arange(16) % 3
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, batch_size=8, verbose=0, plan=plan)
    assert counted() >= 2


def test_explain_gives_the_block_s_time_to_the_convolution(counted):
    model, x, y = make_network(), torch.rand(16, 12, 11, 3), torch.arange(16) % 3
    model.compile("sgd", "sparse_categorical_crossentropy")
    report = mica.plan.explain(model, (x, y), batch_size=8, plan="eager")
    rows = {row.name: row for row in report.rows}
    assert counted() > 0
    assert rows["conv2d"].cost.flops > 2 * 8 * 10 * 8 * 8 * 27
    pooling = rows["max_pooling2d"]
    assert pooling.cost.num_bytes == 0
    assert pooling.forward < rows["conv2d"].forward
