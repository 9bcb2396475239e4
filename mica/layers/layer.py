"""Layer: a torch module that sizes itself from its first input."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from mica.errors import ConfigError, MicaError, StateError
from mica.layers.added_losses import add_loss
from mica.layers.constraints import Constraint, ConstraintLike, get_constraint
from mica.layers.initializer import Initializer
from mica.layers.initializers import get_initializer
from mica.layers.masks import attach_masks, masks_for, masks_of
from mica.layers.regularizers import Regularizer, RegularizerLike, get_regularizer
from mica.layers.symbolic import (
    SymbolicTensor,
    holds_symbolic,
    infer_module,
    record,
)
from mica.nested import flatten, map_nested
from mica.registry import Configurable
from mica.shapes import describe

__all__ = ["Layer", "WeightRule", "snake_case"]

_INPUT_FIRST = "Put mica.Input(shape) first in the model."
_NO_INPUT_SIZE = "Leave it out: a layer takes the size of its input from the data."


def snake_case(name: str) -> str:
    """Write a class name as Keras names layers.

    Args:
        name: A class name.

    Returns:
        The name in lower case with underscores.

    Example:
        >>> snake_case("GlobalMaxPooling2D"), snake_case("ReLU"), snake_case("Conv2D")
        ('global_max_pooling2d', 're_lu', 'conv2d')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _shape_of(value: Any) -> Any:
    return map_nested(
        lambda leaf: (
            tuple(leaf.shape) if isinstance(leaf, (Tensor, SymbolicTensor)) else None
        ),
        value,
    )


def _first_tensor(value: Any) -> Any:
    for leaf in flatten(value):
        if isinstance(leaf, (Tensor, SymbolicTensor)):
            return leaf
    return None


class WeightRule(NamedTuple):
    """What a weight costs, and what it must be after each update."""

    regularizer: Regularizer | None
    constraint: Constraint | None


def _charge_activity(layer: "Layer", inputs: Any, output: Any) -> None:
    """Add the price of an output; a forward hook."""
    del inputs
    for leaf in flatten(output):
        if isinstance(leaf, Tensor) and layer.activity_regularizer is not None:
            regularizer = layer.activity_regularizer
            layer.add_loss(regularizer(leaf), adds_up=regularizer.adds_up)


