"""Metric: a number about a whole epoch, gathered batch by batch without waiting."""

import re
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError
from mica.pairing import detached, fit_weight
from mica.registry import Configurable

__all__ = ["MeanMetric", "Metric", "ratio", "widest"]

NUMBERS_KEPT = 16  # batch sizes met in a run: rarely more than two


def widest(device: torch.device) -> torch.dtype:
    """Name the most exact floating-point type of a device.

    Args:
        device: Where sums are kept.

    Returns:
        float64, or float32 on Apple's GPUs, which have nothing wider.

    Example:
        >>> widest(torch.device("cpu"))
        torch.float64
    """
    return torch.float32 if device.type == "mps" else torch.float64


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Divide, and give 0 where there is nothing to divide by.

    Args:
        part: Numerators.
        whole: Denominators.

    Returns:
        part / whole, and 0 where whole is 0.

    Example:
        >>> ratio(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 0.0]))
        tensor([0.5000, 0.0000])
    """
    return torch.where(whole == 0, 0, part / torch.where(whole == 0, 1, whole))


class Metric(Configurable):
    """A number about all the predictions of an epoch.

    metric = f(sums over all samples)

    The value never depends on how samples were grouped into batches, or shared
    between machines. To write one of your own, define `update`, which calls
    `self.add("hits", ...)`, and `compute`, which reads `self.total("hits")`; or pass
    a plain function of (prediction, target) to `compile`.

    Range: as the metric says. `higher_is_better` tells the better end, `None` when
    nobody can say.

    Args:
        name: What the metric is called in logs; `None` for the class's name.

    Shape:
        prediction: (batch, *rest)
        target: the same, or as the metric says
        sample_weight: (batch,) or any leading part of the target's shape

    Example:
        >>> class Bias(Metric):
        ...     def update(self, prediction, target, sample_weight=None):
        ...         self.add("difference", (prediction - target).sum())
        ...         self.add("count", len(prediction))
        ...     def compute(self):
        ...         return self.total("difference") / self.total("count")
        >>> bias = Bias()
        >>> bias.update(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
        >>> bias.update(torch.tensor([6.0]), torch.tensor([0.0]))
        >>> bias.compute().item()
        3.0

    Source:
        Ours.
    """

    higher_is_better: ClassVar[bool | None] = None
    accepts_logits: ClassVar[bool] = False

    def __init__(self, *, name: str | None = None) -> None:
        self.where = type(self).__name__
        words = re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.where
        )
        self.name = words.lower() if name is None else name
        self._state: dict[str, Tensor] = {}
        self._numbers: dict[float, Tensor] = {}

    def check_target(self, target: Tensor) -> None:
        """Say what is wrong with targets; asked once, before training.

        Args:
            target: All targets of a data set, or of one batch.

        Raises:
            DataError: In metrics that only certain values mean something to.
        """

    def add(self, name: str, amount: Tensor | float | int) -> None:
        """Add to the sum called `name`, which starts at zero, without synchronising.

        Args:
            name: Any word.
            amount: A number, or a tensor whose shape is the same in every call.
        """
        known = self._state.get(name)
        if not isinstance(amount, Tensor):
            amount = self._number(amount, known)
        elif amount.requires_grad:
            amount = amount.detach()
        if known is None:
            self._state[name] = amount.to(widest(amount.device), copy=True)
        else:
            known.add_(amount)

    def _number(self, number: float | int, known: Tensor | None) -> Tensor:
        """Make a tensor of a number, once: torch adds tensors four times as fast."""
        tensor = self._numbers.get(number)
        if tensor is None or (known is not None and known.device != tensor.device):
            known = next(iter(self._state.values()), None) if known is None else known
            device = torch.device("cpu") if known is None else known.device
            tensor = torch.full((), number, dtype=widest(device), device=device)
            if len(self._numbers) >= NUMBERS_KEPT:
                self._numbers.clear()
            self._numbers[number] = tensor
        return tensor

    def total(self, name: str) -> Tensor:
        """Read the sum called `name`.

        Args:
            name: As given to `add`.

        Returns:
            The sum, on the device of what was added; 0 before anything was.
        """
        known = self._state.get(name)
        return torch.zeros((), dtype=torch.float64) if known is None else known

    def reset(self) -> None:
        """Forget everything seen; the sums stay where they are in memory."""
        for tensor in self._state.values():
            tensor.zero_()

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Take in one batch.

        Args:
            prediction: What the model gave.
            target: What it should have given.
            sample_weight: How much each sample counts; `None` for all the same.

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{self.where}: expected a method update(prediction, target, "
            "sample_weight=None), got none. Define it in the class."
        )

    def compute(self) -> Tensor:
        """Give the metric of all batches since the last reset.

        Returns:
            A number on the device of the predictions; NaN when nothing was seen.

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{self.where}: expected a method compute(), got none. Define it in the "
            "class."
        )

    def merge(self, other: "Metric") -> None:
        """Take in everything another metric of the same kind has seen.

        Args:
            other: A metric made with the same arguments, of another rank or part.

        Raises:
            ConfigError: Another kind of metric.
        """
        if type(other) is not type(self):
            raise ConfigError(
                f"{self.where}.merge: expected another {self.where}, got "
                f"{type(other).__name__}. Merge metrics of one kind."
            )
        self._take_in(other.state())

    def _take_in(self, state: dict[str, Tensor]) -> None:
        """Merge the state of another metric: sums add up."""
        for name, tensor in state.items():
            known = self._state.get(name)
            self.add(name, tensor if known is None else tensor.to(known.device))

    def state(self) -> dict[str, Tensor]:
        """Give all that was gathered, to be saved or sent to another rank.

        Returns:
            Tensors by name; empty before the first update.
        """
        return dict(self._state)

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave.

        Args:
            state: Tensors by name; they are copied.
        """
        self._state = {name: tensor.clone() for name, tensor in state.items()}

    def __repr__(self) -> str:
        """Show the class and its name in logs."""
        return f"{self.where}(name={self.name!r})"


class MeanMetric(Metric):
    """A metric that is the weighted mean of one value per sample.

    metric = sum_i weight_i value_i / sum_i weight_i

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, or as the metric says
        sample_weight: a leading part of the shape of what `values` gives

    Example:
        >>> class Distance(MeanMetric):
        ...     def values(self, prediction, target):
        ...         return (prediction - target).norm(dim=-1)
        >>> distance = Distance()
        >>> distance.update(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
        >>> distance.compute().item()
        5.0

    Source:
        Ours.
    """

    def values(self, prediction: Any, target: Any) -> Tensor:
        """Give one value per sample; a metric of this kind defines it.

        Args:
            prediction: What the model gave.
            target: What it should have given.

        Returns:
            (batch, *rest): numbers or truth values.

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{self.where}: expected a method values(prediction, target), got none. "
            "Define it in the class."
        )

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Add the values of one batch."""
        values = self.values(detached(prediction, self.name), target)
        if sample_weight is None:
            if values.dtype is torch.bool:
                self.add("total", values.count_nonzero())
            else:
                self.add("total", values.sum(dtype=widest(values.device)))
            self.add("count", values.numel())
        else:
            self.add_weighted(values, fit_weight(sample_weight, values, self.name))

    def add_weighted(self, values: Tensor, weight: Tensor) -> None:
        """Add values and the weights they count with.

        Args:
            values: (batch, *rest).
            weight: A tensor that can be expanded to the values' shape.
        """
        weight = weight.to(widest(values.device)).expand_as(values)
        self.add("total", (values * weight).sum())
        self.add("count", weight.sum())

    def compute(self) -> Float[Tensor, ""]:
        """Divide the sum of the values by the sum of the weights."""
        return self.total("total") / self.total("count")
