"""Configurations of the layers in `mica/layers/augmentation`, what was drawn given.

Both sides compute with the same numbers: Mica's `transform` is given them, and so is
what Keras does after its own drawing.
"""

import random
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mica import layers
from mica.layers import Layer
from tests.oracle.keras_draws.drawing import Drawn, both, images, keras_layers

__all__ = ["DRAWS"]

FILL_MODES = ["constant", "nearest", "reflect", "wrap"]


class Given(Layer):
    """An augmentation whose numbers were drawn elsewhere."""

    def __init__(self, inner: Any, drawn: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.inner = inner
        self.drawn = drawn

    def forward(self, x: Tensor) -> Tensor:
        return self.inner.transform(x, self.drawn)


def given_to_keras(function: Callable[[Tensor], Tensor]) -> Any:
    """A Keras layer that computes a function."""

    class Function(keras_layers().Layer):
        def call(self, x):
            return function(x)

    return Function(dtype="float64")


def each(draw: random.Random, x: Tensor, lower: float, upper: float) -> Tensor:
    """A number for every image."""
    numbers = [draw.uniform(lower, upper) for _ in range(len(x))]
    return torch.tensor(numbers, dtype=torch.float64)


def looks(draw: random.Random) -> dict[str, Any]:
    """How places between and beyond the pixels are filled."""
    return {
        "fill_mode": draw.choice(FILL_MODES),
        "interpolation": draw.choice(["bilinear", "nearest"]),
        "fill_value": draw.uniform(-2.0, 2.0),
    }


def sampled(
    kind: str,
    arguments: dict[str, Any],
    x: Tensor,
    numbers: dict[str, Tensor],
    matrices: Callable[[Any], Tensor],
) -> Drawn:
    """A layer that samples, beside Keras's sampling with the matrices of its layer."""
    ours = getattr(layers, kind)(**arguments)
    theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")

    def their_transform(pictures: Tensor) -> Tensor:
        return theirs.backend.image.affine_transform(
            pictures,
            transform=matrices(theirs),
            interpolation=theirs.interpolation,
            fill_mode=theirs.fill_mode,
            fill_value=theirs.fill_value,
            data_format="channels_last",
        )

    text = f"{kind}({arguments}) of {tuple(x.shape)} with {numbers}"
    return Drawn(Given(ours, numbers), given_to_keras(their_transform), x, text=text)


def draw_rotation(draw: random.Random) -> Drawn:
    x = images(draw)
    turns = each(draw, x, -1.0, 1.0)
    still, one = torch.zeros_like(turns), torch.ones_like(turns)

    def matrices(theirs: Any) -> Tensor:
        # Keras rounds pi / 180 to float32; this angle undoes it.
        rounded = torch.tensor(torch.pi / 180.0, dtype=torch.float32).double()
        return theirs._compute_affine_matrix(
            center_x=0.5,
            center_y=0.5,
            angle=2 * torch.pi * turns / rounded,
            translate_x=still,
            translate_y=still,
            scale=one,
            shear_x=still,
            shear_y=still,
            height=x.shape[1],
            width=x.shape[2],
        ).double()

    arguments = {"factor": 0.5, **looks(draw)}
    return sampled("RandomRotation", arguments, x, {"turns": turns}, matrices)


def draw_translation(draw: random.Random) -> Drawn:
    x = images(draw)
    numbers = {name: each(draw, x, -1.0, 1.0) for name in ("down", "right")}
    pixels = torch.stack(
        [numbers["right"] * x.shape[2], numbers["down"] * x.shape[1]], 1
    )
    arguments = {"height_factor": 0.5, "width_factor": 0.5, **looks(draw)}
    return sampled(
        "RandomTranslation",
        arguments,
        x,
        numbers,
        lambda theirs: theirs._get_translation_matrix(pixels).double(),
    )


def draw_zoom(draw: random.Random) -> Drawn:
    x = images(draw)
    numbers = {name: each(draw, x, -0.9, 1.0) for name in ("rows", "columns")}
    zooms = 1 + torch.stack([numbers["columns"], numbers["rows"]], 1)
    arguments = {"height_factor": 0.5, **looks(draw)}
    return sampled(
        "RandomZoom",
        arguments,
        x,
        numbers,
        lambda theirs: theirs._get_zoom_matrix(zooms, *x.shape[1:3]).double(),
    )


def draw_shear(draw: random.Random) -> Drawn:
    x = images(draw)
    numbers = {name: each(draw, x, -1.0, 1.0) for name in ("across", "down")}
    slants = torch.stack([numbers["across"], numbers["down"]], 1)
    arguments = {"x_factor": 0.5, "y_factor": 0.5, **looks(draw)}
    return sampled(
        "RandomShear",
        arguments,
        x,
        numbers,
        lambda theirs: theirs._get_shear_matrix(slants).double(),
    )


def transformed(
    kind: str,
    arguments: dict[str, Any],
    x: Tensor,
    numbers: dict[str, Tensor],
    theirs_drawn: Any,
) -> Drawn:
    """A layer beside Keras's of the same name, each given what it would have drawn."""
    ours = getattr(layers, kind)(**arguments)
    theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")
    text = f"{kind}({arguments}) of {tuple(x.shape)} with {numbers}"

    def their_transform(value: Tensor) -> Tensor:
        # Keras's RandomBrightness changes its input, so that it gets one of its own.
        with warnings.catch_warnings():  # and torch finds fault with its Equalization
            warnings.simplefilter("ignore", UserWarning)
            y = theirs.transform_images(value.clone(), theirs_drawn)
        return y + 0.0 * value  # where it computes in bytes, a slope of 0 is lost

    function = given_to_keras(their_transform)
    return Drawn(Given(ours, numbers), function, x, text=text)


def shades(draw: random.Random, channels: int | None = None) -> Tensor:
    """Images with values from 0 to 1."""
    return torch.rand_like(images(draw, channels=channels))


def in_range(draw: random.Random, x: Tensor) -> tuple[Tensor, dict[str, Any]]:
    """The same images from 0 to 1 or to 255, and the argument that says so."""
    high = draw.choice([1, 255])
    return x * high, {"value_range": (0, high)}


def per_image(numbers: Tensor, rank: int = 4) -> Tensor:
    return numbers.reshape(-1, *[1] * (rank - 1))


def draw_contrast(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    factor = per_image(each(draw, x, 0.0, 2.0))
    return transformed(
        "RandomContrast",
        {"factor": 0.5, **arguments},
        x,
        {"factor": factor},
        {"contrast_factor": factor},
    )


def draw_brightness(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    share = per_image(each(draw, x, -1.0, 1.0))
    return transformed(
        "RandomBrightness",
        {"factor": 0.5, **arguments},
        x,
        {"share": share},
        {"rgb_delta": share * arguments["value_range"][1]},
    )


def draw_saturation(draw: random.Random) -> Drawn:
    # Keras cuts the saturation off at the brightest value, which fits (0, 1) only.
    x = shades(draw, 3)
    factor = each(draw, x, 0.0, 3.0)
    return transformed(
        "RandomSaturation",
        {"factor": 0.5, "value_range": (0, 1)},
        x,
        {"factor": per_image(factor)},
        {"factor": factor},
    )


def draw_hue(draw: random.Random) -> Drawn:
    # Keras rounds to float32 when it brings 0 to 255 to 0 to 1.
    x = shades(draw, 3)
    turn = each(draw, x, -0.5, 0.5)
    return transformed(
        "RandomHue",
        {"factor": 0.5, "value_range": (0, 1)},
        x,
        {"turn": per_image(turn, 3)},
        {"factor": turn},
    )


def draw_grayscale(draw: random.Random) -> Drawn:
    x, _ = in_range(draw, shades(draw, 3))
    chosen = per_image(each(draw, x, 0.0, 1.0)).round()
    return transformed("RandomGrayscale", {}, x, {"chosen": chosen}, chosen > 0)


def draw_flip(draw: random.Random) -> Drawn:
    x = images(draw)
    mode = draw.choice(["horizontal", "vertical", "horizontal_and_vertical"])
    flips = per_image(each(draw, x, 0.0, 1.0)).round()
    wanted = {"across": "horizontal" in mode, "down": "vertical" in mode}
    numbers = {name: flips for name, used in wanted.items() if used}
    drawn = {"flips": flips > 0}
    return transformed("RandomFlip", {"mode": mode}, x, numbers, drawn)


def draw_erasing(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw, 3))
    fill = [draw.uniform(0.0, 1.0) for _ in range(3)]
    arguments["fill_value"] = draw.choice([fill, fill[0]])
    sizes = torch.tensor(x.shape[1:3], dtype=torch.float64)
    share = torch.stack([each(draw, x, 0.0, 1.0) for _ in range(2)], 1)
    place = torch.stack([each(draw, x, 0.0, 1.0) for _ in range(2)], 1)
    erased = each(draw, x, 0.0, 1.0) < 0.5
    start, length = place * (sizes - share * sizes), share * sizes
    theirs = keras_layers().RandomErasing(**arguments, dtype="float64")
    (top, left), (bottom, right) = start.T, (start + length).T
    drawn = {
        "apply_erasing": erased,
        "batch_masks": theirs._generate_batch_mask(x.shape, (left, right, top, bottom)),
        "fill_value": theirs._get_fill_value(x, x.shape, None),
    }
    numbers = {"erased": erased, "share": share, "place": place}
    return transformed("RandomErasing", arguments, x, numbers, drawn)


def draw_center_crop(draw: random.Random) -> Drawn:
    sizes = {"height": draw.randint(3, 12), "width": draw.randint(3, 12)}
    return both("CenterCrop", sizes, images(draw))


def draw_auto_contrast(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    return both("AutoContrast", arguments, x)


def draw_equalization(draw: random.Random) -> Drawn:
    # One image: Keras counts the tones of a batch together; whole tones and a half:
    # it sorts them in float32.
    x = (shades(draw)[:1] * draw.choice([9, 200])).floor() + 0.5
    return transformed("Equalization", {"value_range": (0, 255)}, x, {}, {})


def draw_invert(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    chosen = each(draw, x, 0.0, 1.0).round()
    drawn = {"apply_inversion": chosen > 0}
    return transformed(
        "RandomInvert", arguments, x, {"chosen": per_image(chosen)}, drawn
    )


def draw_solarization(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    addition, threshold = (per_image(each(draw, x, 0.0, 255.0)) for _ in range(2))
    return transformed(
        "Solarization",
        arguments,
        x,
        {"addition": addition, "threshold": threshold},
        {"additions": addition, "thresholds": threshold},
    )


def draw_posterization(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    bits = torch.tensor([draw.randint(1, 8) for _ in range(len(x))])
    return transformed(
        "RandomPosterization",
        {"factor": 8, **arguments},
        x,
        {"bits": per_image(bits.double())},
        {"shift_factor": (8 - bits).to(torch.uint8)},
    )


def draw_color_degeneration(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw, 3))
    share = per_image(each(draw, x, 0.0, 1.0))
    return transformed(
        "RandomColorDegeneration",
        {"factor": 0.5, **arguments},
        x,
        {"share": share},
        {"factor": share},
    )


def draw_sharpness(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    factor = each(draw, x, 0.0, 1.0)
    return transformed(
        "RandomSharpness",
        {"factor": 0.5, **arguments},
        x,
        {"factor": per_image(factor)},
        {"factor": factor},
    )


def draw_gaussian_blur(draw: random.Random) -> Drawn:
    x, arguments = in_range(draw, shades(draw))
    chosen = each(draw, x, 0.0, 1.0).round()
    across, down = draw.uniform(0.1, 1.0), draw.uniform(0.1, 1.0)
    sigma = torch.tensor([[down, across]] * len(x), dtype=torch.float64)
    drawn = {"should_apply_blur": chosen > 0, "blur_factor": sigma[0].flip(0)}
    return transformed(
        "RandomGaussianBlur",
        {"kernel_size": draw.choice([1, 3, 5, 7]), **arguments},
        x,
        {"chosen": per_image(chosen), "sigma": sigma},
        drawn,
    )


DRAWS = {
    "AutoContrast": draw_auto_contrast,
    "Equalization": draw_equalization,
    "RandomColorDegeneration": draw_color_degeneration,
    "RandomGaussianBlur": draw_gaussian_blur,
    "RandomInvert": draw_invert,
    "RandomPosterization": draw_posterization,
    "RandomSharpness": draw_sharpness,
    "Solarization": draw_solarization,
    "CenterCrop": draw_center_crop,
    "RandomBrightness": draw_brightness,
    "RandomContrast": draw_contrast,
    "RandomErasing": draw_erasing,
    "RandomFlip": draw_flip,
    "RandomGrayscale": draw_grayscale,
    "RandomHue": draw_hue,
    "RandomRotation": draw_rotation,
    "RandomSaturation": draw_saturation,
    "RandomShear": draw_shear,
    "RandomTranslation": draw_translation,
    "RandomZoom": draw_zoom,
}
