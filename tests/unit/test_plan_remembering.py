"""Remembered plans: found again in the same situation, and in no other."""

import json

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.engine import ExecutionPlan, cache_folder, eager_plan
from mica.plan import forget_plans, remembering
from mica.plan.remembering import key_of, recall_plan, remember_plan

EAGER = eager_plan("cpu")
MIXED = ExecutionPlan(torch.device("cpu"), precision="bfloat16", threads=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget_plans()
    yield tmp_path / "mica" / "plans"
    remembering._recalled.clear()


def a_key(*, units=3, rows=4, dtype=torch.float32, optimizer="adam", eager=EAGER):
    model = nn.Linear(2, units)
    x = torch.zeros(rows, 2, dtype=dtype)
    built = mica.optimizers.get_optimizer(optimizer).build(list(model.parameters()))
    return key_of(model, Batch(x, x, None, rows), None, built, eager)


def test_the_same_situation_has_the_same_key():
    assert a_key() == a_key()


@pytest.mark.parametrize(
    "change",
    [
        {"units": 4},
        {"rows": 5},
        {"dtype": torch.float64},
        {"optimizer": "sgd"},
        {"eager": MIXED},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_situation_has_another_key(change):
    assert a_key() != a_key(**change)


def test_other_layers_of_the_same_weights_have_another_key():
    x = torch.zeros(1, 2)
    batch = Batch(x, x, None, 1)
    models = [nn.Sequential(nn.Linear(2, 2), part()) for part in (nn.ReLU, nn.Tanh)]
    one, two = (key_of(model, batch, None, None, EAGER) for model in models)
    assert one != two


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (layers.Dropout(0.1), layers.Dropout(0.2)),
        (layers.MaxPooling2D(2), layers.MaxPooling2D(3)),
        (nn.Dropout(0.1), nn.Dropout(0.2)),
    ],
    ids=lambda part: type(part).__module__,
)
def test_other_settings_of_a_layer_have_another_key(one, two):
    x = torch.zeros(1, 2)
    batch = Batch(x, x, None, 1)
    first, second = (key_of(part, batch, None, None, EAGER) for part in (one, two))
    assert first != second


def key_of_loss(loss):
    model = mica.Sequential(mica.Input((2,)), layers.Dense(3, activation="softmax"))
    model.compile("sgd", loss)
    x, y = torch.zeros(4, 2), torch.full((4, 3), 1 / 3)
    model.fit(x, y, epochs=1, verbose=0)
    objective = model.session.objective
    return key_of(model, Batch(x, y, None, 4), objective, None, EAGER)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            mica.losses.CategoricalCrossentropy(label_smoothing=0.1),
            mica.losses.CategoricalCrossentropy(label_smoothing=0.2),
        ),
        (mica.losses.Huber(delta=1.0), mica.losses.Huber(delta=2.0)),
        (mica.losses.Huber(), mica.losses.MeanSquaredError()),
    ],
    ids=["smoothing", "delta", "class"],
)
def test_other_settings_of_a_loss_have_another_key(one, two):
    assert key_of_loss(one) == key_of_loss(one)
    assert key_of_loss(one) != key_of_loss(two)


def test_a_loss_that_is_a_function_has_a_key():
    assert key_of_loss(lambda prediction, target: (prediction - target).mean())


def test_frozen_weights_have_another_key():
    x = torch.zeros(1, 2)
    batch, model = Batch(x, x, None, 1), nn.Linear(2, 2)
    before = key_of(model, batch, None, None, EAGER)
    model.weight.requires_grad_(False)
    assert key_of(model, batch, None, None, EAGER) != before


def test_a_plan_is_found_by_the_next_process():
    remember_plan("some", MIXED, 0.25)
    remembering._recalled.clear()  # as a new process has it
    found = recall_plan("some", EAGER)
    assert found is not None
    plan, seconds = found
    assert (plan.precision, plan.threads, seconds) == ("bfloat16", 1, 0.25)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"text"',
        "{}",
        '{"format": 0}',
        json.dumps({"format": remembering.FORMAT, "precision": "bfloat16"}),
        json.dumps(
            {
                "format": remembering.FORMAT,
                "precision": "int3",
                "capture": "eager",
                "threads": 1,
                "seconds": 1,
            }
        ),
        json.dumps(
            {
                "format": remembering.FORMAT,
                "precision": "float32",
                "capture": "eager",
                "threads": -1,
                "seconds": 1,
            }
        ),
        json.dumps(
            {
                "format": remembering.FORMAT,
                "precision": ["float32"],
                "capture": "eager",
                "threads": 1,
                "seconds": None,
            }
        ),
        "\x00\x01\x02",
    ],
)
def test_a_damaged_or_foreign_file_is_not_read(cache, text):
    cache.mkdir(parents=True)
    (cache / "some.json").write_text(text, encoding="utf-8")
    assert recall_plan("some", EAGER) is None


def test_a_file_that_is_not_text_is_not_read(cache):
    cache.mkdir(parents=True)
    (cache / "some.json").write_bytes(b"\xff\xfe\x00")
    assert recall_plan("some", EAGER) is None


def test_a_folder_that_cannot_be_written_is_no_matter(tmp_path, monkeypatch):
    place = tmp_path / "file"
    place.write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    remember_plan("some", MIXED, 0.25)
    found = recall_plan("some", EAGER)  # this process still knows
    assert found is not None
    assert found[1] == 0.25


def test_forgotten_plans_are_gone_from_the_disk(cache):
    remember_plan("some", MIXED, 0.25)
    assert [path.name for path in cache.iterdir()] == ["some.json"]
    forget_plans()
    assert list(cache.iterdir()) == []
    assert recall_plan("some", EAGER) is None


def test_the_cache_is_in_the_folder_of_the_user(tmp_path):
    assert cache_folder("plans") == tmp_path / "mica" / "plans"


def test_without_a_setting_the_cache_is_in_the_home(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "mica"


def test_a_model_of_mica_has_a_key():
    model = mica.Sequential(mica.Input((2,)), layers.Dense(1))
    x = torch.zeros(3, 2)
    assert len(key_of(model, Batch(x, x, None, 3), None, None, EAGER)) == 32
