"""Data beside other programs: scikit-learn, pandas, Keras and torch."""

import warnings

import numpy as np
import pandas
import pytest
import sklearn.datasets
import torch
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from mica.data import (
    ArraySource,
    TableEncoder,
    balanced_class_weight,
    class_sample_weight,
    read_csv,
    samples,
    split_rows,
    train_validation_split,
)
from tests.tolerances import assert_close

SEEDS = range(5)


def frame(seed, count=60):
    draw = np.random.default_rng(seed)
    return pandas.DataFrame(
        {
            "size": np.where(
                draw.random(count) < 0.2, np.nan, draw.normal(50, 9, count)
            ),
            "mass": draw.lognormal(3, 2, count),
            "dose": draw.integers(1, 6, count),
            "colour": draw.choice(["blue", "green", "red"], count),
        }
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_encoded_as_scikit_learn_does(seed):
    rows = frame(seed)
    train, test = rows[:40], rows[40:]
    encoder = TableEncoder().fit(train)
    ours = encoder.transform(test)[:, : encoder.feature_names.index("colour = blue")]
    theirs = make_pipeline(
        StandardScaler(), SimpleImputer(strategy="median", add_indicator=True)
    ).fit(train[["size", "mass", "dose"]])
    wanted = theirs.transform(test[["size", "mass", "dose"]])[:, [0, 3, 1, 2]]
    assert_close(ours, wanted.astype(np.float32))


@pytest.mark.parametrize("seed", SEEDS)
def test_categories_are_encoded_as_scikit_learn_does(seed):
    rows = frame(seed)
    train, test = rows[:40], rows[40:].assign(colour=[*rows["colour"][40:59], "pink"])
    encoder = TableEncoder().fit(train)
    ours = encoder.transform(test)[:, encoder.feature_names.index("colour = blue") :]
    theirs = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    theirs.fit(train[["colour"]])
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        wanted = theirs.transform(test[["colour"]])
    assert np.array_equal(ours, wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_is_read_as_pandas_does(seed, tmp_path):
    path = tmp_path / "rows.csv"
    frame(seed).to_csv(path, index=seed % 2 == 0)
    ours, theirs = read_csv(path), pandas.read_csv(path)
    encoder = TableEncoder(kinds={"colour": "left out"}).fit(ours)
    wanted = TableEncoder(kinds={"colour": "left out"}).fit(theirs).transform(theirs)
    assert np.array_equal(encoder.transform(ours), wanted)
    assert ours.column("colour") == theirs["colour"].tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_balanced_weights_are_scikit_learn_s(seed):
    labels = np.random.default_rng(seed).choice(
        [0, 2, 3, 7], 50, p=[0.5, 0.3, 0.1, 0.1]
    )
    classes = np.unique(labels)
    wanted = compute_class_weight("balanced", classes=classes, y=labels)
    ours = balanced_class_weight(labels)
    assert_close([ours[int(label)] for label in classes], wanted)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", ["integers", "column", "one-hot"])
def test_class_weights_become_keras_s_sample_weights(seed, form):
    labels = np.random.default_rng(seed).integers(0, 4, 30)
    y = {
        "integers": labels,
        "column": labels[:, None],
        "one-hot": np.eye(4, dtype="int64")[labels],
    }[form]
    weights = {0: 0.5, 1: 2.0, 2: 1.0, 3: 4.0}
    wanted = data_adapter_utils.class_weight_to_sample_weights(y, weights)
    assert np.array_equal(class_sample_weight(y, weights), wanted)


@pytest.mark.parametrize("count", [5, 10, 33, 100, 1797])
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.25, 0.3, 0.5])
def test_the_last_rows_are_keras_s_validation_rows(count, fraction):
    x = np.arange(count)
    wanted_train, wanted = array_slicing.train_validation_split((x,), fraction)
    train, validation = train_validation_split(x, None, fraction, shuffle=False)
    assert np.array_equal(train.x, wanted_train[0])
    assert np.array_equal(validation.x, wanted[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_mix_classes_as_scikit_learn_does(seed):
    codes = np.random.default_rng(seed).choice(4, 103, p=[0.6, 0.25, 0.1, 0.05])
    _, aside = split_rows(103, [0.2], codes=codes, seed=seed)
    splitter = StratifiedShuffleSplit(1, test_size=len(aside), random_state=seed)
    _, theirs = next(splitter.split(codes, codes))
    difference = np.bincount(codes[aside], minlength=4) - np.bincount(
        codes[theirs], minlength=4
    )
    # Equal remainders may be rounded for another class.
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_are_the_rows_a_plain_loop_would_index(seed):
    x, y = torch.randn(101, 3), torch.arange(101)
    source = ArraySource(x, y)
    order = torch.cat([b.y for b in source.batches(seed, batch_size=101, seed=seed)])
    for place, batch in enumerate(source.batches(seed, batch_size=8, seed=seed)):
        rows = order[place * 8 : place * 8 + 8]
        assert torch.equal(batch.x, x[rows])
        assert torch.equal(batch.y, y[rows])


@pytest.mark.parametrize(
    ("name", "bunch", "scale"),
    [
        ("digits", sklearn.datasets.load_digits(), 16),
        ("iris", sklearn.datasets.load_iris(), 1),
        ("wine", sklearn.datasets.load_wine(), 1),
        ("breast_cancer", sklearn.datasets.load_breast_cancer(), 1),
        ("diabetes", sklearn.datasets.load_diabetes(scaled=False), 1),
    ],
)
def test_a_sample_holds_scikit_learn_s_rows(name, bunch, scale):
    sample = samples.load(name)
    x = np.concatenate([sample.x_train, sample.x_test]).reshape(len(bunch.data), -1)
    y = np.concatenate([sample.y_train, sample.y_test])
    ours = np.concatenate([x, y[:, None]], axis=1)
    theirs = np.concatenate([bunch.data / scale, bunch.target[:, None]], axis=1)
    theirs = theirs.astype(np.float32)
    assert np.array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))
