"""The main job reaches stated numbers, in seconds and with one thread."""

import numpy as np
import pytest

from mica import workflow

# Six of the twenty epochs: seeds 0 to 9 of all twenty reach 0.9917 to 1.
LEAST_ACCURACY = 0.97


def write_rings(path, rows=600):
    """Two classes no line can part: inside and outside a circle."""
    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, (rows, 2))
    inside = (points**2).sum(axis=1) < 0.6
    lines = [f"{x:.4f},{y:.4f},{'in' if i else 'out'}" for (x, y), i in zip(
        points, inside, strict=True
    )]  # fmt: skip
    path.write_text("\n".join(["x,y,place", *lines]), encoding="utf-8")
    return path


def write_waves(path, rows=800):
    """A number no line can follow: a wave of one column, times another."""
    random = np.random.default_rng(0)
    points = random.uniform(-2, 2, (rows, 2))
    height = 50 + 10 * np.sin(2 * points[:, 0]) * points[:, 1]
    lines = [f"{x:.4f},{y:.4f},{z:.4f}" for (x, y), z in zip(
        points, height, strict=True
    )]  # fmt: skip
    path.write_text("\n".join(["x,y,height", *lines]), encoding="utf-8")
    return path


def test_digits_are_learned_in_a_few_epochs(tmp_path):
    outcome = workflow.train("digits", epochs=6, runs=tmp_path, verbose=0)
    assert outcome.verdict.score >= LEAST_ACCURACY
    assert outcome.verdict.finding.severity == "good"


def test_classes_no_line_can_part_are_learned(tmp_path):
    path = write_rings(tmp_path / "rings.csv")
    outcome = workflow.train(path, "place", runs=tmp_path, verbose=0)
    assert outcome.verdict.score >= 0.95
    assert outcome.verdict.finding.severity == "good"


def test_numbers_no_line_can_follow_are_learned(tmp_path):
    path = write_waves(tmp_path / "waves.csv")
    outcome = workflow.train(path, "height", runs=tmp_path, verbose=0)
    ridge = outcome.verdict.comparison.rows[1][1]
    assert outcome.verdict.score <= ridge / 3
    assert outcome.verdict.finding.severity == "good"


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "iris", "wine"])
def test_every_sample_of_columns_beats_the_simplest_baseline(name, tmp_path):
    outcome = workflow.train(name, runs=tmp_path, verbose=0)
    simplest, network = outcome.verdict.comparison.rows[0], outcome.verdict.score
    if outcome.verdict.measure == "test accuracy":
        assert network >= simplest[1] + 0.2
    else:
        assert network <= 0.8 * simplest[1]
