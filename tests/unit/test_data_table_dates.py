"""Dates and large categories of a table as numbers, in training and in use."""

import re

import numpy as np
import pytest
import torch

import mica
from mica.data import TableEncoder, prepare_table
from mica.data.table import embedding_width
from mica.data.table.dates import DateColumn, fit_date, phase
from mica.data.table.indices import IndexColumn
from mica.errors import ConfigError, DataError
from tests.tolerances import assert_close

DAMAGED = "The file is damaged or was not written by Mica."


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def times(*texts):
    return np.array(texts, dtype="M8[us]")


# Dates


@pytest.mark.parametrize(
    ("dates", "cycles"),
    [
        (["2020-01-01", "2020-01-08", "2020-01-15"], ()),
        (["2020-01-01", "2020-01-02"], ("week",)),
        (["2020-01-01T08:00", "2020-01-08T09:00"], ("day",)),
        (["2020-01-01T08:00", "2020-01-09T09:00"], ("week", "day")),
        (["2020-01-01", "2021-06-02"], ()),
        (["2020-01-01", "2021-07-21", "2021-08-04"], ("year",)),
        (["2020-01-01", "2021-01-01", "2022-01-01"], ("week",)),
    ],
)
def test_cycles_are_those_that_vary(dates, cycles):
    assert fit_date("sold", times(*dates)).cycles == cycles


@pytest.mark.parametrize(
    ("date", "cycle", "expected"),
    [
        ("2024-01-01", "week", 0.0),  # a Monday
        ("2024-01-07T23:00", "week", 6 / 7),
        ("1969-12-29", "week", 0.0),  # a Monday before 1970
        ("2024-01-01", "year", 0.0),
        ("2024-12-31", "year", 365 / 366),
        ("2024-05-05T18:00", "day", 0.75),
        ("1969-05-05T18:00", "day", 0.75),
    ],
)
def test_the_part_of_a_cycle_that_has_passed(date, cycle, expected):
    assert_close(phase(times(date, "NaT"), cycle)[:1], np.array([expected]))
    assert np.isnan(phase(times("NaT"), cycle)).all()


def test_the_end_of_a_cycle_is_beside_its_beginning():
    column = DateColumn("a", mean=0.0, scale=1.0, fill=0.0, cycles=["year", "day"])
    sunday = column.transform(["2023-12-31 23:59"])[0, 1:]
    monday = column.transform(["2024-01-01 00:01"])[0, 1:]
    noon = column.transform(["2023-07-06 12:00"])[0, 1:]
    assert np.abs(sunday - monday).max() < 0.05
    assert (np.abs(noon[[1, 3]] - monday[[1, 3]]) > 1.5).all()


def test_dates_are_standardised_and_gaps_are_marked():
    column = fit_date("sold", times("2020-01-01", "2020-01-08", "NaT"))
    expected = np.array([[-1.0, 0.0], [0.0, 1.0]])
    assert_close(column.transform(["2020-01-01", None]), expected)
    assert column.feature_names == ["sold", "sold is missing"]


def test_a_missing_date_is_nowhere_in_the_cycles():
    column = DateColumn("a", mean=0.0, scale=1.0, fill=5.0, cycles=["week"])
    assert column.transform([None]).tolist() == [[5, 0, 0]]


def test_dates_are_read_in_use_as_they_were_in_training():
    rows = {
        "sold": ["30/1/2020", "1/2/2020", "29/2/2020"] * 2,
        "y": [1.5, 2.5, 3.5] * 2,
    }
    encoder = TableEncoder("y").fit(rows)
    again = TableEncoder.from_config(encoder.config())
    one = again.transform({"sold": ["1/2/2020"]})  # alone it would be January
    assert_close(one[0], encoder.transform(rows)[1])


def test_slips_and_gaps_among_dates_are_told():
    dates = ["1/2/2020", "1/3/2020", "1/4/2020", None, "soon"]
    rows = {"sold": dates * 2 + ["1/5/2020"] * 12, "a": [0.5, 1.5] * 11}
    encoder = TableEncoder().fit(rows)
    assert encoder.notes == [
        "Column 'sold': 4 missing dates are filled with the median and marked in a "
        "column of their own.",
        "Column 'sold': Days and months cannot be told apart: '1/2/2020' is read month "
        "first.",
        "Column 'sold': not dates, so taken as missing: 'soon'.",
    ]
    gap, slip = encoder.transform(rows)[3:5, :-1].tolist()
    assert gap == slip


