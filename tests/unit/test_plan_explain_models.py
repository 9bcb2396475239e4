"""Explain on unusual models: whatever predicts or learns has rows and a roofline."""

import re

import pytest
import torch
from torch import fx, nn

import mica
from mica.errors import ConfigError
from mica.plan import Limits, explain

HIGH = Limits(
    "cpu", 1, {"float32": 1e15, "bfloat16": 1e15}, ((1, 1e15),), 5e-6, 1e-9
)  # no layer is above them
X = torch.rand(16, 4)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def quick(model, data=X, **options):
    return explain(model, data, batch_size=8, seconds=0.01, limits=HIGH, **options)


class Named(nn.Module):
    """Two heads, by name."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 2), nn.Linear(4, 1)

    def forward(self, x):
        return {"one": self.one(x), "two": self.two(x)}


class Ragged(nn.Module):
    """Outputs of which some are nothing."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 2)

    def forward(self, x):
        return self.dense(x), None, [x]


class Block(nn.Module):
    """A residual block with a weight of its own beside its layers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.norm, self.drop = nn.BatchNorm2d(8), nn.Identity()
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x):
        return x + self.drop(self.scale * self.norm(self.conv(x)))


class Network(nn.Module):
    """Stages in a list, a head in a dict, features in a method."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.stages = nn.ModuleList([nn.Sequential(Block(), Block())])
        pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.ModuleDict({"pool": pool, "dense": nn.Linear(8, 5)})

    def forward_features(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return x

    def forward(self, x):
        return self.head["dense"](
            self.head["pool"](self.forward_features(x)).flatten(1)
        )


class Steps(nn.Module):
    """One cell, called once for each step."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 5)

    def forward(self, x):
        state = x.new_zeros(len(x), 5)
        for _ in range(3):
            state = self.cell(x, state)
        return state


PICTURES = torch.rand(8, 3, 8, 8)
SHARED = nn.Linear(4, 4)


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        (nn.ReLU(), X, {"ReLU"}),
        (nn.Linear(4, 2), X, {"Linear"}),
        (nn.LSTM(4, 3, batch_first=True), torch.rand(8, 5, 4), {"LSTM"}),
        (nn.Sequential(), X, set()),
        (nn.Sequential(SHARED, nn.ReLU(), SHARED), X, {"0", "1"}),
        (Named(), X, {"one", "two"}),
        (Ragged(), X, {"dense"}),
        (Network(), PICTURES, {"stem", "stages.0.1.conv", "head.dense"}),
        (Steps(), X, {"cell"}),
        (fx.symbolic_trace(nn.Sequential(nn.Linear(4, 2))), X, {"0"}),
        (torch.compile(nn.Linear(4, 2), backend="eager"), X, {"_orig_mod"}),
        (nn.Linear(4, 2), X[:1], {"Linear"}),
    ],
    ids=[
        "no weights",
        "one layer",
        "recurrent layer of torch",
        "nothing",
        "shared layer",
        "dict",
        "none",
        "blocks",
        "cell",
        "traced by torch",
        "compiled by torch",
        "one row",
    ],
)
def test_predictions_of_unusual_models(model, data, expected, tmp_path):
    found = quick(model, data)
    assert not found.trains
    assert expected <= {row.name for row in found.rows}
    found.plot(tmp_path / "roofline.png")
    assert (tmp_path / "roofline.png").stat().st_size > 0
    assert "samples/s" in str(found)


@pytest.mark.parametrize(
    ("model", "y", "loss", "expected"),
    [
        (nn.Sequential(SHARED, nn.ReLU(), SHARED), X, "mse", {"0", "1"}),
        (
            Named(),
            {"one": torch.zeros(16, 2), "two": torch.zeros(16, 1)},
            {"one": "mse", "two": "mae"},
            {"one", "two"},
        ),
    ],
    ids=["shared layer", "dict"],
)
def test_steps_of_unusual_models(model, y, loss, expected):
    found = quick(model, (X, y), loss=loss)
    assert found.trains
    assert {*expected, "loss", "optimizer"} <= {row.name for row in found.rows}


def test_a_network_in_the_manner_of_torch_learns():
    labels = torch.arange(8) % 5
    found = quick(Network(), (PICTURES, labels), loss=nn.CrossEntropyLoss())
    assert found.trains
    assert "stages.0.0.norm" in {row.name for row in found.rows}


@pytest.mark.parametrize(
    "model",
    [nn.ReLU(), nn.Linear(4, 4).requires_grad_(False)],
    ids=["none", "frozen"],
)
def test_without_weights_to_train_it_is_prediction_alone(model):
    found = quick(model, (X, X), loss="mse")
    assert not found.trains
    facts = [remark.fact for remark in found.remarks]
    assert "There are no weights to train: this is prediction alone." in facts


def test_a_frozen_model_of_mica_is_prediction_alone():
    model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(4))
    model.trainable = False
    model.compile("adam", "mse")
    assert not quick(model, (X, X)).trains


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0"),
        (-1.5, "-1.5"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (True, "True"),
        ("2", "'2'"),
        (None, "None"),
    ],
)
def test_no_time_to_measure(seconds, shown):
    said = (
        f"explain: expected seconds above 0, got {shown}. 2 is enough for most models."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        explain(nn.Linear(4, 2), X, seconds=seconds, limits=HIGH)
