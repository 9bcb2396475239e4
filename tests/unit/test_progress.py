"""Progress: what is seen in a pipe, a terminal and a notebook, and what it costs."""

import io
import os
import re
import sys
import types
from pathlib import Path

import pytest

from mica.errors import ConfigError
from mica.training.callbacks import Progress, progress, screens
from mica.training.history import History
from tests.epochs import new_state, play

ROOT = Path(__file__).parents[2]

# Plays two epochs of four batches to the bar, in a process or kernel of its own.
SHOW = """
import time, types
from mica.training.callbacks import Progress

def show(epochs=2, steps=4, seconds=0.15, verbose="auto", reason="Enough."):
    state = types.SimpleNamespace(
        epochs=epochs, steps_per_epoch=steps, stop_reason=None, logs={}
    )
    state.running_logs = lambda: {"loss": 0.5 / state.batch}
    bar = Progress(verbose)
    bar.on_train_begin(state)
    for state.epoch in range(epochs):
        state.batch = state.samples = 0
        bar.on_epoch_begin(state)
        for _ in range(steps or 4):
            time.sleep(seconds)
            state.batch, state.samples = state.batch + 1, state.samples + 64
            bar.on_batch_end(state)
        state.logs = {"loss": 0.0312, "val_accuracy": 0.9876}
        bar.on_epoch_end(state)
    state.stop_reason = reason
    bar.on_train_end(state)
"""


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


