"""Plans and those who use them wrongly: another path, or a sentence; never a crash."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import mica
from mica import layers
from mica.data import PictureSource
from mica.engine import ExecutionPlan, deterministic_scope
from mica.errors import ConfigError, OutOfMemoryError, ShapeError
from mica.training import step as stepping

CPU = torch.device("cpu")
CAPTURED = ExecutionPlan(CPU, capture="graph", threads=1)
EAGER = ExecutionPlan(CPU, threads=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mica.plan.forget_plans()


def rows(count=44):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def a_model(*parts, optimizer="adam"):
    mica.set_seed(0)
    parts = parts or (layers.Dense(8, activation="tanh"), layers.Dense(1))
    model = mica.Sequential(mica.Input((4,)), *parts)
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def losses(model, *data, plan, **options):
    options = {"epochs": 3, "batch_size": 8, "verbose": 0, "seed": 1} | options
    return model.fit(*data, plan=plan, **options).history["loss"]


@pytest.mark.parametrize(
    "plan",
    [
        None,
        True,
        1,
        "fast",
        "AUTO",
        b"auto",
        ["auto"],
        {"precision": "float32"},
        ExecutionPlan,
        CPU,
        np.array("auto"),
        np.array([1, 2]),
        torch.ones(2),
    ],
    ids=lambda plan: f"{type(plan).__name__} {str(plan)[:12]}",
)
@pytest.mark.parametrize("ask", ["fit", "evaluate", "predict"])
def test_what_is_no_plan_is_refused(ask, plan):
    x, y = rows(4)
    model = a_model()
    given = (x,) if ask == "predict" else (x, y)
    said = (
        f'fit: expected a plan out of "auto", "eager" or an ExecutionPlan, got '
        f"{plan!r}. Leave it out for the best one."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        getattr(model, ask)(*given, plan=plan, verbose=0)


def test_a_million_threads_do_not_end_the_process():
    said = (
        "ExecutionPlan: expected at most 1,024 threads, got 1,000,000. Give no more "
        "than there are cores, or None for torch's own."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        ExecutionPlan(CPU, threads=1_000_000)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    said = (
        "resolve_device: expected a device of this machine (cpu), got 'cuda'. Name one "
        "of these, or none to let Mica choose."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        ExecutionPlan("cuda")


@pytest.mark.parametrize("rows_left", [0, 1, 4])
def test_a_captured_run_learns_from_a_smaller_last_batch(rows_left):
    data = rows(24 + rows_left)
    one, two = a_model(), a_model()
    assert losses(one, *data, plan=CAPTURED) == losses(two, *data, plan=EAGER)
    for mine, other in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_a_captured_run_takes_sequences_of_changing_lengths():
    def batches():
        generator = np.random.default_rng(0)
        for length in (3, 3, 3, 3, 3, 5, 3, 2, 5, 3):
            x = generator.normal(size=(4, length, 2)).astype("float32")
            yield x, x.mean(axis=(1, 2))[:, None]

    found = []
    for plan in (CAPTURED, EAGER):
        mica.set_seed(0)
        model = mica.Sequential(mica.Input((None, 2)), layers.GRU(3), layers.Dense(1))
        model.compile("rmsprop", "mse")
        history = model.fit(batches(), steps_per_epoch=10, plan=plan, verbose=0)
        found.append(history.history["loss"])
    assert found[0] == found[1]


@pytest.mark.parametrize("capture", ["eager", "graph"])
def test_a_single_row_is_enough(capture):
    x, y = rows(1)
    plan = ExecutionPlan(CPU, capture=capture, threads=1)
    assert len(losses(a_model(), x, y, plan=plan, epochs=6)) == 6


def test_another_fit_may_have_another_plan():
    x, y = rows()
    model = a_model()
    half = ExecutionPlan(CPU, precision="bfloat16", threads=1)
    found = [
        losses(model, x, y, plan=plan)[-1]
        for plan in (CAPTURED, EAGER, half, "auto", CAPTURED, "eager")
    ]
    assert found == sorted(found, reverse=True)


def test_a_captured_run_minds_weights_of_rows_and_frozen_layers():
    x, y = rows()
    weight = np.linspace(0.0, 2.0, len(x)).astype("float32")
    found = []
    for plan in (CAPTURED, EAGER):
        model = a_model()
        model.layers[0].trainable = False
        model.compile("rmsprop", "mse")
        found.append(losses(model, x, y, plan=plan, sample_weight=weight))
    assert found[0] == found[1]


def test_a_captured_run_takes_several_inputs():
    x, y = rows()
    found = []
    for plan in (CAPTURED, EAGER):
        mica.set_seed(0)
        one, two = mica.Input((4,)), mica.Input((4,))
        outputs = layers.Dense(1)(layers.Concatenate()([one, two]))
        model = mica.Model([one, two], outputs)
        model.compile("sgd", "mse")
        found.append(losses(model, [x, x**2], y, plan=plan))
    assert found[0] == found[1]


@pytest.mark.parametrize("capture", ["eager", "graph"])
def test_a_module_that_torch_has_compiled_is_a_layer(capture):
    x, y = rows()
    compiled = torch.compile(nn.Linear(4, 1), backend="eager")
    model = mica.Sequential(compiled)
    model.compile("adam", "mse")
    plan = ExecutionPlan(CPU, capture=capture, threads=1)
    found = losses(model, x, y, plan=plan)
    assert found[-1] < found[0]


class Looks(nn.Module):
    """A layer whose way depends on the numbers it sees: it waits for the device."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 1)

    def forward(self, x):
        if float(x.sum()) > 0:
            x = x[x[:, 0] > -100]
        return self.dense(x)


