"""What holds for every test and every example in a docstring: seeds, no network."""

import random
import socket

import pytest


@pytest.fixture(autouse=True)
def same_seed_for_every_test() -> None:
    """Let no example and no test depend on what ran before it."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test reach this machine only."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: object) -> None:
        inside = self.family not in (socket.AF_INET, socket.AF_INET6)
        if not inside and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test may not reach the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """Keep what a test caches out of the user's folders."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
