"""Rehearsing: a step of the user's own on copies, which may be done at will."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mica.data import ArraySource, Source, as_source
from mica.data.batch import to_device
from mica.engine import ExecutionPlan, eager_plan, prepare_module
from mica.errors import ConfigError, DataError, MicaError
from mica.layers import probing
from mica.nested import flatten
from mica.plan.copying import copy_session
from mica.report import Finding
from mica.training import Objective, Session
from mica.training.calling import call, evaluation_mode

__all__ = [
    "Rehearsal",
    "copy_of",
    "draw_inputs",
    "eager_form",
    "kept_order",
    "open_data",
    "reads_again",
    "rehearse",
]

DEFAULT_BATCH_SIZE = 32  # rows, as in Keras
PEEK_ROWS = 2  # that are looked at to learn shapes
OPEN_SIZE = 32  # steps of a sequence, say, where a model's input leaves its length open


@dataclass
class Rehearsal:
    """A run on copies: weights, optimizer and metrics of the user stay as they are.

    Args:
        session: The run, prepared.
        source: Its data.
        batch_size: Rows in a step.
        trains: Whether it has all it needs to learn; else it predicts.
        remarks: What a reader must know of it.

    Example:
        >>> from mica.engine import eager_plan
        >>> data = torch.zeros(3, 2)
        >>> found = rehearse(nn.Linear(2, 1), data, 3, (None, "sgd"), eager_plan("cpu"))
        >>> found.trains, found.batch_size
        (False, 3)
    """

    session: Session
    source: Source
    batch_size: int
    trains: bool
    remarks: list[Finding] = field(default_factory=list)


def eager_form(model: Any, plan: Any, where: str = "explain") -> ExecutionPlan:
    """Check what is asked for, and give the plan with operations launched one by one.

    Args:
        model: A torch module.
        plan: An ExecutionPlan, or "eager" for the one of this machine.
        where: Who asks, for the error.

    Returns:
        The plan, neither captured nor compiled.

    Raises:
        ConfigError: It is neither, or the model is no module.

    Example:
        >>> eager_form(nn.Linear(1, 1), "eager").capture
        'eager'
    """
    if not isinstance(model, nn.Module):
        raise ConfigError(
            f"{where}: expected a model or a torch module, got {type(model).__name__}. "
            "Read a file with mica.load(path) first."
        )
    if plan == "eager":
        return eager_plan()
    if not isinstance(plan, ExecutionPlan):
        auto, best = ('"auto", ', "best") if where == "explain" else ("", "eager")
        raise ConfigError(
            f'{where}: expected plan to be {auto}"eager" or an ExecutionPlan, got '
            f"{plan!r}. Leave it out for the {best} one."
        )
    return replace(plan, capture="eager")


def rehearse(
    model: nn.Module,
    data: Any,
    batch_size: int | None,
    objective: tuple[Any, Any],
    plan: ExecutionPlan,
    *,
    where: str = "explain",
) -> Rehearsal:
    """Prepare a run on copies.

    Args:
        model: Any torch module; a compiled one brings loss and optimizer.
        data: (x, y), (x, y, sample_weight), x, an object that gives batches, or None
            for random numbers.
        batch_size: Rows in a step; None for the data's own, else 32.
        objective: (loss, optimizer) of a module that is not compiled.
        plan: Where the run is.
        where: Who asks, for errors.

    Returns:
        The run.

    Raises:
        ConfigError: No data, and a model that does not say its input; a batch size
            that is no whole number of at least 1.
        DataError: Data that cannot be learned from.
    """
    whole = isinstance(batch_size, int) and not isinstance(batch_size, bool)
    if batch_size is not None and (not whole or batch_size < 1):
        raise ConfigError(
            f"{where}: expected batch_size to be a whole number of at least 1, got "
            f"{batch_size!r}. Write for example batch_size=32."
        )
    trial, remarks = copy_of(model, *objective), []
    if data is None:
        drawn = draw_inputs(model, batch_size or DEFAULT_BATCH_SIZE, where)
        source: Source = ArraySource(drawn, keep_integers=True)
        fact = "There were none: the numbers are random."
        remarks.append(Finding("note", "data", fact))
    else:
        source = open_data(model, data, batch_size, where)
    if not reads_again(source):
        fact = "They come only once: one batch is used again and again."
        remarks.append(Finding("note", "data", fact))
    source, trains, said = _with_targets(
        trial, source, plan, has_data=data is not None, where=where
    )
    size = batch_size or source.batch_size or DEFAULT_BATCH_SIZE
    return Rehearsal(trial, source, size, trains, [*remarks, *said])


def copy_of(model: nn.Module, loss: Any, optimizer: Any) -> Session:
    """Make a run on copies of all that it changes.

    Args:
        model: A compiled model, or any module.
        loss: For one that is not compiled; None when there is none.
        optimizer: The same.

    Returns:
        The run.

    Example:
        >>> module = nn.Linear(1, 1)
        >>> copy_of(module, "mse", "sgd").model is module
        False
    """
    session = getattr(model, "session", None) if _is_compiled(model) else None
    if isinstance(session, Session):
        trial = copy_session(session)
        trial.objective.release()
        return trial
    return Session(copy.deepcopy(model), Objective(loss), optimizer)


def _is_compiled(model: nn.Module) -> bool:
    return bool(getattr(model, "is_compiled", False))


def open_data(
    model: nn.Module, data: Any, batch_size: int | None, where: str = "explain"
) -> Source:
    """Make a source of what the user gives.

    Args:
        model: Decides whether integers are numbers of things.
        data: (x, y), (x, y, sample_weight), x, or an object that gives batches.
        batch_size: What the caller wants.
        where: Who asks, for the error.

    Returns:
        The source.

    Raises:
        DataError: A tuple of another length.

    Example:
        >>> open_data(nn.Linear(1, 1), ([[0.0], [1.0]], [[1.0], [2.0]]), None).y.shape
        torch.Size([2, 1])
    """
    keep = _takes_integers(model)
    read = getattr(model, "read_inputs", None) or (lambda given: given)
    if not isinstance(data, tuple):
        return as_source(read(data), batch_size=batch_size, keep_integers=keep)
    if not 1 <= len(data) <= 3:
        raise DataError(
            f"{where}: expected data as (x, y) or (x, y, sample_weight), got "
            f"{len(data)} parts. Put several inputs into one: ([a, b], y)."
        )
    x, *others = data
    return as_source(read(x), *others, batch_size=batch_size, keep_integers=keep)


def reads_again(source: Source) -> bool:
    """Tell whether an epoch can be read after another, in whatever order.

    Args:
        source: The data.

    Returns:
        Whether it can: a loader of torch mixes its rows anew.

    Example:
        >>> reads_again(as_source(DataLoader(torch.zeros(4, 1), shuffle=True)))
        True
        >>> reads_again(as_source(iter([torch.zeros(4, 1)]), steps=1))
        False
    """
    return source.replayable or isinstance(getattr(source, "loader", None), DataLoader)


@contextmanager
def kept_order(data: Any) -> Iterator[None]:
    """Put the generators back by which a loader mixes its rows.

    Args:
        data: What the user gave.

    Example:
        >>> loader = DataLoader(range(9), shuffle=True, generator=torch.Generator())
        >>> before = loader.generator.get_state()
        >>> with kept_order(loader):
        ...     _ = list(loader)
        >>> torch.equal(loader.generator.get_state(), before)
        True
    """
    loader = data[0] if isinstance(data, tuple) and data else data
    if not isinstance(loader, DataLoader):
        yield
        return
    owners = (loader, loader.sampler, getattr(loader, "batch_sampler", None))
    found = [getattr(owner, "generator", None) for owner in owners]
    generators = [each for each in found if isinstance(each, torch.Generator)]
    states = [each.get_state() for each in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def draw_inputs(model: nn.Module, rows: int, where: str = "explain") -> Any:
    """Draw random inputs of the shapes that a model's `Input` says.

    Args:
        model: A model that was made with `mica.Input`.
        rows: How many.
        where: Who asks, for the error.

    Returns:
        One tensor, or a list of them; integers are below the smallest vocabulary.

    Raises:
        ConfigError: The model does not say its input.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> draw_inputs(model, 2).shape
        torch.Size([2, 4])
    """
    entrances = _entrances(model)
    if not entrances:
        raise ConfigError(
            f"{where}: expected data, for {type(model).__name__} does not say the "
            "shape of its input, got none. Give x, or (x, y) for a step that learns."
        )
    known = [
        int(getattr(part, "num_embeddings", None) or getattr(part, "input_dim", 0) or 0)
        for part in model.modules()
    ]
    vocabulary = min((each for each in known if each), default=2)
    drawn = []
    for each in entrances:
        shape = (
            rows,
            *(OPEN_SIZE if size is None else size for size in each.shape[1:]),
        )
        if each.dtype.is_floating_point:
            drawn.append(torch.rand(shape, dtype=each.dtype))
        else:
            drawn.append(torch.randint(vocabulary, shape).to(each.dtype))
    return drawn[0] if len(drawn) == 1 else drawn


def _takes_integers(model: nn.Module) -> bool:
    return any(
        isinstance(part, nn.Embedding) or getattr(part, "takes_integers", False)
        for part in model.modules()
    ) or any(not each.dtype.is_floating_point for each in _entrances(model))


def _entrances(model: nn.Module) -> list[Any]:
    """The symbolic inputs of a model made from a graph."""
    inputs = getattr(getattr(model, "graph", None), "inputs", None)
    return inputs if isinstance(inputs, list) else []  # torch's scripts have others


def _with_targets(
    trial: Session, source: Source, plan: ExecutionPlan, *, has_data: bool, where: str
) -> tuple[Source, bool, list[Finding]]:
    """Prepare the run; say whether it can learn, and why not."""
    outputs = _first_outputs(trial, source, plan)
    if trial.train_step is not None:
        fact = "A step of one's own is not looked into: this is prediction alone."
        return source, False, [Finding("note", "step", fact)]
    if trial.objective.loss is None:
        return source, False, []
    if not has_data and isinstance(source, ArraySource):
        source = _with_drawn_targets(trial, source, outputs, plan)
    if not trial.trainability.trained():
        fact = "There are no weights to train: this is prediction alone."
        return source, False, [Finding("note", "weights", fact)]
    if source.peek(PEEK_ROWS).y is None:
        fact = "There are no targets: this is prediction alone."
        return source, False, [Finding("note", "data", fact, remedy="Give (x, y).")]
    trial.prepare(source, plan, where)
    return source, True, []


def _first_outputs(trial: Session, source: Source, plan: ExecutionPlan) -> Any:
    """Build the model, and see what it gives for few rows."""
    prepare_module(trial.model, plan)
    x = to_device(source.peek(PEEK_ROWS).x, plan.device)
    with evaluation_mode(trial.model), torch.no_grad(), probing():
        outputs = call(trial.model, x)
    prepare_module(trial.model, plan)
    return outputs


def _with_drawn_targets(
    trial: Session, source: ArraySource, outputs: Any, plan: ExecutionPlan
) -> ArraySource:
    """The same inputs with random targets that the losses can read, if any can."""
    rows = source.num_samples

    def shares(leaf: Tensor) -> Tensor:
        return torch.rand(rows, *leaf.shape[1:]).softmax(-1)

    def labels(leaf: Tensor) -> Tensor:
        return torch.randint(leaf.shape[-1], (rows, *leaf.shape[1:-1]))

    def answers(leaf: Tensor) -> Tensor:
        return torch.randint(2, (rows, *leaf.shape[1:])).float()

    for draw in (shares, labels, answers):
        with suppress(MicaError, RuntimeError, IndexError):
            drawn = [draw(leaf.float()) for leaf in flatten(outputs)]
            y = drawn[0] if len(drawn) == 1 else drawn
            tried = ArraySource(source.x, y, keep_integers=True)
            trial.objective.release()
            trial.prepare(tried, plan, "explain")
            trial.objective.compute(outputs, tried.peek(PEEK_ROWS).y)
            return tried
    return source
