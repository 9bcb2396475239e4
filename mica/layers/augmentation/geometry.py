"""Geometry: images sampled at other places, and boxes in them."""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["FILL_MODES", "INTERPOLATIONS", "inside_boxes", "warp"]

INTERPOLATIONS = ("bilinear", "nearest")
# What lies beyond the edge, and how torch's sampling names it. Coordinates are taken
# back into the image before "wrap" samples, so that it never looks beyond.
_PADDING = {"constant": "zeros", "nearest": "border", "reflect": "reflection"} | {
    "wrap": "border"
}
FILL_MODES = tuple(_PADDING)


def _centred(size: int, like: Tensor) -> Tensor:
    """Places of pixels along an axis, counted from its middle."""
    places = torch.arange(size, dtype=like.dtype, device=like.device)
    return places - (size - 1) / 2


def _each(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1)  # (B, 1, 1)


def warp(
    x: Tensor,
    matrix: Tensor,
    shift: Tensor,
    *,
    fill_mode: str = "reflect",
    interpolation: str = "bilinear",
    fill_value: float = 0.0,
) -> Tensor:
    """Sample images at places that a linear map of their own gives.

    y[b, p] = x[b, c + matrix[b] (p - c) + shift[b]],  c = the middle of the image

    Places are (column, row) in pixels. Beyond the edge: constant (k k|a b c|k k),
    nearest (a a|a b c|c c), reflect (b a|a b c|c b), wrap (b c|a b c|a b).

    Args:
        x: Images of float32 or float64.
        matrix: The linear part.
        shift: In pixels.
        fill_mode: What lies beyond the edge.
        interpolation: "bilinear" between the four pixels around, or "nearest".
        fill_value: The k of "constant".

    Shape:
        x: (batch, height, width, channels)
        matrix: (batch, 2, 2)
        shift: (batch, 2)

    Returns:
        Images of the same shape.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> right = torch.tensor([[-1.0, 0.0]])
        >>> warp(x, torch.eye(2)[None], right, fill_mode="wrap").flatten()
        tensor([3., 1., 2.])
    """
    height, width = x.shape[1:3]
    columns, rows = _centred(width, x), _centred(height, x)[:, None]
    across, down = (
        _each(matrix[:, axis, 0]) * columns
        + _each(matrix[:, axis, 1]) * rows
        + (_each(shift[:, axis]) + (size - 1) / 2)
        for axis, size in enumerate((width, height))
    )  # (B, H, W) both
    if fill_mode == "wrap":
        x = torch.cat([x, x[:, :1]], 1)  # after the last row comes the first
        x = torch.cat([x, x[:, :, :1]], 2)
        across, down = across.remainder(width), down.remainder(height)
    shifted = fill_mode == "constant" and fill_value != 0.0
    sampled = functional.grid_sample(
        (x - fill_value if shifted else x).permute(0, 3, 1, 2),  # (B, C, H, W)
        # torch counts from -1, the left edge of the first pixel, to 1.
        torch.stack(
            [(2 * across + 1) / x.shape[2] - 1, (2 * down + 1) / x.shape[1] - 1], -1
        ),
        mode=interpolation,
        padding_mode=_PADDING[fill_mode],
        align_corners=False,
    )
    y = sampled.permute(0, 2, 3, 1).contiguous()  # (B, H, W, C)
    return y + fill_value if shifted else y


def inside_boxes(x: Tensor, share: Tensor, place: Tensor) -> Tensor:
    """Which pixels lie in a box, one box for each image.

    A pixel (i, j) is inside when top <= i < top + rows and left <= j < left + columns,
    with rows = share height and top = place (height - rows), columns and left alike.

    Args:
        x: The images.
        share: The box's share of height and width, 0 to 1.
        place: Where it is: 0 at the top and left, 1 at the bottom and right.

    Shape:
        x: (batch, height, width, channels)
        share, place: (batch, 2)

    Returns:
        True inside, (batch, height, width, 1).

    Example:
        >>> x, half = torch.zeros(1, 2, 2, 1), torch.tensor([[0.5, 0.5]])
        >>> inside_boxes(x, half, torch.ones(1, 2)).flatten()
        tensor([False, False, False,  True])
    """
    inside = []
    for axis, size in enumerate(x.shape[1:3]):
        pixels = torch.arange(size, dtype=share.dtype, device=share.device)
        length = share[:, axis, None] * size  # (B, 1)
        start = place[:, axis, None] * (size - length)
        inside.append((pixels >= start) & (pixels < start + length))  # (B, size)
    rows, columns = inside
    return (rows[:, :, None] & columns[:, None, :])[..., None]
