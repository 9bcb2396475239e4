"""Ways to choose the next token: the likeliest one, or one drawn by its chances."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.generate.chances import draw, keep_nucleus, keep_top, warm

__all__ = ["Greedy", "Sampling", "read_number"]


def read_number(value: Any, where: str, name: str, *, whole: bool) -> float | int:
    """Read a number, or refuse it.

    Args:
        value: What the user wrote.
        where: Who asks, for the error.
        name: The argument's name, for the error.
        whole: Whether it must be a whole number.

    Returns:
        The number.

    Raises:
        ConfigError: It is none.

    Example:
        >>> read_number(2, "Beam", "width", whole=True)
        2
    """
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value != value:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(
            f"{where}: expected {name} to be {kind}, got {value!r}. Write it without "
            "quotes."
        )
    return value


@dataclass(frozen=True)
class Greedy:
    """Always the likeliest token; of equal ones that with the smallest number.

    token = argmax_i p_i

    Example:
        >>> Greedy().choose(torch.tensor([[0.1, 0.7, 0.2]]).log(), [])
        tensor([1])
    """

    def choose(self, logs: Tensor, generators: list[torch.Generator]) -> Tensor:
        """Choose a token for each row.

        Args:
            logs: Logarithms of chances, (batch, vocabulary).
            generators: Not looked at.

        Returns:
            Numbers of tokens, (batch,).
        """
        del generators
        return logs.argmax(-1)


@dataclass(frozen=True)
class Sampling:
    """A token drawn by its chance, after temperature, then top-k, then nucleus.

    token ~ nucleus(top_k(p^(1 / temperature) / sum))

    Args:
        temperature: Above 1 for more surprises, below 1 for fewer; 0 is `Greedy`.
        top_k: Draw among so many of the likeliest tokens only; None for all.
        top_p: Draw among the smallest set of tokens whose chances reach this share
            only (the nucleus); None for all.

    Raises:
        ConfigError: A temperature below 0, a ``top_k`` below 1, or a ``top_p`` that is
            not above 0 and at most 1.

    Example:
        >>> Sampling(top_p=0.5).chances(torch.tensor([[0.1, 0.6, 0.3]]).log()).exp()
        tensor([[0., 1., 0.]])

    Source:
        Top-k: Fan, Lewis & Dauphin 2018, section 5.4. Nucleus: Holtzman et al. 2020,
        section 3.1. Temperature: Ackley, Hinton & Sejnowski 1985.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        warmth = read_number(self.temperature, "Sampling", "temperature", whole=False)
        if not 0 <= warmth < float("inf"):
            raise ConfigError(
                "Sampling: expected a temperature from 0 up, got "
                f"{self.temperature!r}. 1 leaves the chances as they are."
            )
        if self.top_k is not None and (
            read_number(self.top_k, "Sampling", "top_k", whole=True) < 1
        ):
            raise ConfigError(
                f"Sampling: expected top_k of at least 1, got {self.top_k!r}. None "
                "draws among all tokens."
            )
        if self.top_p is not None and not (
            0 < read_number(self.top_p, "Sampling", "top_p", whole=False) <= 1
        ):
            raise ConfigError(
                f"Sampling: expected top_p above 0 and at most 1, got {self.top_p!r}. "
                "0.9 is a common choice."
            )

    def chances(self, logs: Tensor) -> Tensor:
        """Give the chances that tokens are drawn by.

        Args:
            logs: Logarithms of the model's chances, (batch, vocabulary).

        Returns:
            Logarithms of chances that sum to 1.
        """
        logs = warm(logs, self.temperature)
        if self.top_k is not None:
            logs = keep_top(logs, self.top_k)
        return logs if self.top_p is None else keep_nucleus(logs, self.top_p)

    def choose(self, logs: Tensor, generators: list[torch.Generator]) -> Tensor:
        """Draw a token for each row.

        Args:
            logs: Logarithms of the model's chances, (batch, vocabulary).
            generators: One for each row.

        Returns:
            Numbers of tokens, (batch,).
        """
        return draw(self.chances(logs), generators)
