"""Windows over a series, parts by time, what common sense forecasts, the encoder."""

import re

import numpy as np
import pytest
import torch

import mica
from mica.data import (
    Baseline,
    SeriesEncoder,
    TimeSeries,
    WindowShape,
    WindowSource,
    add_cycles,
    as_series,
    as_source,
    judge_baselines,
    prepare_series,
    split_series,
)
from mica.data.series.baselines import season_rows
from mica.data.series.duration import Duration
from mica.errors import ConfigError, DataError, StateError
from tests.tolerances import assert_close


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def hours(count, *columns):
    times = np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(
        1, "h"
    )
    names = ["rain", "sun"][: len(columns)]
    return as_series(
        {"time": times, **dict(zip(names, columns, strict=True))}, time="time"
    )


# Windows


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"history": 0, "horizon": 1},
            "history: expected at least 1 row, got 0. Give a number of rows, or a "
            "length of time such as '24h'.",
        ),
        (
            {"history": 5, "horizon": 1, "every": 2},
            "history: expected a multiple of every=2 rows, got 5. Make it 4.",
        ),
        (
            {"history": 1, "horizon": 1, "every": 2},
            "history: expected a multiple of every=2 rows, got 1. Make it 2.",
        ),
        (
            {"history": 4, "horizon": 3, "every": 2, "whole": True},
            "horizon: expected a multiple of every=2 rows, for every step up to it is "
            "asked for, got 3. Choose another, or ask for the last step alone.",
        ),
    ],
)
def test_a_window_that_cannot_be_is_refused(arguments, sentence):
    with refused(ConfigError, sentence):
        WindowShape(**arguments)


SHAPE = WindowShape(history=3, horizon=1)


@pytest.mark.parametrize(
    ("values", "targets", "options", "error", "sentence"),
    [
        (
            [1.0, 2.0],
            None,
            {"stride": 0},
            ConfigError,
            "WindowSource: expected a stride of at least 1 row, got 0. 1 takes every "
            "window.",
        ),
        (
            np.zeros((5, 2, 2)),
            None,
            {},
            DataError,
            "values: expected rows of measurements, (rows, features), got the shape "
            "(5, 2, 2). Give a row for each time.",
        ),
        (
            np.zeros(5),
            np.zeros(4),
            {},
            DataError,
            "WindowSource: expected parts with the same number of rows, got 5, 4. Give "
            "each time one row in each.",
        ),
        (
            np.zeros(3),
            None,
            {},
            DataError,
            "WindowSource: expected more than 3 rows, for a window sees 3 and asks for "
            "one 1 later, got 3. Take a shorter history or horizon, or more data.",
        ),
        (
            np.zeros(4),
            None,
            {"places": np.array([0, 1, 3, 4])},
            DataError,
            "WindowSource: expected windows of 4 rows without a gap in time, got none. "
            "Take a shorter history or horizon, or count rows only: over_gaps=True.",
        ),
    ],
)
def test_a_series_without_windows_is_refused(values, targets, options, error, sentence):
    with refused(error, sentence):
        WindowSource(values, targets, SHAPE, **options)


def test_texts_have_no_windows():
    with pytest.raises(
        DataError,
        match=r"^targets: expected numbers, got: .* Read the series with read_series, "
        r"which leaves texts out\.$",
    ):
        WindowSource([1.0], ["wet"], SHAPE)


def test_windows_are_views_and_a_batch_in_the_order_of_time_copies_nothing():
    values = torch.rand(1000, 14)
    source = WindowSource(values, values[:, 1], WindowShape(720, 144, every=6))
    assert source.windows.shape == (286, 120, 14)
    batch = next(source.batches(0, batch_size=100, shuffle=False))
    assert source.num_samples == 142
    for part in (source.values, source.windows, batch.x):
        assert part.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()
    assert torch.equal(batch.x[7, :, 3], values[7:722:6, 3])
    assert batch.y[7, 0] == values[7 + 714 + 144, 1]


