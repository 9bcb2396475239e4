"""Recipe: a whole program that can be found by name, with the book's number."""

import inspect
from collections.abc import Callable, Mapping
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
        goal: The least mean of five seeds we hold it to, by result name.
        draws: Whether `main` takes `show` as well, and hands it pictures as parts of
            a report.
    """

    name: str
    title: str
    source: str
    main: Callable[..., dict[str, float]]
    book: Mapping[str, float] = field(default_factory=dict)
    goal: Mapping[str, float] = field(default_factory=dict)
    draws: bool = False

    @property
    def code(self) -> str:
        """The whole program, to read and copy."""
        module = inspect.getmodule(self.main)
        assert module is not None
        return inspect.getsource(module)
