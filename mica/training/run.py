"""run: training for any torch module, without a Model around it."""

from dataclasses import replace
from typing import Any

from torch import nn

from mica.engine import draw_seed
from mica.training.calling import number_scope
from mica.training.history import History
from mica.training.inputs import open_inputs
from mica.training.objective import Objective
from mica.training.options import RunOptions
from mica.training.planning import PlanChoice
from mica.training.session import Session

__all__ = ["run"]


def run(
    module: nn.Module,
    x: Any,
    y: Any = None,
    *,
    loss: Any,
    optimizer: Any = "rmsprop",
    metrics: Any = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    sample_weight: Any = None,
    plan: PlanChoice = "auto",
    options: RunOptions | None = None,
    **choices: Any,
) -> History:
    """Train any torch module: what `Model.fit` does, in one call.

    Args:
        module: What to train; it ends in evaluation mode.
        x: Inputs, or an object that gives batches.
        y: Targets, when x does not give them.
        loss: A name, Loss, torch loss or function.
        optimizer: A name, an optimizer of Mica or torch, or a function from parameters
            to one.
        metrics: Names, Metrics or functions.
        validation_data: (x, y) or an object that gives batches.
        validation_split: Share of the rows to judge by.
        sample_weight: One weight per row.
        plan: How a step is executed.
        options: How long, and who listens.
        **choices: epochs, batch_size, shuffle, callbacks, verbose, seed, ...: fields of
            the options, which they replace.

    Returns:
        The logs of each epoch.

    Raises:
        ConfigError: Options that cannot work.
        DataError: Data that cannot be learned from.
        DivergenceError: The loss became NaN or infinite.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 64).reshape(-1, 1)
        >>> history = run(nn.Linear(1, 1), x, 3 * x, loss="mse", epochs=2, verbose=0)
        >>> history.epoch
        [0, 1]
    """
    chosen = replace(options or RunOptions(), **choices)
    seed = draw_seed() if chosen.seed is None else chosen.seed
    chosen = replace(chosen, seed=seed)
    session = Session(module, Objective(loss, metrics), optimizer)
    with number_scope(module):
        inputs = open_inputs(
            x,
            y,
            sample_weight,
            validation_data=validation_data,
            validation_split=validation_split,
            batch_size=chosen.batch_size,
            keep_integers=any(
                isinstance(part, nn.Embedding) for part in module.modules()
            ),
            seed=seed,
        )
        return session.fit(inputs, chosen, plan)
