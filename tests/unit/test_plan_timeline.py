"""The timeline: every second of a step belongs to one part, by a clock of ours."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mica.plan.timeline import Place, ProcessorClock, Timeline, WallClock
from mica.training.delaying import DelayedReLU
from mica.training.folding import LastActivation
from tests.fake_clock import FakeClock, Slow


def seconds_of(model, x, clock, loss=torch.sum):
    """Seconds of each place of one step, forward and back."""
    timeline = Timeline(model, clock)
    with timeline.watching():
        timeline.begin()
        value = loss(model(x))
        timeline.turn_to(Place("(loss)"))
        timeline.claim(value, "(loss)", timeline.follow)
        timeline.resume()
        value.backward()
        stretches = timeline.end()
    found = {}
    for place, begin, end in stretches:
        found[place] = found.get(place, 0.0) + clock.seconds(begin, end)
    return {place: took for place, took in found.items() if took}


def start():
    return torch.ones(2, 3, requires_grad=True)


def test_layers_in_a_row_have_their_own_seconds():
    clock = FakeClock()
    model = nn.Sequential(Slow(clock, 1, 2), nn.ReLU(), Slow(clock, 3, 4))
    assert seconds_of(model, start(), clock) == {
        Place("0"): 1,
        Place("0", "backward"): 2,
        Place("2"): 3,
        Place("2", "backward"): 4,
    }


def test_a_shared_layer_adds_up_its_calls():
    clock = FakeClock()
    shared = Slow(clock, 1, 2)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared, self.other = shared, Slow(clock, 10, 20)

        def forward(self, x):
            return self.shared(self.other(self.shared(x)))

    assert seconds_of(Twice(), start(), clock) == {
        Place("shared"): 2,
        Place("shared", "backward"): 4,
        Place("other"): 10,
        Place("other", "backward"): 20,
    }


def test_branches_are_told_apart_on_the_way_back():
    clock = FakeClock()

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = Slow(clock, 1, 2), Slow(clock, 4, 8)
            self.own = [Slow(clock, 16, 32), Slow(clock, 64, 128)]  # no part of it

        def forward(self, x):
            left, right = self.own[0](self.left(x)), self.own[1](self.right(x))
            return left * right + x

    assert seconds_of(Branches(), start(), clock) == {
        Place("left"): 1,
        Place("left", "backward"): 2,
        Place("right"): 4,
        Place("right", "backward"): 8,
        Place(""): 16 + 64,
        Place("", "backward"): 32 + 128,
    }


def test_what_a_block_computes_itself_is_its_own():
    clock = FakeClock()

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Slow(clock, 1, 2), Slow(clock, 4, 8)
            self.own = [Slow(clock, 16, 32)]

        def forward(self, x):
            x = x + self.first(x)
            x = self.own[0](x)
            return x + self.second(x)

    found = seconds_of(nn.Sequential(Residual(), nn.Identity()), start(), clock)
    assert found == {
        Place("0.first"): 1,
        Place("0.first", "backward"): 2,
        Place("0.second"): 4,
        Place("0.second", "backward"): 8,
        Place("0"): 16,
        Place("0", "backward"): 32,
    }


def test_the_loss_is_at_work_before_the_last_layer_on_the_way_back():
    clock = FakeClock()
    priced = Slow(clock, 0, 7)
    found = seconds_of(
        nn.Sequential(Slow(clock, 1, 2)), start(), clock, lambda y: priced(y).sum()
    )
    assert found == {
        Place("0"): 1,
        Place("0", "backward"): 2,
        Place("(loss)", "backward"): 7,
    }


def test_a_layer_that_is_computed_again_is_at_work_on_the_way_back():
    clock = FakeClock()

    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            # A sigmoid keeps its output, so the way back computes it again.
            self.inner = nn.Sequential(Slow(clock, 1, 2), nn.Sigmoid())

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=False)

    found = seconds_of(nn.Sequential(Again()), start(), clock)
    assert found == {Place("0.inner.0"): 1, Place("0.inner.0", "backward"): 1 + 2}


def test_several_outputs_and_a_part_without_gradient():
    clock = FakeClock()

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.still = Slow(clock, 1, 2), Slow(clock, 4, 8)

        def forward(self, x):
            y = self.inner(x)
            return y * 2, {"still": self.still(y.detach())}

    found = seconds_of(
        Two(), start(), clock, lambda y: y[0].sum() + y[1]["still"].sum()
    )
    assert found == {
        Place("inner"): 1,
        Place("inner", "backward"): 2,
        Place("still"): 4,
    }


def test_hooks_are_taken_off_even_after_a_failure():
    class Fails(nn.Module):
        def forward(self, x):
            raise RuntimeError("no")

    model = nn.Sequential(Fails())
    timeline = Timeline(model, WallClock())
    try:
        with timeline.watching():
            timeline.begin()
            model(torch.ones(1))
    except RuntimeError:
        pass
    hooks = [(part._forward_hooks, part._forward_pre_hooks) for part in model.modules()]
    assert not any(each for pair in hooks for each in pair)
    timeline.begin()  # and a new step begins anew
    assert timeline.end()[0].place.part == "(host)"


def test_a_step_is_done_as_if_nobody_watched():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    delayed = DelayedReLU(LastActivation(network[1], "relu"), network[2])
    with Timeline(network, WallClock()).watching():
        delayed.delay()
        assert "forward" in vars(network[2])  # the relu is behind the pooling
        delayed.put_back()
    with network[2].register_forward_hook(lambda *given: None):
        delayed.delay()
        assert "forward" not in vars(network[2])  # this one would see it


def test_clocks_do_not_run_backwards():
    for clock in (WallClock(), ProcessorClock()):
        marks = [clock.mark() for _ in range(100)]
        assert marks == sorted(marks)
        assert clock.seconds(marks[0], marks[-1]) >= 0
