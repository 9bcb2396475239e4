"""Losses that find their pairs and triples in a batch, by the samples' labels."""

from typing import Literal, get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.losses.loss import Loss, Reduction
from mica.losses.pairs import checked_margin
from mica.pairing import widen
from mica.shapes import Shape, describe

__all__ = ["BatchTriplet", "Circle", "Mining"]

Mining = Literal["hard", "semi_hard", "all"]
_MINING = get_args(Mining)


def _check_shapes(shape: Shape, target: Tensor, where: str) -> None:
    if len(shape) != 2:
        raise ShapeError(
            f"{where}: expected embeddings of shape (batch, features), got "
            f"{describe(shape)}. Put Flatten() before the last Dense layer."
        )
    theirs = tuple(target.shape)
    rows = shape[0]
    if theirs not in ((len(target),), (len(target), 1)) or rows not in (
        None,
        len(target),
    ):
        rows = "batch" if rows is None else rows
        raise ShapeError(
            f"{where}: expected integer labels of shape ({rows},), got "
            f"{describe(theirs)}. Give one label per embedding."
        )


def _kinship(prediction: Tensor, target: Tensor, where: str) -> tuple[Tensor, Tensor]:
    """Who is like whom, oneself left out, and who is not: (batch, batch) each."""
    _check_shapes(prediction.shape, target, where)
    labels = target.reshape(-1)
    same = labels.unsqueeze(1) == labels
    self_pairs = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~self_pairs, ~same


