"""The worst mistakes: which samples are chosen, and how they are shown."""

import math
import re

import numpy as np
import pytest
import torch

from mica.errors import DataError, ShapeError
from mica.report import Images, Table
from mica.view import prediction_chart, worst_mistakes, worst_residuals


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


TRUE = np.array([0, 1, 1, 0])
SHARES = np.array([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])


def test_the_highest_loss_comes_first():
    report = worst_mistakes(None, TRUE, SHARES)
    table = report.parts[1]
    assert table.column(0) == [1, 0]
    assert table.column(4) == pytest.approx([-math.log(0.1), -math.log(0.4)])
    assert report.parts[0].body == "2 of 4 samples are wrong."


def test_fewer_than_all_are_shown_and_counted():
    report = worst_mistakes(None, TRUE, SHARES, count=1)
    assert report.parts[1].column(0) == [1]
    assert report.parts[0].body == (
        "2 of 4 samples are wrong; the 1 with the largest loss are shown."
    )


def test_without_a_mistake_the_least_certain_are_shown():
    report = worst_mistakes(None, [0, 1], [[0.9, 0.1], [0.4, 0.6]], count=1)
    assert report.title == "Least certain samples"
    assert report.parts[0].body == (
        "None of 2 samples is wrong; the least certain are shown."
    )
    assert report.parts[1].column(0) == [1]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_probabilities_of_class_one_are_enough(shape):
    report = worst_mistakes(None, TRUE, SHARES[:, 1].reshape(shape), ["no", "yes"])
    assert report.parts[1].rows[0][:3] == (1, "yes", "no")


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 1), (4, 8, 8, 3)])
def test_images_are_shown_as_pictures_with_captions(shape):
    x = torch.arange(math.prod(shape)).reshape(shape)
    part = worst_mistakes(x, TRUE, torch.tensor(SHARES), ["cat", "dog"]).parts[1]
    assert isinstance(part, Images)
    assert part.captions[0] == "#1: true dog, predicted cat (0.9)"
    assert np.array_equal(part.images[0], x[1].numpy())


def test_a_picture_among_several_inputs_is_found():
    x = {"age": np.arange(4), "photo": np.zeros((4, 8, 8))}
    assert isinstance(worst_mistakes(x, TRUE, SHARES).parts[1], Images)


def frame_of(kind: str):
    columns = {"age": [10, 11, 12, 13], "town": ["a", "b", "c", "d"]}
    if kind == "dict":
        return columns
    if kind == "rows":
        return [{"age": 10 + k, "town": "abcd"[k]} for k in range(4)]
    return pytest.importorskip(kind).DataFrame(columns)


@pytest.mark.parametrize("kind", ["dict", "rows", "pandas", "polars"])
def test_rows_of_any_table_keep_their_columns(kind):
    table = worst_mistakes(frame_of(kind), TRUE, SHARES).parts[1]
    assert table.columns[-2:] == ("age", "town")
    assert table.rows[0][-2:] == (11, "b")


def test_a_column_called_like_ours_is_kept_apart():
    x = {"true": [1, 2, 3, 4]}
    table = worst_mistakes(x, TRUE, SHARES).parts[1]
    assert table.columns.count("true") == 2
    assert table.rows[0][-1] == 2


def test_many_columns_are_cut_with_a_note():
    table = worst_mistakes(np.zeros((4, 20)), TRUE, SHARES).parts[1]
    assert table.columns[5:] == tuple(f"x{k}" for k in range(8))
    assert table.note == "12 more of each sample's values are not shown."


@pytest.mark.parametrize(
    ("x", "names", "columns"),
    [
        (np.zeros((4, 2)), ["age", "height"], ("age", "height")),
        (np.zeros((4, 2)), ["too few"], ("x0", "x1")),
        (np.array(["a", "b", "c", "d"]), None, ("x",)),
        (np.zeros((4, 2, 2)), None, ("x0", "x1", "x2", "x3")),
    ],
)
def test_columns_are_named(x, names, columns):
    table = worst_mistakes(x, TRUE, SHARES, feature_names=names).parts[1]
    assert table.columns[5:] == columns


