"""Rows of the recurrent layers, their cells' wrappers, and masking."""

from mica import layers
from tests.contract.layer_cases.case import (
    Constant,
    Derived,
    LayerCase,
    Orthogonal,
    Uniform,
)

__all__ = ["CASES"]

STACKED = "test_stacked_cells_begin_as_they_do_alone"


def forget_first(units: int) -> Constant:
    return Constant([0.0] * units + [1.0] * units + [0.0] * 2 * units)


def dense(inputs: int, outputs: int) -> Uniform:
    return Uniform((6 / (inputs + outputs)) ** 0.5)


GRU = {
    "cell.weight": dense(60, 192),
    "cell.recurrent_weight": Orthogonal(),
    "cell.bias": Constant(0.0),
    "cell.recurrent_bias": Constant(0.0),
}

CASES: dict[str, LayerCase] = {
    "Bidirectional": LayerCase(
        lambda: layers.Bidirectional(layers.GRU(64)),
        (None, 60),
        {
            f"{way}_layer.{name}": values
            for way in ("forward", "backward")
            for name, values in GRU.items()
        },
        takes_any_leading_axes=False,
    ),
    "Bidirectional sum of all steps": LayerCase(
        lambda: layers.Bidirectional(
            layers.LSTM(4, return_sequences=True), merge_mode="sum"
        ),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "ConvLSTM1D": LayerCase(
        lambda: layers.ConvLSTM1D(64, 3),
        (2, 8, 16),
        {
            "cell.input_convolution.weight": dense(16 * 3, 256 * 3),
            "cell.input_convolution.bias": forget_first(64),
            "cell.recurrent_convolution.weight": Orthogonal(),
        },
        takes_any_leading_axes=False,
    ),
    "ConvLSTM2D": LayerCase(
        lambda: layers.ConvLSTM2D(40, 3),
        (2, 4, 4, 8),
        {
            "cell.input_convolution.weight": dense(8 * 9, 160 * 9),
            "cell.input_convolution.bias": forget_first(40),
            "cell.recurrent_convolution.weight": Orthogonal(),
        },
        takes_any_leading_axes=False,
    ),
    "ConvLSTM2D of all steps": LayerCase(
        lambda: layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True),
        (3, 6, 6, 2),
        takes_any_leading_axes=False,
    ),
    "ConvLSTM3D": LayerCase(
        lambda: layers.ConvLSTM3D(24, 2),
        (2, 3, 3, 3, 16),
        {
            "cell.input_convolution.weight": dense(16 * 8, 96 * 8),
            "cell.input_convolution.bias": forget_first(24),
            "cell.recurrent_convolution.weight": Orthogonal(),
        },
        takes_any_leading_axes=False,
    ),
    "GRU": LayerCase(
        lambda: layers.GRU(64), (None, 60), GRU, takes_any_leading_axes=False
    ),
    "GRU reset before": LayerCase(
        lambda: layers.GRU(4, reset_after=False, return_sequences=True),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "LSTM": LayerCase(
        lambda: layers.LSTM(60, return_sequences=True),
        (None, 50),
        {
            "cell.weight": dense(50, 240),
            "cell.recurrent_weight": Orthogonal(),
            "cell.bias": forget_first(60),
        },
        takes_any_leading_axes=False,
    ),
    "LSTM with dropout": LayerCase(
        lambda: layers.LSTM(4, dropout=0.3, recurrent_dropout=0.3, seed=1),
        (None, 3),
        differs_in_training=True,
        takes_any_leading_axes=False,
    ),
    "LSTM backwards": LayerCase(
        lambda: layers.LSTM(4, go_backwards=True, recurrent_activation="hard_tanh"),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "Masking": LayerCase(lambda: layers.Masking(), (None, 3)),
    "RNN": LayerCase(
        lambda: layers.RNN(layers.SimpleRNNCell(110)),
        (None, 100),
        {
            "cell.weight": dense(100, 110),
            "cell.recurrent_weight": Orthogonal(),
            "cell.bias": Constant(0.0),
        },
        takes_any_leading_axes=False,
    ),
    "RNN of stacked cells": LayerCase(
        lambda: layers.RNN([layers.LSTMCell(4), layers.SimpleRNNCell(3)]),
        (None, 2),
        {
            f"cell.cells.{number}.{name}": Derived(STACKED)
            for number in (0, 1)
            for name in ("weight", "recurrent_weight", "bias")
        },
        takes_any_leading_axes=False,
    ),
    "SimpleRNN": LayerCase(
        lambda: layers.SimpleRNN(110),
        (None, 100),
        {
            "cell.weight": dense(100, 110),
            "cell.recurrent_weight": Orthogonal(),
            "cell.bias": Constant(0.0),
        },
        takes_any_leading_axes=False,
    ),
    "TimeDistributed": LayerCase(
        lambda: layers.TimeDistributed(layers.Dense(110)),
        (None, 100),
        {"layer.weight": dense(100, 110), "layer.bias": Constant(0.0)},
    ),
    "TimeDistributed convolution": LayerCase(
        lambda: layers.TimeDistributed(layers.Conv2D(2, 3)),
        (None, 6, 6, 1),
        takes_any_leading_axes=False,
    ),
}
