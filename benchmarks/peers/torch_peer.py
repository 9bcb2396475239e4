"""Hand-written torch loops: as most people write them, and tuned by hand."""

import ctypes

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.torch_networks import loss_of, make_network, tensors

__all__ = ["LIBRARIES", "train"]

LIBRARIES = ("torch", "numpy")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
KEPT = 2**30


def _plain(network: nn.Module, x, y, batch_size: int, gate) -> None:
    """A DataLoader, Adam, and the three lines of the tutorials."""
    loader = DataLoader(TensorDataset(x, y), batch_size, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(gate.epochs):
        gate.begin()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_of(network(inputs), targets)
            loss.backward()
            optimizer.step()
        gate.end()


def _tuned(network: nn.Module, x, y, batch_size: int, gate, *, mixed: bool) -> None:
    """Whole-batch indexing, channels last, fused Adam, memory kept, bfloat16."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(MMAP_THRESHOLD, KEPT)
        libc.mallopt(TRIM_THRESHOLD, KEPT)
    if x.ndim == 4:
        network = network.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    for _ in range(gate.epochs):
        gate.begin()
        for rows in torch.randperm(len(x)).split(batch_size):
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                output = network(x[rows])
            loss = loss_of(output.float(), y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        gate.end()


def train(workload, variant: str, threads: int, gate) -> None:
    """Train until the gate closes."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network, data = make_network(workload.name), tensors(*workload.data())
    if variant == "plain":
        _plain(network, *data, workload.batch_size, gate)
    else:
        mixed = variant == "bfloat16"
        _tuned(network, *data, workload.batch_size, gate, mixed=mixed)
