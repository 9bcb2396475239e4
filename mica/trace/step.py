"""Step: one thing that happens in a walk, with all its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Source", "Step", "Weight", "difference"]


@dataclass(frozen=True, eq=False)
class Source:
    """What a walk starts from: an input, a target, a weight, a constant.

    Args:
        name: What a person calls it: "x", "y", a weight's path in the model.
        role: "input", "target", "weight", "buffer" or "constant".
        path: The layer it belongs to; "" for the model itself.
        value: Its numbers.
        gradient: What flows back to it; None where nothing does.
        expected_gradient: The same as torch has it.

    Example:
        >>> Source("x", "input", "", np.array([1.0]), None, None).role
        'input'
    """

    name: str
    role: str
    path: str
    value: np.ndarray
    gradient: np.ndarray | None
    expected_gradient: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a walk.

    Args:
        name: What later steps call its result.
        operation: The operation of ATen, such as "addmm".
        words: What it does, in plain words.
        formula: Its formula, with the names of its inputs.
        inputs: Names of the sources and steps it takes.
        path: The layer it comes from; "" for the model itself or the loss.
        kind: That layer's class; "Loss" where predictions are compared.
        phase: "predict" or "compare".
        value: Its result; None where the operation gives several.
        gradient: The slope of the loss with respect to the result; None without one.
        expected: torch's result.
        expected_gradient: torch's gradient.
        is_known: Whether there is a rule; without one the result is torch's.
        is_drawn: Whether the result holds random numbers: torch's, taken over.

    Example:
        >>> import torch
        >>> from mica.trace import walk
        >>> (step,) = walk(torch.nn.ReLU(), [[1.0, -2.0]]).steps
        >>> step.formula, step.value.tolist(), step.place
        ('max(x, 0)', [[1.0, 0.0]], 'ReLU')
    """

    name: str
    operation: str
    words: str
    formula: str
    inputs: tuple[str, ...]
    path: str
    kind: str
    phase: str
    value: np.ndarray | None
    gradient: np.ndarray | None
    expected: np.ndarray | None
    expected_gradient: np.ndarray | None
    is_known: bool
    is_drawn: bool

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The result's shape; None where there are several results."""
        return None if self.value is None else self.value.shape

    @property
    def place(self) -> str:
        """Layer and class, as a person looks for them."""
        if self.phase == "compare":
            return "loss"
        return f"{self.path} ({self.kind})" if self.path else self.kind


@dataclass(frozen=True, eq=False)
class Weight:
    """A weight before and after one step of gradient descent.

    after = before - learning_rate * gradient

    Args:
        name: Its path in the model.
        path: The layer it belongs to.
        before: Its numbers in the walk.
        gradient: The slope of the loss with respect to it; None where it has none.
        after: Its numbers after the update.

    Example:
        >>> old, slope = np.array([1.0]), np.array([2.0])
        >>> Weight("w", "", old, slope, old - 0.1 * slope).after
        array([0.8])
    """

    name: str
    path: str
    before: np.ndarray
    gradient: np.ndarray | None
    after: np.ndarray


def difference(found: np.ndarray | None, expected: np.ndarray | None) -> float:
    """Largest difference, measured against the larger of 1 and the largest number.

    max |found - expected| / max(1, max |expected|)

    Args:
        found: Numbers of the walk; None counts as zeros.
        expected: torch's; None counts as zeros.

    Returns:
        A number; infinite for another shape, or NaN on one side only.

    Example:
        >>> difference(np.array([1.0, 300.0]), np.array([1.0, 200.0]))
        0.5
    """
    if found is None:
        found, expected = expected, None
    if found is None:
        return 0.0
    expected = np.zeros_like(found) if expected is None else expected
    if found.shape != expected.shape:
        return float("inf")
    a, b = found.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    a, b = a[~same], b[~same]
    if not a.size:
        return 0.0
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    finite = expected[np.isfinite(expected)]
    scale = max(1.0, float(np.abs(finite.astype(np.float64)).max(initial=0)))
    return float(np.abs(a - b).max()) / scale