def test_a_mixed_batch_holds_its_own_windows_only():
    values = torch.rand(420_551, 14)
    source = WindowSource(values, values[:, 1], WindowShape(720, 144, every=6))
    batch = next(source.batches(0, batch_size=8, seed=3))
    assert batch.x.untyped_storage().nbytes() == 8 * 120 * 14 * 4
    for row in range(8):
        (now,) = torch.nonzero((values == batch.x[row, -1]).all(dim=1))[0].tolist()
        assert torch.equal(batch.x[row], values[now - 714 : now + 1 : 6])
        assert batch.y[row, 0] == values[now + 144, 1]


def test_windows_over_gaps_are_left_out():
    places = np.array([0, 1, 2, 3, 10, 11, 12, 13])
    source = WindowSource(np.arange(8.0), None, WindowShape(2, 1), places=places)
    assert source.num_over_gaps == 2
    assert source.now.tolist() == [1, 2, 5, 6]
    batches = source.batches(0, batch_size=3, shuffle=False)
    assert [batch.x[..., 0].tolist() for batch in batches] == [
        [[0, 1], [1, 2], [4, 5]],
        [[5, 6]],
    ]


def test_whole_horizons_of_several_targets_come_step_by_step():
    values = np.stack([np.arange(6.0), 10 * np.arange(6.0)], axis=1)
    source = WindowSource(values, None, WindowShape(2, 2, whole=True), stride=2)
    assert source.answers().tolist() == [[2, 20, 3, 30], [4, 40, 5, 50]]


def test_numbers_of_any_kind_are_read_and_a_single_column_is_one_feature():
    source = WindowSource([1, 2, 3, 4], None, SHAPE)
    assert source.peek(5).x.dtype == torch.get_default_dtype()
    assert source.peek(5).x.shape == (1, 3, 1)


def test_an_epoch_can_go_on_in_the_middle_and_leave_the_odd_out():
    source = WindowSource(np.arange(10.0), None, SHAPE)
    options = {"batch_size": 3, "seed": 5, "drop_last": True}
    whole = [batch.y.tolist() for batch in source.batches(2, **options)]
    rest = [batch.y.tolist() for batch in source.batches(2, start=1, **options)]
    assert len(whole) == source.num_batches(3, drop_last=True) == 2
    assert rest == whole[1:]


def test_windows_are_a_source_like_others_and_a_model_learns_from_them():
    mica.set_seed(0)
    series = hours(400, np.sin(np.arange(400) / 3))
    prepared = prepare_series(series, "rain", history=8, horizon=2)
    assert as_source(prepared.train) is prepared.train
    model = mica.Sequential(
        mica.Input((8, 1)), mica.layers.Flatten(), mica.layers.Dense(1)
    )
    adam = mica.optimizers.Adam(0.05)
    model.compile(optimizer=adam, loss="mse", metrics=["mae"])
    model.fit(prepared.train, epochs=5, verbose=0, validation_data=prepared.validation)
    error = model.evaluate(prepared.test, verbose=0, return_dict=True)["mae"]
    error *= prepared.encoder.target_scale
    assert error < 0.5 * prepared.test_baselines[0].mean_absolute_error
    forecast = prepared.encoder.decode(model.predict(prepared.test, verbose=0))
    assert forecast.shape == (prepared.test.num_samples,)


# Parts


def test_parts_lie_behind_each_other_with_the_gap_between():
    series = hours(100, np.arange(100.0))
    train, validation, test = split_series(series, [0.25, 0.25], gap=5)
    assert [part.values[[0, -1], 0].tolist() for part in (train, validation, test)] == [
        [0, 49],
        [55, 74],
        [80, 99],
    ]
    assert np.shares_memory(test.values, series.values)


