"""Proof: a candidate gives the numbers of float32, or is dropped with a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from mica.data import Batch
from mica.layers.noise import Noise
from mica.training import TrainStep

__all__ = ["Bounds", "Gradients", "bounds_of", "compare", "look"]

# Modules that draw at random in training: two precisions may draw other numbers.
_RANDOM = (
    Noise,
    nn.modules.dropout._DropoutNd,
    nn.RReLU,
    nn.MultiheadAttention,
)


@dataclass(frozen=True)
class Bounds:
    """How far a candidate may be from the eager plan.

    Args:
        loss: |loss - eager loss| / max(|eager loss|, 1e-6), at most.
        cosine: Between the gradients of each weight, at least.

    Example:
        >>> Bounds(loss=1e-2, cosine=0.99).cosine
        0.99
    """

    loss: float
    cosine: float


_BOUNDS = {
    "tf32": Bounds(loss=1e-3, cosine=0.999),
    "bfloat16": Bounds(loss=1e-2, cosine=0.99),
}


@dataclass(frozen=True)
class Gradients:
    """What a plan computes on one batch: the loss, and the gradient of each weight.

    Args:
        loss: The loss.
        by_name: Gradients; weights that the loss does not depend on are left out.

    Example:
        >>> Gradients(0.5, {}).loss
        0.5
    """

    loss: float
    by_name: dict[str, Tensor]


def bounds_of(precision: str) -> Bounds:
    """Say what a precision must keep to.

    float32 is compared with float32 whose additions come in another order. bfloat16
    keeps 8 bits of each number that is multiplied, TF32 keeps 11.

    Args:
        precision: A name as in `ExecutionPlan`.

    Returns:
        The bounds.

    Example:
        >>> bounds_of("bfloat16")
        Bounds(loss=0.01, cosine=0.99)
        >>> bounds_of("tf32")
        Bounds(loss=0.001, cosine=0.999)
    """
    return _BOUNDS.get(precision, Bounds(loss=1e-5, cosine=0.9999))


@contextmanager
def _without_chance(model: nn.Module) -> Iterator[None]:
    quiet = [
        part for part in model.modules() if isinstance(part, _RANDOM) and part.training
    ]
    for part in quiet:
        part.training = False
    try:
        yield
    finally:
        for part in quiet:
            part.training = True


def look(step: TrainStep, batch: Batch) -> Gradients:
    """Compute loss and gradients of a batch, without updating a weight.

    Args:
        step: The step, with its plan.
        batch: The batch.

    Returns:
        Loss and gradients, in float32 at least.

    Example:
        >>> import torch
        >>> from mica.engine import eager_plan
        >>> from mica.training import Objective
        >>> from mica.training.updating import Updater
        >>> model, x = nn.Linear(1, 1), torch.ones(2, 1)
        >>> objective = Objective("mse")
        >>> objective.bind(model, x, x)
        >>> updater = Updater("sgd", list(model.parameters()))
        >>> step = TrainStep(model, objective, updater, eager_plan("cpu"))
        >>> sorted(look(step, Batch(x, x, None, 2)).by_name)
        ['bias', 'weight']
    """
    step.updater.clear()
    with _without_chance(step.model):
        loss = step.losses(batch)[1]["loss"]
        loss.backward()
    found = {
        name: weight.grad.detach().clone()
        for name, weight in step.model.named_parameters()
        if weight.grad is not None
    }
    step.updater.clear()
    return Gradients(float(loss.detach()), found)


def compare(given: Gradients, expected: Gradients, bounds: Bounds) -> str | None:
    """Say how a candidate's numbers are off, if they are.

    A gradient that is small beside the others is judged by the others' size: the
    cosine of rounding noise says nothing.

    Args:
        given: The candidate's numbers.
        expected: The eager plan's.
        bounds: How far they may be apart.

    Returns:
        A sentence, or None when all is well.

    Example:
        >>> import torch
        >>> one = Gradients(1.0, {"weight": torch.ones(2)})
        >>> compare(Gradients(1.5, {}), one, bounds_of("bfloat16"))
        'the loss is 1.5 instead of 1 on the same batch'
    """
    scale = max(abs(expected.loss), 1e-6)
    # Written so that NaN is off, too.
    if not abs(given.loss - expected.loss) <= bounds.loss * scale:
        return (
            f"the loss is {given.loss:.4g} instead of {expected.loss:.4g} on the same "
            "batch"
        )
    if given.by_name.keys() != expected.by_name.keys():
        return "other weights have a gradient"
    total = sum(float(value.norm()) ** 2 for value in expected.by_name.values()) ** 0.5
    numbers = sum(value.numel() for value in expected.by_name.values())
    for name, value in expected.by_name.items():
        mine = given.by_name[name].to(value.dtype)
        difference = float((mine - value).norm())
        length = float(value.norm())
        # What a tensor of this size would have if all gradients were equally long.
        usual = total * (value.numel() / max(numbers, 1)) ** 0.5
        if length < 0.05 * usual and difference <= 0.05 * usual:
            continue
        own = float(mine.norm())
        cosine = float((mine * value).sum()) / max(length * own, 1e-30)
        if not cosine >= bounds.cosine and length > 0:
            return (
                f"the gradient of {name} points elsewhere (cosine {cosine:.4f}, at "
                f"least {bounds.cosine:g} is wanted)"
            )
    return None
