"""Diabetes patients: how far the disease will have gone in a year."""

from typing import Any

import numpy as np

from mica.data.samples.sample import Sample, split_sample

__all__ = ["load"]


def load() -> Sample:
    """Load 442 diabetes patients (inside scikit-learn), as they were measured.

    Returns:
        353 rows to learn from and 89 for the test; the target is a number, 25 to 346.

    Example:
        >>> load().x_train.shape
        (353, 10)

    Source:
        Efron, Hastie, Johnstone & Tibshirani 2004, "Least angle regression".
    """
    from sklearn.datasets import load_diabetes

    bunch: Any = load_diabetes(scaled=False)
    return split_sample(
        "diabetes",
        np.asarray(bunch.data),
        np.asarray(bunch.target),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        description=(
            "442 diabetes patients: age, sex, body mass index, blood pressure and six "
            "blood values; the target is the state of the disease a year later, 25 to "
            "346. Source: Efron et al. 2004."
        ),
    )
