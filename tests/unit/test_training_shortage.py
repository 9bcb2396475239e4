"""Memory that runs out: a sentence with the batch that fits, and nothing lost."""

import re
import sys

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.engine import eager_plan, free_memory_bytes, is_out_of_memory
from mica.errors import MicaError, OutOfMemoryError
from mica.plan import predict_memory
from mica.plan.memory import SPARED, advise_batch
from mica.training import Need, install_memory_adviser
from mica.training.shortage import shortage

MEMORY = sys.modules["mica.plan.memory"]
TOO_MUCH = 2**50  # bytes that no machine has


class Greedy(nn.Module):
    """Asks torch for more than there is, for more rows than it is told."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        if len(x) > self.most:
            torch.empty(TOO_MUCH, dtype=torch.uint8, device=x.device)
        return x


def model_of(most=40):
    model = mica.Sequential(
        mica.Input((10,)),
        mica.layers.Dense(500, activation="relu"),
        Greedy(most),
        mica.layers.Dense(1),
    )
    model.compile("adam", "mse")
    return model


def rows(count=64):
    return np.random.rand(count, 10).astype("float32"), np.random.rand(count, 1)


@pytest.fixture(autouse=True)
def one_adviser():
    yield
    install_memory_adviser(advise_batch)


def test_torch_s_own_errors_are_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(TOO_MUCH, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize(
    ("need", "size", "sentence"),
    [
        (
            Need(3.21e9, 1.5e9, 29),
            64,
            "fit: expected a step that fits into memory, got a batch of 64 rows that "
            "needs about 3.2 GB where 1.5 GB are free. Use batch_size=29, the largest "
            "that fits, or less. The weights are as the steps before left them.",
        ),
        (
            Need(3e6, 2e6, 90),  # the rest of the process needs memory, too
            64,
            "fit: expected a step that fits into memory, got a batch of 64 rows that "
            "needs about 3.0 MB where 2.0 MB are free. Use batch_size=32 or less. The "
            "weights are as the steps before left them.",
        ),
        (
            Need(3e6, 2e6, 0),
            64,
            "fit: expected a step that fits into memory, got a batch of 64 rows that "
            "needs about 3.0 MB where 2.0 MB are free. Not even one row fits: make the "
            "model or its inputs smaller. The weights are as the steps before left "
            "them.",
        ),
        (
            None,
            64,
            "fit: expected a step that fits into memory, got a batch of 64 rows that "
            "does not. Use batch_size=32 or less. The weights are as the steps before "
            "left them.",
        ),
    ],
    ids=["fits", "half", "none", "unknown"],
)
def test_fit_says_which_batch_fits(need, size, sentence):
    install_memory_adviser(lambda *given: need)
    with pytest.raises(OutOfMemoryError, match=f"^{re.escape(sentence)}$"):
        model_of().fit(*rows(), batch_size=size, epochs=1, verbose=0)


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_predicting_says_it_too(verb):
    install_memory_adviser(lambda *given: Need(2e9, 1e9, 8))
    sentence = (
        f"{verb}: expected a step that fits into memory, got a batch of 64 rows that "
        "needs about 2.0 GB where 1.0 GB are free. Use batch_size=8, the largest that "
        "fits, or less."
    )
    x, y = rows()
    given = (x,) if verb == "predict" else (x, y)
    with pytest.raises(OutOfMemoryError, match=f"^{re.escape(sentence)}$"):
        getattr(model_of(), verb)(*given, batch_size=64, verbose=0)


def test_one_row_that_does_not_fit():
    install_memory_adviser(lambda *given: None)
    sentence = (
        "predict: expected a step that fits into memory, got a batch of 1 rows that "
        "does not. Not even one row fits: make the model or its inputs smaller."
    )
    with pytest.raises(OutOfMemoryError, match=f"^{re.escape(sentence)}$"):
        model_of(most=0).predict(rows(1)[0], batch_size=1)


def test_it_is_an_error_of_ours_and_of_python_s():
    assert issubclass(OutOfMemoryError, MicaError)
    assert issubclass(OutOfMemoryError, MemoryError)


def test_the_advice_comes_from_small_batches(monkeypatch):
    monkeypatch.setattr(MEMORY, "free_memory_bytes", lambda device: 10**6)
    model, data = model_of(), rows()
    need = predict_memory(model, data, batch_size=64)
    usable = SPARED * 10**6 + need.parameters  # the moments are not made yet
    expected = need.largest_batch(usable)
    assert 0 < expected < 1000
    model = model_of(most=expected)
    big = rows(4 * expected)
    with pytest.raises(OutOfMemoryError) as caught:
        model.fit(*big, batch_size=2 * expected, epochs=1, verbose=0)
    assert f"Use batch_size={expected}, the largest that fits" in str(caught.value)
    # The advice is right: that batch is learned from.
    model.fit(*big, batch_size=expected, epochs=1, verbose=0)


def test_nothing_is_lost():
    x, y = rows(200)
    model = model_of(most=40)
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    moments = [
        value.clone()
        for state in model.session.updater.optimizer.state.values()
        for value in state.values()
    ]
    random = torch.get_rng_state()
    with pytest.raises(OutOfMemoryError):
        model.fit(x, y, batch_size=64, epochs=1, verbose=0, shuffle=False)
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    now = [
        value
        for state in model.session.updater.optimizer.state.values()
        for value in state.values()
    ]
    assert all(torch.equal(a, b) for a, b in zip(moments, now, strict=True))
    assert random.shape == torch.get_rng_state().shape
    assert all(each.grad is None for each in model.parameters())
    assert not model.training
    history = model.fit(x, y, batch_size=32, epochs=1, verbose=0)  # and on it goes
    assert len(history.epoch) == 1


def test_steps_before_count(capsys):
    class Later(nn.Module):
        """Has enough memory for three steps."""

        def __init__(self):
            super().__init__()
            self.steps = 0

        def forward(self, x):
            self.steps += self.training
            if self.steps > 3:
                torch.empty(TOO_MUCH, dtype=torch.uint8, device=x.device)
            return x

    model = mica.Sequential(mica.Input((10,)), mica.layers.Dense(1), Later())
    model.compile("sgd", "mse")
    before = model.layers[0].weight.detach().clone()
    with pytest.raises(OutOfMemoryError):
        model.fit(*rows(), batch_size=8, epochs=1, verbose=0)
    assert not torch.equal(before, model.layers[0].weight)
    assert torch.isfinite(model.layers[0].weight).all()


def test_an_adviser_that_fails_is_no_matter():
    def fails(*given):
        raise RuntimeError("out of memory again")

    install_memory_adviser(fails)
    with pytest.raises(OutOfMemoryError, match=r"Use batch_size=32 or less\."):
        model_of().fit(*rows(), batch_size=64, epochs=1, verbose=0)


def test_other_errors_pass():
    with (
        pytest.raises(RuntimeError, match=r"^of another kind$"),
        shortage(None, None, eager_plan("cpu"), 8),
    ):
        raise RuntimeError("of another kind")


def test_nobody_tells_how_much_there_is(monkeypatch):
    monkeypatch.setattr(MEMORY, "free_memory_bytes", lambda device: None)
    model = model_of()
    source = mica.data.as_source(*rows())
    assert advise_batch(model.session, source, eager_plan("cpu"), 64, True) is None


def test_memory_of_the_machine_and_of_its_container(tmp_path):
    assert free_memory_bytes(root=str(tmp_path)) is None
    proc, group = tmp_path / "proc", tmp_path / "sys/fs/cgroup"
    proc.mkdir()
    group.mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2000 kB\n")
    assert free_memory_bytes(root=str(tmp_path)) == 2000 * 1024
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("5\n")
    assert free_memory_bytes(root=str(tmp_path)) == 2000 * 1024
    (group / "memory.max").write_text("1000\n")
    assert free_memory_bytes(root=str(tmp_path)) == 995
    (group / "memory.current").write_text("5000\n")
    assert free_memory_bytes(root=str(tmp_path)) == 0
