"""Binding: what was asked of a model as a whole, given to each of its outputs."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor, nn

from mica.errors import ConfigError, DataError
from mica.losses import Loss, check_fit, get_loss
from mica.metrics import Metric, get_metric
from mica.nested import flatten
from mica.training.folding import LastActivation, can_be_left_out
from mica.training.head import Head

__all__ = [
    "find_folds",
    "make_heads",
    "name_outputs",
    "resolve_losses",
    "spread",
    "spread_metrics",
]


def name_outputs(model: nn.Module, outputs: Any) -> list[str]:
    """The names of a model's outputs: those it gives, else their numbers."""
    count = len(flatten(outputs))
    if isinstance(outputs, dict) and len(outputs) == count:
        return [str(name) for name in outputs]
    own = getattr(model, "output_names", None)
    if own is not None and len(own) == count:
        return list(own)
    return [f"output_{index}" for index in range(count)]


def spread(given: Any, names: list[str], what: str) -> list[Any]:
    """Give each output its own entry of a list, a dict, or one value for all."""
    if isinstance(given, dict):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ConfigError(
                f"compile: expected {what} for the outputs {names}, got {unknown}. "
                "Use the names of the outputs."
            )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ConfigError(
                f"compile: expected {what} for {len(names)} outputs {names}, got "
                f"{len(given)}. Give one entry for each output."
            )
        return list(given)
    return [given] * len(names)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def spread_metrics(given: Any, names: list[str]) -> list[list[Any]]:
    """A list of metrics for each output."""
    if len(names) == 1 and not isinstance(given, dict):
        return [_as_list(given)]
    if given is None:
        return [[] for _ in names]
    return [_as_list(entry) for entry in spread(given, names, "metrics")]


def resolve_losses(
    given: Any,
    names: list[str],
    lasts: list[LastActivation | None],
    outputs: list[Any],
) -> list[Loss | None]:
    """One loss for each output, checked against the layer the output ends in."""
    losses: list[Loss | None] = []
    for loss, last, output in zip(
        spread(given, names, "losses"), lasts, outputs, strict=True
    ):
        resolved = None if loss is None else get_loss(loss)
        if resolved is not None:
            shape = (None, *output.shape[1:])
            check_fit(resolved, None if last is None else last.name, shape)
        losses.append(resolved)
    return losses


def _may_fold(loss: Loss | None, last: LastActivation | None) -> bool:
    """Whether a loss can compute an activation, and was not told what it reads."""
    if loss is None or last is None or loss.folds != last.name:
        return False
    return getattr(loss, "from_logits", None) is None


def find_folds(
    losses: list[Loss | None],
    lasts: list[LastActivation | None],
    outputs: Any,
    run: Callable[[], Any],
) -> list[LastActivation | None]:
    """For each output its last activation, where the loss computes it."""
    return [
        last
        if last and _may_fold(loss, last) and can_be_left_out(last, i, outputs, run)
        else None
        for i, (loss, last) in enumerate(zip(losses, lasts, strict=True))
    ]


class _Distinct:
    """A metric object given for several outputs counts for each of them apart."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, metric: Metric) -> Metric:
        if id(metric) in self._seen:
            metric = copy.deepcopy(metric)
        self._seen.add(id(metric))
        return metric


def _make_head(
    name: str,
    loss: Loss | None,
    weight: Any,
    metrics: list[Any],
    weighted: list[Any],
    fold: LastActivation | None,
    output: Tensor,
    target: Any,
    *,
    distinct: Callable[[Metric], Metric],
) -> Head:
    if loss is not None and target is None:
        raise DataError(
            f"fit: expected targets for the output {name!r}, which has a loss, got "
            "none. Give them, or give a dict of losses without this output."
        )
    found = [
        [
            distinct(
                get_metric(
                    metric,
                    loss=loss,
                    prediction_shape=(None, *output.shape[1:]),
                    target_shape=None if target is None else (None, *target.shape[1:]),
                )
            )
            for metric in group
        ]
        for group in (metrics, weighted)
    ]
    share = 1.0 if weight is None else float(weight)
    return Head(name, loss, share, found[0], found[1], fold)


def make_heads(rows: Iterable[Sequence[Any]]) -> list[Head]:
    """One head for each row of what it is made of.

    A row: its name, loss and loss weight, both kinds of metrics, the activation that
    the loss computes, and output and target of a few samples.
    """
    distinct = _Distinct()
    return [_make_head(*row, distinct=distinct) for row in rows]
