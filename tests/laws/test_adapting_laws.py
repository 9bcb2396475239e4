"""Laws of the layers that learn from data."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mica.layers import (
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    StringLookup,
    TextVectorization,
)
from tests.tolerances import assert_close

quick = settings(deadline=None, max_examples=60)
TOKENS = ["", "a", "b", "cat", "dog", "[UNK]", "ß", "the"]
texts = st.lists(st.lists(st.sampled_from(TOKENS), max_size=5).map(" ".join))
numbers = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.just(3)),
    elements=st.floats(-1e3, 1e3, allow_subnormal=False),
)
MODES = ["int", "multi_hot", "count", "tf_idf"]


def cut(rows, places):
    """The rows in parts, none of them empty."""
    ends = sorted({place for place in places if 0 < place < len(rows)})
    return [
        rows[start:end]
        for start, end in zip([0, *ends], [*ends, len(rows)], strict=True)
    ]


def adapted_in_parts(layer, rows, places):
    for part in cut(rows, places):
        layer.adapt(part)
    return layer


places = st.lists(st.integers(1, 20), max_size=4)


@quick
@given(rows=numbers, places=places)
def test_a_mean_of_parts_is_the_mean_of_all(rows, places):
    whole = Normalization().adapt(rows).config()
    parts = adapted_in_parts(Normalization(), rows, places).config()
    scale = max(1.0, np.abs(rows).max())
    for name, power in (("mean", 1), ("variance", 2)):
        one, other = (
            torch.tensor(each[name], dtype=torch.float64) / scale**power
            for each in (whole, parts)
        )
        assert_close(one, other, "reordered")


@quick
@given(rows=numbers, places=places, bins=st.integers(1, 8))
def test_bins_of_parts_are_the_bins_of_all(rows, places, bins):
    whole = Discretization(num_bins=bins).adapt(rows)
    parts = adapted_in_parts(Discretization(num_bins=bins), rows, places)
    assert whole.bin_boundaries == parts.bin_boundaries


@quick
@given(rows=numbers, bins=st.integers(2, 8))
def test_boundaries_rise_and_lie_within_the_data(rows, bins):
    found = Discretization(num_bins=bins).adapt(rows).bin_boundaries
    assert found == sorted(set(found))
    assert rows.min() <= found[0]
    assert found[-1] <= rows.max()


@quick
@given(rows=texts.filter(len), places=places, mode=st.sampled_from(MODES))
@pytest.mark.parametrize("limit", [None, 5])
def test_a_vocabulary_of_parts_is_that_of_all(rows, places, mode, limit):
    def make():
        return TextVectorization(limit, output_mode=mode)

    assert (
        make().adapt(rows).config() == adapted_in_parts(make(), rows, places).config()
    )


@quick
@given(rows=texts.filter(len), places=places)
def test_the_order_of_texts_does_not_matter(rows, places):
    del places
    one = TextVectorization(output_mode="tf_idf").adapt(rows)
    other = TextVectorization(output_mode="tf_idf").adapt(rows[::-1])
    assert one.config() == other.config()


@quick
@given(
    rows=st.lists(st.integers(-9, 9), min_size=1, max_size=20),
    places=places,
    mode=st.sampled_from(["int", "one_hot", "count", "tf_idf"]),
)
def test_whole_numbers_of_parts_are_those_of_all(rows, places, mode):
    def make():
        return IntegerLookup(output_mode=mode, mask_token=0)

    whole = make().adapt(rows)
    parts = adapted_in_parts(make(), rows, places)
    assert whole.config() == parts.config()


@quick
@given(rows=texts.filter(lambda rows: any(text.split() for text in rows)))
def test_a_reset_layer_learns_as_a_new_one(rows):
    layer = TextVectorization().adapt(["something else"]).reset().adapt(rows)
    assert layer.config() == TextVectorization().adapt(rows).config()


@quick
@given(rows=st.lists(st.sampled_from(TOKENS[1:5]), min_size=1, max_size=9))
def test_a_lookup_is_undone_by_its_inverse(rows):
    layer = StringLookup().adapt(rows)
    inverse = StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert inverse(layer(rows)).tolist() == rows


@quick
@given(rows=st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_a_lookup_of_numbers_is_undone_by_its_inverse(rows):
    layer = IntegerLookup(oov_token=99).adapt(rows)
    inverse = IntegerLookup(
        oov_token=99, vocabulary=layer.get_vocabulary(), invert=True
    )
    assert inverse(layer(torch.tensor(rows))).tolist() == rows


@quick
@given(rows=numbers.filter(lambda rows: (rows.std(0) > 1).all()))
def test_normalization_is_undone_by_its_inverse(rows):
    x = torch.from_numpy(rows)
    there = Normalization().adapt(x)
    back = Normalization(**there.config(), invert=True)
    assert_close(back(there(x)) / 1e3, x / 1e3, "reordered")


@quick
@given(
    rows=texts.filter(lambda rows: any(text.split() for text in rows)),
    mode=st.sampled_from(MODES),
)
def test_a_batch_of_texts_is_as_many_batches_of_one(rows, mode):
    layer = TextVectorization(
        output_mode=mode, output_sequence_length=4 if mode == "int" else None
    ).adapt(rows)
    single = torch.cat([layer([text]) for text in rows])
    assert torch.equal(layer(rows), single)


@quick
@given(
    values=st.lists(st.one_of(st.text(), st.text()), min_size=1, max_size=9),
    bins=st.integers(2, 50),
)
def test_bins_stay_in_their_range(values, bins):
    found = Hashing(bins, mask_value="")(values)
    assert int(found.min()) >= 0
    assert int(found.max()) < bins
    masked = [value == "" for value in values]
    assert (found == 0).tolist() == masked


def test_bins_are_filled_evenly():
    counts = torch.bincount(Hashing(10)(torch.arange(10_000)), minlength=10)
    # Chi-square of 9 degrees of freedom: 27.9 is its 0.999 quantile.
    assert float(((counts - 1000.0) ** 2 / 1000).sum()) < 27.9


def test_a_salt_makes_another_hash():
    values = torch.arange(1000)
    one, two, same = (Hashing(100, salt=salt)(values) for salt in (1, 2, 1))
    assert torch.equal(one, same)
    assert int((one == two).sum()) < 50


def test_the_order_of_a_crossing_counts():
    a, b = torch.arange(100), torch.arange(100, 200)
    layer = HashedCrossing(1000)
    assert int((layer([a, b]) == layer([b, a])).sum()) < 10


PROGRAM = """
from mica.layers import HashedCrossing, Hashing, StringLookup, TextVectorization
texts = ["a b", "b c", "c a d", "e f g"]
layer = TextVectorization(max_tokens=6, output_mode="int").adapt(texts)
print(layer.get_vocabulary(), layer(texts).tolist(), Hashing(99)(texts).tolist())
print(HashedCrossing(99)([texts, texts[::-1]]).tolist())
print(StringLookup(num_oov_indices=5, vocabulary=["x"])(texts).tolist())
"""


def test_every_run_of_python_gives_the_same():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1
