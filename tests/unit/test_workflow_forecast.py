"""Forecasts in the main job: windows, verdicts beside common sense, new answers."""

import json
import re

import numpy as np
import pytest
import torch

import mica
from mica import workflow
from mica.data import prepare_series
from mica.errors import DataError
from mica.report import Chart, Text
from mica.workflow.forecast import ForecastJob, open_forecast
from mica.workflow.forecast_verdict import (
    Forecasts,
    judge_forecasts,
    simple_forecasts,
)
from tests.tolerances import assert_close

HOURS = np.datetime64("2020-01-01T00", "h") + np.arange(1200)


def waves(count=1200):
    """A day's wave, and noise: the last season is good, the last value is not."""
    random = np.random.default_rng(0)
    hours = np.arange(count)
    load = np.sin(2 * np.pi * hours / 24) + random.normal(0, 0.1, count)
    return {"time": HOURS[:count], "load": 50 + 10 * load, "other": load**2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waves")
    told = []
    outcome = workflow.train(
        waves(),
        forecast="load",
        horizon="6h",
        epochs=2,
        runs=folder,
        name="waves",
        verbose=0,
        show=told.append,
    )
    return outcome, told


@pytest.mark.parametrize(
    ("horizon", "length", "every", "answers"),
    [
        ("1h", 24, 1, 1),
        ("6h", 30, 1, 6),
        ("1 day", 95, 1, 24),
        (48, 35, 2, 24),
    ],
)
def test_windows_are_chosen_by_the_horizon(horizon, length, every, answers):
    shape = open_forecast(waves(), "load", horizon=horizon).prepared.encoder.shape
    assert (shape.length, shape.every, shape.num_answers) == (length, every, answers)


def test_a_long_way_is_forecast_by_its_end_alone():
    days = np.datetime64("2000-01-01") + np.arange(6000)
    rows = {"day": days, "rain": np.sin(np.arange(6000.0))}
    shape = open_forecast(rows, "rain", horizon=211).prepared.encoder.shape
    assert (shape.every, shape.num_answers) == (1, 1)


def test_the_history_is_that_of_the_user():
    found = open_forecast(waves(), "load", horizon=1, history="3h")
    assert found.prepared.encoder.shape.history == 3


def test_working_days_are_counted_as_rows():
    days = np.datetime64("2020-01-01") + np.arange(700)
    days = days[np.is_busday(days)]
    rows = {"day": days, "price": np.sin(np.arange(float(len(days))))}
    found = open_forecast(rows, "price", horizon="1 day")
    assert found.prepared.encoder.over_gaps
    assert any("rows are counted, not times" in note for note in found.notes)


def test_a_few_gaps_leave_their_windows_out():
    rows = {name: np.delete(column, 100) for name, column in waves().items()}
    found = open_forecast(rows, "load", horizon="1h")
    assert not found.prepared.encoder.over_gaps


def test_before_it_learns_the_network_is_as_good_as_the_last_value():
    job = ForecastJob(open_forecast(waves(), "load", horizon="6h"))
    model = job.propose(1).model
    prepared = job.found.prepared
    last = simple_forecasts(prepared)[0]
    _, errors = judge_forecasts(prepared, model, [last])
    assert_close(np.float32(errors), np.float32(last.errors.mean(axis=0)))


def test_the_baselines_err_by_what_a_loop_finds():
    prepared = prepare_series(waves(400), "load", history=24, horizon=3, whole=True)
    last, season, _ = simple_forecasts(prepared)
    test = prepared.parts[2].column("load")
    rows = [
        (test[now], test[now + step - 24], test[now + step])
        for now in prepared.test.now.tolist()
        for step in (1, 2, 3)
    ]
    for value, (before, _, came) in zip(last.errors.ravel(), rows, strict=True):
        assert_close(np.float32(value + 50), np.float32(abs(before - came) + 50))
    for value, (_, past, came) in zip(season.errors.ravel(), rows, strict=True):
        assert_close(np.float32(value + 50), np.float32(abs(past - came) + 50))
    assert season.name == "last season (24 rows)"


def test_a_linear_series_is_known_to_ridge_regression():
    days = np.datetime64("2020-01-01") + np.arange(500)
    rows = {"day": days, "level": np.arange(500.0)}
    prepared = prepare_series(rows, "level", history=14, horizon=1)
    ridge = simple_forecasts(prepared)[-1]
    assert ridge.name == "ridge regression"
    assert ridge.mean < 0.01


def test_the_verdict_stands_beside_the_baselines(trained):
    outcome, _ = trained
    assert outcome.verb == "predict"
    assert outcome.verdict.measure == "test mean absolute error"
    assert [row[0] for row in outcome.verdict.comparison.rows] == [
        "last value",
        "last season (24 rows)",
        "ridge regression",
        "this network",
    ]


def test_baselines_are_told_before_the_training(trained):
    _, told = trained
    titles = [getattr(part, "title", "") for part in told]
    assert titles.index("Baselines") < titles.index("Plan") < titles.index("Result")


def test_errors_are_drawn_by_their_distance(trained):
    outcome, _ = trained
    by_step = outcome.verdict.details.parts[0]
    assert isinstance(by_step, Chart)
    assert [len(line.x) for line in by_step.series] == [6] * 4


def test_the_largest_errors_are_of_different_times(trained):
    outcome, _ = trained
    assert len({row[0] for row in outcome.verdict.mistakes.rows}) == 5


def test_what_comes_next_is_said_with_its_usual_error(trained):
    outcome, _ = trained
    table = workflow.predict(outcome.folder, waves())
    assert table.columns == ("time", "load", "usual error")
    assert [row[0] for row in table.rows][:2] == [
        "2020-02-20 00:00",
        "2020-02-20 01:00",
    ]
    assert table.note == (
        "From 1,200 rows, the last of 2020-02-19 23:00. The usual error is the mean "
        "one on the test part of the training."
    )
    again = workflow.predict(mica.load(outcome.folder / "model.mica"), waves())
    assert again.rows == table.rows


def test_a_file_of_the_newest_rows_is_enough(trained, tmp_path):
    outcome, _ = trained
    rows = waves()
    lines = [
        f"{np.datetime_as_string(time, unit='m')},{load},{other}"
        for time, load, other in zip(*rows.values(), strict=True)
    ]
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["time,load,other", *lines[-40:]]), encoding="utf-8")
    short = workflow.predict(outcome.folder, path).rows
    whole = workflow.predict(outcome.folder, rows).rows
    said = [np.float32([row[1] for row in rows]) for rows in (short, whole)]
    assert_close(*said)


