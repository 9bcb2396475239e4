"""A clock that only layers move on, so that every second of a step is known."""

import torch
from torch import nn

from mica.data import ArraySource

__all__ = ["FakeClock", "Slow", "SlowRows", "SlowSGD"]


class FakeClock:
    """Stands still until somebody works."""

    def __init__(self):
        self.now = 0.0

    def __deepcopy__(self, memo):
        return self

    def work(self, seconds):
        self.now += seconds

    def mark(self):
        return self.now

    def seconds(self, begin, end):
        return end - begin


class _Work(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, clock, there, back):
        ctx.clock, ctx.back = clock, back
        clock.work(there)
        return x * 1.0

    @staticmethod
    def backward(ctx, gradient):
        ctx.clock.work(ctx.back)
        return gradient * 1.0, None, None, None


class Slow(nn.Module):
    """A layer that takes as long as it is told, forward and back."""

    def __init__(self, clock, there, back):
        super().__init__()
        self.clock, self.there, self.back = clock, there, back

    def forward(self, x):
        return _Work.apply(x, self.clock, self.there, self.back)


class SlowRows(ArraySource):
    """Arrays that are fetched slowly."""

    def __init__(self, clock, seconds, *arrays):
        super().__init__(*arrays)
        self.clock, self.seconds = clock, seconds

    def batches(self, epoch, **options):
        for batch in super().batches(epoch, **options):
            self.clock.work(self.seconds)
            yield batch


class SlowSGD(torch.optim.SGD):
    """An optimizer that takes its time."""

    def __init__(self, parameters, clock, seconds):
        super().__init__(parameters, lr=0.1)
        self.clock, self.its_seconds = clock, seconds

    def step(self, closure=None):
        self.clock.work(self.its_seconds)
        return super().step(closure)
