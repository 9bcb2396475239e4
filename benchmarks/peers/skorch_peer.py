"""skorch, with scikit-learn's face."""

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from benchmarks.peers.torch_networks import loss_of, make_network, tensors

__all__ = ["LIBRARIES", "train"]

LIBRARIES = ("skorch", "torch", "numpy")


class Loss(torch.nn.Module):
    """The workload's loss as a criterion."""

    def forward(self, output, target):
        return loss_of(output, target)


class Waiting(Callback):
    """Stops before each epoch."""

    def __init__(self, gate) -> None:
        self.gate = gate

    def on_epoch_begin(self, net, **_) -> None:
        self.gate.begin()

    def on_epoch_end(self, net, **_) -> None:
        self.gate.end()


def train(workload, _variant: str, threads: int, gate) -> None:
    """Train until the gate closes."""
    torch.set_num_threads(threads)
    x, y = tensors(*workload.data())
    net = NeuralNet(
        make_network(workload.name),
        Loss,
        optimizer=torch.optim.Adam,
        lr=0.001,
        batch_size=workload.batch_size,
        max_epochs=gate.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[Waiting(gate)],
        verbose=0,
    )
    net.fit(x, y)
