"""Optimizer: what is to be done with gradients, before there are parameters."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict, Unpack

import torch
from torch import Tensor, nn

from mica.engine.execution import Implementation
from mica.errors import ConfigError
from mica.optimizers.averaging import EMA, Averaging, check_momentum
from mica.optimizers.built import DecoupledDecay, MatchedLayouts, has_fused
from mica.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from mica.optimizers.numbers import check_count, check_number
from mica.optimizers.rates import check_parts, check_rates, rate_of
from mica.registry import Configurable

__all__ = ["LearningRate", "NamedTensor", "Optimizer", "SharedOptions", "check_number"]

LearningRate = float | Callable[[int], float]
NamedTensor = tuple[str | None, Tensor]


class SharedOptions(TypedDict, total=False):
    """What every optimizer takes beside its own formula's numbers: see `Optimizer`."""

    clipnorm: float | None
    global_clipnorm: float | None
    clipvalue: float | None
    gradient_accumulation_steps: int | None
    rates: Mapping[str, float] | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    averaging: Averaging | None


def _shown_whole(own: Callable[..., None], base: Callable[..., None]) -> None:
    """Let a constructor's signature show the shared options, where it takes them."""
    signature = inspect.signature(own)
    *shown, last = signature.parameters.values()
    if last.annotation != Unpack[SharedOptions]:
        return
    names = {parameter.name for parameter in shown}
    shared = [
        parameter
        for parameter in inspect.signature(base).parameters.values()
        if parameter.name in SharedOptions.__annotations__
        and parameter.name not in names
    ]
    whole = signature.replace(parameters=[*shown, *shared])
    setattr(own, "__signature__", whole)  # noqa: B010  pyright knows no such attribute


def _names(module: nn.Module) -> dict[int, str]:
    return {id(tensor): name for name, tensor in module.named_parameters()}


def _owners(module: nn.Module) -> dict[int, nn.Module]:
    return {
        id(tensor): part
        for part in module.modules()
        for tensor in part.parameters(recurse=False)
    }


