"""LBFGS: Newton's step, its curvature guessed from the last gradients."""

from typing import Any, Literal

import torch

from mica.errors import ConfigError
from mica.optimizers.numbers import check_count
from mica.optimizers.optimizer import LearningRate, Optimizer, check_number

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Newton's step, its curvature guessed from the last gradients.

    s = w - w_before;  y = g - g_before, the last ``history_size`` of each
    d = -H g with H built from s and y (two loops over them)
    w = w + t * d;  t by a line search, or the learning rate

    For small models and smooth losses on the whole data: `fit(..., batch_size=len(x))`.
    Each batch is looked at several times, with the same random numbers each time
    (dropout); on small batches its guess of the curvature is noise. torch's own
    implementation; Keras has none.

    Args:
        learning_rate: A number, or a function of the step: the longest first step of a
            line search; without one, how long each step is.
        max_iterations: Steps on each batch.
        max_evaluations: Looks at each batch; `None` for 5 / 4 of the steps.
        history_size: How many differences are remembered.
        tolerance_gradient: No step where every gradient is smaller. At least 0.
        tolerance_change: The batch is left when the loss or the weights change by
            less. At least 0.
        line_search: "strong_wolfe", or `None` for steps of fixed length.
        gradient_accumulation_steps: Batches that are looked at as if they were one, see
            `Optimizer`; they are kept in memory until the update.

    State:
        2 * ``history_size`` + 2 times the bytes of all parameters.

    Raises:
        ConfigError: A number is outside its range.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([4.0, -2.0]))
        >>> optimizer = LBFGS().build([weight])
        >>> def loss():
        ...     optimizer.zero_grad()
        ...     value = (weight**2 * torch.tensor([1.0, 10.0])).sum()
        ...     value.backward()
        ...     return value
        >>> _ = optimizer.step(loss)
        >>> bool(weight.abs().max() < 1e-4)
        True

    Source:
        Nocedal & Wright 2006, Algorithms 7.4 and 7.5, as in torch.optim.LBFGS.
    """

    kind = torch.optim.LBFGS

    def __init__(
        self,
        learning_rate: LearningRate = 1.0,
        *,
        max_iterations: int = 20,
        max_evaluations: int | None = None,
        history_size: int = 100,
        tolerance_gradient: float = 1e-7,
        tolerance_change: float = 1e-9,
        line_search: Literal["strong_wolfe"] | None = "strong_wolfe",
        gradient_accumulation_steps: int | None = None,
    ) -> None:
        super().__init__(
            learning_rate, gradient_accumulation_steps=gradient_accumulation_steps
        )
        self.max_iterations = check_count("LBFGS", "max_iterations", max_iterations)
        if max_evaluations is not None:
            check_count("LBFGS", "max_evaluations", max_evaluations)
        self.max_evaluations = max_evaluations
        self.history_size = check_count("LBFGS", "a history_size", history_size)
        self.tolerance_gradient = check_number(
            "LBFGS", "a tolerance_gradient", tolerance_gradient
        )
        self.tolerance_change = check_number(
            "LBFGS", "a tolerance_change", tolerance_change
        )
        if line_search not in (None, "strong_wolfe"):
            raise ConfigError(
                'LBFGS: expected a line_search of "strong_wolfe" or None, got '
                f"{line_search!r}. Leave it out."
            )
        self.line_search = line_search

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's LBFGS."""
        return {
            "max_iter": self.max_iterations,
            "max_eval": self.max_evaluations,
            "history_size": self.history_size,
            "tolerance_grad": self.tolerance_gradient,
            "tolerance_change": self.tolerance_change,
            "line_search_fn": self.line_search,
        }
