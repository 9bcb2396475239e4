"""The main job from end to end: what is told, in which order, and what is written."""

import csv
from pathlib import Path

import numpy as np
import pytest

import mica
from mica import workflow
from mica.errors import CheckpointError, ConfigError
from mica.report import Finding, Part, Report, Table, Text
from mica.workflow.folder import run_folder
from tests.tables import write_houses, write_visits


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A run on a file, with all it told on the way."""
    folder = tmp_path_factory.mktemp("job")
    path = write_houses(folder / "houses.csv")
    parts: list[Part] = []
    outcome = workflow.train(
        path, "price", epochs=4, runs=folder / "runs", verbose=0, show=parts.append
    )
    return outcome, parts


def test_each_part_is_told_in_the_order_of_the_work(told):
    _, parts = told
    assert [getattr(part, "title", "") for part in parts] == [
        "Data: houses.csv",
        "Notes",
        "Baselines",
        "network",
        "Plan",
        "Result",
        "",
        "Largest errors",
        "Written",
    ]
    assert isinstance(parts[6], Finding)


def test_the_plan_is_one_line(told):
    plan = told[1][4]
    assert isinstance(plan, Text)
    assert plan.body == (
        "cpu (1 core) · float32 · channels-last · fused AdamW · data in memory"
    )


def test_model_report_and_history_are_written(told):
    outcome, parts = told
    assert sorted(path.name for path in outcome.folder.iterdir()) == [
        "history.csv",
        "model.mica",
        "report.html",
    ]
    assert parts[-1].body.split() == [
        str(outcome.folder / name)
        for name in ("model.mica", "report.html", "history.csv")
    ]


def test_the_saved_model_is_the_one_that_was_judged(told):
    outcome, _ = told
    copy = mica.load(outcome.folder / "model.mica")
    columns = len(copy.preprocessing.feature_names)
    x = np.zeros((2, columns), dtype=np.float32)
    assert np.array_equal(copy.predict(x), outcome.model.predict(x))
    assert copy.preprocessing.config() == outcome.model.preprocessing.config()


def test_the_history_has_a_row_for_each_epoch(told):
    outcome, _ = told
    text = (outcome.folder / "history.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert rows[0] == ["epoch", "loss", "val_loss"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4"]


def test_the_page_holds_everything_the_terminal_showed(told):
    outcome, parts = told
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    titles = [getattr(part, "title", "") for part in outcome.report.parts]
    for title in ("Result", "Largest errors", "Training", "Notes", "network", "Plan"):
        assert title in titles
        assert f">{title}</h2>" in page
    assert isinstance(parts[0], Report)
    assert parts[0].title in page


def test_the_page_needs_nothing_from_elsewhere(told):
    page = (told[0].folder / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert "<script" not in page


def test_the_test_part_is_looked_at_once(monkeypatch, tmp_path):
    looks = []
    predict = mica.Model.predict

    def watched(self, x, *args, **named):
        looks.append(len(x))
        return predict(self, x, *args, **named)

    monkeypatch.setattr(mica.Model, "predict", watched)
    workflow.train("iris", epochs=2, runs=tmp_path, verbose=0)
    assert looks == [30]


def test_the_same_seed_gives_the_same_run(tmp_path):
    path = write_visits(tmp_path / "visits.csv")
    first, second = (
        workflow.train(path, "kauft", epochs=2, seed=3, runs=tmp_path, verbose=0)
        for _ in range(2)
    )
    assert first.history.history == second.history.history
    assert first.verdict.comparison == second.verdict.comparison


def test_another_seed_gives_another_run(tmp_path):
    first, second = (
        workflow.train("iris", epochs=1, seed=seed, runs=tmp_path, verbose=0)
        for seed in (0, 1)
    )
    assert first.history.history != second.history.history


def test_an_earlier_run_is_never_written_over(tmp_path):
    first, second = (
        workflow.train("iris", epochs=1, runs=tmp_path, verbose=0) for _ in range(2)
    )
    assert (first.folder.name, second.folder.name) == ("iris", "iris-2")


def test_progress_is_told_line_by_line(tmp_path, capsys):
    workflow.train("iris", epochs=2, runs=tmp_path, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", "1/2"], ["epoch", "2/2"]]


def test_nothing_is_said_when_nobody_listens(tmp_path, capsys):
    workflow.train("iris", epochs=1, runs=tmp_path, verbose=0)
    assert capsys.readouterr().out == ""


def test_pictures_are_shown_as_pictures(tmp_path):
    parts: list[Part] = []
    workflow.train("digits", epochs=1, runs=tmp_path, verbose=0, show=parts.append)
    titles = [getattr(part, "title", "") for part in parts]
    mistakes = parts[titles.index("Worst mistakes")]
    assert isinstance(mistakes, Report)
    assert type(mistakes.parts[1]).__name__ == "Images"
    assert isinstance(parts[titles.index("Result")], Table)


def test_training_needs_an_epoch(tmp_path):
    with pytest.raises(ConfigError) as caught:
        workflow.train("iris", epochs=0, runs=tmp_path)
    assert str(caught.value) == (
        "train: expected at least 1 epoch, got 0. Leave it out to let the validation "
        "decide."
    )


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_the_name_of_a_run_is_a_plain_name(name, tmp_path):
    with pytest.raises(ConfigError) as caught, run_folder(tmp_path, name):
        pass
    assert str(caught.value) == (
        f"train: expected the name of a folder, got {name!r}. Give a plain name, and "
        "the folder around it as runs."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    with pytest.raises(CheckpointError) as caught, run_folder(tmp_path / "runs", "x"):
        pass
    assert str(caught.value) == (
        f"train: expected to make a folder in {str(tmp_path / 'runs')!r}, got the "
        "error 'File exists'. Choose another place as runs."
    )


def test_a_folder_in_which_nothing_came_of_it_is_taken_away(tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(RuntimeError), run_folder(runs, "x") as folder:  # noqa: PT012
        (folder / "history.csv").write_text("epoch", encoding="utf-8")
        raise RuntimeError
    assert not runs.exists()


def test_other_runs_stay_when_one_is_taken_away(tmp_path):
    with run_folder(tmp_path, "x"):
        pass
    with pytest.raises(RuntimeError), run_folder(tmp_path, "x"):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_with_a_model_stays(tmp_path):
    with pytest.raises(RuntimeError), run_folder(tmp_path, "x") as folder:  # noqa: PT012
        (folder / "model.mica").write_text("weights", encoding="utf-8")
        raise RuntimeError
    assert Path(tmp_path / "x" / "model.mica").exists()