def test_too_few_rows_are_refused(trained):
    outcome, _ = trained
    rows = {name: column[:10] for name, column in waves().items()}
    sentence = (
        "table: expected at least 30 rows, which a window sees, got 10. Bring more of "
        "the past."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        workflow.predict(outcome.folder, rows)


def test_a_sample_without_times_is_refused(trained):
    outcome, _ = trained
    sentence = (
        "predict: expected a series as in training, got the sample 'iris' without "
        "times. Give a CSV file with the columns of the training."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        workflow.predict(outcome.folder, "iris")


def test_rows_of_any_order_are_put_in_order_when_asked(tmp_path):
    rows = {name: column[::-1].copy() for name, column in waves(300).items()}
    outcome = workflow.train(
        rows, forecast="load", horizon="1h", sort=True, epochs=1, runs=tmp_path,
        name="waves", verbose=0,
    )  # fmt: skip
    assert workflow.predict(outcome.folder, rows).rows[0][0] == "2020-01-13 12:00"


def test_a_series_in_lines_of_json_is_opened_like_the_table(tmp_path):
    rows, path = waves(300), tmp_path / "waves.jsonl"
    lines = [
        json.dumps({"time": str(time.astype("M8[s]")), "load": load, "other": other})
        for time, load, other in zip(*rows.values(), strict=True)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = open_forecast(path, "load", horizon="1h", time="time")
    expected = open_forecast(rows, "load", horizon="1h")
    assert (found.name, found.series.name) == ("waves", "waves.jsonl")
    assert np.array_equal(found.series.values, expected.series.values)
    assert np.array_equal(found.series.times, expected.series.times)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda rows: {name: column[::-1] for name, column in rows.items()},
            "table: expected times that go forward, got 2020-01-13 10:00 after "
            "2020-01-13 11:00 (299 such places). Use --sort (sort=True) if the rows "
            "are only mixed; else look for two series in one file.",
        ),
        (
            lambda rows: {"load": rows["load"]},
            "table: expected a column of times, got 'load'. Name it: --time COLUMN "
            "(time=); it holds dates such as 2020-01-31 12:00.",
        ),
    ],
)
def test_advice_names_the_options_of_the_terminal(change, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_forecast(change(waves(300)), "load", horizon="1h")


def prepared_and_model():
    job = ForecastJob(open_forecast(waves(), "load", horizon="1h"))
    return job.found.prepared, job.propose(1).model


def verdict_beside(errors):
    prepared, model = prepared_and_model()
    rival = Forecasts("the rival", np.full((prepared.test.num_samples, 1), errors))
    return judge_forecasts(prepared, model, [rival])[0]


def test_a_network_that_errs_less_is_called_better():
    finding = verdict_beside(20.0).finding
    assert finding.severity == "good"
    assert re.match(
        r"This network errs \d+% less than the rival, the best baseline\.", finding.fact
    )


def test_a_baseline_that_errs_less_is_recommended():
    finding = verdict_beside(0.0).finding
    assert (finding.severity, finding.fact) == (
        "warning", "The rival errs less than this network.",
    )  # fmt: skip
    assert finding.remedy == (
        "Use the rival, or bring more of the past or other columns."
    )


def test_what_cannot_be_told_apart_is_said():
    prepared, model = prepared_and_model()
    rival = simple_forecasts(prepared)[0]  # an untrained network is the last value
    verdict, _ = judge_forecasts(prepared, model, [rival])
    assert verdict.finding.fact == ("This network and last value cannot be told apart.")


def test_one_step_has_no_growth_of_errors():
    part = verdict_beside(1.0).details.parts[0]
    assert isinstance(part, Text)


def test_windows_are_taken_by_number():
    prepared, _ = prepared_and_model()
    some = prepared.test.take(torch.tensor([0, 2]))
    assert some.num_samples == 2
