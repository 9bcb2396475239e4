"""Naming: each part of a model has a name of its own, as in Keras."""

from torch import nn

from mica.errors import ConfigError
from mica.layers.layer import snake_case

__all__ = ["name_parts"]


def name_parts(parts: list[nn.Module], taken: set[str]) -> list[str]:
    """Give each part of a model a name of its own, as Keras does.

    Args:
        parts: Layers and torch modules in running order.
        taken: Names that are in use; grows.

    Returns:
        The parts' own names, else `dense`, `dense_1`, ... by class. A name that another
        model chose counts as long as it is free.

    Raises:
        ConfigError: Two different parts were given the same name.
    """
    names = []
    for part in parts:
        own = getattr(part, "name", None)
        chosen = part.__dict__.get("_arguments", {}).get("name")
        if isinstance(own, str) and (own == chosen or own not in taken):
            if own in taken:
                raise ConfigError(
                    f"Model: expected a name of its own for each layer, got {own!r} "
                    "twice. Rename one of the layers."
                )
            name = own
        else:
            stem = snake_case(type(part).__name__)
            name, number = stem, 0
            while name in taken:
                number += 1
                name = f"{stem}_{number}"
        taken.add(name)
        names.append(name)
    return names
