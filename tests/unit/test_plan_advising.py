"""Advice on measurements that are made up: what limits a part, and what would help."""

import pytest

from mica.plan import Limits
from mica.plan.advising import Circumstances, Cost, advise, bound_of, cost_of
from mica.plan.counting import Operation

# 100 GFLOP/s, 10 GB/s, 5 microseconds to launch an operation, 1 at the very least.
LIMITS = Limits(
    "cpu", 1, {"float32": 1e11, "bfloat16": 4e11}, ((2**30, 1e10),), 5e-6, 1e-6
)
PLAIN = Circumstances(32, step_seconds=0.1)
QUICK = Circumstances(32, bfloat16_gain=4.0, step_seconds=0.1)


def product(rows, inputs, outputs, precision="float32"):
    """The product of a dense layer."""
    moved = 4.0 * (rows * inputs + inputs * outputs + rows * outputs)
    return Operation("mm", 2.0 * rows * inputs * outputs, moved, precision)


def copy(num_bytes):
    return Operation("copy_", 0.0, num_bytes, "float32")


@pytest.mark.parametrize(
    ("operations", "bound"),
    [
        ([product(32, 10, 10)] * 3, "launch"),
        ([product(1024, 1024, 1024)], "compute"),
        ([copy(1e8)], "memory"),
        ([product(1, 4096, 4096)], "memory"),  # one row reads all the weights
        ([], "launch"),
    ],
    ids=["ten channels", "large product", "huge copy", "one row", "nothing"],
)
def test_what_limits_a_layer(operations, bound):
    assert bound_of("layer", cost_of(operations, LIMITS)) == bound


def test_fetching_batches_is_bound_by_input():
    assert bound_of("(data)", cost_of([copy(1e9)], LIMITS)) == "input"


def test_waiting_counts_on_a_gpu_alone():
    reading = Operation("_local_scalar_dense", 0.0, 4.0, "float32", waits=True)
    cost = cost_of([reading, product(1024, 1024, 1024)], LIMITS)
    assert bound_of("layer", cost) == "compute"
    assert bound_of("layer", cost, on_gpu=True) == "sync"


def test_the_attainable_time_is_the_largest_need_of_each_operation():
    cost = cost_of([product(1024, 1024, 1024), copy(1e8), copy(4.0)], LIMITS)
    assert cost.attainable == pytest.approx(2 * 1024**3 / 1e11 + 1e8 / 1e10 + 1e-6)
    assert cost.compute == pytest.approx(2 * 1024**3 / 1e11)
    assert cost.memory == pytest.approx((3 * 4 * 1024**2 + 1e8 + 4) / 1e10)
    assert cost.launch == pytest.approx(15e-6)
    assert cost.operations == 3


def test_half_precision_has_its_own_ceiling():
    single = cost_of([product(1024, 1024, 1024)], LIMITS).compute
    half = cost_of([product(1024, 1024, 1024, "bfloat16")], LIMITS).compute
    assert single == pytest.approx(4 * half)


def test_arithmetic_is_faster_in_bfloat16_where_the_chip_has_it():
    cost = cost_of([product(1024, 1024, 1024)], LIMITS)
    found = advise("dense", "Dense", 0.03, cost, QUICK)
    assert found.action == "bfloat16"
    assert found.sentence == "bfloat16 multiplies 4 times as fast here."
    assert found.gain == pytest.approx(0.75 * cost.compute)


@pytest.mark.parametrize(
    "around",
    [PLAIN, Circumstances(32, "bfloat16", bfloat16_gain=4.0)],
    ids=["no bfloat16", "bfloat16 already"],
)
def test_arithmetic_near_the_limit_has_nothing_to_gain(around):
    cost = cost_of([product(1024, 1024, 1024)], LIMITS)
    found = advise("dense", "Dense", 1.2 * cost.compute, cost, around)
    assert found == ("none", "It runs near this machine's limit.", 0.0)


def test_arithmetic_far_from_the_limit_may_have_odd_sizes():
    cost = cost_of([product(1024, 1024, 1024)], LIMITS)
    found = advise("dense", "Dense", 5 * cost.compute, cost, PLAIN)
    assert found.action == "none"
    assert found.sentence == (
        "Sizes in multiples of 16, or a larger batch, may fill the machine better."
    )


def test_a_small_layer_wants_a_larger_batch():
    cost = cost_of([product(32, 10, 10)] * 3, LIMITS)
    found = advise("dense", "Dense", 40e-6, cost, QUICK)
    assert found.action == "batch"
    assert found.sentence == "A larger batch is launched as often for more rows."
    needed = max(cost.compute, cost.memory)
    assert found.gain == pytest.approx((40e-6 - 2 * needed) / 2)


