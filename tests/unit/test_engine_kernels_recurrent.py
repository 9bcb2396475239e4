"""LSTM and GRU kernels beside torch's: numbers, gradients, threads, hostile input."""

import functools
import multiprocessing
import platform

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from mica import layers
from mica.engine import inspect_hardware, run_gru, run_lstm, without_kernels
from mica.engine.kernels import recurrent
from mica.engine.kernels.building import KernelLibrary, find_compiler
from mica.nested import flatten
from tests.tolerances import assert_close

pytestmark = pytest.mark.skipif(
    recurrent._kernels() is None, reason=recurrent.describe_kernels()
)
TIMES_TORCHS_ERROR = 4  # the kernel's largest error, in torch's own in float32
SPACING = 2.0**-23  # of float32 at 1: where torch hits the very number, some of these
KINDS = {"lstm": (layers.LSTM, run_lstm, 4), "gru": (layers.GRU, run_gru, 3)}
every_kind = pytest.mark.parametrize("kind", KINDS)
SIZES = [  # batch, time, features, units
    (1, 1, 1, 1),
    (2, 3, 5, 7),
    (6, 20, 3, 16),
    (7, 9, 17, 33),
    (13, 17, 40, 20),
    (32, 30, 14, 32),
    (3, 5, 128, 128),
    (29, 4, 6, 80),
]


def make(kind, sizes, dtype=torch.float64, bias=True):
    """Input, states and weights, large enough to bend the gates."""
    batch, time, features, units = sizes
    rows = KINDS[kind][2] * units

    def draw(*shape, scale=1.0):
        return (torch.randn(*shape, dtype=torch.float64) * scale).to(dtype)

    made = [draw(batch, time, features), draw(batch, units, scale=0.5)]
    made += [draw(batch, units)] if kind == "lstm" else []
    made += [draw(rows, features, scale=features**-0.5)]
    made += [draw(rows, units, scale=units**-0.5)]
    biases = 1 if kind == "lstm" else 2
    made += [draw(rows) if bias else None for _ in range(biases)]
    return made


def torch_run(kind, tensors):
    """What torch computes: outputs and last states."""
    if kind == "lstm":
        x, hidden, carry, weight, recurrent_weight, bias = tensors
        state, biases = (hidden[None], carry[None]), [bias]
        biases += [None if bias is None else torch.zeros_like(bias)]
    else:
        x, hidden, weight, recurrent_weight, *biases = tensors
        state = hidden[None]
    weights = [weight, recurrent_weight]
    has_biases = biases[0] is not None
    weights += biases if has_biases else []
    function = torch.lstm if kind == "lstm" else torch.gru
    made = function(x, state, weights, has_biases, 1, 0.0, True, False, True)
    return [made[0], *(one[0] for one in made[1:])]


def kernel_run(kind, tensors):
    made = KINDS[kind][1](*tensors)
    assert made is not None, "the kernel was not taken"
    return list(made)


def with_gradients(run, kind, tensors, dtype, used="all"):
    """Results and the gradients by everything there is, in float64."""
    leaves = [
        None if one is None else one.detach().to(dtype).requires_grad_()
        for one in tensors
    ]
    made = run(kind, leaves)
    chosen = {"all": made, "steps": made[:1], "last": made[1:2], "carry": made[-1:]}
    loss = sum(
        (one * torch.linspace(-1, 2, one.numel(), dtype=dtype).view_as(one)).sum()
        for one in chosen[used]
    )
    loss.backward()
    gradients = [one.grad for one in leaves if one is not None]
    return [one.detach().double() for one in (*made, *gradients)]


def assert_as_good_as_torch(kind, tensors, used="all"):
    judge = with_gradients(torch_run, kind, tensors, torch.float64, used)
    torchs = with_gradients(torch_run, kind, tensors, torch.float32, used)
    ours = with_gradients(kernel_run, kind, tensors, torch.float32, used)
    for exact, one, other in zip(judge, torchs, ours, strict=True):
        scale = max(exact.abs().max().item(), 1e-30)
        allowed = TIMES_TORCHS_ERROR * (one - exact).abs().max().item()
        allowed += TIMES_TORCHS_ERROR * SPACING * scale
        assert (other - exact).abs().max().item() <= allowed


@every_kind
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_results_and_gradients_are_as_good_as_torch_s(kind, sizes):
    assert_as_good_as_torch(kind, make(kind, sizes))


@every_kind
@pytest.mark.parametrize("used", ["steps", "last", "carry"])
def test_whatever_the_loss_looks_at_the_gradients_are_right(kind, used):
    assert_as_good_as_torch(kind, make(kind, (7, 21, 5, 18)), used)


