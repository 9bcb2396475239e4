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
from mica.layers.augmentation.policies import RandAugment
from mica.layers.augmentation.smoothing import RandomGaussianBlur, RandomSharpness
from mica.layers.augmentation.tones import (
    AutoContrast,
    Equalization,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomInvert,
    RandomPosterization,
    Solarization,
)

__all__ = [
    "Augmentation",
    "AutoContrast",
    "CenterCrop",
    "CutMix",
    "Equalization",
    "MixUp",
    "Mixing",
    "Pipeline",
    "RandAugment",
    "RandomBrightness",
    "RandomChoice",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
    "augment_batch",
]
