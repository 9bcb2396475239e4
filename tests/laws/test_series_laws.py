"""Windows, parts and times for any series: the definition itself, row by row."""

import itertools

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from mica.data import TimeSeries, WindowShape, WindowSource, as_series, split_series
from mica.data.table import parse_time

SMALL = st.integers(1, 4)


@st.composite
def shapes(draw):
    every, length, horizon = draw(SMALL), draw(SMALL), draw(SMALL)
    whole = draw(st.booleans())
    horizon = horizon * every if whole else horizon
    return WindowShape(length * every, horizon, every, whole)


@given(shapes(), st.integers(0, 30), SMALL, st.integers(0, 9), st.booleans())
def test_a_window_is_the_rows_it_names(shape, extra, stride, seed, shuffle):
    count = shape.span + 1 + extra
    values = torch.arange(2.0 * count).reshape(count, 2)
    source = WindowSource(values, values[:, 1], shape, stride=stride)
    found = {}
    for batch in source.batches(0, batch_size=3, shuffle=shuffle, seed=seed):
        for x, y in zip(batch.x.tolist(), batch.y.tolist(), strict=True):
            found[x[-1][0]] = (x, y)
    for now in range(shape.reach, count - shape.horizon, stride):
        seen = range(now - shape.reach, now + 1, shape.every)
        steps = range(shape.every, shape.horizon + 1, shape.every)
        asked = steps if shape.whole else [shape.horizon]
        x, y = found.pop(2.0 * now)
        assert x == [[2.0 * row, 2.0 * row + 1] for row in seen]
        assert y == [2.0 * (now + step) + 1 for step in asked]
    assert not found


@given(shapes(), st.lists(st.integers(1, 3), min_size=20, max_size=40))
def test_windows_never_reach_over_a_gap(shape, steps):
    places = np.cumsum(steps)
    values = torch.from_numpy(places.astype(np.float64))
    whole = [
        now
        for now in range(shape.reach, len(places) - shape.horizon)
        if places[now + shape.horizon] - places[now - shape.reach] == shape.span
    ]
    if whole:
        source = WindowSource(values, None, shape, places=places)
        assert source.now.tolist() == whole


@given(
    st.integers(20, 200),
    st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
    st.integers(0, 2),
)
def test_parts_are_apart_by_the_gap_and_lose_nothing_else(count, fractions, gap):
    times = np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(
        1, "D"
    )
    series = TimeSeries(times, np.arange(float(count))[:, None], ("row",))
    if min(round(count * fraction) for fraction in fractions) <= gap:
        return
    if sum(round(count * fraction) for fraction in fractions) >= count:
        return
    parts = split_series(series, fractions, gap=gap)
    edges = [part.column("row")[[0, -1]].tolist() for part in parts]
    assert edges[0][0] == 0
    assert edges[-1][1] == count - 1
    for (_, before), (after, _) in itertools.pairwise(edges):
        assert after - before == gap + 1


@given(
    st.datetimes(), st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d %b %Y"])
)
def test_a_written_time_is_read_back(time, how):
    time = time.replace(microsecond=0, year=max(1000, time.year))
    text = time.strftime(f"{how} %H:%M:%S")
    assert parse_time(text, "day first") == time


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=30, unique=True), st.randoms()
)
def test_a_mixed_series_is_sorted_to_the_same(minutes, chooser):
    start = np.datetime64("2020-01-01T00:00", "us")
    rows = [(start + np.timedelta64(n, "m"), float(n)) for n in sorted(minutes)]
    mixed = rows.copy()
    chooser.shuffle(mixed)
    series = [
        as_series(
            {"t": [str(t) for t, _ in part], "v": [v for _, v in part]}, sort=True
        )
        for part in (rows, mixed)
    ]
    np.testing.assert_array_equal(series[0].times, series[1].times)
    np.testing.assert_array_equal(series[0].values, series[1].values)
