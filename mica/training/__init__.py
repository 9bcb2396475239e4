"""Training: the loop and all it needs; works on any torch module."""

from mica.training.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    Progress,
    ReduceLROnPlateau,
    TensorBoard,
)
from mica.training.checkpoint import atomic_file, load_weights, save_weights
from mica.training.history import History
from mica.training.inputs import Inputs, ValidationRows, open_inputs
from mica.training.objective import Objective
from mica.training.run import run
from mica.training.session import PlanChoice, RunOptions, Session, Verbosity
from mica.training.state import TrainState
from mica.training.step import TrainStep

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "Inputs",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Objective",
    "PlanChoice",
    "Progress",
    "ReduceLROnPlateau",
    "RunOptions",
    "Session",
    "TensorBoard",
    "TrainState",
    "TrainStep",
    "ValidationRows",
    "Verbosity",
    "atomic_file",
    "load_weights",
    "open_inputs",
    "run",
    "save_weights",
]