class Net(mica.Model):
    def __init__(self):
        super().__init__()
        self.looks = Looks()

    def forward(self, x):
        return self.looks(x)


@pytest.mark.parametrize("capture", ["eager", "graph"])
def test_a_model_that_looks_at_its_numbers_is_trained(capture):
    x, y = rows()
    model = Net()
    model.compile("adam", "mse")
    plan = ExecutionPlan(CPU, capture=capture, threads=1)
    found = losses(model, x, y, plan=plan)
    assert found[-1] < found[0]


class LooksOurs(layers.Layer):
    def build(self, shape):
        self.dense = nn.Linear(shape[-1], 1)

    def forward(self, x):
        return self.dense(x * 2 if float(x.sum()) > 0 else x)


@pytest.mark.parametrize("make", [Looks, LooksOurs], ids=["torch", "mica"])
def test_a_layer_that_looks_at_its_numbers_says_where_it_can_be_used(make):
    said = (
        "expected a layer whose way does not depend on the numbers in its input, got "
        "one that reads them. Write the model as a class of your own, class "
        "Net(mica.Model), and call the layer in its forward."
    )
    with pytest.raises(ShapeError, match=re.escape(said)):
        mica.Sequential(mica.Input((4,)), make())


def lines(capsys):
    return capsys.readouterr().out.splitlines()[0]


def test_the_line_says_how_batches_come(capsys):
    x, y = rows()
    data = TensorDataset(torch.tensor(x), torch.tensor(y))

    def generate():
        while True:
            yield x[:8], y[:8]

    a_model().fit(x, y, verbose=2)
    assert lines(capsys).endswith(" · data in memory")
    a_model().fit(DataLoader(data, batch_size=8), verbose=2)
    assert lines(capsys).endswith(" · data read as they come")
    for plan in ("auto", CAPTURED):
        a_model().fit(generate(), steps_per_epoch=3, verbose=2, plan=plan)
        assert lines(capsys).endswith(" · data read as they come")


def test_the_line_says_that_files_are_read_ahead(capsys, tmp_path):
    image = pytest.importorskip("PIL.Image")
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for number, path in enumerate(paths):
        picture = np.full((8, 8, 3), 30 * number, dtype=np.uint8)
        image.fromarray(picture).save(path)
    data = PictureSource(paths, [0, 0, 0, 0, 1, 1, 1, 1], size=8)
    model = mica.Sequential(layers.Flatten(), layers.Dense(2, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(data, batch_size=4, verbose=2)
    assert lines(capsys).endswith(" · files read ahead")
    assert "files read ahead" in history.plan.rows[0][0]


def test_deterministic_mode_asks_no_clock():
    x, y = rows(800)
    with deterministic_scope():
        history = a_model().fit(x, y, batch_size=2, verbose=0)
    assert history.plan.note == "There is no other way to execute a step here."


def test_memory_that_runs_out_becomes_a_sentence_and_nothing_is_lost(monkeypatch):
    x, y = rows()
    model = a_model()
    before = losses(model, x, y, plan=EAGER)
    kept = [each.detach().clone() for each in model.parameters()]
    predict = stepping.TrainStep.losses

    def crowded(self, batch):
        if batch.size > 16:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return predict(self, batch)

    monkeypatch.setattr(stepping.TrainStep, "losses", crowded)
    with pytest.raises(OutOfMemoryError, match=r"^fit: expected a step that fits into"):
        model.fit(x, y, batch_size=44, plan=EAGER, verbose=0)
    for mine, other in zip(model.parameters(), kept, strict=True):
        assert torch.equal(mine, other)
    after = losses(model, x, y, plan=EAGER)
    assert after[-1] < before[-1]
