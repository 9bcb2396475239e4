"""Random configurations of the layers that Keras has too, one module for each area.

A module has `DRAWS`: functions that draw a configuration, by the name of the part.
"""

import importlib
import pkgutil
import random
from collections.abc import Callable

from tests.oracle.keras_draws.comparing import compare
from tests.oracle.keras_draws.drawing import Drawn

__all__ = ["DRAWS", "Drawn", "compare"]


def _gather() -> dict[str, Callable[[random.Random], Drawn]]:
    draws: dict[str, Callable[[random.Random], Drawn]] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name in ("comparing", "drawing"):
            continue
        found = importlib.import_module(f"{__name__}.{module.name}").DRAWS
        twice = set(draws) & set(found)
        assert not twice, f"two draws are called {sorted(twice)}"
        draws |= found
    return draws


DRAWS = _gather()
