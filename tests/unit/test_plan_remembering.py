"""Remembered plans: found again in the same situation, and in no other."""

import dataclasses
import functools
import json

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.engine import ExecutionPlan, cache_folder, eager_plan, precision_scope
from mica.plan import describing, forget_plans, remembering
from mica.plan.describing import described
from mica.plan.remembering import key_of, recall_plan, remember_plan
from mica.training import Objective
from mica.training.updating import Updater

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


# The key is honest: what changes the work or the choice changes it.


def key_with(*, optimizer="adam", loss="mse", model=None, metrics=None):
    torch.manual_seed(0)
    model = nn.Linear(2, 3) if model is None else model
    updater = Updater(optimizer, list(model.parameters()))
    x, y = torch.zeros(4, 2), torch.zeros(4, 3)
    objective = Objective(loss, metrics=metrics)
    objective.bind(model, x, y)
    return key_of(model, Batch(x, y, None, 4), objective, updater, EAGER)


def test_float32_that_was_asked_for_is_not_float32_by_habit():
    with precision_scope(None):
        free = key_with()
    with precision_scope("float32"):
        assert key_with() != free


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (mica.optimizers.SGD(0.1), mica.optimizers.SGD(0.1, momentum=0.9)),
        (mica.optimizers.Adam(0.1), mica.optimizers.Adam(0.1, clipnorm=1.0)),
        (
            mica.optimizers.Adam(0.1),
            mica.optimizers.Adam(0.1, gradient_accumulation_steps=4),
        ),
        (mica.optimizers.Adam(0.1), mica.optimizers.Adam(0.1, use_ema=True)),
        (mica.optimizers.Adam(0.1), mica.optimizers.AdamW(0.1)),
    ],
    ids=["momentum", "clip", "gather", "average", "class"],
)
def test_other_settings_of_an_optimizer_have_another_key(one, two):
    assert key_with(optimizer=one) == key_with(optimizer=one)
    assert key_with(optimizer=one) != key_with(optimizer=two)


def test_another_learning_rate_is_the_same_situation():
    one, two = (key_with(optimizer=mica.optimizers.Adam(rate)) for rate in (0.1, 0.2))
    assert one == two


def absolute(prediction, target):
    return (prediction - target).abs().mean()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (absolute, lambda prediction, target: (prediction - target).abs().mean()),
        (
            lambda prediction, target: (prediction - target).abs().mean(),
            lambda prediction, target: ((prediction - target) ** 2).mean(),
        ),
        (nn.SmoothL1Loss(beta=1.0), nn.SmoothL1Loss(beta=2.0)),
        (nn.SmoothL1Loss(beta=1.0), nn.HuberLoss(delta=1.0)),
    ],
    ids=["name", "body", "setting", "class"],
)
def test_losses_of_one_s_own_and_of_torch_count_with_what_they_do(one, two):
    assert key_with(loss=one) == key_with(loss=one)
    assert key_with(loss=one) != key_with(loss=two)


def test_metrics_count():
    assert key_with(metrics=["mae"]) != key_with()


def a_net(forward, **held):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(2, 3)
            vars(self).update(held)

    Net.forward = forward
    return Net()


def test_a_module_of_one_s_own_counts_with_the_code_it_is_written_in():
    once = key_with(model=a_net(lambda self, x: self.dense(x)))
    assert once == key_with(model=a_net(lambda self, x: self.dense(x)))
    assert once != key_with(model=a_net(lambda self, x: self.dense(x).sin()))


def test_a_module_of_one_s_own_counts_with_what_it_holds():
    def forward(self, x):
        for _ in range(self.times):
            x = x.sin()
        return self.dense(x)

    once, twice = (key_with(model=a_net(forward, times=times)) for times in (1, 2))
    assert once != twice


def test_a_layer_that_is_called_twice_is_another_model():
    x, batch = torch.zeros(1, 2), None
    keys = []
    for times in (1, 2):
        inputs, dense = mica.Input((2,)), layers.Dense(2)
        outputs = inputs
        for _ in range(times):
            outputs = dense(outputs)
        batch = Batch(x, x, None, 1)
        keys.append(key_of(mica.Model(inputs, outputs), batch, None, None, EAGER))
    assert keys[0] != keys[1]


