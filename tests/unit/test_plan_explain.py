"""Explain: rows that add up to the step, nothing changed, and every sentence."""

import re
import sys

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.data import ArraySource, as_source
from mica.engine import ExecutionPlan
from mica.errors import ConfigError, DataError, StateError
from mica.plan import Limits, explain, predict_memory
from mica.plan.advising import Advice, Circumstances, Cost
from mica.plan.counting import Operation
from mica.plan.judging import check_rows, make_rows
from mica.plan.measuring import Measured
from mica.plan.row import Row
from mica.plan.timeline import Place, ProcessorClock
from mica.plan.trying import scale_advice
from tests.fake_clock import FakeClock, Slow, SlowRows, SlowSGD

# So high that nothing real is above them.
HIGH = Limits("cpu", 1, {"float32": 1e15, "bfloat16": 1e15}, ((1, 1e15),), 5e-6, 1e-9)
DENSE = mica.layers.Dense


def small_model(**compiled):
    model = mica.Sequential(
        mica.Input((4,)),
        DENSE(8, activation="relu"),
        mica.layers.Dropout(0.5),
        DENSE(3),
    )
    if compiled:
        model.compile(**compiled)
    return model


def rows_of(count=64):
    return np.random.rand(count, 4).astype("float32"), np.random.rand(count, 3)


def quick(model, data=None, **options):
    return explain(model, data, seconds=0.01, limits=HIGH, **options)


def names(found):
    return {row.name for row in found.rows}


# The arithmetic, by a clock that only layers move on.


def test_every_second_of_a_step_is_explained():
    clock = FakeClock()
    model = nn.Sequential(nn.Linear(4, 3), Slow(clock, 1, 2), Slow(clock, 4, 8))
    source = SlowRows(clock, 16, *map(torch.as_tensor, rows_of()))

    def slow_loss(prediction, target):
        clock.work(32)
        return ((prediction - target) ** 2).mean()

    found = explain(
        model,
        source,
        batch_size=16,
        loss=slow_loss,
        optimizer=lambda parameters: SlowSGD(parameters, clock, 64),
        limits=HIGH,
        clock=clock,
    )
    seconds = {row.name: (row.forward, row.backward) for row in found.rows}
    assert seconds["1"] == (1, 2)
    assert seconds["2"] == (4, 8)
    assert seconds["data"] == (16, 0)
    assert seconds["loss"] == (32, 0)
    assert seconds["optimizer"] == (64, 0)
    assert found.seconds == 1 + 2 + 4 + 8 + 16 + 32 + 64
    assert found.unexplained == 0
    assert [row.name for row in found.rows][:4] == ["optimizer", "loss", "data", "2"]


def test_prediction_has_no_way_back():
    clock = FakeClock()
    model = nn.Sequential(Slow(clock, 1, 2), nn.Linear(4, 3))
    found = explain(model, rows_of()[0], limits=HIGH, clock=clock)
    assert found.seconds == 1
    assert not found.trains
    assert all(row.backward == 0 for row in found.rows)


def test_what_nobody_accounts_for_is_printed():
    found = Measured(10.0, {Place("dense"): 6.0, Place("(data)"): 3.0}, {}, 3)
    assert found.unexplained == 1.0
    rows = make_rows(nn.Linear(1, 1), found, HIGH, Circumstances(1))
    assert sum(row.seconds for row in rows) + found.unexplained == found.seconds


# Nothing of the user's changes.


def state_of(model):
    session = model.session
    optimizer = session.ready_updater().optimizer
    moments = [
        value.clone()
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    ]
    weights = [value.clone() for value in model.state_dict().values()]
    return [*weights, *moments, torch.get_rng_state()]


