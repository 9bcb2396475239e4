"""Breast tumours, benign or malignant, by thirty measures of cell nuclei."""

from typing import Any

import numpy as np

from mica.data.samples.sample import Sample, split_sample

__all__ = ["load"]


def load() -> Sample:
    """Load 569 breast tumours (inside scikit-learn).

    Returns:
        455 rows to learn from and 114 for the test, two classes.

    Example:
        >>> load().x_train.shape
        (455, 30)

    Source:
        Street, Wolberg & Mangasarian 1993, UCI "Breast Cancer Wisconsin (Diagnostic)";
        https://archive.ics.uci.edu/dataset/17
    """
    from sklearn.datasets import load_breast_cancer

    bunch: Any = load_breast_cancer()
    return split_sample(
        "breast_cancer",
        np.asarray(bunch.data),
        np.asarray(bunch.target),
        label_names=tuple(str(name) for name in bunch.target_names),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        description=(
            "569 breast tumours, malignant or benign: thirty measures of cell nuclei "
            "in a picture. Source: UCI, Breast Cancer Wisconsin (Diagnostic)."
        ),
    )
