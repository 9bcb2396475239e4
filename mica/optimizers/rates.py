"""Rates: how fast each part of a model learns, in shares of the learning rate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from mica.errors import ConfigError, near_misses
from mica.optimizers.numbers import check_number

__all__ = ["check_parts", "check_rates", "layerwise_rates", "rate_of"]


def check_rates(where: str, rates: Any) -> dict[str, float] | None:
    """Demand a share of the learning rate for each named part.

    Args:
        where: Who speaks in the error.
        rates: Names of parts and their shares, or `None`.

    Returns:
        A dict of floats, or `None` when there is nothing in it.

    Raises:
        ConfigError: It is not a mapping from names to numbers of at least 0.

    Example:
        >>> check_rates("Adam", {"backbone": 0})
        {'backbone': 0.0}
    """
    if rates is None:
        return None
    if not isinstance(rates, Mapping):
        raise ConfigError(
            f"{where}: expected rates as a dict from parts of the model to shares of "
            f"the learning rate, got {type(rates).__name__}. Write for example "
            'rates={"backbone": 0.1}.'
        )
    for part in rates:
        if not isinstance(part, str) or not part:
            raise ConfigError(
                f"{where}: expected the name of a part in rates, got {part!r}. Use a "
                'layer\'s name, such as "dense" or "backbone.dense".'
            )
    checked = {
        part: check_number(where, f"a rate for {part!r}", share)
        for part, share in rates.items()
    }
    return checked or None


def _reach(part: str, path: Sequence[str]) -> tuple[int, int]:
    """How deep into a path a part's name reaches, and how much of it: (0, 0) if not."""
    wanted = part.split(".")
    length = len(wanted)
    for end in range(len(path), length - 1, -1):
        if list(path[end - length : end]) == wanted:
            return end, length
    return 0, 0


def rate_of(name: str, rates: Mapping[str, float]) -> float:
    """Give a weight's share of the learning rate: the innermost part named decides.

    Args:
        name: The weight, as `named_parameters` calls it.
        rates: Parts and their shares. A part is one name on the way to the weight or
            several joined by dots: a layer, a model inside, or a kind of weight such as
            "bias".

    Returns:
        The share; 1 when no part is on the way.

    Example:
        >>> rates = {"backbone": 0.1, "backbone.late": 0.5, "bias": 2.0}
        >>> rate_of("backbone.early.weight", rates)
        0.1
        >>> rate_of("backbone.late.weight", rates)
        0.5
        >>> rate_of("backbone.late.bias", rates), rate_of("head.weight", rates)
        (2.0, 1.0)
    """
    path = name.split(".")
    reaches = {part: _reach(part, path) for part in rates}
    deepest = max(reaches, key=lambda part: reaches[part])
    return rates[deepest] if reaches[deepest] > (0, 0) else 1.0


def check_parts(
    where: str, argument: str, parts: Iterable[str], names: Iterable[str]
) -> None:
    """Demand that every part named is on the way to some weight.

    Args:
        where: Who speaks in the error.
        argument: The argument that names the parts.
        parts: Names of parts.
        names: Every weight of the model, frozen ones too.

    Raises:
        ConfigError: A part that is not there.

    Example:
        >>> check_parts("Adam", "rates", ["hedd"], ["body.weight", "head.weight"])
        Traceback (most recent call last):
        mica.errors.ConfigError: Adam: expected parts of the model in rates,
        got 'hedd'. Did you mean 'head'?
    """
    paths = [name.split(".") for name in names]
    for part in parts:
        if any(_reach(part, path) > (0, 0) for path in paths):
            continue
        known = {name for path in paths for name in path}
        known |= {".".join(path[:end]) for path in paths for end in range(2, len(path))}
        raise ConfigError(
            f"{where}: expected parts of the model in {argument}, got {part!r}. "
            f"{near_misses(part, known)}"
        )


def layerwise_rates(module: nn.Module, decay: float = 0.8) -> dict[str, float]:
    """Give the last layer the full rate, and each layer before it a share of the next.

    rate(layer) = decay^(number of layers with weights after it)

    For fine-tuning: early layers know general things, late layers learn the new task.

    Args:
        module: A built model; its direct children are its layers, in order.
        decay: What the rate of the next layer is multiplied by. Above 0.

    Returns:
        Names and shares, for `rates=` of an optimizer.

    Raises:
        ConfigError: `decay` is out of its range, or no layer has weights.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
        >>> layerwise_rates(model, 0.5)
        {'0': 0.5, '2': 1.0}

    Source:
        Howard & Ruder 2018 (ULMFiT), section 3.2: discriminative fine-tuning.
    """
    decay = check_number("layerwise_rates", "a decay", decay, above=0)
    layers = [
        name
        for name, part in module.named_children()
        if any(True for _ in part.parameters())
    ]
    if not layers:
        raise ConfigError(
            "layerwise_rates: expected a model whose layers have weights, got none. "
            "Build the model first."
        )
    last = len(layers) - 1
    return {name: decay ** (last - i) for i, name in enumerate(layers)}