def test_a_small_layer_on_a_gpu_wants_to_be_captured():
    cost = cost_of([product(32, 10, 10)] * 3, LIMITS)
    found = advise("dense", "Dense", 40e-6, cost, Circumstances(32, on_gpu=True))
    assert found.action == "capture"
    assert found.sentence == (
        'Launched as one piece (plan "graph") it waits for Python no more.'
    )
    assert 0 < found.gain < 20e-6


def test_waiting_for_the_device_is_named():
    reading = Operation("_local_scalar_dense", 0.0, 4.0, "float32", waits=True)
    cost = cost_of([reading, reading], LIMITS)
    found = advise("own", "Own", 1e-3, cost, Circumstances(32, on_gpu=True))
    assert found.action == "sync"
    assert found.sentence == "It waits for the device 2 times: read values after fit."
    assert found.gain == pytest.approx((1e-3 - cost.attainable) / 2)


def test_an_update_that_is_not_fused_should_be():
    cost = cost_of([copy(1e6)] * 9, LIMITS)
    around = Circumstances(32, fused=False)
    found = advise("(optimizer)", "", 5e-3, cost, around)
    assert found.action == "fused"
    assert found.sentence == "A fused update does it in one operation."


def test_a_fused_update_of_many_weights_is_done_less_often():
    cost = cost_of([copy(1e8)], LIMITS)
    found = advise("(optimizer)", "", 0.02, cost, PLAIN)
    assert found == ("batch", "A larger batch updates the weights less often.", 0.01)


def test_a_copy_is_half_as_long_in_bfloat16():
    cost = cost_of([copy(1e8)], LIMITS)
    found = advise("norm", "BatchNormalization", 0.02, cost, QUICK)
    assert found.action == "bfloat16"
    assert found.sentence == "bfloat16 halves the bytes of what flows between layers."
    assert found.gain == pytest.approx(0.3 * cost.memory)


def test_an_activation_of_its_own_moves_bytes_for_nothing():
    around = Circumstances(32, elementwise=frozenset({"ReLU"}))
    cost = cost_of([copy(1e8)], LIMITS)
    found = advise("relu", "ReLU", 0.02, cost, around)
    assert found.action == "join"
    assert found.sentence == (
        "Inside the layer before (activation=...) it moves fewer bytes."
    )
    assert found.gain == pytest.approx(cost.memory / 2)


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (0.011, "It moves its bytes near this machine's limit."),
        (0.05, "It moves bytes more than it computes: fewer or smaller outputs help."),
    ],
)
def test_bytes_that_must_be_moved(seconds, sentence):
    cost = cost_of([copy(1e8)], LIMITS)
    assert advise("pool", "MaxPooling2D", seconds, cost, PLAIN) == (
        "none",
        sentence,
        0.0,
    )


@pytest.mark.parametrize(
    ("seconds", "in_memory", "action", "sentence", "gain"),
    [
        (0.001, False, "none", "Batches come fast enough.", 0.0),
        (0.08, True, "batch", "A larger batch is gathered at once.", 0.02),
        (
            0.08,
            False,
            "read ahead",
            "Read batches while the step computes: DataLoader(num_workers=1).",
            0.02,
        ),
        (
            0.03,
            False,
            "read ahead",
            "Read batches while the step computes: DataLoader(num_workers=1).",
            0.03,
        ),
    ],
)
def test_slow_input(seconds, in_memory, action, sentence, gain):
    around = Circumstances(32, step_seconds=0.1, in_memory=in_memory)
    found = advise("(data)", "", seconds, Cost(), around)
    assert found[:2] == (action, sentence)
    assert found.gain == pytest.approx(gain)


def test_rows_that_fit_into_memory_should_be_there():
    around = Circumstances(32, step_seconds=0.1, in_memory=False, fits=True)
    assert advise("(data)", "", 0.08, Cost(), around) == (
        "memory",
        "All rows fit into memory: as arrays they are there at once.",
        pytest.approx(0.072),
    )


def test_reading_ahead_takes_a_core_from_the_step():
    around = Circumstances(32, step_seconds=0.1, in_memory=False, spare_core=False)
    assert advise("(data)", "", 0.04, Cost(), around).gain == pytest.approx(0.02)


@pytest.mark.parametrize("part", ["(data)", "(host)", "(optimizer)", "layer"])
@pytest.mark.parametrize("around", [PLAIN, QUICK, Circumstances(1, on_gpu=True)])
def test_no_gain_is_larger_than_the_part_or_below_zero(part, around):
    for operations in ([], [copy(1e9)], [product(64, 64, 64)] * 7):
        cost = cost_of(operations, LIMITS)
        for factor in (1.0, 2.0, 50.0):
            seconds = factor * max(cost.attainable, 1e-5)
            assert 0 <= advise(part, "", seconds, cost, around).gain <= seconds
