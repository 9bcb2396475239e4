"""Memory: what a step needs at its peak, told from two small batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mica.data import Batch, Source
from mica.data.batch import first_rows, to_device
from mica.engine import (
    ExecutionPlan,
    execution_scope,
    free_memory_bytes,
    random_state,
    restore_random_state,
)
from mica.nested import flatten
from mica.plan.copying import copy_session
from mica.plan.measuring import doing
from mica.plan.rehearsing import Rehearsal, eager_form, kept_order, rehearse
from mica.report import Table
from mica.training import Need, Session
from mica.training.calling import number_scope

__all__ = ["MemoryNeed", "Watermark", "advise_batch", "need_of", "predict_memory"]

SMALL = 16  # rows of a batch that is tried; libraries pad to this many
SPARED = 0.9  # of the free memory that a batch may take
MOST_ROWS = 2**40  # no batch is larger


class Watermark(TorchDispatchMode):
    """Watch which tensors live at the same time inside a `with` block.

    Memory that an operation takes and gives back inside is not seen.

    Example:
        >>> with Watermark() as mark:
        ...     x = torch.ones(1000)
        ...     y = x + 1
        >>> mark.peak
        8000
    """

    computes_as_before: ClassVar[bool] = True  # our own kernels need not step aside

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []  # of each piece of memory, in the order they came
        self.alive: list[frozenset[int]] = []  # after each operation
        self._held: dict[int, tuple[int, StorageWeakRef]] = {}
        self.places: dict[int, int] = {}
        self._known: set[int] = set()

    def leave_out(self, tensors: Sequence[Tensor]) -> None:
        """Do not count memory that was there before.

        Args:
            tensors: What holds it.
        """
        self._known |= {tensor.untyped_storage()._cdata for tensor in tensors}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Do the operation and look at what lives."""
        given = {
            leaf.untyped_storage()._cdata
            for leaf in tree_leaves((args, kwargs or {}))
            if _has_memory(leaf)
        }
        result = func(*args, **(kwargs or {}))
        for key, (_, reference) in list(self._held.items()):
            if reference.expired():
                del self._held[key]
        for leaf in tree_leaves(result):
            if not _has_memory(leaf):
                continue
            storage = leaf.untyped_storage()
            key = storage._cdata
            if key in self._held or key in given or key in self._known:
                continue
            self._held[key] = (len(self.sizes), StorageWeakRef(storage))
            self.places[key] = len(self.sizes)
            self.sizes.append(storage.nbytes())
        self.alive.append(frozenset(place for place, _ in self._held.values()))
        return result

    @property
    def peak(self) -> int:
        """The most bytes that lived at the same time."""
        return max(
            (sum(self.sizes[place] for place in each) for each in self.alive), default=0
        )


def _has_memory(leaf: object) -> bool:
    return (
        isinstance(leaf, Tensor)
        and leaf.layout is torch.strided
        and leaf.device.type != "meta"
    )


