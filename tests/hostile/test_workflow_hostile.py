"""The main job met with bad files, full disks and Ctrl-C: a sentence, nothing lost."""

import errno
import importlib
import os
import re
import signal
import subprocess
import sys

import pytest

import mica
from mica import workflow
from mica.errors import CheckpointError, DataError
from mica.training import Callback
from tests.tables import write_visits

# By name: the package holds the function of the same name.
train_module = importlib.import_module("mica.workflow.train")
job_module = importlib.import_module("mica.workflow.job")

MESSY = {
    "five rows": ("a,b,c\n1,2,x\n2,3,y\n3,4,x\n4,5,y\n5,6,x\n", "c"),
    "five rows of numbers": ("a,c\n1,1.5\n2,3.2\n3,4.4\n4,6.1\n5,7.3\n", "c"),
    "three rows": ("a,c\n1.5,x\n2.5,y\n3.5,x\n", "c"),
    "a class with one row": ("a,c\n" + "1.5,x\n2.5,y\n" * 20 + "9,z\n", "c"),
    "nothing but gaps in a column": ("a,b,c\n" + "1.5,,x\n2.5,?,y\n" * 10, "c"),
    "names with blanks, quotes and commas": (
        '" a ","b, c","d ""e"""\n' + "1.5,2,x\n2.5,3,y\n" * 10,
        'd "e"',
    ),
    "a target that is a number of a class": ("a,c\n" + "1.5,0\n2.5,1\n" * 20, "c"),
    "columns of one name": ("a,a,c\n" + "1.5,2,x\n2.5,3,y\n" * 10, "c"),
    "huge numbers": ("a,c\n" + "1e150,x\n-1e150,y\n" * 10, "c"),
    "labels that look like markup": ("a,c\n" + "1.5,<b>x</b>\n2.5,[red]y\n" * 9, "c"),
    "a column called like our own": ("place,c\n" + "1.5,x\n2.5,y\n" * 10, "c"),
}


@pytest.mark.parametrize("case", MESSY)
def test_a_messy_file_is_learned_from_and_predicted(case, tmp_path):
    text, target = MESSY[case]
    path = tmp_path / "messy.csv"
    path.write_text(text, encoding="utf-8")
    outcome = workflow.train(path, target, epochs=2, runs=tmp_path, verbose=0)
    assert (outcome.folder / "report.html").exists()
    rows = workflow.predict(outcome.folder, path).rows
    assert len(rows) == len(text.splitlines()) - 1


