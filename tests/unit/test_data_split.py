"""Splits: who goes where, in which mixture, and what cannot be split."""

import re
from collections import Counter

import numpy as np
import pandas
import polars
import pytest
import torch

from mica.data import (
    ArraySource,
    LoaderSource,
    class_codes,
    split_rows,
    split_source,
    take_rows,
    train_validation_split,
    train_validation_test_split,
)
from mica.errors import ConfigError, DataError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


# Classes


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ([3, 5, 3, 5], [0, 1, 0, 1]),
        (["b", "a", "b", "a"], [1, 0, 1, 0]),
        (np.array(["b", "a", "b", "a"], dtype=object), [1, 0, 1, 0]),
        ([True, False, True, False], [1, 0, 1, 0]),
        (np.array([[1], [0], [1], [0]]), [1, 0, 1, 0]),
        (np.array([1.0, 0.0, 1.0, 0.0]), [1, 0, 1, 0]),
        (np.eye(3)[[2, 0, 2, 1]], [2, 0, 2, 1]),
        (torch.tensor([1, 0, 1, 0]), [1, 0, 1, 0]),
        (torch.tensor([1.0, 0, 1, 0], dtype=torch.bfloat16), [1, 0, 1, 0]),
        ({"head": np.array([1, 0, 1, 0])}, [1, 0, 1, 0]),
        ([np.array([1, 0, 1, 0])], [1, 0, 1, 0]),
        (pandas.Series(["x", "y", "x", "y"]), [0, 1, 0, 1]),
    ],
    ids=str,
)
def test_classes_are_numbered(labels, codes):
    assert class_codes(labels).tolist() == codes


@pytest.mark.parametrize(
    "labels",
    [
        None,
        [1, 2, 3, 4],
        [0.5, 0.5, 1.5, 1.5],
        np.arange(100.0).repeat(2),
        np.array([np.nan, 1.0, 1.0, 1.0]),
        np.ones((4, 2)),
        np.zeros((2, 3, 3)),
        {"a": np.zeros(4), "b": np.zeros(4)},
        np.array(["2020-01-01"] * 4, dtype="datetime64[D]"),
    ],
    ids=[
        "nothing",
        "all different",
        "fractions",
        "many whole floats",
        "gaps",
        "several ones",
        "pictures",
        "two outputs",
        "dates",
    ],
)
def test_what_does_not_look_like_classes_is_none(labels):
    assert class_codes(labels) is None


# Rows


def test_the_last_rows_are_set_aside_without_shuffling():
    train, validation = split_rows(10, [0.25], shuffle=False)
    assert train.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert validation.tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("count", "fraction", "aside"),
    [(10, 0.3, 3), (10, 0.1, 1), (7, 0.2, 2), (100, 0.2, 20)],
)
def test_as_many_rows_as_keras_are_set_aside(count, fraction, aside):
    assert len(split_rows(count, [fraction])[1]) == aside


def test_classes_keep_their_shares():
    codes = np.array([0] * 80 + [1] * 15 + [2] * 5)
    train, validation = split_rows(100, [0.2], codes=codes)
    assert Counter(codes[validation].tolist()) == {0: 16, 1: 3, 2: 1}
    assert Counter(codes[train].tolist()) == {0: 64, 1: 12, 2: 4}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("codes", [[0] * 9 + [1], [1] * 9 + [0]])
def test_a_class_with_one_row_stays_in_training(codes, seed):
    train, _ = split_rows(10, [0.5], codes=np.array(codes), seed=seed)
    assert 9 in train


def test_a_part_is_filled_although_classes_must_stay():
    # Largest remainders would take the single rows first.
    codes = np.array([0, 1, 2, 3, 4, 4, 4, 4])
    _, validation = split_rows(8, [0.25], codes=codes)
    assert codes[validation].tolist() == [4, 4]


def test_the_seed_decides_the_rows():
    first = split_rows(50, [0.2], seed=1)[1].tolist()
    assert split_rows(50, [0.2], seed=1)[1].tolist() == first
    assert split_rows(50, [0.2], seed=2)[1].tolist() != first


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, "0.2", None])
def test_a_fraction_is_between_none_and_all(fraction):
    sentence = (
        f"split: expected a fraction above 0 and below 1, got {fraction!r}. 0.2 gives "
        "every fifth row to the part."
    )
    with refused(ConfigError, sentence):
        split_rows(10, [fraction])


