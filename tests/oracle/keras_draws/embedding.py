"""Configurations of the layers in `mica/layers/embedding.py`."""

import random
from collections.abc import Mapping

import torch

from tests.oracle.keras_draws.drawing import Drawn, both

__all__ = ["DRAWS"]


def as_they_are(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Keras has the vectors in rows, too."""
    return list(state.values())


def draw_embedding(draw: random.Random) -> Drawn:
    arguments = {
        "input_dim": draw.randint(1, 9),
        "output_dim": draw.randint(1, 6),
        "mask_zero": draw.random() < 0.5,
    }
    sizes = [draw.randint(1, 5) for _ in range(draw.randint(1, 3))]
    dtype = draw.choice([torch.int32, torch.int64])
    x = torch.randint(0, arguments["input_dim"], sizes, dtype=dtype)
    return both("Embedding", arguments, x, to_keras=as_they_are)


DRAWS = {"Embedding": draw_embedding}