REFUSED = {
    "one class": (
        "a,c\n" + "1.5,x\n2.5,x\n" * 5,
        "bad.csv: expected at least two classes in 'c', got only 'x' in 10 rows. "
        "Choose another target or bring rows of another class.",
    ),
    "a constant number": (
        "a,c\n" + "1.5,3.5\n2.5,3.5\n" * 5,
        "bad.csv: expected different numbers in 'c', got only 3.5 in 10 rows. Choose "
        "another target.",
    ),
    "names only": (
        "a,c\n",
        "bad.csv: expected rows below the column names, got none. Look at what wrote "
        "the file.",
    ),
    "two rows": (
        "a,c\n1.5,x\n2.5,y\n",
        "split: expected at least one row in each part, got 2 rows for the fractions "
        "0.2. Bring more rows or larger fractions.",
    ),
    "no target known": (
        "a,c\n1.5,\n2.5,\n",
        "bad.csv: expected values in column 'c', got none in 2 rows. Choose another "
        "column.",
    ),
    "only the target": (
        "c\n" + "x\ny\n" * 10,
        "bad.csv: expected at least one column to learn from, got none: the target is "
        "alone. Say otherwise with kinds={'column': 'number'} or 'category'.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_learned_from_leaves_no_folder(case, tmp_path):
    text, sentence = REFUSED[case]
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        workflow.train(path, "c", runs=tmp_path / "runs", verbose=0)
    assert str(caught.value) == sentence
    assert not (tmp_path / "runs").exists()


class Interrupter(Callback):
    """Ctrl-C at a batch of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, state):
        if state.epoch == self.epoch:
            raise KeyboardInterrupt


def interrupt_in(epoch, monkeypatch):
    """Let a Ctrl-C come in the middle of an epoch."""
    monkeypatch.setattr(
        train_module, "SparseProgress", lambda verbose: Interrupter(epoch)
    )


def test_ctrl_c_keeps_what_was_learned_and_says_where(monkeypatch, tmp_path):
    interrupt_in(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt) as caught:
        workflow.train("iris", epochs=5, runs=tmp_path, verbose=0)
    folder = tmp_path / "iris"
    assert str(caught.value) == (
        "fit: stopped by hand in epoch 3. Weights and history are those of 2 finished "
        f"epochs. They are in {folder / 'model.mica'} and {folder / 'history.csv'}."
    )
    assert len((folder / "history.csv").read_text().splitlines()) == 3
    assert len(workflow.predict(folder, "iris").rows) == 30


def test_ctrl_c_before_anything_was_learned_leaves_nothing(monkeypatch, tmp_path):
    interrupt_in(0, monkeypatch)
    with pytest.raises(KeyboardInterrupt) as caught:
        workflow.train("iris", epochs=5, runs=tmp_path / "runs", verbose=0)
    assert str(caught.value) == (
        "train: stopped by hand before the first epoch was over. Nothing was written."
    )
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_while_judging_keeps_the_model(monkeypatch, tmp_path):
    def interrupt(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(job_module, "judge", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        workflow.train("iris", epochs=1, runs=tmp_path, verbose=0)
    model = tmp_path / "iris" / "model.mica"
    assert str(caught.value) == (
        f"train: stopped by hand. The trained model is in {model}."
    )
    assert model.exists()


def test_ctrl_c_before_the_training_leaves_nothing(monkeypatch, tmp_path):
    def interrupt(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(job_module, "baselines", interrupt)
    with pytest.raises(KeyboardInterrupt):
        workflow.train("iris", runs=tmp_path / "runs", verbose=0)
    assert not (tmp_path / "runs").exists()


def test_a_training_that_fails_keeps_what_was_learned(monkeypatch, tmp_path):
    class Failing(Callback):
        def on_batch_end(self, state):
            if state.epoch == 1:
                raise RuntimeError("the sensor fell off")

    monkeypatch.setattr(train_module, "SparseProgress", lambda verbose: Failing())
    with pytest.raises(RuntimeError, match=r"^the sensor fell off$"):
        workflow.train("iris", epochs=5, runs=tmp_path, verbose=0)
    assert (tmp_path / "iris" / "model.mica").exists()


def test_a_page_that_cannot_be_written_leaves_the_model(monkeypatch, tmp_path):
    def full(self, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(train_module.Report, "page", full)
    with pytest.raises(CheckpointError) as caught:
        workflow.train("iris", epochs=1, runs=tmp_path, verbose=0)
    page = tmp_path / "iris" / "report.html"
    assert str(caught.value) == (
        f"train: expected to write {str(page)!r}, got the error 'No space left on "
        "device'. The model is saved beside it; free some space and run again."
    )
    assert (tmp_path / "iris" / "model.mica").exists()


def test_a_model_that_cannot_be_saved_leaves_nothing_half(monkeypatch, tmp_path):
    def full(self, path):
        raise CheckpointError("save: expected room, got none. Free some.")

    monkeypatch.setattr(mica.Model, "save", full)
    with pytest.raises(CheckpointError, match=r"^save: expected room, got none\."):
        workflow.train("iris", epochs=1, runs=tmp_path / "runs", verbose=0)
    assert not (tmp_path / "runs").exists()


def test_a_table_is_never_seen_by_its_test_rows(tmp_path):
    """What is learned from data is the same whatever the test rows hold."""
    path = write_visits(tmp_path / "visits.csv")
    places = workflow.open_task(path, "kauft").test_places
    lines = path.read_text(encoding="cp1252").splitlines()
    for place in places:
        size, _, answer = lines[place + 1].split(";")
        lines[place + 1] = f"{float(size.replace(',', '.')) * 7:.1f};Rom;{answer}"
    changed = tmp_path / "changed.csv"
    changed.write_bytes("\n".join(lines).replace(".", ",").encode("cp1252"))
    first, second = (workflow.open_task(each, "kauft") for each in (path, changed))
    assert first.encoder.config() == second.encoder.config()
    assert (first.x_train == second.x_train).all()


def test_ctrl_c_in_a_real_process_exits_with_130_and_keeps_the_model(tmp_path):
    program = "from mica.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program, "train", "digits", "--epochs", "1000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch    1/1000"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert re.fullmatch(
        r"fit: stopped by hand in epoch \d+\. Weights and history are those of \d+ "
        r"finished epochs?\. They are in runs/digits/model\.mica and "
        r"runs/digits/history\.csv\.",
        errors.strip(),
    )
    assert len(workflow.predict(tmp_path / "runs" / "digits", "digits").rows) == 360
