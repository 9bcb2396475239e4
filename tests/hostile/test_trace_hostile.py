"""Walks that cannot be: a whole sentence each; and names that attack the page."""

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.errors import CheckpointError, ConfigError
from mica.trace import verify_model, walk

LINEAR = nn.Linear(2, 1)
X, Y = [[1.0, 2.0]], [[0.5]]


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


CANNOT = {
    "no loss": (
        lambda: walk(LINEAR, X, Y),
        "walk: expected a loss to compare the targets with, got none. Give loss=..., "
        'such as loss="mse", or compile the model.',
    ),
    "no targets": (
        lambda: walk(LINEAR, X, loss="mse"),
        "walk: expected targets for the loss, got none. Give y, or leave the loss out "
        "to predict only.",
    ),
    "words": (
        lambda: walk(LINEAR, [["a", "b"]]),
        "walk: expected arrays of numbers, got list (its numbers are of type <U1). "
        "Encode words as numbers first.",
    ),
    "an unknown step": (
        lambda: walk(LINEAR, X).step("admm"),
        "walk: expected the name of a step, got 'admm'. Did you mean 'addmm'?",
    ),
    "an unknown weight": (
        lambda: walk(LINEAR, X).weight("wieght"),
        "walk: expected the name of a weight, got 'wieght'. Did you mean 'weight'?",
    ),
    "a place outside": (
        lambda: walk(LINEAR, X, Y, loss="mse").follow("weight", 0, 7),
        "follow: expected a place within the shape (1, 2) of 'weight', got (0, 7). "
        "Count from 0.",
    ),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_walked_is_said_in_one_sentence(what):
    attempt, sentence = CANNOT[what]
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        attempt()


def test_a_model_that_torch_cannot_export_says_so():
    with pytest.raises(ConfigError) as caught:
        walk(Branching(), X)
    start = "walk: expected a model that torch can export as one graph, got "
    end = (
        ". Replace what depends on the values of tensors by tensor operations, such as "
        "torch.where."
    )
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(end)


def test_a_folder_is_no_page(tmp_path):
    sentence = (
        f"page: expected the name of a file, got the folder {str(tmp_path)!r}. Add a "
        'name, such as "walk.html".'
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        walk(LINEAR, X).page(tmp_path)


def test_a_loss_that_is_not_finite_leaves_the_values_to_be_seen():
    one = walk(LINEAR, [[float("inf"), 1.0]], Y, loss="mse")
    assert not np.isfinite(one.loss)
    (finding,) = one.findings()
    assert finding.fact == "The loss is not a finite number, so nothing flows back."
    assert one.weight("weight").gradient is None


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_a_hostile_layer_name_cannot_act_in_the_page(tmp_path):
    network = nn.Sequential()
    network.add_module(EVIL, nn.Linear(2, 1))
    network.name = EVIL
    page = walk(network, X, Y, loss="mse").page(tmp_path / "walk.html").read_text()
    assert page.count("<script") == 2
    assert "<img" not in page
    start = page.index('id="walk">') + len('id="walk">')
    data = json.loads(page[start : page.index("</script>", start)])
    assert EVIL in data["title"]
    assert data["weights"][0]["name"] == f"{EVIL}.weight"


def test_a_damaged_file_is_not_verified(tmp_path):
    path = tmp_path / "model.mica"
    path.write_bytes(b"not a model")
    with pytest.raises(CheckpointError):
        verify_model(path)


class Own(mica.Model):
    def forward(self, x):
        return x


def test_a_model_that_never_saw_data_cannot_be_verified(monkeypatch):
    monkeypatch.setattr("mica.trace.verify.load_model", lambda path: Own())
    sentence = (
        "verify: expected a model that knows its inputs, got one that never saw any. "
        "Call it once before it is saved."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        verify_model("model.mica")


def test_a_walk_leaves_model_and_random_numbers_as_they_were():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    walk(network, torch.ones(4, 2), torch.ones(4, 3), loss="mse")
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(weight.grad is None for weight in network.parameters())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
