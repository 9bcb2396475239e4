"""Sequential: layers one after the other."""

from collections.abc import Sequence
from typing import Any, Self

from torch import nn

from mica.errors import ConfigError, ShapeError
from mica.layers import Input, Layer, SymbolicTensor, record
from mica.model.graph import Graph
from mica.model.model import Model
from mica.model.naming import name_parts
from mica.model.reading import reader_of
from mica.registry import decode, encode

__all__ = ["Sequential"]


class Sequential(Model):
    """A model whose layers follow one another.

    y = layer_n(... layer_2(layer_1(x)))

    With `mica.Input(shape)` first it is built at once; else at the first call. Any
    torch module may be among the layers.

    Args:
        *layers: The layers, or one list of them.
        name: What the model is called.

    Shape:
        x: what the first layer takes
        y: what the last layer gives

    Raises:
        ConfigError: Something is not a layer; two layers share a name.

    Example:
        >>> import torch
        >>> import mica
        >>> model = Sequential(
        ...     mica.layers.Dense(8, activation="relu"),
        ...     mica.layers.Dense(3, activation="softmax"),
        ... )
        >>> model(torch.ones(2, 4)).shape
        torch.Size([2, 3])
    """

    def __init__(self, *layers: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = tuple(layers[0])
        self._entrance: SymbolicTensor | None = None
        for index, layer in enumerate(layers):
            if index == 0 and isinstance(layer, SymbolicTensor):
                self._entrance = layer
            else:
                self._append(layer)
        self._build_if_possible()

    def _append(self, layer: Any) -> None:
        if not isinstance(layer, nn.Module):
            raise ConfigError(
                f"Sequential: expected layers, got {type(layer).__name__}. Give layer "
                "objects such as mica.layers.Dense(64); Input comes first."
            )
        if any(layer is part for part in self.children()):
            raise ConfigError(
                f"Sequential: expected each layer once, got {type(layer).__name__} "
                "twice. Use Model(inputs, outputs) to share a layer."
            )
        taken = {name for name, _ in self.named_children()}
        (name,) = name_parts([layer], taken)
        self._add_part(name, layer)

    def _build_if_possible(self) -> None:
        if self._entrance is not None and list(self.children()):
            self._connect(self._entrance)

    def _connect(self, entrance: SymbolicTensor) -> None:
        """Build every layer and keep the graph."""
        x: Any = entrance
        for layer in self.children():
            x = layer(x) if isinstance(layer, Layer) else record(layer, (x,), {})
        self._take_graph(Graph(entrance, x))
        self.built = True

    def add(self, layer: Any) -> None:
        """Append a layer.

        Args:
            layer: A layer, or `mica.Input(shape)` while there is none yet.

        Raises:
            ConfigError: It is not a layer, or is in the model already.
        """
        if isinstance(layer, SymbolicTensor) and not list(self.children()):
            self._entrance = layer
            return
        self._append(layer)
        self._begin_anew()

    def pop(self) -> nn.Module:
        """Take the last layer off.

        Returns:
            The layer.

        Raises:
            ConfigError: There is none.
        """
        parts = list(self.named_children())
        if not parts:
            raise ConfigError("pop: expected a layer to take off, got none. Add one.")
        name, layer = parts[-1]
        delattr(self, name)
        self._begin_anew()
        return layer

    def _begin_anew(self) -> None:
        """Forget what was found out about the layers that were there before."""
        self.built, self._graph, self._signature = False, None, None
        self._masks_travel = False
        if self._session is not None:
            self._session = None
            self._left_out = "its layers were changed after it was compiled"
        self._build_if_possible()

    def build(self, shape: Any) -> None:
        """Build the layers for an input shape.

        Args:
            shape: Shape of the input, batch included.

        Raises:
            ShapeError: The input is nested.
        """
        if not list(self.children()):
            return
        if not isinstance(shape, tuple) or any(
            isinstance(size, (tuple, list)) for size in shape
        ):
            raise ShapeError(
                f"Sequential: expected one tensor as input, got {shape}. Use "
                "Model(inputs, outputs) for several."
            )
        reader = reader_of(self)
        if reader is None:
            self._connect(Input(shape[1:], dtype=self._input_dtype))
        else:
            self._connect(reader.entrance(shape, self._input_dtype))

    def forward(self, x: Any, mask: Any = None) -> Any:
        """Pass x through all layers.

        Args:
            x: What the first layer takes.
            mask: Which steps of x are real, (batch, time); None when all are.

        Returns:
            What the last layer gives.
        """
        if mask is not None or self._masks_travel:
            return self._run_graph([x], [mask])
        for layer in self._modules.values():
            x = layer(x)  # type: ignore[misc]  # _modules never holds None here
        return x

    def config(self) -> dict[str, Any]:
        """Describe layers and input as JSON values.

        Returns:
            name, layers by name, and the input's shape and type when it was given; for
            a subclass with a constructor of its own, that one's arguments.
        """
        if type(self).__init__ is not Sequential.__init__:
            return Layer.config(self)
        entrance = self._entrance
        return {
            "name": self.name,
            "layers": {name: encode(part) for name, part in self.named_children()},
            "input": None
            if entrance is None
            else {
                "shape": encode(list(entrance.shape[1:])),
                "batch_size": entrance.shape[0],
                "dtype": encode(entrance.dtype),
                "name": entrance.name,
            },
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model that `config` describes; its weights are new.

        Args:
            config: What `config()` gave.

        Returns:
            A new model.
        """
        if cls.__init__ is not Sequential.__init__:
            return super().from_config(config)
        parts: Sequence[Any] = []
        if config.get("input") is not None:
            entry = config["input"]
            parts = [
                Input(
                    tuple(entry["shape"]),
                    batch_size=entry["batch_size"],
                    dtype=decode(entry["dtype"]),
                    name=entry["name"],
                )
            ]
        layers = {name: decode(part) for name, part in config["layers"].items()}
        for name, layer in layers.items():
            layer.name = name
        return cls(*parts, *layers.values(), name=config.get("name"))
