"""Refusing: a compiler that fails is told with what to do, any other error as it is."""

import re

import pytest
import torch

import mica
from mica.engine import ExecutionPlan
from mica.errors import ConfigError
from mica.training.refusing import LONGEST, compiler_errors

CPU = torch.device("cpu")
COMPILED = ExecutionPlan(CPU, capture="compile", threads=1)


class BrokenCompilerError(RuntimeError):
    """As torch's compiler raises one."""

    __module__ = "torch._inductor.exc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no compiler found.\n\nSet LOGS for more.", "no compiler found"),
        ("a\n b", "a b"),
        ("x" * 500, "x" * (LONGEST - 3)),
    ],
)
def test_a_compiler_that_fails_is_a_sentence(text, shown):
    said = (
        "fit: expected a model that torch.compile can compile on this machine, got "
        f'BrokenCompilerError: {shown}. Use plan="eager", or install what it asks for.'
    )
    with (
        pytest.raises(ConfigError, match=f"^{re.escape(said)}$"),
        compiler_errors(COMPILED),
    ):
        raise BrokenCompilerError(text)


@pytest.mark.parametrize(
    ("plan", "kind"),
    [(COMPILED, ValueError), (ExecutionPlan(CPU), BrokenCompilerError)],
)
def test_other_errors_pass_as_they_are(plan, kind):
    with pytest.raises(kind, match=r"^own$"), compiler_errors(plan):
        raise kind("own")


def test_fit_says_it_and_the_weights_stay(monkeypatch):
    def compile_network(network):
        def broken(*_, **__):
            raise BrokenCompilerError("no compiler found")

        return broken

    monkeypatch.setattr("mica.training.step.compile_network", compile_network)
    model = mica.Sequential(mica.Input((2,)), mica.layers.Dense(1))
    model.compile("sgd", "mse")
    before = [weight.detach().clone() for weight in model.parameters()]
    x, y = torch.ones(4, 2), torch.ones(4, 1)
    with pytest.raises(
        ConfigError, match=r"^fit: expected a model that torch\.compile"
    ):
        model.fit(x, y, plan=COMPILED, verbose=0)
    for weight, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(weight, old)
    model.fit(x, y, plan="eager", verbose=0)
