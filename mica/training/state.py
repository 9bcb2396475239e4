"""TrainState: everything training changes, in one object that listeners are shown."""

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mica.engine import ExecutionPlan, random_state, restore_random_state
from mica.optimizers import WeightAverage, get_learning_rate, set_learning_rate
from mica.training.history import History

if TYPE_CHECKING:
    from mica.training.updating import Updater

__all__ = ["Snapshot", "TrainState"]


def _copied(value: Any, into: Any = None) -> Any:
    """A copy of a value, in the memory of an earlier copy where there is one."""
    if not isinstance(value, Tensor):
        return copy.deepcopy(value)
    if isinstance(into, Tensor) and into.shape == value.shape:
        return into.copy_(value)
    return value.detach().clone()


class Snapshot:
    """A copy of all that training changes, taken into the same memory each time.

    Args:
        state: What to copy.
    """

    def __init__(self, state: "TrainState") -> None:
        self._weights: list[Tensor] = []
        self._moments: dict[Any, dict[str, Any]] = {}
        self.take(state)

    def take(self, state: "TrainState") -> None:
        """Copy the state as it is now.

        Args:
            state: The state this snapshot was made for.
        """
        with torch.no_grad():
            self._weights = self._copy(self._weights, _tensors(state))
            earlier = self._moments
            self._moments = {
                parameter: {
                    name: _copied(value, earlier.get(parameter, {}).get(name))
                    for name, value in values.items()
                }
                for parameter, values in state.optimizer.state.items()
            }
        self._groups = [
            {key: _copied(value) for key, value in group.items() if key != "params"}
            for group in state.optimizer.param_groups
        ]
        self._average = None if state.average is None else state.average.numbers
        self._random = random_state()
        self.epoch, self.step, self.batch = state.epoch, state.step, state.batch

    @staticmethod
    def _copy(saved: list[Tensor], live: list[Tensor]) -> list[Tensor]:
        if len(saved) != len(live):
            return [tensor.detach().clone() for tensor in live]
        for kept, tensor in zip(saved, live, strict=True):
            kept.copy_(tensor)
        return saved

    def restore(self, state: "TrainState") -> None:
        """Put the state back, to the bit.

        Args:
            state: The state this snapshot was taken of.
        """
        with torch.no_grad():
            for tensor, saved in zip(_tensors(state), self._weights, strict=True):
                tensor.copy_(saved)
            if state.average is not None and self._average is not None:
                state.average.numbers = self._average
            live = state.optimizer.state
            for parameter in [each for each in live if each not in self._moments]:
                del live[parameter]
            for parameter, values in self._moments.items():
                live[parameter] = {
                    name: _copied(value, live[parameter].get(name))
                    for name, value in values.items()
                }
        for group, saved in zip(
            state.optimizer.param_groups, self._groups, strict=True
        ):
            for key, value in saved.items():
                group[key] = _copied(value, group.get(key))
        restore_random_state(self._random)
        state.epoch, state.step, state.batch = self.epoch, self.step, self.batch


def _tensors(state: "TrainState") -> list[Tensor]:
    """All of the model, and the average of its weights where there is one."""
    apart = [] if state.average is None else state.average.tensors
    return [*state.model.parameters(), *state.model.buffers(), *apart]


class TrainState:
    """Everything training changes: weights, optimizer, position, logs.

    The order of the data is a function of `seed` and `epoch`, so (seed, epoch, batch)
    says where training stands. Listeners get this object; they may read all of it and
    call `stop`.

    Args:
        model: The module in training.
        optimizer: Its torch optimizer.
        plan: How a step is executed.
        seed: Decides the order of the data.
        epochs: The number of epochs asked for, counted from 0.
        steps_per_epoch: Batches in an epoch, `None` when unknown.
        num_samples: Samples in an epoch, `None` when unknown.
        batch_size: Samples in a batch, `None` when the source decides.

    Example:
        >>> from mica.engine import eager_plan
        >>> module = nn.Linear(1, 1)
        >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        >>> state = TrainState(module, optimizer, eager_plan(), seed=0, epochs=2)
        >>> state.epoch, state.step, state.learning_rate
        (0, 0, 0.1)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        plan: ExecutionPlan,
        *,
        seed: int,
        epochs: int,
        steps_per_epoch: int | None = None,
        num_samples: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.plan = plan
        self.seed = seed
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.num_samples = num_samples
        self.batch_size = batch_size
        self.epoch = 0
        self.step = 0
        self.batch = 0
        self.samples = 0
        self.logs: dict[str, float] = {}
        self.read_logs: Any = dict
        self.history = History({"epochs": epochs, "batch_size": batch_size})
        self.stop_reason: str | None = None
        self.validates = False  # whether there are validation data
        self.scheduled = False  # whether the optimizer sets its rate at every step
        self.plan_line = ""  # how steps are executed, in words
        self.failure: BaseException | None = None
        self.average: WeightAverage | None = None
        self.updater: Updater | None = None  # of a run: optimizer, schedule, count

    def stop(self, reason: str) -> None:
        """Ask training to end after this batch.

        Args:
            reason: One sentence; it stands in the history and in the report.

        Example:
            >>> from mica.engine import eager_plan
            >>> module = nn.Linear(1, 1)
            >>> optimizer = torch.optim.SGD(module.parameters())
            >>> state = TrainState(module, optimizer, eager_plan(), seed=0, epochs=1)
            >>> state.stop("The target accuracy is reached.")
            >>> state.stop_reason
            'The target accuracy is reached.'
        """
        self.stop_reason = reason
        self.history.stop_reason = reason

    def running_logs(self) -> dict[str, float]:
        """Read the running means of this epoch; on a device this waits for it."""
        return dict(self.read_logs())

    def log(self, name: str, value: float) -> None:
        """Add a value to the logs and the history of the epoch that ends.

        Args:
            name: Its name; in `on_epoch_end`.
            value: A number.
        """
        self.logs[name] = float(value)
        self.history.amend(name, value)

    @property
    def learning_rate(self) -> float:
        """The rate of the first parameter group; when set, others keep their ratio."""
        return get_learning_rate(self.optimizer)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        set_learning_rate(self.optimizer, value)
