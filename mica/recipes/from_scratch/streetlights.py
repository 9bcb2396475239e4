"""Streetlights: Trask's chapter 6, the first network with a hidden layer.

A stranger sees three lights of a kind unknown to him, and people who walk or stop. He
writes six sightings down as a matrix and asks which light means what. Then comes a
crossing where no single light decides, and one layer of weights is not enough.
"""

from collections.abc import Callable

import numpy as np

from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.reference import Tensor
from mica.reference.functions import relu
from mica.report import Chart, Matrix, Series

__all__ = ["RECIPE", "main"]

# Rows are sightings, columns are lights: on or off.
LIGHTS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1.0]])
WALK = np.array([0, 1, 0, 1, 1, 0.0])
FIRST_WEIGHTS = np.array([0.5, 0.48, -0.7])

# The other crossing: walk when exactly one of the left two lights is on.
CROSSING = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1.0]])
WALK_THERE = np.array([1, 1, 0, 0.0])


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn both crossings.

    Args:
        seed: Added to the book's own, 1: seed 0 gives the printed numbers.
        rows: Use only the first sightings; None for all.
        epochs: Passes over the sightings; None for the book's 40 and 60.
        show: Is given pressures, errors and what the hidden units make of the lights.

    Returns:
        Errors, summed over the sightings, and the weights of the three lights.
    """
    # Which way does each sighting push each weight? Up where its light is on and
    # people walk, down where it is on and they stop, nowhere where it is off.
    lights, walk = LIGHTS[:rows], WALK[:rows]
    names = ["left", "middle", "right"]
    sightings = [f"{'walk' if goal else 'stop'} {i}" for i, goal in enumerate(walk)]
    show(Matrix("Pressure", (2 * walk[:, None] - 1) * lights, sightings, names))

    # One weight for each light. The middle light alone decides: its weight goes to 1,
    # and the pressures on the others cancel.
    weights = [Tensor(FIRST_WEIGHTS, requires_gradient=True)]
    single = _learn(_one_layer, weights, (lights, walk), 0.1, epochs or 40)
    left, middle, right = weights[0].data.tolist()

    # The other crossing pushes every weight up as often as down: one layer is stuck.
    lights, walk = CROSSING[:rows], WALK_THERE[:rows]
    weights = [Tensor(FIRST_WEIGHTS, requires_gradient=True)]
    stuck = _learn(_one_layer, weights, (lights, walk), 0.1, epochs or 300)

    # Four hidden units that can be off make new columns, of which some do decide.
    random = np.random.RandomState(1 + seed)
    weights = [
        Tensor(2 * random.random_sample((3, 4)) - 1, requires_gradient=True),
        Tensor(2 * random.random_sample((4, 1)) - 1, requires_gradient=True),
    ]
    deep = _learn(_two_layers, weights, (lights, walk), 0.2, epochs or 60)

    series = {"one layer": single, "one layer, other crossing": stuck, "deep": deep}
    show(
        Chart(
            "Errors",
            [Series(name, range(len(e)), e) for name, e in series.items()],
            "epoch",
            "error",
            y_scale="log",
        )
    )
    hidden = relu(lights @ weights[0]).data
    units = [f"unit {unit}" for unit in range(4)]
    show(Matrix("Hidden units", hidden, [str(row) for row in lights], units))
    return {
        "one layer, first error": single[0],
        "one layer, last error": single[-1],
        "left weight": left,
        "middle weight": middle,
        "right weight": right,
        "one layer, other crossing": stuck[-1],
        "deep, tenth error": deep[min(9, len(deep) - 1)],
        "deep, last error": deep[-1],
    }


def _one_layer(row: np.ndarray, weights: list[Tensor]) -> Tensor:
    return row @ weights[0]


def _two_layers(row: np.ndarray, weights: list[Tensor]) -> Tensor:
    return (relu(row[None] @ weights[0]) @ weights[1])[0, 0]


def _learn(
    predict: Callable[[np.ndarray, list[Tensor]], Tensor],
    weights: list[Tensor],
    sightings: tuple[np.ndarray, np.ndarray],
    alpha: float,
    epochs: int,
) -> list[float]:
    """Change the weights after every sighting: the error of each pass."""
    errors = []
    for _ in range(epochs):
        total = 0.0
        for row, goal in zip(*sightings, strict=True):
            error = (predict(row, weights) - goal) ** 2
            total += error.item()
            # Half of it, for the book's slope has no factor of 2.
            (error / 2).backward()
            for weight in weights:
                assert weight.gradient is not None
                weight.data = weight.data - alpha * weight.gradient.data
                weight.gradient = None
        errors.append(total)
    return errors


RECIPE = Recipe(
    name="streetlights",
    title="Streetlights: one layer, and the first network with a hidden one",
    source="Trask, Grokking Deep Learning (2019), chapter 6",
    main=main,
    book={
        "one layer, first error": 2.6561231104,
        "one layer, last error": 0.000533736773285,
        "left weight": 0.0,
        "middle weight": 1.0,
        "right weight": 0.0,
        "deep, tenth error": 0.634231159844,
        "deep, last error": 1.50556226651e-05,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
