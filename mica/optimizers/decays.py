"""Keras's other schedules: polynomial, inverse time, pieces, cosines with restarts."""

import math
from collections.abc import Sequence

from mica.errors import ConfigError
from mica.optimizers.schedule import Schedule, check_rate, check_steps, is_number

__all__ = [
    "CosineDecayRestarts",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
]


class PolynomialDecay(Schedule):
    """Lower the learning rate along a power of the steps that are left.

    rate(step) = (initial - end) (1 - step / decay_steps)^power + end

    With power 1 a straight line. Afterwards the rate stays at its end, or, with
    ``cycle``, the line begins anew: decay_steps is then the first multiple of itself
    that is not below the step.

    Args:
        initial_learning_rate: At step 0. At least 0.
        decay_steps: Updates from there to the end. At least 1.
        end_learning_rate: At the end. At least 0.
        power: The exponent. At least 0.
        cycle: Whether it begins anew.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = PolynomialDecay(0.5, 10, end_learning_rate=0.0)
        >>> schedule(0), schedule(5), schedule(100)
        (0.5, 0.25, 0.0)

    Source:
        Definition as in Keras 3.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        where = "PolynomialDecay"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "decay_steps", decay_steps)
        check_rate(where, "an end_learning_rate", end_learning_rate)
        check_rate(where, "a power", power)
        self.initial_learning_rate = float(initial_learning_rate)
        self.decay_steps = decay_steps
        self.end_learning_rate = float(end_learning_rate)
        self.power = float(power)
        self.cycle = cycle

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        steps = self.decay_steps
        if self.cycle:
            steps *= max(math.ceil(step / steps), 1)
        left = 1.0 - min(step, steps) / steps
        height = self.initial_learning_rate - self.end_learning_rate
        return height * left**self.power + self.end_learning_rate


class InverseTimeDecay(Schedule):
    """Divide the learning rate by a number that grows with every update.

    rate(step) = initial / (1 + decay_rate step / decay_steps)

    Args:
        initial_learning_rate: At step 0. At least 0.
        decay_steps: Updates after which the divisor has grown by ``decay_rate``.
        decay_rate: At least 0.
        staircase: Whether it grows at once after all of them.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = InverseTimeDecay(0.5, 10, 1.0)
        >>> schedule(0), schedule(10), schedule(30)
        (0.5, 0.25, 0.125)

    Source:
        Robbins & Monro 1951, for steps whose sum has no end while that of their
        squares has one.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        where = "InverseTimeDecay"
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
        return self.initial_learning_rate / (1 + self.decay_rate * times)


class PiecewiseConstantDecay(Schedule):
    """Keep one learning rate after another, as a list says.

    rate(step) = values[number of boundaries below step]

    Args:
        boundaries: The last step of each rate but the last, rising.
        values: The rates, one more than there are boundaries.

    Raises:
        ConfigError: Boundaries that do not rise, another number of rates, or one that
            is negative.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [0.5, 0.25, 0.125])
        >>> schedule(10), schedule(11), schedule(21)
        (0.5, 0.25, 0.125)

    Source:
        Definition as in Keras 3: a boundary belongs to the rate before it.
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        where = "PiecewiseConstantDecay"
        self.boundaries, self.values = list(boundaries), list(values)
        for boundary in self.boundaries:
            check_steps(where, "a boundary", boundary, least=0)
        if self.boundaries != sorted(set(self.boundaries)) or not self.boundaries:
            raise ConfigError(
                f"{where}: expected boundaries that rise, got {self.boundaries}. Give "
                "the last step of each rate but the last, e.g. [1000, 2000]."
            )
        if len(self.values) != len(self.boundaries) + 1:
            raise ConfigError(
                f"{where}: expected {len(self.boundaries) + 1} values, one more than "
                f"boundaries, got {len(self.values)}. The last one is for all later "
                "steps."
            )
        for value in self.values:
            check_rate(where, "values", value)

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        passed = sum(boundary < step for boundary in self.boundaries)
        return float(self.values[passed])


class CosineDecayRestarts(Schedule):
    """Lower the learning rate along half a cosine wave, again and again.

    rate(step) = initial (alpha + (1 - alpha) m_mul^i (1 + cos(pi t)) / 2)

    i is how many waves are over, t the share of the present one that is; wave i takes
    first_decay_steps t_mul^i updates.

    Args:
        initial_learning_rate: At step 0. At least 0.
        first_decay_steps: Updates of the first wave. At least 1.
        t_mul: How much longer each wave is than the one before. At least 1.
        m_mul: How much higher each wave begins, as a factor. At least 0.
        alpha: The lowest rate, as a fraction of the initial one.

    Raises:
        ConfigError: An argument is outside its range.

    Example:
        >>> schedule = CosineDecayRestarts(0.5, 10, t_mul=2.0)
        >>> schedule(0), schedule(5), schedule(10), schedule(20)
        (0.5, 0.25, 0.5, 0.25)

    Source:
        Loshchilov & Hutter 2016 (SGDR), eq. 5.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        where = "CosineDecayRestarts"
        check_rate(where, "an initial_learning_rate", initial_learning_rate)
        check_steps(where, "first_decay_steps", first_decay_steps)
        if not is_number(t_mul) or not 1 <= t_mul < math.inf:
            raise ConfigError(
                f"{where}: expected t_mul of at least 1, got {t_mul!r}. 2.0 makes each "
                "wave twice as long as the one before."
            )
        check_rate(where, "an m_mul", m_mul)
        check_rate(where, "an alpha", alpha)
        self.initial_learning_rate = float(initial_learning_rate)
        self.first_decay_steps = first_decay_steps
        self.t_mul = float(t_mul)
        self.m_mul = float(m_mul)
        self.alpha = float(alpha)

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update."""
        if self.t_mul == 1:
            wave, done = divmod(step, self.first_decay_steps)
            share = done / self.first_decay_steps
        else:
            wave, begin, length = 0, 0.0, float(self.first_decay_steps)
            while step >= begin + length:
                wave, begin, length = wave + 1, begin + length, length * self.t_mul
            share = (step - begin) / length
        height = self.m_mul**wave * (1 + math.cos(math.pi * share)) / 2
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * height)
