"""Losses of pairs and triples: what belongs together comes near, the rest goes away."""

from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.losses.loss import Loss, Reduction
from mica.pairing import widen
from mica.shapes import describe

__all__ = ["Contrastive", "Distance", "InfoNCE", "Triplet", "checked_margin", "parts"]

Distance = Literal["euclidean", "squared_euclidean", "cosine"]
_DISTANCES = get_args(Distance)


def checked_margin(margin: float, where: str) -> float:
    """Demand a margin of more than 0.

    Args:
        margin: What the user gave.
        where: Who asks, for the error.

    Returns:
        The margin.

    Raises:
        ConfigError: It is not above 0.

    Example:
        >>> checked_margin(1, "Triplet")
        1.0
    """
    if not margin > 0:
        raise ConfigError(
            f"{where}: expected margin above 0, got {margin!r}. 1.0 is a usual value."
        )
    return float(margin)


def parts(prediction: Any, count: int, where: str) -> list[Tensor]:
    """Take the embeddings of a pair or a triple apart.

    Args:
        prediction: One tensor, or a tuple or list of `count` tensors.
        count: How many embeddings belong together.
        where: Who asks, for the error.

    Shape:
        prediction: (batch, count, features), or each (batch, features)

    Returns:
        `count` tensors of shape (batch, features), of at least 32 bits.

    Raises:
        ShapeError: Another number of parts, or parts of different shapes.

    Example:
        >>> [part.shape for part in parts(torch.zeros(4, 2, 3), 2, "loss")]
        [torch.Size([4, 3]), torch.Size([4, 3])]
    """
    if isinstance(prediction, Tensor):
        if prediction.ndim == 3 and prediction.shape[1] == count:
            return list(widen(prediction).unbind(1))
        shapes = [describe(prediction.shape)]
    else:
        shapes = [describe(part.shape) for part in prediction]
        if len(shapes) == count and len(set(shapes)) == 1 and prediction[0].ndim == 2:
            return [widen(part) for part in prediction]
    raise ShapeError(
        f"{where}: expected predictions of shape (batch, {count}, features), or {count}"
        f" tensors of shape (batch, features), got {', '.join(shapes)}. Stack the "
        "embeddings that belong together along axis 1."
    )


