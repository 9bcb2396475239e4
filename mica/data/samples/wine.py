"""Italian wines: three growers, thirteen chemical measures each."""

from typing import Any

import numpy as np

from mica.data.samples.sample import Sample, split_sample

__all__ = ["load"]


def load() -> Sample:
    """Load the chemical analysis of 178 wines (inside scikit-learn).

    Returns:
        142 rows to learn from and 36 for the test, three classes.

    Example:
        >>> load().x_train.shape
        (142, 13)

    Source:
        Forina et al. 1991, UCI "Wine"; https://archive.ics.uci.edu/dataset/109
    """
    from sklearn.datasets import load_wine

    bunch: Any = load_wine()
    return split_sample(
        "wine",
        np.asarray(bunch.data),
        np.asarray(bunch.target),
        label_names=tuple(str(name) for name in bunch.target_names),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        description=(
            "178 wines of three growers: thirteen chemical measures, each in its own "
            "unit. Source: UCI, Wine."
        ),
    )
