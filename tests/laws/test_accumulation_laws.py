"""Gradient accumulation: batches that are gathered are learned from as one batch."""

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

import mica
from mica import layers, losses
from mica.engine.precision import precision_scope
from mica.layers import add_loss
from mica.optimizers import SGD, Adam
from tests.tolerances import assert_close

ROWS, FEATURES, CLASSES = 11, 3, 4


def numbers(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def labels(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, CLASSES, shape, generator=generator)


def trained(
    make: Any, batch: int, parts: int, x: Any, y: Any, loss: Any, **options: Any
) -> list[Tensor]:
    """Weights after two epochs of updates from `parts` batches of `batch` rows."""
    with precision_scope("float64"):
        mica.set_seed(0)
        model = make()
        kind = options.pop("kind", SGD)
        clipping = options.pop("clipping", {})
        optimizer = kind(0.1, gradient_accumulation_steps=parts, **clipping)
        model.compile(optimizer, loss, loss_weights=options.pop("shares", None))
        options = {"epochs": 2, "shuffle": False, "verbose": 0, **options}
        model.fit(x, y, batch_size=batch, **options)
    return [each.detach().clone() for each in model.parameters()]


def assert_as_one_batch(make: Any, batch: int, parts: int, *data: Any, **options: Any):
    gathered = trained(make, batch, parts, *data, **dict(options))
    at_once = trained(make, batch * parts, 1, *data, **dict(options))
    for one, other in zip(gathered, at_once, strict=True):
        assert_close(one, other, "reordered")


def dense(**rules: Any) -> Any:
    def make() -> mica.Sequential:
        return mica.Sequential(
            mica.Input((FEATURES,)),
            layers.Dense(5, activation="tanh", **rules),
            layers.Dense(CLASSES),
        )

    return make


@given(
    batch=st.integers(1, 6),
    parts=st.integers(2, 5),
    weighted=st.booleans(),
    reduction=st.sampled_from(
        ["sum_over_batch_size", "mean_with_sample_weight", "sum"]
    ),
    clipping=st.sampled_from(
        [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.2}, {"clipvalue": 0.05}]
    ),
    kind=st.sampled_from([SGD, Adam]),
    ignored=st.sampled_from([None, 2]),
)
@settings(max_examples=60, deadline=None)
def test_batches_that_are_gathered_are_one_batch(
    batch, parts, weighted, reduction, clipping, kind, ignored
):
    loss = losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction, ignore_class=ignored
    )
    weight = numbers(ROWS, seed=2).abs() + 0.1 if weighted else None
    assert_as_one_batch(
        dense(),
        batch,
        parts,
        numbers(ROWS, FEATURES),
        labels(ROWS),
        loss,
        sample_weight=weight,
        clipping=clipping,
        kind=kind,
    )


RULES = {
    "kernel": {"kernel_regularizer": "l2"},
    "activity": {"activity_regularizer": "l1_l2"},
    "orthogonal": {"kernel_regularizer": "orthogonal"},
    "constraint": {"kernel_constraint": "unit_norm"},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("batch", "parts"), [(2, 3), (4, 2), (3, 4), (1, 11)])
def test_what_weights_and_activities_cost_counts_once(rule, batch, parts):
    data = numbers(ROWS, FEATURES), numbers(ROWS, CLASSES, seed=3), "mse"
    assert_as_one_batch(dense(**RULES[rule]), batch, parts, *data)


class Gentle(layers.Layer):
    """Adds the mean square of what it passes on."""

    def forward(self, x: Tensor) -> Tensor:
        add_loss(0.3 * x.square().mean())
        return x


def test_a_mean_that_a_layer_adds_is_one_over_all_rows():
    def make() -> mica.Sequential:
        return mica.Sequential(
            mica.Input((FEATURES,)), layers.Dense(2), Gentle(), layers.Dense(CLASSES)
        )

    data = numbers(ROWS, FEATURES), numbers(ROWS, CLASSES, seed=3), "mse"
    assert_as_one_batch(make, 4, 3, *data)


