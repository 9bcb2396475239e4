"""The verdict: beside the baselines, in words, with the rows it is wrong about."""

import dataclasses
import math

import numpy as np
import pytest

from mica import workflow
from mica.report import Report
from mica.workflow.baseline import Baseline, baseline_table
from mica.workflow.judge import is_clear, likely_range
from tests.tables import write_houses


@pytest.fixture(scope="module")
def digits():
    return workflow.open_task("digits")


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    path = write_houses(tmp_path_factory.mktemp("data") / "houses.csv")
    return workflow.open_task(path, "price")


def outputs_with_mistakes(task, count):
    """Sure and right, but for the first `count` rows."""
    outputs = np.full((len(task.y_test), 10), 0.01)
    answers = task.y_test.copy()
    answers[:count] = (answers[:count] + 1) % 10
    outputs[np.arange(len(answers)), answers] = 0.91
    return outputs


def rival(mistakes, name="logistic regression"):
    return Baseline(name, 1 - float(mistakes.mean()), mistakes)


# Wilson's interval: (p, n) -> bounds, from the formula worked out by hand.
@pytest.mark.parametrize(
    ("wrong", "rows", "low", "high"),
    [(0, 1, 0.0, 0.793), (0, 30, 0.0, 0.114), (10, 20, 0.299, 0.701), (5, 5, 0.566, 1)],
)
def test_the_range_of_a_share_is_wilsons(wrong, rows, low, high):
    mistakes = np.array([1.0] * wrong + [0.0] * (rows - wrong))
    found = likely_range(mistakes, is_share=True)
    assert [round(value, 3) for value in found] == [low, high]


def test_the_range_of_an_error_is_the_normal_one():
    mistakes = np.array([1.0, 2.0, 3.0, 4.0])
    half = 1.96 * mistakes.std(ddof=1) / 2
    found = likely_range(mistakes, is_share=False)
    assert found == pytest.approx((2.5 - half, 2.5 + half))


def test_one_error_has_no_range():
    assert likely_range(np.array([2.0]), is_share=False) == (-math.inf, math.inf)


def test_the_range_of_errors_ends_at_zero():
    assert likely_range(np.array([0.0, 0.0, 9.0]), is_share=False)[0] == 0.0


def test_a_difference_on_few_rows_is_never_clear():
    assert not is_clear(np.ones(9))
    assert is_clear(np.ones(10))


def test_no_difference_is_not_clear():
    assert not is_clear(np.zeros(100))


def test_classes_have_two_baselines(digits):
    simple = workflow.baselines(digits)
    assert [each.name for each in simple] == ["majority class", "logistic regression"]
    assert [each.note for each in simple] == ["always '3'", ""]
    majority = np.bincount(digits.y_train).argmax()
    assert simple[0].score == pytest.approx((digits.y_test == majority).mean())
    assert 0.9 < simple[1].score < 1


def test_numbers_have_two_baselines_in_their_own_unit(houses):
    middle, linear = workflow.baselines(houses)
    truth = houses.encoder.decode(houses.y_test)
    median = np.median(houses.encoder.decode(houses.y_train))
    assert middle.name == "median"
    assert middle.score == pytest.approx(np.abs(truth - median).mean())
    assert linear.name == "ridge regression"
    assert linear.score < middle.score / 2


def test_a_baseline_of_many_rows_is_fitted_on_some(digits):
    many = 6000
    task = dataclasses.replace(
        digits,
        x_train=np.resize(digits.x_train, (2 * many, 2, 2, 1)),
        y_train=np.resize(digits.y_train, 2 * many),
        x_test=digits.x_test[:, :2, :2],
    )
    assert workflow.baselines(task)[1].note == "learned from 10,000 of 12,000 rows"


def test_the_table_of_baselines_names_the_measure(digits, houses):
    simple = [rival(np.zeros(3))]
    assert baseline_table(digits, simple).columns[1] == "test accuracy"
    assert baseline_table(houses, simple).columns[1] == "test mean absolute error"


