"""The judge: outputs, gradients and moved statistics of both layers side by side."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mica.layers import Layer
from mica.nested import flatten
from tests.oracle.keras_draws.drawing import Drawn
from tests.tolerances import assert_close

__all__ = ["compare", "largest_difference"]


def compare(drawn: Drawn) -> float:
    """Demand the same numbers.

    Returns:
        The largest difference, relative to 1 or to the expected value if larger.
    """
    ours, theirs = drawn.ours.train(drawn.training), drawn.theirs
    ours.ensure_built(drawn.x)
    ours.double()  # also what was built for whole numbers
    _set_random_weights(ours)
    if drawn.prepare is not None:
        drawn.prepare(ours)
    if not theirs.built:
        shapes = [tuple(x.shape) for x in flatten(drawn.x)]
        theirs.build(shapes if isinstance(drawn.x, list) else shapes[0])
    state = ours.state_dict()
    for variable, value in zip(theirs.weights, drawn.to_keras(state), strict=True):
        variable.assign(value.clone())

    x, their_x = (_as_leaves(drawn.x) for _ in range(2))
    y = _tensors(ours(x, **drawn.ours_call))
    their_y = _tensors(theirs(their_x, training=drawn.training, **drawn.theirs_call))
    worst = largest_difference(y, their_y)

    parameters = dict(ours.named_parameters())
    variables = [one for one in theirs.weights if one.trainable]
    x_gradients, slopes = _gradients(_tensors(x), y, list(parameters.values()))
    their_x_gradients, their_slopes = _gradients(
        _tensors(their_x), their_y, [variable.value for variable in variables]
    )
    worst = max(worst, largest_difference(x_gradients, their_x_gradients))
    by_name = dict(zip(parameters, slopes, strict=True))
    mine = _of_trainable_variables(drawn, by_name, state, theirs)
    worst = max(worst, largest_difference(mine, their_slopes))
    # Running statistics have moved alike.
    moved = [variable.value for variable in theirs.weights]
    return max(worst, largest_difference(drawn.to_keras(ours.state_dict()), moved))


def _set_random_weights(layer: Layer) -> None:
    with torch.no_grad():
        for name, value in layer.state_dict().items():
            if not value.is_floating_point():
                continue
            value.uniform_(0.5, 1.5).mul_(torch.randn_like(value).sign())
            if name.endswith("running_var"):
                value.abs_()


def _as_leaves(x: Any) -> Any:
    def leaf(value: Tensor) -> Tensor:
        value = value.clone()
        return value.requires_grad_() if value.is_floating_point() else value

    return [leaf(value) for value in x] if isinstance(x, list) else leaf(x)


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in flatten(value) if isinstance(leaf, Tensor)]


def _gradients(
    x: list[Tensor], y: list[Tensor], weights: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Of a sum weighted by fixed numbers, so that no gradient is trivially zero."""
    total = torch.zeros((), dtype=torch.float64)
    for output in y:
        if output.requires_grad:
            weighting = torch.linspace(-1, 2, output.numel(), dtype=output.dtype)
            total = total + (output * weighting.reshape(output.shape)).sum()
    inputs = [value for value in x if value.requires_grad]
    if not total.requires_grad or not (inputs or weights):
        return [], [torch.zeros_like(weight) for weight in weights]
    found = torch.autograd.grad(
        total, [*inputs, *weights], allow_unused=True, materialize_grads=True
    )
    return list(found[: len(inputs)]), list(found[len(inputs) :])


def _of_trainable_variables(
    drawn: Drawn,
    gradients: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    theirs: Any,
) -> list[Tensor]:
    """Our gradients in the order of Keras's trainable variables."""
    full = {
        name: gradients.get(name, torch.zeros_like(value))
        for name, value in state.items()
    }
    pairs = zip(theirs.weights, drawn.to_keras(full), strict=True)
    return [gradient for variable, gradient in pairs if variable.trainable]


def largest_difference(
    ours: list[Tensor], theirs: list[Tensor], kind: str = "oracle"
) -> float:
    """Demand the same numbers.

    Returns:
        The largest difference, relative to 1 or to the expected value if larger.
    """
    worst = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other, kind)
        scale = other.detach().abs().clamp(min=1)
        if mine.numel():
            worst = max(worst, ((mine - other).detach().abs() / scale).max().item())
    return worst
