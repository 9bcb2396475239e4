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
from mica.training.calling import training_mode
from mica.training.capturing import CapturedStep, make_step
from mica.training.checkpoint import atomic_file, load_weights, save_weights
from mica.training.history import History
from mica.training.inputs import Inputs, ValidationRows, open_inputs
from mica.training.objective import Objective
from mica.training.options import RunOptions, Verbosity
from mica.training.planning import (
    PlanChoice,
    Planner,
    install_planner,
    install_prediction_planner,
)
from mica.training.run import run
from mica.training.session import Session
from mica.training.shortage import Need, install_memory_adviser
from mica.training.state import TrainState
from mica.training.step import TrainStep

__all__ = [
    "CSVLogger",
    "Callback",
    "CapturedStep",
    "EarlyStopping",
    "History",
    "Inputs",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Need",
    "Objective",
    "PlanChoice",
    "Planner",
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
    "install_memory_adviser",
    "install_planner",
    "install_prediction_planner",
    "load_weights",
    "make_step",
    "open_inputs",
    "run",
    "save_weights",
    "training_mode",
]
