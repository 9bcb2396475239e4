"""Mixing: two samples of a batch become one, and so do their labels."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.layers.augmentation.augmentation import Factor, check_images, read_range
from mica.layers.augmentation.geometry import inside_boxes
from mica.layers.inputs import check_floating, check_rank
from mica.layers.noise import Noise
from mica.shapes import describe

__all__ = ["CutMix", "MixUp", "Mixing", "mixable_labels"]

_LEAST_ALPHA = 1e-6  # where Beta(alpha, alpha) draws 0 or 1 and hardly anything else
_SINGLE_BYTES = 4  # of a float32; half types are too coarse for shares


def mixable_labels(where: str, y: Tensor, like: Tensor) -> Tensor:
    """Give labels of which there can be parts.

    Args:
        where: Who asks, for the error.
        y: Labels: floating-point numbers, or one-hot rows of whole numbers.
        like: A tensor that gives the type for whole numbers.

    Shape:
        y: (batch, *shape)

    Returns:
        y, as floating-point numbers.

    Raises:
        DataError: y holds numbers of classes, of which there is no half.

    Example:
        >>> mixable_labels("MixUp", torch.tensor([[0, 1]]), torch.zeros(1))
        tensor([[0., 1.]])
    """
    if y.is_floating_point():
        return y
    if y.ndim < 2 or y.shape[-1] == 1:
        raise DataError(
            f"{where}: expected labels as one-hot rows or floating-point numbers, got "
            f"numbers of classes of shape {describe(tuple(y.shape))}. Convert them "
            "with torch.nn.functional.one_hot(y, classes).float() and use "
            'loss="categorical_crossentropy".'
        )
    return y.to(like.dtype)


class Mixing(Noise):
    """A layer that mixes samples of a batch in training, and their labels alike.

    Abstract: write `draw`, which draws for every sample, and `transform`, which
    computes without chance.

    Args:
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        pair: [x, y] of (batch, *shape) and (batch, *labels); given back alike

    Raises:
        DataError: There are no labels, or labels of which there can be no parts.
        ShapeError: x and y do not have the same number of rows.

    Example:
        >>> class Reverse(Mixing):
        ...     def draw(self, x):
        ...         return {}
        ...     def transform(self, x, y, drawn):
        ...         return x.flip(0), y.flip(0)
        >>> Reverse()([torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0])])
        [tensor([2., 1.]), tensor([1., 0.])]
    """

    mixes_labels: ClassVar[bool] = True

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with something else than samples and labels."""
        pair = isinstance(shape, (list, tuple)) and len(shape) == 2
        if not (pair and all(isinstance(one, tuple) for one in shape)):
            raise DataError(
                f"{self.where}: expected samples and labels, got something else. Call "
                "it as layer([x, y]), or give it to fit(augment=...)."
            )
        for one in shape:
            check_rank(self.where, one, "batch", at_least=True)
        check_floating(self.where, dtype)
        if None not in (shape[0][0], shape[1][0]) and shape[0][0] != shape[1][0]:
            raise ShapeError(
                f"{self.where}: expected as many labels as samples, got "
                f"{shape[1][0]} for {shape[0][0]}. Give one row of y for each of x."
            )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what happens to each sample.

        Args:
            x: The samples.

        Returns:
            Tensors whose first axis is the batch.
        """
        raise NotImplementedError

    def transform(
        self, x: Tensor, y: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Mix as was drawn.

        Args:
            x: The samples.
            y: Their labels.
            drawn: What `draw` gave, or numbers of your own.

        Returns:
            (x, y)
        """
        raise NotImplementedError

    def forward(self, pair: Sequence[Tensor]) -> list[Tensor]:
        """Mix in training; else give the pair itself."""
        x, y = pair
        if len(x) != len(y):
            self.check_input([tuple(x.shape), tuple(y.shape)], x.dtype)
        if not self.training:
            return list(pair)
        exact = x.float() if x.element_size() < _SINGLE_BYTES else x
        labels = mixable_labels(self.where, y, x)
        mixed, mixed_labels = self.transform(exact, labels, self.draw(exact))
        return [mixed.to(x.dtype), mixed_labels.to(labels.dtype)]

    def partners(self, x: Tensor) -> Tensor:
        """Draw an order of the batch, all orders equally likely.

        Args:
            x: The samples.

        Returns:
            (batch,) rows, each one once.
        """
        return self.uniform((len(x),), 0.0, 1.0, x).argsort()

    def shares(self, alpha: Tensor) -> Tensor:
        """Draw from Beta(alpha, alpha), however small alpha is.

        Args:
            alpha: One for each number, above 0.

        Returns:
            Numbers from 0 to 1.

        Source:
            Beta is G / (G + G') of two gamma variables; Gamma(a) = Gamma(a + 1)
            U^(1 / a) (Marsaglia & Tsang 2000, section 6), here in logarithms.
        """
        logarithms = []
        for _ in range(2):
            generator = self._generator(alpha)
            gamma = torch._standard_gamma(alpha + 1.0, generator=generator)
            # 1 - u is never 0, whose logarithm is infinite.
            share = 1.0 - self.uniform(alpha.shape, 0.0, 1.0, alpha)
            logarithms.append(gamma.log() + share.log() / alpha)
        return torch.sigmoid(logarithms[0] - logarithms[1])