def test_a_graph_with_a_function_in_it_has_a_key():
    inputs = mica.Input((2,))
    model = mica.Model(inputs, layers.Dense(2, activation=lambda x: x.sin())(inputs))
    x = torch.zeros(1, 2)
    assert len(key_of(model, Batch(x, x, None, 1), None, None, EAGER)) == 32


def test_fewer_cores_are_another_machine(monkeypatch):
    before = a_key()
    found = remembering.inspect_hardware()
    fewer = dataclasses.replace(found, cores=found.cores + 1)
    monkeypatch.setattr(remembering, "inspect_hardware", lambda: fewer)
    assert a_key() != before


def test_memory_that_the_system_counts_anew_is_the_same_machine(monkeypatch):
    before = a_key()
    found = remembering.inspect_hardware()
    other = dataclasses.replace(found, memory_bytes=12345)
    monkeypatch.setattr(remembering, "inspect_hardware", lambda: other)
    assert a_key() == before


@pytest.mark.parametrize("name", ["mica_version", "torch.__version__"])
def test_another_version_is_another_situation(monkeypatch, name):
    before = a_key()
    if name == "mica_version":
        monkeypatch.setattr(remembering, "mica_version", lambda: "0.0.0")
    else:
        monkeypatch.setattr(torch, "__version__", "0.0.0")
    assert a_key() != before


def test_training_does_not_change_the_key():
    model = mica.Sequential(mica.Input((2,)), layers.Dense(1))
    model.compile("adam", "mse")
    x, y = torch.zeros(8, 2), torch.zeros(8, 1)
    keys = []
    for _ in range(2):
        model.fit(x, y, epochs=1, verbose=0)
        session = model.session
        batch = Batch(x, y, None, 8)
        updater = session.ready_updater()
        keys.append(key_of(model, batch, session.objective, updater, EAGER))
    assert keys[0] == keys[1]


def test_words_do_not_depend_on_the_order_of_a_set():
    said = {
        describing._constant(frozenset(names))
        for names in (("a", "b", "c"), ("c", "b", "a"))
    }
    assert said == {"""["'a'", "'b'", "'c'"]"""}


class Knot:
    def __init__(self):
        self.other = self


def test_an_object_that_holds_itself_is_described():
    assert described(Knot()) == described(Knot())


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (torch.zeros(2), torch.zeros(3)),
        ({1, 2}, {1, 3}),
        (functools.partial(absolute, target=1), functools.partial(absolute, target=2)),
        (functools.partial(torch.clamp, min=1), functools.partial(torch.clamp, min=2)),
        (nn.Linear, nn.Bilinear),
        (Knot().__init__, Knot().__eq__),
        (torch.relu, torch.tanh),
    ],
    ids=["tensor", "set", "partial", "partial of torch", "class", "method", "builtin"],
)
def test_other_things_have_other_words(one, two):
    assert described(one) == described(one)
    assert described(one) != described(two)


def test_a_cell_without_content_is_described():
    def outer():
        def inner():
            return later

        said = described(inner)
        later = 1
        return said, later

    assert outer()[0]


def test_a_compiler_that_is_gone_is_another_machine(monkeypatch):
    before = a_key()
    monkeypatch.setenv("CXX", "/nowhere/g++")
    gone = a_key()
    monkeypatch.delenv("CXX")
    monkeypatch.setattr(remembering.shutil, "which", lambda name: "/bin/" + name)
    assert a_key() != gone
    assert len({before, gone, a_key()}) >= 2


def test_a_captured_run_does_not_change_the_key():
    model = nn.Linear(2, 3)
    updater = Updater("adam", list(model.parameters()))
    x = torch.zeros(4, 2)
    batch = Batch(x, x, None, 4)
    before = key_of(model, batch, None, updater, EAGER)
    updater.make_replayable(torch.device("cpu"))  # its rate is a tensor from now on
    assert key_of(model, batch, None, updater, EAGER) == before
