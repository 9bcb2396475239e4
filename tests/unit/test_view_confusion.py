"""The confusion matrix: counts, shares, and the forms its data may come in."""

import re

import numpy as np
import pytest
import torch

from mica.errors import DataError, ShapeError
from mica.view import class_table, confused_pairs, confusion_matrix, confusion_report


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


TRUE = [0, 0, 1, 2, 2, 2]
GUESS = [0, 1, 1, 2, 2, 0]
COUNTS = ((1, 1, 0), (0, 1, 0), (1, 0, 2))


@pytest.mark.parametrize(
    ("targets", "predictions"),
    [
        (TRUE, GUESS),
        (np.array(TRUE, np.uint8), np.array(GUESS, np.float32)),
        (torch.tensor(TRUE), torch.tensor(GUESS)),
        (np.array(TRUE)[:, None], np.eye(3)[GUESS]),
        (np.eye(3, dtype=int)[TRUE], torch.eye(3, dtype=torch.bfloat16)[GUESS]),
        (torch.eye(3)[TRUE], 5 * torch.eye(3, requires_grad=True)[GUESS] - 2),
    ],
    ids=["lists", "arrays", "tensors", "column", "one-hot", "logits"],
)
def test_every_form_of_classes_gives_the_same_counts(targets, predictions):
    assert confusion_matrix(targets, predictions).values == COUNTS


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_probabilities_of_class_one_are_split_at_one_half(shape):
    shares = np.array([0.1, 0.5, 0.51, 0.9]).reshape(shape)
    assert confusion_matrix([0, 0, 0, 1], shares).values == ((2, 1), (0, 1))


def test_names_are_looked_up_and_sorted_when_none_are_given():
    matrix = confusion_matrix(["dog", "cat"], ["dog", "dog"])
    assert matrix.row_labels == ("cat", "dog")
    assert matrix.values == ((0, 1), (0, 1))
    given = confusion_matrix(["dog", "cat"], [0, 0], ["dog", "cat"])
    assert given.values == ((1, 0), (1, 0))


def test_a_class_without_a_sample_keeps_its_row():
    assert confusion_matrix([0, 2], [0, 2], ["a", "b", "c"]).values[1] == (0, 0, 0)


def test_counts_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    truth, guess = generator.integers(0, 7, (2, 500))
    matrix = confusion_matrix(truth, guess)
    assert np.array_equal(matrix.values, metrics.confusion_matrix(truth, guess))
    expected = metrics.precision_recall_fscore_support(truth, guess)
    table = class_table(matrix)
    measured = [[row[k] for row in table.rows] for k in (3, 2, 4, 1)]
    assert np.abs(np.array(measured) - np.array(expected)).max() < 1e-12


def test_shares_of_nothing_are_empty_cells():
    table = class_table(confusion_matrix([0, 0], [0, 0], ["a", "b"]))
    assert table.rows == (("a", 2, 1.0, 1.0, 1.0), ("b", 0, None, None, None))


def test_confused_pairs_are_told_apart_even_with_equal_names():
    matrix = confusion_matrix([0, 1, 1], [1, 0, 0], ["same", "same"])
    assert confused_pairs(matrix).rows == (
        ("same", "same", 2, 1.0),
        ("same", "same", 1, 1.0),
    )


def test_a_report_leaves_out_pairs_when_there_are_none():
    titles = [part.title for part in confusion_report([0, 1, 2], [0, 1, 2]).parts]
    assert titles == ["Confusion matrix", "Each class"]


@pytest.mark.parametrize(
    ("targets", "predictions", "got"),
    [([0, 1], [0], "2 and 1"), (0, [0], "one and 1")],
)
def test_lengths_that_differ_are_refused(targets, predictions, got):
    sentence = (
        "confusion_matrix: expected as many targets as predictions, "
        f"got {got}. Give one prediction for each target."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix(targets, predictions)


def test_no_sample_is_refused():
    sentence = "confusion_matrix: expected at least one sample, got none. Give some."
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([], [])


def test_another_number_of_columns_is_refused():
    sentence = (
        "confusion_matrix: expected predictions of shape (n,) or (n, 2), "
        "got (2, 3). Give one class per sample, or one column per class."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        confusion_matrix([0, 1], np.zeros((2, 3)), ["a", "b"])


def test_a_number_without_a_class_is_refused():
    sentence = (
        "confusion_matrix: expected targets as class numbers 0..1, got 2 in row 1. "
        "Give a label name for each class."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([0, 2], [0, 1], ["a", "b"])


def test_a_name_without_a_class_is_refused():
    sentence = (
        "confusion_matrix: expected predictions among 2 label names, got 'bird'. "
        "Add it to label_names."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix(["cat"], ["bird"], ["cat", "dog"])


def test_fractions_are_refused_as_classes_of_three():
    sentence = (
        "confusion_matrix: expected predictions as class numbers 0..2, got 0.5. "
        "Give whole numbers, or one column per class."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([0, 2], [0.5, 1.0])


def test_fractions_above_one_are_refused_as_probabilities():
    sentence = (
        "confusion_matrix: expected predictions as class numbers 0..1, got 1.5. "
        "Give whole numbers, or one column per class."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([0, 1], [0.5, 1.5], ["a", "b"])


def test_nan_is_refused_with_its_row():
    sentence = (
        "confusion_matrix: expected predictions without NaN, got one in row 1. "
        "Leave such rows out."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([0, 1], [0.0, np.nan])


def test_rows_of_different_lengths_are_refused():
    sentence = (
        "view: expected an array, got rows of different lengths. "
        "Give rows of one length."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        confusion_matrix([[0, 1], [1]], [0, 1])
