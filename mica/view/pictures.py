"""Arrays as pictures: grey levels and colours as bytes, PNG and its address."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np

__all__ = ["as_bytes", "data_address", "shrink", "value_range"]

LARGEST_SIDE = 360  # pixels a page shows at twice the density of a small thumbnail


def value_range(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Give the numbers shown as black and as white, one pair for all pictures.

    Args:
        images: Arrays of numbers.

    Returns:
        (0, 255) for bytes, (0, 1) for numbers within it, else the smallest and the
        largest finite number.

    Example:
        >>> import numpy
        >>> value_range([numpy.array([[0.0, 16.0]])])
        (0.0, 16.0)
    """
    if all(image.dtype == np.uint8 for image in images):
        return 0.0, 255.0
    lows, highs = [], []
    for image in images:
        finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
        if finite.size:
            lows.append(float(finite.min()))
            highs.append(float(finite.max()))
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def as_bytes(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Give a picture as bytes, ``low`` as 0 and ``high`` as 255.

    Args:
        image: (height, width) or (height, width, 1 | 3 | 4).
        low: The number shown as black.
        high: The number shown as white.

    Shape:
        output: (height, width) for grey, else (height, width, 3 | 4), uint8; a pixel
        that is not a number is black.

    Example:
        >>> import numpy
        >>> as_bytes(numpy.array([[0.0, 8.0, 16.0]]), 0.0, 16.0)
        array([[  0, 128, 255]], dtype=uint8)
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return image
    # In units of the larger end, so that a range of huge numbers does not overflow.
    unit = max(abs(low), abs(high)) or 1.0
    scale = max(high / unit - low / unit, 1e-12)
    shares = (np.asarray(image, np.float64) / unit - low / unit) / scale
    shares = np.nan_to_num(shares, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(255 * shares.clip(0, 1)).astype(np.uint8)


def shrink(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Give a smaller picture of bytes, each pixel the mean of those it covers.

    Args:
        pixels: (rows, columns) or (rows, columns, channels), uint8.
        width: New number of columns.
        height: New number of rows.

    Shape:
        output: (height, width) or (height, width, channels), uint8.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def data_address(pixels: np.ndarray) -> str:
    """Give a picture as an address that holds it whole: "data:image/png;base64,...".

    Args:
        pixels: (height, width) or (height, width, 3 | 4), uint8; one larger than a
            page shows is made smaller.

    Example:
        >>> import numpy
        >>> data_address(numpy.zeros((2, 2), numpy.uint8))[:25]
        'data:image/png;base64,iVB'
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    factor = LARGEST_SIDE / max(height, width)
    if factor < 1:
        small = max(round(width * factor), 1), max(round(height * factor), 1)
        pixels = shrink(pixels, *small)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
