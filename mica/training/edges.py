"""Edges: what is done to the weights where an epoch begins and ends."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from mica.data import BatchReader, GeneratorSource, LimitedSource, Source
from mica.engine import ExecutionPlan, compute_scope
from mica.errors import ConfigError
from mica.training.reading import read_in_order
from mica.training.statistics import estimate_statistics, running_statistics
from mica.training.updating import Updater

__all__ = ["Edges", "make_edges"]


class Edges(NamedTuple):
    """What is done to the weights where an epoch begins and ends.

    Args:
        begin: Before the first batch of an epoch, given its number.
        finish: After the last batch: learns from what was gathered.
        end: Once the weights are known to be numbers.
    """

    begin: Callable[[int], None]
    finish: Callable[[], None]
    end: Callable[[], None]


def _reads_twice(source: Source) -> bool:
    while isinstance(source, LimitedSource):
        source = source.source
    return not isinstance(source, GeneratorSource)


def make_edges(
    model: nn.Module,
    source: Source,
    plan: ExecutionPlan,
    updater: Updater,
    size: int,
) -> Edges:
    """Say what is done to the weights of a model where an epoch begins and ends.

    Args:
        model: The module.
        source: What it learns from.
        plan: How a step is executed.
        updater: What updates the weights, and averages them where that was asked for.
        size: Rows in a batch.

    Returns:
        What is done.

    Raises:
        ConfigError: Averaged weights need the data once more, which come only once.
    """
    average = updater.average
    if average is None:
        return Edges(lambda _: None, updater.finish, lambda: None)
    estimates = average.averaging.estimates_statistics
    estimates = estimates and bool(running_statistics(model))
    if estimates and not _reads_twice(source):
        raise ConfigError(
            f"fit: expected data that can be read twice for "
            f"{type(average.averaging).__name__} with batch normalization, got a "
            "generator. Give arrays or a dataset, or average with EMA."
        )

    def end() -> None:
        average.end_epoch()
        average.show()
        if estimates and average.is_shown:
            with compute_scope(plan), BatchReader() as reader:
                batches = read_in_order(source, plan, size, reader)
                estimate_statistics(model, batches)
            average.is_estimated = True

    return Edges(average.begin_epoch, updater.finish, end)
