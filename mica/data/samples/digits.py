"""Handwritten digits, 8 by 8 pixels: the smallest honest picture data."""

from typing import Any

import numpy as np

from mica.data.samples.sample import Sample, split_sample

__all__ = ["load"]

BRIGHTEST = 16.0  # each pixel counts the set points of a 4 by 4 block


def load() -> Sample:
    """Load 1,797 handwritten digits of 8 by 8 pixels (inside scikit-learn).

    Pixels are scaled from 0..16 to 0..1.

    Returns:
        1,437 rows to learn from and 360 for the test, ten classes.

    Example:
        >>> load().x_train.shape
        (1437, 8, 8, 1)

    Source:
        Alpaydin & Kaynak 1998, UCI "Optical Recognition of Handwritten Digits",
        test part; https://archive.ics.uci.edu/dataset/80
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    images = np.asarray(bunch.images)[..., np.newaxis] / BRIGHTEST  # (B, H, W, C)
    return split_sample(
        "digits",
        images,
        np.asarray(bunch.target),
        label_names=tuple("0123456789"),
        description=(
            "1,797 handwritten digits, 8 by 8 pixels in 17 shades of grey, scaled to "
            "0..1. Source: UCI, Optical Recognition of Handwritten Digits."
        ),
    )
