"""Regularizers: what weights cost, added to the loss, to keep them small or apart."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import one_of, real_number
from mica.registry import Configurable

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "FunctionRegularizer",
    "OrthogonalRegularizer",
    "Regularizer",
    "RegularizerLike",
    "get_regularizer",
]

_TINY = 1e-12  # below the square of any length worth dividing by


class Regularizer(Configurable):
    """A rule for what a tensor costs; training adds the cost to the loss.

    Write `__call__` in a subclass; a plain function of a tensor works as well.

    Example:
        >>> import torch
        >>> class Largest(Regularizer):
        ...     def __call__(self, value):
        ...         return value.abs().max()
        >>> Largest()(torch.tensor([1.0, -3.0]))
        tensor(3.)
    """

    # Whether the cost of a batch of outputs is the sum of its parts' costs.
    adds_up: ClassVar[bool] = False

    def __call__(self, value: Tensor) -> Tensor:
        """Compute the cost of a tensor.

        Args:
            value: A weight, or what a layer gave.

        Returns:
            One number, differentiable.
        """
        raise NotImplementedError


class L1L2(Regularizer):
    """The sum of absolute values and the sum of squares, each with its factor.

    cost = l1 sum |w| + l2 sum w^2

    Args:
        l1: Factor of the absolute values. They drive weights to exactly zero.
        l2: Factor of the squares. They keep weights small; the gradient is 2 l2 w.

    Raises:
        ConfigError: A factor is negative or not a finite number.

    Example:
        >>> import torch
        >>> L1L2(l1=0.1, l2=0.01)(torch.tensor([1.0, -2.0]))
        tensor(0.3500)

    Source:
        Zou & Hastie 2005 (the elastic net), section 2.
    """

    adds_up = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        where = type(self).__name__
        self.l1 = real_number(l1, where, "l1", minimum=0)
        self.l2 = real_number(l2, where, "l2", minimum=0)

    def __call__(self, value: Tensor) -> Tensor:
        """Compute the cost of a tensor.

        Args:
            value: A weight, or what a layer gave.

        Returns:
            One number.
        """
        cost = value.new_zeros(())
        if self.l1:
            cost = cost + self.l1 * value.abs().sum()
        if self.l2:
            cost = cost + self.l2 * value.square().sum()
        return cost


class L1(L1L2):
    """The sum of absolute values: weights that are not needed become zero.

    cost = l1 sum |w|

    Args:
        l1: The factor.

    Raises:
        ConfigError: The factor is negative or not a finite number.

    Example:
        >>> import torch
        >>> L1(0.1)(torch.tensor([1.0, -2.0]))
        tensor(0.3000)

    Source:
        Tibshirani 1996 (the lasso), eq. 1.
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """The sum of squares: weights stay small.

    cost = l2 sum w^2, gradient 2 l2 w. `weight_decay` of an optimizer is not the same:
    it acts beside the gradient, not through it.

    Args:
        l2: The factor.

    Raises:
        ConfigError: The factor is negative or not a finite number.

    Example:
        >>> import torch
        >>> L2(0.1)(torch.tensor([1.0, -2.0]))
        tensor(0.5000)

    Source:
        Hoerl & Kennard 1970 (ridge regression).
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


class OrthogonalRegularizer(Regularizer):
    """The mean cosine between the directions of a weight: they are kept apart.

    cost = factor * mean over pairs i < j of |cos(v_i, v_j)|

    Args:
        factor: What a mean cosine of 1 costs.
        mode: What the directions v are, for a kernel as Keras writes it (inputs,
            outputs): "rows", one for each input, or "columns", one for each output.
            Mica's weight is its transpose, (outputs, inputs).

    Raises:
        ConfigError: A negative factor, another mode, or a weight without two axes.

    Example:
        >>> import torch
        >>> weight = torch.tensor([[1.0, 0.0], [1.0, 1.0]])  # (outputs, inputs)
        >>> OrthogonalRegularizer(1.0, mode="columns")(weight)
        tensor(0.7071)

    Source:
        Brock et al. 2017 (neural photo editing), section 3.2, normalised as in Keras.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = real_number(factor, "OrthogonalRegularizer", "factor", minimum=0)
        self.mode = one_of(mode, ("rows", "columns"), "OrthogonalRegularizer", "mode")

    def __call__(self, value: Tensor) -> Tensor:
        """Compute the cost of a weight.

        Args:
            value: (outputs, inputs).

        Returns:
            One number.

        Raises:
            ConfigError: The weight has not two axes.
        """
        if value.ndim != 2:
            raise ConfigError(
                "OrthogonalRegularizer: expected a weight of two axes, got one of "
                f"shape {tuple(value.shape)}. Use it on Dense or Embedding."
            )
        directions = value.T if self.mode == "rows" else value
        lengths = directions.square().sum(1, keepdim=True).clamp(min=_TINY).sqrt()
        unit = directions / lengths
        cosines = (unit @ unit.T).tril(-1).abs()
        count = len(unit) * (len(unit) - 1) / 2
        return self.factor * cosines.sum() / max(count, 1)


class FunctionRegularizer(Regularizer):
    """A plain function of a tensor as a Regularizer.

    cost = function(w)

    Args:
        function: Takes a tensor and gives one number.

    Example:
        >>> import torch
        >>> FunctionRegularizer(torch.sum)(torch.ones(3))
        tensor(3.)
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, value: Tensor) -> Tensor:
        """Call the function.

        Args:
            value: A weight, or what a layer gave.

        Returns:
            What the function gives.
        """
        return self.function(value)


RegularizerLike = str | Regularizer | Callable[[Tensor], Any] | None

_BY_NAME: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l1_l2": lambda: L1L2(l1=0.01, l2=0.01),
    "l2": L2,
    "orthogonal": OrthogonalRegularizer,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def get_regularizer(
    given: RegularizerLike,
    where: str = "get_regularizer",
    name: str = "regularizer",
) -> Regularizer | None:
    """Turn whatever a user calls a regularizer into one.

    Args:
        given: "l1", "l2", "l1_l2" (each with factor 0.01), "orthogonal", a
            Regularizer, a function of a tensor, or None.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The regularizer; None for None.

    Raises:
        ConfigError: The name is not known, or it is neither a name nor a function.

    Example:
        >>> get_regularizer("l2")
        L2()
    """
    if given is None or isinstance(given, Regularizer):
        return given
    if callable(given):
        # The class: as good as its name.
        if given in _BY_NAME.values():
            return given()  # type: ignore[call-arg]  # a class of the table
        return FunctionRegularizer(given)
    return _BY_NAME[one_of(given, _BY_NAME, where, name)]()
