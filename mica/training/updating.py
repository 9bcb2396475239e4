"""Updating: gradients to new weights, by one optimizer over the trained parameters."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.optimizers import WeightAverage, get_optimizer, set_learning_rate
from mica.optimizers.conjugate_gradient import ConjugateGradientUpdate
from mica.training.accumulating import GradientSum, Term
from mica.training.statistics import running_statistics

__all__ = ["Look", "Updater"]

# Computes the terms of a batch's loss once more and hands them to a function.
Look = Callable[[Callable[[Iterable[Term]], None]], None]


class Updater:
    """An optimizer on its parameters, with its schedule, clipping and step count.

    Args:
        optimizer: A name, an optimizer of Mica, a torch optimizer, or a function from
            parameters to one.
        parameters: What it may change.
        module: Where they live: for rates of parts, and names that optimizers ask for.
        step: Updates done before (a run that goes on).

    Raises:
        ConfigError: There is nothing to train.

    Example:
        >>> module = nn.Linear(1, 1)
        >>> updater = Updater("sgd", list(module.parameters()))
        >>> module(torch.ones(1, 1)).sum().backward()
        >>> updater.apply()
        >>> updater.step
        1
    """

    def __init__(
        self,
        optimizer: Any,
        parameters: Sequence[nn.Parameter],
        *,
        module: nn.Module | None = None,
        step: int = 0,
    ) -> None:
        if not parameters:
            raise ConfigError(
                "fit: expected at least one weight to train, got none. Set "
                "trainable = True on a layer and compile again."
            )
        self.spec = get_optimizer(optimizer)
        self.parameters = list(parameters)
        self.module = module
        self.step = step
        self.constrain: Callable[[], None] | None = None
        self.every = self.spec.gradient_accumulation_steps
        self._schedule = self.spec.schedule
        self._clips = self.spec.clips
        self._sum = GradientSum(self.parameters)
        self._looks: list[Look] = []
        self._optimizer: torch.optim.Optimizer | None = None
        self._average: WeightAverage | None = None
        self._copied: dict[str, Any] | None = None
        self._prepare()

    def _prepare(self) -> torch.optim.Optimizer:
        optimizer = self.spec.build(self.parameters, module=self.module)
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        self.looks_again = closure is not None and closure.default is closure.empty
        averaging = self.spec.averaging
        if averaging is not None:
            estimated = averaging.estimates_statistics and self.module is not None
            self._average = WeightAverage(
                averaging, self.parameters, self._statistics if estimated else list
            )
        self._optimizer = optimizer
        return optimizer

    def __getstate__(self) -> dict[str, Any]:
        # Torch's optimizers lose their hooks when copied, and with them decay.
        return {
            "spec": self.spec,
            "parameters": self.parameters,
            "module": self.module,
            "looks_again": self.looks_again,
            "state": self.state(),
        }

    def __setstate__(self, saved: dict[str, Any]) -> None:
        # The module is copied too and may not be whole yet: the rest waits.
        self.spec, self.parameters = saved["spec"], saved["parameters"]
        self.module, self.looks_again = saved["module"], saved["looks_again"]
        self.step, self.constrain = int(saved["state"]["step"]), None
        self.every = self.spec.gradient_accumulation_steps
        self._schedule, self._clips = self.spec.schedule, self.spec.clips
        self._sum, self._looks = GradientSum(self.parameters), []
        self._optimizer = self._average = None
        self._copied = saved["state"]

    def _ready(self) -> torch.optim.Optimizer:
        """The optimizer; that of a copy is made when it is first asked for."""
        optimizer = self._optimizer
        if optimizer is None:
            optimizer = self._prepare()
            if self._copied is not None:
                self.load(self._copied)
                self._copied = None
        return optimizer

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The torch optimizer."""
        return self._ready()

    @property
    def average(self) -> WeightAverage | None:
        """The average of the weights, when there is to be one."""
        self._ready()
        return self._average

    def _statistics(self) -> list[Tensor]:
        return [] if self.module is None else running_statistics(self.module)

    @property
    def gathers(self) -> bool:
        """Whether an update may need more than the gradient of one batch."""
        return self.every > 1 or self.looks_again

    def clear(self) -> None:
        """Forget the gradients of the step before."""
        for parameter in self.parameters:
            parameter.grad = None

    def learn(self, loss: Tensor) -> None:
        """Differentiate the loss of a batch, and update when it is time.

        Args:
            loss: One number; batches that are gathered count the same.

        Raises:
            ConfigError: The optimizer looks at a batch several times.
        """
        if self.every > 1:
            self.gather([Term("batches", loss, 1)])
            return
        self.clear()
        loss.backward()
        self.apply()

    def gather(self, terms: Iterable[Term], look: Look | None = None) -> None:
        """Add the gradients of a batch; update when there are enough batches.

        Args:
            terms: The loss of the batch in its parts.
            look: Computes them once more, for an optimizer that looks several times
                before it moves, such as LBFGS.
        """
        self._sum.add(terms)
        if look is not None:
            self._looks.append(look)
        if self._sum.batches >= self.every:
            self.finish()

    def finish(self) -> None:
        """Learn from what was gathered, however few batches: an epoch ends."""
        if not self._sum.batches:
            return
        self._sum.finish()
        loss = self._sum.loss() if self.looks_again else None
        looks, self._looks = self._looks, []
        self._sum.forget()
        self.apply(self._closure(loss, looks) if loss is not None and looks else None)

    def forget(self) -> None:
        """Drop what was gathered and not learned from."""
        self._sum.forget()
        self._looks = []

    def _closure(self, first: Tensor, looks: list[Look]) -> Callable[[], Tensor]:
        """What an optimizer calls to learn loss and gradient where the weights are."""
        # Ours and torch's begin where the weights are; the gradient is there already.
        begins = isinstance(
            self.optimizer, (torch.optim.LBFGS, ConjugateGradientUpdate)
        )
        known: list[Tensor] = [first] if begins else []

        def look() -> Tensor:
            if known:
                return known.pop()
            total = GradientSum(self.parameters)
            for again in looks:
                again(total.add)
            total.finish()
            return total.loss()

        return look

    def apply(self, again: Callable[[], Tensor] | None = None) -> None:
        """Clip, set the rate, and change the weights.

        Args:
            again: Computes loss and gradients of the batch once more, for an optimizer
                such as LBFGS that looks several times before it moves.

        Raises:
            ConfigError: The optimizer needs `again` and gets None.
        """
        self.set_rate()
        self.move(again)
        self.count()

    def set_rate(self) -> None:
        """Give the optimizer the learning rate of this step, when it changes."""
        if self._schedule is not None:
            set_learning_rate(self._ready(), self._schedule(self.step))

    def make_replayable(self, device: torch.device) -> None:
        """Keep rates and step counts on the device, so that updates can be recorded.

        Args:
            device: Where the weights are.

        Raises:
            ConfigError: The optimizer has no such way.
        """
        optimizer = self._ready()
        for group in optimizer.param_groups:
            if "capturable" not in group:
                raise ConfigError(
                    "fit: expected an optimizer that a recorded step can hold, got "
                    f'{type(optimizer).__name__}. Use plan="eager", or Adam.'
                )
            group["capturable"] = True
            rate = torch.as_tensor(group["lr"], dtype=torch.float32)
            group["lr"] = rate.to(device)
        for state in optimizer.state.values():
            if isinstance(state.get("step"), Tensor):
                state["step"] = state["step"].to(device)

    def move(self, again: Callable[[], Tensor] | None = None) -> None:
        """Clip the gradients and change the weights; nothing here waits or counts.

        Args:
            again: As in `apply`.
        """
        if self._clips:
            self.spec.clip_gradients(self.parameters)
        if self.looks_again:
            self._apply_looking(again)
        else:
            self._ready().step()
        if self.constrain is not None:
            self.constrain()

    def count(self) -> None:
        """Count an update, and take the weights into their average."""
        self._ready()
        self.step += 1
        if self._average is not None:
            self._average.update(self.step)

    def _apply_looking(self, again: Callable[[], Tensor] | None) -> None:
        if again is None:
            raise ConfigError(
                "learn: expected an optimizer that is content with one gradient, got "
                f"{type(self.optimizer).__name__}. Train with fit's own step, or "
                "choose another optimizer."
            )
        self.optimizer.step(again)  # type: ignore[arg-type]  # a 0-d tensor will do

    def state(self) -> dict[str, Any]:
        """Give what must be saved to go on later: moments, rates, the step count."""
        state = {"step": self.step, "optimizer": self.optimizer.state_dict()}
        if self.average is not None:
            state["average"] = self.average.state()
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Args:
            state: What `state` gave.
        """
        self.step = int(state["step"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None and state.get("average") is not None:
            self.average.load(state["average"])
