"""Schedules: learning rates as plain functions of the step."""

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch

from mica.errors import ConfigError, near_misses
from mica.optimizers.decays import (
    CosineDecayRestarts,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from mica.optimizers.schedule import Schedule, check_rate, check_steps, is_number

__all__ = [
    "Constant",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Schedule",
    "StepDecay",
    "TorchSchedule",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "from_torch",
    "one_cycle",
    "step_decay",
]

Anneal = Literal["cosine", "linear"]
LearningRateSchedule = Schedule  # Keras's name


class Constant(Schedule):
    """The schedule that `constant` makes."""

    def __init__(self, learning_rate: float) -> None:
        check_rate("constant", "a learning_rate", learning_rate)
        self.learning_rate = float(learning_rate)

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        del step
        return self.learning_rate


class ExponentialDecay(Schedule):
    """The schedule that `exponential_decay` makes."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        where = "exponential_decay"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "decay_steps", decay_steps)
        check_rate(where, "a decay_rate", decay_rate)
        self.initial_learning_rate = float(initial_learning_rate)
        self.decay_steps = decay_steps
        self.decay_rate = float(decay_rate)
        self.staircase = staircase

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        times = step / self.decay_steps
        if self.staircase:
            times = step // self.decay_steps
        return self.initial_learning_rate * self.decay_rate**times


class StepDecay(Schedule):
    """The schedule that `step_decay` makes."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float = 0.1
    ) -> None:
        where = "step_decay"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "decay_steps", decay_steps)
        check_rate(where, "a decay_rate", decay_rate)
        self.initial_learning_rate = float(initial_learning_rate)
        self.decay_steps = decay_steps
        self.decay_rate = float(decay_rate)

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        drops = step // self.decay_steps
        return self.initial_learning_rate * self.decay_rate**drops


def _cosine(start: float, end: float, fraction: float) -> float:
    """Half a cosine wave from `start` (fraction 0) to `end` (fraction 1)."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


def _linear(start: float, end: float, fraction: float) -> float:
    return start + (end - start) * fraction


class CosineDecay(Schedule):
    """The schedule that `cosine_decay` makes."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        *,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        where = "cosine_decay"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "decay_steps", decay_steps)
        check_rate(where, "an alpha", alpha)
        check_steps(where, "warmup_steps", warmup_steps, least=0)
        if (warmup_target is None) != (warmup_steps == 0):
            raise ConfigError(
                f"{where}: expected warmup_target and warmup_steps together, got "
                f"{warmup_target!r} and {warmup_steps!r}. Give both or neither."
            )
        if warmup_target is not None:
            check_rate(where, "a warmup_target", warmup_target)
        self.initial_learning_rate = float(initial_learning_rate)
        self.decay_steps = decay_steps
        self.alpha = float(alpha)
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        peak = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return _linear(peak, self.warmup_target, step / self.warmup_steps)
            peak = self.warmup_target
        fraction = min((step - self.warmup_steps) / self.decay_steps, 1.0)
        return _cosine(peak, self.alpha * peak, fraction)


class OneCycle(Schedule):
    """The schedule that `one_cycle` makes."""

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        *,
        warmup_fraction: float = 0.3,
        initial_divisor: float = 25.0,
        final_divisor: float = 1e4,
        anneal: Anneal = "cosine",
    ) -> None:
        where = "one_cycle"
        check_rate(where, "a max_learning_rate", max_learning_rate)
        check_steps(where, "total_steps", total_steps, least=2)
        if not is_number(warmup_fraction) or not 0 <= warmup_fraction <= 1:
            raise ConfigError(
                f"{where}: expected a warmup_fraction from 0 to 1, got "
                f"{warmup_fraction!r}. 0.3 warms up for three tenths of the steps."
            )
        for name, value in (
            ("initial_divisor", initial_divisor),
            ("final_divisor", final_divisor),
        ):
            if not is_number(value) or not 1 <= value < math.inf:
                raise ConfigError(
                    f"{where}: expected a {name} of at least 1, got {value!r}. The "
                    "rates at both ends are below the highest one."
                )
        if anneal not in get_args(Anneal):
            raise ConfigError(
                f"{where}: expected an anneal, got {anneal!r}. "
                f"{near_misses(str(anneal), get_args(Anneal))}"
            )
        self.max_learning_rate = float(max_learning_rate)
        self.initial_learning_rate = self.max_learning_rate / initial_divisor
        self.final_learning_rate = self.initial_learning_rate / final_divisor
        self.peak_step = max(warmup_fraction * total_steps - 1, 0.0)
        self.last_step = total_steps - 1
        self.between = _cosine if anneal == "cosine" else _linear

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        peak, last = self.peak_step, self.last_step
        if step < peak:
            start, end = self.initial_learning_rate, self.max_learning_rate
            return self.between(start, end, step / peak)
        if step >= last:
            return self.final_learning_rate if last > peak else self.max_learning_rate
        start, end = self.max_learning_rate, self.final_learning_rate
        return self.between(start, end, (step - peak) / (last - peak))


