"""A metric that keeps what it saw, for numbers that no sums can give."""

import torch
from torch import Tensor

from mica.metrics.metric import Metric

__all__ = ["KeepingMetric"]


class KeepingMetric(Metric):
    """A metric whose state is rows kept side by side until `compute` reads them.

    metric = f(all rows)

    To write one, call ``self.keep(scores=..., actual=...)`` in `update`, always with
    the same names, and read ``self.state()`` in `compute`. Memory grows with what is
    seen.

    Range: as the metric says.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: as the metric says
        target: as the metric says

    Example:
        >>> class Median(KeepingMetric):
        ...     def update(self, prediction, target, sample_weight=None):
        ...         self.keep(error=(prediction - target).abs())
        ...     def compute(self):
        ...         return self.state()["error"].median()
        >>> median = Median()
        >>> median.update(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
        >>> median.update(torch.tensor([5.0]), torch.tensor([4.0]))
        >>> median.compute().item()
        1.0

    Source:
        Ours.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._chunks: list[dict[str, Tensor]] = []

    def keep(self, **columns: Tensor) -> None:
        """Keep rows.

        Args:
            columns: Tensors by names that are the same in every call; those of one
                name differ in their first axis only.
        """
        self._chunks.append({name: each.clone() for name, each in columns.items()})

    def reset(self) -> None:
        """Forget everything seen."""
        super().reset()
        self._chunks.clear()

    def state(self) -> dict[str, Tensor]:
        """Give all rows kept."""
        names = self._chunks[0] if self._chunks else ()
        return {
            name: torch.cat([chunk[name] for chunk in self._chunks]) for name in names
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self._chunks = []
        self._take_in(state)

    def _take_in(self, state: dict[str, Tensor]) -> None:
        """Merge: rows are kept side by side."""
        if not state:
            return
        first = next(iter(self._chunks[0].values())) if self._chunks else None
        device = None if first is None else first.device
        self._chunks.append(
            {name: tensor.to(device, copy=True) for name, tensor in state.items()}
        )
