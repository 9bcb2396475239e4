"""Neural networks from before depth, as scikit-learn estimators."""

from mica.classic.autoencoder import LinearAutoencoder
from mica.classic.boltzmann import BoltzmannMachine, BoltzmannStack
from mica.classic.estimator import Classifier, Regressor
from mica.classic.hopfield import HopfieldNetwork
from mica.classic.linear import is_separable
from mica.classic.perceptron import (
    HingeClassifier,
    MarginPerceptron,
    Perceptron,
    PerceptronCriterion,
    PocketPerceptron,
)
from mica.classic.radial import RadialClassifier, RadialRegressor
from mica.classic.regression import (
    LeastSquares,
    LogisticRegression,
    MultinomialRegression,
    WidrowHoff,
)
from mica.classic.sumproduct import SumProductNetwork
from mica.classic.winnow import Winnow
from mica.classic.words import WordVectors

__all__ = [
    "BoltzmannMachine",
    "BoltzmannStack",
    "Classifier",
    "HingeClassifier",
    "HopfieldNetwork",
    "LeastSquares",
    "LinearAutoencoder",
    "LogisticRegression",
    "MarginPerceptron",
    "MultinomialRegression",
    "Perceptron",
    "PerceptronCriterion",
    "PocketPerceptron",
    "RadialClassifier",
    "RadialRegressor",
    "Regressor",
    "SumProductNetwork",
    "WidrowHoff",
    "Winnow",
    "WordVectors",
    "is_separable",
]
