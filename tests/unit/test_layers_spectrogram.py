"""Spectrograms: sentences, phases, pitches, sounds that do not hear each other."""

import math
import re

import pytest
import torch

from mica import layers
from mica.errors import ConfigError, DataError, ShapeError
from tests.tolerances import assert_close

STFT, MEL = layers.STFTSpectrogram, layers.MelSpectrogram


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: STFT("power"),
            "STFTSpectrogram: expected mode to be a known name, got 'power'. "
            "Choose from: angle, imag, log, magnitude, psd, real, stft.",
        ),
        (
            lambda: STFT(frame_length=0),
            "STFTSpectrogram: expected frame_length to be a positive integer, got 0. "
            "Write for example frame_length=32.",
        ),
        (
            lambda: STFT(frame_length=4, frame_step=5),
            "STFTSpectrogram: expected frame_step up to frame_length 4, got 5. "
            "Otherwise samples between frames are lost.",
        ),
        *[
            (
                lambda length=length: STFT(frame_length=4, fft_length=length),
                "STFTSpectrogram: expected an even fft_length of at least frame_length "
                f"4, got {length}. A power of 2 is fastest.",
            )
            for length in (2, 5)
        ],
        (
            lambda: STFT(window="han"),
            "STFTSpectrogram: expected window to be a known name, got 'han'. Did you "
            "mean 'hann' or 'hamming'?",
        ),
        (
            lambda: STFT(frame_length=4, window=[1.0, 2.0]),
            "STFTSpectrogram: expected a window of 4 numbers, as frame_length says, "
            "got 2. Give one number for each sample of a frame.",
        ),
        (
            lambda: MEL(16, window=[1.0, 2.0]),
            "MelSpectrogram: expected a window of 16 numbers, as sequence_length says, "
            "got 2. Give one number for each sample of a frame.",
        ),
        (
            lambda: MEL(16, sequence_length=17),
            "MelSpectrogram: expected fft_length of at least 17, got 16. Make it at "
            "least sequence_length; 2048 is usual.",
        ),
        (
            lambda: MEL(1),
            "MelSpectrogram: expected fft_length of at least 2, got 1. Make it at "
            "least sequence_length; 2048 is usual.",
        ),
        (
            lambda: MEL(16, min_freq=50.0, max_freq=50.0),
            "MelSpectrogram: expected max_freq above min_freq 50, got 50. Half the "
            "sampling rate is the highest there is.",
        ),
        *[
            (
                lambda name=name: MEL(16, **{name: 0.0}),
                f"MelSpectrogram: expected {name} above 0, got 0.0. Its logarithm is "
                "taken.",
            )
            for name in ("min_power", "ref_power")
        ],
    ],
)
def test_a_wrong_argument_is_told(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("layer", "x", "kind", "sentence"),
    [
        (
            STFT(frame_length=8),
            torch.zeros(2, 7, 1),
            ShapeError,
            "STFTSpectrogram: expected at least 8 samples for a frame, got 7 in shape "
            '(2, 7, 1). Make frame_length smaller, or write padding="same".',
        ),
        (
            STFT(frame_length=8),
            torch.zeros(2, 9),
            ShapeError,
            "STFTSpectrogram: expected 3 axes (batch, time, channels), got shape "
            "(2, 9). Add the missing axis, e.g. with Reshape.",
        ),
        (
            STFT(frame_length=8),
            torch.zeros(2, 9, 1).long(),
            DataError,
            "STFTSpectrogram: expected floating-point input, got torch.int64. Convert "
            "it with x.float().",
        ),
        (
            MEL(16),
            torch.zeros(2, 8),
            ShapeError,
            "MelSpectrogram: expected at least 9 samples, more than half of "
            "fft_length, got 8 in shape (2, 8). Make fft_length smaller, or the sound "
            "longer.",
        ),
    ],
)
def test_a_wrong_input_is_told(layer, x, kind, sentence):
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        layer(x)


def test_the_angle_is_that_of_the_complex_number():
    x = torch.randn(2, 20, 1, dtype=torch.float64)
    options = {"frame_length": 6, "frame_step": 3, "fft_length": 8, "scaling": None}
    angle = STFT("angle", **options)(x)
    window = torch.hann_window(6, periodic=False, dtype=torch.float64)
    expected = torch.fft.rfft(x[..., 0].unfold(1, 6, 3) * window, n=8).angle()
    assert_close(angle, expected)


def test_a_sound_gets_louder_by_ten_decibels_when_its_power_is_ten_times_larger():
    x = torch.randn(1, 64, dtype=torch.float64)
    layer = MEL(16, sequence_stride=8, num_mel_bins=4, sampling_rate=1000)
    assert_close(layer(x * math.sqrt(10)), layer(x) + 10)


def test_the_reference_is_zero_decibels():
    x = torch.randn(1, 64, dtype=torch.float64)
    options = {"sequence_stride": 8, "num_mel_bins": 4, "sampling_rate": 1000}
    plain, moved = MEL(16, **options), MEL(16, ref_power=100.0, **options)
    assert_close(moved(x), plain(x) - 20)


def test_sounds_of_a_batch_do_not_hear_each_other():
    x = torch.randn(3, 64, dtype=torch.float64) * torch.tensor([[1.0], [1e4], [1e-4]])
    layer = MEL(16, sequence_stride=8, num_mel_bins=4, sampling_rate=1000, top_db=20.0)
    alone = torch.cat([layer(sound[None]) for sound in x])
    assert_close(layer(x), alone, "reordered")


def test_a_tone_is_loudest_at_its_own_pitch():
    times = torch.arange(2000.0, dtype=torch.float64) / 1000
    layer = MEL(256, sequence_stride=64, num_mel_bins=20, sampling_rate=1000)
    loudest = [
        int(layer(torch.sin(2 * torch.pi * frequency * times))[:, 10].argmax())
        for frequency in (50, 100, 200, 400)
    ]
    assert loudest == sorted(set(loudest))
