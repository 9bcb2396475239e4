"""Session: a module with its objective, its optimizer and its plan, ready to train."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from mica.data import (
    ArraySource,
    Batch,
    BatchReader,
    Source,
)
from mica.engine import (
    ExecutionPlan,
    draw_seed,
    eager_plan,
    execution_scope,
)
from mica.errors import ConfigError, DataError, StateError
from mica.layers import probing
from mica.optimizers import describe_optimizer, get_optimizer
from mica.training.augmenting import get_augmenter
from mica.training.batch_norm_folding import Folded, fold_batch_norms
from mica.training.building import build_module, place_batch
from mica.training.callbacks import Progress
from mica.training.calling import call, evaluation_mode, training_mode
from mica.training.capturing import CapturedStep
from mica.training.diagnosis import Guard
from mica.training.edges import make_edges
from mica.training.evaluate import evaluate, predict
from mica.training.events import Events
from mica.training.freezing import Trainability
from mica.training.history import History
from mica.training.inputs import Inputs
from mica.training.loop import loop
from mica.training.means import RunningMeans
from mica.training.objective import Objective
from mica.training.options import RunOptions
from mica.training.planning import (
    PlanChoice,
    choose_plan,
    find_planner,
    find_prediction_planner,
)
from mica.training.reading import DEFAULT_BATCH_SIZE, read_in_order
from mica.training.refusing import compiler_errors
from mica.training.shortage import shortage
from mica.training.state import TrainState
from mica.training.step import TrainStep
from mica.training.suiting import suited
from mica.training.updating import Updater
from mica.training.weight_rules import WeightRules

__all__ = ["Session"]

PEEK_ROWS = 2  # rows that are looked at to learn shapes
FOLDED_ROWS = 16  # that a folded network is compared on with the whole one
LONG_PREDICTION = 64 * FOLDED_ROWS  # rows; fewer are done before anything pays back


class Session:
    """All that training a module needs, kept from one `fit` to the next.

    Args:
        model: Any torch module.
        objective: What to make small and what to measure.
        optimizer: A name, an optimizer of Mica, a torch optimizer, or a function from
            parameters to one.
        train_step: A step of one's own, from a batch to its logs; None for
            predict, compare, learn.

    Example:
        >>> session = Session(nn.Linear(1, 1), Objective("mse"), "sgd")
        >>> from mica.training.inputs import open_inputs
        >>> inputs = open_inputs([[0.0], [1.0]], [[1.0], [3.0]])
        >>> history = session.fit(inputs, RunOptions(epochs=2, verbose=0))
        >>> history.epoch
        [0, 1]
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: Any,
        *,
        train_step: Callable[[Batch], dict[str, Any]] | None = None,
    ) -> None:
        self.model = model
        self.objective = objective
        get_optimizer(optimizer)  # a misspelt name is found now
        self.optimizer = optimizer
        self.train_step = train_step
        self.trainability = Trainability(model)
        self.updater: Updater | None = None
        self.history: History | None = None
        self.predicting: Any = None
        self._default_step: TrainStep | None = None
        self._is_fitting = False

    def fit(
        self, inputs: Inputs, options: RunOptions, plan: PlanChoice = "auto"
    ) -> History:
        """Train.

        Args:
            inputs: What to learn from and what to judge by.
            options: How long, and who listens.
            plan: How a step is executed.

        Returns:
            The logs of each epoch.

        Raises:
            ConfigError: Options that cannot work.
            DataError: Data that cannot be learned from.
            StateError: The module has other weights than when it was first trained.
            DivergenceError: The loss or the weights became NaN or infinite.
            OutOfMemoryError: The batch is too large; the sentence says which one fits.
            KeyboardInterrupt: Ctrl-C; weights and history of the finished epochs stay.
        """
        chosen = replace(choose_plan(plan), data=inputs.train.placement)
        with execution_scope(chosen), self.trainability.applied():
            size = options.batch_size or inputs.train.batch_size or DEFAULT_BATCH_SIZE
            self.objective.release()  # the data may be of another kind than before
            self.prepare(inputs.train, chosen)
            if inputs.validation is not None:
                self.prepare(inputs.validation, chosen, "validation_data")
            updater = self._same_updater()
            asked = isinstance(plan, ExecutionPlan)
            chosen = suited(chosen, self.model, asked=asked)
            decision = None
            planner = find_planner()
            if plan == "auto" and planner is not None:
                left = max(options.epochs - options.initial_epoch, 0)
                decision = planner(
                    self, inputs.train, chosen, batch_size=size, epochs=left
                )
                chosen = decision.plan
            with execution_scope(chosen):
                state = self._new_state(inputs.train, options, chosen, updater, size)
                if decision is not None:
                    state.history.plan = decision.report()
                    speed = decision.speed()
                    state.plan_line += f": {speed}" if speed else ""
                self.history = state.history
                with (
                    shortage(self, inputs.train, chosen, size),
                    compiler_errors(chosen),
                ):
                    self._run(inputs, options, state, updater, size)
        return state.history

    def evaluate(
        self, source: Source, *, batch_size: int | None, plan: PlanChoice = "auto"
    ) -> dict[str, float]:
        """Measure loss and metrics on a source.

        Args:
            source: Data with targets.
            batch_size: Rows in a batch; None for the source's own, else 32.
            plan: Where and in which precision.

        Returns:
            Values by name.
        """
        chosen = choose_plan(plan)
        with execution_scope(chosen):
            self.prepare(source, chosen, "evaluate")
            size = batch_size or source.batch_size or DEFAULT_BATCH_SIZE
            with shortage(self, source, chosen, size, "evaluate"):
                return self._evaluate(source, chosen, batch_size)

    def predict(
        self, source: Source, *, batch_size: int | None, plan: PlanChoice = "auto"
    ) -> Any:
        """Compute the outputs for all samples of a source.

        With plan "auto", a prediction of 1,024 rows or more is made the fast way: batch
        normalizations are folded into the layers before them, and `mica.plan` chooses
        the rows of a batch and the precision. `predicting` then holds the decision,
        whose `report()` is a table; it is None after other predictions.

        Args:
            source: The data.
            batch_size: Rows in a batch; None for the source's own, else the plan's: 32
                where it has no reason for others.
            plan: Where and in which precision.

        Returns:
            NumPy arrays, nested as the outputs are.
        """
        chosen = choose_plan(plan)
        with execution_scope(chosen):
            is_long = (source.num_samples or 0) >= LONG_PREDICTION
            is_planned = plan == "auto" and is_long
            first = source.peek(FOLDED_ROWS if is_planned else PEEK_ROWS)
            own = self.train_step is not None
            build_module(self.model, first, chosen, has_own_step=own)
            size = batch_size or source.batch_size
            network, decision = self.model, None
            if is_planned:
                folded = self._folded(first, chosen)
                network = folded.network
                planner = find_prediction_planner()
                if planner is not None:
                    decision = planner(
                        self, network, source, chosen,
                        batch_size=size, folded=folded.count,
                    )  # fmt: skip
                    chosen, size = decision.plan, decision.batch_size
            self.predicting = decision
            size = size or DEFAULT_BATCH_SIZE
            with (
                shortage(self, source, chosen, size, "predict"),
                BatchReader() as reader,
            ):
                batches = read_in_order(source, chosen, size, reader)
                return predict(network, batches, chosen)

    def _folded(self, first: Batch, plan: ExecutionPlan) -> Folded:
        """The module with its batch normalizations folded, where that can be."""
        try:
            found = fold_batch_norms(self.model, place_batch(first, plan).x)
        except Exception:  # noqa: BLE001 - the plain way gives numbers, or the error
            found = None
        return found or Folded(self.model, 0)

    def prepare(self, source: Source, plan: ExecutionPlan, where: str = "fit") -> None:
        """Build the module, place it, and check that data and objective fit it.

        Args:
            source: Data with targets.
            plan: Where the module goes.
            where: Who asks, for the error.

        Raises:
            DataError: There are no targets for a loss to compare with.
            ShapeError: Shapes that do not fit each other.
        """
        batch = source.peek(PEEK_ROWS)
        if batch.y is None and self.train_step is None:
            raise DataError(
                f"{where}: expected targets y for the loss, got none. Give y, or "
                "batches (x, y)."
            )
        own = self.train_step is not None
        build_module(self.model, batch, plan, has_own_step=own)
        if batch.y is None or (own and self.objective.is_empty):
            return
        placed = place_batch(batch, plan)
        if not self.objective.is_bound:
            self.objective.bind(self.model, placed.x, placed.y)
        with evaluation_mode(self.model), torch.no_grad(), probing():
            outputs = call(self.model, placed.x)
        whole = isinstance(source, ArraySource)
        self.objective.check_targets(outputs, source.y if whole else placed.y)

    def default_step(self, plan: ExecutionPlan | None = None) -> TrainStep:
        """Give the step predict, compare, learn.

        Args:
            plan: How it is executed; None for the plan of the run in progress.

        Returns:
            The step, the same one while a run lasts.
        """
        if self._default_step is None:
            self._default_step = TrainStep(
                self.model, self.objective, self.ready_updater(), plan or eager_plan()
            )
        return self._default_step

    def _planned_step(self, plan: ExecutionPlan) -> Any:
        """The step of `default_step`, captured when the plan says so."""
        step = self.default_step(plan)
        return CapturedStep(step) if plan.is_recorded else step

    def train_batch(self, source: Source) -> dict[str, float]:
        """Learn from all rows of a source at once.

        Args:
            source: One batch of data.

        Returns:
            Loss and metrics of the batch.
        """
        plan = eager_plan()
        with execution_scope(plan), self.trainability.applied():
            self.prepare(source, plan, "train_on_batch")
            self._same_updater()
            size = source.num_samples or DEFAULT_BATCH_SIZE
            (batch,) = read_in_order(source, plan, size)
            was_training = self.model.training  # a callback of fit may call this
            average = None if self._is_fitting else self.ready_updater().average
            training_mode(self.model)
            if average is not None:
                average.hide()
            try:
                values = (self._own_step or self.default_step(plan))(batch)
            finally:
                if average is not None:
                    average.show()
                    average.seal()
                if not was_training:
                    self.model.eval()
        logs = {name: float(value) for name, value in values.items()}
        return {**logs, **self._measured()}

    @property
    def _own_step(self) -> Callable[[Batch], Mapping[str, Any]] | None:
        """The step of one's own, its answer checked."""
        own = self.train_step
        if own is None:
            return None

        def step(batch: Batch) -> Mapping[str, Any]:
            logs = own(batch)
            if not isinstance(logs, Mapping):
                raise ConfigError(
                    "train_step: expected a dict of logs, got "
                    f"{type(logs).__name__}. Return one, for example "
                    "{'loss': loss.detach()}."
                )
            return logs

        return step

    def ready_updater(self) -> Updater:
        """Give the optimizer, made at the first call and kept."""
        if self.updater is None:
            self.updater = Updater(
                self.optimizer, self.trainability.trained(), module=self.model
            )
        return self.updater

    def _same_updater(self) -> Updater:
        """The optimizer, of the weights that the module has today."""
        updater = self.ready_updater()
        held = {id(parameter) for parameter in updater.parameters}
        trained = {id(parameter) for parameter in self.trainability.trained()}
        if trained != held:
            raise StateError(
                "fit: expected the layers that were there when training began, got "
                "others: some were added, replaced or taken off. Call compile again."
            )
        updater.constrain = WeightRules(self.model).constrain
        return updater

    def _new_state(
        self,
        source: Source,
        options: RunOptions,
        plan: ExecutionPlan,
        updater: Updater,
        size: int,
    ) -> TrainState:
        state = TrainState(
            self.model,
            updater.optimizer,
            plan,
            seed=draw_seed() if options.seed is None else options.seed,
            epochs=options.epochs,
            steps_per_epoch=source.num_batches(size),
            num_samples=source.num_samples,
            batch_size=size,
        )
        state.plan_line = plan.describe(describe_optimizer(updater.optimizer))
        state.scheduled = callable(updater.spec.learning_rate)
        state.average, state.updater = updater.average, updater
        state.epoch, state.step = options.initial_epoch, updater.step * updater.every
        return state

    def _run(
        self,
        inputs: Inputs,
        options: RunOptions,
        state: TrainState,
        updater: Updater,
        size: int,
    ) -> None:
        plan = state.plan
        state.validates = inputs.validation is not None
        means = RunningMeans()
        state.read_logs = lambda: {**means.read(), **self._read_metrics()}
        self._default_step = None  # a step belongs to one plan
        step = self._own_step or self._planned_step(plan)
        augmenter = get_augmenter(options.augment)
        reader = BatchReader()

        def batches(epoch: int) -> Iterable[Batch]:
            drawn = reader.batches(
                inputs.train,
                epoch,
                batch_size=size,
                shuffle=options.shuffle,
                seed=state.seed,
                start=state.batch,
                device=plan.device,
            )
            return augmenter.changed(drawn, state) if augmenter is not None else drawn

        def validate(epoch: int) -> dict[str, float]:
            if inputs.validation is None or (epoch + 1) % options.validation_freq:
                return {}
            logs = self._evaluate(inputs.validation, plan, options.batch_size)
            return {f"val_{name}": value for name, value in logs.items()}

        guard = Guard(
            batches if inputs.train.replayable else None,
            self._default_step if self.train_step is None else None,
            updater,
        )
        events = Events([*options.callbacks, Progress(options.verbose)])
        training_mode(self.model)
        self._is_fitting = True
        try:
            events.emit("train_begin", state)
            loop(
                state,
                batches,
                step,
                events=events,
                means=means,
                measured=self._measured,
                validate=validate,
                guard=guard,
                edges=make_edges(self.model, inputs.train, plan, updater, size),
            )
        except KeyboardInterrupt as interrupt:
            if state.epoch not in state.history.epoch:
                guard.go_back(state)
            state.failure = interrupt
            done = len(state.history.epoch)
            raise KeyboardInterrupt(
                f"fit: stopped by hand in epoch {state.epoch + 1}. Weights and history "
                f"are those of {done} finished epoch{'' if done == 1 else 's'}."
            ) from None
        except Exception as error:
            state.failure = error
            raise
        finally:
            reader.close()
            self._is_fitting = False
            updater.forget()
            self.model.eval()
            if updater.average is not None:
                updater.average.show()
                updater.average.seal()
            events.emit_to_all("train_end", state)

    def _measured(self) -> dict[str, float]:
        """Read the epoch's metrics and forget what they saw."""
        logs = self._read_metrics()
        if logs:
            self.objective.reset()
        return logs

    def _read_metrics(self) -> dict[str, float]:
        return self.objective.metric_logs() if self.objective.is_bound else {}

    def _evaluate(
        self, source: Source, plan: ExecutionPlan, batch_size: int | None
    ) -> dict[str, float]:
        with BatchReader() as reader:
            batches = read_in_order(source, plan, batch_size, reader)
            return evaluate(self.model, batches, self.objective, plan)