@pytest.mark.parametrize(
    ("fractions", "gap", "error", "sentence"),
    [
        (
            [0.0],
            0,
            ConfigError,
            "split_series: expected fractions above 0 and below 1, got 0.0. 0.2 gives "
            "the part every fifth row.",
        ),
        (
            [0.5, 0.5],
            0,
            ConfigError,
            "split_series: expected fractions that leave rows for training, got 0.5 + "
            "0.5. Lower one of them.",
        ),
        (
            [0.5],
            -1,
            ConfigError,
            "split_series: expected a gap of at least 0 rows, got -1. Take the length "
            "of a window.",
        ),
        (
            [0.2, 0.2],
            3,
            DataError,
            "table: expected at least one row in each part, got 10 rows for 3 parts "
            "with 3 rows between them. Take a shorter window, larger fractions, or "
            "more data.",
        ),
    ],
)
def test_parts_that_cannot_be_are_refused(fractions, gap, error, sentence):
    with refused(error, sentence):
        split_series(hours(10, np.zeros(10)), fractions, gap=gap)


def test_no_window_of_a_part_sees_or_asks_what_another_part_holds():
    series = hours(200, np.arange(200.0))
    prepared = prepare_series(series, "rain", history=6, horizon=3)
    encoder = prepared.encoder
    span = encoder.shape.span
    edges = []
    for source in (prepared.train, prepared.validation, prepared.test):
        first = encoder.decode(source.values[:, 0])[0]
        last = encoder.decode(source.answers())[-1]
        edges.append((round(first), round(last)))
    assert edges[1][0] - edges[0][1] == span + 1
    assert edges[2][0] - edges[1][1] == span + 1


# What common sense forecasts


@pytest.mark.parametrize(
    ("step", "season"),
    [
        (Duration(600_000_000), 144),
        (Duration(86_400_000_000), 7),
        (Duration(0, 1), 12),
        (Duration(0, 3), 4),
        (Duration(0, 12), None),
        (Duration(0, 5), None),
        (Duration(7_000_000_000), None),
        (Duration(0), None),
        (Duration(86_400_000_000 * 7), None),
    ],
)
def test_a_season_is_guessed_from_the_step(step, season):
    assert season_rows(step) == season


def test_baselines_are_judged_by_hand():
    values = np.array([1.0, 5.0, 2.0, 6.0, 4.0, 7.0])
    source = WindowSource(values, None, WindowShape(2, 1))
    last, season = judge_baselines(source, season=2, unit=10.0)
    # now 1..4: 5 -> 2, 2 -> 6, 6 -> 4, 4 -> 7; two rows before: 1, 5, 2, 6
    assert last == Baseline("last value", 30.0, pytest.approx(10 * (38 / 4) ** 0.5))
    assert season == Baseline(
        "last season (2 rows)", 12.5, pytest.approx(10 * (7 / 4) ** 0.5)
    )


def test_a_season_behind_the_horizon_goes_back_whole_seasons():
    values = np.tile([0.0, 3.0, 9.0], 6)
    source = WindowSource(values, None, WindowShape(2, 4, whole=True))
    assert judge_baselines(source, season=3)[1].mean_absolute_error == 0
    assert judge_baselines(source)[0].mean_absolute_error > 0


@pytest.mark.parametrize(
    ("values", "season", "sentence"),
    [
        (
            np.zeros((9, 2)),
            None,
            "judge_baselines: expected one target, got 2. Judge the columns "
            "one by one.",
        ),
        (
            np.zeros(9),
            0,
            "judge_baselines: expected a season of at least 1 row, got 0. None judges "
            "the last value alone.",
        ),
        (
            np.zeros(9),
            90,
            "judge_baselines: expected a season shorter than the series, got 90 rows. "
            "Take a shorter one, or None.",
        ),
    ],
)
def test_a_baseline_that_cannot_be_judged_is_refused(values, season, sentence):
    with refused(ConfigError, sentence):
        judge_baselines(WindowSource(values, None, SHAPE), season=season)


# The encoder


def test_statistics_come_from_the_training_part_alone():
    values = np.concatenate([np.arange(100.0), np.full(100, 1e6)])
    prepared = prepare_series(hours(200, values), "rain", history=2, horizon=1)
    train = prepared.parts[0].column("rain")
    assert len(train) == 100
    assert_close(prepared.encoder.target_scale, train.std(), "reordered")
    decoded = prepared.encoder.decode(prepared.train.answers())
    assert_close(decoded, train[2:], "rounded once")


