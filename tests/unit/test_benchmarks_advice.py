"""The benchmark of advice: what it promised, what it brought, and the share kept."""

import pytest

from benchmarks import advice, results
from mica.plan.promises import CHANGES


def item(promised, after, name="tiny-batch"):
    return {
        "name": name,
        "what": "20-64-64-2",
        "action": "batch",
        "promised": promised,
        "before": [2.0] * len(after),
        "after": after,
    }


def test_what_an_advice_brought_is_the_median_of_the_rounds():
    done = advice.judge(item(0.5, [1.0, 1.2, 1.9]))
    assert done.promised == 0.5
    assert done.brought == pytest.approx(0.4)
    assert done.low <= done.brought <= done.high


@pytest.mark.parametrize(
    ("after", "kept"), [(1.0, True), (1.5, True), (1.51, False), (2.5, False)]
)
def test_half_of_the_promise_is_enough(after, kept):
    assert advice.judge(item(0.5, [after] * 5)).is_kept is kept


def test_the_page_says_the_share_that_was_kept():
    items = [
        item(0.5, [1.0] * 3, "kept"),
        item(0.5, [2.0] * 3, "not kept"),
        item(0.01, [2.0] * 3, "small"),
        item(0.0, [], "silent"),
    ]
    page = advice.section(items, ", today: here")
    assert "1 of 2 pieces of advice (50%) brought half of what they promised" in page
    assert "| kept: 20-64-64-2 | batch | 2.00x | 2.00x | 2.00x to 2.00x | yes |" in page
    assert "| 2.00x | 1.00x | 1.00x to 1.00x | no |" in page
    assert "| too small to tell |" in page
    assert "| silent: 20-64-64-2 | batch | not advised | | | |" in page
    assert "`python -m benchmarks advice`, today: here." in page
    assert results.SECTIONS["advice"] is advice.section


def test_every_kind_of_advice_that_can_be_followed_has_a_situation():
    followed = {case.action for case in advice.CASES.values()}
    assert followed == set(CHANGES) - {"sync"}  # which only a GPU knows
    assert len(advice.CASES) >= 12


def test_a_run_keeps_each_situation(monkeypatch, capsys):
    monkeypatch.setattr(advice, "promise_of", lambda work, action: 0.5)
    monkeypatch.setattr(advice, "_epoch", lambda work: lambda: float(work.batch_size))
    kept = []
    advice.run(kept.append, "tiny-batch", seconds=0.0)
    (done,) = kept
    assert done["before"] == [32.0] * advice.FEWEST
    assert done["after"] == [64.0] * advice.FEWEST
    assert "0 of 1 pieces of advice (0%)" in capsys.readouterr().err
    monkeypatch.setattr(advice, "promise_of", lambda work, action: 0.0)
    advice.run(kept.append, "tiny-batch", seconds=0.0)
    assert kept[1]["before"] == []


def test_following_an_advice_changes_what_it_is_about():
    work = advice.CASES["tiny-batch"].before()
    assert advice.CASES["tiny-batch"].follow(work).batch_size == 64
    assert advice.CASES["lstm-bfloat16"].follow(work).plan.precision == "bfloat16"
    assert advice.CASES["tiny-threads"].follow(work).plan.threads == 1
    assert advice.CASES["adam-fused"].follow(work).make is not work.make
