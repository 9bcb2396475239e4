"""Make `.venv` and install Mica into it: `python3 tools/environment.py runtime|dev`.

Any Python from 3.6 on can start this file: one that is too old looks for a newer
one and, without success, says what to install.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11", "python3.14")

# What `pip install -e` gets; constraints.txt fixes the versions.
TARGETS = {"runtime": ".", "dev": ".[dev]"}
PIP_INSTALL = (PYTHON, "-m", "pip", "install", "--quiet")
PINS = ("--constraint", ROOT / "constraints.txt")

TOO_OLD = (
    "Mica: expected Python 3.11 or newer, got {got} from {executable}. Install a "
    "newer one (Debian, Ubuntu: apt install python3 python3-venv), or name it: "
    "make PYTHON=/path/to/python3.11"
)
NO_PIP = (
    "Mica: expected a Python that can make an environment, got {executable} without "
    "ensurepip, virtualenv and pip. Install one of them (Debian, Ubuntu: apt "
    "install python3-venv) and call make again."
)


def succeeds(*command: object) -> bool:
    """Whether a command exists and ends well; what it prints is dropped."""
    words = [str(word) for word in command]
    try:
        return subprocess.call(words, stdout=DEVNULL, stderr=DEVNULL) == 0
    except OSError:
        return False


def is_new_enough(executable: str) -> bool:
    """Whether `executable` starts and is a Python that Mica runs on."""
    question = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return succeeds(executable, "-c", question)


def find_newer() -> str:
    """The first Python on the PATH that is new enough, by its versioned name; or ""."""
    found = (shutil.which(name) or "" for name in NEWER_NAMES)
    return next((path for path in found if path and is_new_enough(path)), "")


def run(*command: object) -> None:
    """Run a command; stop with its exit code if it fails."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # build tools warn builders
    code = subprocess.call([str(word) for word in command], cwd=ROOT, env=quiet)
    if code:
        words = " ".join(map(str, command))
        sys.exit(f"Mica: this command failed with exit code {code}: {words}")


def make_environment() -> None:
    """Make an empty environment that has pip, by whatever this machine offers."""
    if is_new_enough(str(PYTHON)) and succeeds(PYTHON, "-m", "pip", "--version"):
        return
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    if importlib.util.find_spec("ensurepip"):
        run(sys.executable, "-m", "venv", ENVIRONMENT)
    elif importlib.util.find_spec("virtualenv"):
        run(sys.executable, "-m", "virtualenv", "--quiet", ENVIRONMENT)
    elif importlib.util.find_spec("pip"):
        run(sys.executable, "-m", "venv", "--without-pip", ENVIRONMENT)
        run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "pip")
    else:
        sys.exit(NO_PIP.format(executable=sys.executable))


def upgrade_pip() -> None:
    """Replace a pip that came with an old Python; keep it if there is no newer one."""
    if not succeeds(*PIP_INSTALL, *PINS, "--upgrade", "pip"):
        say("no newer pip could be fetched; going on with the one that is there")


def install(target: str) -> None:
    """Install Mica as `target` says, and leave a stamp that make compares."""
    make_environment()
    say("step 1 of 3: setuptools")
    upgrade_pip()
    run(*PIP_INSTALL, *PINS, "setuptools")
    say("step 2 of 3: torch (the large one: minutes on a slow line)")
    run(*PIP_INSTALL, *PINS, "torch")
    say(f"step 3 of 3: Mica and its {target} libraries")
    run(*PIP_INSTALL, *PINS, "--no-build-isolation", "--editable", TARGETS[target])
    (ENVIRONMENT / f".{target}").touch()
    say(f"{ENVIRONMENT.name} is ready")


def say(text: str) -> None:
    """Tell a waiting person what happens."""
    print("Mica:", text, flush=True)


def main() -> None:
    """Check the Python, then install the target named on the command line."""
    if sys.version_info < OLDEST:
        newer = find_newer()
        if not newer:
            got = ".".join(map(str, sys.version_info[:3]))
            sys.exit(TOO_OLD.format(got=got, executable=sys.executable))
        sys.exit(subprocess.call([newer, *sys.argv]))
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python3 tools/environment.py {'|'.join(TARGETS)}")
    install(sys.argv[1])


if __name__ == "__main__":
    main()
