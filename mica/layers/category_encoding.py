"""Whole numbers as rows of a table: one-hot, multi-hot, counts."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mica.engine import is_compiling
from mica.errors import DataError, ShapeError
from mica.layers.arguments import one_of, positive_integer
from mica.layers.inputs import check_rank
from mica.layers.layer import Layer
from mica.shapes import describe

__all__ = ["CategoryEncoding", "OutputMode", "check_whole", "encode_numbers"]

OutputMode = Literal["int", "one_hot", "multi_hot", "count", "tf_idf"]


def encode_numbers(
    numbers: Tensor,
    mode: str,
    size: int,
    *,
    weights: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Turn numbers of things into rows with a column for each thing.

    Args:
        numbers: Numbers from 0; those outside 0..size - 1 count for nothing.
        mode: "int" (left as they are), "one_hot" (a row for each number), "multi_hot"
            (a row for the numbers along the last axis), "count" or "tf_idf" (how often
            each occurs, times its weight).
        size: How many things there are.
        weights: What each occurrence counts, as many as numbers; None counts it once.
        dtype: Type of the rows; None for torch's default.

    Shape:
        numbers: (batch,) or (batch, *shape)

    Returns:
        (batch, size) for one number a row; else (batch, *shape, size) for "one_hot",
        without the last of shape for the others.

    Example:
        >>> encode_numbers(torch.tensor([[0, 2, 2]]), "count", 3)
        tensor([[1., 0., 2.]])
    """
    if mode == "int":
        return numbers
    each = mode == "one_hot" and numbers.shape[-1] != 1
    if numbers.ndim == 1 or each:
        numbers = numbers.unsqueeze(-1)
        weights = None if weights is None else weights.unsqueeze(-1)
    outside = (numbers < 0) | (numbers >= size)
    columns = numbers.masked_fill(outside, size).long()
    dtype = dtype or torch.get_default_dtype()
    rows = torch.zeros(
        (*numbers.shape[:-1], size + 1), dtype=dtype, device=numbers.device
    )
    if mode in ("one_hot", "multi_hot"):
        rows.scatter_(-1, columns, 1.0)
    else:
        once = torch.ones_like(columns, dtype=dtype)
        rows.scatter_add_(-1, columns, once if weights is None else weights.to(dtype))
    return rows[..., :size].contiguous()


class CategoryEncoding(Layer):
    """Numbers of categories become rows with a column for each category.

    y_c = 1 if category c is among x, else 0        "multi_hot"
    y_c = sum over i of w_i [x_i = c]               "count", w_i = 1 by default
    y_ic = [x_i = c]                                "one_hot"

    Args:
        num_tokens: How many categories there are: x is from 0 to below it.
        output_mode: "multi_hot", "one_hot" or "count".
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch,) or (batch, *shape), whole numbers
        count_weights: as x, or None
        y: (batch, num_tokens) for one category a row; else (batch, *shape, num_tokens)
            for "one_hot", without the last of shape for the others

    Raises:
        ConfigError: ``num_tokens`` is below 1, or an unknown mode.
        DataError: x holds something else than whole numbers from 0 to below
            ``num_tokens`` (looked at on the host; elsewhere it counts for nothing).
        ShapeError: ``count_weights`` has another shape than x.

    Example:
        >>> CategoryEncoding(3)(torch.tensor([[0, 1], [1, 1]]))
        tensor([[1., 1., 0.],
                [0., 1., 0.]])
    """

    takes_integers: ClassVar[bool] = True

    def __init__(
        self,
        num_tokens: int,
        *,
        output_mode: Literal["multi_hot", "one_hot", "count"] = "multi_hot",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.num_tokens = positive_integer(num_tokens, self.where, "num_tokens")
        self.output_mode = one_of(
            output_mode, ("multi_hot", "one_hot", "count"), self.where, "output_mode"
        )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that holds no whole numbers."""
        check_rank(self.where, shape, "batch", at_least=True)
        check_whole(self.where, dtype)

    def forward(self, x: Tensor, count_weights: Tensor | None = None) -> Tensor:
        """Fill the rows."""
        if count_weights is not None and count_weights.shape != x.shape:
            raise ShapeError(
                f"{self.where}: expected a weight for each category, shape "
                f"{describe(x.shape)}, got {describe(count_weights.shape)}. Give x and "
                "count_weights the same shape."
            )
        if x.device.type == "cpu" and not is_compiling():
            self._check_range(x)
        return encode_numbers(
            x, self.output_mode, self.num_tokens, weights=count_weights
        )

    def _check_range(self, x: Tensor) -> None:
        odd = (x < 0) | (x >= self.num_tokens)
        if odd.any():
            raise DataError(
                f"{self.where}: expected categories from 0 to {self.num_tokens - 1}, "
                f"got {x[odd][0].item()}. Raise num_tokens, or number the categories "
                "with IntegerLookup."
            )


def check_whole(where: str, dtype: torch.dtype | None) -> None:
    """Refuse an input that is not of whole numbers.

    Args:
        where: The layer, for the error.
        dtype: Type of the input; None when it has none.

    Raises:
        DataError: The type is another one.
    """
    if dtype is None or dtype.is_floating_point or dtype.is_complex:
        got = "something else" if dtype is None else str(dtype)
        raise DataError(
            f"{where}: expected whole numbers, got {got}. Convert them with x.long()."
        )
