"""ReversibleEmbedding: vectors of numbers, and from vectors back to numbers."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.layers.arguments import real_number
from mica.layers.constraints import ConstraintLike
from mica.layers.embedding import Embedding
from mica.layers.initializers import InitializerLike
from mica.layers.inputs import check_axis, check_floating
from mica.layers.regularizers import RegularizerLike

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """A learned vector for each number, and scores of all numbers for a vector.

    y = weight[x];  reversed: y = cap(x w^T), cap(s) = c tanh(s / c)

    Language models use one table at both ends: ``layer(words)`` gives vectors,
    ``layer(hidden, reverse=True)`` gives logits of the next word. w is the weight
    itself when tied, else a second one; c is ``logit_soft_cap``.

    Args:
        input_dim: How many numbers there are: the largest one and 1. At least 1.
        output_dim: Size of a vector. At least 1.
        tie_weights: Whether one table serves both directions.
        embeddings_initializer: First values of the vectors.
        embeddings_regularizer: What the vectors cost, added to the loss.
        embeddings_constraint: What they must be after each update.
        mask_zero: Whether 0 stands for padding.
        logit_soft_cap: c, above 0; `None` for no cap.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch), whole numbers; reversed: (*batch, output_dim), vectors
        y: (*batch, output_dim); reversed: (*batch, input_dim)

    Parameters:
        weight: (input_dim, output_dim), uniform in +-0.05.
        reverse_weight: the same. Without ``tie_weights``.

    Raises:
        ConfigError: A size or the cap is not positive, or a name is not known.
        ShapeError: A vector to be reversed has another size than ``output_dim``.
        DataError: x holds a number that is negative or too large, or is of another
            type.

    Example:
        >>> layer = ReversibleEmbedding(1000, 8)
        >>> layer(torch.tensor([[4, 20]])).shape
        torch.Size([1, 2, 8])
        >>> layer(torch.zeros(1, 2, 8), reverse=True).shape
        torch.Size([1, 2, 1000])

    Source:
        Press & Wolf 2016, Using the output embedding to improve language models. The
        cap: Gemma Team 2024, section 2.
    """

    words_of_others: ClassVar[Mapping[str, str]] = {
        **Embedding.words_of_others,
        "reverse_dtype": "Leave it out: logits have the type of the vectors.",
    }

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        *,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        logit_soft_cap: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            name=name,
        )
        self.tie_weights = tie_weights
        self.logit_soft_cap = logit_soft_cap
        if logit_soft_cap is not None:
            cap = real_number(logit_soft_cap, self.where, "logit_soft_cap")
            if cap <= 0:
                raise ConfigError(
                    f"{self.where}: expected logit_soft_cap above 0, got "
                    f"{logit_soft_cap!r}. 30.0 is a usual value; None is for no cap."
                )
            self.logit_soft_cap = cap
        self.register_parameter("reverse_weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with numbers, or with vectors to be reversed."""
        if dtype is None or not dtype.is_floating_point:
            super().check_input(shape, dtype)
            return
        check_floating(
            self.where, dtype, None if self.weight is None else self.weight.dtype
        )
        check_axis(self.where, shape, -1, self.output_dim)

    def build(self, shape: Any) -> None:
        """Make the vectors, and those of the way back if they are others."""
        super().build(shape)
        if not self.tie_weights:
            self.reverse_weight = self.add_weight(
                (self.input_dim, self.output_dim), self.embeddings_initializer
            )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which numbers are real; vectors keep the mask they came with.

        Args:
            x: Numbers or vectors, symbolic or not.
            mask: What was known of x.

        Returns:
            A mask, or None.
        """
        if x.dtype.is_floating_point:
            return mask
        return super().compute_mask(x, mask)

    def forward(
        self, x: Shaped[Tensor, "*batch"], *, reverse: bool = False
    ) -> Shaped[Tensor, "..."]:
        """Look the vectors up, or score all numbers."""
        if not reverse:
            return functional.embedding(x, self.weight)
        weight = self.weight if self.reverse_weight is None else self.reverse_weight
        y = functional.linear(x, weight)
        cap = self.logit_soft_cap
        return y if cap is None else cap * torch.tanh(y / cap)
