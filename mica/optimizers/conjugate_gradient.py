"""Conjugate gradient: each direction keeps what the ones before have won."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.optimizers.line_search import LinePoint, search_line
from mica.optimizers.numbers import check_count
from mica.optimizers.optimizer import LearningRate, Optimizer, check_number

__all__ = ["ConjugateGradient", "ConjugateGradientUpdate"]

Formula = Literal["polak_ribiere", "fletcher_reeves"]
FORMULAS = get_args(Formula)
LONGEST_GROWTH = 10.0  # times the step before: a first guess, which the search corrects


def _dot(one: list[Tensor], other: list[Tensor]) -> float:
    products = torch._foreach_mul(one, other)
    return float(sum(product.sum(dtype=torch.float64) for product in products))


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]


class ConjugateGradientUpdate(torch.optim.Optimizer):
    """The torch optimizer that `ConjugateGradient` builds.

    Args:
        params: Tensors to change.
        lr: The longest first step, in units of the steepest descent's.
        formula: How much of the direction before is kept.
        max_iterations: Steps on each call.
        max_evaluations: Looks along each line.
        tolerance_gradient: No step where every gradient is smaller.
        curvature: Share of the slope that a line search may leave.

    Example:
        >>> weight = torch.tensor([4.0, -2.0], requires_grad=True)
        >>> optimizer = ConjugateGradientUpdate([weight])
        >>> def loss():
        ...     optimizer.zero_grad()
        ...     value = (weight**2 * torch.tensor([1.0, 10.0])).sum()
        ...     value.backward()
        ...     return value
        >>> _ = optimizer.step(loss)
        >>> bool(weight.abs().max() < 1e-4)
        True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        *,
        formula: Formula = "polak_ribiere",
        max_iterations: int = 20,
        max_evaluations: int = 25,
        tolerance_gradient: float = 1e-7,
        curvature: float = 0.1,
    ) -> None:
        settings = {
            "lr": lr,
            "formula": formula,
            "max_iterations": max_iterations,
            "max_evaluations": max_evaluations,
            "tolerance_gradient": tolerance_gradient,
            "curvature": curvature,
        }
        super().__init__(params, settings)

    def _weights(self) -> list[Tensor]:
        return [
            weight
            for group in self.param_groups
            for weight in group["params"]
            if weight.grad is not None
        ]

    def _kept(self, weights: list[Tensor], gradients: list[Tensor]) -> float:
        """How much of the last direction is kept: beta of the formula."""
        states = [self.state[weight] for weight in weights]
        if any("gradient" not in state for state in states):
            return 0.0
        before = [state["gradient"] for state in states]
        length = _dot(before, before)
        if length == 0:
            return 0.0
        if self.param_groups[0]["formula"] == "fletcher_reeves":
            return _dot(gradients, gradients) / length
        change = list(torch._foreach_sub(gradients, before))
        return max(0.0, _dot(gradients, change) / length)

    def _direction(
        self, weights: list[Tensor], gradients: list[Tensor]
    ) -> tuple[list[Tensor], float]:
        """Where to go, and how steep it is there."""
        direction = list(torch._foreach_neg(gradients))
        kept = self._kept(weights, gradients)
        if kept:
            before = [self.state[weight]["direction"] for weight in weights]
            mixed = torch._foreach_add(direction, before, alpha=kept)
            slope = _dot(list(mixed), gradients)
            if slope < 0:
                return list(mixed), slope
        return direction, -_dot(gradients, gradients)

    def _first_step(self, weights: list[Tensor], slope: float) -> float:
        """A first guess: the decrease of the last step once more, in the new slope."""
        group, state = self.param_groups[0], self.state[weights[0]]
        # 1 / |g|: before anything is known, a step of about the learning rate.
        fresh = float(group["lr"]) / max(1.0, (-slope) ** 0.5)
        last, steepness = state.get("step_length", 0.0), state.get("slope", 0.0)
        if not last or not steepness:
            return fresh
        return min(last * steepness / slope, LONGEST_GROWTH * last)

    def _walk(self, closure: Callable[[], Any], loss: float) -> tuple[float, bool]:
        """One direction and one line search; whether it went anywhere."""
        group, weights = self.param_groups[0], self._weights()
        gradients = [gradient.clone() for gradient in _gradients(weights)]
        direction, slope = self._direction(weights, gradients)
        begun = [weight.clone() for weight in weights]
        found = [0.0]

        def probe(step: float) -> tuple[float, float]:
            torch._foreach_copy_(
                weights, torch._foreach_add(begun, direction, alpha=step)
            )
            with torch.enable_grad():
                value = float(closure().detach())
            found[0] = step
            return value, _dot(_gradients(weights), direction)

        point = search_line(
            probe,
            LinePoint(0.0, loss, slope),
            self._first_step(weights, slope),
            curvature=group["curvature"],
            evaluations=group["max_evaluations"],
        )
        if found[0] != point.step:
            probe(point.step)
        for weight, gradient, way in zip(weights, gradients, direction, strict=True):
            self.state[weight]["gradient"] = gradient
            self.state[weight]["direction"] = way
        self.state[weights[0]].update(step_length=point.step, slope=slope)
        if point.step == 0:  # no way down along it: begin anew
            for weight in weights:
                self.state[weight].clear()
        return point.value, point.step > 0

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Go down along some directions.

        Args:
            closure: Computes the gradients anew and returns the loss.

        Returns:
            What the closure returned at first.
        """
        with torch.enable_grad():
            first = closure()
        loss, group = float(first.detach()), self.param_groups[0]
        for _ in range(group["max_iterations"]):
            weights = self._weights()
            peaks = [float(each.abs().max()) for each in _gradients(weights)]
            if not peaks or max(peaks) <= group["tolerance_gradient"]:
                break
            loss, moved = self._walk(closure, loss)
            if not moved:
                break
        return first


class ConjugateGradient(Optimizer):
    """Steps along directions that do not undo each other, each as long as it pays.

    beta = g (g - g_before) / (g_before g_before), at least 0       (Polak-Ribiere)
    beta = g g / (g_before g_before)                                (Fletcher-Reeves)
    d = -g + beta * d_before                     (d = -g where that would lead up)
    w = w + t * d;  t by a line search with strong Wolfe's conditions

    On a quadratic function of n numbers, n steps reach the minimum when ``curvature``
    is near 0. For small models
    and smooth losses on the whole data: `fit(..., batch_size=len(x))`. Each batch is
    looked at several times, with the same random numbers each time (dropout).

    Args:
        learning_rate: A number, or a function of the step: the length of the very
            first look; all others follow from what was found before.
        formula: "polak_ribiere", or "fletcher_reeves".
        max_iterations: Directions on each batch.
        max_evaluations: Looks along each direction.
        tolerance_gradient: No step where every gradient is smaller. At least 0.
        curvature: Share of the slope a line search may leave: above 0 and below 1.
        gradient_accumulation_steps: Batches that are looked at as if they were one, see
            `Optimizer`; they are kept in memory until the update.

    State:
        g and d: each the parameter's bytes; the last step and slope.

    Raises:
        ConfigError: A number is outside its range, or the formula is unknown.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([4.0, -2.0]))
        >>> optimizer = ConjugateGradient().build([weight])
        >>> def loss():
        ...     optimizer.zero_grad()
        ...     value = (weight**2 * torch.tensor([1.0, 10.0])).sum()
        ...     value.backward()
        ...     return value
        >>> _ = optimizer.step(loss)
        >>> bool(weight.abs().max() < 1e-4)
        True

    Source:
        Aggarwal 2018, sections 1.4 and 3.5.6; Nocedal & Wright 2006, section 5.2.
    """

    kind = ConjugateGradientUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 1.0,
        *,
        formula: Formula = "polak_ribiere",
        max_iterations: int = 20,
        max_evaluations: int = 25,
        tolerance_gradient: float = 1e-7,
        curvature: float = 0.1,
        gradient_accumulation_steps: int | None = None,
    ) -> None:
        where = "ConjugateGradient"
        super().__init__(
            learning_rate, gradient_accumulation_steps=gradient_accumulation_steps
        )
        if formula not in FORMULAS:
            raise ConfigError(
                f"{where}: expected a formula out of {', '.join(FORMULAS)}, got "
                f"{formula!r}. Leave it out for polak_ribiere."
            )
        self.formula: Formula = formula
        self.max_iterations = check_count(where, "max_iterations", max_iterations)
        self.max_evaluations = check_count(where, "max_evaluations", max_evaluations)
        self.tolerance_gradient = check_number(
            where, "a tolerance_gradient", tolerance_gradient
        )
        self.curvature = check_number(where, "a curvature", curvature, above=0, below=1)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `ConjugateGradientUpdate`."""
        return {
            "formula": self.formula,
            "max_iterations": self.max_iterations,
            "max_evaluations": self.max_evaluations,
            "tolerance_gradient": self.tolerance_gradient,
            "curvature": self.curvature,
        }
