"""Several augmentations: one after the other, or one of them for each image."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError, ShapeError
from mica.layers.augmentation.mixing import mixable_labels
from mica.layers.layer import Layer
from mica.layers.noise import Noise
from mica.shapes import describe

__all__ = ["Pipeline", "RandomChoice", "augment_batch", "mixes_labels"]


def mixes_labels(layer: nn.Module) -> bool:
    """Whether a layer takes [x, y], because it changes labels.

    Args:
        layer: Any module.

    Returns:
        True for `MixUp`, `CutMix`, and what is made of them.

    Example:
        >>> from mica.layers import MixUp, RandomFlip
        >>> mixes_labels(MixUp()), mixes_labels(Pipeline([RandomFlip()]))
        (True, False)
    """
    return bool(getattr(layer, "mixes_labels", False))


def augment_batch(layer: nn.Module, x: Any, y: Any) -> tuple[Any, Any]:
    """Let a layer change a batch: the labels too when it mixes them.

    Args:
        layer: Any module.
        x: The samples.
        y: Their labels.

    Returns:
        (x, y)

    Example:
        >>> from mica.layers import RandomFlip
        >>> x, y = augment_batch(RandomFlip(), torch.zeros(2, 4, 4, 1), [0, 1])
        >>> y
        [0, 1]
    """
    if not mixes_labels(layer):
        return layer(x), y
    mixed, labels = layer([x, y])
    return mixed, labels


def _read_layers(where: str, layers: Any) -> nn.ModuleList:
    entries = list(layers) if isinstance(layers, (list, tuple)) else []
    if not entries or not all(isinstance(layer, nn.Module) for layer in entries):
        raise ConfigError(
            f"{where}: expected a list of layers, got {layers!r}. Write for example "
            f'{where}([mica.layers.RandomFlip("horizontal")]).'
        )
    return nn.ModuleList(entries)


class Pipeline(Layer):
    """Layers one after the other, as one layer.

    y = layer_n(... layer_2(layer_1(x)))

    With `MixUp` or `CutMix` among them it takes and gives [x, y]; the others change x.

    Args:
        layers: The layers, first to last.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: whatever the layers take and give

    Raises:
        ConfigError: ``layers`` is not a list of layers.

    Example:
        >>> from mica.layers import RandomFlip, RandomRotation
        >>> layer = Pipeline([RandomFlip("horizontal"), RandomRotation(0.1)])
        >>> layer(torch.zeros(2, 8, 8, 3)).shape
        torch.Size([2, 8, 8, 3])
    """

    def __init__(self, layers: Sequence[Layer], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.layers = _read_layers(self.where, layers)
        self.mixes_labels = any(map(mixes_labels, self.layers))

    def forward(self, x: Any) -> Any:
        """Pass x, or [x, y], through all layers."""
        if not self.mixes_labels:
            for layer in self.layers:
                x = layer(x)
            return x
        samples, labels = x
        for layer in self.layers:
            samples, labels = augment_batch(layer, samples, labels)
        return [samples, labels]


class RandomChoice(Noise):
    """In training, one of several layers for each image, all equally likely.

    y[b] = layer_k(x)[b],  k ~ U{1, ..., n}     in training
    y = x                                       otherwise

    Every layer computes the whole batch and a random one is kept for each image: n
    layers cost n times one. With `MixUp` or `CutMix` among them it takes and gives
    [x, y].

    Args:
        layers: Layers that give images of the same shape.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``layers`` is not a list of layers.
        ShapeError: The layers give images of different shapes.

    Example:
        >>> from mica.layers import RandomBrightness
        >>> dark, light = (RandomBrightness((f, f)) for f in (-1.0, 1.0))
        >>> layer = RandomChoice([dark, light])
        >>> layer(torch.full((50, 1, 1, 1), 100.0)).unique()
        tensor([  0., 255.])
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.layers = _read_layers(self.where, layers)
        self.mixes_labels = any(map(mixes_labels, self.layers))

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Leave it to the layers to say what is wrong."""

    def forward(self, x: Any) -> Any:
        """Give each image what one of the layers makes of it."""
        if not self.training:
            return x
        if not self.mixes_labels:
            return self._chosen([layer(x) for layer in self.layers], x)[0]
        samples, labels = x
        labels = mixable_labels(self.where, labels, samples)
        pairs = [augment_batch(layer, samples, labels) for layer in self.layers]
        return self._chosen([part[0] for part in pairs], samples, [p[1] for p in pairs])

    def _chosen(self, outputs: list[Tensor], x: Tensor, *others: Any) -> list[Tensor]:
        shapes = {tuple(output.shape) for output in outputs}
        if len(shapes) > 1:
            shown = ", ".join(describe(shape) for shape in sorted(shapes))
            raise ShapeError(
                f"{self.where}: expected layers that give images of one shape, got "
                f"{shown}. Put the layers that change the shape before or after."
            )
        choice = self.integers((len(x),), len(self.layers), x)
        chosen = []
        for results in (outputs, *others):
            kept = results[0]
            for number, result in enumerate(results[1:], 1):
                mask = (choice == number).reshape(-1, *[1] * (kept.ndim - 1))
                kept = torch.where(mask, result, kept)
            chosen.append(kept)
        return chosen