@dataclass(frozen=True)
class MemoryNeed:
    """What a step needs, as a function of the rows in a batch.

    peak(rows) = parameters + optimizer + inputs(rows)
        + max over moments of (gradients + activations(rows))

    Args:
        parameters: Bytes of weights and statistics.
        optimizer: Bytes of its moments.
        input_row: Bytes of a row of inputs and targets.
        moments: (gradients, other tensors, bytes of other tensors per row), operation
            by operation.
        batch_size: Rows in a batch.

    Example:
        >>> need = MemoryNeed(100, 200, 1.0, ((100, 50, 10.0),), 8)
        >>> need.peak, need.activations, need.largest_batch(541)
        (538.0, 130.0, 8)
    """

    parameters: int
    optimizer: int
    input_row: float
    moments: tuple[tuple[float, float, float], ...] = field(repr=False)
    batch_size: int

    def peak_of(self, rows: int) -> float:
        """Predict the most bytes that live at the same time.

        Args:
            rows: In a batch.

        Returns:
            Bytes.
        """
        most = max(
            (
                gradients + fixed + slope * rows
                for gradients, fixed, slope in self.moments
            ),
            default=0.0,
        )
        return self.parameters + self.optimizer + self.input_row * rows + most

    @property
    def _moment(self) -> tuple[float, float, float]:
        rows = self.batch_size
        return max(
            self.moments,
            key=lambda moment: moment[0] + moment[1] + moment[2] * rows,
            default=(0.0, 0.0, 0.0),
        )

    @property
    def peak(self) -> float:
        """Bytes at the peak of a step."""
        return self.peak_of(self.batch_size)

    @property
    def gradients(self) -> float:
        """Bytes of gradients that are there at the peak."""
        return self._moment[0]

    @property
    def activations(self) -> float:
        """Bytes of all else at the peak: what layers keep for the way back."""
        _, fixed, slope = self._moment
        return fixed + slope * self.batch_size

    def largest_batch(self, available: float) -> int:
        """Say how many rows fit into memory.

        Args:
            available: Bytes.

        Returns:
            The most rows whose peak is no larger; 0 when not even one fits.
        """
        fitting, beyond = 0, 1
        while beyond < MOST_ROWS and self.peak_of(beyond) <= available:
            fitting, beyond = beyond, 2 * beyond
        while beyond - fitting > 1:
            middle = (fitting + beyond) // 2
            if self.peak_of(middle) <= available:
                fitting = middle
            else:
                beyond = middle
        return fitting

    def report(self) -> Table:
        """List what memory is for."""
        parts = (
            ("parameters", self.parameters),
            ("optimizer", self.optimizer),
            ("gradients, at the peak", self.gradients),
            ("activations, at the peak", self.activations),
            ("a batch", self.input_row * self.batch_size),
            ("peak", self.peak),
        )
        rows = [(name, _megabytes(size)) for name, size in parts]
        note = "Tensors alone: the program and the data beside the batch come on top."
        title = f"Memory of a step, batch of {self.batch_size}"
        return Table(title, ("what", "MB"), rows, note)

    def show(self) -> None:
        """Print the report, or display it in a notebook."""
        self.report().show()

    def __str__(self) -> str:
        return str(self.report())


def _megabytes(size: float) -> float:
    return float(f"{size / 1e6:.3g}")


def predict_memory(
    model: nn.Module,
    data: Any = None,
    *,
    batch_size: int | None = None,
    loss: Any = None,
    optimizer: Any = "rmsprop",
    plan: ExecutionPlan | Literal["eager"] = "eager",
) -> MemoryNeed:
    """Predict the most memory that a step needs, from two small batches.

    Steps on 16 and on 32 rows are done on a copy, or on as many as the batch has and on
    half of them. Each tensor that lives at some moment
    of both is taken to grow in proportion to the rows, and the moments are added up
    anew for the batch that is asked for.

    Args:
        model: Any torch module; a compiled one learns, others predict.
        data: As in `explain`.
        batch_size: Rows in a batch; None for the data's own, else 32.
        loss: For a module that is not compiled: what it learns by.
        optimizer: The same: how.
        plan: How the step is executed.

    Returns:
        The need, at that batch and at others.

    Raises:
        ConfigError: No module, or a plan that is none; no data, and a model that does
            not say its input.
        DataError: Data that cannot be learned from.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((1000,)), mica.layers.Dense(10))
        >>> model.compile("sgd", "mse")
        >>> need = predict_memory(model, batch_size=64)
        >>> need.parameters, need.optimizer, need.gradients
        (40040, 0, 40040.0)
    """
    chosen = eager_form(model, plan, "memory")
    before = random_state()
    try:
        with execution_scope(chosen), number_scope(model), kept_order(data):
            ready = rehearse(
                model, data, batch_size, (loss, optimizer), chosen, where="memory"
            )
            return need_of(ready, chosen)
    finally:
        restore_random_state(before)


