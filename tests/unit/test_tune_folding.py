"""Rows dealt into folds: scikit-learn's indices, and what is refused."""

import re

import numpy as np
import pytest
from sklearn import model_selection

from mica.errors import ConfigError, DataError
from mica.tune import fold_rows
from mica.tune.folding import choose_method

CODES = np.array([0, 0, 1] * 8)
GROUPS = list("abcdefgh") * 3


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def lists(pairs):
    return [(train.tolist(), test.tolist()) for train, test in pairs]


JUDGES = {
    "k-fold": (
        {"method": "k-fold", "seed": 3},
        model_selection.KFold(4, shuffle=True, random_state=3),
    ),
    "iterated": (
        {"method": "k-fold", "repeats": 2, "seed": 3},
        model_selection.RepeatedKFold(n_splits=4, n_repeats=2, random_state=3),
    ),
    "stratified": (
        {"method": "stratified", "codes": CODES, "seed": 3},
        model_selection.StratifiedKFold(4, shuffle=True, random_state=3),
    ),
    "iterated and stratified": (
        {"method": "stratified", "codes": CODES, "repeats": 2, "seed": 3},
        model_selection.RepeatedStratifiedKFold(
            n_splits=4, n_repeats=2, random_state=3
        ),
    ),
    "grouped": (
        {"method": "grouped", "groups": GROUPS, "seed": 3},
        model_selection.GroupKFold(4, shuffle=True, random_state=3),
    ),
    "time": ({"method": "time"}, model_selection.TimeSeriesSplit(4)),
    "time and a gap": (
        {"method": "time", "gap": 2},
        model_selection.TimeSeriesSplit(4, gap=2),
    ),
    "their own": (
        {"method": model_selection.ShuffleSplit(3, random_state=0)},
        model_selection.ShuffleSplit(3, random_state=0),
    ),
}


@pytest.mark.parametrize("case", JUDGES)
def test_rows_are_dealt_as_scikit_learn_deals_them(case):
    options, judge = JUDGES[case]
    groups = GROUPS if case == "grouped" else None
    expected = judge.split(np.zeros((24, 1)), CODES, groups)
    assert lists(fold_rows(24, folds=4, **options)) == lists(expected)


def test_groups_stay_together():
    for train, test in fold_rows(24, method="grouped", groups=GROUPS, folds=3):
        names = np.array(GROUPS)
        assert not set(names[train]) & set(names[test])


def test_the_past_is_learned_from_and_the_future_judges():
    for train, test in fold_rows(24, method="time", folds=3, gap=4):
        assert test.min() - train.max() == 5


@pytest.mark.parametrize(
    ("codes", "groups", "method"),
    [
        (None, None, "k-fold"),
        (np.array([0, 1] * 4), None, "stratified"),
        (np.array([0] * 6 + [1]), None, "k-fold"),
        (np.array([0, 2] * 4), None, "stratified"),
        (np.array([0, 1] * 4), list("abcdefgh"), "grouped"),
    ],
)
def test_the_method_is_chosen_by_classes_and_groups(codes, groups, method):
    assert choose_method(None, codes=codes, groups=groups, folds=4) == method


class Overlapping:
    def split(self, rows, codes, groups):
        yield np.arange(4), np.arange(3, 6)


class Empty:
    def split(self, rows, codes, groups):
        yield np.arange(4), np.arange(0)


