"""Padding changes nothing in a whole network; what looks back sees no future."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mica import Sequential, layers
from tests.tolerances import assert_close

few = settings(max_examples=8)
seeds = st.integers(0, 2**31)
WORDS = 9
UNITS = 4

# What reads the words, and gives one row for each text.
READERS: dict[str, Callable[[], list[layers.Layer]]] = {
    "Bidirectional": lambda: [layers.Bidirectional(layers.GRU(UNITS))],
    "GRU": lambda: [layers.GRU(UNITS)],
    "LSTM": lambda: [layers.LSTM(UNITS)],
    "LSTM on LSTM": lambda: [
        layers.LSTM(UNITS, return_sequences=True),
        layers.LSTM(UNITS),
    ],
    "LSTM of all steps, averaged": lambda: [
        layers.LSTM(UNITS, return_sequences=True),
        layers.GlobalAveragePooling1D(),
    ],
    "RNN of stacked cells": lambda: [
        layers.RNN([layers.GRUCell(UNITS), layers.SimpleRNNCell(3)])
    ],
    "SimpleRNN": lambda: [layers.SimpleRNN(UNITS)],
    "TransformerEncoder": lambda: [
        layers.TransformerEncoder(2 * UNITS, num_heads=2),
        layers.GlobalAveragePooling1D(),
    ],
    "words alone": lambda: [layers.GlobalAveragePooling1D()],
}
# Layers whose steps depend on the steps before them and on no other.
LOOKING_BACK: dict[str, Callable[[], layers.Layer]] = {
    "Conv1D": lambda: layers.Conv1D(UNITS, 3, padding="causal"),
    "GRU": lambda: layers.GRU(UNITS, return_sequences=True),
    "LSTM": lambda: layers.LSTM(UNITS, return_sequences=True),
    "RNN of stacked cells": lambda: layers.RNN(
        [layers.GRUCell(UNITS), layers.SimpleRNNCell(3)], return_sequences=True
    ),
    "SimpleRNN": lambda: layers.SimpleRNN(UNITS, return_sequences=True),
    "TransformerEncoder": lambda: layers.TransformerEncoder(
        2 * UNITS, num_heads=2, use_causal_mask=True
    ),
}


def texts(seed: int, rows: int, steps: int) -> Tensor:
    """Numbers of words, of which zeros at the end are padding; no row is empty."""
    draw = torch.Generator().manual_seed(seed)
    words = torch.randint(1, WORDS, (rows, steps), generator=draw)
    lengths = torch.randint(1, steps + 1, (rows, 1), generator=draw)
    return torch.where(torch.arange(steps) < lengths, words, 0)


def network(reader: str, x: Tensor) -> Sequential:
    torch.manual_seed(0)
    model = Sequential(
        layers.Input((None,), dtype=torch.int64),
        layers.Embedding(WORDS, UNITS, mask_zero=True),
        *READERS[reader](),
        layers.Dense(2),
    )
    model(x)
    return model.double().eval()


def outputs_and_slopes(model: Sequential, x: Tensor) -> list[Tensor]:
    y = model(x)
    weighting = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    slopes = torch.autograd.grad((y * weighting).sum(), list(model.parameters()))
    return [y, *slopes]


@pytest.mark.parametrize("reader", READERS)
@few
@given(
    seed=seeds, rows=st.integers(1, 4), steps=st.integers(1, 5), more=st.integers(1, 4)
)
def test_more_padding_changes_no_output_and_no_slope(reader, seed, rows, steps, more):
    x = texts(seed, rows, steps)
    model = network(reader, x)
    longer = torch.nn.functional.pad(x, (0, more))
    pairs = zip(
        outputs_and_slopes(model, longer), outputs_and_slopes(model, x), strict=True
    )
    for padded, plain in pairs:
        assert_close(padded, plain, "reordered")


@pytest.mark.parametrize("reader", READERS)
@few
@given(seed=seeds, steps=st.integers(2, 6))
def test_a_text_does_not_depend_on_how_long_the_others_are(reader, seed, steps):
    x = texts(seed, 3, steps)
    model = network(reader, x)
    alone = [model(row[row != 0].unsqueeze(0)) for row in x]
    assert_close(model(x), torch.cat(alone), "reordered")


@pytest.mark.parametrize("kind", LOOKING_BACK)
@few
@given(seed=seeds, steps=st.integers(2, 6), data=st.data())
def test_the_slope_of_a_step_by_a_later_one_is_exactly_zero(kind, seed, steps, data):
    last = data.draw(st.integers(0, steps - 2))
    torch.manual_seed(seed)
    layer = LOOKING_BACK[kind]()
    x = torch.randn(2, steps, UNITS, dtype=torch.float64, requires_grad=True)
    y = layer(x)[:, last]
    (slope,) = torch.autograd.grad((y * torch.randn_like(y)).sum(), x)
    assert not slope[:, last + 1 :].any()
    assert slope[:, last].any()
