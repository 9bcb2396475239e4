"""What calling a layer costs beside the torch module that does the same.

Small inputs, so that the call counts and not the arithmetic. The promise is 3
microseconds: a layer is compared with the module's time and 3 microseconds on top.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measure import Comparison, compare, seconds_of, take_turns
from mica import layers

__all__ = ["run"]

ALLOWED = 3e-6  # seconds over torch's module, per call
CALLS = 10_000
CHUNK = 100  # the fastest chunks count: a neighbour's work falls on the others


class Permuted(nn.Module):
    """A module of torch for pictures with channels last."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Views before and after, no copies."""
        return self.module(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def pairs() -> dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Tensor]]:
    """A layer, the module, and what both take."""
    torch.manual_seed(0)
    rows, pictures = torch.randn(4, 8), torch.randn(1, 6, 6, 3)
    convolution = nn.Conv2d(3, 4, 3)
    # torch's type hints leave memory_format out.
    convolution.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return {
        "Dense": (layers.Dense(8), nn.Linear(8, 8), rows),
        "Conv2D": (layers.Conv2D(4, 3), Permuted(convolution), pictures),
        "MaxPooling2D": (layers.MaxPooling2D(), Permuted(nn.MaxPool2d(2)), pictures),
        "AveragePooling2D": (
            layers.AveragePooling2D(),
            Permuted(nn.AvgPool2d(2)),
            pictures,
        ),
        "BatchNormalization": (
            layers.BatchNormalization(),
            nn.BatchNorm1d(8),
            rows,
        ),
        "LayerNormalization": (layers.LayerNormalization(), nn.LayerNorm(8), rows),
        "Embedding": (layers.Embedding(9, 8), nn.Embedding(9, 8), torch.arange(4)),
        "Activation of relu": (layers.Activation("relu"), nn.ReLU(), rows),
        "Dropout": (layers.Dropout(0.5), nn.Dropout(0.5), rows),
        "Flatten": (layers.Flatten(), nn.Flatten(), rows),
        "Identity": (layers.Identity(), nn.Identity(), rows),
        "LSTM": (
            layers.LSTM(8),
            nn.LSTM(8, 8, batch_first=True),
            torch.randn(2, 3, 8),
        ),
    }


def seconds_of_calls(call: Callable[[Any], Any], x: Tensor, extra: float) -> float:
    """Of CALLS calls at the pace of the fastest chunk, with `extra` for each."""

    def chunk() -> None:
        for _ in range(CHUNK):
            call(x)

    fastest = min(seconds_of(chunk) for _ in range(CALLS // CHUNK))
    return fastest / CHUNK * CALLS + extra * CALLS


def run(rounds: int = 15) -> list[Comparison]:
    """One row for each pair: the time of 10,000 calls."""
    rows = []
    for name, (layer, module, x) in pairs().items():
        candidates = {
            "mica": partial(seconds_of_calls, layer, x, 0.0),
            "torch + 3 us": partial(seconds_of_calls, module, x, ALLOWED),
        }
        times = take_turns(candidates, rounds)
        title = f"{name}, {CALLS:,} calls"
        rows.append(compare(title, times, of="mica", to="torch + 3 us", limit=1.0))
    return rows
