"""RunningMeans: averages over an epoch, gathered on the device without waiting."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["RunningMeans"]


class RunningMeans:
    """Means over all samples seen, each batch counted by its size.

    mean = sum_b size_b * value_b / sum_b size_b, exact whatever the batch size.

    Example:
        >>> means = RunningMeans()
        >>> means.add({"loss": torch.tensor(1.0)}, 3)
        >>> means.add({"loss": torch.tensor(5.0)}, 1)
        >>> means.read()
        {'loss': 2.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._sizes: dict[str, int] = {}

    def reset(self) -> None:
        """Start anew."""
        self._sums, self._sizes = {}, {}

    def add(self, values: Mapping[str, Tensor | float], size: int) -> None:
        """Take in one batch; nothing is read from the device.

        Args:
            values: The batch's own means: 0-d tensors without gradient, or numbers; a
                name may be missing in some batches.
            size: Samples in the batch.
        """
        sizes = self._sizes
        for name, value in values.items():
            sizes[name] = sizes.get(name, 0) + size
            total = self._sums.get(name)
            if not isinstance(value, Tensor):
                value = torch.tensor(value, dtype=torch.float64)
            if total is None:
                wide = torch.float32 if value.device.type == "mps" else torch.float64
                self._sums[name] = value.detach().to(wide) * size
            else:
                total.add_(value, alpha=size)

    def read(self) -> dict[str, float]:
        """Read the means; on a device this waits for it."""
        sizes = self._sizes
        return {name: float(total) / sizes[name] for name, total in self._sums.items()}

    def is_finite(self) -> bool:
        """Tell whether every value so far was a number; waits for the device."""
        return all(math.isfinite(float(total)) for total in self._sums.values())
