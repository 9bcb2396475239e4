"""Optimizers in fit that treat parts of a model, or a batch, in their own way."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mica
from mica import layers
from mica.errors import ConfigError
from mica.optimizers import LBFGS, SGD, Adam, ConjugateGradient, Muon, layerwise_rates


def data() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(16, 3, generator=draw)
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3.0


def made(optimizer: Any, *extra: Any) -> mica.Sequential:
    mica.set_seed(0)
    model = mica.Sequential(
        mica.Input((3,)),
        layers.Dense(4, activation="tanh", name="body"),
        *extra,
        layers.Dense(1, name="head"),
    )
    model.compile(optimizer, "mse")
    return model


def moves(model: mica.Sequential, **options: Any) -> dict[str, Tensor]:
    """How far each weight went in one update of plain gradient descent."""
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    model.fit(*data(), batch_size=16, verbose=0, **options)
    return {
        name: each.detach() - before[name] for name, each in model.named_parameters()
    }


def test_a_part_learns_at_its_own_rate():
    plain = moves(made(SGD(0.1)))
    rated = moves(made(SGD(0.1, rates={"body": 0.5, "body.bias": 0.0, "head": 2.0})))
    shares = {"body.weight": 0.5, "body.bias": 0.0, "head.weight": 2.0, "head.bias": 2}
    for name, share in shares.items():
        torch.testing.assert_close(rated[name], share * plain[name])


def test_a_part_keeps_its_share_under_a_schedule_and_a_callback():
    model = made(SGD(lambda step: 0.1 / (step + 1), rates={"body": 0.5}))
    model.fit(*data(), batch_size=4, verbose=0)
    rates = [group["lr"] for group in model.session.updater.optimizer.param_groups]
    assert rates == pytest.approx([0.1 / 4, 0.05 / 4])

    def slower(epoch: int, rate: float) -> float:
        return rate * 0.1 if epoch else rate

    model = made(SGD(0.1, rates={"body": 0.5}))
    schedule = mica.callbacks.LearningRateScheduler(slower)
    model.fit(*data(), epochs=2, verbose=0, callbacks=schedule)
    rates = [group["lr"] for group in model.session.updater.optimizer.param_groups]
    assert rates == pytest.approx([0.01, 0.005])


def test_rates_by_depth_are_rates_of_parts():
    model = made("sgd")
    assert layerwise_rates(model, 0.5) == {"body": 0.5, "head": 1.0}


def test_a_misspelt_part_is_refused_before_training():
    model = made(SGD(0.1, rates={"hedd": 0.1}))
    sentence = (
        "SGD: expected parts of the model in rates, got 'hedd'. Did you mean 'head'?"
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        model.fit(*data(), verbose=0)


def test_a_frozen_part_may_be_named():
    model = made(SGD(0.1, rates={"body": 0.1}))
    model.get_layer("body").trainable = False
    model.compile(SGD(0.1, rates={"body": 0.1}), "mse")
    model.fit(*data(), verbose=0)
    assert len(model.session.updater.parameters) == 2


def test_muon_finds_layers_by_their_names():
    model = made(Muon(exclude_layers=["head"]))
    model.fit(*data(), verbose=0)
    groups = model.session.updater.optimizer.param_groups
    sizes = {group["muon"]: len(group["params"]) for group in groups}
    assert sizes == {True: 1, False: 3}


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: Adam(0.1, rates={"body": 0.5, "bias": 2.0}),
        lambda: Muon(0.1, exclude_layers=["head"]),
        lambda: LBFGS(max_iterations=2),
        lambda: ConjugateGradient(max_iterations=2),
    ],
    ids=["rates", "Muon", "LBFGS", "ConjugateGradient"],
)
def test_files_and_copies_go_on_to_the_bit(optimizer, tmp_path):
    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    model = made(optimizer())
    model.fit(*data(), epochs=2, **options)
    twins = [copy.deepcopy(model), mica.load(model.save(tmp_path / "half.mica"))]
    for each in (model, *twins):
        each.fit(*data(), epochs=4, initial_epoch=2, **options)
    for twin in twins:
        for one, other in zip(model.parameters(), twin.parameters(), strict=True):
            assert torch.equal(one, other)


LOOKING = {
    "LBFGS": lambda: LBFGS(),
    "LBFGS without line search": lambda: LBFGS(0.5, line_search=None),
    "ConjugateGradient": lambda: ConjugateGradient(),
    "torch's LBFGS": lambda: torch.optim.LBFGS,
}


@pytest.mark.parametrize("name", LOOKING)
def test_least_squares_are_solved_by_looking_at_all_rows(name):
    mica.set_seed(0)
    model = mica.Sequential(mica.Input((3,)), layers.Dense(1))
    model.compile(LOOKING[name](), "mse")
    x, y = data()
    losses = model.fit(x, y, batch_size=16, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 1e-6 * losses[0]


@pytest.mark.parametrize("kind", [LBFGS, ConjugateGradient])
def test_looks_draw_the_same_dropout_and_leave_no_trace(kind):
    seen: list[Tensor] = []

    class Kept(layers.Layer):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                seen.append((x == 0).detach())
            return x

    extra = [layers.Dropout(0.5), layers.BatchNormalization(momentum=0.5), Kept()]
    model = made(kind(max_iterations=4), extra[0], Kept(), extra[1])
    before = extra[1].running_mean.clone()
    model.fit(*data(), batch_size=16, verbose=0)
    assert len(seen) > 2
    assert all(torch.equal(one, seen[0]) for one in seen)
    norm = extra[1]
    assert not torch.equal(norm.running_mean, before)


def test_running_statistics_move_once_for_a_batch():
    class Still(torch.optim.Optimizer):
        """Looks five times and goes nowhere."""

        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters, {"lr": 0.0})

        def step(self, closure: Any) -> None:  # type: ignore[override]
            for _ in range(5):
                closure()

    statistics = []
    for optimizer in (Still, SGD(0.0)):
        norm = layers.BatchNormalization(momentum=0.5)
        made(optimizer, norm).fit(*data(), batch_size=8, shuffle=False, verbose=0)
        statistics.append(norm.running_mean)
    assert torch.equal(*statistics)


def test_a_first_look_is_not_computed_twice():
    calls: list[int] = []

    class Counted(layers.Layer):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(int(self.training))
            return x

    model = made(LBFGS(max_iterations=1, line_search=None), Counted())
    model.fit(*data(), batch_size=16, verbose=0)
    assert sum(calls) == 1


def test_an_own_step_gathers_batches_of_equal_weight():
    class Own(mica.Sequential):
        def train_step(self, batch: Any) -> dict[str, Any]:
            _, loss = self.compute_loss(batch)
            self.learn(loss)
            return {"loss": loss.detach()}

    def trained(parts: int, batch: int) -> list[Tensor]:
        mica.set_seed(0)
        model = Own(mica.Input((3,)), layers.Dense(1))
        model.compile(SGD(0.1, gradient_accumulation_steps=parts), "mse")
        model.fit(*data(), batch_size=batch, shuffle=False, verbose=0)
        return [each.detach() for each in model.parameters()]

    for one, other in zip(trained(2, 4), trained(1, 8), strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_left_of_an_own_step_is_learned_from():
    class Own(mica.Sequential):
        def train_step(self, batch: Any) -> dict[str, Any]:
            _, loss = self.compute_loss(batch)
            self.learn(loss)
            return {"loss": loss.detach()}

    model = Own(mica.Input((3,)), layers.Dense(1))
    model.compile(SGD(0.1, gradient_accumulation_steps=3), "mse")
    model.fit(*data(), batch_size=4, verbose=0)
    assert model.session.updater.step == 2


def test_any_torch_module_gathers():
    x, y = data()
    modules = []
    for parts, batch in ((2, 4), (1, 8)):
        mica.set_seed(0)
        module = nn.Linear(3, 1)
        optimizer = SGD(0.1, gradient_accumulation_steps=parts)
        options = {"batch_size": batch, "shuffle": False, "verbose": 0}
        mica.training.run(module, x, y, loss="mse", optimizer=optimizer, **options)
        modules.append(module.weight)
    torch.testing.assert_close(*modules)
