"""Rows of the layers in `mica/layers/spectrogram.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

NO_RULE = "mica.trace has no rule for the Fourier transform"

CASES: dict[str, LayerCase] = {
    "MelSpectrogram": LayerCase(
        lambda: layers.MelSpectrogram(
            8, sequence_stride=3, num_mel_bins=2, sampling_rate=1000
        ),
        (21,),
        no_walk_because=NO_RULE,
    ),
    "MelSpectrogram of sums": LayerCase(
        lambda: layers.MelSpectrogram(
            6,
            sequence_stride=4,
            sequence_length=6,
            num_mel_bins=2,
            sampling_rate=1000,
            power_to_db=False,
        ),
        (None,),
        no_walk_because=NO_RULE,
    ),
    "STFTSpectrogram": LayerCase(
        lambda: layers.STFTSpectrogram(frame_length=4, frame_step=2),
        (None, 2),
        takes_any_leading_axes=False,
        no_walk_because=NO_RULE,
    ),
    "STFTSpectrogram with two axes": LayerCase(
        lambda: layers.STFTSpectrogram(
            "stft", frame_length=4, padding="same", expand_dims=True, window=None
        ),
        (None, 2),
        takes_any_leading_axes=False,
        no_walk_because=NO_RULE,
    ),
}
