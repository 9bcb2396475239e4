"""One row for each way to make a layer; `test_every_layer.py` sweeps the table.

A new layer needs a row in the module of its area, and nothing else: every module here
that has `CASES` is found.
"""

import importlib
import pkgutil

from tests.contract.layer_cases.case import (
    Constant,
    Derived,
    Integers,
    LayerCase,
    Normal,
    Orthogonal,
    Uniform,
)

__all__ = [
    "LAYERS",
    "Constant",
    "Derived",
    "Integers",
    "LayerCase",
    "Normal",
    "Orthogonal",
    "Uniform",
]


def _gather() -> dict[str, LayerCase]:
    rows: dict[str, LayerCase] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name == "case":
            continue
        found = importlib.import_module(f"{__name__}.{module.name}").CASES
        twice = set(rows) & set(found)
        assert not twice, f"two rows are called {sorted(twice)}"
        rows |= found
    return rows


LAYERS: dict[str, LayerCase] = _gather()
