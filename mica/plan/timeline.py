"""Timeline: which part of a step is at work, from its first moment to its last.

The time of a step is cut where one part hands over to the next, forward and backward,
so that the pieces add up to the whole.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from mica.nested import flatten

__all__ = [
    "Clock",
    "DeviceClock",
    "Place",
    "ProcessorClock",
    "Stretch",
    "Timeline",
    "WallClock",
]


class Place(NamedTuple):
    """A part of a step, and on which way it is at work.

    Args:
        part: A layer's path in the model, or a word such as "loss" in brackets.
        way: "forward" or "backward".

    Example:
        >>> Place("dense", "forward").part
        'dense'
    """

    part: str
    way: str = "forward"


class Stretch(NamedTuple):
    """Some time during which one part was at work.

    Args:
        place: The part.
        begin: A mark of the clock.
        end: Another one.
    """

    place: Place
    begin: Any
    end: Any


class Clock(Protocol):
    """What a timeline reads: marks, and seconds between two of them.

    Example:
        >>> clock: Clock = WallClock()
        >>> clock.seconds(clock.mark(), clock.mark()) >= 0
        True
    """

    def mark(self) -> Any:
        """Give a mark of this moment."""
        ...

    def seconds(self, begin: Any, end: Any) -> float:
        """Give the time between two marks."""
        ...


class WallClock:
    """The time that passes for Python: of a processor, which is never behind.

    Example:
        >>> clock = WallClock()
        >>> clock.seconds(1.0, 3.5)
        2.5
    """

    def mark(self) -> float:
        """Give a mark of this moment."""
        return time.perf_counter()

    def seconds(self, begin: float, end: float) -> float:
        """Give the time between two marks."""
        return end - begin


class ProcessorClock(WallClock):
    """The time that the processor computes for this thread.

    What else a busy machine does is not in it, nor is waiting. For plans of one thread.

    Example:
        >>> clock = ProcessorClock()
        >>> clock.seconds(clock.mark(), clock.mark()) >= 0
        True
    """

    def mark(self) -> float:
        """Give a mark of this moment."""
        return time.thread_time()


class DeviceClock:
    """The time that passes on a GPU, between operations that it does in their order.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def mark(self) -> torch.cuda.Event:
        """Give a mark that the device passes after all it was given before."""
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def seconds(self, begin: torch.cuda.Event, end: torch.cuda.Event) -> float:
        """Give the time between two marks, once the device has passed them."""
        end.synchronize()
        return begin.elapsed_time(end) / 1e3


HOST = Place("(host)")
LOSS = "(loss)"


class Timeline:
    """Cuts a step into stretches: layers by hooks, the way back by their gradients.

    While a module computes, it is at work; when it calls another one, that one is. On
    the way back a part is at work from its first operation on until another part's
    begins. What the hooks themselves need is in no stretch.

    Args:
        model: The module in training.
        clock: What is read.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> timeline = Timeline(model, WallClock())
        >>> with timeline.watching():
        ...     timeline.begin()
        ...     model(torch.ones(1, 2)).sum().backward()
        ...     stretches = timeline.end()
        >>> sorted({stretch.place.part for stretch in stretches})
        ['', '(host)', '0', '1']
    """

    def __init__(self, model: nn.Module, clock: Clock) -> None:
        self.model = model
        self.clock = clock
        self.place = HOST
        self.is_backward = False
        self._stretches: list[Stretch] = []
        self._since: Any = None
        self._callers: list[Place] = []
        self._owners: dict[Any, str] = {}
        self._calling: set[str] = set()  # modules that called others

    def begin(self) -> None:
        """Begin a step."""
        self._stretches, self._callers, self._owners = [], [], {}
        self.is_backward = False
        self.place, self._since = HOST, self.clock.mark()

    def turn_to(self, place: Place) -> None:
        """Let another part be at work from now on.

        Args:
            place: The part.
        """
        self._stretches.append(Stretch(self.place, self._since, self.clock.mark()))
        self.place = place
        self._since = self.clock.mark()

    def end(self) -> list[Stretch]:
        """End a step.

        Returns:
            Its stretches, in order.
        """
        self.turn_to(HOST)
        return self._stretches

    def resume(self) -> None:
        """Leave out of the part at work what happened since it began."""
        self._since = self.clock.mark()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the model's modules inside the block."""
        hooks = []
        for name, part in self.model.named_modules():
            hooks.append(
                part.register_forward_pre_hook(
                    self._entering(name), prepend=True, with_kwargs=True
                )
            )
            hooks.append(part.register_forward_hook(self._leaving(name)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _entering(self, name: str) -> Callable[..., None]:
        def enter(_: nn.Module, args: Any, kwargs: Any) -> None:
            caller = self.place
            way = "backward" if self.is_backward else "forward"
            self.turn_to(Place(name, way))
            if self._callers:
                self._calling.add(caller.part)
                self.claim((args, kwargs), caller.part, self.follow)
            self._callers.append(caller)
            self.resume()

        enter.__dict__["reads_the_clock_only"] = True  # steps are done as without it
        return enter

    def _leaving(self, name: str) -> Callable[..., None]:
        def leave(_: nn.Module, __: Any, output: Any) -> None:
            caller = self._callers.pop() if self._callers else HOST
            self.turn_to(caller)
            watched = self.follow if name in self._calling else None
            found = self.claim(output, name, watched)
            if watched is None:
                for node in found:
                    self.follow(node, name)
            self.resume()

        leave.__dict__["reads_the_clock_only"] = True
        return leave

    def claim(
        self,
        structure: Any,
        part: str,
        each: Callable[[Any, str], None] | None = None,
    ) -> list[Any]:
        """Note which steps of the way back belong to a part.

        Args:
            structure: Tensors that the part made.
            part: Its name.
            each: Called with every step found and the name.

        Returns:
            The steps that made the tensors, where nobody claimed them before.
        """
        tops = []
        for leaf in flatten(structure):
            node = leaf.grad_fn if isinstance(leaf, Tensor) else None
            if node is not None and node not in self._owners:
                tops.append(node)
                self._owners[node] = part
        waiting = list(tops)
        while waiting:
            node = waiting.pop()
            if each is not None:
                each(node, part)
            for below, _ in node.next_functions:
                if below is not None and below not in self._owners:
                    self._owners[below] = part
                    waiting.append(below)
        return tops

    def follow(self, node: Any, part: str) -> None:
        """Let a part be at work when a step of the way back begins.

        Args:
            node: The step.
            part: The part's name.
        """
        place = Place(part, "backward")

        def begin(_: Any) -> None:
            self.is_backward = True
            if self.place != place:
                self.turn_to(place)

        node.register_prehook(begin)
