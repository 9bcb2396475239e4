"""Workloads: what every framework trains in the same run; NumPy only.

Each framework lives in an environment of its own, so this file and those in
`benchmarks/peers` import nothing of Mica's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["WORKLOADS", "Workload"]

Data = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Workload:
    """One network on random data; the networks themselves are in `peers`.

    Samples are chosen so that an epoch takes about a second on two cores.
    """

    name: str
    what: str
    batch_size: int
    samples: int
    draw: Callable[[np.random.Generator, int], Data]
    auto: float | None = None  # promised: times the best peer, any precision
    float32: float | None = None  # promised: times the best peer, both in float32
    against: str = ""  # the peer that the promises speak of; "" for the best one

    def data(self) -> Data:
        """Inputs and labels, the same for every framework."""
        return self.draw(np.random.default_rng(0), self.samples)


def _pictures(size: int, channels: int, classes: int):
    """Half of a picture is the pattern of its class, half is noise.

    Of labels that nothing tells of, the gradient is what is left of sums that cancel.
    No bfloat16 keeps its direction, real pictures' it does, and a plan has to prove so.
    """

    def draw(generator: np.random.Generator, samples: int) -> Data:
        y = generator.integers(0, classes, samples)
        patterns = generator.random((classes, size, size, channels), dtype=np.float32)
        noise = generator.random((samples, size, size, channels), dtype=np.float32)
        return (patterns[y] + noise) / 2, y

    return draw


def _rows(features: int, classes: int):
    def draw(generator: np.random.Generator, samples: int) -> Data:
        x = generator.standard_normal((samples, features), dtype=np.float32)
        return x, generator.integers(0, classes, samples)

    return draw


def _tokens(vocabulary: int, steps: int, classes: int):
    def draw(generator: np.random.Generator, samples: int) -> Data:
        x = generator.integers(0, vocabulary, (samples, steps))
        return x, generator.integers(0, classes, samples)

    return draw


def _text(vocabulary: int, steps: int):
    def draw(generator: np.random.Generator, samples: int) -> Data:
        text = generator.integers(0, vocabulary, (samples, steps + 1))
        return text[:, :-1].copy(), text[:, 1:].copy()

    return draw


def _weather(steps: int, features: int):
    def draw(generator: np.random.Generator, samples: int) -> Data:
        x = generator.standard_normal((samples, steps, features), dtype=np.float32)
        return x, generator.standard_normal((samples, 1), dtype=np.float32)

    return draw


WORKLOADS = {
    each.name: each
    for each in (
        Workload(
            "tiny", "20-64-64-2, batch 32", 32, 16_384, _rows(20, 2),
            auto=2.0, float32=2.0, against="torch-plain",
        ),
        Workload(
            "mlp", "784-512-10, batch 128", 128, 32_768, _rows(784, 10),
            auto=1.5, float32=1.1,
        ),
        Workload(
            "cnn", "28 x 28 x 1, convolutions 32-64-64, dense 64-10, batch 64",
            64, 4_096, _pictures(28, 1, 10), auto=2.4, float32=1.4,
        ),
        Workload(
            "cats", "150 x 150 x 3, convolutions 32-64-128-128, dense 512-2, batch 32",
            32, 64, _pictures(150, 3, 2), auto=2.6, float32=1.2,
        ),
        Workload(
            "lstm", "10,000 words, 500 steps, embedding 32, LSTM 32, batch 128",
            128, 512, _tokens(10_000, 500, 2), auto=3.5, float32=2.0,
        ),
        Workload(
            "transformer",
            "10,000 words, 200 steps, width 256, 4 heads, feed-forward 1024, 2 blocks, "
            "batch 32",
            32, 96, _tokens(10_000, 200, 2), auto=2.0, float32=1.1,
        ),
        Workload(
            "resnet8", "ResNet-8 of MLPerf Tiny, 32 x 32 x 3, batch 32",
            32, 1_024, _pictures(32, 3, 10),
        ),
        Workload(
            "char-gpt", "GPT of 6 layers, width 384, 256 characters, batch 8",
            8, 16, _text(65, 256),
        ),
        Workload(
            "jena-gru", "120 hours of 14 measurements, GRU 32, batch 256",
            256, 4_096, _weather(120, 14),
        ),
    )
}  # fmt: skip