def test_fractions_leave_rows_for_training():
    sentence = (
        "split: expected fractions that leave rows for training, got 0.5 + 0.6 = 1.1. "
        "Lower one of them."
    )
    with refused(ConfigError, sentence):
        split_rows(10, [0.5, 0.6])


@pytest.mark.parametrize(
    ("count", "fractions", "codes"),
    [(1, [0.5], None), (0, [0.5], None), (2, [0.4, 0.4], None), (2, [0.5], [0, 1])],
)
def test_every_part_needs_a_row(count, fractions, codes):
    sentence = (
        f"split: expected at least one row in each part, got {count} rows for the "
        f"fractions {', '.join(map(str, fractions))}. Bring more rows or larger "
        "fractions."
    )
    codes = None if codes is None else np.array(codes)
    with refused(DataError, sentence):
        split_rows(count, fractions, codes=codes)


# Data


HOLDERS = {
    "array": np.arange(10),
    "tensor": torch.arange(10),
    "list": list(range(10)),
    "pandas": pandas.Series(range(10), index=range(100, 110)),
    "polars": polars.Series(range(10)),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_rows_are_taken_from_whatever_holds_them(holder):
    taken = take_rows(HOLDERS[holder], np.array([7, 2]))
    assert np.asarray(taken).tolist() == [7, 2]


def test_rows_are_taken_from_frames():
    frame = pandas.DataFrame({"a": [1, 2, 3]}, index=[9, 8, 7])
    assert take_rows(frame, np.array([2, 0]))["a"].tolist() == [3, 1]
    assert take_rows(polars.from_pandas(frame), np.array([2, 0]))["a"].to_list() == [
        3,
        1,
    ]


def test_inputs_targets_and_weights_are_split_along():
    x = {"a": np.arange(10), "b": (torch.arange(10), [*range(10)])}
    for part in train_validation_split(
        x, np.arange(10), 0.3, sample_weight=np.arange(10)
    ):
        for leaf in (part.x["a"], part.x["b"][0], part.x["b"][1], part.sample_weight):
            assert np.asarray(leaf).tolist() == part.y.tolist()


def test_three_parts_share_all_rows():
    y = np.array([0, 1] * 20)
    parts = train_validation_test_split(np.arange(40), y, (0.2, 0.3))
    assert [len(part.x) for part in parts] == [20, 8, 12]
    assert [int(part.y.sum()) for part in parts] == [10, 4, 6]
    assert sorted(np.concatenate([part.x for part in parts])) == list(range(40))


def test_stratifying_can_be_left_out():
    y = np.array([0] * 50 + [1] * 50)
    sizes = {
        int(train_validation_split(y, y, stratify=False, seed=seed)[1].y.sum())
        for seed in range(10)
    }
    assert len(sizes) > 1


def test_lengths_that_differ_are_named():
    sentence = (
        "y: expected 3 rows as in x['a'], got 2. Give every sample one row in each "
        "array."
    )
    with refused(DataError, sentence):
        train_validation_split({"a": np.ones(3)}, np.ones(2))


def test_nothing_cannot_be_split():
    with refused(
        DataError, "x: expected data to split, got None. Give arrays or a frame."
    ):
        train_validation_split(None)


def test_a_generator_cannot_be_split():
    sentence = (
        "x: expected arrays, frames, tensors or lists with one row per sample, got "
        "range_iterator. Split before you make a loader or generator of the data."
    )
    with refused(DataError, sentence):
        train_validation_split(iter(range(3)))


# Sources


def test_a_source_is_split_with_its_classes():
    source = ArraySource(torch.arange(20.0)[:, None], [0] * 15 + [1] * 5)
    train, validation = split_source(source, 0.2)
    assert Counter(validation.y.tolist()) == {0: 3, 1: 1}
    assert train.num_samples == 16


def test_the_last_rows_of_a_source_are_set_aside_on_request():
    source = ArraySource(torch.arange(5.0)[:, None])
    _, validation = split_source(source, 0.4, shuffle=False)
    assert validation.x.tolist() == [[3], [4]]


def test_a_loader_cannot_be_split():
    sentence = (
        "validation_split: expected arrays, tensors or frames, got a LoaderSource. "
        "Make two loaders and give one as validation_data."
    )
    with refused(ConfigError, sentence):
        split_source(LoaderSource([]), 0.2)