def _by_row(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1)).to(like.dtype)


class MixUp(Mixing):
    """In training, each sample becomes a mean of itself and another, and its label too.

    x'[b] = w_b x[b] + (1 - w_b) x[p(b)],  y'[b] = w_b y[b] + (1 - w_b) y[p(b)]
    w_b ~ Beta(alpha, alpha),  p = a random order of the batch

    Labels are one-hot rows or floating-point numbers: use categorical_crossentropy.

    Args:
        alpha: Above 0: near 0 hardly mixes, 1 mixes in any proportion alike.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        pair: [x, y] of (batch, *shape) and (batch, *labels); given back alike

    Raises:
        ConfigError: ``alpha`` is not above 0.
        DataError: There are no labels, or labels of which there can be no parts.
        ShapeError: x and y do not have the same number of rows.

    Example:
        >>> x, y = torch.tensor([[0.0], [1.0]]), torch.eye(2)
        >>> mixed, labels = MixUp(0.2)([x, y])
        >>> torch.equal(mixed[:, 0], labels[:, 1]), labels.sum(1)
        (True, tensor([1., 1.]))

    Source:
        Zhang et al. 2018, "mixup", eq. 1.
    """

    def __init__(
        self, alpha: float = 0.2, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        number = isinstance(alpha, (int, float)) and not isinstance(alpha, bool)
        if not (number and _LEAST_ALPHA <= alpha < float("inf")):
            raise ConfigError(
                f"{self.where}: expected alpha to be a number of at least "
                f"{_LEAST_ALPHA:g}, got {alpha!r}. Write for example alpha=0.2."
            )
        self.alpha = float(alpha)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the share that each sample keeps, and its partner."""
        alpha = torch.full((len(x),), self.alpha, dtype=x.dtype, device=x.device)
        return {"share": self.shares(alpha), "partner": self.partners(x)}

    def transform(
        self, x: Tensor, y: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Take means of partners."""
        partner = drawn["partner"]
        mixed = [
            torch.lerp(part[partner], part, _by_row(drawn["share"], part))
            for part in (x, y)
        ]
        return mixed[0], mixed[1]


class CutMix(Mixing):
    """In training, a box of another image is pasted into each, and labels are mixed.

    x'[b] = x[p(b)] inside the box of b, x[b] elsewhere
    y'[b] = w_b y[b] + (1 - w_b) y[p(b)],  1 - w_b = the box's share of the pixels
    height and width of the box = sqrt(1 - Beta(a_b, a_b)) of the image's, a_b ~
    U(factor);  p = a random order of the batch

    Labels are one-hot rows or floating-point numbers: use categorical_crossentropy.
    (Keras takes the share before the box is rounded to pixels.)

    Args:
        factor: f means (0, f); or (lower, upper), 0 to 1: near 0 pastes nearly
            nothing or nearly all, 1 any share alike.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        pair: [x, y] of (batch, height, width, channels) and (batch, *labels); given
            back alike

    Raises:
        ConfigError: ``factor`` is out of bounds.
        DataError: There are no labels, or labels of which there can be no parts.
        ShapeError: x is not a batch of images, or y has another number of rows.

    Example:
        >>> x, y = torch.zeros(2, 4, 4, 1), torch.eye(2)
        >>> x[1] = 1
        >>> mixed, labels = CutMix(1.0)([x, y])
        >>> torch.equal(mixed.mean((1, 2, 3)), labels[:, 1])
        True

    Source:
        Yun et al. 2019, "CutMix", eq. 1 and 2.
    """

    def __init__(
        self, factor: Factor = 1.0, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with something else than images and labels."""
        super().check_input(shape, dtype)
        check_images(self.where, shape[0], dtype)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the boxes, and the images they are taken from."""
        alpha = self.uniform((len(x),), *self.factor, x) + _LEAST_ALPHA
        side = (1.0 - self.shares(alpha)).sqrt()
        return {
            "share": torch.stack([side, side], -1),
            "place": self.uniform((len(x), 2), 0.0, 1.0, x),
            "partner": self.partners(x),
        }

    def transform(
        self, x: Tensor, y: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Paste the boxes, and take means of labels."""
        partner = drawn["partner"]
        inside = inside_boxes(x, drawn["share"], drawn["place"])
        kept = 1.0 - inside.to(x.dtype).mean((1, 2, 3))
        labels = torch.lerp(y[partner], y, _by_row(kept, y))
        return torch.where(inside, x[partner], x), labels