class Layer(Configurable, nn.Module):
    """A torch module that is built when it first sees a shape.

    Write `__init__` (store and check the arguments), `build` (make the weights from
    the input's shape) and `forward` (compute). A layer is a `torch.nn.Module`: it works
    anywhere in torch. Called on a `SymbolicTensor` it records itself in a graph.

    Args:
        name: What the layer is called in summaries and files; `None` lets the model
            choose (`dense`, `dense_1`, ...).

    Shape:
        x: what `forward` takes; channels last.

    Raises:
        ConfigError: `name` is not a plain word.
        ShapeError: The input does not fit the layer; the sentence names both shapes.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, shape):
        ...         self.scale = self.add_weight((shape[-1],), "ones")
        ...     def forward(self, x):
        ...         return x * self.scale
        >>> layer = Scale()
        >>> layer(torch.ones(2, 3)).shape, layer.count_parameters()
        (torch.Size([2, 3]), 3)
    """

    words_of_others: ClassVar[Mapping[str, str]] = {
        "batch_input_shape": _INPUT_FIRST,
        "data_format": "Mica's images are (batch, height, width, channels).",
        "in_channels": _NO_INPUT_SIZE,
        "in_features": _NO_INPUT_SIZE,
        "input_dim": _INPUT_FIRST,
        "input_shape": _INPUT_FIRST,
        "out_channels": "filters",
        "out_features": "units",
        "p": "rate",
    }
    # Whether a mask of the input holds for the output, step by step.
    passes_mask: ClassVar[bool] = False

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__()
        if name is not None and (
            not isinstance(name, str) or not re.match(r"^[^.]+$", name)
        ):
            raise ConfigError(
                f"{type(self).__name__}: expected a name without dots, got {name!r}. "
                "Choose another name."
            )
        self.name = name
        self.built = False
        self._trainable = True
        self._input_dtype: torch.dtype | None = None
        self._build_dtype: torch.dtype | None = None
        self._build_device: torch.device | None = None
        self.activity_regularizer: Regularizer | None = None
        self._rules: dict[str, WeightRule] = {}
        self._unnamed_rules: list[tuple[nn.Parameter, WeightRule]] = []

    @property
    def where(self) -> str:
        """Who speaks in an error: the class, and the name when there is one."""
        kind = type(self).__name__
        return f"{kind} {self.name!r}" if self.name else kind

    def build(self, shape: Any) -> None:
        """Make the weights for an input shape; nothing to make by default.

        Args:
            shape: Shape of the first argument, `None` where it may vary; nested as
                the argument is.
        """

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input; called before building and after a failure.

        Args:
            shape: Shape of the first argument, nested as it is.
            dtype: Type of its first tensor, `None` when it has none.

        Raises:
            ShapeError: In layers that need a certain rank or size.
        """

    def add_weight(
        self,
        shape: tuple[int, ...],
        initializer: str | Initializer | Callable[[Tensor], Any] = "glorot_uniform",
        *,
        fans: tuple[int, int] | None = None,
        regularizer: RegularizerLike = None,
        constraint: ConstraintLike = None,
    ) -> nn.Parameter:
        """Make a learned tensor in the type and on the device of the input.

        Args:
            shape: Sizes, in torch's layout.
            initializer: First values: a name, an Initializer or a function that fills
                a tensor in place.
            fans: (inputs, outputs) one value of the result depends on; `None` takes
                them from the shape.
            regularizer: What its values cost; training adds it to the loss.
            constraint: What it must be; training applies it after each update.

        Returns:
            The parameter; assign it to an attribute in `build`.

        Example:
            >>> Layer().add_weight((2, 3), "zeros")
            Parameter containing:
            tensor([[0., 0., 0.],
                    [0., 0., 0.]], requires_grad=True)
        """
        tensor = torch.empty(shape, dtype=self._build_dtype, device=self._build_device)
        with torch.no_grad():
            get_initializer(initializer).fill(tensor, fans)
        parameter = nn.Parameter(tensor, requires_grad=self._trainable)
        if regularizer is not None or constraint is not None:
            rule = WeightRule(
                get_regularizer(regularizer, self.where),
                get_constraint(constraint, self.where),
            )
            self._unnamed_rules.append((parameter, rule))
        return parameter

    @property
    def weight_rules(self) -> Mapping[str, WeightRule]:
        """What this layer's own weights cost and must be, by their names."""
        for parameter, rule in self._unnamed_rules:
            for name, value in self._parameters.items():
                if value is parameter:
                    self._rules[name] = rule
        self._unnamed_rules.clear()
        return self._rules

    def add_loss(self, value: Tensor, *, adds_up: bool = False) -> None:
        """Add a number to the loss of the step being computed, from inside `forward`.

        It counts in training and evaluation, and is nothing outside of them.

        Args:
            value: One number that depends on weights or inputs.
            adds_up: Whether the value for a batch is the sum of those for its parts,
                not their mean; gradient accumulation asks.

        Example:
            >>> class Sparse(Layer):
            ...     def forward(self, x):
            ...         self.add_loss(0.01 * x.abs().mean())
            ...         return x
            >>> Sparse()(torch.ones(2)).sum()
            tensor(2.)
        """
        add_loss(value, adds_up=adds_up)

    def regularize_activity(self, regularizer: RegularizerLike) -> None:
        """Let what this layer gives cost something; called in a constructor.

        Args:
            regularizer: A name, a Regularizer, a function, or None for nothing.

        Raises:
            ConfigError: The name is not known.

        Example:
            >>> layer = Layer()
            >>> layer.regularize_activity("l2")
            >>> layer.activity_regularizer
            L2()
        """
        found = get_regularizer(regularizer, self.where, "activity_regularizer")
        self.activity_regularizer = found
        if found is not None:
            # A hook, so that a layer without a price pays nothing for the question.
            self.register_forward_hook(_charge_activity)

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build for these inputs if that has not happened yet.

        Args:
            *args: What `forward` would be given, symbolic or not.
            **kwargs: Named ones.

        Raises:
            ShapeError: The inputs do not fit the layer.
        """
        if self.built:
            return
        given = [*args, *kwargs.values()]
        shape = _shape_of(given[0]) if given else None
        tensor = _first_tensor(given)
        dtype = None if tensor is None else tensor.dtype
        self.check_input(shape, dtype)
        floating = dtype is not None and (dtype.is_floating_point or dtype.is_complex)
        self._input_dtype = dtype
        self._build_dtype = dtype if floating else None
        self._build_device = None
        if isinstance(tensor, Tensor) and not tensor.is_meta:
            self._build_device = tensor.device
        # Weights made in inference mode could never be trained.
        with torch.inference_mode(False):
            self.build(shape)
        _ = self.weight_rules  # parameters may be replaced later; their names stay
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Record the call on symbolic tensors; else build when needed, and compute.

        Args:
            *args: What `forward` takes.
            **kwargs: Named ones.

        Returns:
            What `forward` gives, or symbolic tensors.
        """
        for argument in args:
            if type(argument) is not Tensor and holds_symbolic(argument):
                return self._call_symbolic(args, kwargs)
        if kwargs and holds_symbolic(kwargs):
            return self._call_symbolic(args, kwargs)
        if not self.built:
            self.ensure_built(*args, **kwargs)
        try:
            return super().__call__(*args, **kwargs)
        except MicaError:
            raise
        except (RuntimeError, TypeError, IndexError, ValueError) as error:
            if self._can_infer(args, error):
                return self.infer(*args, **kwargs)
            self._explain(error, args)
            raise

    def _call_symbolic(self, args: Any, kwargs: dict[str, Any]) -> Any:
        if self.built and args:
            tensor = _first_tensor(args)
            dtype = None if tensor is None else tensor.dtype
            self.check_input(_shape_of(args[0]), dtype)
        kwargs = {**kwargs, **self._masks_for(args, kwargs)}
        self.ensure_built(*args, **kwargs)
        outputs = record(self, args, kwargs)
        if args:
            mask = kwargs.get("mask")
            if mask is None:
                mask = masks_of(args[0])
            attach_masks(outputs, self.compute_mask(args[0], mask))
        return outputs

    def _masks_for(self, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The masks of symbolic arguments that `forward` asks for."""
        return masks_for(type(self).forward, args, kwargs)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which steps of the output are real.

        Args:
            x: The first argument of `forward`, symbolic or not.
            mask: Which steps of it are real, (batch, time) of truth values, nested as
                x is; None when all are.

        Returns:
            A mask for the output, masks nested as the outputs are, or None. By default
            that of the input when `passes_mask` is true, else None.
        """
        del x
        return mask if self.passes_mask else None

    def _can_infer(self, args: Any, error: BaseException) -> bool:
        """Whether the call failed only because weights are real and inputs are meta."""
        tensor = _first_tensor(args)
        if not isinstance(tensor, Tensor) or not tensor.is_meta:
            return False
        return any(not weight.is_meta for weight in self._tensors().values())

    def _explain(self, error: BaseException, args: Any) -> None:
        """Raise the layer's own sentence for a failed call, else note where it was."""
        if getattr(type(self), "forward", None) is getattr(nn.Module, "forward", None):
            raise StateError(
                f"{self.where}: expected a method forward(self, x), got none. Define "
                "it; Keras calls it call."
            ) from error
        tensor = _first_tensor(args)
        shape = _shape_of(args[0]) if args else None
        if args:
            try:
                self.check_input(shape, getattr(tensor, "dtype", None))
            except MicaError as sentence:
                raise sentence from error
        shown = describe(shape) if isinstance(shape, tuple) else str(shape)
        error.add_note(f"in {self.where}, called with an input of shape {shown}")

    def _tensors(self) -> dict[str, Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def infer(self, *args: Any, **kwargs: Any) -> Any:
        """Run on `meta` tensors: shapes and types of the outputs, no values.

        Args:
            *args: Meta tensors, nested as `forward` takes them.
            **kwargs: Named ones.

        Returns:
            Meta tensors.
        """
        self.ensure_built(*args, **kwargs)
        return infer_module(self, args, kwargs)

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change the weights, here and in every part.

        Setting it freezes or frees all layers inside. A compiled model keeps to what
        was true when it was compiled, as in Keras.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for module in self.modules():
            if isinstance(module, Layer):
                module._trainable = bool(value)
        for parameter in self.parameters():
            parameter.requires_grad_(bool(value))

    def count_parameters(self) -> int:
        """Count the numbers this layer holds, learned or not, as Keras does."""
        return sum(tensor.numel() for tensor in self._tensors().values())

    def sublayers(self) -> Iterator["Layer"]:
        """Walk through all layers inside, this one not included."""
        for module in self.modules():
            if module is not self and isinstance(module, Layer):
                yield module

    def __repr__(self) -> str:
        """Show the arguments and the parts inside, as torch does."""
        return nn.Module.__repr__(self)

    def extra_repr(self) -> str:
        """Show the arguments the layer was made with."""
        arguments = self.__dict__.get("_arguments", {})
        return ", ".join(f"{key}={value!r}" for key, value in arguments.items())
