"""What `mica explain` says: a saved model's step, layer by layer, and its memory."""

from pathlib import Path

from mica.model import load_model
from mica.plan import explain, predict_memory
from mica.report import Report
from mica.workflow import open_material

__all__ = ["explanation"]

MODEL = "model.mica"  # in the folder of a run


def explanation(
    model: Path,
    data: str | None = None,
    *,
    batch_size: int | None = None,
    seconds: float = 2.0,
) -> Report:
    """Explain the step of a saved model.

    Args:
        model: A `.mica` file, or the folder of a run.
        data: What `mica train` learned from, or more of its kind; None draws random
            numbers of the shape of the model's input.
        batch_size: Rows in a step; None for 32.
        seconds: How long to measure, about.

    Returns:
        Where its time goes, and what its memory is for.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: It does not say its input, or has no preprocessing to read data by,
            or ``seconds`` is not above 0.
        DataError: The data cannot be read, or are not like the training's.
    """
    loaded = load_model(model / MODEL if model.is_dir() else model)
    material = None if data is None else open_material(loaded, data)
    found = explain(loaded, material, batch_size=batch_size, seconds=seconds)
    need = predict_memory(loaded, material, batch_size=batch_size)
    report = found.report()
    return Report(report.title, (*report.parts, need.report()), report.note)