FOREIGN = {
    "weighted classes": lambda: nn.CrossEntropyLoss(
        weight=torch.linspace(0.5, 2.0, CLASSES, dtype=torch.float64)
    ),
    "ignored classes": lambda: nn.CrossEntropyLoss(ignore_index=1),
    "sum": lambda: nn.CrossEntropyLoss(reduction="sum"),
    "function": lambda: nn.functional.cross_entropy,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_losses_of_torch_are_put_together_by_what_they_divide_by(name):
    data = numbers(ROWS, FEATURES), labels(ROWS), FOREIGN[name]()
    assert_as_one_batch(dense(), 4, 2, *data)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum"])
def test_outputs_that_divide_by_different_numbers_each_keep_theirs(weighted, reduction):
    def make() -> mica.Model:
        x = mica.Input((FEATURES,))
        trunk = layers.Dense(4, activation="tanh", kernel_regularizer="l2")(x)
        return mica.Model(
            x,
            {
                "number": layers.Dense(1, name="number")(trunk),
                "kind": layers.Dense(CLASSES, name="kind")(trunk),
            },
        )

    heads = {
        "number": losses.MeanSquaredError(reduction=reduction),
        "kind": losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3),
    }
    y = {"number": numbers(ROWS, 1, seed=4), "kind": labels(ROWS)}
    weight = numbers(ROWS, seed=2).abs() if weighted else None
    assert_as_one_batch(
        make,
        3,
        2,
        numbers(ROWS, FEATURES),
        y,
        heads,
        sample_weight=weight,
        shares={"number": 0.5, "kind": 2.0},
        kind=Adam,
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "mean_with_sample_weight"])
def test_steps_that_are_masked_count_in_no_batch(reduction, weighted):
    def make() -> mica.Sequential:
        return mica.Sequential(
            mica.Input((5,), dtype=torch.int64),
            layers.Embedding(6, 3, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.Dense(CLASSES),
        )

    draw = torch.Generator().manual_seed(5)
    tokens = torch.randint(1, 6, (ROWS, 5), generator=draw)
    lengths = torch.randint(1, 6, (ROWS, 1), generator=draw)
    tokens = tokens * (torch.arange(5) < lengths)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    weight = numbers(ROWS, seed=2).abs() if weighted else None
    data = tokens, labels(ROWS, 5), loss
    assert_as_one_batch(make, 4, 2, *data, sample_weight=weight)


@pytest.mark.parametrize("name", ["LBFGS", "ConjugateGradient"])
def test_an_optimizer_that_looks_again_sees_all_batches_it_gathered(name):
    kind = getattr(mica.optimizers, name)
    data = numbers(ROWS, FEATURES), numbers(ROWS, CLASSES, seed=3), "mse"
    make = dense(kernel_regularizer="l2")

    def few(rate: float, **options: Any) -> Any:
        return kind(max_iterations=3, **options)

    assert_as_one_batch(make, 4, 3, *data, kind=few)


def test_schedules_count_updates():
    rates: list[float] = []

    def schedule(step: int) -> float:
        rates.append(step)
        return 0.1

    model = mica.Sequential(layers.Dense(1))
    model.compile(SGD(schedule, gradient_accumulation_steps=2), "mse")
    rates.clear()
    model.fit(torch.ones(5, 2), torch.ones(5, 1), batch_size=1, epochs=2, verbose=0)
    assert [step for step in rates if step] == [1, 2, 3, 4, 5]
    assert model.session.updater.step == 6


def test_the_logged_loss_is_the_mean_over_all_rows_before_the_updates():
    x, y = numbers(6, FEATURES).float(), numbers(6, CLASSES, seed=3).float()
    model = dense()()
    model.compile(SGD(0.1, gradient_accumulation_steps=4), "mse", metrics=["mae"])
    before = model.evaluate(x, y)
    history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0).history
    assert history["loss"][0] == pytest.approx(before[0])
    assert history["mae"][0] == pytest.approx(before[1])
