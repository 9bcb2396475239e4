"""What `fit` costs beside a hand-written torch loop that executes the same plan.

Same network, same first weights, same fused optimizer, same layout, data in memory,
threads and allocator. Before anything is timed both run the same batches once, and
their weights must agree.
"""

from functools import partial

import torch
from torch import Tensor, nn

import mica
from benchmarks.measure import Comparison, compare, seconds_of, take_turns
from mica.engine import keep_freed_memory
from mica.layers import Conv2D, Dense, Flatten, MaxPooling2D

__all__ = ["run"]

LEARNING_RATE = 0.001
STEP = 0.1  # of gradient descent, for the proof
LOSS = "sparse_categorical_crossentropy"
EPSILON = 1e-7  # Keras's, and so Mica's
PROVEN = 128  # rows
RELATIVE, ABSOLUTE = 1e-3, 1e-5  # after some steps, in float32


def dense_model() -> mica.Sequential:
    """20-64-64-2, so small that almost only the loop is timed."""
    return mica.Sequential(
        mica.Input((20,)),
        Dense(64, activation="relu"),
        Dense(64, activation="relu"),
        Dense(2, activation="softmax"),
    )


def dense_network() -> nn.Module:
    """The same in torch's words, ending in logits."""
    return nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )


def convnet_model() -> mica.Sequential:
    """The 93,322-parameter network for 28 x 28 pictures."""
    return mica.Sequential(
        mica.Input((28, 28, 1)),
        Conv2D(32, 3, activation="relu"),
        MaxPooling2D(2),
        Conv2D(64, 3, activation="relu"),
        MaxPooling2D(2),
        Conv2D(64, 3, activation="relu"),
        Flatten(),
        Dense(64, activation="relu"),
        Dense(10, activation="softmax"),
    )


class ChannelsLastFlatten(nn.Module):
    """(batch, channels, height, width) to rows in (height, width, channels) order."""

    def forward(self, x: Tensor) -> Tensor:
        """A view: the memory already has this order."""
        return x.permute(0, 2, 3, 1).flatten(1)  # (B, H * W * C)


def convnet_network() -> nn.Module:
    """The same in torch's words, ending in logits."""
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), ChannelsLastFlatten(),
        nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    # torch's type hints leave memory_format out.
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class HandWritten:
    """The loop a careful engineer writes: whole-batch indexing, one fused optimizer."""

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network = network
        self.optimizer = optimizer

    def fit(
        self, x: Tensor, y: Tensor, batch_size: int, epochs: int, shuffle: bool
    ) -> list[float]:
        """Train; the loss is summed on the device and read once per epoch."""
        self.network.train()
        losses = []
        for _ in range(epochs):
            order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            total = torch.zeros(())
            for rows in order.split(batch_size):
                loss = nn.functional.cross_entropy(self.network(x[rows]), y[rows])
                loss.backward()
                self.optimizer.step()
                self.optimizer.zero_grad()
                total += loss.detach() * len(rows)
            losses.append(total.item() / len(x))
        return losses


def _same_weights(model: nn.Module, network: nn.Module) -> None:
    """Copy the model's parameters into the network, in order."""
    pairs = zip(model.parameters(), network.parameters(), strict=True)
    with torch.no_grad():
        for source, target in pairs:
            target.copy_(source)


def _agree(model: nn.Module, network: nn.Module) -> bool:
    pairs = zip(model.parameters(), network.parameters(), strict=True)
    return all(
        torch.allclose(ours, theirs, rtol=RELATIVE, atol=ABSOLUTE)
        for ours, theirs in pairs
    )


def time_in_turns(
    name: str,
    model: mica.Sequential,
    network: nn.Module,
    data: tuple[Tensor, Tensor],
    *,
    batch_size: int,
    epochs: int,
    rounds: int,
    limit: float,
) -> Comparison:
    """Prove that both do the same, then time them in turns."""
    x, y = data
    pictures = x.ndim == 4
    theirs = x.permute(0, 3, 1, 2) if pictures else x  # (B, C, H, W), no copy
    # Not a plan that is remembered from other runs: the loop computes in float32.
    fit = partial(model.fit, batch_size=batch_size, verbose=0, plan="eager")
    # A few steps of descent: more of them, or Adam's, turn a last digit into a whole
    # step where labels are random, in a loop by hand whose weights differ by 1e-8, too.
    _same_weights(model, network)
    model.compile(mica.optimizers.SGD(STEP), LOSS)
    loop = HandWritten(network, torch.optim.SGD(network.parameters(), STEP))
    fit(x[:PROVEN], y[:PROVEN], epochs=1, shuffle=False)
    loop.fit(theirs[:PROVEN], y[:PROVEN], batch_size, epochs=1, shuffle=False)
    if not _agree(model, network):
        raise RuntimeError(f"{name}: fit and the loop do not compute the same")
    model.compile(mica.optimizers.Adam(LEARNING_RATE), LOSS)
    adam = torch.optim.Adam(
        network.parameters(), LEARNING_RATE, eps=EPSILON, fused=True
    )
    loop = HandWritten(network, adam)
    candidates = {
        "fit": partial(seconds_of, partial(fit, x, y, epochs=epochs)),
        "loop": partial(
            seconds_of, partial(loop.fit, theirs, y, batch_size, epochs, shuffle=True)
        ),
    }
    times = take_turns(candidates, rounds)
    return compare(name, times, of="fit", to="loop", limit=limit)


def run(rounds: int = 15) -> list[Comparison]:
    """Both networks of the promise, on random data."""
    keep_freed_memory()
    torch.manual_seed(0)
    table = torch.randn(16_384, 20), torch.randint(2, (16_384,))
    pictures = torch.rand(4_096, 28, 28, 1), torch.randint(10, (4_096,))
    return [
        time_in_turns(
            "20-64-64-2, batch 32", dense_model(), dense_network(), table,
            batch_size=32, epochs=4, rounds=rounds, limit=1.05,
        ),
        time_in_turns(
            "convnet of 93,322, batch 64", convnet_model(), convnet_network(), pictures,
            batch_size=64, epochs=2, rounds=rounds, limit=1.02,
        ),
    ]  # fmt: skip
