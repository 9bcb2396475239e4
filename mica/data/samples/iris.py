"""Iris flowers: three kinds, four measures each."""

from typing import Any

import numpy as np

from mica.data.samples.sample import Sample, split_sample

__all__ = ["load"]


def load() -> Sample:
    """Load 150 iris flowers (inside scikit-learn), measured in centimetres.

    Returns:
        120 rows to learn from and 30 for the test, three classes.

    Example:
        >>> load().x_train.shape
        (120, 4)

    Source:
        Fisher 1936, "The use of multiple measurements in taxonomic problems".
    """
    from sklearn.datasets import load_iris

    bunch: Any = load_iris()
    return split_sample(
        "iris",
        np.asarray(bunch.data),
        np.asarray(bunch.target),
        label_names=tuple(str(name) for name in bunch.target_names),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        description=(
            "150 iris flowers of three kinds: length and width of sepals and petals in "
            "centimetres. Source: Fisher 1936."
        ),
    )
