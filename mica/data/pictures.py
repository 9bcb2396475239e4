"""Picture files: a folder for each class, decoded by several threads."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from mica.data.batch import (
    Batch,
    Source,
    check_batching,
    count_batches,
    rows_of_epoch,
    to_device,
)
from mica.data.order import epoch_order
from mica.engine import free_memory_bytes, usable_cores
from mica.errors import ConfigError, DataError

__all__ = ["PictureSource", "decode_picture", "read_pictures"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
KEPT_SHARE = 4  # of free memory, one part in so many holds decoded pictures
BRIGHTEST = 255
MODES = {1: "L", 3: "RGB"}


def _check_size(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else size
    whole = (
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and all(isinstance(each, int) and not isinstance(each, bool) for each in pair)
    )
    if not whole or isinstance(size, bool) or min(pair) < 1:
        raise ConfigError(
            f"pictures: expected size to be (height, width) of at least 1 pixel each, "
            f"got {size!r}. Write for example size=(150, 150)."
        )
    return pair[0], pair[1]


def _upright(picture: Any, channels: int) -> Any:
    """A picture as its camera was held, in the colours asked for."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        deep = np.asarray(picture).clip(0, 2**16 - 1)
        picture = Image.fromarray((deep >> 8).astype(np.uint8))
    if "transparency" in picture.info:
        picture = picture.convert("RGBA")  # without it Pillow warns of palettes
    return picture.convert(MODES[channels])


def decode_picture(
    path: str | os.PathLike[str], size: int | tuple[int, int], channels: int = 3
) -> np.ndarray:
    """Decode a picture file, turned upright and brought to a size.

    Args:
        path: The file.
        size: (height, width), or one number for both.
        channels: 3 for red, green and blue, 1 for grey.

    Shape:
        returns: (height, width, channels), uint8

    Returns:
        The pixels; sizes change by Pillow's bilinear filter.

    Raises:
        ConfigError: A size below 1, or another number of channels.
        DataError: No such file, or none that can be decoded.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "red.png"
        ...     Image.new("RGB", (8, 6), "red").save(path)
        ...     decode_picture(path, (2, 3))[0, 0]
        array([255,   0,   0], dtype=uint8)
    """
    from PIL import Image

    height, width = _check_size(size)
    if channels not in MODES:
        raise ConfigError(
            f"pictures: expected channels to be 3 or 1, got {channels!r}. Use 3 for "
            "colours, 1 for grey."
        )
    try:
        with Image.open(path) as opened:
            picture = _upright(opened, channels)
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    # What Pillow's readers raise at files that are cut off, broken or gigantic.
    except (
        OSError,
        SyntaxError,
        ValueError,
        IndexError,
        EOFError,
        Image.DecompressionBombError,
    ) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(
            f"{os.fspath(path)}: expected a picture that can be decoded, got: "
            f"{said}. Take the file out of the folder, or save it anew."
        ) from error
    return np.asarray(picture, dtype=np.uint8).reshape(height, width, channels)


