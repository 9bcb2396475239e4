"""Absurd data: every answer is a result or one of Mica's sentences, nothing else."""

import copy
import json
import re

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

from mica.data import (
    Source,
    Table,
    TableEncoder,
    as_source,
    as_table,
    describe,
    describe_table,
    prepare_table,
    read_csv,
)
from mica.errors import ConfigError, MicaError

SENTENCE = re.compile(r"[^:]+: (.|\n)+[.?]")

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.complex_numbers(),
    st.dates(),
)
ARRAYS = arrays(
    scalar_dtypes(), array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
)
ANYTHING = st.recursive(
    st.one_of(SCALARS, ARRAYS, ARRAYS.map(lambda array: array.astype(object))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(
            st.one_of(st.text(max_size=2), st.integers()), inner, max_size=3
        ),
        st.sets(st.integers(), max_size=3),
        st.frozensets(st.text(max_size=2), max_size=2),
    ),
    max_leaves=6,
)


def answers(call):
    """The result, or None when one of Mica's sentences came instead."""
    try:
        return call()
    except MicaError as error:
        sentence = str(error)
    assert SENTENCE.fullmatch(sentence), sentence
    return None


@settings(max_examples=200)
@given(ANYTHING, st.one_of(st.none(), ANYTHING), st.one_of(st.none(), ANYTHING))
def test_any_object_is_a_source_or_a_sentence(x, y, sample_weight):
    source = answers(lambda: as_source(x, y, sample_weight))
    if source is not None:
        assert isinstance(source, Source)
        batches = answers(lambda: list(source.batches(0, batch_size=2)))
        assert batches is None or sum(batch.size for batch in batches) > 0


@given(ANYTHING)
def test_any_batch_of_a_generator_is_a_batch_or_a_sentence(item):
    answers(lambda: list(as_source(iter([item]), steps=1).batches(0)))


@given(st.one_of(ARRAYS, st.lists(SCALARS, max_size=5)), st.one_of(st.none(), ARRAYS))
def test_any_array_has_a_card(x, y):
    assert str(answers(lambda: describe(x, y)) or "a sentence")


FILES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet='ab1.,;\t|"\n\r -?', max_size=200).map(str.encode),
)


@settings(max_examples=300)
@given(FILES)
def test_any_bytes_are_a_table_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "hostile.csv"
    path.write_bytes(content)
    table = answers(lambda: read_csv(path))
    if table is not None:
        assert isinstance(table, Table)
        assert len(table) > 0
        assert len({len(table.column(name)) for name in table.names}) == 1
        answers(lambda: describe_table(table))
        answers(lambda: TableEncoder().fit(table).transform(table))


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["1", "2,5", "1e300", "inf", "NA", "2020-01-01", "x", "X"]),
    st.dates(),
)


@st.composite
def messy_tables(draw):
    count = draw(st.integers(1, 12))
    names = draw(st.lists(st.text(max_size=3), min_size=1, max_size=4, unique=True))
    return {
        name: draw(st.lists(CELLS, min_size=count, max_size=count)) for name in names
    }


@settings(max_examples=200)
@given(messy_tables(), messy_tables())
def test_any_table_is_encoded_or_a_sentence(rows, others):
    encoder = answers(lambda: TableEncoder().fit(rows))
    if encoder is None:
        return
    array = encoder.transform(rows)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    assert array.shape == (len(as_table(rows)), len(encoder.feature_names))
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert np.array_equal(again.transform(rows), array)
    renamed = dict(zip(rows, others.values(), strict=False))
    answers(lambda: encoder.transform(renamed))
    answers(lambda: encoder.remarks(renamed))


@settings(max_examples=200)
@given(messy_tables(), st.sampled_from([None, "classification", "regression"]))
def test_any_table_is_prepared_or_a_sentence(rows, task):
    prepared = answers(
        lambda: prepare_table(rows, next(iter(rows)), task=task, test_fraction=0.4)
    )
    if prepared is not None:
        assert np.isfinite(prepared.train.x).all()
        assert np.isfinite(prepared.test.y).all()


# Damaged files of encoders


def good_config():
    rows = {"a": [1.5, None, 2, 4], "b": ["x", "y", "x", None], "y": ["u", "v"] * 2}
    return json.loads(json.dumps(TableEncoder("y").fit(rows).config()))


def places(value, path=()):
    """Every place in nested JSON."""
    yield path
    children = value.items() if isinstance(value, dict) else []
    for key, child in enumerate(value) if isinstance(value, list) else children:
        yield from places(child, (*path, key))


PLACES = list(places(good_config()))[1:]
PUT = [None, 3, -1.5, "text", [], {}, [1, 2], {"a": 1}, {"$object": "os.system"}]


@pytest.mark.parametrize("put", PUT, ids=str)
@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_damaged_encoder_is_refused_or_still_whole(path, put):
    config = copy.deepcopy(good_config())
    inside = config
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = put
    encoder = answers(lambda: TableEncoder.from_config(config))
    if encoder is not None:
        row = {"a": 1, "b": "x", "y": "u"}
        answers(lambda: encoder.transform(row))
        answers(lambda: encoder.encode_target(row))
        answers(lambda: encoder.decode(np.ones((1, 2))))


@pytest.mark.parametrize("place", ["target", "kinds", "max_categories", "task"])
def test_an_encoder_with_an_unknown_argument_is_refused(place):
    config = good_config()
    config[f"{place}_2"] = 1
    with pytest.raises(ConfigError):
        TableEncoder.from_config(config)


# Sizes


def test_a_wide_frame_and_a_long_list_are_quick():
    wide = pandas.DataFrame(np.ones((3, 2000), dtype="float32"))
    assert as_source(wide).peek(1).x.shape == (1, 2000)
    assert as_source([[float(row)] for row in range(100_000)]).num_samples == 100_000


def test_one_bad_value_among_millions_is_found():
    x = torch.zeros(1_000_000, 4)
    x[765_432, 2] = torch.inf
    with pytest.raises(MicaError, match="got inf at row 765432, column 2"):
        as_source(x)


def test_a_deep_nest_is_no_stack_overflow():
    nested = np.ones(2)
    for _ in range(200):
        nested = {"a": nested}
    assert as_source(nested).num_samples == 2