class Recorder:
    """A screen that remembers what it was given."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.finished: list[str] = []
        self.is_closed = False

    def draw(self, line: screens.Line) -> None:
        self.drawn.append(self._text(line))

    def finish(self, line: screens.Line) -> None:
        self.finished.append(self._text(line))

    def close(self) -> None:
        self.is_closed = True

    def _text(self, line: screens.Line) -> str:
        return "  ".join("".join(text for text, _ in group) for group in line)


@pytest.fixture
def terminal(monkeypatch) -> Recorder:
    """Make a new Progress believe in a terminal; gives what it shows there."""
    recorder = Recorder()
    monkeypatch.setattr(progress, "choose_kind", lambda verbose: "terminal")
    monkeypatch.setattr(progress, "open_screen", lambda kind: recorder)
    return recorder


def run_epoch(bar: Progress, clock: Clock, *, batches: int, seconds: float, state=None):
    """One epoch on the clock; returns how often values were read."""
    state = new_state(steps_per_epoch=batches) if state is None else state
    reads: list[int] = []
    state.read_logs = lambda: reads.append(state.batch) or {"loss": 0.25}
    bar.on_epoch_begin(state)
    for _ in range(batches):
        clock.seconds += seconds
        state.batch += 1
        state.samples += 10
        bar.on_batch_end(state)
    state.logs = {"loss": 0.25}
    bar.on_epoch_end(state)
    return reads


def test_a_pipe_gets_one_plain_line_an_epoch(capsys, clock):
    state = new_state(epochs=5)
    state.epoch, state.samples, state.batch = 2, 49_200, 384
    state.logs = {"loss": 0.0312, "accuracy": 0.9901, "val_loss": 0.041}
    bar = Progress()
    bar.on_train_begin(state)
    bar.on_epoch_begin(state)
    clock.seconds += 1.2
    bar.on_batch_end(state)
    bar.on_epoch_end(state)
    assert capsys.readouterr().out == (
        "epoch 3/5  1.2 s  loss 0.0312  accuracy 0.9901  val_loss 0.0410  "
        "41,000 samples/s\n"
    )


def test_a_pipe_never_waits_for_the_device(capsys, clock):
    assert run_epoch(Progress(), clock, batches=50, seconds=1.0) == []


def test_samples_per_second_leave_the_validation_out(capsys, clock):
    state = new_state()
    bar = Progress()
    bar.on_train_begin(state)
    bar.on_epoch_begin(state)
    clock.seconds += 2.0
    state.samples = 1000
    bar.on_batch_end(state)
    clock.seconds += 8.0
    bar.on_epoch_end(state)
    assert capsys.readouterr().out == "epoch 1/1  10.0 s  500 samples/s\n"


def test_zero_is_silent_and_hears_nothing(capsys):
    bar = Progress(0)
    play(bar, [{"loss": 1.0}])
    assert not any(bar.listens_to(event) for event in ("epoch_end", "batch_end"))
    assert capsys.readouterr() == ("", "")


def test_two_writes_lines_even_in_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", _Terminal())
    assert screens.choose_kind(2) == "lines"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verbose", ["auto", 1, True])
def test_the_output_decides_what_can_be_shown(monkeypatch, verbose):
    monkeypatch.setattr(sys, "stdout", _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert screens.choose_kind(verbose) == "terminal"
    monkeypatch.setenv("TERM", "dumb")
    assert screens.choose_kind(verbose) == "lines"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert screens.choose_kind(verbose) == "lines"
    monkeypatch.setattr(sys, "stdout", None)
    assert screens.choose_kind(verbose) == "silent"


@pytest.mark.parametrize("verbose", [3, -1, "yes", None])
def test_verbose_has_four_values(verbose):
    sentence = (
        f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}. Use 0 for silence, 1 "
        "for a live bar, 2 for one line an epoch."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        Progress(verbose)


def test_the_bar_shows_position_time_left_values_and_speed(terminal, clock):
    bar = Progress()
    bar.on_train_begin(new_state())
    run_epoch(bar, clock, batches=20, seconds=0.5)
    assert terminal.drawn[0] == f"epoch 1/1  {'─' * 20}   0/20"
    assert terminal.drawn[5] == (
        f"epoch 1/1  {'━' * 5}{'─' * 15}   5/20  7.5 s left  loss 0.2500  20 samples/s"
    )
    assert terminal.drawn[20] == (
        f"epoch 1/1  {'━' * 20}  20/20  loss 0.2500  20 samples/s"
    )
    assert terminal.finished == ["epoch 1/1  10.0 s  loss 0.2500  20 samples/s"]


def test_the_bar_counts_batches_when_their_number_is_unknown(terminal, clock):
    bar = Progress()
    state = new_state(steps_per_epoch=None)
    bar.on_train_begin(state)
    run_epoch(bar, clock, batches=3, seconds=0.5, state=state)
    assert terminal.drawn[-1] == "epoch 1/1  3 batches  loss 0.2500  20 samples/s"


def test_values_are_read_at_most_ten_times_a_second(terminal, clock):
    bar = Progress()
    bar.on_train_begin(new_state())
    reads = run_epoch(bar, clock, batches=10_000, seconds=0.001)
    assert 95 <= len(reads) <= 101


def test_short_epochs_do_not_draw_a_bar_each(terminal, clock):
    bar = Progress()
    bar.on_train_begin(new_state())
    reads = [run_epoch(bar, clock, batches=4, seconds=0.005) for _ in range(50)]
    assert len(terminal.finished) == 50
    assert sum(map(len, reads)) <= 10


def test_a_reason_to_stop_is_told(capsys):
    state = new_state()
    state.stop("The target accuracy is reached.")
    bar = Progress()
    bar.on_train_begin(state)
    bar.on_train_end(state)
    assert capsys.readouterr().out == "The target accuracy is reached.\n"


def test_epoch_numbers_are_aligned(capsys):
    play(Progress(), [{"loss": 1.0}] * 10)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines[::9]] == ["epoch  1/10", "epoch 10/10"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.03124, "0.0312"),
        (0.0, "0.0000"),
        (1e-5, "1.000e-05"),
        (-0.5, "-0.5000"),
        (123456.0, "1.235e+05"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_values_show_four_digits(capsys, value, shown):
    play(Progress(), [{"loss": value}])
    assert f"  loss {shown}  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0123, "12 ms"),
        (0.5, "0.5 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (3599.0, "59 min 59 s"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_durations_are_for_people(capsys, clock, seconds, shown):
    bar = Progress()
    bar.on_train_begin(new_state())
    run_epoch(bar, clock, batches=1, seconds=seconds)
    assert f"  {shown}  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("samples", "shown"),
    [
        (3, "3"),
        (0.5, "0.5"),
        (123, "123"),
        (41_234, "41,200"),
        (1_239_999, "1,240,000"),
    ],
)
def test_rates_have_three_digits(capsys, clock, samples, shown):
    state = new_state()
    bar = Progress()
    bar.on_train_begin(state)
    bar.on_epoch_begin(state)
    clock.seconds += 1.0
    state.samples = samples
    bar.on_batch_end(state)
    bar.on_epoch_end(state)
    assert f"  {shown} samples/s\n" in capsys.readouterr().out


# One process for all scenes: each would import torch anew.
SCENES = """
import os, sys

def scene(name):
    print(f"<{name}>", flush=True)

def talk(self, state, keep=Progress.on_batch_end):
    keep(self, state)
    if state.batch == 2:
        print("hello")

