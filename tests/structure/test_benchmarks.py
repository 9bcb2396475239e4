"""The benchmarks judge rightly: turns, medians, intervals, and the page."""

import json
from collections.abc import Callable, Iterator

import pytest

from benchmarks import results
from benchmarks.measure import compare, interval, take_turns


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
