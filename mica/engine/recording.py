"""Recording: operations on a GPU kept as one graph; elsewhere done one by one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

__all__ = ["Recording"]


class Recording:
    """What a function does on a device, recorded once and replayed at will.

    On a GPU the operations are launched together, without Python in between. On other
    devices a replay calls the function again, which does the same.

    Args:
        device: Where the function computes.

    Example:
        >>> total = torch.zeros(())
        >>> recording = Recording(torch.device("cpu"))
        >>> recording.record(lambda: total.add_(1))
        >>> recording.replay()
        >>> recording.replay()
        >>> total
        tensor(2.)
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._on_gpu = device.type == "cuda"
        self._graph = torch.cuda.CUDAGraph() if self._on_gpu else None
        self._stream = torch.cuda.Stream(device) if self._on_gpu else None
        self._function: Callable[[], object] | None = None

    @contextmanager
    def warm_up(self) -> Iterator[None]:
        """Compute inside the block as it must be done before recording.

        Yields:
            Nothing.
        """
        if self._stream is None:
            yield
            return
        current = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def record(self, function: Callable[[], object]) -> None:
        """Record a function; on a GPU nothing is computed yet.

        Args:
            function: Takes nothing; reads and writes tensors that stay where they are.
        """
        self._function = function
        if self._graph is not None:
            with torch.cuda.graph(self._graph, stream=self._stream):
                function()

    def replay(self) -> None:
        """Do what was recorded."""
        if self._graph is not None:
            self._graph.replay()
        elif self._function is not None:
            self._function()
