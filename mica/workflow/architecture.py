"""Architecture: the network and the settings a task starts with."""

from dataclasses import dataclass
from typing import Any

from mica import layers
from mica.layers import Input
from mica.model import Sequential
from mica.optimizers import Adam
from mica.workflow.source import Task

__all__ = ["Proposal", "propose"]

SMALL_SIDE = 16  # pixels: below it two poolings leave nothing to look at


@dataclass(frozen=True)
class Proposal:
    """A compiled network and how long to train it.

    Args:
        model: The network.
        epochs: The most epochs.
        batch_size: Rows in a batch.
        patience: Epochs without a better validation before it stops.
        monitor: What early stopping watches.
    """

    model: Sequential
    epochs: int
    batch_size: int
    patience: int
    monitor: str


def _small_pictures() -> list[Any]:
    return [
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
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


def _last(task: Task) -> tuple[Any, str, list[str]]:
    """The last layer, the loss and the metrics that belong to a task."""
    if task.kind == "regression":
        return layers.Dense(1), "mean_squared_error", []
    last = layers.Dense(len(task.label_names), activation="softmax")
    return last, "sparse_categorical_crossentropy", ["accuracy"]


def propose(task: Task) -> Proposal:
    """Choose a network by the form of the data: a convnet or a dense one.

    Args:
        task: The opened task.

    Returns:
        A compiled network and its settings.

    Example:
        >>> from mica.workflow.source import open_task
        >>> propose(open_task("iris")).model.count_parameters()
        4675
    """
    shape = task.x_train.shape[1:]
    epochs, batch_size, patience = 200, 32, 25
    if not task.is_pictures:
        middle = _columns()
    elif min(shape[:2]) < SMALL_SIDE:
        middle, epochs, patience = _small_pictures(), 40, 10
    else:
        middle, epochs, batch_size, patience = _large_pictures(), 12, 64, 3
    last, loss, metrics = _last(task)
    model = Sequential(Input(shape), *middle, last)
    model.compile(Adam(0.001), loss, metrics=metrics)
    return Proposal(model, epochs, batch_size, patience, "val_loss")
