"""Job: one kind of the main job, from opened data to a judged model."""

import abc
from collections.abc import Sequence
from typing import ClassVar, Literal

from mica.model import Model
from mica.report import Report, Table
from mica.training import Callback, History
from mica.workflow.architecture import Proposal, propose
from mica.workflow.baseline import Baseline, baseline_table, baselines
from mica.workflow.judge import Verdict, judge
from mica.workflow.source import Task
from mica.workflow.text_network import propose_texts

__all__ = ["Job", "RowsJob", "Verb"]

Verb = Literal["predict", "generate"]


class Job(abc.ABC):
    """Opened data, and how a network for them is made, trained and judged.

    Attributes:
        name: Short name, used for the folder of a run.
        card: What is in the data.
        notes: Sentences on what was read, decided and left out.
        verb: The command that uses the model.
        has_more_to_save: Whether judging teaches the model's preprocessing something.

    Example:
        >>> from mica.workflow import open_job
        >>> job = open_job("iris")
        >>> job.verb, job.propose(epochs=1).epochs
        ('predict', 1)
    """

    verb: ClassVar[Verb] = "predict"
    has_more_to_save: ClassVar[bool] = False
    name: str
    card: Report
    notes: tuple[str, ...]

    @abc.abstractmethod
    def baselines(self) -> Table:
        """Judge what needs no network, to be shown before training."""

    @abc.abstractmethod
    def propose(self, epochs: int | None) -> Proposal:
        """Choose a network and its settings.

        Args:
            epochs: Passes over the data; None decides by the data.
        """

    @abc.abstractmethod
    def fit(
        self, proposal: Proposal, callbacks: Sequence[Callback], seed: int
    ) -> History:
        """Train the proposed network on the training part.

        Args:
            proposal: What `propose` gave.
            callbacks: Listeners.
            seed: Decides split and order.
        """

    @abc.abstractmethod
    def judge(self, model: Model) -> Verdict:
        """Look at the test part, once.

        Args:
            model: The trained network.
        """


class RowsJob(Job):
    """Rows, pictures or texts, each with an answer.

    Args:
        task: The opened task.

    Example:
        >>> from mica.workflow.source import open_task
        >>> job = RowsJob(open_task("iris"))
        >>> job.baselines().rows[0][0]
        'majority class'
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.name, self.card, self.notes = task.name, task.card, task.notes
        self._simple: list[Baseline] = []

    def baselines(self) -> Table:
        """Judge the simple predictors."""
        self._simple = baselines(self.task)
        return baseline_table(self.task, self._simple)

    def propose(self, epochs: int | None) -> Proposal:
        """Choose by the form of the data.

        Args:
            epochs: Passes over the data; None decides by the data.
        """
        if self.task.is_text:
            return propose_texts(self.task, epochs)
        return propose(self.task, epochs)

    def fit(
        self, proposal: Proposal, callbacks: Sequence[Callback], seed: int
    ) -> History:
        """Train; a share of the training part judges each epoch.

        Args:
            proposal: What `propose` gave.
            callbacks: Listeners.
            seed: Decides split and order.
        """
        return proposal.model.fit(
            self.task.x_train,
            self.task.y_train,
            proposal.batch_size,
            epochs=proposal.epochs,
            validation_split=proposal.validation_fraction,
            plan=proposal.plan,
            seed=seed,
            verbose=0,
            callbacks=callbacks,
        )

    def judge(self, model: Model) -> Verdict:
        """Compare answers for the test part with the truth and the baselines.

        Args:
            model: The trained network.
        """
        simple = self._simple or baselines(self.task)
        return judge(self.task, model.predict(self.task.x_test), simple)