def test_a_network_that_is_clearly_better_is_called_good(digits):
    mistakes = np.zeros(360)
    mistakes[100:140] = 1
    verdict = workflow.judge(
        digits, outputs_with_mistakes(digits, 4), [rival(mistakes)]
    )
    assert verdict.finding.severity == "good"
    assert verdict.finding.fact == (
        "This network is better than logistic regression, the best baseline."
    )
    assert verdict.finding.evidence == (
        "On 360 test rows the network alone is right in 40, logistic regression alone "
        "in 4."
    )
    assert verdict.finding.remedy == ""


def test_a_network_that_is_clearly_worse_is_warned_of(digits):
    outputs = outputs_with_mistakes(digits, 40)
    verdict = workflow.judge(digits, outputs, [rival(np.zeros(360))])
    assert verdict.finding.severity == "warning"
    assert verdict.finding.fact == "Logistic regression is better than this network."
    assert verdict.finding.remedy == (
        "Use logistic regression, or bring more rows or better columns."
    )


def test_a_network_like_its_baseline_is_called_so(digits):
    mistakes = np.zeros(360)
    mistakes[:3] = 1
    verdict = workflow.judge(
        digits, outputs_with_mistakes(digits, 3), [rival(mistakes)]
    )
    assert verdict.finding.severity == "note"
    assert verdict.finding.fact == (
        "This network and logistic regression cannot be told apart."
    )
    assert verdict.finding.evidence == (
        "On 360 test rows both are right and wrong in the same ones."
    )
    assert verdict.finding.remedy == (
        "Prefer logistic regression, which is simpler, or bring more rows."
    )


def test_the_best_baseline_is_the_one_compared_with(digits):
    bad = rival(np.ones(360), "majority class")
    good = rival(np.zeros(360))
    verdict = workflow.judge(digits, outputs_with_mistakes(digits, 0), [bad, good])
    assert "logistic regression" in verdict.finding.fact


@pytest.mark.parametrize(
    ("shift", "evidence"),
    [
        (0.0, "On 24 test rows its error is smaller by 1000 on average."),
        (3000.0, "On 24 test rows its error is larger by 2000 on average."),
    ],
)
def test_errors_are_compared_in_the_unit_of_the_target(houses, shift, evidence):
    truth = houses.encoder.decode(houses.y_test)
    step = truth + shift
    low, high = houses.encoder.decode([[0.0], [1.0]])
    outputs = ((step - low) / (high - low))[:, np.newaxis]
    simple = [rival(np.full(len(truth), 1000.0), "ridge regression")]
    verdict = workflow.judge(houses, outputs, simple)
    assert verdict.finding.evidence == evidence


def test_the_score_stands_below_the_baselines(digits):
    verdict = workflow.judge(
        digits, outputs_with_mistakes(digits, 4), [rival(np.zeros(360))]
    )
    assert verdict.measure == "test accuracy"
    assert verdict.score == pytest.approx(356 / 360)
    assert verdict.comparison.columns == ("model", "test accuracy", "remark")
    assert verdict.comparison.rows[-1] == (
        "this network",
        verdict.score,
        "likely 0.9718 to 0.9957 on new rows",
    )


def test_the_five_worst_mistakes_are_pictures(digits):
    verdict = workflow.judge(
        digits, outputs_with_mistakes(digits, 9), [rival(np.zeros(360))]
    )
    assert isinstance(verdict.mistakes, Report)
    text, pictures = verdict.mistakes.parts
    assert text.body == (
        "9 of 360 samples are wrong; the 5 with the largest loss are shown."
    )
    assert [np.shape(image)[:2] for image in pictures.images] == [(8, 8)] * 5


def test_the_largest_errors_are_called_by_their_row_in_the_file(houses):
    outputs = houses.y_test[:, np.newaxis].copy()
    outputs[3] += 5
    verdict = workflow.judge(houses, outputs, [rival(np.zeros(24), "ridge regression")])
    table = verdict.mistakes.parts[1]
    assert table.columns == (
        "sample", "true", "predicted", "residual", "area", "district", "sold",
    )  # fmt: skip
    assert table.rows[0][0] == houses.test_places[3]
