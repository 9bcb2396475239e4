"""The tools do what they say: the map, the sizes, the planted faults, the set-up."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import architecture, environment, faults, sizes

ROOT = Path(__file__).resolve().parents[2]
FAULTS = faults.read_faults()


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


# the map


def test_the_map_shows_each_file_with_its_first_line(tmp_path):
    write(tmp_path, mica__dense='"""Dense: a map.\n\nMore."""', mica__data__table="")
    (tmp_path / "mica" / "__init__.py").write_text('"""Mica."""')
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    page = architecture.render(tmp_path)
    assert "mica/       Mica\n  dense.py  Dense: a map\n  data/\n    table.py\n" in page


def test_an_old_map_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(architecture, "PAGE", tmp_path / "architecture.md")
    monkeypatch.setattr(sys, "argv", ["architecture.py", "--check"])
    with pytest.raises(SystemExit, match=r"is out of date\. Run: python tools"):
        architecture.main()


# the sizes


def test_a_long_file_is_asked_about():
    assert list(sizes.questions("x = 1\n" * 401)) == ["one story?"]


def test_a_long_function_is_asked_about():
    body = "    x = 1\n" * 41
    assert list(sizes.questions(f"def f():\n{body}")) == ["f: 41 lines"]


def test_a_docstring_is_not_counted():
    docstring = '    """F.' + "\n" * 50 + '    """\n'
    assert list(sizes.questions(f"def f():\n{docstring}    x = 1\n")) == []


def test_many_arguments_are_asked_about():
    names = ", ".join(f"a{index}" for index in range(11))
    assert list(sizes.questions(f"def f({names}): ...")) == ["f: 11 arguments"]


def test_many_methods_are_asked_about():
    methods = "".join(f"    def f{index}(self): ...\n" for index in range(13))
    assert list(sizes.questions(f"class C:\n{methods}")) == ["C: 13 public methods"]


# the planted faults


@pytest.fixture
def small_tree(tmp_path) -> Path:
    write(
        tmp_path,
        mica__sums="def add(a, b):\n    return a + b\n",
        tests__test_sums=(
            "from mica.sums import add\n\n"
            "def test_add():\n    assert add(1, 2) == 3\n\n"
            "def test_zero():\n    assert add(0, 0) == 0\n"
        ),
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\n'
    )
    return tmp_path


def fault(test: str, before: str = "a + b") -> faults.Fault:
    return faults.Fault("sign", "mica/sums.py", before, "a - b", test)


def test_a_fault_that_a_test_notices(small_tree):
    assert faults.judge(fault("tests/test_sums.py::test_add"), small_tree) == ""
    assert "a + b" in (small_tree / "mica" / "sums.py").read_text()


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        ("test_zero", "ended with 0 instead of failing"),
        ("test_nothing", "does not pass without the fault"),
    ],
)
def test_a_fault_that_no_test_notices(test, complaint, small_tree):
    assert complaint in faults.judge(fault(f"tests/test_sums.py::{test}"), small_tree)


def test_a_fault_whose_place_is_gone(small_tree):
    with pytest.raises(ValueError, match=r"got 0\. Bring faults\.toml up to date\.$"):
        faults.plant(fault("", before="a * b"), small_tree)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.name)
def test_a_fault_still_has_its_place_and_its_test(row):
    file, function = row.test.split("[")[0].split("::")
    assert (ROOT / row.file).read_text(encoding="utf-8").count(row.before) == 1
    assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8")
    assert row.before != row.after


def test_no_two_faults_share_a_name():
    assert len({row.name for row in FAULTS}) == len(FAULTS) > 0


# the set-up


def test_a_python_that_is_too_old_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(environment, "find_newer", lambda: "")
    with pytest.raises(SystemExit) as error:
        environment.main()
    assert error.value.code == (
        f"Mica: expected Python 3.11 or newer, got 3.9.2 from {sys.executable}. "
        "Install a newer one (Debian, Ubuntu: apt install python3 python3-venv), or "
        "name it: make PYTHON=/path/to/python3.11"
    )


def test_a_python_that_is_too_old_hands_over_to_a_newer_one(monkeypatch):
    calls = []
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(sys, "argv", ["tools/environment.py", "runtime"])
    monkeypatch.setattr(environment, "find_newer", lambda: "python3.12")
    monkeypatch.setattr(
        environment.subprocess, "call", lambda words: calls.append(words) or 0
    )
    with pytest.raises(SystemExit) as error:
        environment.main()
    assert error.value.code == 0
    assert calls == [["python3.12", "tools/environment.py", "runtime"]]


def test_a_newer_python_is_found_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "python3.12").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.find_newer() == str(tmp_path / "python3.12")


def test_a_python_that_does_not_start_is_passed_over(tmp_path, monkeypatch):
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.find_newer() == ""


def test_a_python_without_any_installer_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as error:
        environment.make_environment()
    assert error.value.code == (
        "Mica: expected a Python that can make an environment, got "
        f"{sys.executable} without ensurepip, virtualenv and pip. Install one of them "
        "(Debian, Ubuntu: apt install python3-venv) and call make again."
    )


def test_an_unknown_target_is_refused():
    command = [sys.executable, "tools/environment.py", "everything"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "usage: python3 tools/environment.py runtime|dev\n"
    assert done.returncode == 1


def test_a_command_that_fails_stops_the_set_up():
    with pytest.raises(SystemExit, match=r"failed with exit code 1: .*-c exit"):
        environment.run(sys.executable, "-c", "exit(1)")
