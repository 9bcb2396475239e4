"""What conftest promises to every test holds."""

import random
import socket
import sys

import numpy as np
import pytest
import torch


@pytest.mark.parametrize("run", [0, 1])
def test_every_test_starts_from_the_same_random_state(run):
    assert random.random() == random.Random(0).random()
    assert np.random.rand() == np.random.RandomState(0).rand()
    assert torch.rand(()) == torch.rand((), generator=torch.Generator().manual_seed(0))


def test_the_network_is_out_of_reach():
    with socket.socket() as outside, pytest.raises(AssertionError, match="network"):
        outside.connect(("192.0.2.1", 80))


def test_this_machine_is_in_reach():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())


def _hooked() -> bool:
    return any("jaxtyping" in type(finder).__module__ for finder in sys.meta_path)


def test_shapes_are_checked_at_run_time(request):
    assert _hooked() is not request.config.getoption("--no-shape-checks")


@pytest.mark.untyped
def test_a_test_marked_untyped_runs_without_shape_checks():
    assert not _hooked()
