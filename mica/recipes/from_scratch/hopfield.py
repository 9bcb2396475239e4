"""A Hopfield network: memories as valleys, Aggarwal's section 1.6.3.

Each memory is a valley of an energy; a damaged memory rolls down into the nearest. Ten
digits are recalled from damaged ones; then random patterns are stored until the memory
overflows, which Hebb's rule does at about 0.138 patterns for each unit.
"""

import numpy as np

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Images, Series

__all__ = ["RECIPE", "main"]

UNITS = 200
LOADS = (0.05, 0.08, 0.11, 0.14, 0.17, 0.2, 0.25)  # patterns per unit
DAMAGED = 8  # of the 64 pixels of a digit


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,  # noqa: ARG001  (storing is one sum)
    show: Show = nothing,
) -> dict[str, float]:
    """Recall digits, and fill the memory until it overflows.

    Args:
        seed: Of the patterns and the damage.
        rows: Units of the network that is filled; None for 200.
        epochs: There are none: storing is one sum.
        show: Is given the digits, and the curve of the overflow.

    Returns:
        Share of digits recalled whole by either rule, and of units that stay right when
        a network holds 0.05, 0.14 and 0.25 patterns for each unit.
    """
    random = np.random.default_rng(seed)

    # One picture of each digit, in black and white, of which some pixels are turned.
    digits = samples.load("digits")
    first = [int(np.flatnonzero(digits.y_train == digit)[0]) for digit in range(10)]
    pixels = digits.x_train[first].reshape(10, 64)
    memories = np.where(pixels > pixels.max() / 2, 1.0, -1.0)
    damaged = memories.copy()
    for picture in damaged:
        picture[random.choice(64, DAMAGED, replace=False)] *= -1

    # Hebb's rule wants memories that have little in common. Digits have a lot, and run
    # together; the projection rule takes out what they share.
    projection = mica.classic.HopfieldNetwork("projection").fit(memories)
    recalled = projection.transform(damaged)
    hebb = mica.classic.HopfieldNetwork("hebb").fit(memories).transform(damaged)
    rows_of_pictures = np.concatenate([damaged, recalled, hebb]).reshape(-1, 8, 8)
    kinds = ["damaged", "recalled by projection", "recalled by Hebb's rule"]
    captions = [f"{digit} {kind}" for kind in kinds for digit in range(10)]
    show(Images("Ten memories", rows_of_pictures, captions))

    # Patterns without anything in common: coins. Are they still valleys?
    units = rows or UNITS
    kept = []
    for load in LOADS:
        patterns = random.choice([-1.0, 1.0], (max(1, round(load * units)), units))
        network = mica.classic.HopfieldNetwork("hebb").fit(patterns)
        kept.append(float((network.transform(patterns) == patterns).mean()))
    show(
        Chart(
            "The memory overflows",
            [Series("units that stay right", LOADS, kept)],
            "patterns per unit",
            "share",
        )
    )
    return {
        "digits, projection": float((recalled == memories).all(1).mean()),
        "digits, Hebb": float((hebb == memories).all(1).mean()),
        "right units at 0.05": kept[LOADS.index(0.05)],
        "right units at 0.14": kept[LOADS.index(0.14)],
        "right units at 0.25": kept[LOADS.index(0.25)],
        "energy lost in recalling": float(
            (projection.energy(damaged) - projection.energy(recalled)).mean()
        ),
    }


RECIPE = Recipe(
    name="hopfield",
    title="A Hopfield network recalls digits, and overflows at 0.14 patterns per unit",
    source="Aggarwal, Neural Networks and Deep Learning (2018), section 1.6.3",
    main=main,
    goal={"digits, projection": 0.8},
    draws=True,
)

if __name__ == "__main__":
    print(main())
