"""The main job: a source in; a judged, saved, reported model out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mica.data.table.kinds import ColumnKind
from mica.data.table.target import Task as Kind
from mica.engine import set_seed
from mica.errors import CheckpointError, ConfigError
from mica.model import Model, summarize
from mica.report import Highlight, Highlights, Part, Report, Text, format_value
from mica.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    TrainState,
    Verbosity,
)
from mica.view import training_curves
from mica.workflow.architecture import Proposal
from mica.workflow.folder import run_folder
from mica.workflow.job import Job, Verb
from mica.workflow.judge import Verdict
from mica.workflow.opening import open_job
from mica.workflow.progress import SparseProgress

__all__ = ["Outcome", "train"]

MODEL, HISTORY, REPORT = "model.mica", "history.csv", "report.html"


@dataclass(frozen=True)
class Outcome:
    """What a run of the main job leaves.

    Args:
        model: The trained model, with its preprocessing.
        verdict: How good it is, and where it is wrong.
        history: The logs of each epoch.
        folder: Where everything was written.
        report: What the page shows.
        verb: The command that uses the model: "predict" or "generate".

    Example:
        >>> import tempfile
        >>> outcome = train("wine", epochs=1, runs=tempfile.mkdtemp(), verbose=0)
        >>> sorted(path.name for path in outcome.folder.iterdir())
        ['history.csv', 'model.mica', 'report.html']
    """

    model: Model
    verdict: Verdict
    history: History
    folder: Path
    report: Report
    verb: Verb = "predict"


class _PlanLine(Callback):
    """Shows and keeps the line that says how a step is executed."""

    def __init__(self, show: Callable[[Part], object]) -> None:
        self.show = show
        self.text = Text("Plan", "")

    def on_train_begin(self, state: TrainState) -> None:
        """Read the line."""
        self.text = Text("Plan", state.plan_line)
        self.show(self.text)


def _say_nothing(part: Part) -> None:
    """Take a part and show nothing."""


def _notes(job: Job) -> Text:
    return Text("Notes", "\n".join(f"- {note}" for note in job.notes))


def _fit(
    job: Job,
    proposal: Proposal,
    folder: Path,
    listeners: Sequence[Callback],
    seed: int,
) -> History:
    callbacks = [
        CSVLogger(folder / HISTORY),
        EarlyStopping(patience=proposal.patience),
        *listeners,
    ]
    return job.fit(proposal, callbacks, seed)


def _has_learned(model: Model) -> bool:
    return model.history is not None and bool(model.history.epoch)


def _train(
    job: Job,
    proposal: Proposal,
    folder: Path,
    listeners: Sequence[Callback],
    seed: int,
) -> History:
    """Fit and save; what was learned before a failure is saved, too."""
    model = proposal.model
    try:
        history = _fit(job, proposal, folder, listeners, seed)
    except KeyboardInterrupt as interrupt:
        if not _has_learned(model):
            raise KeyboardInterrupt(
                "train: stopped by hand before the first epoch was over. Nothing was "
                "written."
            ) from None
        model.save(folder / MODEL)
        raise KeyboardInterrupt(
            f"{interrupt} They are in {folder / MODEL} and {folder / HISTORY}."
        ) from None
    except Exception:
        if _has_learned(model):
            model.save(folder / MODEL)
        raise
    model.save(folder / MODEL)
    return history


def _highlights(model: Model, history: History, verdict: Verdict) -> Highlights:
    others = [
        f"{name} {format_value(score)}"
        for name, score, _ in verdict.comparison.rows[:-1]
    ]
    epochs = Highlight("epochs", len(history.epoch), history.stop_reason or "")
    return Highlights(
        "",
        (
            Highlight(verdict.measure, verdict.score, ", ".join(others)),
            epochs,
            Highlight("parameters", model.count_parameters()),
        ),
    )


def _network(model: Model, proposal: Proposal) -> Part:
    """The table of layers, with the reason for them where there is one."""
    table = summarize(model)
    if not proposal.reason:
        return table
    return Report("Network", (Text("", proposal.reason), table))


def _report(
    job: Job,
    history: History,
    verdict: Verdict,
    network: Part,
    plan: Text,
    model: Model,
) -> Report:
    return Report(
        f"mica train {job.name}",
        (
            _highlights(model, history, verdict),
            verdict.finding,
            verdict.comparison,
            verdict.mistakes,
            Report("Training", training_curves(history.history)),
            verdict.details,
            job.card,
            _notes(job),
            network,
            plan,
        ),
    )


def _write_page(report: Report, path: Path) -> None:
    try:
        report.page(path)
    except OSError as error:
        raise CheckpointError(
            f"train: expected to write {str(path)!r}, got the error "
            f"{error.strerror!r}. The model is saved beside it; free some space and "
            "run again."
        ) from error


def _written(folder: Path) -> Text:
    names = (MODEL, REPORT, HISTORY)
    return Text("Written", "\n".join(f"    {folder / name}" for name in names))


def _run(
    job: Job,
    folder: Path,
    epochs: int | None,
    seed: int,
    verbose: Verbosity,
    tell: Callable[[Part], object],
) -> Outcome:
    """From opened data to everything written, telling each part on the way."""
    tell(job.card)
    tell(_notes(job))
    tell(job.baselines())
    proposal = job.propose(epochs)
    model = proposal.model
    network = _network(model, proposal)
    tell(network)
    plan = _PlanLine(tell)
    history = _train(job, proposal, folder, [plan, SparseProgress(verbose)], seed)
    verdict = job.judge(model)
    if job.has_more_to_save:
        model.save(folder / MODEL)
    for part in (verdict.comparison, verdict.finding, verdict.mistakes):
        tell(part)
    report = _report(job, history, verdict, network, plan.text, model)
    _write_page(report, folder / REPORT)
    tell(_written(folder))
    return Outcome(model, verdict, history, folder, report, job.verb)


def train(
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
    epochs: int | None = None,
    seed: int = 0,
    runs: str | Path = "runs",
    name: str | None = None,
    verbose: Verbosity = "auto",
    show: Callable[[Part], object] | None = None,
) -> Outcome:
    """Train, judge, save and report a model for a source.

    The test part is looked at once, after training; what is learned from data (means,
    categories, when to stop) comes from the training part alone.

    Args:
        source: A sample's name; a CSV file; a folder with a folder of .txt files for
            each class; for texts and series JSONL and Parquet files, or a frame or a
            dict of columns; a plain text to learn to write like.
        target: The column to predict, for a file.
        task: "classification" or "regression", for a file; None decides from the
            column.
        kinds: "number", "category" or "left out" for columns of a file that Mica
            would take for something else.
        text: The column of the texts to sort into the classes of ``target``.
        time: The column of times of a series; None finds it.
        forecast: The column of a series to forecast.
        horizon: How far ahead: "24h", "7 days", or a number of rows.
        history: How far back a forecast looks; None decides by the horizon.
        sort: Whether to put the rows of a series in the order of time first.
        generate: Whether to learn to write like a plain text.
        encoding: How the bytes of texts become letters; None finds out.
        epochs: The most epochs; None lets the proposal decide.
        seed: Decides split, first weights and order.
        runs: Folder in which the run gets a folder of its own.
        name: The run's folder; None takes the source's name; a number is added when
            it is taken.
        verbose: As in `Model.fit`.
        show: Takes each part as soon as it is known, such as `Part.show`, which prints
            it or displays it in a notebook; None shows nothing.

    Returns:
        The model, its verdict and where everything is.

    Raises:
        ConfigError: A source, target or setting that cannot work.
        DataError: Data that cannot be read or learned from.
        CheckpointError: The folder cannot be written.
        KeyboardInterrupt: Ctrl-C; what was learned so far is saved first.

    Example:
        >>> import tempfile
        >>> outcome = train("iris", epochs=2, runs=tempfile.mkdtemp(), verbose=0)
        >>> outcome.verdict.measure, outcome.folder.name
        ('test accuracy', 'iris')
    """
    if epochs is not None and epochs < 1:
        raise ConfigError(
            f"train: expected at least 1 epoch, got {epochs}. Leave it out to let the "
            "validation decide."
        )
    tell = show or _say_nothing
    set_seed(seed)
    opened = open_job(
        source,
        target,
        task=task,
        kinds=kinds,
        text=text,
        time=time,
        forecast=forecast,
        horizon=horizon,
        history=history,
        sort=sort,
        generate=generate,
        encoding=encoding,
        seed=seed,
    )
    with run_folder(runs, name or opened.name) as folder:
        try:
            return _run(opened, folder, epochs, seed, verbose, tell)
        except KeyboardInterrupt as interrupt:
            if interrupt.args or not (folder / MODEL).exists():
                raise
            raise KeyboardInterrupt(
                f"train: stopped by hand. The trained model is in {folder / MODEL}."
            ) from None
