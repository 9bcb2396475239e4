"""Optimizers: what to do with gradients, with Keras's arguments, on torch's updates."""

from mica.optimizers import schedules
from mica.optimizers.adadelta import Adadelta
from mica.optimizers.adafactor import Adafactor
from mica.optimizers.adagrad import Adagrad
from mica.optimizers.adam import Adam, AdamW
from mica.optimizers.adamax import Adamax
from mica.optimizers.averaging import EMA, SWA, Averaging, WeightAverage
from mica.optimizers.built import (
    describe_optimizer,
    get_learning_rate,
    set_learning_rate,
)
from mica.optimizers.conjugate_gradient import ConjugateGradient
from mica.optimizers.ftrl import Ftrl
from mica.optimizers.lamb import Lamb
from mica.optimizers.lbfgs import LBFGS
from mica.optimizers.lion import Lion
from mica.optimizers.lookup import TorchOptimizer, get_optimizer
from mica.optimizers.muon import Muon
from mica.optimizers.nadam import Nadam
from mica.optimizers.optimizer import Optimizer
from mica.optimizers.rates import layerwise_rates
from mica.optimizers.rmsprop import RMSprop
from mica.optimizers.schedule_free import ScheduleFreeAdamW
from mica.optimizers.sgd import SGD

__all__ = [
    "EMA",
    "LBFGS",
    "SGD",
    "SWA",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Averaging",
    "ConjugateGradient",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "TorchOptimizer",
    "WeightAverage",
    "describe_optimizer",
    "get_learning_rate",
    "get_optimizer",
    "layerwise_rates",
    "schedules",
    "set_learning_rate",
]
