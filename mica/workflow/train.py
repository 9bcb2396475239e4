"""The main job: a source in; a judged, saved, reported model out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mica.engine import set_seed
from mica.errors import ConfigError
from mica.model import Model, summarize
from mica.report import Highlight, Highlights, Part, Report, Text
from mica.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    TrainState,
    Verbosity,
)
from mica.workflow.architecture import propose
from mica.workflow.baseline import Baseline, baselines
from mica.workflow.judge import Verdict, judge
from mica.workflow.source import Task, open_task

__all__ = ["Outcome", "train"]

VALIDATION_FRACTION = 0.15  # of the training part, to stop by


@dataclass(frozen=True)
class Outcome:
    """What a run of the main job leaves.

    Args:
        model: The trained model, with its preprocessing.
        verdict: How good it is; None when training was stopped by hand.
        history: The logs of each epoch.
        folder: Where everything was written.
        commands: What to do next.
    """

    model: Model
    verdict: Verdict | None
    history: History
    folder: Path
    commands: tuple[str, ...]


class _PlanLine(Callback):
    """Shows and keeps the line that says how a step is executed."""

    def __init__(self, show: Callable[[Part], object]) -> None:
        self.show = show
        self.text = Text("Plan", "")

    def on_train_begin(self, state: TrainState) -> None:
        """Read the line."""
        self.text = Text("Plan", state.plan_line)
        self.show(self.text)


def _new_folder(parent: Path, name: str) -> Path:
    """A folder that is not there yet: an earlier run is never written over."""
    folder, number = parent / name, 1
    while folder.exists():
        number += 1
        folder = parent / f"{name}-{number}"
    return folder


def _commands(folder: Path, source: str) -> tuple[str, ...]:
    return (
        f"mica predict {folder / 'model.mica'} {source}",
        f"mica train {source} --seed 1",
        f"python -m webbrowser {folder / 'report.html'}",
    )


def _notes(task: Task) -> Text:
    return Text("Notes", "\n".join(f"- {note}" for note in task.notes))


def _baseline_text(simple: Sequence[Baseline]) -> Text:
    lines = [
        f"{each.name}: {each.score:.4g}" + (f" ({each.note})" if each.note else "")
        for each in simple
    ]
    return Text("Baselines on the test part", "\n".join(lines))


def _page(
    task: Task, model: Model, history: History, verdict: Verdict, plan: Text
) -> Report:
    best = [f"{name} {score:.4g}" for name, score, _ in verdict.comparison.rows[:-1]]
    return Report(
        f"mica train {task.name}",
        (
            Highlights(
                "",
                (
                    Highlight(verdict.measure, verdict.score, ", ".join(best)),
                    Highlight("epochs", len(history.epoch), history.stop_reason or ""),
                    Highlight("parameters", model.count_parameters(), ""),
                ),
            ),
            verdict.comparison,
            verdict.mistakes,
            history.report(),
            verdict.details,
            task.card,
            _notes(task),
            summarize(model),
            plan,
        ),
    )


def train(
    source: str,
    target: str | None = None,
    *,
    epochs: int | None = None,
    seed: int = 0,
    runs: str | Path = "runs",
    name: str | None = None,
    verbose: Verbosity = "auto",
    show: Callable[[Part], object] = str,
) -> Outcome:
    """Train, judge, save and report a model for a source.

    The test part is looked at once, after training; what is learned from data (means,
    categories, when to stop) comes from the training part alone.

    Args:
        source: A sample's name or a CSV file.
        target: The column to predict, for a file.
        epochs: The most epochs; None lets the proposal decide.
        seed: Decides split, first weights and order.
        runs: Folder in which the run gets a folder of its own.
        name: The run's folder; None takes the source's name, with a number when taken.
        verbose: As in `Model.fit`.
        show: Takes each part as soon as it is known; the command line prints them,
            the default does nothing with them.

    Returns:
        The model, its verdict and where everything is.

    Raises:
        ConfigError: A source, target or setting that cannot work.
        DataError: Data that cannot be read or learned from.
        CheckpointError: The folder cannot be written.
        KeyboardInterrupt: Ctrl-C; what was learned so far is saved first.
    """
    if epochs is not None and epochs < 1:
        raise ConfigError(
            f"train: expected at least 1 epoch, got {epochs}. Leave it out to let "
            "early stopping decide."
        )
    set_seed(seed)
    task = open_task(source, target, seed=seed)
    show(task.card)
    show(_notes(task))
    simple = baselines(task)
    show(_baseline_text(simple))
    proposal = propose(task)
    model = proposal.model
    model.preprocessing = task.encoder
    model.label_names = list(task.label_names) or None
    show(summarize(model))

    folder = _new_folder(Path(runs), name or task.name)
    folder.mkdir(parents=True)
    plan = _PlanLine(show)
    try:
        model.fit(
            task.x_train,
            task.y_train,
            proposal.batch_size,
            epochs=epochs or proposal.epochs,
            validation_split=VALIDATION_FRACTION,
            seed=seed,
            verbose=verbose,
            callbacks=[
                plan,
                CSVLogger(folder / "history.csv"),
                EarlyStopping(proposal.monitor, patience=proposal.patience),
            ],
        )
    finally:
        # Also after Ctrl-C: what was learned is the user's.
        if model.history is not None and model.history.epoch:
            model.save(folder / "model.mica")
    history = model.history
    assert history is not None
    verdict = judge(task, model.predict(task.x_test), simple)
    show(verdict.comparison)
    show(verdict.mistakes)
    _page(task, model, history, verdict, plan.text).page(folder / "report.html")
    outcome = Outcome(model, verdict, history, folder, _commands(folder, source))
    show(_written(outcome))
    return outcome


def _written(outcome: Outcome) -> Report:
    files = ("model.mica", "report.html", "history.csv")
    return Report(
        "",
        (
            Text("Written", "\n".join(str(outcome.folder / file) for file in files)),
            Text("Go on with", "\n".join(outcome.commands)),
        ),
    )
