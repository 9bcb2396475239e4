"""Objective: what training makes small and what it measures, output by output."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError, ShapeError, StateError
from mica.layers import gather_losses, gather_masks, infer_module, probing
from mica.layers.added_losses import GatheredLosses
from mica.losses import get_loss
from mica.losses.amounts import loss_amount
from mica.metrics import get_metric
from mica.nested import flatten
from mica.training.accumulating import Term
from mica.training.binding import (
    find_folds,
    make_heads,
    name_outputs,
    resolve_losses,
    spread,
    spread_metrics,
)
from mica.training.calling import call, evaluation_mode
from mica.training.delaying import DelayedReLU, find_delays
from mica.training.folding import find_last_activations
from mica.training.head import Head
from mica.training.idle_biases import IdleBias, find_idle_biases
from mica.training.weight_rules import WeightRules

__all__ = ["Objective"]


class Objective:
    """Losses and metrics as they were asked for, bound to a model's outputs later.

    Total loss = sum over outputs of loss weight * loss.

    Args:
        loss: A name, Loss, torch loss or function; for several outputs a list, a dict
            by output name, or one for all. None when the model brings its own step.
        metrics: Names, Metrics or functions; for several outputs lists or a dict.
        weighted_metrics: The same, measured with sample weights.
        loss_weights: One number for each output.

    Raises:
        ConfigError: An unknown name, or a last layer, loss and labels that do not fit.

    Example:
        >>> objective = Objective("mse", ["mae"])
        >>> model = nn.Linear(1, 1)
        >>> objective.bind(model, torch.zeros(2, 1), torch.zeros(2, 1))
        >>> [head.loss.name for head in objective.heads]
        ['mean_squared_error']
    """

    def __init__(
        self,
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        loss_weights: Any = None,
    ) -> None:
        self.loss = loss
        self.metrics = metrics
        self.weighted_metrics = weighted_metrics
        self.loss_weights = loss_weights
        self._heads: list[Head] | None = None
        self._has_measured = False
        self._rules: WeightRules | None = None
        self._added = GatheredLosses()
        self._delays: list[DelayedReLU] = []
        self._idle: list[IdleBias] = []
        self._masks: list[Tensor | None] = []
        self._check_names()

    def _check_names(self) -> None:
        """Find misspelt names now, not at the first batch."""
        for loss in flatten(self.loss):
            if loss is not None:
                get_loss(loss)
        for metric in flatten((self.metrics, self.weighted_metrics)):
            if isinstance(metric, str):  # any shapes: the name alone is looked at
                get_metric(metric, prediction_shape=(None, 2), target_shape=(None,))
        for weight in flatten(self.loss_weights):
            if weight is not None and not isinstance(weight, (int, float)):
                raise ConfigError(
                    f"compile: expected a number for each output as loss_weights, got "
                    f"{weight!r}. Give metrics by name: metrics=[...]."
                )

    @property
    def is_bound(self) -> bool:
        """Whether the outputs are known."""
        return self._heads is not None

    @property
    def is_empty(self) -> bool:
        """Whether there is no loss and no metric: a step of one's own does it all."""
        asked = (self.loss, self.metrics, self.weighted_metrics)
        return all(value is None for value in asked)

    def release(self) -> None:
        """Forget the data it was bound to; the next batch is looked at anew."""
        self._heads = None
        self._delays, self._idle = [], []

    @property
    def heads(self) -> list[Head]:
        """One entry for each output.

        Raises:
            StateError: The model has not seen a batch yet.
        """
        if self._heads is None:
            raise StateError(
                "Objective: expected a model that has seen a batch, got one that has "
                "not. Call bind(model, x, y) first."
            )
        return self._heads

    def check(self, model: nn.Module, *samples: Tensor) -> None:
        """Check, before there are data, that the last layers fit the losses.

        Args:
            model: A built module.
            *samples: Its arguments on the `meta` device.

        Raises:
            ConfigError: A last layer that does not fit its loss; another number of
                losses than outputs.
        """
        outputs: list[Any] = []

        def run() -> Any:
            outputs.append(infer_module(model, samples, {}))
            return outputs[-1]

        lasts = find_last_activations(model, run)
        names = name_outputs(model, outputs[0])
        resolve_losses(self.loss, names, lasts, flatten(outputs[0]))

    def bind(self, model: nn.Module, x: Any, y: Any) -> None:
        """Look at one batch: resolve names by shapes, check that everything fits.

        Args:
            model: A built module.
            x: Inputs of a few samples.
            y: Their targets.

        Raises:
            ConfigError: Last layer and loss do not fit each other.
            ShapeError: Outputs and targets differ in number or shape.
            DataError: Labels that the loss cannot read, or none for a loss.
        """
        found: list[Any] = []

        def run() -> Any:
            with evaluation_mode(model), torch.no_grad(), probing():
                found.append(call(model, x))
            return found[-1]

        lasts = find_last_activations(model, run)
        outputs = found[0]
        leaves = flatten(outputs)
        names = name_outputs(model, outputs)
        targets = self.arrange(y, names)
        losses = resolve_losses(self.loss, names, lasts, leaves)
        folds = find_folds(losses, lasts, outputs, run)
        self._delays = find_delays(model, run)
        self._idle = find_idle_biases(model, run)
        weights = spread(self.loss_weights, names, "loss weights")
        metrics = spread_metrics(self.metrics, names)
        weighted = spread_metrics(self.weighted_metrics, names)
        self._rules = WeightRules(model)
        self._heads = make_heads(
            zip(
                names, losses, weights, metrics, weighted, folds, leaves, targets,
                strict=True,
            )
        )  # fmt: skip
        self.reset()

    @staticmethod
    def arrange(y: Any, names: Sequence[str]) -> list[Any]:
        """Bring targets into the order of the outputs.

        Args:
            y: A tensor, a list or tuple in order, or a dict by output name.
            names: The outputs' names.

        Returns:
            One target for each output.

        Raises:
            ShapeError: Another number of targets, or unknown names.
        """
        if isinstance(y, dict):
            if set(y) - set(names):
                raise ShapeError(
                    f"fit: expected targets for the outputs {list(names)}, got "
                    f"{sorted(y)}. Use the names of the outputs."
                )
            return [y.get(name) for name in names]
        leaves = [y] if y is None else flatten(y)
        if len(leaves) == 1 and leaves[0] is None:
            return [None] * len(names)
        if len(leaves) != len(names):
            raise ShapeError(
                f"fit: expected targets for {len(names)} outputs {list(names)}, got "
                f"{len(leaves)}. Give one array for each output, as a list or by name."
            )
        return leaves

    def check_targets(self, outputs: Any, y: Any) -> None:
        """Check whole target arrays once, before training.

        Args:
            outputs: The outputs for a few samples.
            y: All targets.

        Raises:
            ShapeError: A shape that does not fit the outputs.
            DataError: Labels outside their range.
        """
        targets = self.arrange(y, [head.name for head in self.heads])
        for head, output, target in zip(
            self.heads, flatten(outputs), targets, strict=True
        ):
            if head.loss is not None and target is not None:
                shape = (None, *output.shape[1:])
                head.loss.check_target(shape, output.dtype, target)
            if target is not None:
                for metric in head.all_metrics:
                    metric.check_target(target)

    def forward(self, model: nn.Module, x: Any) -> Any:
        """Run the model, leaving out the activations that the losses fold.

        The losses that layers add meanwhile, and the masks of the outputs, are kept
        for `compute` and `measure`: steps that are not real count in neither.

        Args:
            model: The module this objective is bound to.
            x: Inputs of one batch.

        Returns:
            The outputs, logits where they are folded.
        """
        folds = [head.fold for head in self.heads if head.fold is not None]
        owner = getattr(model, "_orig_mod", model)  # of what torch.compile wraps
        try:
            for fold in folds:
                fold.leave_out()
            for delayed in self._delays:
                delayed.delay()
            for idle in self._idle:
                idle.leave_out()
            with gather_losses() as self._added, gather_masks(owner) as self._masks:
                return call(model, x)
        finally:
            for idle in self._idle:
                idle.put_back()
            for delayed in self._delays:
                delayed.put_back()
            for fold in folds:
                fold.put_back()

    def compute(
        self, outputs: Any, y: Any, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """Compute the losses of one batch.

        Args:
            outputs: What `forward` gave.
            y: The targets.
            sample_weight: Weights of the samples, or a list or dict for each output.

        Returns:
            `loss`, the total, which can be differentiated: what the outputs lose, what
            the weights cost, and what layers added; with several outputs also
            `<output>_loss`, each output's own before its weight.

        Raises:
            ConfigError: No output has a loss.
        """
        losses = self._of_outputs(outputs, y, sample_weight)
        extra = self.penalty()
        if extra is not None:
            losses["loss"] = losses["loss"] + extra
        return losses

    def penalty(self) -> Tensor | None:
        """Add up what does not depend on targets: regularizers and added losses.

        Returns:
            One number, differentiable; None when there is nothing to add. Losses that
            layers added are those of the last `forward`.
        """
        added, self._added = self._added, GatheredLosses()
        weights = None if self._rules is None else self._rules.penalty()
        terms = added if weights is None else [weights, *added]
        return sum(terms[1:], terms[0]) if terms else None

    def terms(
        self, outputs: Any, y: Any, sample_weight: Any, size: int
    ) -> tuple[dict[str, Tensor], list[Term]]:
        """Compute the losses of a batch that is a part of a larger one.

        Args:
            outputs: What `forward` gave.
            y: The targets.
            sample_weight: As in `compute`.
            size: Rows in the batch.

        Returns:
            What `compute` gives; and the total in its parts, each with what it was
            divided by. What weights cost, and what layers added without a word, counts
            as a mean over rows.

        Raises:
            ConfigError: No output has a loss.
        """
        added, self._added = self._added, GatheredLosses()
        cost = None if self._rules is None else self._rules.penalty()
        extra = added.means if cost is None else [cost, *added.means]
        terms = [Term("rows", value, size) for value in extra]
        terms += [Term("sum", value, None) for value in added.sums]
        extra = [*extra, *added.sums]
        parts: dict[Head, Tensor] = {}
        for head, *row in self._rows(outputs, y, sample_weight):
            if head.loss is None:
                continue
            parts[head] = head.loss(*row)
            value = head.weight * parts[head]
            amount = loss_amount(head.loss, *row)
            if isinstance(amount, Tensor):
                terms.append(Term(head.name, value, amount))
            else:
                terms.append(Term(amount, value, size if amount == "rows" else None))
        losses = self._named(parts)
        return {**losses, "loss": sum(extra, losses["loss"])}, terms

    def _of_outputs(
        self, outputs: Any, y: Any, sample_weight: Any
    ) -> dict[str, Tensor]:
        heads = self.heads
        if len(heads) == 1 and isinstance(outputs, Tensor) and isinstance(y, Tensor):
            (head,) = heads
            plain = sample_weight is None or isinstance(sample_weight, Tensor)
            bare = plain and not self._masks
            if bare and head.loss is not None and head.weight == 1.0:
                return {"loss": head.loss(outputs, y, sample_weight)}
        parts = {
            head: head.loss(output, target, weight)
            if mask is None
            else head.loss(output, target, weight, mask)
            for head, output, target, weight, mask in self._rows(
                outputs, y, sample_weight
            )
            if head.loss is not None
        }
        return self._named(parts)

    def _named(self, parts: dict[Head, Tensor]) -> dict[str, Tensor]:
        """The total, and each output's own loss when there are several."""
        if not parts:
            raise ConfigError(
                "compile: expected a loss for at least one output, got none. Give "
                "loss=..., or override train_step."
            )
        terms = [head.weight * value for head, value in parts.items()]
        total = torch.stack(terms).sum() if len(terms) > 1 else terms[0]
        if len(self.heads) == 1:
            return {"loss": total}
        named = {f"{head.name}_loss": value for head, value in parts.items()}
        return {"loss": total, **named}

    def measure(self, outputs: Any, y: Any, sample_weight: Any = None) -> None:
        """Let every metric see one batch.

        Args:
            outputs: What `forward` gave.
            y: The targets.
            sample_weight: As in `compute`.
        """
        self._has_measured = True
        if len(self.heads) == 1 and isinstance(outputs, Tensor):
            (head,) = self.heads
            if head.all_metrics:
                mask = self._masks[0] if self._masks else None
                head.measure(outputs, self._only(y), self._only(sample_weight), mask)
            return
        for head, output, target, weight, mask in self._rows(outputs, y, sample_weight):
            if head.all_metrics and target is not None:
                head.measure(output, target, weight, mask)

    @staticmethod
    def _only(value: Any) -> Any:
        return (
            value if isinstance(value, Tensor) or value is None else flatten(value)[0]
        )

    def _rows(self, outputs: Any, y: Any, sample_weight: Any) -> Any:
        names = [head.name for head in self.heads]
        weights = (
            [sample_weight] * len(names)
            if sample_weight is None or isinstance(sample_weight, Tensor)
            else self.arrange(sample_weight, names)
        )
        masks = self._masks or [None] * len(names)
        targets = self.arrange(y, names)
        return zip(self.heads, flatten(outputs), targets, weights, masks, strict=True)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Let the metrics begin anew inside the block; what they saw before returns."""
        if not self._has_measured:
            yield
            self.reset()
            return
        kept = [(head, head.metrics, head.weighted_metrics) for head in self.heads]
        for head, metrics, weighted in kept:
            head.metrics, head.weighted_metrics = copy.deepcopy((metrics, weighted))
        self.reset()
        try:
            yield
        finally:
            for head, metrics, weighted in kept:
                head.metrics, head.weighted_metrics = metrics, weighted
            self._has_measured = True

    def reset(self) -> None:
        """Forget what the metrics have seen."""
        self._has_measured = False
        for head in self.heads:
            for metric in head.all_metrics:
                metric.reset()

    def metric_logs(self) -> dict[str, float]:
        """Read the metrics; on a device this waits for it.

        Returns:
            Values by name; `<output>_<metric>` when there are several outputs.
        """
        several = len(self.heads) > 1
        return {
            f"{head.name}_{name}" if several else name: float(metric.compute())
            for head in self.heads
            for name, metric in head.named_metrics().items()
        }
