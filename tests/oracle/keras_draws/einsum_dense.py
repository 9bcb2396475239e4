"""Configurations of the layers in `mica/layers/einsum_dense.py`."""

import random

import torch

from tests.oracle.keras_draws.drawing import ACTIVATIONS, Drawn, both

__all__ = ["DRAWS"]

# The equation, the letters of y that have sizes, letters a bias may have, axes of x.
FORMS = [
    ("ab,bc->ac", "c", "c", "ab"),
    ("abc,cd->abd", "bd", "bd", "abc"),
    ("...x,xy->...y", "y", "y", "pqx"),
    ("...xy,yxz->...zx", "zx", "zx", "pxy"),
    ("abc,cde->abde", "bde", "de", "abc"),
    ("abcd,cde->abe", "be", "be", "abcd"),
    ("abc,bcd->abd", "bd", "bd", "abc"),
    ("ab...,bc->ac...", "c", "c", "abpq"),
]


def draw_einsum_dense(draw: random.Random) -> Drawn:
    equation, free, bias, axes = draw.choice(FORMS)
    sizes = {letter: draw.randint(2, 5) for letter in "abcdexyzpq"}
    bias_axes = "".join(draw.sample(bias, draw.randint(0, len(bias))))
    # Keras takes a size from x only where neither weight nor bias need it.
    needed = set(equation.split("->")[0].split(",")[1]) | set(bias_axes)
    told = set(axes) - needed
    shape = [
        None if letter in told and draw.random() < 0.5 else sizes[letter]
        for letter in free
    ]
    arguments = {
        "equation": equation,
        "output_shape": shape[0] if len(shape) == 1 else tuple(shape),
        "activation": draw.choice([None, *ACTIVATIONS]),
        "bias_axes": bias_axes or None,
    }
    x = torch.randn([sizes[letter] for letter in axes], dtype=torch.float64)
    return both("EinsumDense", arguments, x, to_keras=lambda state: [*state.values()])


DRAWS = {"EinsumDense": draw_einsum_dense}
