"""Accumulating: gradients of several batches, put together as those of one."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["GradientSum", "Term"]

Gradients = list[Tensor | None]


class Term(NamedTuple):
    """A part of the loss of a batch: a mean, with what it was divided by, or a sum.

    Args:
        key: Terms of the same key are divided by one number at the end: the sum of
            their amounts.
        value: One number, differentiable.
        amount: What the value was divided by; None when it was not.

    Example:
        >>> Term("rows", torch.tensor(0.5), 32).amount
        32
    """

    key: str
    value: Tensor
    amount: Tensor | int | None


def _nonzero(amount: Tensor | int) -> Tensor | int:
    """The amount, or 1 where nothing counted: the sum is 0 then."""
    if isinstance(amount, Tensor):
        return torch.where(amount == 0, torch.ones_like(amount), amount)
    return amount or 1


class GradientSum:
    """Gradients of means over all rows of several batches, and of sums.

    gradient = sum over kinds of (sum over batches of amount * d mean) / (sum of amount)

    Each batch is differentiated as it comes, so that one batch at a time takes memory.
    Where a loss has means over different things (rows here, steps that are not masked
    there) the weights' size in memory is needed once for each kind.

    Args:
        parameters: The weights whose `grad` is computed.

    Example:
        >>> weight = nn.Parameter(torch.zeros(()))
        >>> total = GradientSum([weight])
        >>> for row in ([1.0, 2.0, 3.0], [6.0]):
        ...     x = torch.tensor(row)
        ...     total.add([Term("rows", (weight * x).mean(), len(x))])
        >>> total.finish()
        >>> weight.grad
        tensor(3.)
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self.forget()

    def forget(self) -> None:
        """Begin anew; `grad` of the weights is left as it is."""
        self.batches = 0
        self._sums: dict[str, Gradients] = {}
        self._amounts: dict[str, Any] = {}
        self._values: dict[str, Any] = {}

    def add(self, terms: Iterable[Term]) -> None:
        """Differentiate the terms of one batch.

        Args:
            terms: They are added up.
        """
        scaled: dict[str, Tensor] = {}
        for key, value, amount in terms:
            product = value if amount is None else value * amount
            scaled[key] = scaled[key] + product if key in scaled else product
        for key, amount in {term.key: term.amount for term in terms}.items():
            if amount is not None:
                self._amounts[key] = self._amounts.get(key, 0) + amount
        learned = [key for key, value in scaled.items() if value.requires_grad]
        for key in learned or list(scaled)[:1]:  # torch says what is wrong with it
            self._take(key)
            scaled[key].backward(retain_graph=key != learned[-1] if learned else None)
            self._sums[key] = self._given()
        for key, value in scaled.items():
            self._values[key] = self._values.get(key, 0.0) + value.detach()
        self.batches += 1

    def _take(self, key: str) -> None:
        """Let the gradients of one kind grow where torch adds to them."""
        kept = self._sums.get(key) or [None] * len(self.parameters)
        for parameter, gradient in zip(self.parameters, kept, strict=True):
            parameter.grad = gradient

    def _given(self) -> Gradients:
        return [parameter.grad for parameter in self.parameters]

    def _whole(self, key: str) -> Tensor | int:
        return _nonzero(self._amounts[key]) if key in self._amounts else 1

    @torch.no_grad()
    def finish(self) -> None:
        """Leave in `grad` what one batch of all rows would have left."""
        whole: Gradients = [None] * len(self.parameters)
        for key, sums in self._sums.items():
            amount = self._whole(key)
            for index, gradient in enumerate(sums):
                if gradient is None:
                    continue
                share = gradient.div_(amount)
                before = whole[index]
                whole[index] = share if before is None else before.add_(share)
        for parameter, gradient in zip(self.parameters, whole, strict=True):
            parameter.grad = gradient

    def loss(self) -> Tensor:
        """Give the loss that one batch of all rows would have had."""
        values = [value / self._whole(key) for key, value in self._values.items()]
        return torch.stack(values).sum()
