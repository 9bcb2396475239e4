"""A data set that comes with Mica: training part, test part, and what they are."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mica.data.split import class_codes, split_rows

__all__ = ["Sample", "split_sample"]

TEST_FRACTION = 0.2
SPLIT_SEED = 0  # the split is part of the data set: it never changes


@dataclass(frozen=True)
class Sample:
    """A data set, split once and for all.

    Args:
        name: Its name, as `load` takes it.
        task: "classification" or "regression".
        x_train: Inputs to learn from.
        y_train: Their targets: class numbers, or numbers in their own unit.
        x_test: Inputs for the final judgement.
        y_test: Their targets.
        label_names: The classes in the order of their numbers; empty for regression.
        feature_names: What each column of x is; empty for pictures.
        description: What it is, in a sentence or two, with its source.

    Shape:
        x_train: (rows, features) or (rows, height, width, channels), float32
        y_train: (rows,), int64 or float32

    Example:
        >>> from mica.data import samples
        >>> sample = samples.load("iris")
        >>> sample.task, sample.x_train.shape, sample.label_names[0]
        ('classification', (120, 4), 'setosa')
    """

    name: str
    task: Literal["classification", "regression"]
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    label_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    description: str

    def __repr__(self) -> str:
        """Show what it is and how large, not every number of it."""
        return (
            f"Sample({self.name!r}, {self.task}, x_train {self.x_train.shape}, "
            f"x_test {self.x_test.shape})"
        )

    def standardized(self) -> "Sample":
        """The same sample with columns of mean 0 and deviation 1 in the training part.

        z = (x - mean) / deviation, both from the training part; a constant column
        keeps the deviation 1

        Returns:
            A sample whose inputs are ready for a network.

        Example:
            >>> from mica.data import samples
            >>> sample = samples.load("wine").standardized()
            >>> abs(float(sample.x_train.mean())) < 1e-6
            True
        """
        mean = self.x_train.mean(axis=0, dtype=np.float64)
        deviation = self.x_train.std(axis=0, dtype=np.float64)
        deviation = np.where(deviation > 0, deviation, 1.0)
        return dataclasses.replace(
            self,
            x_train=((self.x_train - mean) / deviation).astype(np.float32),
            x_test=((self.x_test - mean) / deviation).astype(np.float32),
        )


def split_sample(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    label_names: tuple[str, ...] = (),
    feature_names: tuple[str, ...] = (),
    description: str,
) -> Sample:
    """Set every fifth row aside for the test, each class in its share.

    Args:
        name: The sample's name.
        x: Inputs.
        y: Targets.
        label_names: The classes; empty makes it a regression.
        feature_names: What each column is.
        description: What it is.

    Returns:
        The sample.
    """
    codes = class_codes(y) if label_names else None
    train, test = split_rows(len(x), [TEST_FRACTION], codes=codes, seed=SPLIT_SEED)
    x = x.astype(np.float32)
    y = y.astype(np.int64 if label_names else np.float32)
    return Sample(
        name=name,
        task="classification" if label_names else "regression",
        x_train=x[train],
        y_train=y[train],
        x_test=x[test],
        y_test=y[test],
        label_names=label_names,
        feature_names=feature_names,
        description=description,
    )
