"""Memory: the peak told from small batches beside what torch's profiler saw."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.profiler import profile
from torch.utils._pytree import tree_leaves

import mica
from mica.engine import ExecutionPlan, eager_plan
from mica.errors import ConfigError
from mica.layers import (
    LSTM,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ReLU,
    TransformerEncoder,
)
from mica.plan import MemoryNeed, predict_memory
from mica.plan.measuring import doing
from mica.plan.memory import Watermark
from mica.plan.rehearsing import rehearse

FAR = 0.15  # how far a prediction may be off, as a share of the measured peak


def images(count, *shape):
    return np.random.rand(count, *shape).astype("float32")


def labels(count, classes):
    return np.random.randint(0, classes, count)


def mlp():
    model = mica.Sequential(
        mica.Input((100,)), Dense(200, activation="relu"), Dense(10)
    )
    model.compile("adam", "mse")
    return model, (images(256, 100), images(256, 10)), 256


def cnn():
    model = mica.Sequential(
        mica.Input((20, 20, 1)),
        Conv2D(16, 3, activation="relu"),
        MaxPooling2D(),
        Conv2D(32, 3, activation="relu"),
        Flatten(),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (images(96, 20, 20, 1), labels(96, 10)), 96


def lstm():
    model = mica.Sequential(
        mica.Input((20,), dtype="int64"),
        Embedding(500, 16),
        LSTM(16),
        Dense(1, activation="sigmoid"),
    )
    model.compile("rmsprop", "binary_crossentropy")
    return model, (np.random.randint(0, 500, (128, 20)), labels(128, 2)), 128


def transformer():
    x = mica.Input((24,), dtype="int64")
    h = Embedding(200, 32)(x)
    for _ in range(2):
        h = TransformerEncoder(64, 4)(h)
    h = GlobalAveragePooling1D()(h)
    model = mica.Model(x, Dense(2, activation="softmax")(h))
    model.compile("adamw", "sparse_categorical_crossentropy")
    return model, (np.random.randint(0, 200, (64, 24)), labels(64, 2)), 64


def resnet():
    x = mica.Input((16, 16, 3))
    h = Conv2D(8, 3, padding="same")(x)
    for filters, strides in ((8, 1), (16, 2)):
        y = Conv2D(filters, 3, padding="same", strides=strides)(h)
        y = ReLU()(BatchNormalization()(y))
        y = BatchNormalization()(Conv2D(filters, 3, padding="same")(y))
        if strides > 1:
            h = Conv2D(filters, 1, strides=strides)(h)
        h = ReLU()(h + y)
    h = GlobalAveragePooling2D()(h)
    model = mica.Model(x, Dense(10, activation="softmax")(h))
    sgd = mica.optimizers.SGD(0.1, momentum=0.9)
    model.compile(sgd, "sparse_categorical_crossentropy")
    return model, (images(64, 16, 16, 3), labels(64, 10)), 64


def plain():
    model = nn.Sequential(nn.Linear(50, 80), nn.Tanh(), nn.Linear(80, 5))
    return model, images(200, 50), 200


def measured_peak(model, data, batch_size):
    """What torch's own profiler sees allocated at once, and what was there before."""
    plan = eager_plan("cpu")
    ready = rehearse(model, data, batch_size, (None, "sgd"), plan)
    trial = ready.session
    with doing(ready, plan) as (step, _):
        batch = ready.source.peek(batch_size)
        every = trial.ready_updater().every if ready.trains else 1
        for _ in range(every):
            step(batch)
        for parameter in trial.model.parameters():
            parameter.grad = None
        held = [*trial.model.parameters(), *trial.model.buffers(), *tree_leaves(batch)]
        if ready.trains:
            states = trial.ready_updater().optimizer.state
            held += [leaf for state in states.values() for leaf in state.values()]
        before = sum(
            leaf.numel() * leaf.element_size()
            for leaf in held
            if isinstance(leaf, torch.Tensor)
        )
        with profile(profile_memory=True) as seen:
            for _ in range(every):
                step(batch)
    most = total = 0
    for event in seen.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            most = max(most, total)
    return before + most


@pytest.mark.parametrize("make", [mlp, cnn, lstm, transformer, resnet, plain])
def test_the_peak_is_known_before(make):
    model, data, size = make()
    need = predict_memory(model, data, batch_size=size)
    measured = measured_peak(model, data, size)
    assert abs(need.peak - measured) <= FAR * measured


