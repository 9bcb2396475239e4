"""Spectrograms: which tones a sound holds, moment by moment."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import one_of, positive_integer, real_number
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.shapes import describe

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

EPSILON = 1e-7  # smallest power and amplitude, as in Keras
_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
_WINDOWS = {
    "bartlett": torch.bartlett_window,
    "blackman": torch.blackman_window,
    "hamming": torch.hamming_window,
    "hann": torch.hann_window,
}
# The mel scale of speech research: mel(f) = 1127 log(1 + f / 700).
_MEL_FACTOR = 1127.0
_MEL_BREAK = 700.0


def _read_window(
    window: Any, length: int, where: str, argument: str
) -> str | list[float] | None:
    """Read a window: a name, as many numbers as it is long, or None."""
    if window is None or isinstance(window, str):
        return None if window is None else one_of(window, _WINDOWS, where, "window")
    values = [real_number(value, where, "a value of window") for value in window]
    if len(values) != length:
        raise ConfigError(
            f"{where}: expected a window of {length} numbers, as {argument} says, got "
            f"{len(values)}. Give one number for each sample of a frame."
        )
    return values


def _window_values(
    window: str | list[float] | None, length: int, periodic: bool, x: Tensor
) -> Tensor:
    """The window in the type and on the device of x."""
    if window is None:
        return torch.ones(length, dtype=x.dtype, device=x.device)
    if isinstance(window, str):
        make = _WINDOWS[window]
        return make(length, periodic=periodic, dtype=x.dtype, device=x.device)
    return torch.tensor(window, dtype=x.dtype, device=x.device)


def _wide(x: Tensor) -> Tensor:
    """Fourier transforms have no half types."""
    return x if x.dtype == torch.float64 else x.float()


def _transform(frames: Tensor, length: int) -> Tensor:
    """The fast Fourier transform of real frames, also of none at all."""
    if frames.numel() == 0:
        shape = (*frames.shape[:-1], length // 2 + 1)
        return frames.new_zeros(shape, dtype=frames.dtype.to_complex())
    return torch.fft.rfft(frames, n=length)


def _mel(frequency: Tensor) -> Tensor:
    """The pitch of frequencies in hertz."""
    return _MEL_FACTOR * torch.log1p(frequency / _MEL_BREAK)


class STFTSpectrogram(Layer):
    """Strength and phase of each frequency, frame by frame, of a sound.

    s_tk = sum_n w_n x_(t frame_step + n) exp(-2 pi i n k / fft_length)
    y = log |s| (mode "log"), |s| ("magnitude"), |s|^2 of both halves ("psd"), Re s
    ("real"), Im s ("imag"), the angle of s ("angle") or Re s beside Im s ("stft")

    k goes from 0 to fft_length / 2; |s|^2 and |s| are kept above 1e-7. Keras holds the
    waves as weights that could learn; here they are computed, by the fast Fourier
    transform.

    Args:
        mode: What is given: "log", "magnitude", "psd", "real", "imag", "angle" or
            "stft".
        frame_length: Samples of a frame. At least 1.
        frame_step: Samples from a frame to the next, up to ``frame_length``; `None`
            for half a frame.
        fft_length: Length that frames are filled up to with zeros; `None` for the next
            power of 2.
        window: w: "hann", "hamming", "blackman", "bartlett", one number for each
            sample of a frame, or `None` for 1.
        periodic: Whether the named window is one period of a wave, rather than
            symmetrical.
        scaling: What w is divided by: "density" for the root of the sum of its
            squares, "spectrum" for the sum of its sizes, `None` for 1.
        padding: "valid" for whole frames only, "same" for ceil(time / frame_step)
            frames, filled up with zeros on both sides.
        expand_dims: Whether frequencies and channels are two axes.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, channels)
        y: (batch, frames, channels * frequencies), or (batch, frames, frequencies,
            channels) with ``expand_dims``; "stft" has twice as many frequencies

    Raises:
        ConfigError: A length is not positive or does not fit the others, or a word is
            not known.
        ShapeError: x is shorter than a frame, or its channels are not known.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> sound = torch.sin(torch.arange(64.0) * 2 * torch.pi / 8)[None, :, None]
        >>> layer = STFTSpectrogram("magnitude", frame_length=16)
        >>> layer(sound).shape
        torch.Size([1, 7, 9])
        >>> layer(sound)[0, 0].argmax()  # 16 samples hold two of its waves
        tensor(2)

    Source:
        Allen & Rabiner 1977, A unified approach to short-time Fourier analysis and
        synthesis.
    """

    words_of_others: ClassVar[Mapping[str, str]] = {
        "data_format": "Leave it out: channels come last.",
    }

    def __init__(
        self,
        mode: str = "log",
        *,
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: str | Sequence[float] | None = "hann",
        periodic: bool = False,
        scaling: Literal["density", "spectrum"] | None = "density",
        padding: Literal["valid", "same"] = "valid",
        expand_dims: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.mode = one_of(mode, _MODES, where, "mode")
        self.frame_length = positive_integer(frame_length, where, "frame_length")
        self.frame_step = max(self.frame_length // 2, 1)
        if frame_step is not None:
            self.frame_step = positive_integer(frame_step, where, "frame_step")
        if self.frame_step > self.frame_length:
            raise ConfigError(
                f"{where}: expected frame_step up to frame_length "
                f"{self.frame_length}, got {frame_step!r}. Otherwise samples between "
                "frames are lost."
            )
        self.fft_length = 2 ** math.ceil(math.log2(self.frame_length))
        if fft_length is not None:
            self.fft_length = positive_integer(fft_length, where, "fft_length")
        if self.fft_length < self.frame_length or self.fft_length % 2:
            raise ConfigError(
                f"{where}: expected an even fft_length of at least frame_length "
                f"{self.frame_length}, got {self.fft_length}. A power of 2 is fastest."
            )
        self.window = _read_window(window, self.frame_length, where, "frame_length")
        self.periodic = bool(periodic)
        self.scaling = scaling
        if scaling is not None:
            one_of(scaling, ("density", "spectrum"), where, "scaling")
        self.padding = one_of(padding, ("valid", "same"), where, "padding")
        self.expand_dims = bool(expand_dims)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, length or channels."""
        check_rank(self.where, shape, "batch time channels")
        check_floating(self.where, dtype)
        check_axis(self.where, shape, -1, None)
        least = self.frame_length if self.padding == "valid" else 1
        if shape[1] is not None and shape[1] < least:
            raise ShapeError(
                f"{self.where}: expected at least {least} samples for a frame, got "
                f"{shape[1]} in shape {describe(shape)}. Make frame_length smaller, or "
                'write padding="same".'
            )

    def _scaled_window(self, x: Tensor) -> Tensor:
        window = _window_values(self.window, self.frame_length, self.periodic, x)
        if self.window is None or self.scaling is None:
            return window
        if self.scaling == "density":
            return window / window.square().sum().sqrt()
        return window / window.abs().sum()

    def _spectrum(self, x: Tensor) -> Tensor:
        """The complex numbers (batch, channels, frames, frequencies)."""
        x = _wide(x).transpose(1, 2)
        if self.padding == "same":
            frames = -(-x.shape[-1] // self.frame_step)
            missing = (frames - 1) * self.frame_step + self.frame_length - x.shape[-1]
            missing = max(missing, 0)
            x = functional.pad(x, (missing // 2, missing - missing // 2))
        frames = x.unfold(-1, self.frame_length, self.frame_step)
        return _transform(frames * self._scaled_window(x), self.fft_length)

    def _shown(self, s: Tensor) -> Tensor:
        """What the mode says of the complex numbers."""
        if self.mode == "real":
            return s.real
        if self.mode == "imag":
            return s.imag
        if self.mode == "angle":
            return torch.atan2(s.imag, s.real)
        if self.mode == "stft":
            return torch.cat([s.real, s.imag], dim=-1)
        power = s.real.square() + s.imag.square()
        if self.mode == "psd":  # the other half of the frequencies mirrors this one
            return power + functional.pad(power[..., 1:-1], (1, 1))
        size = power.clamp(min=EPSILON).sqrt()
        return size if self.mode == "magnitude" else size.clamp(min=EPSILON).log()

    def forward(self, x: Float[Tensor, "batch time channels"]) -> Float[Tensor, "..."]:
        """Cut into frames and transform each of them."""
        y = self._shown(self._spectrum(x)).to(x.dtype)
        if self.expand_dims:
            return y.permute(0, 2, 3, 1).contiguous()
        return y.transpose(1, 2).flatten(2)


class MelSpectrogram(Layer):
    """How loud a sound is on each pitch, frame by frame, as ears hear it.

    y = 10 log10(max(sum_k mel_km |s_tk|^mag_exp, min_power)) - 10 log10(ref_power)

    s is the short-time Fourier transform with its frames centred on multiples of
    ``sequence_stride`` (mirrored at both ends). mel_km are triangles of height 1 whose
    corners lie evenly between ``min_freq`` and ``max_freq`` on the scale
    mel(f) = 1127 log(1 + f / 700). What is ``top_db`` below the loudest value of the
    same sound is raised to that; Keras takes the loudest of the whole batch.

    Args:
        fft_length: Length of a frame, filled up with zeros. At least 2.
        sequence_stride: Samples from a frame to the next. At least 1.
        sequence_length: Samples of a frame that count; `None` for all.
        window: "hann", "hamming", "blackman", "bartlett", one number for each sample
            that counts, or `None` for 1.
        sampling_rate: Samples per second.
        num_mel_bins: How many pitches. At least 1.
        min_freq: Where the lowest triangle begins, in hertz.
        max_freq: Where the highest one ends; `None` for half the sampling rate.
        power_to_db: Whether the result is in decibels; else the sum itself.
        top_db: How far below the loudest value the softest may lie.
        mag_exp: Exponent of |s|: 2 for power, 1 for amplitude.
        min_power: Smallest sum; above 0.
        ref_power: The sum that counts as 0 decibels; above 0.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch, time)
        y: (*batch, num_mel_bins, 1 + time // sequence_stride)

    Raises:
        ConfigError: A number is outside its range, or the window is not known.
        ShapeError: x is not longer than half a frame, which is mirrored.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = MelSpectrogram(
        ...     64, sequence_stride=32, num_mel_bins=8, sampling_rate=1000
        ... )
        >>> tone = torch.sin(torch.arange(320.0) * 2 * torch.pi * 100 / 1000)
        >>> layer(tone[None]).shape
        torch.Size([1, 8, 11])

    Source:
        Stevens, Volkmann & Newman 1937; the formula of the scale: the Hidden Markov
        Model Toolkit, as in Keras 3.
    """

    def __init__(
        self,
        fft_length: int = 2048,
        *,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | Sequence[float] | None = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.fft_length = positive_integer(fft_length, where, "fft_length")
        self.sequence_stride = positive_integer(
            sequence_stride, where, "sequence_stride"
        )
        self.sequence_length = self.fft_length
        if sequence_length is not None:
            self.sequence_length = positive_integer(
                sequence_length, where, "sequence_length"
            )
        if self.fft_length < self.sequence_length or self.fft_length < 2:
            least = max(2, sequence_length or 0)
            raise ConfigError(
                f"{where}: expected fft_length of at least {least}, got "
                f"{fft_length!r}. Make it at least sequence_length; 2048 is usual."
            )
        self.window = _read_window(
            window, self.sequence_length, where, "sequence_length"
        )
        self.sampling_rate = positive_integer(sampling_rate, where, "sampling_rate")
        self.num_mel_bins = positive_integer(num_mel_bins, where, "num_mel_bins")
        self.min_freq = real_number(min_freq, where, "min_freq", minimum=0.0)
        self.max_freq = self.sampling_rate / 2
        if max_freq is not None:
            self.max_freq = real_number(max_freq, where, "max_freq")
        if self.max_freq <= self.min_freq:
            raise ConfigError(
                f"{where}: expected max_freq above min_freq {self.min_freq:g}, got "
                f"{self.max_freq:g}. Half the sampling rate is the highest there is."
            )
        self.power_to_db = bool(power_to_db)
        self.top_db = real_number(top_db, where, "top_db", minimum=0.0)
        self.mag_exp = real_number(mag_exp, where, "mag_exp")
        self.min_power = self._above_zero(min_power, "min_power")
        self.ref_power = self._above_zero(ref_power, "ref_power")
        self._triangles = self._make_triangles()

    def _above_zero(self, value: float, name: str) -> float:
        number = real_number(value, self.where, name)
        if number <= 0:
            raise ConfigError(
                f"{self.where}: expected {name} above 0, got {value!r}. Its logarithm "
                "is taken."
            )
        return number

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or length."""
        check_rank(self.where, shape, "time", at_least=True)
        check_floating(self.where, dtype)
        least = self.fft_length // 2 + 1
        if shape[-1] is not None and shape[-1] < least:
            raise ShapeError(
                f"{self.where}: expected at least {least} samples, more than half of "
                f"fft_length, got {shape[-1]} in shape {describe(shape)}. Make "
                "fft_length smaller, or the sound longer."
            )

    def _make_triangles(self) -> Float[Tensor, "frequencies pitches"]:
        """The weights of the sums; frequency 0 belongs to no pitch."""
        bins = self.fft_length // 2 + 1
        frequencies = torch.linspace(
            0.0, self.sampling_rate / 2, bins, dtype=torch.float64
        )
        limits = torch.tensor([self.min_freq, self.max_freq], dtype=torch.float64)
        places, (low, high) = _mel(frequencies)[1:, None], _mel(limits)
        steps = torch.linspace(0.0, 1.0, self.num_mel_bins + 2, dtype=torch.float64)
        corners = low + (high - low) * steps
        left, middle, right = corners[:-2], corners[1:-1], corners[2:]
        rising = (places - left) / (middle - left)
        falling = (right - places) / (right - middle)
        return functional.pad(torch.minimum(rising, falling).clamp(min=0), (0, 0, 1, 0))

    def _sizes(self, x: Tensor) -> Tensor:
        """|s|: (rows, frames, frequencies)."""
        half = self.fft_length // 2
        x = functional.pad(x[:, None], (half, half), mode="reflect")[:, 0]
        window = _window_values(self.window, self.sequence_length, True, x)
        missing = self.fft_length - self.sequence_length
        window = functional.pad(window, (missing // 2, missing - missing // 2))
        frames = x.unfold(-1, self.fft_length, self.sequence_stride)
        s = _transform(frames * window, self.fft_length)
        return (s.real.square() + s.imag.square()).sqrt()

    def forward(self, x: Float[Tensor, "*batch time"]) -> Float[Tensor, "..."]:
        """Transform each frame, gather its frequencies into pitches."""
        rows = _wide(x).reshape(-1, x.shape[-1])
        y = self._sizes(rows) ** self.mag_exp @ self._triangles.to(rows)
        if self.power_to_db:
            y = 10 * (y.clamp(min=self.min_power).log10() - math.log10(self.ref_power))
            y = torch.maximum(y, y.amax(dim=(-2, -1), keepdim=True) - self.top_db)
        y = y.transpose(-1, -2).contiguous().to(x.dtype)
        return y.reshape(*x.shape[:-1], *y.shape[-2:])
