"""Material: the file a user names, as what a trained model would learn from."""

from os import PathLike
from pathlib import Path
from typing import Any

from mica.data import TableEncoder, TextEncoder, Tokenizer, read_text
from mica.data.forecasting import ForecastEncoder
from mica.data.scaling import PictureEncoder
from mica.errors import ConfigError, DataError
from mica.model import Model
from mica.workflow.rows import open_rows, open_series
from mica.workflow.writing import text_windows

__all__ = ["open_material"]

FEWEST_LETTERS = 2  # of a text: one to read, one to guess


def open_material(model: Model, source: Any, where: str = "explain") -> Any:
    """Open data as the model's training read them.

    Args:
        model: A model that `train` made.
        source: What `predict` takes; for a model that writes, a text file.
        where: Who asks, for errors.

    Returns:
        (x, y), or x alone where the source does not know the answers; for a forecast
        the windows of the series.

    Raises:
        ConfigError: The model has no preprocessing.
        DataError: The source cannot be read, or is not like the training's.

    Example:
        >>> import tempfile
        >>> from mica.workflow import train
        >>> outcome = train("iris", epochs=1, runs=tempfile.mkdtemp(), verbose=0)
        >>> x, y = open_material(outcome.model, "iris")
        >>> x.shape, y.shape
        ((30, 4), (30,))
    """
    encoder = model.preprocessing
    if isinstance(encoder, ForecastEncoder):
        return encoder.series.source(open_series(source, encoder, where))
    if isinstance(encoder, Tokenizer):
        return _letters(source, encoder, where)
    if isinstance(encoder, (TableEncoder, PictureEncoder, TextEncoder)):
        rows = open_rows(source, encoder, where)
        if not len(rows.known):
            return rows.x
        return rows.x[rows.known], rows.truth
    raise ConfigError(
        f"{where}: expected a model with its preprocessing, as `mica train` saves it, "
        "to read data by, got one without. Leave the data out for random numbers, or "
        "call mica.plan.explain(model, x, y) from Python."
    )


def _letters(source: Any, tokenizer: Tokenizer, where: str) -> Any:
    if not isinstance(source, (str, PathLike)) or not Path(source).is_file():
        raise DataError(
            f"{where}: expected a text file as in training, got no file at "
            f"{str(source)!r}. Check the path."
        )
    text = read_text(source)
    if len(text) < FEWEST_LETTERS:
        raise DataError(
            f"{Path(source).name}: expected a text of at least {FEWEST_LETTERS} "
            f"characters, got {len(text)}. Bring a longer one."
        )
    return text_windows(text, tokenizer)