@pytest.mark.parametrize(
    "optimizer",
    [
        mica.optimizers.Adam(),
        mica.optimizers.Adam(amsgrad=True),
        mica.optimizers.Adam(clipnorm=1.0),
        mica.optimizers.Adam(use_ema=True),
        mica.optimizers.Adam(gradient_accumulation_steps=3),
        mica.optimizers.RMSprop(momentum=0.9, centered=True),
        mica.optimizers.Adagrad(),
        mica.optimizers.Muon(),
        torch.optim.NAdam,
    ],
    ids=lambda optimizer: str(optimizer)[:40],
)
def test_the_peak_is_known_before_for_every_kind_of_update(optimizer):
    model = mica.Sequential(
        mica.Input((100,)), Dense(300, activation="relu"), Dense(10)
    )
    model.compile(optimizer, "mse")
    data = images(128, 100), images(128, 10)
    need = predict_memory(model, data, batch_size=128)
    measured = measured_peak(model, data, 128)
    assert abs(need.peak - measured) <= FAR * measured


@pytest.mark.parametrize("capture", ["graph", "compile"])
def test_a_captured_plan_needs_what_its_eager_form_needs(capture):
    model, data, _ = mlp()
    device = torch.device("cpu")
    plans = [
        ExecutionPlan(device, threads=1, capture=each) for each in (capture, "eager")
    ]
    one, two = (predict_memory(model, data, plan=plan).peak for plan in plans)
    assert one == two


def test_parts_in_closed_form():
    model = mica.Sequential(mica.Input((30,)), Dense(20, use_bias=False))
    model.compile("adam", "mse")
    need = predict_memory(model, (images(64, 30), images(64, 20)), batch_size=64)
    weights = 30 * 20 * 4
    assert need.parameters == weights
    assert weights * 2 <= need.optimizer <= weights * 2 + 8  # two moments and a count
    assert need.gradients == weights
    assert need.input_row == (30 + 20) * 4
    assert need.peak == sum(
        (
            need.parameters,
            need.optimizer,
            need.gradients,
            need.activations,
            64 * need.input_row,
        )
    )


def test_the_largest_batch_is_the_largest():
    model, data, size = mlp()
    need = predict_memory(model, data, batch_size=size)
    for available in (1e6, 1e7, 1.2345e8):
        rows = need.largest_batch(available)
        assert need.peak_of(rows) <= available < need.peak_of(rows + 1)
    assert need.largest_batch(0) == 0


def test_nothing_that_grows_fits_always():
    need = MemoryNeed(10, 0, 0.0, (), 1)
    assert need.peak == 10
    assert need.largest_batch(10) > 10**9
    assert need.activations == need.gradients == 0


def test_weights_stay_to_the_bit():
    model, data, size = cnn()
    model.fit(*data, epochs=1, verbose=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    predict_memory(model, data, batch_size=size)
    assert torch.equal(random, torch.get_rng_state())
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_model_whose_path_depends_on_the_batch_is_told_by_its_peaks():
    class Moody(nn.Module):
        def forward(self, x):
            for _ in range(len(x) // 8):
                x = x * 2.0
            return x

    need = predict_memory(Moody(), images(64, 100), batch_size=64)
    assert need.peak_of(128) > need.peak_of(64) > 0


def test_a_batch_of_one_row():
    need = predict_memory(nn.Linear(4, 2), images(1, 4), batch_size=1)
    assert need.peak >= (4 * 2 + 2) * 4


def test_random_data_are_drawn_when_there_are_none():
    model, _, _ = mlp()
    assert predict_memory(model, batch_size=64).batch_size == 64


def test_no_data_and_no_input():
    sentence = (
        "memory: expected data, for Linear does not say the shape of its input, got "
        "none. Give x, or (x, y) for a step that learns."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        predict_memory(nn.Linear(2, 2))


def test_the_report_lists_what_memory_is_for(capsys):
    model, data, size = mlp()
    need = predict_memory(model, data, batch_size=size)
    table = need.report()
    assert table.title == "Memory of a step, batch of 256"
    assert [row[0] for row in table.rows] == [
        "parameters",
        "optimizer",
        "gradients, at the peak",
        "activations, at the peak",
        "a batch",
        "peak",
    ]
    need.show()
    assert capsys.readouterr().out.strip() == str(need)


def test_a_watermark_sees_what_lives_at_the_same_time():
    with Watermark() as mark:
        first = torch.ones(100)
        torch.ones(300)  # gone at once
        second = first + 1
        del first
        third = second.view(10, 10)
        del second
        third += 1
    assert mark.peak == 4 * 400
    assert [mark.sizes[place] for place in mark.alive[-1]] == [400]


def test_memory_of_before_is_left_out():
    kept = torch.ones(100)
    mark = Watermark()
    mark.leave_out([kept])
    with mark:
        kept.add_(1)
        kept.view(10, 10).mul_(2)
        torch.eye(3).to_sparse()
    assert max(mark.sizes) < 400
