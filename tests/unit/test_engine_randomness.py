"""Randomness: seeds, streams, and the way back."""

import itertools
import os
import random
import re

import numpy as np
import pytest
import torch

from mica.engine.randomness import (
    deterministic_scope,
    draw_seed,
    fork_generator,
    random_state,
    restore_random_state,
    set_deterministic,
    set_seed,
)
from mica.errors import ConfigError


@pytest.fixture(autouse=True)
def put_back():
    yield
    set_deterministic(False)


def draws() -> tuple:
    return random.random(), np.random.rand(), torch.rand(2).tolist()


def test_a_seed_decides_what_torch_numpy_and_python_draw():
    set_seed(3)
    first = draws()
    set_seed(3)
    assert draws() == first
    set_seed(4)
    assert all(one != other for one, other in zip(draws(), first, strict=True))


@pytest.mark.parametrize("seed", [0, 2**32, 2**63 - 1])
def test_a_seed_may_be_any_number_torch_takes(seed):
    set_seed(seed)
    assert torch.initial_seed() == seed


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1", None])
def test_any_other_seed_is_refused(seed):
    sentence = (
        f"set_seed: expected a seed from 0 to 2**63 - 1, got {seed!r}. "
        "Any whole number in that range does."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        set_seed(seed)


def test_a_drawn_seed_follows_from_the_seed_and_moves_on():
    set_seed(5)
    first, second = draw_seed(), draw_seed()
    set_seed(5)
    assert (draw_seed(), draw_seed()) == (first, second)
    assert first != second
    set_seed(first)


def test_a_forked_generator_repeats_itself_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first = torch.rand(4, generator=fork_generator(1, "shuffle", 2))
    assert torch.equal(first, torch.rand(4, generator=fork_generator(1, "shuffle", 2)))
    assert torch.equal(before, torch.get_rng_state())


def test_the_stream_of_a_name_stays_the_same_between_versions():
    # printf '[0, "shuffle", 1]' | sha256sum, its first 16 digits halved.
    assert fork_generator(0, "shuffle", 1).initial_seed() == 2339764639436540987


STREAMS = [(0,), (1,), (0, 0), (0, 1), (0, "1"), (0, "a", "b"), (0, "ab"), (0, 1, 2)]


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(STREAMS, 2)])
def test_different_names_are_different_streams(one, other):
    first, second = (fork_generator(seed, *name) for seed, *name in (one, other))
    assert not torch.equal(
        torch.rand(8, generator=first), torch.rand(8, generator=second)
    )


def test_streams_of_neighbouring_epochs_are_not_correlated():
    rows = [
        torch.randn(1000, generator=fork_generator(0, epoch)) for epoch in range(50)
    ]
    correlation = torch.corrcoef(torch.stack(rows)).fill_diagonal_(0)
    # 1,225 pairs of 1,000 draws: the largest of them is below five standard errors.
    assert correlation.abs().max() < 5 / 1000**0.5


@pytest.mark.parametrize("part", [1.5, None, True, ("a",)])
def test_a_stream_is_named_by_words_and_whole_numbers(part):
    sentence = (
        f"fork_generator: expected words and whole numbers to name a stream, got "
        f"{part!r}. Write it as a string."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        fork_generator(0, "noise", part)


def test_a_forked_generator_checks_its_seed():
    with pytest.raises(ConfigError, match=r"^fork_generator: expected a seed from 0"):
        fork_generator(-1)


def test_the_state_is_put_back():
    state = random_state()
    first = torch.rand(3)
    assert restore_random_state(state) == ()
    assert torch.equal(torch.rand(3), first)


def test_the_state_of_an_absent_gpu_is_told_not_lost_silently(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    state = {**random_state(), "cuda:7": torch.zeros(16, dtype=torch.uint8)}
    assert restore_random_state(state)[-1] == "cuda:7"


def test_the_state_of_every_gpu_is_taken_and_put_back(monkeypatch):
    taken = [torch.tensor([1], dtype=torch.uint8), torch.tensor([2], dtype=torch.uint8)]
    put_back = {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: taken)
    monkeypatch.setattr(
        torch.cuda,
        "set_rng_state",
        lambda tensor, name: put_back.update({name: tensor.item()}),
    )
    state = random_state()
    assert list(state) == ["cpu", "cuda:0", "cuda:1"]
    assert restore_random_state(state) == ()
    assert put_back == {"cuda:0": 1, "cuda:1": 2}


def test_a_state_without_the_processor_is_refused():
    sentence = (
        "restore_random_state: expected the state of 'cpu', got ['cuda:0']. "
        "Pass what random_state() returned."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        restore_random_state({"cuda:0": torch.zeros(1)})


def test_determinism_is_switched_on_with_the_seed_and_off_again(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    set_seed(1, deterministic=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.deterministic
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    set_seed(2)
    assert torch.are_deterministic_algorithms_enabled()
    set_deterministic(False)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.deterministic
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_determinism_leaves_the_user_s_workspace_as_it_is(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    set_deterministic(True)
    set_deterministic(True)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"
    set_deterministic(False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_a_deterministic_scope_ends_even_after_an_error(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)

    @deterministic_scope()
    def fail() -> None:
        raise RuntimeError(f"benchmark {torch.backends.cudnn.benchmark}")

    with pytest.raises(RuntimeError, match=r"^benchmark False$"):
        fail()
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark


def test_a_deterministic_scope_inside_determinism_leaves_it_on():
    set_deterministic(True)
    with deterministic_scope():
        pass
    assert torch.are_deterministic_algorithms_enabled()
