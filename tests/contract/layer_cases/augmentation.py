"""Rows of the layers in `mica/layers/augmentation`."""

from collections.abc import Callable
from typing import Any

import torch

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

IMAGES = (None, 7, 3)
SAMPLES = "mica.trace has no rule for grid_sample"
STEPS = "its tones are steps"
PAIR = "mica.trace compares one output with its target"


def case(
    make: Callable[[], Any], sample: Any = IMAGES, *, differs: bool = True, **extra: Any
) -> LayerCase:
    """A row whose images hold values from 0 to 1; they have one axis of a batch."""
    extra = {"takes_any_leading_axes": False, **extra}
    return LayerCase(
        make, sample, differs_in_training=differs, draw=torch.rand, **extra
    )


CASES: dict[str, LayerCase] = {
    "AutoContrast": case(
        lambda: layers.AutoContrast(value_range=(0, 1)), differs=False
    ),
    "Equalization": case(
        lambda: layers.Equalization(value_range=(0, 1), bins=16),
        no_gradient_because=STEPS,
    ),
    "RandAugment": case(
        lambda: layers.RandAugment(value_range=(0, 1)),
        no_walk_because=SAMPLES,
        no_gradient_because=STEPS,
    ),
    "RandomColorDegeneration": case(
        lambda: layers.RandomColorDegeneration(0.7, value_range=(0, 1))
    ),
    "RandomColorJitter": case(
        lambda: layers.RandomColorJitter(
            value_range=(0, 1),
            brightness_factor=0.2,
            contrast_factor=0.2,
            saturation_factor=0.7,
            hue_factor=0.2,
        )
    ),
    "RandomGaussianBlur": case(
        lambda: layers.RandomGaussianBlur((1, 1), value_range=(0, 1))
    ),
    "RandomInvert": case(lambda: layers.RandomInvert((1, 1), value_range=(0, 1))),
    "RandomPosterization": case(
        lambda: layers.RandomPosterization(3, value_range=(0, 1)),
        no_gradient_because=STEPS,
    ),
    "RandomSharpness": case(lambda: layers.RandomSharpness(0.4, value_range=(0, 1))),
    "Solarization": case(
        lambda: layers.Solarization(0.2, (0.3, 0.9), value_range=(0, 1))
    ),
    "CenterCrop": case(lambda: layers.CenterCrop(4, 5), differs=False),
    "CenterCrop of small images": case(lambda: layers.CenterCrop(8, 12), differs=False),
    "CutMix": case(
        lambda: layers.CutMix(),
        [IMAGES, (4,)],
        no_walk_because=PAIR,
        takes_more_places=True,
    ),
    "MixUp": case(
        lambda: layers.MixUp(1.0),
        [(6, 7, 3), (4,)],
        no_walk_because=PAIR,
        takes_more_places=True,
    ),
    "MixUp of tables": case(
        lambda: layers.MixUp(1.0),
        [(5,), (1,)],
        no_walk_because=PAIR,
        takes_more_places=True,
    ),
    "Pipeline": case(
        lambda: layers.Pipeline([layers.RandomFlip(), layers.RandomRotation(0.1)]),
        no_walk_because=SAMPLES,
    ),
    "Pipeline with labels": case(
        lambda: layers.Pipeline([layers.RandomZoom(0.3), layers.MixUp(1.0)]),
        [IMAGES, (4,)],
        no_walk_because=PAIR,
    ),
    "RandomBrightness": case(lambda: layers.RandomBrightness(0.3, value_range=(0, 1))),
    "RandomChoice": case(
        lambda: layers.RandomChoice(
            [layers.RandomRotation(0.4), layers.RandomTranslation(0.4, 0.4)]
        ),
        no_walk_because=SAMPLES,
        takes_more_places=True,
    ),
    "RandomChoice with labels": case(
        lambda: layers.RandomChoice([layers.MixUp(1.0), layers.CutMix()]),
        [IMAGES, (4,)],
        no_walk_because=PAIR,
        takes_more_places=True,
    ),
    "RandomContrast": case(lambda: layers.RandomContrast(0.3, value_range=(0, 1))),
    "RandomCrop": case(lambda: layers.RandomCrop(4, 5)),
    "RandomCrop of small images": case(lambda: layers.RandomCrop(8, 12), differs=False),
    "RandomErasing": case(lambda: layers.RandomErasing((1, 1), value_range=(0, 1))),
    "RandomErasing in one colour": case(
        lambda: layers.RandomErasing((1, 1), scale=(0.2, 0.5), fill_value=[0, 0.5, 1])
    ),
    "RandomFlip": case(lambda: layers.RandomFlip()),
    "RandomFlip across": case(lambda: layers.RandomFlip("horizontal")),
    "RandomGrayscale": case(lambda: layers.RandomGrayscale(0.5)),
    "RandomHue": case(lambda: layers.RandomHue(0.7, value_range=(0, 1))),
    "RandomRotation": case(lambda: layers.RandomRotation(0.2), no_walk_because=SAMPLES),
    "RandomRotation that wraps": case(
        lambda: layers.RandomRotation(0.2, fill_mode="wrap", interpolation="nearest"),
        no_walk_because=SAMPLES,
    ),
    "RandomSaturation": case(lambda: layers.RandomSaturation(0.9, value_range=(0, 1))),
    "RandomShear": case(lambda: layers.RandomShear(0.5, 0.5), no_walk_because=SAMPLES),
    "RandomTranslation": case(
        lambda: layers.RandomTranslation(
            0.3, (0.1, 0.2), fill_mode="constant", fill_value=0.5
        ),
        no_walk_because=SAMPLES,
    ),
    "RandomZoom": case(
        lambda: layers.RandomZoom(0.5, fill_mode="nearest"), no_walk_because=SAMPLES
    ),
    "RandomZoom of one axis": case(
        lambda: layers.RandomZoom(0.0, (0.2, 0.5)), no_walk_because=SAMPLES
    ),
}
