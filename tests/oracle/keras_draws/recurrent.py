"""Configurations of the recurrent layers."""

import random
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mica import layers
from tests.oracle.keras_draws.drawing import (
    Drawn,
    arranged,
    images,
    keras_layers,
    sequences,
)

__all__ = ["DRAWS"]

GATES = ("sigmoid", "hard_tanh", "tanh")
BENDS = ("tanh", "relu", "sigmoid", "linear", "softplus")


def some_mask(draw: random.Random, x: Tensor) -> Tensor | None:
    """No mask, padding behind, padding in front, or holes anywhere."""
    kind = draw.choice(["none", "behind", "in front", "holes"])
    if kind == "none":
        return None
    batch, time = x.shape[:2]
    lengths = torch.tensor([draw.randint(1, time) for _ in range(batch)])
    mask = torch.arange(time)[None] < lengths[:, None]
    if kind == "in front":
        return mask.flip(1)
    if kind == "holes":
        return torch.rand(batch, time) < 0.6
    return mask


def run_arguments(draw: random.Random) -> dict[str, Any]:
    return {
        "return_sequences": draw.random() < 0.5,
        "return_state": draw.random() < 0.3,
        "go_backwards": draw.random() < 0.3,
        "zero_output_for_mask": draw.random() < 0.3,
    }


def plain_order(state: Mapping[str, Tensor]) -> list[Tensor]:
    """weight, recurrent_weight, bias: of SimpleRNN and LSTM."""
    return [arranged(value) for value in state.values()]


def swapped(value: Tensor) -> Tensor:
    """Ours in the order r, z, n as Keras's z, r, h."""
    reset, update, new = value.chunk(3, 0)
    return torch.cat([update, reset, new])


def gru_order(state: Mapping[str, Tensor]) -> list[Tensor]:
    """Of one GRU: Keras stacks the two biases."""
    values = {name.rpartition(".")[2]: swapped(value) for name, value in state.items()}
    found = [arranged(values["weight"]), arranged(values["recurrent_weight"])]
    if "recurrent_bias" in values:
        found.append(torch.stack([values["bias"], values["recurrent_bias"]]))
    elif "bias" in values:
        found.append(values["bias"])
    return found


def drawn(
    kind: str, draw: random.Random, arguments: dict[str, Any], to_keras: Any
) -> Drawn:
    x = sequences(draw)
    mask = some_mask(draw, x)
    call = {} if mask is None else {"mask": mask}
    ours = getattr(layers, kind)(**arguments)
    theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")
    return Drawn(
        ours,
        theirs,
        x,
        text=f"{kind}({arguments}), mask {mask}",
        to_keras=to_keras,
        ours_call=call,
        theirs_call=call,
    )


def draw_simple_rnn(draw: random.Random) -> Drawn:
    arguments = {
        "units": draw.randint(1, 5),
        "activation": draw.choice(["tanh", "tanh", *BENDS]),
        "use_bias": draw.random() < 0.7,
        **run_arguments(draw),
    }
    return drawn("SimpleRNN", draw, arguments, plain_order)


def draw_lstm(draw: random.Random) -> Drawn:
    usual = draw.random() < 0.5
    arguments = {
        "units": draw.randint(1, 5),
        "activation": "tanh" if usual else draw.choice(BENDS),
        "recurrent_activation": "sigmoid" if usual else draw.choice(GATES),
        "use_bias": draw.random() < 0.7,
        **run_arguments(draw),
    }
    return drawn("LSTM", draw, arguments, plain_order)


def draw_gru(draw: random.Random) -> Drawn:
    usual = draw.random() < 0.5
    arguments = {
        "units": draw.randint(1, 5),
        "activation": "tanh" if usual else draw.choice(BENDS),
        "recurrent_activation": "sigmoid" if usual else draw.choice(GATES),
        "use_bias": draw.random() < 0.7,
        "reset_after": draw.random() < 0.6,
        **run_arguments(draw),
    }
    return drawn("GRU", draw, arguments, gru_order)


def both_ways(to_keras: Any) -> Any:
    def order(state: Mapping[str, Tensor]) -> list[Tensor]:
        halves = [
            {name: value for name, value in state.items() if name.startswith(way)}
            for way in ("forward_layer", "backward_layer")
        ]
        return [value for half in halves for value in to_keras(half)]

    return order


