"""Pictures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mica.errors import DataError, ShapeError
from mica.report.part import Part, store
from mica.report.words import joined, one_line, wrapped

__all__ = ["Images"]


@dataclass(frozen=True, eq=False)
class Images(Part):
    """Pictures with captions.

    Bytes are shown as they are, numbers within 0..1 from black to white, and any
    others stretched, all pictures alike, from the smallest number to the largest.

    Args:
        title: The heading; "" for none.
        images: An array (n, height, width) of grey, (n, height, width, 1 | 3 | 4) of
            grey, red-green-blue or with opacity, or a list of such pictures, whose
            sizes may differ.
        captions: One per picture; empty for none.
        note: A remark below the pictures.

    Raises:
        ShapeError: A picture's rank or number of channels, or the number of captions.
        DataError: A picture is empty or holds no numbers.

    Example:
        >>> import numpy
        >>> print(Images("Digits", numpy.zeros((2, 8, 8)), ["a zero", "a one"]))
        Digits
        2 pictures of 8 x 8 pixels
          1. a zero
          2. a one
    """

    title: str
    images: Any
    captions: Sequence[str] = ()
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Images {self.title!r}"
        images = tuple(_as_picture(where, image) for image in self.images)
        captions = tuple(str(caption) for caption in self.captions)
        if captions and len(captions) != len(images):
            raise ShapeError(
                f"{where}: expected one caption for each of {len(images)} pictures, "
                f"got {len(captions)}. Give as many captions, or none."
            )
        store(self, images=images, captions=captions)

    def __str__(self) -> str:
        sizes = {f"{image.shape[1]} x {image.shape[0]}" for image in self.images}
        number = len(self.images)
        noun = "picture" if number == 1 else "pictures"
        size = f" of {sizes.pop()} pixels" if len(sizes) == 1 else ""
        captions = [
            f"  {index}. {one_line(caption)}"
            for index, caption in enumerate(self.captions, start=1)
        ]
        title, note = one_line(self.title), wrapped(self.note)
        return joined(title, f"{number} {noun}{size}", *captions, note)


def _as_picture(where: str, image: object) -> np.ndarray:
    """One picture as an array nobody else can change."""
    picture = np.array(image)
    if picture.ndim not in (2, 3) or (
        picture.ndim == 3 and picture.shape[2] not in (1, 3, 4)
    ):
        raise ShapeError(
            f"{where}: expected pictures of shape (height, width) or (height, width, "
            f"1 | 3 | 4), got {picture.shape}. Put the channels last."
        )
    if picture.dtype.kind not in "biuf":
        raise DataError(
            f"{where}: expected numbers in its pictures, got {picture.dtype}. "
            "Give integers or floats."
        )
    if picture.size == 0:
        raise DataError(
            f"{where}: expected pictures with pixels, got shape {picture.shape}. "
            "Leave empty pictures out."
        )
    picture.setflags(write=False)
    return picture
