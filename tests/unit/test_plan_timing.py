"""Timing of plans: turns, failures, and what counts as faster."""

import itertools
import math

import pytest
import torch

from mica.plan import timing
from mica.plan.timing import Timed, in_words, is_faster, take_turns, time_block, wait


class Turns:
    """Blocks that say who ran, and take the seconds they are told to."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def block(self, name: str, seconds: float):
        def run() -> float:
            self.order.append(name)
            return seconds

        return run


def test_candidates_take_turns_in_alternating_order():
    turns = Turns()
    timed = take_turns([turns.block("a", 1.0), turns.block("b", 1.1)], 4)
    assert "".join(turns.order) == "abbaabba"
    assert [each.seconds for each in timed] == [[1.0] * 4, [1.1] * 4]


def test_a_candidate_far_behind_runs_three_rounds_only():
    turns = Turns()
    timed = take_turns([turns.block("a", 1.0), turns.block("b", 2.1)], 9)
    assert turns.order.count("b") == 3
    assert timed[1].median == 2.1


def test_the_first_candidate_runs_on_however_slow_it_is():
    turns = Turns()
    blocks = [turns.block(name, time) for name, time in (("a", 9), ("b", 1), ("c", 1))]
    take_turns(blocks, 5)
    assert turns.order.count("a") == 5


def test_timing_ends_when_its_seconds_are_over_but_after_three_rounds():
    turns = Turns()
    take_turns([turns.block("a", 1.0), turns.block("b", 1.0)], 50, seconds=0.0)
    assert len(turns.order) == 6


def test_a_candidate_that_fails_is_told_and_the_others_go_on():
    def broken() -> float:
        raise RuntimeError("no kernel for this\nsecond line")

    timed = take_turns([lambda: 1.0, broken, lambda: 0.9], 4)
    assert timed[1].failure == "it failed: RuntimeError: no kernel for this"
    assert timed[1].median == math.inf
    assert [len(timed[index].seconds) for index in (0, 2)] == [4, 4]


def test_a_failure_of_the_first_candidate_is_raised():
    def broken() -> float:
        raise RuntimeError("the model itself is broken")

    with pytest.raises(RuntimeError, match=r"^the model itself is broken$"):
        take_turns([broken, lambda: 1.0], 4)


def test_long_messages_are_shortened():
    assert in_words(ValueError("x" * 500)) == f"it failed: ValueError: {'x' * 117}..."


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [
        ([1.0] * 10, [1.1] * 10, True),
        ([1.0] * 10, [1.02] * 10, False),  # less than the gain that is asked for
        ([1.0] * 6, [1.5] * 6, False),  # six wins in a row: chance in 1 of 64
        ([1.0] * 7, [1.5] * 7, True),
        ([1.0] * 8 + [2.0] * 2, [1.5] * 10, False),  # 8 of 10: chance in 1 of 18
        ([], [], False),
        ([1.0] * 9, [1.5] * 3, False),  # three rounds in common
    ],
)
def test_faster_means_by_the_gain_and_beyond_chance(mine, others, expected):
    assert is_faster(mine, others, gain=0.03) is expected


def test_a_block_gives_the_seconds_of_one_step():
    done: list[int] = []
    seconds = time_block(done.append, 5, torch.device("cpu"))
    assert done == [0, 1, 2, 3, 4]
    assert 0 < seconds < 1


def test_a_processor_is_never_waited_for():
    wait(torch.device("cpu"))


def test_nothing_timed_has_no_finite_median():
    assert Timed().median == math.inf


@pytest.mark.parametrize(
    ("second", "over", "rounds"),
    [(0.8, 2.0, 7), (0.8, 4.0, 3), (1.0, 2.0, 3), (1.1, 2.0, 3)],
    ids=["ahead", "ahead, but too late", "equal", "behind"],
)
def test_a_candidate_that_is_ahead_gets_the_rounds_that_decide(
    monkeypatch, second, over, rounds
):
    now = itertools.chain([0.0], itertools.repeat(over))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(now))
    timed = take_turns([lambda: 1.0, lambda: second], 15, seconds=1.0)
    assert [len(each.seconds) for each in timed] == [rounds, rounds]


def test_a_heading_is_told_with_the_line_below_it():
    error = RuntimeError("the backend raised:\n\n  no compiler was found\nsecond line")
    said = "it failed: RuntimeError: the backend raised: no compiler was found"
    assert in_words(error) == said
    assert in_words(ValueError("")) == "it failed: ValueError: "
