"""Clipping: bounds, what is left alone, and what is not to pass unseen."""

import pytest
import torch

from mica.optimizers import SGD
from mica.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value

CLIPS = [clip_by_value, clip_by_norm, clip_by_global_norm]
ARGUMENTS = ["clipvalue", "clipnorm", "global_clipnorm"]


@pytest.mark.parametrize("clip", CLIPS)
def test_short_gradients_keep_every_bit(clip):
    gradients = [torch.tensor([0.1, -0.2]), torch.zeros(3), torch.tensor(0.3)]
    before = [gradient.clone() for gradient in gradients]
    clip(gradients, 1.0)
    assert all(
        torch.equal(one, two) for one, two in zip(gradients, before, strict=True)
    )


@pytest.mark.parametrize("clip", CLIPS)
def test_zero_gradients_stay_zero(clip):
    gradients = [torch.zeros(3), torch.zeros(2, 2)]
    clip(gradients, 1e-3)
    assert all(torch.equal(g, torch.zeros_like(g)) for g in gradients)


@pytest.mark.parametrize("clip", CLIPS)
def test_gradients_of_several_types_are_bounded_together(clip):
    gradients = [torch.full((2,), 9.0, dtype=t) for t in (torch.float32, torch.float64)]
    clip(gradients, 1.0)
    assert all(g.norm() <= 2**0.5 + 1e-6 for g in gradients)
    assert [g.dtype for g in gradients] == [torch.float32, torch.float64]


def test_an_infinite_gradient_spoils_all_of_them():
    gradients = [torch.tensor([1.0, float("inf")]), torch.tensor([1.0])]
    clip_by_global_norm(gradients, 1.0)
    assert all(g.isnan().all() for g in gradients)


@pytest.mark.parametrize("clip", CLIPS)
def test_nan_is_not_hidden(clip):
    gradients = [torch.tensor([1.0, float("nan")])]
    clip(gradients, 1.0)
    assert gradients[0].isnan().any()


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_a_description_clips_the_gradients_that_there_are(argument):
    spec = SGD(**{argument: 0.5})
    weight, other = torch.ones(2), torch.ones(2)
    weight.grad = torch.tensor([8.0, 0.0])
    spec.clip_gradients([weight, other])
    assert spec.clips
    assert weight.grad.tolist() == [0.5, 0.0]
    assert other.grad is None


@pytest.mark.parametrize("argument", [None, *ARGUMENTS])
def test_without_gradients_there_is_nothing_to_clip(argument):
    SGD(**({argument: 0.5} if argument else {})).clip_gradients([torch.ones(2)])


def test_without_a_bound_nothing_is_clipped():
    weight = torch.ones(1)
    weight.grad = torch.tensor([1e9])
    SGD().clip_gradients([weight])
    assert not SGD().clips
    assert weight.grad.item() == 1e9


@pytest.mark.parametrize("clip", CLIPS)
def test_clipping_asks_the_device_for_nothing(clip):
    class Refuses(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            assert "_local_scalar_dense" not in str(function), "waits for the device"
            return function(*args, **(kwargs or {}))

    with Refuses():
        clip([torch.ones(3), torch.ones(2, 2)], 0.5)