class BatchTriplet(Loss):
    """Each embedding lies nearer to those of its label than to others, by a margin.

    loss_i = mean over chosen triples (i, j, k) of max(0, d_ij - d_ik + margin),
    j of the label of i, k of another, d the Euclidean distance

    "hard" takes the farthest j and the nearest k of each i. "semi_hard" takes every j
    and the nearest k that is farther than j, the farthest k where there is none. "all"
    takes all. Samples that have no like in the batch, or no other, do not count: make
    batches of several samples per label.

    Args:
        margin: By how much nearer is near enough. Above 0.
        mining: Which triples, "hard", "semi_hard" or "all".
        squared: Whether d is the squared distance.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, features)
        target: (batch,) or (batch, 1): labels
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``margin`` is not above 0, or an unknown mining.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> embeddings = torch.tensor([[0.0], [1.0], [1.5], [4.0]])
        >>> BatchTriplet(reduction="none")(embeddings, torch.tensor([0, 0, 1, 1]))
        tensor([0.5000, 1.5000, 3.0000, 0.5000])

    Source:
        Hermans, Beyer & Leibe 2017, In defense of the triplet loss, eq. 5 ("hard") and
        eq. 7 ("all"); Schroff et al. 2015, FaceNet, section 3.2 ("semi_hard").
    """

    def __init__(
        self,
        margin: float = 1.0,
        *,
        mining: Mining = "hard",
        squared: bool = False,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.margin = checked_margin(margin, self.where)
        if mining not in _MINING:
            raise ConfigError(
                f"BatchTriplet: expected mining out of {', '.join(_MINING)}, got "
                f"{mining!r}. 'hard' is the usual one."
            )
        self.mining: Mining = mining
        self.squared = squared

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say when there is not one label per embedding."""
        _check_shapes(prediction_shape, target, self.where)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "batch"]:
        """Average over the chosen triples of each anchor."""
        like, other = _kinship(prediction, target, self.where)
        rows = widen(prediction)
        # NOTE: the quick way by products has no slope where two rows are the same.
        distance = torch.cdist(
            rows, rows, compute_mode="donot_use_mm_for_euclid_dist"
        )  # (B, B)
        distance = distance.square() if self.squared else distance
        if self.mining == "hard":
            far = distance.masked_fill(~like, -torch.inf).amax(1)
            near = distance.masked_fill(~other, torch.inf).amin(1)
            values = functional.relu(far - near + self.margin)
        else:
            values = self._averaged(distance, like, other)
        return values.masked_fill(~(like.any(1) & other.any(1)), 0)

    def _averaged(self, distance: Tensor, like: Tensor, other: Tensor) -> Tensor:
        """The mean over all likes j of an anchor i, and over its others k."""
        farther = distance.unsqueeze(1) > distance.unsqueeze(2)  # d_ik > d_ij
        if self.mining == "semi_hard":
            rows = distance.unsqueeze(1).expand_as(farther)
            nearest = rows.masked_fill(~(farther & other.unsqueeze(1)), torch.inf)
            nearest = nearest.amin(2)
            farthest = distance.masked_fill(~other, -torch.inf).amax(1, keepdim=True)
            negative = torch.where(nearest.isinf(), farthest, nearest)  # (B, B)
            costs = functional.relu(distance - negative + self.margin)
            return costs.where(like, 0).sum(1) / like.sum(1).clamp_min(1)
        triples = like.unsqueeze(2) & other.unsqueeze(1)  # (B, B, B)
        costs = distance.unsqueeze(2) - distance.unsqueeze(1) + self.margin
        costs = functional.relu(costs).where(triples, 0).sum((1, 2))
        return costs / triples.sum((1, 2)).clamp_min(1)

    def counted(self, prediction: Tensor, target: Tensor) -> Tensor | None:
        """Tell which anchors have a like and an other."""
        like, other = _kinship(prediction, target, self.where)
        return like.any(1) & other.any(1)


class Circle(Loss):
    """Similarities within a label rise, others fall, each at its own pace.

    loss_i = softplus(log sum_j exp(-gamma a_ij (margin - d_ij))
    + log sum_k exp(gamma b_ik (1 - margin - d_ik))),
    d = max(0, 1 - scalar product), a = max(0, d + margin), b = max(0, 1 + margin - d),
    j of the label of i, k of another

    Embeddings must have length 1 (`UnitNormalization`). Samples whose loss is 0 do not
    count in the number that the sum is divided by, as in Keras.

    Args:
        gamma: Scale of the similarities. Above 0.
        margin: How strict: likes shall have a similarity of at least 1 - margin, others
            of at most margin. Between 0 and 1.
        remove_diagonal: Whether an embedding is no like of itself.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, features), rows of length 1
        target: (batch,) or (batch, 1): labels
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``gamma`` is not above 0, or ``margin`` not between 0 and 1.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
        >>> Circle(gamma=1.0, reduction="none")(rows, torch.tensor([0, 0, 1]))
        tensor([0.5629, 0.7339, 0.0000])

    Source:
        Sun et al. 2020, Circle loss, eq. 6, with distances and count as in Keras 3.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        *,
        remove_diagonal: bool = True,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not gamma > 0:
            raise ConfigError(
                f"Circle: expected gamma above 0, got {gamma!r}. 80.0 is Keras's value."
            )
        if not 0 < margin < 1:
            raise ConfigError(
                f"Circle: expected margin between 0 and 1, got {margin!r}. 0.4 is "
                "Keras's value."
            )
        self.gamma = float(gamma)
        self.margin = float(margin)
        self.remove_diagonal = remove_diagonal

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say when there is not one label per embedding."""
        _check_shapes(prediction_shape, target, self.where)

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over the samples that are not at rest."""
        values = self.per_sample(prediction, target)
        return self._reduce(values, values > 0, None)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "batch"]:
        """Weigh each sample's likes against its others."""
        like, other = _kinship(prediction, target, self.where)
        like = like if self.remove_diagonal else ~other
        rows = widen(prediction)
        distance = functional.relu(1 - rows @ rows.T)  # (B, B)
        pull = functional.relu(distance + self.margin) * (distance - self.margin)
        push = functional.relu(1 + self.margin - distance)
        push = push * (1 - self.margin - distance)
        sums = [
            (self.gamma * force).masked_fill(~pairs, -torch.inf).logsumexp(1)
            for force, pairs in ((pull, like), (push, other))
        ]
        return functional.softplus(sums[0] + sums[1])

    def counted(self, prediction: Tensor, target: Tensor) -> Tensor | None:
        """Tell whose loss is not 0."""
        return self.per_sample(prediction.detach(), target) > 0
