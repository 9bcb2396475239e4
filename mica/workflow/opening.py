"""Opening: which kind of job the user's words mean, and which do not go together."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from mica.data import samples
from mica.data.table.kinds import ColumnKind
from mica.data.table.target import Task as Kind
from mica.errors import ConfigError, DataError
from mica.workflow.forecast import ForecastJob, open_forecast
from mica.workflow.job import Job, RowsJob
from mica.workflow.source import open_task
from mica.workflow.texts import open_texts, text_sample_task
from mica.workflow.writing import WritingJob, open_writing

__all__ = ["open_job"]

PLAIN = (".txt", ".md", ".text")
FORECAST = "T (degC)"  # of the sample of measurements
SAMPLES = {
    "enron_spam": "texts",
    "imdb": "texts",
    "jena_climate": "forecast",
    "nietzsche": "generate",
    "reuters": "texts",
    "tiny_shakespeare": "generate",
}
OF_RECIPES = ("babi", "cats_vs_dogs", "glove", "spa_eng")


def _refuse(given: Mapping[str, Any], what: str, advice: str) -> None:
    """Words that have no meaning for this kind of job are not passed over."""
    named = [name for name, value in given.items() if value not in (None, False)]
    if named:
        raise ConfigError(
            f"train: expected no {named[0]} for {what}, got {given[named[0]]!r}. "
            f"{advice}"
        )


@dataclass(frozen=True)
class _Words:
    """What the user said beside the source; None and False were not said."""

    target: str | None
    task: Kind | None
    kinds: Mapping[str, ColumnKind] | None
    text: str | None
    time: str | None
    forecast: str | None
    horizon: int | str | None
    history: int | str | None
    sort: bool
    generate: bool
    encoding: str | None

    def but(self, *names: str) -> dict[str, Any]:
        """All but those of these names."""
        return {
            field.name: getattr(self, field.name) or None
            for field in fields(self)
            if field.name not in names
        }


def _open_sample(name: str, words: _Words) -> Job:
    wanted = {
        "forecast": ("forecast", "horizon", "history"),
        "generate": ("generate",),
        "texts": (),
    }
    kind = SAMPLES[name]
    advice = "A sample brings its own; leave it out."
    _refuse(words.but(*wanted[kind]), f"the sample {name!r}", advice)
    if kind == "texts":
        return RowsJob(text_sample_task(samples.load(name, raw=True)))
    if kind == "generate":
        corpus = samples.load(name)
        return WritingJob(open_writing(corpus.text, name, notes=(corpus.description,)))
    return ForecastJob(
        open_forecast(
            samples.load(name),
            words.forecast or FORECAST,
            horizon=words.horizon or "24h",
            history=words.history,
        )
    )


def _open_forecast(source: Any, words: _Words) -> Job:
    _refuse(
        words.but("time", "forecast", "horizon", "history", "sort", "encoding"),
        "a forecast",
        "Leave it out, or leave out forecast, horizon, history and time.",
    )
    if words.forecast is None:
        raise ConfigError(
            "train: expected the column to forecast, got none. Name it: --forecast "
            "COLUMN (forecast=)."
        )
    if words.horizon is None:
        raise ConfigError(
            "train: expected how far ahead to forecast, got nothing. Say it: --horizon "
            "24h (horizon=), or a number of rows."
        )
    return ForecastJob(
        open_forecast(
            source,
            words.forecast,
            time=words.time,
            horizon=words.horizon,
            history=words.history,
            encoding=words.encoding,
            sort=words.sort,
        )
    )


def _open_texts(source: Any, words: _Words, seed: int) -> Job:
    if _is_folder(source):
        advice = "The folders in it are the classes; leave it out."
        _refuse(words.but("encoding"), "a folder of texts", advice)
    else:
        advice = "Texts are sorted into classes; leave it out."
        _refuse(words.but("text", "target", "encoding"), "texts", advice)
        if words.target is None:
            raise ConfigError(
                "train: expected the column of the labels, got none. Name it: --target "
                "COLUMN (target=)."
            )
    return RowsJob(
        open_texts(
            source,
            text=words.text,
            target=words.target,
            encoding=words.encoding,
            seed=seed,
        )
    )


def _open_rows(source: Any, words: _Words, seed: int) -> Job:
    advice = "A table's encoding is found out; leave it out."
    _refuse(words.but("target", "task", "kinds"), "a table", advice)
    if not isinstance(source, (str, PathLike)):
        raise DataError(
            f"train: expected a sample's name or a path, got {type(source).__name__}. "
            "A table in memory is taken for texts (text=) and series (forecast=)."
        )
    path = Path(source)
    if path.suffix.lower() in PLAIN and words.target is None:
        raise ConfigError(
            f"train: expected to be told what to learn from {path.name}, got nothing. "
            "Add --generate (generate=True) to learn to write like it, or --target "
            "COLUMN (target=) if it is a table."
        )
    found = open_task(
        path if path.exists() else str(source),
        words.target,
        task=words.task,
        kinds=words.kinds,
        seed=seed,
    )
    return RowsJob(found)


def _is_folder(source: Any) -> bool:
    return isinstance(source, (str, PathLike)) and Path(source).is_dir()


def open_job(
    source: Any,
    target: str | None = None,
    *,
    task: Kind | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    text: str | None = None,
    time: str | None = None,
    forecast: str | None = None,
    horizon: int | str | None = None,
    history: int | str | None = None,
    sort: bool = False,
    generate: bool = False,
    encoding: str | None = None,
    seed: int = 0,
) -> Job:
    """Find out what the user means, and open it.

    Args:
        source: A sample's name, a file, a folder of class folders, or a table.
        target: The column to predict.
        task: What to learn from a table; None decides from the column.
        kinds: Columns of a table to take for what they do not look like.
        text: The column of the texts.
        time: The column of times.
        forecast: The column to forecast.
        horizon: How far ahead.
        history: How far back a forecast looks.
        sort: Whether to put the rows of a series in the order of time.
        generate: Whether to learn to write.
        encoding: How bytes become text.
        seed: Decides which rows are set aside.

    Returns:
        The job.

    Raises:
        ConfigError: Words that do not go together, or one that is missing.
        DataError: Data that cannot be read or learned from.

    Example:
        >>> open_job("iris").name
        'iris'
    """
    words = _Words(
        target,
        task,
        kinds,
        text,
        time,
        forecast,
        horizon,
        history,
        sort,
        generate,
        encoding,
    )
    if isinstance(source, str) and source in SAMPLES:
        return _open_sample(source, words)
    if isinstance(source, str) and source in OF_RECIPES:
        raise ConfigError(
            f"train: expected a sample of rows, texts or measurements, got {source!r}. "
            "`mica run` lists the recipes that learn from it."
        )
    if generate:
        advice = "Leave it out, or leave out generate."
        _refuse(words.but("generate", "encoding"), "a text to write like", advice)
        return WritingJob(open_writing(source, encoding=encoding))
    if not (forecast is None and horizon is None and time is None and history is None):
        return _open_forecast(source, words)
    if text is not None or _is_folder(source):
        return _open_texts(source, words, seed)
    return _open_rows(source, words, seed)
