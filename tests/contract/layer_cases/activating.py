"""Rows of the layers in `mica/layers/activating.py`."""

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Activation": LayerCase(
        lambda: layers.Activation("gelu"), (None, 4), takes_any_leading_axes=True
    ),
    "Activation softmax": LayerCase(
        lambda: layers.Activation("softmax"), (5,), takes_any_leading_axes=True
    ),
    "ELU": LayerCase(lambda: layers.ELU(0.5), (None, 4), takes_any_leading_axes=True),
    "LeakyReLU": LayerCase(
        lambda: layers.LeakyReLU(), (None, 4), takes_any_leading_axes=True
    ),
    "Identity": LayerCase(
        lambda: layers.Identity(), (None, 4), takes_any_leading_axes=True
    ),
    "PReLU": LayerCase(
        lambda: layers.PReLU(alpha_initializer="ones"),
        (4, 3),
        {"weight": Constant(1.0)},
    ),
    "PReLU of channels": LayerCase(
        lambda: layers.PReLU(shared_axes=(1, 2)),
        (None, None, 3),
        {"weight": Constant(0.0)},
    ),
    "ReLU": LayerCase(
        lambda: layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2),
        (None, 4),
        takes_any_leading_axes=True,
    ),
    "Softmax": LayerCase(
        lambda: layers.Softmax(1),
        (4, 3),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
}
