"""The benchmarks judge rightly: turns, medians, intervals, and the page."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks import accuracy, programs, regret, results
from benchmarks.cpu import Race, Runner
from benchmarks.measure import compare, interval, take_bounded_turns, take_turns
from benchmarks.zoo import ZOO


def test_candidates_take_turns_in_alternating_order():
    calls: list[str] = []

    def candidate(name: str) -> Callable[[], float]:
        return lambda: calls.append(name) or 1.0

    times = take_turns({"a": candidate("a"), "b": candidate("b")}, rounds=2)
    assert "".join(calls) == "ab" + "ab" + "ba"
    assert times == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_the_warm_up_is_dropped():
    supply: Iterator[float] = iter([100.0, 1.0, 2.0])
    assert take_turns({"a": lambda: next(supply)}, rounds=2) == {"a": [1.0, 2.0]}


def test_the_interval_of_equal_values_is_a_point():
    assert interval([1.5] * 9) == (1.5, 1.5)


def test_the_interval_holds_the_median_and_not_the_extremes():
    low, high = interval([1.0, *[2.0 + index / 100 for index in range(20)], 9.0])
    assert 2.0 < low < 2.1 < high < 2.2


def test_a_drift_of_the_machine_cancels_in_the_ratio():
    times = {"fit": [1.1, 2.2, 4.4], "loop": [1.0, 2.0, 4.0]}
    row = compare("drift", times, of="fit", to="loop", limit=1.2)
    assert row.ratio == pytest.approx(1.1)
    assert (row.ratio_low, row.ratio_high) == (pytest.approx(1.1), pytest.approx(1.1))
    assert (row.of_seconds, row.to_seconds, row.rounds) == (2.2, 2.0, 3)


def test_a_result_is_stored_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    times = {"fit": [1.1], "loop": [1.0]}
    results.store("overhead", [compare("net", times, "fit", "loop", 1.2)])
    page = results.render(tmp_path)
    assert json.loads((tmp_path / "overhead.json").read_text())["name"] == "overhead"
    assert (
        "| net | fit | loop | 1.100 s | 1.000 s | 1.100 | 1.100 to 1.100 | 1.2 |"
        in page
    )


def test_the_page_of_benchmarks_is_current():
    assert results.PAGE.read_text(encoding="utf-8") == results.render()


def _clock(step: float = 1.0) -> Callable[[], float]:
    now = iter(index * step for index in range(1000))
    return lambda: next(now)


def test_bounded_rounds_end_with_the_time_but_are_three_at_least():
    times = take_bounded_turns({"a": lambda: 1.0}, 0.0, clock=_clock())
    assert times == {"a": [1.0] * 3}
    times = take_bounded_turns({"a": lambda: 1.0}, 6.5, clock=_clock())
    assert len(times["a"]) == 3 + 6
    times = take_bounded_turns({"a": lambda: 1.0}, 99.0, most=5, clock=_clock())
    assert len(times["a"]) == 5


def test_a_slow_candidate_runs_two_rounds_and_a_failed_one_no_more():
    candidates = {"a": lambda: 1.0, "slow": lambda: 11.0, "failed": lambda: math.inf}
    times = take_bounded_turns(candidates, 0.0, fewest=4, slow=10.0, clock=_clock())
    assert times == {"a": [1.0] * 4, "slow": [11.0] * 2, "failed": [math.inf]}


@pytest.fixture(name="race")
def _race() -> dict[str, Any]:
    return {
        "name": "tiny",
        "what": "20-64-64-2",
        "samples": 100,
        "seconds": {
            "mica-auto": [1.0, 1.0, 1.0],
            "mica-float32": [2.0, 2.0, 2.0],
            "torch-plain": [4.0, 4.0, 4.0],
            "torch-bfloat16": [1.5, 1.5, 1.5],
            "torch-tuned": [3.0, 3.0, 3.0],
            "keras-torch": [50.0, 50.0],
        },
        "peak_bytes": dict.fromkeys(
            ("mica-auto", "mica-float32", "torch-plain", "torch-bfloat16",
             "torch-tuned", "keras-torch"), 10**9,
        ),
        "notes": {"keras-torch": "2 rounds: more than 10 times slower."},
        "versions": {"torch": "2"},
        "promises": {"auto": 2.0, "float32": 2.0},
        "against": "torch-plain",
    }  # fmt: skip


def test_rounds_of_a_slow_peer_are_paired_with_the_first_ones(race):
    assert Race(**race).ratio("mica-auto", "keras-torch") == (50.0, 50.0, 50.0)


TUNED = "1.50 (1.50 to 1.50; torch-bfloat16) | 1.50 (1.50 to 1.50; torch-tuned)"


@pytest.mark.parametrize(
    ("against", "auto", "float32"),
    [
        ("torch-plain", "4.00 (4.00 to 4.00; torch-plain)",
         "2.00 (2.00 to 2.00; torch-plain)"),
        ("", "3.50 (3.50 to 3.50; skorch)", "1.75 (1.75 to 1.75; skorch)"),
    ],
)  # fmt: skip
def test_promises_are_judged_beside_frameworks_as_people_use_them(
    against, auto, float32, race, tmp_path, monkeypatch
):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    race["seconds"]["skorch-"], race["peak_bytes"]["skorch-"] = [3.5] * 3, 10**9
    results.keep("cpu", {**race, "against": against})
    row = f"| tiny | {auto} | 2.0 | {float32} | 2.0 | {TUNED} | 3, "
    assert row in results.render()


def test_arithmetic_stands_beside_that_of_matrix_products(race, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    ceilings = {"float32": 2e9, "bfloat16": 4e9}
    results.keep("cpu", {**race, "flops": 3e7, "ceilings": ceilings})
    # 100 samples of 0.03 GFLOP in 1, 2, 1.5 and 3 seconds.
    assert "| tiny | 30.00 | 3 | 2 | 2 | 1 | 2 | 4 |" in results.render()


def test_items_that_did_not_run_again_stay(race, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.keep("cpu", race)
    results.keep("cpu", {**race, "name": "mlp"})
    path = results.keep("cpu", {**race, "samples": 7})
    items = json.loads(path.read_text())["items"]
    assert [(each["name"], each["samples"]) for each in items] == [
        ("tiny", 7),
        ("mlp", 100),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["cpu.json"]


def test_the_regret_is_the_ratio_to_the_fastest_candidate():
    times = {"eager": [2.0, 4.0, 6.0], "one": [1.1, 2.2, 3.3], "two": [1.0, 2.0, 3.0]}
    found = regret.judge(
        "net", times, "one", "eager", dropped={"three": "other"}, search_seconds=1.0
    )
    assert found.best == "two"
    assert found.to_eager == pytest.approx(0.55)
    assert (found.to_best, found.best_low) == pytest.approx((1.1, 1.1))
    assert not found.harms
    assert found.milliseconds["eager"] == pytest.approx(4000)


@pytest.mark.parametrize(
    ("adopted", "harms"), [([1.01] * 4, False), ([1.03] * 4, True), ([0.9, 1.5], False)]
)
def test_a_plan_harms_when_it_is_slower_beyond_noise(adopted, harms):
    times = {"eager": [1.0] * len(adopted), "one": adopted}
    found = regret.judge("net", times, "one", "eager", dropped={}, search_seconds=0.0)
    assert found.harms == harms


def test_the_page_says_how_many_models_are_never_slower(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    for name, mine in (("a", 0.5), ("b", 1.5)):
        times = {"eager": [1.0] * 3, "one": [mine] * 3}
        found = regret.judge(
            name, times, "one", "eager", dropped={"x": "nan"}, search_seconds=0.0
        )
        results.keep("regret", asdict(found))
    page = results.render()
    assert "- Never slower than eager by more than 2 % beyond noise: 1 of 2" in page
    assert "median 1.250 (promised: at most 1.02), worst 1.500, b (" in page
    assert "| b | one | 1.500 (1.500 to 1.500) | 1.500 (1.500 to 1.500) | eager |" in (
        page
    )
    assert "- a: x: nan" in page


def test_the_zoo_has_more_models_than_promised_and_their_data_fit_their_batches():
    assert len(ZOO) >= 30
    for subject in ZOO.values():
        x, y = subject.data()
        first = x[0] if isinstance(x, list) else x
        assert len(first) == len(y) == 2 * subject.batch_size, subject.name


def test_accuracies_are_within_two_standard_errors_or_outside():
    verdict = accuracy.judge([0.9, 1.0], [0.9, 1.0])
    assert (verdict.difference, verdict.within) == (0.0, True)
    # Variances 0.005 / 2 each: the error of the difference is sqrt(0.005).
    assert verdict.two_errors == pytest.approx(2 * 0.005**0.5)
    assert not accuracy.judge([0.5, 0.6], [0.9, 1.0]).within
    assert accuracy.judge([0.5], [0.5]).within


def test_the_page_counts_the_plans_that_were_adopted(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    run = {"accuracy": 0.9, "plan": "cpu", "seconds": 2.0}
    runs = {
        "float32": [{**run, "seed": 0}, {**run, "seed": 1}],
        "auto": [{**run, "seed": 0}, {**run, "seed": 1, "plan": "other"}],
    }
    results.keep("accuracy", {"name": "m", "what": "w", "rows": 9, "runs": runs})
    page = results.render()
    assert "| m: w (only 9 rows) | float32 | 2 | 0.9000 | | | 2.0 s | 2 x cpu |" in page
    assert (
        "| auto | 2 | 0.9000 | +0.0000 | 0.0000, within | 2.0 s | 1 x cpu; 1 x other |"
        in page
    )


def test_accuracies_of_a_program_count_up_to_the_goal():
    lines = ["plan cpu", "accuracy 0.5", "accuracy 0.99", "accuracy 0.7"]
    assert programs.reached(lines, 0.99) == [0.5, 0.99]
    assert programs.reached(lines, None) == [0.5, 0.99, 0.7]


def test_the_page_shows_programs_that_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    done = {"seconds": 3.0, "epochs": 2, "value": 0.99, "plan": "cpu"}
    runs = {"mica": [done, {**done, "seconds": 5.0}], "torch": [{"error": "no torch"}]}
    results.keep("time", {"name": "mnist", "what": "to 99 %", "runs": runs})
    page = results.render()
    assert "| mnist: to 99 % | mica | 4.0 s | 3.0, 5.0 | 2, 2 | cpu |" in page
    assert "| mnist: to 99 % | torch | | | | 1 failed: no torch |" in page


def test_generated_photos_have_a_folder_for_each_class(tmp_path):
    folder = programs.make_photos(tmp_path / "photos", count=2)
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert found == ["cats/cats.0.jpg", "cats/cats.1.jpg", "dogs/dogs.0.jpg",
                     "dogs/dogs.1.jpg"]  # fmt: skip


def test_a_process_that_answers_late_badly_or_not_at_all_is_skipped():
    def said(program: str, seconds: float = 20.0) -> str:
        runner = Runner("some", [sys.executable, "-c", program], 1)
        runner.read(seconds, "an epoch")
        runner.end()
        return runner.skipped

    assert said("import time; time.sleep(9)", 0.05) == "an epoch took more than 0 s"
    assert said("print('word')") == "an epoch ended with a line that is no answer"
    assert said("pass") == "its process ended"
    assert said("""print('{"error": "no room"}')""") == "no room"
    assert said("""print('{"seconds": 1}')""") == ""
    assert Runner("some", "not installed", 1).epoch() == math.inf
