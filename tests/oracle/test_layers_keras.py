"""The same weights give the same numbers as in Keras 3: outputs and all gradients.

Random configurations in float64, drawn by seed. Keras runs on its torch backend.
"""

import random

import pytest

from tests.oracle.keras_draws import DRAWS, compare

CASES_PER_PART = 20
PARTS = range(1)  # tools/oracle.py draws more of them, and counts them on a page


@pytest.fixture(autouse=True)
def keras_keeps_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras narrows float64 to float32 outside TensorFlow; here it may not."""
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", DRAWS)
def test_outputs_gradients_and_statistics_are_those_of_keras(kind, part):
    draw = random.Random(f"{kind} {part}")
    for number in range(CASES_PER_PART):
        drawn = DRAWS[kind](draw)
        try:
            compare(drawn)
        except Exception as error:
            error.add_note(f"configuration {number}: {drawn.text}")
            raise


def test_enough_configurations_are_compared():
    assert len(DRAWS) * len(PARTS) * CASES_PER_PART >= 900


@pytest.mark.parametrize("kind", DRAWS)
def test_configurations_differ(kind):
    draw = random.Random(kind)
    texts = {DRAWS[kind](draw).text for _ in range(20)}
    assert len(texts) >= 2
