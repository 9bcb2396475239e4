"""EinsumDense: a learned linear map between axes that a formula names."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape, describe

__all__ = ["EinsumDense"]

_FORM = re.compile(
    r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?"
)


@dataclass(frozen=True)
class _Equation:
    """The letters of x, of the weight and of y, and where more axes may stand."""

    x: str
    weight: str
    y: str
    leads: bool  # axes may stand before the named ones
    follows: bool  # or after them

    @property
    def free(self) -> str:
        """The letters of y that have a place in `output_shape`."""
        return self.y if self.leads else self.y[1:]

    def sizes_of_x(self, shape: Sequence[int | None]) -> dict[str, int | None]:
        """The sizes of the letters of x."""
        named = shape[-len(self.x) :] if self.leads else shape[: len(self.x)]
        return dict(zip(self.x, named, strict=True))


def _read(equation: Any, where: str) -> _Equation:
    """Read an equation, or say what is wrong with it."""
    text = equation.replace(" ", "") if isinstance(equation, str) else ""
    match = _FORM.fullmatch(text)
    balanced = match is not None and (
        bool(match[1]) == bool(match[5])
        and bool(match[3]) == bool(match[7])
        and not (match[1] and match[3])
    )
    if match is None or not balanced:
        raise ConfigError(
            f"{where}: expected an equation such as 'abc,cd->abd' or '...x,xy->...y', "
            f"got {equation!r}. Name each axis by a letter; three dots stand for axes "
            "that x and y share, on one side."
        )
    read = _Equation(match[2], match[4], match[6], bool(match[1]), bool(match[3]))
    for letters in (read.x, read.weight, read.y):
        if len(set(letters)) < len(letters):
            raise ConfigError(
                f"{where}: expected each letter once in {letters!r}, got the equation "
                f"{equation!r}. Give every axis a letter of its own."
            )
    lost = [letter for letter in read.weight if letter not in read.x + read.y]
    lost += [letter for letter in read.y if letter not in read.x + read.weight]
    if lost:
        raise ConfigError(
            f"{where}: expected every axis of the weight in x or y, and of y in x or "
            f"the weight, got {lost[0]!r} alone in {equation!r}. Name its partner."
        )
    return read


class EinsumDense(Layer):
    """A learned linear map between axes that an equation names.

    y = activation(einsum(equation, x, w) + b), e.g. for "abc,cd->abd":
    y_abd = sum over c of x_abc w_cd

    `Dense` on any axis, over several axes at once, or with a weight of its own for
    each place of an axis ("abc,bcd->abd"). Without dots the first letter of x and y is
    the batch.

    Args:
        equation: The letters of x and of the weight, "->", those of y. "..." before
            x and y, or after both, stands for axes that stay as they are.
        output_shape: Sizes of y's named axes but the batch; None for an axis whose
            size x tells. A single number for one axis.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        bias_axes: The letters of y that the bias has an axis for; `None` for no bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: as the equation says
        y: as the equation says

    Parameters:
        weight: the axes of the equation's second term, uniform in
            +-sqrt(6 / (inputs + outputs)): the products of the sizes that y does not
            have, and of those it has.
        bias: an axis for each letter of y from the first of ``bias_axes`` on, of size
            1 where the letter is not among them; zeros. None without ``bias_axes``.

    Raises:
        ConfigError: An equation of another form, letters without a partner, an
            ``output_shape`` of another length, or a name that is not known.
        ShapeError: x has another number of axes, or sizes that do not fit the
            equation, or a size of the weight is not known.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de")
        >>> layer(torch.zeros(4, 5, 6)).shape
        torch.Size([4, 5, 2, 3])
        >>> layer.weight.shape, layer.bias.shape
        (torch.Size([6, 2, 3]), torch.Size([2, 3]))

    Source:
        Einstein 1916, section 5: the sum over an index that occurs twice. Keras 3's
        layer of this name.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        *,
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self._letters = _read(equation, where)
        self.equation = equation
        self.output_shape = self._read_sizes(output_shape)
        self.bias_axes = self._read_bias_axes(bias_axes)
        self.activation = get_activation(activation, where)
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        self.kernel_regularizer = get_regularizer(
            kernel_regularizer, where, "kernel_regularizer"
        )
        self.bias_regularizer = get_regularizer(
            bias_regularizer, where, "bias_regularizer"
        )
        self.kernel_constraint = get_constraint(
            kernel_constraint, where, "kernel_constraint"
        )
        self.bias_constraint = get_constraint(bias_constraint, where, "bias_constraint")
        self.regularize_activity(activity_regularizer)
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def _read_sizes(self, given: Any) -> tuple[int | None, ...]:
        sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        free = self._letters.free
        if len(sizes) != len(free):
            raise ConfigError(
                f"{self.where}: expected an output_shape of {len(free)} "
                f"size{'' if len(free) == 1 else 's'} for {free!r}, got {given!r}. "
                "Give None where x tells the size."
            )
        return tuple(
            None if size is None else positive_integer(size, self.where, "output_shape")
            for size in sizes
        )

    def _read_bias_axes(self, given: Any) -> str | None:
        if given is None:
            return None
        y = self._letters.y
        if not isinstance(given, str) or not given or set(given) - set(y):
            raise ConfigError(
                f"{self.where}: expected bias_axes out of the letters {y!r}, got "
                f"{given!r}. Name the axes of y along which the bias differs."
            )
        return given

    def _sizes(self, shape: Sequence[int | None]) -> dict[str, int | None]:
        """The size of each letter."""
        sizes = self._letters.sizes_of_x(shape)
        for letter, size in zip(self._letters.free, self.output_shape, strict=True):
            known = sizes.get(letter)
            if size is not None and known is not None and size != known:
                raise ShapeError(
                    f"{self.where}: expected size {size} for {letter!r} as in "
                    f"output_shape, got {known} in shape {describe(tuple(shape))}. "
                    "Give None in output_shape to take x's size."
                )
            sizes[letter] = known if size is None else size
        return sizes

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or sizes."""
        letters = self._letters
        words = ["batch", *letters.x] if letters.leads else list(letters.x)
        open_ended = letters.leads or letters.follows
        check_rank(self.where, shape, " ".join(words), at_least=open_ended)
        check_floating(
            self.where, dtype, None if self.weight is None else self.weight.dtype
        )
        sizes = self._sizes(shape)
        for axis, letter in enumerate(letters.weight):
            if not sizes[letter]:
                raise ShapeError(
                    f"{self.where}: expected a known size of at least 1 for "
                    f"{letter!r}, got {sizes[letter]} in shape {describe(shape)}. Give "
                    "the size in Input or in output_shape."
                )
            if self.weight is not None and self.weight.shape[axis] != sizes[letter]:
                raise ShapeError(
                    f"{self.where}: expected size {self.weight.shape[axis]} for "
                    f"{letter!r}, got {sizes[letter]} in shape {describe(shape)}. "
                    "Build a new layer for the new size."
                )
        for letter in self.bias_axes or "":
            if not sizes[letter]:
                raise ShapeError(
                    f"{self.where}: expected a known size for {letter!r}, along which "
                    f"the bias differs, got {sizes[letter]} in shape "
                    f"{describe(shape)}. Give the size in Input or in output_shape."
                )

    def build(self, shape: Shape) -> None:
        """Make the weight, and the bias if there is to be one."""
        letters = self._letters
        sizes = {letter: size or 0 for letter, size in self._sizes(shape).items()}
        outputs = math.prod(sizes[each] for each in letters.weight if each in letters.y)
        inputs = math.prod(
            sizes[each] for each in letters.weight if each not in letters.y
        )
        self.weight = self.add_weight(
            tuple(sizes[letter] for letter in letters.weight),
            self.kernel_initializer,
            fans=(inputs, outputs),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.bias_axes is not None:
            first = min(letters.y.index(letter) for letter in self.bias_axes)
            bias = [
                sizes[letter] if letter in self.bias_axes else 1
                for letter in letters.y[first:]
            ]
            following = len(shape) - len(letters.x) if letters.follows else 0
            self.bias = self.add_weight(
                (*bias, *[1] * following),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Multiply and add as the equation says."""
        y = torch.einsum(self.equation, x, self.weight)
        if self.bias is not None:
            y = y + self.bias
        y = y if self.activation is None else self.activation(y)
        return y.contiguous()
