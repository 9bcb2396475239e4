"""Models: the user's door: compile, fit, evaluate, predict, save."""

from mica.model.model import Model
from mica.model.saving import load_model
from mica.model.sequential import Sequential
from mica.model.summary import summarize

__all__ = ["Model", "Sequential", "load_model", "summarize"]