@every_kind
def test_without_biases_the_numbers_are_right(kind):
    tensors = make(kind, (5, 6, 4, 16), bias=False)
    if kind == "lstm":
        made = kernel_run(kind, [None if t is None else t.float() for t in tensors])
        assert_close(made[0], torch_run(kind, tensors)[0])
    assert_as_good_as_torch(kind, tensors)


def test_a_gru_may_have_one_bias_of_the_two():
    tensors = [*make("gru", (5, 6, 4, 16))]
    for missing in (4, 5):
        some = [one.float() for one in tensors]
        zero = torch.zeros_like(tensors[missing])
        expected = torch_run("gru", [*tensors[:missing], zero, *tensors[missing + 1 :]])
        some[missing] = None
        assert_close(kernel_run("gru", some)[0], expected[0])


@pytest.mark.parametrize("processor", ["x86-64", "haswell"])
def test_on_older_processors_the_numbers_are_right(processor, tmp_path, monkeypatch):
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the options are those of x86-64")
    if "avx2" not in inspect_hardware().instruction_sets and processor == "haswell":
        pytest.skip("this processor has no AVX2")
    library = KernelLibrary(tmp_path, (f"-march={processor}", "-O1"))
    monkeypatch.setattr(recurrent, "LIBRARY", library)
    recurrent._kernels.cache_clear()
    try:
        assert recurrent._kernels() is not None, library.reason
        for kind in KINDS:
            assert_as_good_as_torch(kind, make(kind, (8, 9, 5, 21)))
    finally:
        recurrent._kernels.cache_clear()


