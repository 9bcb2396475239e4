"""What optimizers refuse: numbers, formulas, rates of parts and averages."""

import re

import pytest
import torch
from torch import nn

from mica.errors import ConfigError
from mica.optimizers import (
    EMA,
    LBFGS,
    SWA,
    Adafactor,
    Adam,
    Averaging,
    ConjugateGradient,
    Ftrl,
    Muon,
    ScheduleFreeAdamW,
    WeightAverage,
    layerwise_rates,
)
from mica.optimizers.update import ForeachUpdate


def weights() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))]


REFUSED = {
    "beta_2_decay": (
        lambda: Adafactor(beta_2_decay=0.8),
        "Adafactor: expected a beta_2_decay below 0, got 0.8. Write -0.8.",
    ),
    "learning_rate_power": (
        lambda: Ftrl(learning_rate_power=0.5),
        "Ftrl: expected a learning_rate_power of at most 0, got 0.5. Write -0.5, or 0 "
        "for steps that never shrink.",
    ),
    "line_search": (
        lambda: LBFGS(line_search="armijo"),  # type: ignore[arg-type]
        'LBFGS: expected a line_search of "strong_wolfe" or None, got '
        "'armijo'. Leave it out.",
    ),
    "formula": (
        lambda: ConjugateGradient(formula="hestenes"),  # type: ignore[arg-type]
        "ConjugateGradient: expected a formula out of polak_ribiere, fletcher_reeves, "
        "got 'hestenes'. Leave it out for polak_ribiere.",
    ),
    "warmup_steps": (
        lambda: ScheduleFreeAdamW(warmup_steps=-1),
        "ScheduleFreeAdamW: expected warmup_steps to be a whole number of at least 0, "
        "got -1. 0 is for none; 1000 is a usual value.",
    ),
    "max_iterations": (
        lambda: LBFGS(max_iterations=0),
        "LBFGS: expected max_iterations of at least 1, got 0. Give a whole number.",
    ),
    "exclude_layers": (
        lambda: Muon(exclude_layers=["("]),
        "Muon: expected exclude_layers as regular expressions, got '('. Write names of "
        'layers, such as ["output"].',
    ),
    "layers without names": (
        lambda: Muon(exclude_layers=["head"]).build(weights()),
        "Muon: expected named parameters to find exclude_layers, got some without a "
        "name. Build from model.named_parameters().",
    ),
    "rates of no dict": (
        lambda: Adam(rates=[0.1]),  # type: ignore[arg-type]
        "Adam: expected rates as a dict from parts of the model to shares of the "
        'learning rate, got list. Write for example rates={"backbone": 0.1}.',
    ),
    "rates of a number": (
        lambda: Adam(rates={3: 0.1}),  # type: ignore[dict-item]
        "Adam: expected the name of a part in rates, got 3. Use a layer's name, such "
        'as "dense" or "backbone.dense".',
    ),
    "a negative rate": (
        lambda: Adam(rates={"head": -1.0}),
        "Adam: expected a rate for 'head' of at least 0, got -1.0. Give a finite "
        "number in that range.",
    ),
    "rates without names": (
        lambda: Adam(rates={"head": 0.1}).build(weights()),
        "Adam: expected named parameters to give them their own rates, got some "
        "without a name. Build from model.named_parameters().",
    ),
    "rates of an absent part": (
        lambda: Adam(rates={"hedd": 0.1}).build([("head.weight", weights()[0])]),
        "Adam: expected parts of the model in rates, got 'hedd'. Did you mean 'head'?",
    ),
    "layers without weights": (
        lambda: layerwise_rates(nn.Sequential(nn.ReLU())),
        "layerwise_rates: expected a model whose layers have weights, got none. Build "
        "the model first.",
    ),
    "no averaging": (
        lambda: Adam(averaging=0.99),  # type: ignore[arg-type]
        "Adam: expected averaging to be an average such as "
        "mica.optimizers.SWA(start_epoch=30), got 0.99. For the moving average write "
        "use_ema=True.",
    ),
    "two averages": (
        lambda: Adam(averaging=SWA(), use_ema=True),
        "Adam: expected use_ema or averaging, got both. Leave one out.",
    ),
    "momentum": (
        lambda: EMA(1.5),
        "EMA: expected a momentum of at least 0 and below 1, got 1.5. Give a finite "
        "number in that range.",
    ),
    "start_epoch": (
        lambda: SWA(start_epoch=-1),
        "SWA: expected a start_epoch of at least 0, got -1. Give a whole number.",
    ),
    "gradient_accumulation_steps": (
        lambda: Adam(gradient_accumulation_steps=1.5),  # type: ignore[arg-type]
        "Adam: expected gradient_accumulation_steps of at least 1, got 1.5. Give a "
        "whole number.",
    ),
    "averages of other weights": (
        lambda: WeightAverage(EMA(), weights()).load({"tensors": [torch.ones(3)]}),
        "averaging: expected the averages of 2 weights of this model, got 1 of other "
        "shapes. Use this model's file.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(case):
    make, sentence = REFUSED[case]
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


def test_an_update_without_a_formula_is_refused():
    class Idle(ForeachUpdate):
        pass

    weight = nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    sentence = (
        "Idle: expected a method update(group, weights, gradients), got none. Define "
        "it in the class."
    )
    with pytest.raises(NotImplementedError, match=f"^{re.escape(sentence)}$"):
        Idle([weight]).step()


@pytest.mark.parametrize(
    "ask",
    [lambda each: each.counts(1, 0, ends=True), lambda each: each.share(1)],
    ids=["counts", "share"],
)
def test_an_average_without_a_rule_is_refused(ask):
    with pytest.raises(NotImplementedError):
        ask(Averaging())
