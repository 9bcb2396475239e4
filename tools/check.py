"""Everything that must hold before a change is ready: `python tools/check.py`.

--quick   the first four steps only (some seconds)
--fix     let ruff mend what it can before looking
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# Documentation's code blocks and the architecture page are tests/structure.
QUICK = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "imports": ("lint-imports", "--no-logo"),
    "types": ("pyright",),
}
TESTS = {"tests": ("pytest", "-n", os.environ.get("WORKERS", "2"), "--quiet")}
FIXES = {
    "mend lint": ("ruff", "check", "--quiet", "--fix-only", "."),
    "mend format": ("ruff", "format", "--quiet", "."),
    "mend map": ("python", "tools/architecture.py"),
}


def run_step(name: str, command: tuple[str, ...]) -> bool:
    """Run one step, show what it printed if it failed, and say how long it took."""
    started = time.perf_counter()
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    if not passed:
        print(done.stdout, done.stderr, sep="\n")
    elif command[0] == "pytest":
        print(done.stdout.splitlines()[-1])
    seconds = time.perf_counter() - started
    print(f"{'ok    ' if passed else 'FAILED'} {name} ({seconds:.1f} s)", flush=True)
    return passed


def main() -> None:
    """Run every step, whatever the earlier ones said; fail if one failed."""
    steps = dict(FIXES) if "--fix" in sys.argv else {}
    steps |= QUICK if "--quick" in sys.argv else QUICK | TESTS
    results = [run_step(name, command) for name, command in steps.items()]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