REFUSED = {
    "one fold": (
        {"folds": 1},
        ConfigError,
        "cross_validate: expected folds to be a whole number of at least 2, got 1. 5 "
        "or 10 are usual.",
    ),
    "half a fold": (
        {"folds": 2.5},
        ConfigError,
        "cross_validate: expected folds to be a whole number of at least 2, got 2.5. 5 "
        "or 10 are usual.",
    ),
    "no repeat": (
        {"repeats": 0},
        ConfigError,
        "cross_validate: expected repeats to be a whole number of at least 1, got 0. 1 "
        "deals the rows once.",
    ),
    "a negative gap": (
        {"method": "time", "gap": -1},
        ConfigError,
        "cross_validate: expected gap to be a whole number of at least 0, got -1. Take "
        "the length of a window, or 0.",
    ),
    "time repeated": (
        {"method": "time", "repeats": 2},
        ConfigError,
        "cross_validate: expected repeats only with 'k-fold' or 'stratified', which "
        "shuffle, got 2 with 'time'. Leave repeats out.",
    ),
    "a gap of shuffled rows": (
        {"gap": 2},
        ConfigError,
        "cross_validate: expected a gap only with 'time', got 2 with 'k-fold'. Leave "
        "the gap out, or say method='time'.",
    ),
    "groups missing": (
        {"method": "grouped"},
        ConfigError,
        "cross_validate: expected groups with method='grouped', got none. Give one "
        "name per row: rows of the same name stay together.",
    ),
    "groups unused": (
        {"method": "k-fold", "groups": GROUPS},
        ConfigError,
        "cross_validate: expected groups only with method='grouped', got them with "
        "'k-fold'. Leave one of the two out.",
    ),
    "groups of another length": (
        {"method": "grouped", "groups": GROUPS[:5]},
        DataError,
        "cross_validate: expected one group for each of 24 rows, got the shape (5,). "
        "Give a list of names as long as the data.",
    ),
    "few groups": (
        {"method": "grouped", "groups": ["a", "b"] * 12},
        DataError,
        "cross_validate: expected at least as many groups as folds, got 2 for 4 folds. "
        "Take fewer folds.",
    ),
    "no classes": (
        {"method": "stratified"},
        DataError,
        "cross_validate: expected targets that are classes to stratify by, got none. "
        "Say method='k-fold'.",
    ),
    "a rare class": (
        {"method": "stratified", "codes": np.array([0] * 23 + [1])},
        DataError,
        "cross_validate: expected at least as many rows of each class as folds, got 1 "
        "of the rarest for 4 folds. Take fewer folds, bring more rows, or say "
        "method='k-fold'.",
    ),
    "few rows": (
        {"count": 3},
        DataError,
        "cross_validate: expected at least as many rows as folds, got 3 for 4 folds. "
        "Take fewer folds, or bring more rows.",
    ),
    "a long gap": (
        {"method": "time", "gap": 8},
        DataError,
        "cross_validate: expected rows to learn from before the first of 4 parts of 4 "
        "rows and a gap of 8, got 24 rows in all. Take fewer folds, a shorter gap, or "
        "more rows.",
    ),
    "both parts": (
        {"method": Overlapping()},
        DataError,
        "cross_validate: expected each row in one part of a fold, got row 3 in both "
        "from Overlapping. What was learned from must not judge.",
    ),
    "no part": (
        {"method": Empty()},
        DataError,
        "cross_validate: expected rows in both parts of a fold, got 4 to learn from "
        "and 0 to judge by from Empty. Look at the splitter.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_folds_that_cannot_be_are_refused(case):
    change, error, sentence = REFUSED[case]
    options = {"count": 24, "folds": 4, **change}
    with refused(error, sentence):
        fold_rows(options.pop("count"), **options)


def test_the_longest_gap_leaves_one_row():
    pairs = fold_rows(24, method="time", folds=4, gap=7)
    assert pairs[0][0].tolist() == [0]


def test_a_method_that_is_none_is_refused():
    sentence = (
        "cross_validate: expected a method of 'k-fold', 'stratified', 'grouped' or "
        "'time', or a splitter of scikit-learn, got 'kfold'. Did you mean 'k-fold'?"
    )
    with refused(ConfigError, sentence):
        choose_method("kfold", codes=None, groups=None, folds=4)
    with refused(ConfigError, sentence):
        fold_rows(24, method="kfold")
