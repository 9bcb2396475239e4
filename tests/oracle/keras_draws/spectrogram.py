"""Configurations of the layers in `mica/layers/spectrogram.py`."""

import functools
import random

import torch

from tests.oracle.keras_draws.drawing import Drawn, both

__all__ = ["DRAWS"]


def draw_stft(draw: random.Random) -> Drawn:
    frame = draw.randint(2, 9)
    arguments = {
        # Not "angle": where the imaginary part is 0, Keras's sign is one of rounding.
        "mode": draw.choice(["log", "magnitude", "psd", "real", "imag", "stft"]),
        "frame_length": frame,
        "frame_step": draw.choice([None, draw.randint(1, frame)]),
        "fft_length": draw.choice([None, 16]),
        "window": draw.choice(
            ["hann", "hamming", "blackman", "bartlett", [0.5, *[1.0] * (frame - 1)]]
        ),
        "periodic": draw.random() < 0.5,
        "scaling": draw.choice([None, "density", "spectrum"]),
        "padding": draw.choice(["valid", "same"]),
        "expand_dims": draw.random() < 0.5,
    }
    if arguments["scaling"] is not None and frame < 4 and not arguments["periodic"]:
        arguments["window"] = "hamming"  # others are zero at both ends
    x = torch.randn(
        draw.randint(1, 3), draw.randint(9, 20), draw.randint(1, 3), dtype=torch.float64
    )
    drawn = both("STFTSpectrogram", arguments, x)
    theirs = drawn.theirs
    theirs.build(tuple(x.shape))
    theirs.trainable = False  # its waves are weights; ours are computed
    waves = [variable.value for variable in theirs.weights]
    return Drawn(drawn.ours, theirs, x, text=drawn.text, to_keras=lambda state: waves)


def draw_mel(draw: random.Random) -> Drawn:
    fft = draw.choice([8, 13, 16])
    arguments = {
        "fft_length": fft,
        "sequence_stride": draw.randint(1, 8),
        "sequence_length": draw.choice([None, draw.randint(4, fft)]),
        "window": draw.choice(["hann", "hamming"]),
        "sampling_rate": draw.choice([1000, 16000]),
        "num_mel_bins": draw.randint(1, 5),
        "min_freq": draw.choice([0.0, 20.0]),
        "max_freq": draw.choice([None, 400.0]),
        "power_to_db": draw.random() < 0.5,
        "top_db": draw.choice([1.0, 80.0]),
        "mag_exp": draw.choice([1.0, 2.0]),
    }
    # One sound: Keras looks for the loudest value in the whole batch.
    x = torch.randn(1, draw.randint(20, 50), dtype=torch.float64)
    drawn = both("MelSpectrogram", arguments, x)
    exact = functools.partial(drawn.theirs.linear_to_mel_weight_matrix, dtype="float64")
    drawn.theirs.linear_to_mel_weight_matrix = exact
    return drawn


DRAWS = {"MelSpectrogram": draw_mel, "STFTSpectrogram": draw_stft}