ARGUMENTS = {
    "last": {},
    "steps": {"return_sequences": True},
    "states": {"return_sequences": True, "return_state": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
    "stateful": {"stateful": True},
    "dropout": {"dropout": 0.4, "seed": 3},
    "zero output": {"return_sequences": True, "zero_output_for_mask": True},
    "no bias": {"use_bias": False},
}


def trained(layer, x, mask):
    """Outputs of two calls and the gradients of the weights."""
    layer.zero_grad()
    layer.reset_state()
    x = x.clone().requires_grad_()
    made = [*flatten(layer(x, mask=mask)), *flatten(layer(x, mask=mask))]
    sum(one.square().sum() for one in made).backward()
    return [*made, x.grad, *(weight.grad for weight in layer.parameters())]


@every_kind
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_layers_give_the_same_with_and_without_the_kernel(kind, arguments, masked):
    x = torch.randn(5, 8, 3)
    mask = torch.rand(5, 8) < 0.6 if masked else None
    layer = KINDS[kind][0](17, **arguments)
    layer(x)
    twin = KINDS[kind][0](17, **arguments)
    twin(x)
    twin.load_state_dict(layer.state_dict())
    layer.train()
    twin.train()
    with without_kernels():
        expected = trained(twin, x, mask)
    for one, other in zip(trained(layer, x, mask), expected, strict=True):
        assert_close(one, other, "trajectory")


@every_kind
def test_both_directions_give_the_same_with_and_without_the_kernel(kind):
    layer = layers.Bidirectional(KINDS[kind][0](9, return_sequences=True))
    x = torch.randn(4, 7, 3)
    made = layer(x)
    with without_kernels():
        assert_close(made, layer(x))


@every_kind
def test_layers_take_the_kernel(kind):
    layer = KINDS[kind][0](4)
    name = f"_{kind.upper()}Backward"
    assert layer(torch.randn(2, 3, 5)).grad_fn.name() == name
    with without_kernels():
        assert layer(torch.randn(2, 3, 5)).grad_fn.name() != name


def _calls_for_torch(kind):
    """Calls for which only torch's own path will do."""
    tensors = [one.float() for one in make(kind, (2, 3, 4, 5))]
    x, *rest = tensors
    half = [one.bfloat16() for one in tensors]
    large = [one.float() for one in make(kind, (1, 1, 1, 300))]
    wide = [one.float() for one in make(kind, (1, 1, 20_000, 5))]
    state = rest[0][:1]
    states = 2 if kind == "lstm" else 1
    cut = [*tensors]
    cut[states + 2] = cut[states + 2][:, :-1]
    return {
        "float64": [one.double() for one in tensors],
        "bfloat16": half,
        "one in float64": [x.double(), *rest],
        "meta": [one.to("meta") for one in tensors],
        "no rows": [x[:0], *(one[:0] for one in rest[:states]), *rest[states:]],
        "no steps": [x[:, :0], *rest],
        "one row of states": [x, state, *rest[1:]],
        "too few axes": [x[0], *rest],
        "other weights": cut,
        "many units": large,
        "many features": wide,
        "a subclass": [x.as_subclass(Subclass), *rest],
    }


class Subclass(torch.Tensor):
    """A tensor that may want to see torch's operations."""


@every_kind
@pytest.mark.parametrize("call", _calls_for_torch("gru"))
def test_the_kernel_leaves_what_it_cannot_do_to_torch(kind, call):
    assert KINDS[kind][1](*_calls_for_torch(kind)[call]) is None


@every_kind
def test_lower_precision_is_left_to_torch(kind):
    tensors = [one.float() for one in make(kind, (2, 3, 4, 5))]
    with torch.autocast("cpu", torch.bfloat16):
        assert KINDS[kind][1](*tensors) is None


@every_kind
def test_compilation_is_left_to_torch(kind, monkeypatch):
    tensors = [one.float() for one in make(kind, (2, 3, 4, 5))]
    monkeypatch.setattr(recurrent, "is_compiling", lambda: True)
    assert KINDS[kind][1](*tensors) is None


@every_kind
def test_modes_that_look_on_see_torch_s_operations(kind):
    from torch.utils.flop_counter import FlopCounterMode

    tensors = [one.float() for one in make(kind, (2, 3, 4, 5))]
    with FlopCounterMode(display=False):
        assert KINDS[kind][1](*tensors) is None


@every_kind
def test_gradients_of_single_examples_work(kind):
    layer = KINDS[kind][0](4)
    x = torch.randn(3, 5, 2)
    layer(x)
    weights = {name: one.detach() for name, one in layer.named_parameters()}

    def loss(weights, row):
        return torch.func.functional_call(layer, weights, (row[None],)).square().sum()

    found = torch.func.grad(loss)(weights, x[1])
    layer(x[1:2]).square().sum().backward()
    for name, weight in layer.named_parameters():
        assert_close(found[name], weight.grad)


@every_kind
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is dep:DeprecationWarning")
def test_derivatives_along_a_direction_work(kind):
    with torch.autograd.forward_ad.dual_level():
        tensors = [one.float() for one in make(kind, (2, 3, 4, 5))]
        dual = torch.autograd.forward_ad.make_dual(tensors[0], tensors[0])
        assert KINDS[kind][1](dual, *tensors[1:]) is None


@every_kind
def test_gradients_of_gradients_are_those_of_the_loop(kind):
    def penalty(layer, x, run):
        x = x.clone().requires_grad_()
        outputs = run(layer, x)
        [slope] = torch.autograd.grad(outputs.square().sum(), x, create_graph=True)
        weights = list(layer.parameters())
        return torch.autograd.grad(slope.square().sum() + outputs.sum(), weights)

    def by_kernel(layer, x):
        made = layer(x)
        assert "Backward" in made.grad_fn.name()
        return made

    def by_loop(layer, x):
        return layer._loop(x, layer._first_states(x, None), None)[0]

    layer = KINDS[kind][0](6, return_sequences=True)
    x = torch.randn(4, 5, 3)
    layer(x)
    ours = penalty(layer, x, by_kernel)
    for one, other in zip(ours, penalty(layer, x, by_loop), strict=True):
        assert_close(one, other, "trajectory")


@every_kind
def test_frozen_weights_and_inputs_get_no_gradient(kind):
    tensors = [one.float() for one in make(kind, (3, 4, 5, 6))]
    for place in range(len(tensors)):
        leaves = [one.detach().clone() for one in tensors]
        leaves[place].requires_grad_()
        kernel_run(kind, leaves)[0].sum().backward()
        expected = [one.detach().clone() for one in tensors]
        expected[place].requires_grad_()
        torch_run(kind, expected)[0].sum().backward()
        assert_close(leaves[place].grad, expected[place].grad, "trajectory")
        assert all(one.grad is None for one in leaves if one is not leaves[place])


@every_kind
def test_inference_gives_the_numbers_of_training(kind):
    tensors = [one.float() for one in make(kind, (7, 8, 5, 20))]
    trained = kernel_run(kind, [one.clone().requires_grad_() for one in tensors])
    with torch.inference_mode():
        inferred = kernel_run(kind, tensors)
    for one, other in zip(trained, inferred, strict=True):
        assert torch.equal(one, other)


@every_kind
def test_a_gradient_may_be_asked_for_twice(kind):
    leaves = [one.float().requires_grad_() for one in make(kind, (3, 20, 5, 6))]
    loss = kernel_run(kind, leaves)[1].sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    for one, other in zip(first, torch.autograd.grad(loss, leaves), strict=True):
        assert torch.equal(one, other)


@every_kind
def test_nan_spreads_as_in_torch(kind):
    tensors = make(kind, (14, 30, 4, 18))
    tensors[0][2, 5, 1] = float("nan")
    ours = with_gradients(kernel_run, kind, tensors, torch.float32)
    theirs = with_gradients(torch_run, kind, tensors, torch.float32)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.isnan(), other.isnan())


