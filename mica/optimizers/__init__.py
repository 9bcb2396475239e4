"""Optimizers: what to do with gradients, with Keras's arguments, on torch's updates."""

from mica.optimizers import schedules
from mica.optimizers.adadelta import Adadelta
from mica.optimizers.adagrad import Adagrad
from mica.optimizers.adam import Adam, AdamW
from mica.optimizers.built import (
    describe_optimizer,
    get_learning_rate,
    set_learning_rate,
)
from mica.optimizers.lookup import TorchOptimizer, get_optimizer
from mica.optimizers.nadam import Nadam
from mica.optimizers.optimizer import Optimizer
from mica.optimizers.rmsprop import RMSprop
from mica.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "TorchOptimizer",
    "describe_optimizer",
    "get_learning_rate",
    "get_optimizer",
    "schedules",
    "set_learning_rate",
]
