"""Architecture: the network and the settings a task starts with."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from mica import layers
from mica.engine import ExecutionPlan, eager_plan
from mica.layers import Input
from mica.model import Model, Sequential
from mica.optimizers import AdamW
from mica.optimizers.schedules import cosine_decay
from mica.workflow.source import Task

__all__ = ["Proposal", "propose"]

# All chosen by cross-validation on training parts, never by a test part.
SMALL_SIDE = 16  # pixels: below it a second pooling leaves nothing to look at
LAST_RATE = 0.02  # of the first one: small, yet a saved model can go on learning
TABLE_STEPS = 1500  # updates after which small tables were learned
MOST_EPOCHS, FEWEST_EPOCHS = 150, 10  # of a table
TABLE_BATCHES = 1000  # in an epoch of a large table, before batches grow
LARGEST_BATCH = 512  # rows


@dataclass(frozen=True)
class _Settings:
    """How a network is trained: the rate falls along half a cosine wave.

    Args:
        epochs: Passes over the data.
        batch_size: Rows in a batch.
        learning_rate: The first rate.
        patience: Epochs without a better validation before it stops; None never stops.
        weight_decay: As in `AdamW`.
        threads: Processor threads; None for all.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int | None = None
    weight_decay: float = 0.0
    threads: int | None = None


@dataclass(frozen=True)
class Proposal:
    """A compiled network and how to train it.

    Args:
        model: The network, with its preprocessing.
        epochs: Passes over the data.
        batch_size: Rows in a batch.
        patience: Epochs without a better validation before it stops.
        validation_fraction: Share of the training part that judges each epoch; the
            weights of the best one are kept.
        plan: How a step is executed.
        reason: Why this network, in a sentence.
    """

    model: Model
    epochs: int
    batch_size: int
    patience: int
    validation_fraction: float
    plan: ExecutionPlan
    reason: str = ""


def _convolution(filters: int) -> list[Any]:
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
    ]


def _small_pictures() -> list[Any]:
    return [
        *_convolution(32),
        *_convolution(32),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        *_convolution(64),
        *_convolution(64),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.25),
    ]


def _large_pictures() -> list[Any]:
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(64, activation="relu"),
    ]


def _columns() -> list[Any]:
    return [
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(64, activation="relu"),
    ]


def _table_settings(rows: int) -> _Settings:
    """Small tables are seen often, large ones in large batches."""
    wanted = 2 ** math.ceil(math.log2(max(rows / TABLE_BATCHES, 1)))
    batch_size = min(max(wanted, 32), LARGEST_BATCH)
    epochs = math.ceil(TABLE_STEPS / math.ceil(rows / batch_size))
    epochs = min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)
    return _Settings(
        epochs, batch_size, 0.003, patience=30, weight_decay=0.3, threads=1
    )


def _last(task: Task) -> tuple[Any, str, list[str]]:
    """The last layer, the loss and the metrics that belong to a task."""
    if task.kind == "regression":
        return layers.Dense(1), "mean_squared_error", []
    last = layers.Dense(len(task.label_names), activation="softmax")
    return last, "sparse_categorical_crossentropy", ["accuracy"]


def propose(task: Task, epochs: int | None = None) -> Proposal:
    """Choose a network by the form of the data: a convnet or a dense one.

    Args:
        task: The opened task.
        epochs: Passes over the data; None decides by the data.

    Returns:
        A compiled network and its settings.

    Example:
        >>> from mica.workflow.source import open_task
        >>> proposal = propose(open_task("iris"))
        >>> proposal.model.count_parameters(), proposal.epochs
        (4675, 150)
    """
    shape = task.x_train.shape[1:]
    fraction = 0.1 if task.is_pictures else 0.15
    rows = max(int(len(task.x_train) * (1 - fraction)), 1)
    if not task.is_pictures:
        middle, settings = _columns(), _table_settings(rows)
    elif min(shape[:2]) < SMALL_SIDE:
        middle, settings = _small_pictures(), _Settings(20, 32, 0.005, threads=1)
    else:
        middle, settings = _large_pictures(), _Settings(8, 64, 0.002)
    epochs = epochs or settings.epochs
    steps = math.ceil(rows / settings.batch_size) * epochs
    rate = cosine_decay(settings.learning_rate, steps, alpha=LAST_RATE)
    last, loss, metrics = _last(task)
    model = Sequential(Input(shape), *middle, last, name="network")
    model.compile(
        AdamW(rate, weight_decay=settings.weight_decay), loss, metrics=metrics
    )
    model.preprocessing = task.encoder
    model.label_names = list(task.label_names) or None
    plan = eager_plan()
    if settings.threads is not None:
        # NOTE: in steps this small, threads wait for each other more than they
        # compute, and wait long where other programs use the processor.
        plan = dataclasses.replace(plan, threads=settings.threads)
    return Proposal(
        model,
        epochs,
        settings.batch_size,
        settings.patience or epochs,
        fraction,
        plan,
    )