def test_the_encoder_travels_as_json():
    series = hours(50, np.arange(50.0), np.sin(np.arange(50.0)))
    encoder = SeriesEncoder("sun", history="6h", horizon="2h", every="2h", whole=True)
    again = SeriesEncoder.from_config(encoder.fit(series).config())
    assert (again.shape, again.step) == (encoder.shape, encoder.step)
    np.testing.assert_array_equal(again.latest(series), encoder.latest(series))
    assert again.decode(np.zeros((3, 1))).shape == (3,)
    fresh = SeriesEncoder.from_config(SeriesEncoder("a", history=1, horizon=1).config())
    assert fresh.columns == ()


def test_columns_may_come_in_another_order():
    series = hours(20, np.arange(20.0), np.cos(np.arange(20.0)))
    encoder = SeriesEncoder("rain", history=3, horizon=1).fit(series)
    other = TimeSeries(series.times, series.values[:, ::-1], ("sun", "rain"))
    np.testing.assert_array_equal(encoder.latest(other), encoder.latest(series))


def test_the_last_window_is_what_the_future_follows():
    series = hours(20, np.arange(20.0))
    encoder = SeriesEncoder("rain", history=6, horizon=2, every=2).fit(series)
    seen = encoder.decode(encoder.latest(series)[0, :, 0])
    assert_close(seen, np.array([15.0, 17, 19]), "rounded once")


@pytest.mark.parametrize(
    "use",
    [
        lambda encoder: encoder.shape,
        lambda encoder: encoder.step,
        lambda encoder: encoder.target_scale,
        lambda encoder: encoder.source(hours(9, np.zeros(9))),
        lambda encoder: encoder.latest(hours(9, np.zeros(9))),
        lambda encoder: encoder.decode([0.0]),
    ],
    ids=["shape", "step", "target_scale", "source", "latest", "decode"],
)
def test_an_encoder_that_learned_nothing_says_so(use, request):
    where = request.node.callspec.id
    sentence = (
        f"SeriesEncoder.{where}: expected a fitted encoder, got a new one. Call "
        "fit(training_part) first."
    )
    with refused(StateError, sentence):
        use(SeriesEncoder("rain", history=2, horizon=1))


def fitted():
    return SeriesEncoder("rain", history=2, horizon=1).fit(hours(9, np.arange(9.0)))


def gappy():
    series = hours(9, np.zeros(9))
    times = series.times.copy()
    times[-1] += np.timedelta64(5, "h")
    return TimeSeries(times, series.values, series.feature_names, "g")


@pytest.mark.parametrize(
    ("use", "error", "sentence"),
    [
        (
            lambda: SeriesEncoder(3, history=1, horizon=1),
            ConfigError,
            "SeriesEncoder: expected target to be a column's name, got 3. Name what is "
            "to be forecast.",
        ),
        (
            lambda: SeriesEncoder("rian", history=1, horizon=1).fit(
                hours(9, np.zeros(9))
            ),
            DataError,
            "table: expected a column 'rian' of numbers, got 1 other. Did you mean "
            "'rain'?",
        ),
        (
            lambda: fitted().source(
                as_series({"day": ["2020-01-01", "2020-01-02"], "rain": [1, 2]})
            ),
            DataError,
            "table: expected a row every 1 hour as in training, got one every 1 day. "
            "Bring the series to that step first.",
        ),
        (
            lambda: fitted().source(hours(9, np.full(9, 1e300))),
            DataError,
            "table: expected numbers near 4 in the column 'rain', got 1e+300 at row 1. "
            "Look for a slip of the pen.",
        ),
        (
            lambda: fitted().latest(hours(1, np.zeros(1))),
            DataError,
            "table: expected at least 2 rows, which a window sees, got 1. Bring more "
            "of the past.",
        ),
        (
            lambda: fitted().latest(gappy()),
            DataError,
            "g: expected no gap in the last 2 rows, got one after "
            "2020-01-01 07:00. Fill it first.",
        ),
        (
            lambda: fitted().decode(np.zeros((3, 2))),
            DataError,
            "decode: expected 1 columns, one per answer, got the shape (3, 2). Give "
            "what predict returned.",
        ),
        (
            lambda: prepare_series(
                hours(20, np.zeros(20)), "rain", history="15h", horizon="6h"
            ),
            DataError,
            "table: expected a series longer than a window of 21 rows (history and "
            "horizon), got 20 rows. Take a shorter history or horizon, or more data.",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(use, error, sentence):
    with refused(error, sentence):
        use()


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ["sun"]},
        {"columns": [3]},
        {"mean": [1.0, 2.0]},
        {"mean": [float("nan")]},
        {"scale": [0.0]},
        {"rows": [1, 2]},
        {"rows": [3, 1, 2]},
        {"step": ["x", 0]},
    ],
)
def test_a_damaged_encoder_is_refused(change):
    config = fitted().config()
    config["fitted"] = {**config["fitted"], **change}
    shown = str(config["fitted"])[:80]
    sentence = (
        "SeriesEncoder.from_config: expected columns, means, deviations, a step and "
        f"lengths, got {shown}. The file is damaged or was not written by Mica."
    )
    with refused(ConfigError, sentence):
        SeriesEncoder.from_config(config)


