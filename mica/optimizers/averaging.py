"""Averages of weights: what training leaves behind is better than where it stands."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.optimizers.numbers import check_count, check_number
from mica.registry import Configurable

__all__ = ["EMA", "SWA", "Averaging", "WeightAverage", "check_momentum"]


class Averaging(Configurable):
    """How weights are averaged while they are trained; give one to an optimizer.

    Training goes on from its own weights. Whatever looks at the model from outside
    meets the average: validation, callbacks at the end of an epoch, `evaluate`,
    `predict` and `save` after `fit`. A further `fit` takes up the weights where it left
    them; only when they were changed by hand meanwhile it begins from those.

    Example:
        >>> from mica.optimizers import Adam
        >>> Adam(0.001, averaging=EMA(0.999)).averaging
        EMA(momentum=0.999)
    """

    overwrite_frequency: int | None = None
    estimates_statistics = False  # whether running statistics are found anew

    def counts(self, step: int, epoch: int, *, ends: bool) -> bool:
        """Tell whether the weights of a moment join the average.

        Args:
            step: Updates done, this one too.
            epoch: The epoch in progress, from 0.
            ends: Whether the epoch has just ended; else an update was just done.

        Returns:
            Whether they join.
        """
        raise NotImplementedError

    def share(self, count: int) -> float:
        """Give the part of the newest weights in the average.

        Args:
            count: Weights that joined before; at least 1.

        Returns:
            A number from 0 to 1.
        """
        raise NotImplementedError


class EMA(Averaging):
    """The exponential moving average of the weights.

    a = w after the first update;  a = momentum * a + (1 - momentum) * w afterwards

    It forgets weights from more than about 1 / (1 - momentum) updates ago. Keras's
    `use_ema=True` with `ema_momentum` and `ema_overwrite_frequency` says the same.
    Running statistics of batch normalization stay those of the training weights, as in
    Keras: the two are close to each other.

    Args:
        momentum: Share of the average that is kept: from 0 to 1.
        overwrite_frequency: Updates from one moment to the next at which training goes
            on from the average; `None` for never.

    Raises:
        ConfigError: A number is outside its range.

    Example:
        >>> weight = torch.zeros(1)
        >>> average = WeightAverage(EMA(0.5), [weight])
        >>> for step, value in enumerate((1.0, 3.0), start=1):
        ...     _ = weight.fill_(value)
        ...     average.update(step)
        >>> average.show()
        >>> weight
        tensor([2.])

    Source:
        Polyak & Juditsky 1992; the exponential form: Kingma & Ba 2014, section 7.2.
    """

    def __init__(
        self, momentum: float = 0.99, *, overwrite_frequency: int | None = None
    ) -> None:
        self.momentum = check_momentum("EMA", "a momentum", momentum)
        if overwrite_frequency is not None:
            overwrite_frequency = check_count(
                "EMA", "an overwrite_frequency", overwrite_frequency
            )
        self.overwrite_frequency = overwrite_frequency

    def counts(self, step: int, epoch: int, *, ends: bool) -> bool:
        """Every update counts."""
        return not ends

    def share(self, count: int) -> float:
        """Give the part of the newest weights."""
        return 1.0 - self.momentum


def check_momentum(where: str, name: str, value: Any) -> float:
    """Demand a share that is kept, from 0 to 1.

    Args:
        where: Who speaks in the error.
        name: The argument.
        value: What was given.

    Returns:
        The value as a float.

    Raises:
        ConfigError: It is not such a number.

    Example:
        >>> check_momentum("EMA", "a momentum", 1)
        1.0
    """
    if value == 1 and not isinstance(value, bool):
        return 1.0
    return check_number(where, name, value, below=1)


class SWA(Averaging):
    """The plain mean of the weights that late epochs ended with.

    a = (w_1 + w_2 + ... + w_n) / n

    For a learning rate that stays high or swings, so that the weights wander around a
    wide valley whose middle is better than any point of its rim. Statistics of batch
    normalization are found anew for the mean, by one pass over the training data
    before each validation from ``start_epoch`` on.

    Args:
        start_epoch: The first epoch that counts, from 0. About three quarters of the
            epochs is usual.
        period: Updates from one weight that counts to the next; `None` for the end of
            each epoch.

    Raises:
        ConfigError: A number is outside its range.

    Example:
        >>> weight = torch.zeros(1)
        >>> average = WeightAverage(SWA(start_epoch=1), [weight])
        >>> for epoch, value in enumerate((9.0, 1.0, 3.0)):
        ...     average.begin_epoch(epoch)
        ...     _ = weight.fill_(value)
        ...     average.end_epoch()
        >>> average.show()
        >>> weight
        tensor([2.])

    Source:
        Izmailov et al. 2018, Averaging Weights Leads to Wider Optima, Algorithm 1.
    """

    estimates_statistics = True

    def __init__(self, start_epoch: int = 0, *, period: int | None = None) -> None:
        self.start_epoch = check_count("SWA", "a start_epoch", start_epoch, least=0)
        if period is not None:
            period = check_count("SWA", "a period", period)
        self.period = period

    def counts(self, step: int, epoch: int, *, ends: bool) -> bool:
        """Ends of epochs count, or every so many updates."""
        if epoch < self.start_epoch:
            return False
        return ends if self.period is None else not ends and step % self.period == 0

    def share(self, count: int) -> float:
        """Give the part of the newest weights."""
        return 1.0 / (count + 1)


_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _fingerprint(tensors: Iterable[Tensor]) -> list[int]:
    """For each tensor the sum of its bits read as integers; no device rounds it."""
    sums = []
    for tensor in tensors:
        values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        bits = values.detach().contiguous().view(_INTEGERS[values.element_size()])
        sums.append(int(bits.sum(dtype=torch.int64)))
    return sums


class WeightAverage:
    """Weights in training and their average, one of them in the model at a time.

    Args:
        averaging: What counts, and how much.
        weights: The tensors in training.
        statistics: Gives tensors that describe what the weights compute: those of the
            average are kept apart from those of the weights in training.

    State:
        The average, or the weights in training while the average is in the model: the
        weights' bytes.

    Example:
        >>> weight = torch.ones(1)
        >>> average = WeightAverage(EMA(0.0), [weight])
        >>> average.update(1)
        >>> _ = weight.fill_(5.0)
        >>> average.show()
        >>> weight.item()
        1.0
        >>> average.hide()
        >>> weight.item()
        5.0
    """

    def __init__(
        self,
        averaging: Averaging,
        weights: Sequence[Tensor],
        statistics: Callable[[], Sequence[Tensor]] = list,
    ) -> None:
        self.averaging = averaging
        self.count = 0  # weights that joined
        self.is_shown = False
        self.is_estimated = False  # whether there are statistics of the average
        self._weights, self._find_statistics = list(weights), statistics
        self._others = [tensor.detach().clone() for tensor in self._live()]
        self._epoch = 0
        self._marks: list[tuple[int, int]] | None = None
        self._fingerprint: list[int] = []

    def _live(self) -> list[Tensor]:
        return [*self._weights, *self._find_statistics()]

    def _aligned(self) -> list[Tensor]:
        """The other tensors, in the type and on the device that the model has now."""
        live = self._live()
        for index, (tensor, other) in enumerate(zip(live, self._others, strict=True)):
            if other.dtype != tensor.dtype or other.device != tensor.device:
                self._others[index] = other.to(tensor)
        return self._others

    @property
    def tensors(self) -> list[Tensor]:
        """What is not in the model: to be copied and put back with it."""
        return self._aligned()

    @property
    def numbers(self) -> tuple[int, bool, bool]:
        """The rest of the state; to be put back together with the tensors."""
        return self.count, self.is_shown, self.is_estimated

    @numbers.setter
    def numbers(self, value: tuple[int, bool, bool]) -> None:
        self.count, self.is_shown, self.is_estimated = value

    @torch.no_grad()
    def _join(self) -> None:
        averages = self._aligned()[: len(self._weights)]
        share = self.averaging.share(self.count) if self.count else 1.0
        if share == 1.0:
            torch._foreach_copy_(averages, self._weights)
        else:
            torch._foreach_lerp_(averages, self._weights, share)
        self.count += 1

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Look at the weights after an update.

        Args:
            step: Updates done, this one too.
        """
        if self.averaging.counts(step, self._epoch, ends=False):
            self._join()
        frequency = self.averaging.overwrite_frequency
        if frequency is not None and step % frequency == 0:
            torch._foreach_copy_(self._weights, self._aligned()[: len(self._weights)])

    def begin_epoch(self, epoch: int) -> None:
        """Put the weights in training back, and note where training stands.

        Args:
            epoch: The epoch that begins, from 0.
        """
        self._epoch = epoch
        self.hide()

    def end_epoch(self) -> None:
        """Look at the weights after an epoch."""
        if self.averaging.counts(0, self._epoch, ends=True):
            self._join()

    @torch.no_grad()
    def show(self) -> None:
        """Put the average into the model; nothing happens before there is one."""
        if self.is_shown or not self.count:
            return
        self._swap(estimated=self.is_estimated)
        self.is_shown = True
        self._marks = self._present_marks()

    @torch.no_grad()
    def hide(self) -> None:
        """Put the weights in training back, unless the average was changed by hand."""
        if not self.is_shown:
            return
        self.is_shown = False
        if self._is_touched():
            self.count, self.is_estimated = 0, False
            return
        self._swap()

    def _swap(self, *, estimated: bool = True) -> None:
        """Exchange what is in the model with what is not."""
        for index, (tensor, other) in enumerate(
            zip(self._live(), self._aligned(), strict=True)
        ):
            kept = tensor.detach().clone()
            if estimated or index < len(self._weights):
                tensor.copy_(other)
            other.copy_(kept)

    def _present_marks(self) -> list[tuple[int, int]]:
        return [(tensor.data_ptr(), tensor._version) for tensor in self._weights]

    def _is_touched(self) -> bool:
        """Whether the weights shown are others than those put in."""
        if self._marks is not None and self._marks == self._present_marks():
            return False
        return self._fingerprint != _fingerprint(self._weights)

    def seal(self) -> None:
        """Note the values shown, so that they are known again after a move or a file.

        On a device this waits for it.
        """
        if self.is_shown:
            self._fingerprint = _fingerprint(self._weights)

    def state(self) -> dict[str, Any]:
        """Give what must be saved to go on later."""
        self.seal()
        return {
            "tensors": list(self._aligned()),
            "count": self.count,
            "is_shown": self.is_shown,
            "is_estimated": self.is_estimated,
            "fingerprint": list(self._fingerprint),
        }

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Args:
            state: What `state` gave.

        Raises:
            ConfigError: It is that of other weights.
        """
        tensors = list(state["tensors"])
        ours = [tensor.shape for tensor in self._others]
        if [tensor.shape for tensor in tensors] != ours:
            raise ConfigError(
                f"averaging: expected the averages of {len(ours)} weights of this "
                f"model, got {len(tensors)} of other shapes. Use this model's file."
            )
        for other, tensor in zip(self._aligned(), tensors, strict=True):
            other.copy_(tensor)
        self.count, self.is_shown = int(state["count"]), bool(state["is_shown"])
        self.is_estimated = bool(state["is_estimated"])
        self._fingerprint = [int(number) for number in state["fingerprint"]]
        self._marks = None
