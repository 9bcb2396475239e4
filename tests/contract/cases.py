"""One row for each layer: how to make it, what it takes, what it promises.

A new layer needs a row here, and nothing else: `test_every_layer.py` sweeps the table.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mica import layers
from mica.layers import Layer

__all__ = ["LAYERS", "Constant", "LayerCase", "Uniform"]


@dataclass(frozen=True)
class Uniform:
    """First values spread evenly between -limit and limit."""

    limit: float


@dataclass(frozen=True)
class Constant:
    """First values all the same."""

    value: float


@dataclass(frozen=True)
class LayerCase:
    """What the contract needs to know of a layer.

    `make` takes nothing and gives a new layer; `sample` is the shape of one sample,
    None where it may vary. `first_values` gives each weight's documented distribution;
    a row with enough weights for statistics is best.
    """

    make: Callable[[], Layer]
    sample: tuple[int | None, ...]
    first_values: Mapping[str, Uniform | Constant] = field(default_factory=dict)
    differs_in_training: bool = False
    takes_any_leading_axes: bool = False
    draw: Callable[..., Tensor] = torch.randn

    def batch(
        self, size: int = 3, *, varying: int = 6, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """An input of `size` samples, in which None became `varying`."""
        shape = [varying if axis is None else axis for axis in self.sample]
        return self.draw(size, *shape, dtype=dtype)


LAYERS: dict[str, LayerCase] = {
    "Activation": LayerCase(
        lambda: layers.Activation("gelu"), (None, 4), takes_any_leading_axes=True
    ),
    "Activation softmax": LayerCase(
        lambda: layers.Activation("softmax"), (5,), takes_any_leading_axes=True
    ),
    "AveragePooling2D": LayerCase(lambda: layers.AveragePooling2D(), (None, None, 3)),
    "AveragePooling2D same": LayerCase(
        lambda: layers.AveragePooling2D((3, 2), (2, 1), padding="same"), (None, 7, 3)
    ),
    "BatchNormalization": LayerCase(
        lambda: layers.BatchNormalization(),
        (None, None, 4),
        {
            "weight": Constant(1.0),
            "bias": Constant(0.0),
            "running_mean": Constant(0.0),
            "running_var": Constant(1.0),
        },
        differs_in_training=True,
    ),
    "BatchNormalization of rows": LayerCase(
        lambda: layers.BatchNormalization(scale=False), (4,), differs_in_training=True
    ),
    "BatchNormalization of sequences": LayerCase(
        lambda: layers.BatchNormalization(center=False),
        (None, 4),
        differs_in_training=True,
    ),
    "BatchNormalization of channels first": LayerCase(
        lambda: layers.BatchNormalization(axis=1),
        (4, None, 3),
        differs_in_training=True,
    ),
    "Conv2D": LayerCase(
        lambda: layers.Conv2D(64, 3),
        (None, None, 32),
        {"weight": Uniform(math.sqrt(6 / (9 * 32 + 9 * 64))), "bias": Constant(0.0)},
    ),
    "Conv2D of one channel": LayerCase(
        lambda: layers.Conv2D(8, (3, 2), activation="relu"), (None, 7, 1)
    ),
    "Conv2D same": LayerCase(
        lambda: layers.Conv2D(4, 3, padding="same", activation="tanh"), (None, 7, 3)
    ),
    "Conv2D same with strides": LayerCase(
        lambda: layers.Conv2D(4, (3, 2), 2, padding="same", use_bias=False),
        (None, 7, 3),
    ),
    "Conv2D with groups and dilation": LayerCase(
        lambda: layers.Conv2D(6, 2, (2, 1), dilation_rate=(1, 3), groups=2),
        (None, 8, 4),
    ),
    "Dense": LayerCase(
        lambda: layers.Dense(300),
        (200,),
        {"weight": Uniform(math.sqrt(6 / 500)), "bias": Constant(0.0)},
        takes_any_leading_axes=True,
    ),
    "Dense with an activation": LayerCase(
        lambda: layers.Dense(3, activation="silu", use_bias=False), (None, 5)
    ),
    "Dropout": LayerCase(
        lambda: layers.Dropout(0.5), (None, 40), differs_in_training=True
    ),
    "Dropout of nothing": LayerCase(lambda: layers.Dropout(0), (None, 4)),
    "ELU": LayerCase(lambda: layers.ELU(0.5), (None, 4), takes_any_leading_axes=True),
    "Flatten": LayerCase(lambda: layers.Flatten(), (None, 4, 2)),
    "Flatten of scalars": LayerCase(lambda: layers.Flatten(), ()),
    "GlobalAveragePooling2D": LayerCase(
        lambda: layers.GlobalAveragePooling2D(), (None, None, 3)
    ),
    "GlobalMaxPooling2D": LayerCase(
        lambda: layers.GlobalMaxPooling2D(keepdims=True), (None, 5, 3)
    ),
    "LeakyReLU": LayerCase(
        lambda: layers.LeakyReLU(), (None, 4), takes_any_leading_axes=True
    ),
    "MaxPooling2D": LayerCase(lambda: layers.MaxPooling2D(), (None, None, 3)),
    "MaxPooling2D same": LayerCase(
        lambda: layers.MaxPooling2D(2, 1, padding="same"), (None, 5, 3)
    ),
    "ReLU": LayerCase(
        lambda: layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2),
        (None, 4),
        takes_any_leading_axes=True,
    ),
    "Reshape": LayerCase(lambda: layers.Reshape((2, -1)), (None, 4)),
    "Reshape to known sizes": LayerCase(lambda: layers.Reshape((3, 2, 2)), (4, 3)),
    "Softmax": LayerCase(lambda: layers.Softmax(1), (4, 3)),
}
