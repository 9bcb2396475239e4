"""Losses that Keras has as metrics too: the mean of the loss over all samples."""

from typing import Any

from mica.metrics.foreign import LossMetric
from mica.registry import decode

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


def _loss(kind: str, **arguments: Any) -> Any:
    """A loss by its name; losses stand beside metrics, so that none is imported."""
    return decode({"$object": f"mica.losses.{kind}", "config": arguments})


class BinaryCrossentropy(LossMetric):
    """Cross-entropy of yes-or-no answers, each of them on its own.

    metric = mean of -(t log p + (1 - t) log(1 - p)), t = target (1 - s) + s / 2,
    p = sigmoid(prediction) with ``from_logits``, else the prediction kept within
    [1e-7, 1 - 1e-7]

    Range: 0 to infinity, lower is better.

    Args:
        from_logits: Whether predictions are before the sigmoid. Training hands a metric
            what the model gives, so True fits a model without a last sigmoid.
        label_smoothing: s, from 0 to below 1.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; 0 and 1

    Raises:
        ConfigError: ``label_smoothing`` is out of range.

    Example:
        >>> import torch
        >>> metric = BinaryCrossentropy()
        >>> metric.update(torch.tensor([[0.5], [0.5]]), torch.tensor([1, 0]))
        >>> round(metric.compute().item(), 4)
        0.6931

    Source:
        Cox 1958, The regression analysis of binary sequences. Clipping as in Keras 3.
    """

    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        name: str | None = None,
    ) -> None:
        loss = _loss(
            "BinaryCrossentropy",
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )
        super().__init__(loss, name=name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalCrossentropy(LossMetric):
    """Cross-entropy of one class out of several, given as one-hot rows or shares.

    metric = mean over samples of -sum_k t_k log p_k, t = target (1 - s) + s / classes,
    p = softmax(prediction) with ``from_logits``, else the rows scaled to sum to 1

    Range: 0 to infinity, lower is better.

    Args:
        from_logits: Whether predictions are before the softmax. Training hands a metric
            what the model gives, so True fits a model without a last softmax.
        label_smoothing: s, from 0 to below 1.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch, classes)

    Raises:
        ConfigError: ``label_smoothing`` is out of range.

    Example:
        >>> import torch
        >>> metric = CategoricalCrossentropy()
        >>> metric.update(torch.tensor([[0.5, 0.5]]), torch.tensor([[0, 1]]))
        >>> round(metric.compute().item(), 4)
        0.6931

    Source:
        Bridle 1990, Probabilistic interpretation of feedforward classification network
        outputs. Clipping as in Keras 3.
    """

    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        name: str | None = None,
    ) -> None:
        loss = _loss(
            "CategoricalCrossentropy",
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )
        super().__init__(loss, name=name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalHinge(LossMetric):
    """How far the best wrong score comes up to the right one, with a margin of 1.

    metric = mean over samples of max(0, 1 + largest wrong score - right score)

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes): scores
        target: (*batch, classes): one-hot rows

    Example:
        >>> import torch
        >>> metric = CategoricalHinge()
        >>> metric.update(torch.tensor([[2.0, 0.5]]), torch.tensor([[0, 1]]))
        >>> round(metric.compute().item(), 4)
        2.5

    Source:
        Crammer & Singer 2001, On the algorithmic implementation of multiclass
        kernel-based vector machines.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("CategoricalHinge"), name=name)


class Hinge(LossMetric):
    """How much scores fall short of a margin of 1.

    metric = mean of max(0, 1 - sign * prediction), sign = -1 or 1

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,): scores
        target: the same, up to a last axis of size 1; -1 and 1, or 0
            and 1

    Example:
        >>> import torch
        >>> metric = Hinge()
        >>> metric.update(torch.tensor([[2.0], [0.5]]), torch.tensor([1, -1]))
        >>> round(metric.compute().item(), 4)
        0.75

    Source:
        Cortes & Vapnik 1995, Support-vector networks.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("Hinge"), name=name)


