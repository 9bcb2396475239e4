"""Copying: a run that may be tried at will, while the user's own stays as it is."""

import copy

from mica.training import Session

__all__ = ["copy_session"]


def copy_session(session: Session, *, updater: bool = True) -> Session:
    """Copy a run: its module, losses, metrics and optimizer, with what they remember.

    They are copied together, so that the copied optimizer moves the copied weights.

    Args:
        session: The run.
        updater: Whether its optimizer comes along; without it the copy makes a new one
            when it first learns.

    Returns:
        The run on copies.

    Example:
        >>> from torch import nn
        >>> from mica.training import Objective
        >>> session = Session(nn.Linear(1, 1), Objective("mse"), "sgd")
        >>> trial = copy_session(session)
        >>> trial.model is session.model, trial.optimizer
        (False, 'sgd')
    """
    copied = copy.deepcopy(
        (session.model, session.objective, session.updater if updater else None)
    )
    trial = Session(
        copied[0], copied[1], session.optimizer, train_step=session.train_step
    )
    trial.updater = copied[2]
    return trial