def need_of(ready: Rehearsal, plan: ExecutionPlan) -> MemoryNeed:
    """Learn from small batches what a step needs.

    Args:
        ready: A run on copies; what it holds is changed.
        plan: How the step is executed.

    Returns:
        The need.
    """
    model, source = ready.session.model, ready.source
    with doing(ready, plan) as (step, _):
        most = min(2 * SMALL, ready.batch_size)
        sizes = [max(1, most // 2), most]
        batches = [_rows(source, rows, plan) for rows in sizes]
        step = _until_it_moves(step, ready.session if ready.trains else None)
        step(batches[0])  # the optimizer's moments are made
        held = [*model.parameters(), *model.buffers()]
        moments = _moments(ready.session) if ready.trains else []
        marks = [_watch(step, batch, model, [*held, *moments]) for batch in batches]
    sizes = [batch.size for batch in batches]
    inputs = [sum(map(_bytes, flatten(tuple(batch[:3])))) for batch in batches]
    return MemoryNeed(
        sum(map(_bytes, held)),
        sum(map(_bytes, moments)),
        inputs[-1] / sizes[-1],
        tuple(_line_up(marks, sizes)),
        ready.batch_size,
    )


def advise_batch(
    session: Session,
    source: Source,
    plan: ExecutionPlan,
    batch_size: int,
    trains: bool,
) -> Need | None:
    """Say which batch fits, after memory ran out: told from small ones on a copy.

    Args:
        session: The run that failed.
        source: Its data.
        plan: How its steps are executed.
        batch_size: Rows of the batch that did not fit.
        trains: Whether it was learning.

    Returns:
        The need, with a tenth of the free memory left for what nobody sees; None when
        the system does not tell how much there is.

    Example:
        >>> from mica.data import as_source
        >>> from mica.engine import eager_plan
        >>> from mica.training import Objective
        >>> session = Session(nn.Linear(4, 2), Objective(), "sgd")
        >>> source = as_source(torch.zeros(8, 4))
        >>> found = advise_batch(session, source, eager_plan("cpu"), 8, False)
        >>> found is None or found.largest > 8
        True
    """
    free = free_memory_bytes(plan.device)
    if free is None:
        return None
    states = session.updater.optimizer.state.values() if session.updater else ()
    held = sum(map(_bytes, (*session.model.parameters(), *session.model.buffers())))
    held += sum(_bytes(leaf) for state in states for leaf in state.values())
    trial = copy_session(session, updater=trains)
    eager = replace(plan, capture="eager")
    need = need_of(Rehearsal(trial, source, batch_size, trains), eager)
    usable = SPARED * free + held
    return Need(need.peak - held, float(free), need.largest_batch(usable))


def _until_it_moves(
    step: Callable[[Batch], Any], session: Session | None
) -> Callable[[Batch], Any]:
    """As many steps as an update gathers, so that each look sees an update."""
    every = 1 if session is None else session.ready_updater().every

    def steps(batch: Batch) -> None:
        for _ in range(every):
            step(batch)

    return steps


def _rows(source: Source, rows: int, plan: ExecutionPlan) -> Batch:
    batch = source.peek(rows)
    if batch.size > rows:
        batch = first_rows(batch, rows)
    x, y, weight = (to_device(part, plan.device) for part in batch[:3])
    return Batch(x, y, weight, batch.size)


def _bytes(leaf: object) -> int:
    return leaf.numel() * leaf.element_size() if isinstance(leaf, Tensor) else 0


def _moments(trial: Session) -> list[Tensor]:
    states = trial.ready_updater().optimizer.state.values()
    return [
        leaf
        for state in states
        for leaf in tree_leaves(dict(state))
        if isinstance(leaf, Tensor)
    ]


@dataclass
class _Seen:
    """A step: what lived when, and what of it were gradients."""

    mark: Watermark
    gradients: frozenset[int]


def _watch(
    step: Callable[[Batch], Any], batch: Batch, model: nn.Module, held: list[Tensor]
) -> _Seen:
    for parameter in model.parameters():
        parameter.grad = None
    mark = Watermark()
    mark.leave_out([*held, *(leaf for leaf in tree_leaves(batch) if _has_memory(leaf))])
    with mark:
        step(batch)
    gradients = frozenset(
        mark.places[parameter.grad.untyped_storage()._cdata]
        for parameter in model.parameters()
        if parameter.grad is not None
        and parameter.grad.untyped_storage()._cdata in mark.places
    )
    return _Seen(mark, gradients)


def _line_up(
    seen: Sequence[_Seen], rows: Sequence[int]
) -> list[tuple[float, float, float]]:
    """(gradients, fixed, per row) of each moment, from two steps of other rows."""
    one, two = (each.mark for each in seen)
    distance = rows[1] - rows[0]
    same = len(one.sizes) == len(two.sizes) and len(one.alive) == len(two.alive)
    if not distance or not same:
        # Another path for another batch: the peaks are all there is to compare.
        slope = (two.peak - one.peak) / distance if distance else two.peak / rows[1]
        return [(0.0, two.peak - slope * rows[1], slope)]
    found = {}
    for alive in two.alive:
        gradients = fixed = slope = 0.0
        for place in alive:
            small, large = one.sizes[place], two.sizes[place]
            each = (large - small) / distance
            slope += each
            if place in seen[1].gradients:
                gradients += large - each * rows[1]
            else:
                fixed += large - each * rows[1]
        found[gradients, fixed, slope] = None
    return list(found)