scene("lines")
show(verbose=2, seconds=0)
print("rich" in sys.modules)
scene("bar")
show()
scene("narrow")
os.environ["COLUMNS"] = "40"
show()
del os.environ["COLUMNS"]
scene("ascii")
sys.stdout.reconfigure(encoding="latin-1")
show()
sys.stdout.reconfigure(encoding="utf-8")
scene("talk")
Progress.on_batch_end = talk
show(epochs=1)
scene("end")
"""


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """Everything a program writes to a real pseudo-terminal, by scene."""
    pexpect = pytest.importorskip("pexpect")
    environment = {name: os.environ[name] for name in os.environ if name != "COLUMNS"}
    child = pexpect.spawn(
        sys.executable,
        ["-c", SHOW + SCENES],
        cwd=str(ROOT),
        env={**environment, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
        dimensions=(24, 100),
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    parts = re.split(r"<(\w+)>\r\n", child.before)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def screen_after(written: str) -> list[str]:
    """The lines a terminal shows in the end: it obeys the few commands rich uses."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\??[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif re.fullmatch(r"\x1b\[\d*A", part):
            row -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + part
            column += len(part)
    return [line for line in lines if line]


FINISHED = r"epoch {}/2  \d+\.\d s  loss 0\.0312  val_accuracy 0\.9876  \d+ samples/s"


def test_a_terminal_keeps_one_tidy_line_an_epoch(written):
    shown = screen_after(written["bar"])
    assert re.fullmatch(FINISHED.format(1), shown[0])
    assert re.fullmatch(FINISHED.format(2), shown[1])
    assert shown[2:] == ["Enough."]


def test_a_terminal_shows_a_live_bar(written):
    bar = r"━{10}─{10}  2/4  \d+\.\d s left  loss 0\.2500  \d+ samples/s"
    assert re.search(bar, without_colours(written["bar"]))


def test_a_terminal_gets_its_cursor_back(written):
    assert written["bar"].rindex("\x1b[?25h") > written["bar"].rindex("\x1b[?25l")


def test_what_a_callback_prints_stands_above_the_bar(written):
    shown = screen_after(written["talk"])
    assert shown[0] == "hello"
    assert shown[1].startswith("epoch 1/1  ")
    assert shown[2:] == ["Enough."]


def test_a_narrow_terminal_breaks_lines_between_values(written):
    shown = screen_after(written["narrow"])
    assert re.fullmatch(r"epoch 1/2  \d+\.\d s  loss 0\.0312", shown[0])
    assert re.fullmatch(r"  val_accuracy 0\.9876  \d+ samples/s", shown[1])


def test_a_terminal_without_line_drawing_gets_an_ascii_bar(written):
    assert "##########----------  2/4" in without_colours(written["ascii"])


def test_nothing_of_rich_is_imported_where_no_bar_is_shown(written):
    assert written["lines"].endswith("Enough.\r\nFalse\r\n")


def test_a_notebook_shows_one_output_that_grows():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    source = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{SHOW}\nshow()"
    cell = nbformat.v4.new_code_cell(source)
    client = nbclient.NotebookClient(
        nbformat.v4.new_notebook(cells=[cell]), timeout=60, kernel_name="python3"
    )
    client.execute()
    [output] = cell.outputs
    lines = output.data["text/plain"].splitlines()
    assert re.fullmatch(FINISHED.format(1), lines[0])
    assert re.fullmatch(FINISHED.format(2), lines[1])
    assert lines[2:] == ["Enough."]
    assert output.data["text/html"].count("<span") == 10


@pytest.fixture
def notebook(monkeypatch) -> list[dict[str, str]]:
    """A stand-in for IPython; gives every picture a notebook was shown."""
    pictures: list[dict[str, str]] = []

    def update(bundle, *, raw):
        pictures.append(bundle)

    def display(bundle, *, raw, display_id):
        update(bundle, raw=raw)
        return types.SimpleNamespace(update=update)

    shell = types.SimpleNamespace(kernel=object())
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return pictures


def test_a_notebook_shows_a_live_bar_below_the_finished_lines(notebook, clock):
    bar = Progress()
    state = new_state(steps_per_epoch=4, epochs=2)
    bar.on_train_begin(state)
    run_epoch(bar, clock, batches=4, seconds=0.5, state=state)
    state.epoch, state.batch = 1, 0
    run_epoch(bar, clock, batches=4, seconds=0.5, state=state)
    bar.on_train_end(state)
    lines = notebook[-3]["text/plain"].splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "━━━━" in lines[1]
    assert 'color:#2e9e5b">━' in notebook[-3]["text/html"]
    assert "━" not in notebook[-1]["text/plain"]


def test_names_are_escaped_in_a_notebook(notebook):
    play(Progress(), [{"<b>loss": 1.0}])
    assert "&lt;b&gt;loss" in notebook[-1]["text/html"]


def test_a_history_is_left_alone(capsys):
    state = play(Progress(), [{"loss": 1.0}])
    assert isinstance(state.history, History)
    assert state.history.history == {"loss": [1.0]}