def test_lengths_that_differ_are_refused():
    sentence = (
        "worst_mistakes: expected one of each per sample, got 3 x and 4 targets and "
        "4 probabilities. Give the same samples in the same order."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_mistakes(np.zeros((3, 2)), TRUE, SHARES)


def test_no_sample_is_refused():
    sentence = "worst_mistakes: expected at least one sample, got none. Give some."
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_mistakes(None, [], np.zeros((0, 2)))


def test_another_number_of_columns_is_refused():
    sentence = (
        "worst_mistakes: expected probabilities of shape (n, 3), got (4, 2). "
        "Give one column per class."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        worst_mistakes(None, TRUE, SHARES, ["a", "b", "c"])


def test_logits_are_refused():
    sentence = (
        "worst_mistakes: expected probabilities within 0..1, got -3 in row 0. "
        "Give what predict returns, not logits."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_mistakes(None, [0], [[-3.0, 4.0]])


def test_nan_is_refused():
    sentence = (
        "worst_mistakes: expected probabilities within 0..1, got nan in row 1. "
        "Give what predict returns, not logits."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_mistakes(None, [0, 1], [[0.5, 0.5], [np.nan, 0.5]])


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_the_largest_residual_comes_first(shape):
    report = worst_residuals(
        None, np.array([1.0, 2.0, 3.0]), np.array([1.5, 0.0, 3.0]).reshape(shape)
    )
    assert report.parts[0].body == (
        "The median error of 3 samples is 0.5; the largest is 2."
    )
    assert report.parts[1].rows[0] == (1, 2.0, 0.0, -2.0)


def test_of_several_outputs_the_farthest_counts():
    table = worst_residuals(None, np.zeros((2, 3)), np.diag([1.0, -5.0, 0])[:2]).parts[
        1
    ]
    assert table.columns == ("sample", "output", "true", "predicted", "residual")
    assert table.rows[0] == (1, 1, 0.0, -5.0, -5.0)


def test_residuals_of_pictures_have_captions():
    part = worst_residuals(np.zeros((2, 8, 8)), [1.0, 2.0], [1.0, 4.0]).parts[1]
    assert isinstance(part, Images)
    assert part.captions[0] == "#1: true 2, predicted 4"


def test_one_sample_is_singular():
    body = worst_residuals(None, [1.0], [2.0]).parts[0].body
    assert body == "The median error of 1 sample is 1; the largest is 1."


def test_shapes_that_differ_are_refused():
    sentence = (
        "worst_residuals: expected targets and predictions of one shape, got (2, 1) "
        "and (2, 2). Give one prediction for each target."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        worst_residuals(None, [1.0, 2.0], np.zeros((2, 2)))


def test_words_are_refused_as_numbers():
    sentence = (
        "worst_residuals: expected numbers as targets, got <U1. "
        "Give integers or floats."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_residuals(None, ["a"], [1.0])


def test_numbers_that_are_not_finite_are_refused_with_their_row():
    sentence = (
        "worst_residuals: expected finite predictions, got nan in row 1. "
        "Leave such rows out."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        worst_residuals(None, [1.0, 2.0], [1.0, np.nan])


def test_the_prediction_chart_has_a_line_where_predictions_are_right():
    chart = prediction_chart(torch.tensor([[1.0], [3.0]]), [1.5, 2.0])
    samples, right = chart.series
    assert samples.points() == [(1.0, 1.5), (3.0, 2.0)]
    assert right.points() == [(1.0, 1.0), (3.0, 3.0)]
    assert (chart.kind, right.kind) == ("points", "line")


def test_several_outputs_have_a_cloud_each():
    chart = prediction_chart(np.zeros((2, 2)), np.ones((2, 2)))
    names = [line.name for line in chart.series]
    assert names == ["output 0", "output 1", "exactly right"]


def test_rows_of_numbers_are_a_table():
    assert isinstance(worst_mistakes(np.zeros((4, 3)), TRUE, SHARES).parts[1], Table)