class Optimizer(Configurable):
    """The description of an optimizer; `build` makes the torch optimizer it describes.

    A description holds no parameters, can be saved, and can be built again and again.
    For an algorithm of your own, write a `torch.optim.Optimizer` and give it to
    `compile`.

    Args:
        learning_rate: A number, or a function of the step (see
            `mica.optimizers.schedules`).
        weight_decay: Share of each weight lost per update at a learning rate of 1,
            decoupled from the gradient as in AdamW and Keras; `None` for none.
        clipnorm: Bound on the length of each parameter's gradient.
        global_clipnorm: Bound on the length of all gradients together.
        clipvalue: Bound on each entry of each gradient. At most one of the three.
        gradient_accumulation_steps: Batches that are learned from as if they were one,
            for batches that do not fit into memory. Every loss that is a mean becomes
            the mean over all of them, whatever their sizes, weights and masks, and what
            is left of an epoch is learned from too. (Keras averages the batches' means
            and leaves the rest to the next epoch.) Batch normalization still sees each
            batch alone. Schedules count updates, not batches.
        rates: Shares of the learning rate by parts of the model, such as
            `{"backbone": 0.1}`: a layer, a model inside, or a kind of weight such as
            "bias". The innermost part named decides; what is not named has 1.
        use_ema: Whether the model is judged and left with the moving average of its
            weights, see `EMA`.
        ema_momentum: Share of the average that is kept at each update.
        ema_overwrite_frequency: Updates from one moment to the next at which training
            goes on from the average; `None` for never.
        averaging: Another average, such as `SWA(start_epoch=30)`, or an `EMA` in one
            word; instead of the three before.

    Raises:
        ConfigError: A number is outside its range, two bounds or two averages are
            given.

    Example:
        >>> import mica
        >>> weight = torch.nn.Parameter(torch.ones(1))
        >>> optimizer = mica.optimizers.SGD(0.5).build([weight])
        >>> weight.grad = torch.ones(1)
        >>> optimizer.step()
        >>> weight.item()
        0.5
    """

    kind: type[torch.optim.Optimizer]
    words_of_others: ClassVar[Mapping[str, str]] = {
        "decay": "Give learning_rate a schedule, e.g. "
        "mica.optimizers.schedules.cosine_decay(0.1, 1000).",
        "eps": "epsilon",
        "lr": "learning_rate",
    }
    decays_weights = False  # whether torch's class knows decoupled decay itself

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__:
            _shown_whole(cls.__init__, Optimizer.__init__)

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
        gradient_accumulation_steps: int | None = None,
        rates: Mapping[str, float] | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        averaging: Averaging | None = None,
    ) -> None:
        where = type(self).__name__
        if not callable(learning_rate):
            learning_rate = check_number(where, "a learning_rate", learning_rate)
        self.learning_rate: LearningRate | None = learning_rate
        if weight_decay is not None:
            check_number(where, "a weight_decay", weight_decay)
        self.weight_decay = weight_decay
        bounds = {
            "clipnorm": clipnorm,
            "global_clipnorm": global_clipnorm,
            "clipvalue": clipvalue,
        }
        given = [name for name, bound in bounds.items() if bound is not None]
        for name in given:
            check_number(where, f"a {name}", bounds[name], above=0)
        if len(given) > 1:
            raise ConfigError(
                f"{where}: expected at most one of clipnorm, global_clipnorm and "
                f"clipvalue, got {' and '.join(given)}. Leave one out."
            )
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.clipvalue = clipvalue
        if gradient_accumulation_steps is not None:
            gradient_accumulation_steps = check_count(
                where, "gradient_accumulation_steps", gradient_accumulation_steps
            )
        self.gradient_accumulation_steps = gradient_accumulation_steps or 1
        self.rates = check_rates(where, rates)
        self.averaging = self._averaging(averaging, use_ema)
        momentum = check_momentum(where, "an ema_momentum", ema_momentum)
        frequency = ema_overwrite_frequency
        if frequency is not None:
            frequency = check_count(where, "an ema_overwrite_frequency", frequency)
        if use_ema:
            self.averaging = EMA(momentum, overwrite_frequency=frequency)

    def _averaging(self, averaging: Any, use_ema: bool) -> Averaging | None:
        where = type(self).__name__
        if averaging is None:
            return None
        if not isinstance(averaging, Averaging):
            raise ConfigError(
                f"{where}: expected averaging to be an average such as "
                f"mica.optimizers.SWA(start_epoch=30), got {averaging!r}. For the "
                "moving average write use_ema=True."
            )
        if use_ema:
            raise ConfigError(
                f"{where}: expected use_ema or averaging, got both. Leave one out."
            )
        return averaging

    @property
    def schedule(self) -> Callable[[int], float] | None:
        """The learning rate as a function of the step; `None` when it is a number."""
        return self.learning_rate if callable(self.learning_rate) else None

    @property
    def clips(self) -> bool:
        """Whether gradients are bounded before each update."""
        bounds = (self.clipnorm, self.global_clipnorm, self.clipvalue)
        return any(bound is not None for bound in bounds)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `kind` that say the same as this description.

        Returns:
            Names and values, without the learning rate and the implementation.
        """
        return {}

    def group_of(self, name: str | None, tensor: Tensor, owner: Any) -> dict[str, Any]:
        """Give the settings that set a parameter apart from others; none by default.

        Args:
            name: The parameter's name, if it is known.
            tensor: The parameter.
            owner: The module that holds it, if it is known.

        Returns:
            Entries of its group; parameters with the same entries share a group.
        """
        del name, tensor, owner
        return {}

    def build(
        self,
        parameters: Iterable[Tensor] | Iterable[tuple[str, Tensor]],
        *,
        module: nn.Module | None = None,
        implementation: Implementation = "fused",
    ) -> torch.optim.Optimizer:
        """Make the torch optimizer of some parameters.

        Clipping is not part of it: call `clip_gradients` before each step; nor are
        accumulation and averages, which are training's. The decay may be a hook, which
        `copy.deepcopy` of torch's optimizers drops: build again and load the state
        instead.

        Args:
            parameters: The tensors to change, or (name, tensor) of each as
                `named_parameters` gives them.
            module: Where they live: gives their names and tells a misspelt part of
                `rates` from a frozen one.
            implementation: `fused` for one kernel per update where torch has one for
                all of these parameters, else `foreach`: one per operation.

        Returns:
            A torch optimizer with the learning rate of step 0.

        Raises:
            ConfigError: There are no parameters, they are not tensors, `rates` names a
                part that is not there, or the schedule gives no learning rate.
        """
        where = type(self).__name__
        named = self._named(list(parameters), module)
        if not named:
            raise ConfigError(
                f"{where}: expected parameters to change, got none. Build the model "
                "first, and leave a layer trainable."
            )
        rate = self.learning_rate
        if self.schedule is not None:
            rate = check_number(where, "a learning_rate at step 0", self.schedule(0))
        groups = self._groups(named, module, rate)
        kinds = {(tensor.device.type, tensor.dtype) for _, tensor in named}
        fused = implementation == "fused" and all(
            has_fused(self.kind, device_type, dtype) for device_type, dtype in kinds
        )
        options = {"lr": rate, **self.options()}
        if "foreach" in inspect.signature(self.kind).parameters:
            options["fused" if fused else "foreach"] = True
        optimizer = self.kind(groups, **options)
        if fused:
            MatchedLayouts().attach(optimizer)
        if self.weight_decay and not self.decays_weights:
            optimizer.register_step_pre_hook(DecoupledDecay(self.weight_decay))
        return optimizer

    def _named(
        self, parameters: Sequence[Any], module: nn.Module | None
    ) -> list[NamedTensor]:
        """Each parameter with its name, `None` where nobody knows it."""
        where = type(self).__name__
        names = {} if module is None else _names(module)
        named: list[NamedTensor] = []
        for entry in parameters:
            pair = isinstance(entry, tuple) and len(entry) == 2
            name, tensor = entry if pair else (None, entry)
            if not isinstance(tensor, Tensor):
                raise ConfigError(
                    f"{where}: expected tensors to change, got a "
                    f"{type(tensor).__name__}. For groups with their own settings "
                    "give compile a torch optimizer."
                )
            named.append((names.get(id(tensor), name), tensor))
        return named

    def _groups(
        self, named: Sequence[NamedTensor], module: nn.Module | None, rate: Any
    ) -> list[dict[str, Any]]:
        """Parameters by what is said of them; those with the full rate come first."""
        where, rates = type(self).__name__, self.rates
        owners = {} if module is None else _owners(module)
        if rates is not None:
            known = [name for name, _ in named if name is not None]
            if len(known) < len(named):
                raise ConfigError(
                    f"{where}: expected named parameters to give them their own rates, "
                    "got some without a name. Build from model.named_parameters()."
                )
            if module is not None:
                known = [*_names(module).values()]
            check_parts(where, "rates", rates, known)
        groups: dict[Any, dict[str, Any]] = {}
        for name, tensor in named:
            settings = self.group_of(name, tensor, owners.get(id(tensor)))
            share = 1.0
            if rates is not None and name is not None:
                share = rate_of(name, rates)
                settings = {**settings, "lr": rate * share, "rate": share}
            key = (share, *sorted(settings.items()))
            groups.setdefault(key, {"params": [], **settings})["params"].append(tensor)
        return sorted(groups.values(), key=lambda group: group.get("rate", 1.0) != 1.0)

    def clip_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Bound the gradients in place, as the description says; never waits.

        Args:
            parameters: Tensors whose `grad` was computed; those without are passed
                over.

        Example:
            >>> import mica
            >>> weight = torch.ones(1)
            >>> weight.grad = torch.tensor([5.0])
            >>> mica.optimizers.SGD(clipvalue=2.0).clip_gradients([weight])
            >>> weight.grad
            tensor([2.])
        """
        if not self.clips:
            return
        gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
        if not gradients:
            return
        if self.clipnorm is not None:
            clip_by_norm(gradients, self.clipnorm)
        elif self.global_clipnorm is not None:
            clip_by_global_norm(gradients, self.global_clipnorm)
        elif self.clipvalue is not None:
            clip_by_value(gradients, self.clipvalue)
