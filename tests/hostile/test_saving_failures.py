"""Saving that fails: the old file is whole, nothing is left lying about."""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from mica.errors import CheckpointError, ConfigError, MicaError
from mica.training import checkpoint
from mica.training.callbacks import CSVLogger, ModelCheckpoint
from mica.training.checkpoint import atomic_file, load_weights, save_weights
from tests.epochs import new_state, play

UNCHANGED = "what was there before is unchanged."
FREE = f"Free some space or choose another disk; {UNCHANGED}"
WRITABLE = f"Choose a folder you may write to; {UNCHANGED}"


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "old.bin"
    path.write_bytes(b"old and whole")
    return path


def assert_untouched(old: Path) -> None:
    assert old.read_bytes() == b"old and whole"
    assert [part.name for part in old.parent.iterdir()] == ["old.bin"]


@pytest.fixture
def small_files():
    """No file may grow beyond 4 KiB: the system's own refusal, not a pretended one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


FAILURES = [
    (errno.ENOSPC, "No space left on device", FREE),
    (errno.EDQUOT, "Disk quota exceeded", FREE),
    (errno.EACCES, "Permission denied", WRITABLE),
    (errno.EROFS, "Read-only file system", WRITABLE),
    (errno.EIO, "Input/output error", f"Choose another path; {UNCHANGED}"),
]


@pytest.mark.parametrize("moment", ["open", "fsync", "replace"])
@pytest.mark.parametrize(("code", "reason", "advice"), FAILURES)
def test_a_disk_that_fails_leaves_the_old_file(
    old, monkeypatch, moment, code, reason, advice
):
    def fail(*arguments):
        raise OSError(code, os.strerror(code))

    sentence = (
        f"save: expected to write {str(old)!r}, got the error {reason!r}. {advice}"
    )
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, moment, fail)
        with (
            pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"),
            atomic_file(old) as file,
        ):
            file.write(b"new")
    assert_untouched(old)


def test_a_write_that_the_system_refuses_leaves_the_old_file(old, small_files):
    sentence = (
        f"save: expected to write {str(old)!r}, got the error 'File too large'. Choose "
        f"a disk or a limit that allows larger files; {UNCHANGED}"
    )
    with (
        pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"),
        atomic_file(old) as file,
    ):
        file.write(bytes(10_000))
    assert_untouched(old)


def test_weights_that_do_not_fit_the_disk_leave_the_old_file(old, small_files):
    sentence = (
        f"save_weights: expected to write {str(old)!r}, got the error 'File too "
        f"large'. Choose a disk or a limit that allows larger files; {UNCHANGED}"
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        save_weights(nn.Linear(100, 100), old)
    assert_untouched(old)


def test_an_error_of_the_library_without_a_number_is_told(old, monkeypatch):
    def fail(*arguments, **options):
        raise checkpoint.SafetensorError("strange")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    sentence = (
        f"save_weights: expected to write {str(old)!r}, got the error 'strange'. "
        f"Choose another path; {UNCHANGED}"
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        save_weights(nn.Linear(2, 1), old)
    assert_untouched(old)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_interruption_leaves_the_old_file(old, error):
    def write_half() -> None:
        with atomic_file(old) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert_untouched(old)


def test_a_sentence_from_inside_is_passed_on(old):
    with pytest.raises(MicaError, match=r"^inner: a sentence\.$"), atomic_file(old):
        raise ConfigError("inner: a sentence.")
    assert_untouched(old)


def test_a_folder_is_no_file(tmp_path):
    sentence = (
        f"save: expected the path of a file, got {str(tmp_path)!r}, which is a folder "
        "or a device. Choose another name."
    )
    with (
        pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"),
        atomic_file(tmp_path),
    ):
        pass


def test_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sentence = (
        f"save: expected the path of a file, got {str(pipe)!r}, which is a folder or a "
        "device. Choose another name."
    )
    with (
        pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"),
        atomic_file(pipe),
    ):
        pass
    assert pipe.is_fifo()


def test_a_file_in_the_place_of_a_folder_is_told(old):
    path = old / "weights"
    sentence = (
        f"save: expected to write {str(path)!r}, got the error 'Not a directory'. "
        f"Choose another path; {UNCHANGED}"
    )
    with (
        pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"),
        atomic_file(path),
    ):
        pass
    assert_untouched(old)


KILLED_WHILE_SAVING = """
import sys, time
from mica.training.checkpoint import atomic_file
with atomic_file(sys.argv[1]) as file:
    file.write(bytes(1_000_000))
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_run_killed_while_saving_leaves_the_old_file(old, name):
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(old)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        child.send_signal(getattr(signal, name))
        assert child.wait(30) == -getattr(signal, name)
    assert old.read_bytes() == b"old and whole"
    with atomic_file(old) as file:  # what was left behind is in nobody's way
        file.write(b"new")
    assert old.read_bytes() == b"new"


SAVING_FOREVER = """
import sys, torch
from mica.training.checkpoint import save_weights
module = torch.nn.Linear(400, 400)
for number in range(100_000):
    torch.nn.init.constant_(module.weight, float(number))
    torch.nn.init.constant_(module.bias, float(number))
    save_weights(module, sys.argv[1])
    if number == 3:
        print("going", flush=True)
"""


def test_weights_of_a_run_killed_at_any_moment_are_whole(tmp_path):
    path = tmp_path / "weights"
    command = [sys.executable, "-c", SAVING_FOREVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "going\n"
        time.sleep(0.05)
        child.kill()
    module = nn.Linear(400, 400)
    load_weights(module, path)
    assert torch.equal(module.weight, module.bias[0].expand(400, 400))


def test_a_checkpoint_that_fails_leaves_the_one_of_the_epoch_before(
    tmp_path, small_files
):
    path = tmp_path / "weights"
    model = nn.Linear(20, 20)
    state = new_state(model)

    def grow(state) -> None:
        if state.epoch == 1:
            state.model = nn.Linear(200, 200)

    sentence = (
        f"save_weights: expected to write {str(path)!r}, got the error 'File too "
        "large'. Choose a disk or a limit that allows larger files; what was there "
        "before is unchanged."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        play(ModelCheckpoint(path), [{"loss": 1.0}] * 2, state=state, change=grow)
    other = nn.Linear(20, 20)
    load_weights(other, path)
    assert torch.equal(other.weight, model.weight)


def test_a_history_that_fills_the_disk_keeps_its_earlier_rows(tmp_path, small_files):
    path = tmp_path / "history.csv"
    rows = [{"loss": 1.0, "name" + "x" * 1000: float(number)} for number in range(900)]
    sentence = (
        f"CSVLogger: expected to add a row to {str(path)!r}, got the error 'File too "
        "large'. Free some space or choose another path; earlier rows are kept."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        play(CSVLogger(path), rows)
    lines = path.read_text().splitlines()
    assert len(lines) > 100
    assert lines[-1] == f"{len(lines) - 1},1.0,{float(len(lines) - 2)}"


DAMAGE = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "huge header": lambda whole: (2**62).to_bytes(8, "little") + whole[8:],
    "no JSON": lambda whole: whole[:8] + b"?" * (len(whole) - 8),
    "longer": lambda whole: whole + b"more",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_weights_change_nothing(tmp_path, damage):
    path = tmp_path / "weights"
    module = nn.Linear(3, 2)
    save_weights(module, path)
    path.write_bytes(damage(path.read_bytes()))
    before = module.weight.clone()
    sentence = (
        f"load_weights: expected a whole safetensors file, got {str(path)!r}, which "
        "cannot be read. Save it again, or fetch it again."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        load_weights(module, path)
    assert torch.equal(module.weight, before)
