"""Laws of the data: every row once, parts that add up, files read back as written."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import mica.data.arrays
from mica.data import (
    ArraySource,
    TableEncoder,
    as_table,
    balanced_class_weight,
    class_sample_weight,
    epoch_order,
    read_csv,
    split_rows,
    take_rows,
)
from mica.data.table.cells import parse_number
from tests.tolerances import assert_close, tolerance

COUNTS = st.integers(1, 60)
SEEDS = st.integers(-(2**70), 2**70)


def collected(batches):
    rows = [batch.x[:, 0] for batch in batches]
    return torch.cat(rows).tolist() if rows else []


@st.composite
def epochs(draw):
    """A source and the options of one epoch."""
    count = draw(COUNTS)
    source = ArraySource(torch.arange(float(count))[:, None], torch.arange(count))
    options = {
        "batch_size": draw(st.integers(1, 70)),
        "shuffle": draw(st.booleans()),
        "seed": draw(SEEDS),
    }
    return source, draw(st.integers(0, 1000)), options


@given(epochs(), st.sampled_from([1, 64, 2**22]))
def test_an_epoch_has_every_row_once(given_epoch, chunk_bytes):
    source, epoch, options = given_epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mica.data.arrays, "CHUNK_BYTES", chunk_bytes)
        batches = list(source.batches(epoch, **options))
    assert sorted(collected(batches)) == list(range(source.num_samples))
    assert all(torch.equal(batch.x[:, 0].long(), batch.y) for batch in batches)
    assert all(len(batch.y) == batch.size for batch in batches)
    assert len(batches) == source.num_batches(options["batch_size"])


@given(epochs(), st.integers(0, 20))
def test_going_on_is_the_same_as_never_having_stopped(given_epoch, start):
    source, epoch, options = given_epoch
    whole = [batch.y.tolist() for batch in source.batches(epoch, **options)]
    rest = source.batches(epoch, start=start, **options)
    assert [batch.y.tolist() for batch in rest] == whole[start:]


@given(epochs())
def test_the_size_of_a_batch_does_not_change_the_order(given_epoch):
    source, epoch, options = given_epoch
    single = collected(source.batches(epoch, **{**options, "batch_size": 1}))
    assert collected(source.batches(epoch, **options)) == single


@given(epochs())
def test_all_batches_but_the_last_are_whole(given_epoch):
    source, epoch, options = given_epoch
    sizes = [batch.size for batch in source.batches(epoch, **options)]
    assert all(size == options["batch_size"] for size in sizes[:-1])
    if source.num_samples >= options["batch_size"]:
        whole = source.batches(epoch, drop_last=True, **options)
        assert {batch.size for batch in whole} == {options["batch_size"]}


def test_every_row_is_equally_likely_in_every_place():
    # 4,000 epochs of 5 rows: 160,000 draws in all, 800 expected in each cell.
    orders = torch.stack([epoch_order(5, 0, epoch) for epoch in range(4000)])
    counts = torch.stack([(orders == row).double().mean(dim=0) for row in range(5)])
    assert_close(counts, torch.full((5, 5), 0.2, dtype=torch.float64), "statistical")


@pytest.mark.parametrize("step", [(0, 1), (1, 0), (1, -1), (-1, 1)])
def test_neighbouring_seeds_and_epochs_share_nothing(step):
    pairs = [(seed, epoch) for seed in range(30) for epoch in range(30)]
    same = [
        (epoch_order(50, s, e) == epoch_order(50, s + step[0], e + step[1]))
        .double()
        .mean()
        for s, e in pairs
    ]
    # By chance one row in fifty keeps its place.
    assert float(np.mean(same)) == pytest.approx(
        1 / 50, abs=tolerance("statistical").absolute / 10
    )


@st.composite
def labelled(draw):
    """Class codes and a fraction that leaves rows on both sides."""
    codes = np.array(draw(st.lists(st.integers(0, 4), min_size=12, max_size=80)))
    _, codes = np.unique(codes, return_inverse=True)
    assume(len(codes) - len(np.unique(codes)) >= 9)
    return codes, draw(st.floats(0.1, 0.6)), draw(SEEDS)


@given(labelled())
def test_parts_share_the_rows_and_mix_alike(data):
    codes, fraction, seed = data
    train, aside = split_rows(len(codes), [fraction], codes=codes, seed=seed)
    assert sorted([*train, *aside]) == list(range(len(codes)))
    everywhere = np.bincount(codes)
    share = np.bincount(codes[aside], minlength=len(everywhere)) - (
        everywhere * len(aside) / len(codes)
    )
    # A class of few rows may have to stay, and others then give one more.
    assert np.abs(share).max() < 1 + (everywhere == 1).sum() + (fraction > 0.4)
    assert set(codes[train]) == set(codes)


@given(labelled())
def test_the_names_of_the_classes_do_not_move_a_row(data):
    codes, fraction, seed = data
    renamed = codes.max() - codes
    # Ties between equal remainders may fall elsewhere; the counts may not.
    first = split_rows(len(codes), [fraction], codes=codes, seed=seed)[1]
    second = split_rows(len(codes), [fraction], codes=renamed, seed=seed)[1]
    assert len(first) == len(second)


@given(COUNTS, st.floats(0.05, 0.95), SEEDS)
def test_shuffling_does_not_change_the_sizes(count, fraction, seed):
    size = count - int(count * (1 - fraction) + 1e-9)
    assume(0 < size < count)
    for shuffle in (True, False):
        parts = split_rows(count, [fraction], shuffle=shuffle, seed=seed)
        assert [len(part) for part in parts] == [count - size, size]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_balanced_weights_have_mean_one_and_equal_sums(labels):
    weight = class_sample_weight(labels, "balanced").double().numpy()
    assert_close(np.float32(weight.mean()), np.float32(1.0))
    sums = [weight[np.array(labels) == label].sum() for label in set(labels)]
    assert_close(np.float32(sums), np.full(len(sums), sums[0], dtype=np.float32))
    assert set(balanced_class_weight(labels)) == set(labels)


# Tables


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_it_was_written(number):
    assert parse_number(repr(number)) == number
    assert parse_number(repr(number).replace(".", ","), ",") == number


@given(st.integers(-(10**12), 10**12), st.sampled_from(" \u00a0\u202f',"))
def test_a_grouped_number_is_read_back_as_it_was_written(number, mark):
    assert parse_number(f"{number:,}".replace(",", mark)) == number


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="\0"),
    min_size=1,
    max_size=8,
).map(lambda text: f"w{text.strip()}")


@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 9)), min_size=1, max_size=20),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_file_is_read_back_as_it_was_written(
    tmp_path_factory, rows, separator, line_end, encoding
):
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL
    )
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(stream.getvalue().encode(encoding))
    table = read_csv(path, separator=separator)
    assert table.column("a") == [row[0].strip() for row in rows]
    assert table.column("b") == [row[1].strip() for row in rows]
    assert table.column("c") == [str(row[2]) for row in rows]


NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6).map(lambda x: round(x, 3)))
WORDS = st.one_of(st.none(), st.sampled_from(["red", "Red", "green", "blue", ""]))


@st.composite
def tables(draw):
    """Rows with numbers, words, gaps, and a target of either kind."""
    count = draw(st.integers(8, 25))

    def column(values):
        return draw(st.lists(values, min_size=count, max_size=count))

    rows = {"size": column(NUMBERS), "mass": column(NUMBERS), "colour": column(WORDS)}
    classes = st.lists(st.sampled_from("uvw"), min_size=count, max_size=count)
    amounts = st.lists(st.floats(-9, 9), min_size=count, max_size=count)
    target = draw(st.one_of(classes, amounts))
    assume(len(set(target)) > 1)
    kinds = {"size": "number", "mass": "number", "colour": "category"}
    known = {name: [v for v in rows[name] if v not in (None, "")] for name in rows}
    assume(all(known.values()))
    task = "classification" if isinstance(target[0], str) else "regression"
    encoder = TableEncoder("y", task=task, kinds=kinds).fit({**rows, "y": target})
    return encoder, as_table({**rows, "y": target})


@given(tables())
def test_rows_are_encoded_one_by_one_as_all_together(given_table):
    encoder, table = given_table
    whole = encoder.transform(table)
    single = [encoder.transform(table.take([row])) for row in range(len(table))]
    assert np.array_equal(np.concatenate(single), whole)


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_means_nothing(given_table, random):
    encoder, table = given_table
    rows, names = list(range(len(table))), list(table.names)
    random.shuffle(rows)
    random.shuffle(names)
    shuffled = as_table({name: table.column(name) for name in names}).take(rows)
    assert np.array_equal(encoder.transform(shuffled), encoder.transform(table)[rows])


@given(tables())
def test_training_numbers_are_finite_and_centred(given_table):
    encoder, table = given_table
    array = encoder.transform(table)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    assert array.shape == (len(table), len(encoder.feature_names))
    missing = np.isnan(table.column("size"))
    place = encoder.feature_names.index("size")
    known = array[~missing, place].astype(np.float64)
    assert_close(np.float32(known.mean() + 1), np.float32(1))


@given(tables())
def test_an_encoder_saved_and_loaded_gives_the_same_bits(given_table):
    encoder, table = given_table
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert np.array_equal(again.transform(table), encoder.transform(table))
    assert np.array_equal(again.encode_target(table), encoder.encode_target(table))


@given(tables())
def test_a_target_encoded_and_decoded_is_itself(given_table):
    encoder, table = given_table
    encoded = encoder.encode_target(table)
    raw = table.column("y")
    if encoder.label_names:
        one_hot = np.eye(len(encoder.label_names))[encoded]
        assert encoder.decode(one_hot).tolist() == raw
    else:
        scale = np.abs(raw).max()
        assert_close(
            np.float32(encoder.decode(encoded) / scale), np.float32(raw / scale)
        )


@given(
    arrays(np.float64, (7, 2), elements=st.floats(-10, 10)), st.permutations(range(7))
)
def test_rows_taken_twice_are_rows_taken_once(array, order):
    rows = np.array(order)
    assert np.array_equal(take_rows(take_rows(array, rows), np.argsort(rows)), array)