def test_a_text_that_is_no_date_is_refused_in_use():
    encoder = TableEncoder().fit({"sold": ["2020-01-01", "2020-01-02"]})
    sentence = (
        "column 'sold': expected a date, got 'soon' in row 1. Leave the field empty if "
        "the date is not known."
    )
    with refused(DataError, sentence):
        encoder.transform({"sold": ["2020-01-01", "soon"]})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"scale": 0.0},
            "DateColumn 'a': expected finite mean, scale and fill, a scale above 0 and "
            f"known cycles, got 1.0, 0.0, 1.0 and []. {DAMAGED}",
        ),
        (
            {"cycles": ["month"]},
            "DateColumn 'a': expected finite mean, scale and fill, a scale above 0 and "
            f"known cycles, got 1.0, 1.0, 1.0 and ['month']. {DAMAGED}",
        ),
        (
            {"order": "dmy"},
            "DateColumn 'a': expected an order of 'year first', 'day first' or 'month "
            "first', got 'dmy'. It says how 01.02.03 is read.",
        ),
    ],
)
def test_a_damaged_column_of_dates_is_refused(change, sentence):
    with refused(ConfigError, sentence):
        DateColumn("a", **{"mean": 1.0, "scale": 1.0, "fill": 1.0, **change})


# Large categories


def cities(count=300):
    random = np.random.default_rng(0)
    places = [7 * row % 40 for row in range(count)]
    return {
        "size": random.normal(size=count).tolist(),
        "city": [f"City {place}" for place in places],
        "rich": ["yes" if place % 2 else "no" for place in places],
    }


def test_large_categories_become_numbers_for_an_embedding():
    rows = cities()
    rows["city"][0] = "Nowhere"
    encoder = TableEncoder("rich", embeddings=True).fit(rows)
    assert encoder.embedded == {"city": 42}
    assert encoder.feature_names == ["size"]
    x = encoder.transform(rows)
    assert (x["features"].shape, x["city"].dtype) == ((300, 1), np.int64)
    assert x["city"][0] == 0
    assert x["city"][1:].min() >= 2
    assert encoder.notes[-1] == (
        "Column 'city': 41 categories become numbers for an embedding of 42 rows; "
        "those that occur once count as unknown."
    )


def test_unknown_and_missing_categories_have_numbers_of_their_own():
    encoder = TableEncoder("rich", embeddings=True).fit(cities())
    again = TableEncoder.from_config(encoder.config())
    rows = {"size": [1.0] * 3, "city": ["CITY 3", None, "Rome"]}
    known, missing, unknown = again.transform(rows)["city"].tolist()
    assert known >= 2
    assert (missing, unknown) == (1, 0)
    assert again.remarks(rows) == [
        "Column 'city': not seen in training, so in no category: 'Rome'."
    ]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["city"], ["city"]),
        (["city", "size"], ["features", "city"]),
        (["features", "size"], ["features_", "features"]),
    ],
)
def test_arrays_are_named_apart(names, keys):
    rows = cities()
    given = {"city": rows["city"], "features": rows["city"], "size": rows["size"]}
    encoder = TableEncoder(embeddings=True).fit({name: given[name] for name in names})
    assert list(encoder.transform(given)) == keys


def test_few_categories_have_a_place_each_with_embeddings_too():
    encoder = TableEncoder(embeddings=True).fit({"a": ["x", "y", "x"]})
    assert encoder.embedded == {}
    assert encoder.transform({"a": ["y"]}).tolist() == [[0, 1]]


def test_a_damaged_column_of_indices_is_refused():
    sentence = (
        f"IndexColumn 'a': expected texts as name and categories, got [3]. {DAMAGED}"
    )
    with refused(ConfigError, sentence):
        IndexColumn("a", categories=[3])


@pytest.mark.parametrize(("rows", "width"), [(3, 3), (50, 14), (10_000, 50)])
def test_the_width_of_an_embedding_grows_slowly(rows, width):
    assert embedding_width(rows) == width


def test_a_model_learns_what_categories_mean():
    mica.set_seed(0)
    prepared = prepare_table(cities(), "rich", embeddings=True)
    (city, count), *_ = prepared.encoder.embedded.items()
    size = mica.Input((1,), name="features")
    place = mica.Input((), dtype=torch.int64, name=city)
    embedded = mica.layers.Embedding(count, embedding_width(count))(place)
    joined = mica.layers.Concatenate()([size, embedded])
    answer = mica.layers.Dense(2, activation="softmax")(joined)
    model = mica.Model({"features": size, city: place}, answer)
    model.compile(
        optimizer=mica.optimizers.Adam(0.1),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(prepared.train.x, prepared.train.y, epochs=5, verbose=0)
    result = model.evaluate(
        prepared.test.x, prepared.test.y, verbose=0, return_dict=True
    )
    assert result["accuracy"] > 0.95
