"""The commands to go on with after a run, ready to be pasted."""

import shlex
from pathlib import Path

__all__ = ["next_commands"]


def next_commands(
    folder: Path, source: str, target: str | None, seed: int, program: str = "mica"
) -> tuple[str, ...]:
    """Say how to use the model, how to see how much is luck, and how to look closely.

    Args:
        folder: The run's folder.
        source: What the run was given.
        target: The column it predicts, if it was given one.
        seed: The run's seed.
        program: How the user calls Mica.

    Returns:
        Three lines for a shell.

    Example:
        >>> for line in next_commands(Path("runs/iris"), "iris", None, 0):
        ...     print(line)
        mica predict runs/iris/model.mica iris
        mica train iris --seed 1
        mica open runs/iris
    """
    what = [source] if target is None else [source, "--target", target]
    if source.startswith("-"):
        what[0] = f"./{source}"
    lines = (
        ("predict", str(folder / "model.mica"), what[0]),
        ("train", *what, "--seed", str(seed + 1)),
        ("open", str(folder)),
    )
    return tuple(shlex.join((*shlex.split(program), *line)) for line in lines)
