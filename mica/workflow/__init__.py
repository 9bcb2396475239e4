"""Workflow: the main job, from a source to a judged, saved, reported model."""

from mica.workflow.baseline import Baseline, baselines
from mica.workflow.commands import next_commands
from mica.workflow.generate import generate
from mica.workflow.job import Job
from mica.workflow.judge import Verdict, judge
from mica.workflow.material import open_material
from mica.workflow.opening import open_job
from mica.workflow.predict import csv_text, predict, write_csv
from mica.workflow.source import Task, open_task
from mica.workflow.train import Outcome, train

__all__ = [
    "Baseline",
    "Job",
    "Outcome",
    "Task",
    "Verdict",
    "baselines",
    "csv_text",
    "generate",
    "judge",
    "next_commands",
    "open_job",
    "open_material",
    "open_task",
    "predict",
    "train",
    "write_csv",
]
