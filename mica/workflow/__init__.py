"""Workflow: the main job, from a source to a judged, saved, reported model."""

from mica.workflow.predict import predict, write_csv
from mica.workflow.source import Task, open_task
from mica.workflow.train import Outcome, train

__all__ = ["Outcome", "Task", "open_task", "predict", "train", "write_csv"]
