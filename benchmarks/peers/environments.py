"""Environments of the peers: `python -m benchmarks peers` makes those that are missing.

Each framework gets its own folder below `.peers`, so that none decides the version of
another's libraries. Mica, torch and Keras on torch run in the environment at hand.
"""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["PEERS", "find_python", "install_all"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".peers"

# Peer to (its environment, what is installed there, what must be importable).
PEERS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "mica-auto": ("", (), "mica"),
    "mica-float32": ("", (), "mica"),
    "torch-plain": ("", (), "torch"),
    "torch-tuned": ("", (), "torch"),
    "torch-bfloat16": ("", (), "torch"),
    "keras-torch": ("", (), "keras"),
    "keras-tensorflow": ("tensorflow", ("tensorflow-cpu", "keras"), "tensorflow"),
    "lightning-": ("lightning", ("lightning", "torch"), "lightning"),
    "skorch-": ("skorch", ("skorch", "torch"), "skorch"),
}


def _python(environment: str) -> Path:
    return FOLDER / environment / "bin" / "python"


def find_python(peer: str) -> Path | str:
    """The interpreter that has a peer, or the reason why there is none."""
    environment, _, module = PEERS[peer]
    if not environment:
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed here"
        return Path(sys.executable)
    python = _python(environment)
    if not python.exists():
        return f"no .peers/{environment}; `python -m benchmarks peers` makes it"
    asked = subprocess.run(
        [python, "-c", f"import importlib.util as u; assert u.find_spec({module!r})"],
        capture_output=True,
        check=False,
    )
    return f"{module} is not in .peers/{environment}" if asked.returncode else python


def install_all() -> None:
    """Make every environment that is missing; one that fails is told and left out."""
    for environment, packages, _ in PEERS.values():
        if not environment or _python(environment).exists():
            continue
        venv.create(FOLDER / environment, with_pip=True)
        print(f"{environment}: installing {', '.join(packages)}")
        done = subprocess.run(
            [_python(environment), "-m", "pip", "install", "--quiet",
             "--constraint", ROOT / "constraints.txt", *packages],
            check=False,
        )  # fmt: skip
        if done.returncode:
            print(f"{environment}: pip failed; the peer is skipped")
