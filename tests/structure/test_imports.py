"""Imports point down, and `import mica` brings only what it needs."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter import cli
from importlinter.application.constants import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = SETTINGS["tool"]["importlinter"]["contracts"][0]["layers"]

# Imported when a feature is first used, not by `import mica`.
HEAVY = [
    "IPython",
    "keras",
    "matplotlib",
    "pandas",
    "PIL",
    "polars",
    "rich",
    "scipy",
    "sklearn",
    "tensorboard",
    "tokenizers",
    "torch._dynamo",
    "typer",
]
IMPORT_CONTRACTS = "lint-imports"
