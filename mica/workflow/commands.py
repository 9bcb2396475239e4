"""The commands to go on with after a run, ready to be pasted."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from mica.workflow.job import Verb

__all__ = ["next_commands"]


def next_commands(
    folder: str | Path,
    source: str,
    options: Sequence[str] = (),
    *,
    seed: int = 0,
    program: str = "mica",
    verb: Verb = "predict",
) -> tuple[str, ...]:
    """Say how to use a model, how to see how much is luck, and how to look closely.

    Args:
        folder: The run's folder.
        source: What the run was given.
        options: The options it was given but for the seed, word by word.
        seed: Its seed.
        program: How the user calls Mica.
        verb: How the model is used.

    Returns:
        Three lines for a shell.

    Example:
        >>> for line in next_commands("runs/iris", "iris"):
        ...     print(line)
        mica predict runs/iris/model.mica iris
        mica train iris --seed 1
        mica open runs/iris
    """
    # A file whose name looks like an option must not be taken for one.
    source = f"./{source}" if source.startswith("-") else source
    model = str(Path(folder) / "model.mica")
    use: tuple[str, ...] = ("predict", model, source)
    if verb == "generate":
        use = ("generate", model, "--prompt", "Once upon a time")
    lines = (
        use,
        ("train", source, *options, "--seed", str(seed + 1)),
        ("open", str(folder)),
    )
    return tuple(shlex.join((*shlex.split(program), *line)) for line in lines)