@every_kind
def test_nan_behind_a_loss_that_ignores_it_spreads_as_in_torch(kind):
    tensors = [one.float() for one in make(kind, (14, 30, 4, 18))]
    tensors[0][2, 5, 1] = float("nan")
    kept = torch.zeros(14, 1)
    found = []
    for run in (kernel_run, torch_run):
        leaves = [one.clone().requires_grad_() for one in tensors]
        last = run(kind, leaves)[1]
        last.backward(kept.expand_as(last).clone())
        found.append([one.grad.isnan() for one in leaves])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@every_kind
@pytest.mark.parametrize("size", [1e4, 1e30, 3e38])
def test_huge_numbers_saturate(kind, size):
    tensors = [one.float() for one in make(kind, (9, 12, 1, 18))]
    tensors[0] = tensors[0].sign() * size
    leaves = [one.requires_grad_() for one in tensors]
    made = kernel_run(kind, leaves)
    assert all(one.isfinite().all() for one in made)
    made[0].sum().backward()
    assert leaves[2].grad.isfinite().all()
    assert_close(made[0], torch_run(kind, leaves)[0], "trajectory")


@every_kind
def test_tensors_with_gaps_give_the_same_bits(kind):
    tensors = [one.float() for one in make(kind, (6, 7, 5, 18))]
    expected = kernel_run(kind, tensors)
    gaps = [torch.stack([one, one], -1)[..., 0] for one in tensors]
    gaps[0] = tensors[0].transpose(0, 1).contiguous().transpose(0, 1)
    assert not any(one.is_contiguous() for one in gaps)
    for one, other in zip(kernel_run(kind, gaps), expected, strict=True):
        assert torch.equal(one, other)


@every_kind
def test_gradients_long_gone_end_in_exact_zeros(kind):
    sizes = (14, 700, 3, 18)
    tensors = [one * 0.2 for one in make(kind, sizes)]
    judge = with_gradients(torch_run, kind, tensors, torch.float64, "last")
    ours = with_gradients(kernel_run, kind, tensors, torch.float32, "last")
    by_input = ours[-len(tensors)]
    assert (by_input[:, :300] == 0).all()
    assert (by_input[:, -20:] != 0).any()
    for one, other in zip(ours, judge, strict=True):
        assert_close(one.float(), other, "trajectory")


def _in_threads(count, work):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return work()
    finally:
        torch.set_num_threads(before)


@every_kind
def test_outputs_do_not_depend_on_the_number_of_threads(kind):
    tensors = [one.float() for one in make(kind, (31, 6, 5, 20))]
    work = functools.partial(kernel_run, kind, tensors)
    for one, other in zip(_in_threads(1, work), _in_threads(3, work), strict=True):
        assert torch.equal(one, other)


@every_kind
def test_gradients_repeat_to_the_bit_for_a_number_of_threads(kind):
    tensors = make(kind, (31, 6, 5, 20))
    work = functools.partial(with_gradients, kernel_run, kind, tensors, torch.float32)
    first, second, alone = _in_threads(3, work), _in_threads(3, work), work()
    for one, other, single in zip(first, second, alone, strict=True):
        assert torch.equal(one, other)
        assert_close(one.float(), single, "trajectory")


class Sequences(Dataset):
    """Computes with the kernel where the data are loaded."""

    def __init__(self, kind):
        self.kind = kind
        self.tensors = [one.float() for one in make(kind, (8, 5, 4, 6))]

    def __len__(self):
        return 4

    def __getitem__(self, index):
        torch.set_num_threads(2)  # more than survive a fork
        return kernel_run(self.kind, self.tensors)[0]


@every_kind
def test_forked_processes_compute_too(kind):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    data = Sequences(kind)
    expected = _in_threads(2, lambda: data[0])
    loader = DataLoader(
        data, batch_size=2, num_workers=2, multiprocessing_context="fork", timeout=60
    )
    for batch in loader:
        assert torch.equal(batch[0], expected)


def test_memory_that_is_not_there_is_an_error_not_a_crash(monkeypatch):
    class Full:
        def mica_lstm_forward(self, fields):
            return 1

    tensors = [one.float() for one in make("lstm", (2, 3, 4, 5))]
    monkeypatch.setattr(recurrent, "_kernels", Full)
    with pytest.raises(MemoryError, match=r"^mica_lstm_forward$"):
        run_lstm(*tensors)


def test_a_compiler_here_means_a_kernel_here():
    assert find_compiler() is not None
