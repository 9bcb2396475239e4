"""Class weights: what each row counts, and labels that cannot be weighed."""

import re

import numpy as np
import pytest
import torch

from mica.data import balanced_class_weight, class_sample_weight
from mica.errors import ConfigError, DataError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


LABELS = {
    "list": [0, 2, 2],
    "array": np.array([0, 2, 2], dtype="uint8"),
    "column": np.array([[0], [2], [2]]),
    "floats": np.array([0.0, 2.0, 2.0]),
    "one-hot": np.eye(3)[[0, 2, 2]],
    "tensor": torch.tensor([0, 2, 2]),
}


@pytest.mark.parametrize("form", LABELS)
def test_rows_count_as_their_class_does(form):
    assert class_sample_weight(LABELS[form], {0: 3, 2: 0.5}).tolist() == [3, 0.5, 0.5]


def test_a_class_left_out_counts_one():
    assert class_sample_weight([0, 1], {1: 2}).tolist() == [1, 2]


def test_weights_of_rows_and_classes_multiply():
    assert class_sample_weight([0, 1], {1: 2}, [5, 7]).tolist() == [5, 14]


def test_balanced_classes_count_the_same_in_all():
    labels = np.array([0] * 6 + [1] * 3 + [4])
    weight = class_sample_weight(labels, "balanced")
    sums = [weight[labels == label].sum().item() for label in (0, 1, 4)]
    assert sums == pytest.approx([10 / 3] * 3)
    assert balanced_class_weight(labels)[4] == 10 / 3


@pytest.mark.parametrize("given", ["equal", 3, [1, 2]])
def test_class_weights_are_a_dict_or_balanced(given):
    sentence = (
        "class_weight: expected a dict such as {0: 1.0, 1: 5.0} or 'balanced', got "
        f"{given!r}. Name each label and its weight."
    )
    with refused(ConfigError, sentence):
        class_sample_weight([0, 1], given)


@pytest.mark.parametrize("label", [7, "cat"])
def test_a_label_that_does_not_occur_is_refused(label):
    sentence = (
        f"class_weight: expected labels that occur in y (0, 1), got {label!r}. Use the "
        "numbers of the classes."
    )
    with refused(ConfigError, sentence):
        class_sample_weight([0, 1], {label: 1.0})


@pytest.mark.parametrize("weight", [-1, float("inf"), float("nan"), "2"])
def test_a_class_weight_is_finite_and_not_negative(weight):
    sentence = (
        f"class_weight: expected a finite weight of at least 0 for class 1, got "
        f"{weight!r}. 1 leaves a class as it is."
    )
    with refused(ConfigError, sentence):
        class_sample_weight([0, 1], {1: weight})


def test_weights_that_silence_every_row_are_refused():
    sentence = (
        "class_weight: expected at least one weight above 0, got only zeros: nothing "
        "could be learned. Look at what made the weights."
    )
    with refused(DataError, sentence):
        class_sample_weight([0, 1], {0: 0, 1: 0})


def test_numbers_are_no_classes():
    sentence = (
        "class_weight: expected class labels, got numbers such as 1.5. Class weights "
        "belong to classification; give sample_weight instead."
    )
    with refused(ConfigError, sentence):
        class_sample_weight([1.0, 1.5], "balanced")


def test_several_outputs_have_no_one_class():
    sentence = (
        "class_weight: expected one target, got several. Give sample_weight for each "
        "output instead."
    )
    with refused(ConfigError, sentence):
        class_sample_weight({"a": [0, 1], "b": [0, 1]}, "balanced")


def test_pictures_of_labels_have_no_one_class():
    sentence = (
        "class_weight: expected one label per row, got targets of shape (2, 3, 3). "
        "Give sample_weight instead."
    )
    with refused(ConfigError, sentence):
        class_sample_weight(np.zeros((2, 3, 3), dtype=int), "balanced")


def test_weights_of_other_rows_are_refused():
    sentence = (
        "sample_weight: expected 2 rows as in y, got 3. Give every sample one weight."
    )
    with refused(DataError, sentence):
        class_sample_weight([0, 1], {1: 2}, [1, 2, 3])
