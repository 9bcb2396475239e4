"""Recipe: a whole program that can be found by name, with the book's number."""

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """What a recipe is and what it must reach.

    Args:
        name: What `mica run` calls it.
        title: One line.
        source: Where it is described.
        main: The program: takes `seed`, `rows` (None for all data) and `epochs` (None
            for the book's), returns its results by name.
        book: The book's numbers, by result name.
        goal: The least mean we hold it to, by result name.
    """

    name: str
    title: str
    source: str
    main: Callable[..., dict[str, float]]
    book: dict[str, float] = field(default_factory=dict)
    goal: dict[str, float] = field(default_factory=dict)
