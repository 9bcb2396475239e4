"""Refusing: a compiler that is not there or fails becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from mica.engine import ExecutionPlan
from mica.errors import ConfigError

__all__ = ["compiler_errors"]

# Where torch's compilers, and what they call, define what they raise.
_COMPILERS = ("torch._inductor", "torch._dynamo", "triton")
LONGEST = 160  # letters of what the compiler said


@contextmanager
def compiler_errors(plan: ExecutionPlan, where: str = "fit") -> Iterator[None]:
    """Say what to do when a compiled plan cannot be compiled here.

    Args:
        plan: How a step is executed; only a compiled one is looked after.
        where: Who asks.

    Yields:
        Nothing.

    Raises:
        ConfigError: The compiler failed.

    Example:
        >>> import torch
        >>> with compiler_errors(ExecutionPlan(torch.device("cpu"), capture="compile")):
        ...     done = True
    """
    try:
        yield
    except Exception as error:
        theirs = type(error).__module__.startswith(_COMPILERS)
        if not plan.is_compiled or not theirs:
            raise
        said = " ".join(str(error).split("\n\n")[0].split())
        said = said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
        raise ConfigError(
            f"{where}: expected a model that torch.compile can compile on this "
            f"machine, got {type(error).__name__}: {said.rstrip('.')}. Use "
            'plan="eager", or install what it asks for.'
        ) from error
