"""Augmentation: images changed by chance in training, batched and on the device."""

from mica.layers.augmentation.augmentation import Augmentation
from mica.layers.augmentation.choosing import Pipeline, RandomChoice, augment_batch
from mica.layers.augmentation.colour import (
    RandomBrightness,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from mica.layers.augmentation.cropping import CenterCrop, RandomCrop
from mica.layers.augmentation.erasing import RandomErasing
from mica.layers.augmentation.flipping import RandomFlip
from mica.layers.augmentation.mixing import CutMix, Mixing, MixUp
from mica.layers.augmentation.moving import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)

__all__ = [
    "Augmentation",
    "CenterCrop",
    "CutMix",
    "MixUp",
    "Mixing",
    "Pipeline",
    "RandomBrightness",
    "RandomChoice",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGrayscale",
    "RandomHue",
    "RandomRotation",
    "RandomSaturation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "augment_batch",
]