class KLDivergence(LossMetric):
    """How far predicted shares are from the true ones.

    metric = mean over samples of sum_k t_k log(t_k / p_k), t and p kept within
    [1e-7, 1]

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes): probabilities
        target: (*batch, classes): probabilities

    Example:
        >>> import torch
        >>> metric = KLDivergence()
        >>> metric.update(torch.tensor([[0.5, 0.5]]), torch.tensor([[0.0, 1.0]]))
        >>> round(metric.compute().item(), 4)
        0.6931

    Source:
        Kullback & Leibler 1951, On information and sufficiency. Clipping as in Keras 3.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("KLDivergence"), name=name)


class LogCoshError(LossMetric):
    """A squared difference near 0 that grows only linearly far from it.

    metric = mean of log(cosh(prediction - target))

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Example:
        >>> import torch
        >>> metric = LogCoshError()
        >>> metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 3.0]))
        >>> round(metric.compute().item(), 4)
        0.4338

    Source:
        Saleh & Saleh 2022, Statistical properties of the log-cosh loss function.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("LogCosh"), name=name)


class MeanAbsolutePercentageError(LossMetric):
    """Mean size of the difference, in percent of the target.

    metric = 100 * mean of |target - prediction| / max(|target|, 1e-7)

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Example:
        >>> import torch
        >>> metric = MeanAbsolutePercentageError()
        >>> metric.update(torch.tensor([[1.0], [3.0]]), torch.tensor([2.0, 4.0]))
        >>> round(metric.compute().item(), 4)
        37.5

    Source:
        Makridakis 1993, Accuracy measures. The smallest divisor is Keras 3's.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("MeanAbsolutePercentageError"), name=name)


class MeanSquaredLogarithmicError(LossMetric):
    """Mean squared difference of logarithms: errors as factors.

    metric = mean of (log(1 + prediction) - log(1 + target))^2

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,): at least 0
        target: the same, up to a last axis of size 1; at least 0

    Example:
        >>> import torch
        >>> metric = MeanSquaredLogarithmicError()
        >>> metric.update(torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 3.0]))
        >>> round(metric.compute().item(), 4)
        0.2402

    Source:
        Definition and smallest values as in Keras 3.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("MeanSquaredLogarithmicError"), name=name)


class Poisson(LossMetric):
    """How unlikely counts are when the prediction is their mean.

    metric = mean of prediction - target log(prediction + 1e-7)

    Range: all numbers, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,): at least 0
        target: the same, up to a last axis of size 1; at least 0

    Example:
        >>> import torch
        >>> metric = Poisson()
        >>> metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 0]))
        >>> round(metric.compute().item(), 4)
        1.5

    Source:
        McCullagh & Nelder 1989, Generalized linear models, chapter 6.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("Poisson"), name=name)


class SparseCategoricalCrossentropy(LossMetric):
    """Cross-entropy of one class out of several, given as its number.

    metric = mean over samples of -log p_label, p = softmax(prediction) with
    ``from_logits``, else the rows scaled to sum to 1

    Range: 0 to infinity, lower is better.

    Args:
        from_logits: Whether predictions are before the softmax. Training hands a metric
            what the model gives, so True fits a model without a last softmax.
        ignore_class: A label whose samples do not count, such as -1; `None` for none.
            (Keras's metric counts them, with a loss of 0.)
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1): whole numbers

    Example:
        >>> import torch
        >>> metric = SparseCategoricalCrossentropy()
        >>> metric.update(torch.tensor([[0.5, 0.5]]), torch.tensor([1]))
        >>> round(metric.compute().item(), 4)
        0.6931

    Source:
        Bridle 1990, Probabilistic interpretation of feedforward classification network
        outputs. Clipping as in Keras 3.
    """

    def __init__(
        self,
        *,
        from_logits: bool = False,
        ignore_class: int | None = None,
        name: str | None = None,
    ) -> None:
        loss = _loss(
            "SparseCategoricalCrossentropy",
            from_logits=from_logits,
            ignore_class=ignore_class,
        )
        super().__init__(loss, name=name)
        self.from_logits = from_logits
        self.ignore_class = ignore_class


class SquaredHinge(LossMetric):
    """The square of what scores fall short of a margin of 1.

    metric = mean of max(0, 1 - sign * prediction)^2, sign = -1 or 1

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,): scores
        target: the same, up to a last axis of size 1; -1 and 1, or 0
            and 1

    Example:
        >>> import torch
        >>> metric = SquaredHinge()
        >>> metric.update(torch.tensor([[2.0], [0.5]]), torch.tensor([1, -1]))
        >>> round(metric.compute().item(), 4)
        1.125

    Source:
        Lee & Mangasarian 2001, SSVM: a smooth support vector machine.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(_loss("SquaredHinge"), name=name)