@pytest.mark.parametrize("data", [rows_of(), None], ids=["data", "none"])
def test_everything_is_as_before_to_the_bit(data):
    model = mica.Sequential(
        mica.Input((4,)),
        DENSE(8),
        mica.layers.BatchNormalization(),
        mica.layers.Dropout(0.5),
        DENSE(3),
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(*rows_of(), epochs=1, verbose=0)
    before, step = state_of(model), model.session.updater.step
    training, gradients = model.training, [each.grad for each in model.parameters()]
    quick(model, data)
    after = state_of(model)
    assert len(before) == len(after)
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert model.session.updater.step == step
    assert model.training == training
    now = [each.grad for each in model.parameters()]
    assert all(one is two for one, two in zip(gradients, now, strict=True))


def test_training_goes_on_as_if_nobody_had_looked():
    data = rows_of()

    def losses(look):
        mica.set_seed(3)
        model = small_model(optimizer="adam", loss="mse")
        if look:
            quick(model, data)
        first = model.fit(*data, epochs=2, verbose=0).history["loss"]
        if look:
            quick(model, data)
        return first + model.fit(*data, epochs=1, verbose=0).history["loss"]

    assert losses(look=True) == losses(look=False)


def test_a_module_is_not_built_or_moved_by_a_look():
    model = mica.Sequential(DENSE(3))
    quick(model, rows_of()[0])
    assert not model.built


# What can be explained.


def test_a_compiled_model_learns():
    model = small_model(optimizer="adam", loss="mse", metrics=["mae"])
    found = quick(model, rows_of(), batch_size=16)
    assert found.trains
    assert found.batch_size == 16
    wanted = {"dense", "dense_1", "dropout", "loss", "metrics", "optimizer", "data"}
    assert wanted <= names(found)
    dense = next(row for row in found.rows if row.name == "dense")
    assert dense.cost.flops == 2 * (2 * 16 * 4 * 8)  # no gradient of the input
    assert dense.forward > 0
    assert dense.backward > 0
    assert dense.kind == "Dense"


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("mse", DENSE(3)),
        ("sparse_categorical_crossentropy", DENSE(3, activation="softmax")),
        ("categorical_crossentropy", DENSE(3, activation="softmax")),
        ("binary_crossentropy", DENSE(1, activation="sigmoid")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_data_random_ones_are_drawn(loss, last):
    model = mica.Sequential(mica.Input((4,)), last)
    model.compile("adam", loss)
    found = quick(model)
    assert found.trains
    assert found.batch_size == 32
    assert found.remarks[0].fact == "There were none: the numbers are random."


def test_random_token_ids_are_in_the_vocabulary():
    model = mica.Sequential(
        mica.Input((None,), dtype="int64"),
        mica.layers.Embedding(7, 4),
        mica.layers.GlobalAveragePooling1D(),
        DENSE(2),
    )
    assert "embedding" in names(quick(model))


def test_several_inputs_and_outputs():
    a, b = mica.Input((3,), name="a"), mica.Input((2,), name="b")
    model = mica.Model([a, b], [DENSE(1)(a), DENSE(2)(b)])
    model.compile("sgd", "mse")
    found = quick(model)
    assert found.trains
    assert {"dense", "dense_1"} <= names(found)


def test_plain_torch_modules_are_layers_too():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    assert {"0", "1", "2"} <= names(quick(model, rows_of()[0]))
    found = quick(model, rows_of(), loss="mse", optimizer="sgd")
    assert found.trains
    row = next(row for row in found.rows if row.name == "2")
    assert row.kind == "Linear"
    assert row.backward > 0


def test_a_single_module_is_a_row():
    (row,) = [row for row in quick(nn.Linear(4, 3), rows_of()[0]).rows if row.kind]
    assert (row.name, row.kind) == ("Linear", "Linear")


def test_own_operations_between_layers_have_a_row():
    x = mica.Input((4,))
    model = mica.Model(x, DENSE(4)(x) * 2 + x)
    assert "between layers" in names(quick(model))


@pytest.mark.parametrize("kind", ["loader", "generator", "dataset"])
def test_batches_from_anywhere(kind):
    x, y = map(torch.as_tensor, rows_of())
    dataset = torch.utils.data.TensorDataset(x, y.float())
    data = {
        "loader": lambda: torch.utils.data.DataLoader(dataset, batch_size=8),
        "generator": lambda: iter([(x[:8], y[:8])] * 3),
        "dataset": lambda: dataset,
    }[kind]()
    if kind == "generator":
        data = as_source(data, steps=2)
    found = quick(small_model(optimizer="sgd", loss="mse"), data)
    assert found.batch_size == (32 if kind == "dataset" else 8)
    once = "They come only once: one batch is used again and again."
    assert (once in [each.fact for each in found.remarks]) == (kind == "generator")


def test_fewer_rows_than_a_batch():
    found = quick(small_model(optimizer="sgd", loss="mse"), rows_of(5), batch_size=32)
    assert found.batch_size == 5


def test_targets_that_are_missing_are_said():
    found = quick(small_model(optimizer="sgd", loss="mse"), rows_of()[0])
    assert not found.trains
    assert found.remarks[0].fact == "There are no targets: this is prediction alone."


def test_a_step_of_one_s_own_is_said():
    class Own(mica.Model):
        def __init__(self):
            super().__init__()
            self.dense = DENSE(3)

        def forward(self, x):
            return self.dense(x)

        def train_step(self, batch):
            _, loss = self.compute_loss(batch)
            self.learn(loss)
            return {"loss": loss.detach()}

    model = Own()
    model.compile("sgd", "mse")
    found = quick(model, rows_of())
    assert not found.trains
    assert found.remarks[0].fact == (
        "A step of one's own is not looked into: this is prediction alone."
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        mica.optimizers.SGD(0.1, gradient_accumulation_steps=2),
        mica.optimizers.Adam(0.01, global_clipnorm=1.0),
        mica.optimizers.LBFGS(),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_optimizers_of_every_kind(optimizer):
    found = quick(small_model(optimizer=optimizer, loss="mse"), rows_of())
    assert {"optimizer", "loss", "dense"} <= names(found)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
def test_an_update_moves_at_least_weights_and_gradients(optimizer):
    model = small_model(optimizer=optimizer, loss="mse")
    found = quick(model, rows_of())
    update = next(row for row in found.rows if row.name == "optimizer")
    assert update.cost.num_bytes >= 3 * 4 * model.count_parameters()


def test_frozen_layers_get_no_gradient():
    model = small_model(optimizer="sgd", loss="mse")
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    found = quick(model, rows_of())
    dense = next(row for row in found.rows if row.name == "dense")
    assert dense.backward == 0


def test_a_plan_says_the_precision():
    model = small_model(optimizer="sgd", loss="mse")
    plan = ExecutionPlan(torch.device("cpu"), "bfloat16", threads=1)
    found = quick(model, rows_of(), plan=plan)
    assert found.plan.precision == "bfloat16"
    captured = ExecutionPlan(torch.device("cpu"), capture="graph", threads=1)
    assert quick(model, rows_of(), plan=captured).plan.capture == "eager"


def test_float64_models_are_fed_float64():
    model = nn.Linear(4, 3).double()
    assert quick(model, rows_of()[0]).rows


def test_ordinary_models_are_explained_within_a_fifth():
    """A loose bound on a real clock: 5 % is what a quiet machine shows."""
    model = mica.Sequential(
        mica.Input((256,)), DENSE(512, activation="relu"), DENSE(10)
    )
    model.compile("adam", "mse")
    x = np.random.rand(512, 256).astype("float32")
    data = (x, np.random.rand(512, 10))
    shares = []
    for _ in range(3):
        found = explain(
            model, data, batch_size=128, seconds=0.3, limits=HIGH,
            clock=ProcessorClock(),
        )  # fmt: skip
        shares.append(abs(found.unexplained) / found.seconds)
    assert min(shares) < 0.2


# The report.


def test_the_report_has_the_table_and_a_picture(tmp_path):
    found = quick(small_model(optimizer="adam", loss="mse"), rows_of())
    report = found.report()
    text = str(found)
    assert str(report) == text
    for words in (
        "dense_1",
        "unexplained",
        "gain ms",
        "step",
        "Roofline",
        "samples/s",
    ):
        assert words in text
    assert "Sequential: where a step's time goes" in text
    found.plot(tmp_path / "roofline.png")
    assert (tmp_path / "roofline.png").stat().st_size > 1000


def test_showing_prints_the_report(capsys):
    quick(small_model()).show()
    assert "prediction, ms" in capsys.readouterr().out


def test_much_that_is_unexplained_is_a_warning():
    class Uneven(FakeClock):
        """Adds time to every second plain step alone."""

        def __init__(self):
            super().__init__()
            self.marks = 0

    clock = Uneven()
    model = nn.Sequential(Slow(clock, 1, 0))
    rows = rows_of()[0]

    class Heavier(ArraySource):
        """Batches cost more where nobody watches: every other one."""

        def batches(self, epoch, **options):
            for number, batch in enumerate(super().batches(epoch, **options)):
                clock.work(number % 2)
                yield batch

    found = explain(model, Heavier(rows), batch_size=1, limits=HIGH, clock=clock)
    assert found.unexplained != 0
    warning = found.remarks[-1]
    assert warning.severity == "warning"
    assert warning.fact.endswith("of its time is unexplained.")


# Bad input.


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", True])
def test_a_batch_size_that_is_none(size):
    sentence = (
        "explain: expected batch_size to be a whole number of at least 1, got "
        f"{size!r}. Write for example batch_size=32."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        quick(small_model(), rows_of()[0], batch_size=size)


@pytest.mark.parametrize(
    ("ask", "where"), [(quick, "explain"), (predict_memory, "memory")]
)
def test_no_model_and_no_plan(ask, where):
    sentence = (
        f"{where}: expected a model or a torch module, got str. Read a file with "
        "mica.load(path) first."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ask("model.mica", rows_of()[0])
    choices, best = {
        "explain": ('"auto", "eager"', "best"),
        "memory": ('"eager"', "eager"),
    }[where]
    sentence = (
        f"{where}: expected plan to be {choices} or an ExecutionPlan, got 'fast'. "
        f"Leave it out for the {best} one."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ask(small_model(), rows_of()[0], plan="fast")


def test_a_tuple_of_too_many_parts():
    sentence = (
        "explain: expected data as (x, y) or (x, y, sample_weight), got 4 parts. Put "
        "several inputs into one: ([a, b], y)."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        quick(small_model(), (1, 2, 3, 4))


def test_no_data_and_no_input():
    sentence = (
        "explain: expected data, for Linear does not say the shape of its input, got "
        "none. Give x, or (x, y) for a step that learns."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        quick(nn.Linear(2, 2))


def test_a_layer_above_the_ceilings_is_refused():
    cost = Cost(flops=1e9, num_bytes=1.0, operations=1, compute=0.5, attainable=0.5)
    row = Row("dense", "Dense", 0.1, 0.1, cost, "compute", Advice("none", "", 0.0))
    sentence = (
        "explain: expected dense to take at least 500 ms at this machine's ceilings, "
        "got 200 ms, 250 % of what is possible. The machine was busy when its ceilings "
        "were measured: call mica.plan.forget_limits() and explain again."
    )
    with pytest.raises(StateError, match=f"^{re.escape(sentence)}$"):
        check_rows([row])


def test_limits_of_one_s_own_are_not_measured_anew():
    low = Limits("cpu", 1, {"float32": 1.0}, ((1, 1.0),), 1.0, 1.0)
    with pytest.raises(StateError, match="of what is possible"):
        explain(small_model(), rows_of()[0], seconds=0.01, limits=low)


def test_low_ceilings_are_measured_anew(monkeypatch):
    module, judging = (sys.modules[f"mica.plan.{n}"] for n in ("explain", "judging"))
    low = Limits("cpu", 1, {"float32": 1.0}, ((1, 1.0),), 1.0, 1.0)
    asked, kept = [], []
    monkeypatch.setattr(module, "find_limits", lambda device: low)
    monkeypatch.setattr(
        judging, "measure_limits", lambda device: asked.append(device) or HIGH
    )
    monkeypatch.setattr(
        judging, "remember_limits", lambda device, limits: kept.append(limits)
    )
    found = explain(small_model(), rows_of()[0], seconds=0.01)
    assert len(asked) == 1
    assert kept == [found.limits]
    assert found.limits.flops_per_second["float32"] == 1e15


def promise(gain, seconds=1.0, action="bfloat16"):
    advice = Advice(action, "Faster.", gain)
    return Row("dense", "Dense", seconds, 0.0, Cost(), "compute", advice)


def test_what_bfloat16_saves_is_what_it_was_seen_to_save():
    rows = scale_advice([promise(0.2), promise(0.6), promise(0.5, action="batch")], 0.4)
    assert [row.advice.gain for row in rows] == pytest.approx([0.1, 0.3, 0.5])
    assert rows[2].advice.action == "batch"


def test_no_layer_saves_more_than_it_takes():
    (row,) = scale_advice([promise(0.2, seconds=0.5)], 3.0)
    assert row.advice.gain == 0.5


@pytest.mark.parametrize("saved", [0.0, -1.0])
def test_bfloat16_that_does_not_help_is_not_advised(saved):
    for row in scale_advice([promise(0.2), promise(0.0)], saved):
        assert row.advice == (
            "none",
            "bfloat16 was tried: it is no faster here.",
            0.0,
        )


@pytest.fixture
def half_seems_fast(monkeypatch):
    """A machine with ceilings that promise much of bfloat16."""
    module = sys.modules["mica.plan.explain"]
    monkeypatch.setattr(module, "multiplies_bfloat16", lambda *given: True)
    rates = {"float32": 1e15, "bfloat16": 1e16}
    return sys.modules["mica.plan.trying"], Limits(
        "cpu", 1, rates, ((1, 1e15),), 1e-20, 1e-20
    )


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "slow"])
def test_bfloat16_is_tried_before_it_is_advised(half_seems_fast, monkeypatch, fails):
    module, limits = half_seems_fast

    def quickest(*given, **options):
        if fails:
            raise RuntimeError("not implemented for 'BFloat16'")
        return 1e9

    monkeypatch.setattr(module, "quickest", quickest)
    model = small_model(optimizer="sgd", loss="mse")
    found = explain(model, rows_of(), seconds=0.01, limits=limits)
    sentences = {row.advice.sentence for row in found.rows}
    assert "bfloat16 was tried: it is no faster here." in sentences
    assert all(row.advice.action != "bfloat16" for row in found.rows)


def test_bfloat16_that_helps_is_advised(half_seems_fast, monkeypatch):
    module, limits = half_seems_fast
    monkeypatch.setattr(module, "quickest", lambda *given, **options: 0.0)
    model = small_model(optimizer="sgd", loss="mse")
    found = explain(model, rows_of(), seconds=0.01, limits=limits)
    assert any(row.advice.action == "bfloat16" for row in found.rows)


def test_a_precision_that_was_chosen_is_kept(half_seems_fast):
    _, limits = half_seems_fast
    mica.set_precision("float32")
    try:
        found = explain(small_model(), rows_of()[0], seconds=0.01, limits=limits)
    finally:
        mica.set_precision(None)
    assert all("bfloat16" not in row.advice.sentence for row in found.rows)


def test_operations_of_a_place_make_its_cost():
    model = nn.Sequential(nn.Linear(1, 1))
    done = {Place("0"): [Operation("addmm", 1e6, 1e3, "float32")]}
    found = Measured(1.0, {Place("0"): 1.0}, done, 1)
    limits = Limits("cpu", 1, {"float32": 1e9}, ((1, 1e9),), 5e-6, 1e-6)
    (row,) = make_rows(model, found, limits, Circumstances(1))
    assert row.cost.attainable == pytest.approx(1e-3)
    assert row.bound == "compute"
    assert row.intensity == 1000.0


def test_a_notebook_shows_the_report():
    found = quick(small_model())
    assert found._repr_html_() == found.report()._repr_html_()
    assert "unexplained" in found._repr_html_()