def draw_bidirectional(draw: random.Random) -> Drawn:
    kind, order = draw.choice(
        [("LSTM", plain_order), ("GRU", gru_order), ("SimpleRNN", plain_order)]
    )
    inner = {
        "units": draw.randint(1, 4),
        "return_sequences": draw.random() < 0.5,
        "return_state": draw.random() < 0.3,
    }
    mode = draw.choice(["concat", "sum", "mul", "ave", None])
    x = sequences(draw)
    mask = some_mask(draw, x)
    call = {} if mask is None else {"mask": mask}
    keras = keras_layers()
    theirs = keras.Bidirectional(
        getattr(keras, kind)(**inner, dtype="float64"), merge_mode=mode, dtype="float64"
    )
    ours = layers.Bidirectional(getattr(layers, kind)(**inner), merge_mode=mode)
    return Drawn(
        ours,
        theirs,
        x,
        text=f"Bidirectional({kind}({inner}), {mode}), mask {mask}",
        to_keras=both_ways(order),
        ours_call=call,
        theirs_call=call,
    )


def draw_stacked(draw: random.Random) -> Drawn:
    kinds = [draw.choice(["LSTMCell", "SimpleRNNCell"]) for _ in range(2)]
    sizes = [draw.randint(1, 4) for _ in kinds]
    keras = keras_layers()
    sequence = draw.random() < 0.5
    ours = layers.RNN(
        [getattr(layers, kind)(size) for kind, size in zip(kinds, sizes, strict=True)],
        return_sequences=sequence,
    )
    cells = [
        getattr(keras, kind)(size, dtype="float64")
        for kind, size in zip(kinds, sizes, strict=True)
    ]
    theirs = keras.RNN(
        keras.StackedRNNCells(cells, dtype="float64"),
        return_sequences=sequence,
        dtype="float64",
    )
    return Drawn(
        ours,
        theirs,
        sequences(draw),
        text=f"RNN({kinds}, {sizes}, return_sequences={sequence})",
        to_keras=plain_order,
    )


def convolution_order(state: Mapping[str, Tensor]) -> list[Tensor]:
    values = {name.partition(".")[2]: value for name, value in state.items()}
    found = [
        arranged(values["input_convolution.weight"]),
        arranged(values["recurrent_convolution.weight"]),
    ]
    bias = values.get("input_convolution.bias")
    return found if bias is None else [*found, bias]


def draw_conv_lstm(rank: int) -> Any:
    def draw_one(draw: random.Random) -> Drawn:
        strides = draw.choice([1, 1, 2])
        arguments = {
            "filters": draw.randint(1, 3),
            "kernel_size": draw.randint(1, 3),
            "strides": strides,
            "padding": draw.choice(["valid", "same"]),
            "dilation_rate": draw.choice([1, 2]) if strides == 1 else 1,
            "recurrent_activation": draw.choice(GATES),
            "use_bias": draw.random() < 0.7,
            "return_sequences": draw.random() < 0.5,
            "return_state": draw.random() < 0.3,
            "go_backwards": draw.random() < 0.3,
        }
        kind = f"ConvLSTM{rank}D"
        sizes = [draw.randint(5, 7) for _ in range(rank)]
        x = torch.randn(2, 3, *sizes, draw.randint(1, 2), dtype=torch.float64)
        ours = getattr(layers, kind)(**arguments)
        theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")
        return Drawn(
            ours, theirs, x, text=f"{kind}({arguments})", to_keras=convolution_order
        )

    return draw_one


def draw_time_distributed(draw: random.Random) -> Drawn:
    keras = keras_layers()
    if draw.random() < 0.5:
        x = sequences(draw)
        units = draw.randint(1, 4)
        one, other = layers.Dense(units), keras.Dense(units, dtype="float64")
    else:
        x = images(draw)[:, None].repeat(1, draw.randint(1, 3), 1, 1, 1)
        x = x + torch.randn_like(x)
        one, other = layers.Conv2D(2, 3), keras.Conv2D(2, 3, dtype="float64")
    return Drawn(
        layers.TimeDistributed(one),
        keras.TimeDistributed(other, dtype="float64"),
        x,
        text=f"TimeDistributed({one})",
    )


def draw_masking(draw: random.Random) -> Drawn:
    value = draw.choice([0.0, -1.0])
    x = sequences(draw)
    x[torch.rand(x.shape[:2]) < 0.4] = value
    return Drawn(
        layers.Masking(value),
        keras_layers().Masking(value, dtype="float64"),
        x,
        text=f"Masking({value}) of {tuple(x.shape)}",
    )


DRAWS = {
    "Bidirectional": draw_bidirectional,
    "ConvLSTM1D": draw_conv_lstm(1),
    "ConvLSTM2D": draw_conv_lstm(2),
    "ConvLSTM3D": draw_conv_lstm(3),
    "GRU": draw_gru,
    "LSTM": draw_lstm,
    "Masking": draw_masking,
    "RNN": draw_stacked,
    "SimpleRNN": draw_simple_rnn,
    "TimeDistributed": draw_time_distributed,
}
