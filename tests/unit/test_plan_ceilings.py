"""Ceilings of the machine: measured, kept, and measured anew when the file is wrong."""

import json
import sys

import pytest
import torch

from mica.engine import cache_folder
from mica.plan import Limits, find_limits, forget_limits, measure_limits
from mica.plan.ceilings import COPIED_BYTES, raised, remember_limits

CEILINGS = sys.modules["mica.plan.ceilings"]
LIMITS = Limits(
    "cpu",
    1,
    {"float32": 1e11, "bfloat16": 4e11, "float64": 5e10},
    tuple((size, 1e11 / (1 + place)) for place, size in enumerate(COPIED_BYTES)),
    5e-6,
    1e-6,
)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    forget_limits()
    asked = []

    def measured(device):
        asked.append(device)
        return LIMITS

    monkeypatch.setattr(CEILINGS, "measure_limits", measured)
    yield asked
    forget_limits()


def path():
    return cache_folder("ceilings") / "limits.json"


def test_what_was_measured_is_kept_on_the_disk(nothing_kept):
    assert find_limits("cpu") == LIMITS
    CEILINGS._found.clear()  # as another process begins
    assert find_limits("cpu") == LIMITS
    assert len(nothing_kept) == 1


def test_forgetting_measures_anew(nothing_kept):
    find_limits("cpu")
    forget_limits()
    assert not path().exists()
    find_limits("cpu")
    assert len(nothing_kept) == 2


@pytest.mark.parametrize("count", [1, 2])
def test_another_number_of_threads_is_measured_on_its_own(
    count, nothing_kept, monkeypatch
):
    find_limits("cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77 + count)
    find_limits("cpu")
    assert len(nothing_kept) == 2
    assert len(json.loads(path().read_text())["limits"]) == 2


def spoiled(change):
    """The file of the cache with one thing changed."""
    kept = json.loads(path().read_text())
    (key,) = kept["limits"]
    change(kept, kept["limits"][key])
    return json.dumps(kept)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept, entry: kept.update(format=99),
        lambda kept, entry: kept.update(limits=[]),
        lambda kept, entry: entry.update(threads="many"),
        lambda kept, entry: entry.pop("seconds_per_kernel"),
        lambda kept, entry: entry["flops_per_second"].update(float32=-1.0),
        lambda kept, entry: entry["flops_per_second"].pop("bfloat16"),
        lambda kept, entry: entry.update(seconds_per_operation=float("nan")),
        lambda kept, entry: entry.update(seconds_per_kernel=float("inf")),
        lambda kept, entry: entry.update(bytes_per_second=[[1, 2]]),
        lambda kept, entry: entry.update(bytes_per_second=7),
    ],
    ids=range(10),
)
def test_a_damaged_or_foreign_file_is_measured_anew(change, nothing_kept):
    find_limits("cpu")
    path().write_text(spoiled(change))
    CEILINGS._found.clear()
    assert find_limits("cpu") == LIMITS
    assert len(nothing_kept) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\x00\xff", '{"format": 1}'], ids=range(6)
)
def test_a_file_of_something_else_is_measured_anew(text, nothing_kept):
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_bytes(text.encode("latin-1"))
    assert find_limits("cpu") == LIMITS
    assert len(nothing_kept) == 1


def test_a_disk_that_cannot_be_written_is_no_matter(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    CEILINGS._found.clear()
    assert find_limits("cpu") == LIMITS


def test_a_ceiling_is_the_most_ever_seen():
    other = Limits(
        "cpu",
        1,
        {"float32": 2e11, "bfloat16": 1e11},
        tuple((size, 6e10) for size in COPIED_BYTES),
        9e-6,
        5e-7,
    )
    both = raised(LIMITS, other)
    assert both.flops_per_second == {"float32": 2e11, "bfloat16": 4e11, "float64": 5e10}
    rates = [rate for _, rate in both.bytes_per_second]
    assert rates == [1e11, 6e10, 6e10, 6e10, 6e10]
    assert both.seconds_per_operation == 5e-6
    assert both.seconds_per_kernel == 5e-7


def test_remembered_limits_replace_the_ones_before():
    find_limits("cpu")
    better = raised(LIMITS, Limits("cpu", 1, {"float32": 9e12}, ((1, 1.0),), 1.0, 1.0))
    remember_limits("cpu", better)
    CEILINGS._found.clear()
    assert find_limits("cpu") == better


def test_bytes_beyond_the_largest_tensor_move_at_main_memory_s_speed():
    last = LIMITS.bytes_per_second[-1][1]
    assert LIMITS.bandwidth(1e12) == last
    assert LIMITS.bandwidth(1) == 1e11
    assert LIMITS.memory_seconds(1e12) == 1e12 / last


def test_an_unknown_precision_is_taken_for_the_fastest():
    assert LIMITS.compute_seconds(4e11, "float16") == 1.0
    assert LIMITS.compute_seconds(4e11, "float32") == 4.0


def test_a_real_machine_has_ceilings():
    # The real function: the fixture replaces the name that find_limits looks up.
    found = measure_limits("cpu", seconds=0.02)
    assert found.threads == torch.get_num_threads()
    assert set(found.flops_per_second) == {"float32", "bfloat16", "float64"}
    assert [size for size, _ in found.bytes_per_second] == list(COPIED_BYTES)
    assert all(rate > 1e6 for _, rate in found.bytes_per_second)
    assert 0 < found.seconds_per_kernel <= found.seconds_per_operation < 1