class TorchSchedule(Schedule):
    """The schedule that `from_torch` makes."""

    def __init__(
        self,
        scheduler: Callable[[torch.optim.Optimizer], Any],
        initial_learning_rate: float,
        *,
        steps_per_call: int = 1,
    ) -> None:
        where = "from_torch"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "steps_per_call", steps_per_call)
        # Torch's schedulers change an optimizer: this one stands in for the real one.
        self._optimizer = torch.optim.SGD([torch.zeros(1)], lr=initial_learning_rate)
        self._scheduler = scheduler(self._optimizer)
        if not isinstance(self._scheduler, torch.optim.lr_scheduler.LRScheduler) or (
            isinstance(self._scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        ):
            raise ConfigError(
                f"{where}: expected a torch scheduler that depends on the step alone, "
                f"got {type(self._scheduler).__name__}. Use a callback for a rate that "
                "depends on how training goes."
            )
        self._steps_per_call = steps_per_call
        self._rates = [self._rate()]

    def _rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        calls = step // self._steps_per_call
        while len(self._rates) <= calls:
            self._optimizer.step()
            self._scheduler.step()
            self._rates.append(self._rate())
        return self._rates[calls]


def constant(learning_rate: float) -> Schedule:
    """Keep one learning rate.

    rate(step) = learning_rate

    Args:
        learning_rate: At least 0.

    Returns:
        The schedule.

    Raises:
        ConfigError: The rate is negative or not a finite number.

    Example:
        >>> constant(0.01)(1000)
        0.01
    """
    return Constant(learning_rate)


def step_decay(
    initial_learning_rate: float, decay_steps: int, decay_rate: float = 0.1
) -> Schedule:
    """Multiply the learning rate by `decay_rate` every `decay_steps` updates.

    rate(step) = initial_learning_rate * decay_rate^floor(step / decay_steps)

    torch's `StepLR`, and Keras's `ExponentialDecay(staircase=True)`.

    Args:
        initial_learning_rate: At step 0. At least 0.
        decay_steps: Updates between two drops. At least 1.
        decay_rate: What is left after a drop, as a factor. At least 0.

    Returns:
        The schedule.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = step_decay(0.5, 10, 0.5)
        >>> schedule(9), schedule(10), schedule(20)
        (0.5, 0.25, 0.125)
    """
    return StepDecay(initial_learning_rate, decay_steps, decay_rate)


def exponential_decay(
    initial_learning_rate: float,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
) -> Schedule:
    """Shrink the learning rate a little with every update.

    rate(step) = initial_learning_rate * decay_rate^(step / decay_steps)

    Args:
        initial_learning_rate: At step 0. At least 0.
        decay_steps: Updates after which the rate is `decay_rate` of what it was.
        decay_rate: At least 0.
        staircase: Whether it shrinks at once after all of them, as `step_decay` does.

    Returns:
        The schedule.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = exponential_decay(0.5, 10, 0.25)
        >>> schedule(5), schedule(10)
        (0.25, 0.125)
    """
    return ExponentialDecay(initial_learning_rate, decay_steps, decay_rate, staircase)


def cosine_decay(
    initial_learning_rate: float,
    decay_steps: int,
    *,
    alpha: float = 0.0,
    warmup_target: float | None = None,
    warmup_steps: int = 0,
) -> Schedule:
    """Lower the learning rate along half a cosine wave, after a linear warm-up if any.

    rate(step) = initial + (peak - initial) step / warmup_steps   while warming up
    rate(step) = peak (alpha + (1 - alpha) (1 + cos(pi t)) / 2)   afterwards,
    t = min((step - warmup_steps) / decay_steps, 1)

    `peak` is `warmup_target`, or `initial_learning_rate` without a warm-up. The warm-up
    comes before the `decay_steps`, as in Keras's `CosineDecay`.

    Args:
        initial_learning_rate: At step 0. At least 0.
        decay_steps: Updates from the peak to the end. At least 1.
        alpha: The last rate, as a fraction of the peak.
        warmup_target: Rate at the end of the warm-up; `None` for no warm-up.
        warmup_steps: Updates the warm-up takes.

    Returns:
        The schedule.

    Raises:
        ConfigError: An argument is outside its range, or only one of `warmup_target`
            and `warmup_steps` is given.

    Example:
        >>> schedule = cosine_decay(0.0, 100, warmup_target=0.5, warmup_steps=10)
        >>> schedule(5), schedule(10), schedule(60), schedule(110)
        (0.25, 0.5, 0.25, 0.0)

    Source:
        Loshchilov & Hutter 2016 (SGDR), eq. 5; warm-up: Goyal et al. 2017, section 2.2.
    """
    return CosineDecay(
        initial_learning_rate,
        decay_steps,
        alpha=alpha,
        warmup_target=warmup_target,
        warmup_steps=warmup_steps,
    )


def one_cycle(
    max_learning_rate: float,
    total_steps: int,
    *,
    warmup_fraction: float = 0.3,
    initial_divisor: float = 25.0,
    final_divisor: float = 1e4,
    anneal: Anneal = "cosine",
) -> Schedule:
    """Raise the learning rate to a high peak, then lower it to almost nothing.

    initial = max_learning_rate / initial_divisor;  final = initial / final_divisor
    peak step = warmup_fraction * total_steps - 1;  last step = total_steps - 1
    rate(step) = between(initial, max, step / peak step)                  before it
    rate(step) = between(max, final, (step - peak) / (last - peak))       after it

    torch's `OneCycleLR` with two phases; momentum is left as it is. After the last
    step the rate stays.

    Args:
        max_learning_rate: At the peak. At least 0.
        total_steps: Updates of the whole cycle. At least 2.
        warmup_fraction: Share of the steps before the peak, 0 to 1.
        initial_divisor: Peak rate over first rate. At least 1.
        final_divisor: First rate over last rate. At least 1.
        anneal: What `between` is: half a `cosine` wave, or `linear` as in the paper.

    Returns:
        The schedule.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = one_cycle(0.5, 101, warmup_fraction=0.5, anneal="linear")
        >>> schedule(0), round(schedule(50), 3), round(schedule(100), 6)
        (0.02, 0.495, 2e-06)

    Source:
        Smith & Topin 2017 (Super-Convergence), section 3; the cosine is fastai's.
    """
    return OneCycle(
        max_learning_rate,
        total_steps,
        warmup_fraction=warmup_fraction,
        initial_divisor=initial_divisor,
        final_divisor=final_divisor,
        anneal=anneal,
    )


def from_torch(
    scheduler: Callable[[torch.optim.Optimizer], Any],
    initial_learning_rate: float,
    *,
    steps_per_call: int = 1,
) -> Schedule:
    """Use one of torch's schedulers as a function of the step.

    Args:
        scheduler: Makes the scheduler of an optimizer:
            `functools.partial(torch.optim.lr_scheduler.StepLR, step_size=30)`.
        initial_learning_rate: The optimizer's rate before the scheduler changes it.
        steps_per_call: Updates between two of the scheduler's own steps: the number of
            steps per epoch for one that is written in epochs.

    Returns:
        The schedule. It cannot be saved in a model's file.

    Raises:
        ConfigError: What it makes is no torch scheduler, or one that looks at the loss.

    Example:
        >>> import functools
        >>> halve = functools.partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
        >>> schedule = from_torch(halve, 0.5, steps_per_call=10)
        >>> schedule(9), schedule(10), schedule(20)
        (0.5, 0.25, 0.125)
    """
    return TorchSchedule(
        scheduler, initial_learning_rate, steps_per_call=steps_per_call
    )
