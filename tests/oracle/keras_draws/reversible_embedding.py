"""Configurations of the layers in `mica/layers/reversible_embedding.py`."""

import random
from collections.abc import Mapping

import torch

from tests.oracle.keras_draws.drawing import Drawn, both

__all__ = ["DRAWS"]


def turned_back(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Keras has the vectors in rows, those of the way back in columns."""
    return [
        value.T if name == "reverse_weight" else value for name, value in state.items()
    ]


def draw_reversible_embedding(draw: random.Random) -> Drawn:
    arguments = {
        "input_dim": draw.randint(1, 9),
        "output_dim": draw.randint(1, 6),
        "tie_weights": draw.random() < 0.5,
        "logit_soft_cap": draw.choice([None, 0.5, 30.0]),
    }
    sizes = [draw.randint(1, 5) for _ in range(draw.randint(1, 3))]
    reverse = draw.random() < 0.7
    x = torch.randint(0, arguments["input_dim"], sizes)
    if reverse:
        x = torch.randn(*sizes, arguments["output_dim"], dtype=torch.float64)
    call = {"reverse": reverse}
    return both(
        "ReversibleEmbedding",
        arguments,
        x,
        to_keras=turned_back,
        ours_call=call,
        theirs_call=call,
    )


DRAWS = {"ReversibleEmbedding": draw_reversible_embedding}
