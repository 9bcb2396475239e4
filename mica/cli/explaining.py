"""What `mica explain` says: a saved model's step, layer by layer, and its memory."""

from pathlib import Path

from mica.errors import ConfigError
from mica.model import load_model
from mica.plan import explain, predict_memory
from mica.report import Report

__all__ = ["explanation"]

MODEL = "model.mica"  # in the folder of a run


def explanation(
    model: Path, *, batch_size: int | None = None, seconds: float = 2.0
) -> Report:
    """Explain the step of a saved model on random data of its input's shape.

    Args:
        model: A `.mica` file, or the folder of a run.
        batch_size: Rows in a step; None for 32.
        seconds: How long to measure, about.

    Returns:
        Where its time goes, and what its memory is for.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: It does not say its input, or ``seconds`` is not above 0.
    """
    if not seconds > 0:
        raise ConfigError(
            f"explain: expected seconds above 0, got {seconds:g}. 2 is enough for most "
            "models."
        )
    loaded = load_model(model / MODEL if model.is_dir() else model)
    found = explain(loaded, batch_size=batch_size, seconds=seconds)
    need = predict_memory(loaded, batch_size=batch_size)
    report = found.report()
    return Report(report.title, (*report.parts, need.report()), report.note)
