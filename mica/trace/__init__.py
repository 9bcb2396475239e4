"""Be the number: any model's training step, replayed operation by operation."""

from mica.trace.step import Source, Step, Weight
from mica.trace.verify import is_verified, verify_model
from mica.trace.walking import Walk, walk

__all__ = [
    "Source",
    "Step",
    "Walk",
    "Weight",
    "is_verified",
    "verify_model",
    "walk",
]