class Contrastive(Loss):
    """Pairs that are the same lie near each other, others at least a margin apart.

    loss = (t d^2 + (1 - t) max(0, margin - d)^2) / 2,
    d = distance of the two embeddings, t = 1 for the same and 0 for different

    Args:
        margin: How far apart is far enough. Above 0.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, 2, features), or two tensors of shape (batch, features);
            or distances of shape (batch,) or (batch, 1)
        target: (batch,) or (batch, 1): 1 for a pair of the same, 0 for others
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``margin`` is not above 0.
        ShapeError: The predictions are neither pairs nor distances, or the targets
            are not one for each pair.

    Example:
        >>> import torch
        >>> pairs = torch.tensor([[[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.0]]])
        >>> Contrastive(reduction="none")(pairs, torch.tensor([1, 0]))
        tensor([12.5000,  0.0800])

    Source:
        Hadsell, Chopra & LeCun 2006, Dimensionality reduction by learning an invariant
        mapping, eq. 4, whose Y is 1 - t.
    """

    def __init__(
        self,
        margin: float = 1.0,
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.margin = checked_margin(margin, self.where)

    def _distances(self, prediction: Any) -> Tensor:
        if isinstance(prediction, Tensor):
            if prediction.ndim == 1:
                return widen(prediction)
            if prediction.ndim == 2 and prediction.shape[-1] == 1:
                return widen(prediction.squeeze(-1))
        left, right = parts(prediction, 2, self.where)
        return torch.linalg.vector_norm(left - right, dim=-1)

    def per_sample(
        self, prediction: Any, target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "batch"]:
        """Pull or push each pair."""
        distance = self._distances(prediction)
        if target.numel() != len(distance) or target.ndim > 2:
            raise ShapeError(
                f"Contrastive: expected targets of shape ({len(distance)},), got "
                f"{describe(target.shape)}. Give 1 for each pair of the same, 0 for "
                "others."
            )
        same = target.reshape(-1).to(distance.dtype)
        lack = functional.relu(self.margin - distance)
        return (same * distance.square() + (1 - same) * lack.square()) / 2


def _distance(left: Tensor, right: Tensor, kind: Distance) -> Tensor:
    if kind == "cosine":
        return 1 - functional.cosine_similarity(left, right, dim=-1)
    if kind == "squared_euclidean":
        return (left - right).square().sum(-1)
    return torch.linalg.vector_norm(left - right, dim=-1)


class Triplet(Loss):
    """An anchor lies nearer to its like than to another, by a margin.

    loss = max(0, d(anchor, positive) - d(anchor, negative) + margin)

    Needs no target; in `fit` give any array of one row per sample. `BatchTriplet`
    finds the triples in a batch by their labels.

    Args:
        margin: By how much nearer is near enough. Above 0.
        distance: "euclidean", "squared_euclidean" or "cosine" (1 - cosine).
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, 3, features): anchor, positive, negative; or three tensors
            of shape (batch, features)
        target: not looked at
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``margin`` is not above 0, or an unknown distance.
        ShapeError: The predictions are not triples.

    Example:
        >>> import torch
        >>> Triplet()(torch.tensor([[[0.0, 0.0], [3.0, 4.0], [0.0, 5.5]]]))
        tensor(0.5000)

    Source:
        Weinberger & Saul 2009, Distance metric learning, eq. 11; Schroff, Kalenichenko
        & Philbin 2015, FaceNet, eq. 3 ("squared_euclidean").
    """

    needs_target: ClassVar[bool] = False

    def __init__(
        self,
        margin: float = 1.0,
        *,
        distance: Distance = "euclidean",
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.margin = checked_margin(margin, self.where)
        if distance not in _DISTANCES:
            raise ConfigError(
                f"Triplet: expected a distance out of {', '.join(_DISTANCES)}, got "
                f"{distance!r}. 'squared_euclidean' is FaceNet's."
            )
        self.distance: Distance = distance

    def per_sample(self, prediction: Any, target: Any) -> Float[Tensor, "batch"]:
        """Compare the two distances of each anchor."""
        del target
        anchor, positive, negative = parts(prediction, 3, self.where)
        near = _distance(anchor, positive, self.distance)
        far = _distance(anchor, negative, self.distance)
        return functional.relu(near - far + self.margin)


class InfoNCE(Loss):
    """Each query finds its own key among the keys of the whole batch.

    loss_i = -log(exp(s_ii) / sum_j exp(s_ij)), s_ij = cos(query_i, key_j) / temperature

    A cross-entropy of as many classes as the batch has rows: larger batches make it
    harder. Needs no target; in `fit` give any array of one row per sample.

    Args:
        temperature: What cosines are divided by. Above 0.
        normalize: Whether to use cosines; else plain scalar products.
        symmetric: Whether keys look for their queries too; the loss is the mean of both
            directions, as in CLIP.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, 2, features): query and key; or two tensors of shape
            (batch, features)
        target: not looked at
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``temperature`` is not above 0.
        ShapeError: The predictions are not pairs.

    Example:
        >>> import torch
        >>> views = torch.eye(2), torch.eye(2)
        >>> InfoNCE(temperature=1.0)(views)
        tensor(0.3133)

    Source:
        van den Oord, Li & Vinyals 2018, Contrastive predictive coding, eq. 4; Radford
        et al. 2021, CLIP, figure 3 (symmetric).
    """

    needs_target: ClassVar[bool] = False

    def __init__(
        self,
        temperature: float = 0.1,
        *,
        normalize: bool = True,
        symmetric: bool = False,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not temperature > 0:
            raise ConfigError(
                f"InfoNCE: expected temperature above 0, got {temperature!r}. 0.1 is a "
                "usual value."
            )
        self.temperature = float(temperature)
        self.normalize = normalize
        self.symmetric = symmetric

    def per_sample(self, prediction: Any, target: Any) -> Float[Tensor, "batch"]:
        """Classify each query among the keys."""
        del target
        queries, keys = parts(prediction, 2, self.where)
        if self.normalize:
            queries = functional.normalize(queries, dim=-1)
            keys = functional.normalize(keys, dim=-1)
        scores = queries @ keys.T / self.temperature  # (B, B)
        values = scores.logsumexp(1) - scores.diagonal()
        if self.symmetric:
            values = (values + scores.logsumexp(0) - scores.diagonal()) / 2
        return values
