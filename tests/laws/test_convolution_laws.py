"""Laws of convolutions: nothing from the future, and the transposed is the adjoint."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mica import layers
from tests.tolerances import assert_close

few = settings(max_examples=15)
seeds = st.integers(0, 2**16)


def normal(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


CAUSAL = {
    "Conv1D": lambda **arguments: layers.Conv1D(2, **arguments),
    "DepthwiseConv1D": lambda **arguments: layers.DepthwiseConv1D(**arguments),
    "SeparableConv1D": lambda **arguments: layers.SeparableConv1D(2, **arguments),
}


@pytest.mark.parametrize("make", CAUSAL.values(), ids=CAUSAL)
@few
@given(
    seed=seeds,
    window=st.integers(1, 4),
    dilation=st.integers(1, 3),
    step=st.integers(0, 8),
)
def test_a_causal_convolution_lets_no_future_through(
    make, seed, window, dilation, step
):
    x = normal(seed, 1, 9, 2).requires_grad_()
    layer = make(kernel_size=window, padding="causal", dilation_rate=dilation)
    (slope,) = torch.autograd.grad(layer(x)[:, step].sum(), x)
    assert not slope[:, step + 1 :].any()
    assert slope[:, step].any()
    reach = dilation * (window - 1) + 1
    assert not slope[:, : max(step + 1 - reach, 0)].any()


@pytest.mark.parametrize("rank", [1, 2, 3])
@few
@given(
    seed=seeds,
    window=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    groups=st.integers(1, 2),
)
def test_a_transposed_convolution_is_the_adjoint(
    rank, seed, window, stride, dilation, groups
):
    settings = {"kernel_size": window, "strides": stride, "dilation_rate": dilation}
    settings |= {"groups": groups, "use_bias": False}
    # <conv(x), z> = <x, transposed(z)>: sizes in which no place of x is left over.
    reach = dilation * (window - 1) + 1
    size = 2 * stride + reach
    x = normal(seed, 2, *[size] * rank, 2)
    forth = getattr(layers, f"Conv{rank}D")(4, **settings)
    z = normal(seed + 1, *forth(x).shape)
    back = getattr(layers, f"Conv{rank}DTranspose")(2, **settings, output_padding=0)
    back(z)
    back.load_state_dict(forth.state_dict())
    assert_close((forth(x) * z).sum(), (x * back(z)).sum())


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@few
@given(seed=seeds, window=st.integers(1, 4), stride=st.integers(1, 3))
def test_a_sequence_is_an_image_of_width_one(padding, seed, window, stride):
    x = normal(seed, 2, 9, 3)
    line = layers.Conv1D(2, window, stride, padding=padding)
    plane = layers.Conv2D(
        2, (window, 1), (stride, 1), padding="same" if padding == "same" else "valid"
    )
    y = line(x)
    x = layers.ZeroPadding1D((window - 1, 0))(x) if padding == "causal" else x
    plane(x.unsqueeze(2))
    weight = line.weight.detach().unsqueeze(-1)
    plane.load_state_dict({"weight": weight, "bias": line.bias})
    assert_close(plane(x.unsqueeze(2)).squeeze(2), y, "reordered")


@few
@given(seed=seeds, length=st.integers(1, 12), count=st.integers(1, 6))
def test_parts_cover_everything(seed, length, count):
    x = normal(seed, 1, length, 2)
    largest = layers.AdaptiveMaxPooling1D(count)(x)
    mean = layers.AdaptiveAveragePooling1D(count)(x)
    assert torch.equal(largest.amax(1), x.amax(1))
    assert (mean <= largest + 1e-12).all()