# Everything together


def test_a_prepared_series_says_what_was_done_and_what_common_sense_reaches():
    series = hours(500, np.sin(np.arange(500) * np.pi / 12))
    prepared = prepare_series(series, "rain", history="2 days", horizon="3h")
    assert prepared.notes[-1] == (
        "Learned from 2020-01-01 to 2020-01-11 09:00, watched "
        "to 2020-01-16 14:00, tested from 2020-01-18 17:00 to "
        "2020-01-21 19:00; 50 rows lie between the parts."
    )
    table = str(prepared.baselines())
    assert "What common sense reaches: rain" in table
    assert "last season (24 rows)" in table
    last, season = prepared.test_baselines
    assert season.mean_absolute_error < 1e-6 < last.mean_absolute_error


def test_windows_over_gaps_are_told():
    series = hours(500, np.zeros(500))
    times = series.times.copy()
    times[100:] += np.timedelta64(7, "h")
    gappy = TimeSeries(times, np.random.default_rng(0).normal(size=(500, 1)), ("rain",))
    prepared = prepare_series(gappy, "rain", history=4, horizon=2)
    assert prepared.notes[-1] == "5 windows reach over a gap in time and are left out."
    over = prepare_series(gappy, "rain", history=4, horizon=2, over_gaps=True)
    assert over.train.num_samples == prepared.train.num_samples + 5


def test_a_part_that_is_too_short_for_a_season_has_one_baseline():
    series = hours(60, np.arange(60.0))
    prepared = prepare_series(series, "rain", history=2, horizon=1)
    assert [baseline.name for baseline in prepared.test_baselines] == ["last value"]
    seasonal = prepare_series(series, "rain", history=2, horizon=1, season="3h")
    assert [b.name for b in seasonal.test_baselines][1] == "last season (3 rows)"


# The time of year and day


def test_cycles_are_columns_of_one_circle_each():
    series = add_cycles(hours(50, np.zeros(50)), ["year", "week", "day"])
    assert series.feature_names[1:3] == ("sine of the year", "cosine of the year")
    sine, cosine = series.values[:, 1::2], series.values[:, 2::2]
    assert_close(sine**2 + cosine**2, np.ones((50, 3)))
    day = series.column("sine of the day")
    assert_close(day[:24], np.sin(2 * np.pi * np.arange(24) / 24))
    assert_close(day[24:48], day[:24])
    assert len(series.rows(3, 9).gaps) == 0


def test_cycles_that_are_none_or_there_already_are_refused():
    series = hours(5, np.zeros(5))
    sentence = (
        "add_cycles: expected cycles among 'year', 'week' and 'day', got 'month'. Give "
        "a list of them."
    )
    with refused(ConfigError, sentence):
        add_cycles(series, ["month"])
    sentence = (
        f"{series.name}: expected no column 'sine of the day' yet, got one. The cycles "
        "need to be added once only."
    )
    with refused(DataError, sentence):
        add_cycles(add_cycles(series), ["day"])
