"""Plant each fault of faults.toml in a copy of the tree and demand a failing test.

    python tools/faults.py            every fault
    python tools/faults.py NAME ...   only these

A fault replaces text that occurs once in one file. Its test must pass on the copy
as it is and fail once the fault is planted; anything else is reported and the
command fails.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "faults.toml"
COPIED = ("mica", "tests", "tools", "docs", "pyproject.toml", "README.md")
TESTS_FAILED = 1  # pytest's exit code; 2 to 5 mean that nothing was judged


@dataclass(frozen=True)
class Fault:
    """One small mistake and the test that must notice it."""

    name: str
    file: str
    before: str
    after: str
    test: str


def read_faults(table: Path = TABLE) -> list[Fault]:
    """The faults of a table, in its order."""
    rows = tomllib.loads(table.read_text(encoding="utf-8")).get("fault", [])
    return [Fault(**row) for row in rows]


def copy_tree(root: Path, folder: Path) -> None:
    """Copy what the tests need, without caches."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy2(source, folder / name)


def plant(fault: Fault, folder: Path) -> str:
    """Put the fault into the copy and return the text it had before."""
    path = folder / fault.file
    source = path.read_text(encoding="utf-8")
    if source.count(fault.before) != 1:
        count = source.count(fault.before)
        message = f"{fault.name}: expected its text once in {fault.file}, got {count}"
        raise ValueError(f"{message}. Bring faults.toml up to date.")
    path.write_text(source.replace(fault.before, fault.after), encoding="utf-8")
    return source


QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")
HEAVY = ("torch", "numpy", "keras", "sklearn")  # seconds to import


def run_test(test: str, folder: Path) -> int:
    """Pytest's exit code for one test in the copy."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *QUIET, test],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def run_test_in_a_fork(test: str, folder: Path) -> int:
    """Pytest in a child that need not import the large libraries again.

    Without checks of shapes: putting them in takes longer than most tests do.
    """
    os.environ.update(OMP_NUM_THREADS="1", KERAS_BACKEND="torch", MPLBACKEND="Agg")
    for name in (*HEAVY, "pytest"):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path.insert(0, str(folder))
    code = 3  # pytest's word for an error of its own
    try:
        code = int(sys.modules["pytest"].main([*QUIET, "--no-shape-checks", test]))
    finally:
        os._exit(code)


def judge(
    fault: Fault,
    folder: Path,
    passed: set[str] | None = None,
    run: Callable[[str, Path], int] = run_test,
) -> str:
    """'' when the fault is noticed, else what is wrong.

    `passed` remembers the tests that pass without any fault.
    """
    passed = set() if passed is None else passed
    if fault.test not in passed and run(fault.test, folder) != 0:
        return f"{fault.test} does not pass without the fault"
    passed.add(fault.test)
    path = folder / fault.file
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    whole = plant(fault, folder)
    try:
        code = run(fault.test, folder)
    finally:
        path.write_text(whole, encoding="utf-8")
        os.utime(path, ns=times)  # what was compiled without the fault holds again
    if code == TESTS_FAILED:
        return ""
    return f"{fault.test} ended with {code} instead of failing"


def main() -> None:
    """Plant the chosen faults one after another; fail if one goes unnoticed."""
    chosen = [
        fault
        for fault in read_faults()
        if fault.name in sys.argv[1:] or not sys.argv[1:]
    ]
    run = run_test_in_a_fork if hasattr(os, "fork") else run_test
    unnoticed, passed = 0, set()
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(ROOT, Path(folder))
        for fault in chosen:
            complaint = judge(fault, Path(folder), passed, run)
            unnoticed += bool(complaint)
            print(
                f"{'UNNOTICED' if complaint else 'noticed  '} {fault.name} {complaint}",
                flush=True,
            )
    print(f"{len(chosen) - unnoticed} of {len(chosen)} faults noticed")
    sys.exit(1 if unnoticed or not chosen else 0)


if __name__ == "__main__":
    main()
