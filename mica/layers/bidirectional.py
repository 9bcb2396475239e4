"""Bidirectional: a recurrent layer run from both ends of a sequence."""

from typing import Any, Literal

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import one_of
from mica.layers.layer import Layer
from mica.layers.recurrent import RNN
from mica.nested import flatten
from mica.shapes import Shape

__all__ = ["Bidirectional"]

MergeMode = Literal["concat", "sum", "mul", "ave"]
_MODES = ("concat", "sum", "mul", "ave")


class Bidirectional(Layer):
    """Run a recurrent layer forwards and a second one backwards, and merge both.

    y_t = merge(forward(x_1 ... x_t), backward(x_T ... x_t))

    With ``return_sequences`` the outputs are zero at steps that are not real.

    Args:
        layer: The recurrent layer; the second is made with the same arguments and
            weights of its own.
        merge_mode: "concat" puts both beside each other, "sum", "mul" and "ave" combine
            them number by number; None gives both in a list.
        backward_layer: The second layer, when it is to differ; it must go backwards.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, features)
        y: as the layer gives, 2 units wide with "concat"; with ``return_state`` a list
            of that, the states forwards and the states backwards

    Parameters:
        forward_layer: what the layer has.
        backward_layer: the same.

    Raises:
        ConfigError: ``layer`` is not a recurrent layer, the two run in the same
            direction or give different things, or ``merge_mode`` is not known.

    Example:
        >>> from mica.layers import LSTM
        >>> Bidirectional(LSTM(4))(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 8])

    Source:
        Schuster & Paliwal 1997.
    """

    def __init__(
        self,
        layer: RNN,
        *,
        merge_mode: MergeMode | None = "concat",
        backward_layer: RNN | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        for given in (layer, backward_layer or layer):
            if not isinstance(given, RNN):
                kind = given if isinstance(given, type) else type(given)
                raise ConfigError(
                    f"{self.where}: expected a recurrent layer, got {kind.__name__}. "
                    "Give for example LSTM(64)."
                )
        if merge_mode is not None:
            one_of(merge_mode, _MODES, self.where, "merge_mode")
        self.merge_mode = merge_mode
        self.forward_layer = layer
        self.backward_layer = backward_layer or _reversed(layer)
        self._check_pair()
        if layer.return_sequences:  # as in Keras: what is held is not the other's
            self.forward_layer.zero_output_for_mask = True
            self.backward_layer.zero_output_for_mask = True

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ConfigError(
                f"{self.where}: expected a backward_layer that runs the other way, got "
                f"go_backwards={other.go_backwards} in both. Set go_backwards=True in "
                "it."
            )
        for setting in ("return_sequences", "return_state", "stateful"):
            if getattr(one, setting) != getattr(other, setting):
                raise ConfigError(
                    f"{self.where}: expected both layers to have the same {setting}, "
                    f"got {getattr(one, setting)} and {getattr(other, setting)}. Make "
                    "them alike."
                )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input, in the words of the layer inside."""
        self.forward_layer.check_input(shape, dtype)

    def build(self, shape: Shape) -> None:
        """Build both layers for `shape`."""
        sizes = [size or 1 for size in shape[1:]]
        like = torch.empty(
            (1, *sizes), dtype=self._build_dtype, device=self._build_device
        )
        self.forward_layer.ensure_built(like)
        self.backward_layer.ensure_built(like)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Pass the mask on with the outputs of all steps.

        Args:
            x: The sequences.
            mask: Which of their steps are real.

        Returns:
            A mask, or a list of one for each output.
        """
        one = self.forward_layer.compute_mask(x, mask)
        if not isinstance(one, list):
            return [one, one] if self.merge_mode is None and one is not None else one
        kept = [one[0]] * (2 if self.merge_mode is None else 1)
        return kept + one[1:] + one[1:]

    def reset_state(self) -> None:
        """Let the next batch begin with zeros, in layers that are stateful."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def forward(
        self, x: Tensor, initial_state: Any = None, mask: Tensor | None = None
    ) -> Any:
        """Run both layers and merge.

        Args:
            x: The sequences.
            initial_state: The states forwards, then those backwards; None for zeros.
            mask: Which steps are real, (batch, time); None when all are.
        """
        there = back = None
        if initial_state is not None:
            half = len(initial_state) // 2
            there, back = list(initial_state[:half]), list(initial_state[half:])
        one = self.forward_layer(x, initial_state=there, mask=mask)
        other = self.backward_layer(x, initial_state=back, mask=mask)
        states: list[Any] = []
        if self.forward_layer.return_state:
            states = one[1:] + other[1:]
            one, other = one[0], other[0]
        if self.forward_layer.return_sequences:
            late = self.backward_layer if self.backward_layer.go_backwards else None
            one, other = (one, other.flip(1)) if late else (one.flip(1), other)
        y = self._merge(one, other)
        if states:
            return [*flatten(y), *states]
        return y

    def _merge(self, one: Tensor, other: Tensor) -> Any:
        if self.merge_mode == "concat":
            return torch.cat([one, other], -1)
        if self.merge_mode == "sum":
            return one + other
        if self.merge_mode == "mul":
            return one * other
        if self.merge_mode == "ave":
            return (one + other) / 2
        return [one, other]


def _reversed(layer: RNN) -> RNN:
    """A new layer with the same arguments that runs the other way."""
    config = {**layer.config(), "go_backwards": not layer.go_backwards}
    config.pop("name", None)
    return type(layer).from_config(config)
