"""Embedding: a learned vector for each whole number."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from mica.errors import DataError
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer

__all__ = ["Embedding"]

_INDEX_TYPES = (torch.int32, torch.int64)


class Embedding(Layer):
    """A learned vector for each whole number, as words and categories need it.

    y = weight[x]

    The numbers go from 0 to ``input_dim`` - 1. With ``mask_zero``, 0 is padding: the
    layer's mask says so to the layers after it.

    Args:
        input_dim: How many numbers there are: the largest one and 1. At least 1.
        output_dim: Size of a vector. At least 1.
        embeddings_initializer: First values of the vectors; a function that fills a
            tensor in place can copy vectors learned elsewhere.
        embeddings_regularizer: What the vectors cost, added to the loss.
        embeddings_constraint: What they must be after each update.
        mask_zero: Whether 0 stands for padding.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch), whole numbers
        y: (*batch, output_dim)

    Parameters:
        weight: (input_dim, output_dim), uniform in +-0.05.

    Cost:
        No multiplication: it copies batch * output_dim numbers.

    Raises:
        ConfigError: A size is not a positive integer, or a name is not known.
        DataError: x is not a tensor of int32 or int64, or holds a number that is
            negative or too large.

    Example:
        >>> layer = Embedding(1000, 8, mask_zero=True)
        >>> words = torch.tensor([[4, 20, 0]])
        >>> layer(words).shape
        torch.Size([1, 3, 8])
        >>> layer.compute_mask(words)
        tensor([[ True,  True, False]])
    """

    takes_integers: ClassVar[bool] = True
    words_of_others: ClassVar[Mapping[str, str]] = {
        "input_length": "Leave it out: sequences of any length fit.",
        "lora_rank": "Put the layer into mica.layers.LowRank.",
        "num_embeddings": "input_dim",
        "embedding_dim": "output_dim",
        "padding_idx": "mask_zero=True makes 0 the padding.",
        "weights": (
            "Give embeddings_initializer a function that fills a tensor in place, "
            "such as one that calls tensor.copy_(vectors)."
        ),
    }

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.input_dim = positive_integer(input_dim, where, "input_dim")
        self.output_dim = positive_integer(output_dim, where, "output_dim")
        self.embeddings_initializer = get_initializer(
            embeddings_initializer, where, "embeddings_initializer"
        )
        self.embeddings_regularizer = get_regularizer(
            embeddings_regularizer, where, "embeddings_regularizer"
        )
        self.embeddings_constraint = get_constraint(
            embeddings_constraint, where, "embeddings_constraint"
        )
        self.mask_zero = mask_zero
        self.register_parameter("weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that holds no whole numbers."""
        check_rank(self.where, shape, "", at_least=True)
        if dtype is not None and dtype not in _INDEX_TYPES:
            raise DataError(
                f"{self.where}: expected whole numbers of type int32 or int64, got "
                f'{dtype}. Convert them with x.long(), or write dtype="int64" in Input.'
            )

    def build(self, shape: Any) -> None:
        """Make the vectors; they do not depend on the shape."""
        del shape
        self.weight = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which numbers are real.

        Args:
            x: The numbers, symbolic or not.
            mask: Not looked at.

        Returns:
            x != 0 when `mask_zero` is true, else None.
        """
        del mask
        return x != 0 if self.mask_zero else None

    def forward(
        self, x: Int[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch {self.output_dim}"]:
        """Look the vectors up."""
        return functional.embedding(x, self.weight)

    def _explain(self, error: BaseException, args: Any) -> None:
        """Name the number that has no vector, if there is one."""
        x = args[0] if args else None
        if isinstance(x, Tensor) and x.dtype in _INDEX_TYPES and not x.is_meta:
            wrong = x[(x < 0) | (x >= self.input_dim)]
            if wrong.numel():
                raise DataError(
                    f"{self.where}: expected numbers from 0 to {self.input_dim - 1}, "
                    f"got {wrong[0].item()}. Make input_dim larger than the largest "
                    "number."
                ) from error
        super()._explain(error, args)