class PictureSource(Source):
    """Picture files, decoded in batches as they are needed.

    x = pixels / 255

    Several threads decode a batch, its order is kept. Pictures that were decoded are
    kept as bytes while they fit into a quarter of the free memory: a second epoch reads
    no file and gives the same numbers. In `fit` the next batches are made while a step
    computes.

    Args:
        files: The pictures' paths.
        labels: A class number for each, or None.
        size: (height, width) that they are brought to, or one number for both.
        channels: 3 for red, green and blue, 1 for grey.
        label_names: What the classes are called.
        most_bytes: Bytes of pictures that are kept; None for a quarter of the memory
            that is free when the first epoch begins. All pictures are kept, or none.

    Shape:
        x: (batch, height, width, channels), 0 to 1, in torch's default dtype
        y: (batch,), int64

    Raises:
        ConfigError: A size below 1, other channels than 1 and 3, or bytes below 0.
        DataError: No files, or another number of labels.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "white.png"
        ...     Image.new("RGB", (8, 6), "white").save(path)
        ...     source = PictureSource([path], [1], size=4)
        ...     batch = source.peek(1)
        >>> batch.x.shape, float(batch.x.mean()), batch.y
        (torch.Size([1, 4, 4, 3]), 1.0, tensor([1]))
    """

    batch_size = None
    replayable = True
    in_memory = True  # files of ours: drawn at any time, without a trace
    reads_ahead = True

    def __init__(
        self,
        files: Iterable[str | os.PathLike[str]],
        labels: Any = None,
        *,
        size: int | tuple[int, int],
        channels: int = 3,
        label_names: Sequence[str] = (),
        most_bytes: int | None = None,
    ) -> None:
        self.files = tuple(os.fspath(path) for path in files)
        self.size = _check_size(size)
        if channels not in MODES:
            raise ConfigError(
                f"pictures: expected channels to be 3 or 1, got {channels!r}. Use 3 "
                "for colours, 1 for grey."
            )
        whole = isinstance(most_bytes, int) and not isinstance(most_bytes, bool)
        if most_bytes is not None and not (whole and most_bytes >= 0):
            raise ConfigError(
                f"pictures: expected most_bytes to be a whole number of at least 0, "
                f"got {most_bytes!r}. 0 keeps no picture, None decides by itself."
            )
        if not self.files:
            raise DataError(
                "pictures: expected at least one file, got none. Look at the folder."
            )
        self.y = None if labels is None else torch.as_tensor(labels, dtype=torch.int64)
        if self.y is not None and self.y.shape != (len(self.files),):
            raise DataError(
                f"pictures: expected one label for each of {len(self.files):,} files, "
                f"got the shape {tuple(self.y.shape)}. Give a list of class numbers."
            )
        self.channels, self.label_names = channels, tuple(label_names)
        self.most_bytes = most_bytes
        self._store: torch.Tensor | None = None  # (files, height, width, channels)
        self._is_known = np.zeros(len(self.files), dtype=bool)
        self._is_decided = False

    @property
    def num_samples(self) -> int:
        """Pictures in an epoch."""
        return len(self.files)

    @property
    def num_kept(self) -> int:
        """Pictures that need no decoding any more."""
        return int(self._is_known.sum())

    def take(self, rows: torch.Tensor) -> Self:
        """Pick pictures by number.

        Args:
            rows: Numbers of files.

        Shape:
            rows: (count,), int64

        Returns:
            A source of these pictures, in this order.

        Raises:
            DataError: No rows.

        Example:
            >>> source = PictureSource(["a.png", "b.png"], [0, 1], size=8)
            >>> source.take(torch.tensor([1])).files
            ('b.png',)
        """
        return type(self)(
            [self.files[row] for row in rows.tolist()],
            None if self.y is None else self.y[rows],
            size=self.size,
            channels=self.channels,
            label_names=self.label_names,
            most_bytes=self.most_bytes,
        )

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Pictures in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number.

        Example:
            >>> PictureSource(["a.png", "b.png", "c.png"], size=8).num_batches(2)
            2
        """
        return count_batches(self.num_samples, batch_size, drop_last=drop_last)

    def peek(self, batch_size: int) -> Batch:
        """Give the first pictures as a batch.

        Args:
            batch_size: Pictures in the batch, at most.

        Returns:
            The batch.

        Raises:
            DataError: A file that cannot be decoded.
        """
        return next(self.batches(0, batch_size=batch_size, shuffle=False))

    def batches(
        self,
        epoch: int,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        start: int = 0,
        device: torch.device | str | None = None,
    ) -> Iterator[Batch]:
        """Give one epoch's batches.

        Args:
            epoch: Number of the epoch.
            batch_size: Pictures in a batch; the last batch may be smaller.
            shuffle: Whether to mix the pictures, anew in each epoch.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip, without reading them.
            device: Where the batches go; None leaves them on the CPU.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``batch_size`` is below 1 or ``start`` below 0.
            DataError: ``drop_last`` leaves nothing, or a file cannot be decoded.
        """
        check_batching(batch_size, start)
        count = self.num_samples
        last = rows_of_epoch(count, batch_size, drop_last=drop_last)
        order = epoch_order(count, seed, epoch) if shuffle else torch.arange(count)
        self._decide()
        groups = order[start * batch_size : last].split(batch_size)
        return self._read(groups, torch.get_default_dtype(), device)

    def _decide(self) -> None:
        """Make room for all pictures, once, if they fit."""
        if self._is_decided:
            return
        self._is_decided = True
        most = self.most_bytes
        if most is None:
            most = (free_memory_bytes() or 0) // KEPT_SHARE
        shape = (len(self.files), *self.size, self.channels)
        if int(np.prod(shape, dtype=np.int64)) <= most:
            self._store = torch.empty(shape, dtype=torch.uint8)  # no memory before use

    def _read(
        self,
        groups: Iterable[torch.Tensor],
        dtype: torch.dtype,
        device: torch.device | str | None,
    ) -> Iterator[Batch]:
        with ThreadPoolExecutor(usable_cores(), "mica-decoder") as decoders:
            for rows in groups:
                if len(rows) == 0:
                    continue
                x = self._pixels(rows, decoders.map).to(dtype) / BRIGHTEST
                y = None if self.y is None else self.y[rows]
                yield Batch(to_device(x, device), to_device(y, device), None, len(rows))

    def _pixels(self, rows: torch.Tensor, work: Callable[..., Any]) -> torch.Tensor:
        """Bytes of some pictures, of which only unknown ones are decoded."""
        store, places = self._store, rows.numpy()
        into = torch.empty((len(rows), *self.size, self.channels), dtype=torch.uint8)
        if store is not None:
            into = store
            places = places[~self._is_known[places]]
        pixels = into.numpy()

        def decode(number: int, row: int) -> None:
            place = row if store is not None else number
            pixels[place] = decode_picture(self.files[row], self.size, self.channels)
            self._is_known[row] = store is not None

        for _ in work(decode, range(len(places)), places.tolist()):
            pass  # an error of the first picture that has one
        return into if store is None else store.index_select(0, rows)


def read_pictures(
    folder: str | os.PathLike[str],
    size: int | tuple[int, int],
    *,
    channels: int = 3,
    most_bytes: int | None = None,
) -> PictureSource:
    """Open a folder of pictures: in it one folder for each class.

    Classes are numbered by the alphabet. Files in folders of folders count; hidden ones
    and those that are no pictures by their name do not. Nothing is decoded yet.

    Args:
        folder: The folder.
        size: (height, width) that pictures are brought to, or one number for both.
        channels: 3 for red, green and blue, 1 for grey.
        most_bytes: Bytes of decoded pictures that are kept; None for a quarter of the
            free memory.

    Returns:
        The source, to be given to `fit`, `evaluate` and `predict`.

    Raises:
        ConfigError: A size below 1, other channels than 1 and 3, or bytes below 0.
        DataError: No such folder, no class folders, or one without pictures.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     for name in ("cats", "dogs"):
        ...         (Path(folder) / name).mkdir()
        ...         Image.new("RGB", (8, 6)).save(Path(folder) / name / "1.png")
        ...     source = read_pictures(folder, size=4)
        >>> source.label_names, source.y
        (('cats', 'dogs'), tensor([0, 1]))
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(
            f"{root}: expected a folder with a folder of pictures for each class, got "
            f"{'a file' if root.exists() else 'no such folder'}. Look at the path."
        )
    classes = [each for each in sorted(root.iterdir()) if each.is_dir()]
    classes = [each for each in classes if not each.name.startswith((".", "__"))]
    if not classes:
        raise DataError(
            f"{root}: expected a folder of pictures for each class, got none. Put the "
            "pictures into folders that are named like their classes."
        )
    files: list[Path] = []
    labels: list[int] = []
    for number, each in enumerate(classes):
        found = sorted(
            path
            for path in each.rglob("*")
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not found:
            raise DataError(
                f"{each}: expected pictures ({', '.join(SUFFIXES)}), got none. Take "
                "the folder away, or put pictures into it."
            )
        files += found
        labels += [number] * len(found)
    return PictureSource(
        files,
        labels,
        size=size,
        channels=channels,
        label_names=[each.name for each in classes],
        most_bytes=most_bytes,
    )
