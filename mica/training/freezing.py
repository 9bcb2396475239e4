"""Freezing: which weights a compiled model may change, whatever is frozen later."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from mica.layers import Layer

__all__ = ["Trainability"]


class Trainability:
    """What was trainable in a module when it was asked, as Keras's `compile` does.

    A discriminator compiled before it is frozen keeps training on its own, and stays
    frozen inside a model that is compiled afterwards.

    Args:
        module: Any torch module.

    Example:
        >>> module = nn.Linear(2, 1)
        >>> captured = Trainability(module)
        >>> _ = module.requires_grad_(False)
        >>> with captured.applied():
        ...     module.weight.requires_grad
        True
        >>> module.weight.requires_grad
        False
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._layers = {
            part: part.trainable for part in module.modules() if isinstance(part, Layer)
        }
        self._parameters = {
            parameter: parameter.requires_grad for parameter in module.parameters()
        }

    def adopt_new(self) -> None:
        """Take note of weights that were made after this was captured (lazy layers)."""
        for part in self.module.modules():
            trainable = isinstance(part, Layer) and self._layers.get(part, True)
            for parameter in part.parameters(recurse=False):
                if parameter not in self._parameters:
                    self._parameters[parameter] = parameter.requires_grad and trainable

    def frozen(self) -> dict[str, list[str]]:
        """Name what was frozen when this was captured, layers and weights apart.

        Returns:
            `layers` and `weights`, names as in `named_modules` and `named_parameters`.
        """
        return {
            "layers": [
                name
                for name, part in self.module.named_modules()
                if isinstance(part, Layer) and not self._layers.get(part, True)
            ],
            "weights": [
                name
                for name, parameter in self.module.named_parameters()
                if not self._parameters.get(parameter, parameter.requires_grad)
            ],
        }

    def trained(self) -> list[nn.Parameter]:
        """List the parameters that training may change."""
        self.adopt_new()
        return [
            parameter
            for parameter in self.module.parameters()
            if self._parameters.get(parameter, parameter.requires_grad)
        ]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the captured flags rule inside the block; what was set later returns."""
        layers = {part: part.trainable for part in self._layers}
        parameters = {
            parameter: parameter.requires_grad for parameter in self._parameters
        }
        self._set(self._layers, self._parameters)
        try:
            yield
        finally:
            self._set(layers, parameters)

    @classmethod
    def freeze(cls, module: nn.Module, frozen: dict[str, list[str]]) -> None:
        """Freeze exactly what `frozen` named, and free all the rest.

        Args:
            module: A module of the same architecture.
            frozen: What `frozen` gave; names that are not there are passed over.
        """
        layers, weights = set(frozen["layers"]), set(frozen["weights"])
        cls._set(
            {
                part: name not in layers
                for name, part in module.named_modules()
                if isinstance(part, Layer)
            },
            {each: name not in weights for name, each in module.named_parameters()},
        )

    @staticmethod
    def _set(layers: dict[Layer, bool], parameters: dict[nn.Parameter, bool]) -> None:
        for part, trainable in layers.items():
            part.__dict__["_trainable"] = trainable
        for parameter, needed in parameters.items():
            if parameter.requires_grad != needed:
                parameter.requires_grad_(needed)
