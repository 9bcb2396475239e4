"""Callbacks: listeners that stop, save, adjust, record and show training."""

from mica.training.callbacks.backup_and_restore import BackupAndRestore
from mica.training.callbacks.callback import Callback
from mica.training.callbacks.csv_logger import CSVLogger
from mica.training.callbacks.early_stopping import EarlyStopping
from mica.training.callbacks.lambda_callback import LambdaCallback
from mica.training.callbacks.learning_rate_scheduler import LearningRateScheduler
from mica.training.callbacks.model_checkpoint import ModelCheckpoint
from mica.training.callbacks.progress import Progress
from mica.training.callbacks.reduce_on_plateau import ReduceLROnPlateau
from mica.training.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Progress",
    "ReduceLROnPlateau",
    "TensorBoard",
]
