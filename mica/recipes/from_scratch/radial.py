"""A radial basis function network: Aggarwal's section 1.6.2.

Its first layer asks how near a point is to each of some prototypes, which k-means puts
there without looking at the labels; its second is a line in that new space. One ring
around another, which no line can part, and the digits.
"""

import numpy as np

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Images, Series

__all__ = ["RECIPE", "main"]


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,  # noqa: ARG001  (both layers are solved exactly)
    show: Show = nothing,
) -> dict[str, float]:
    """Learn two rings and the digits, beside a linear model.

    Args:
        seed: Of the rings and the prototypes.
        rows: Use only so many points of each training part.
        epochs: There are none: both layers are solved exactly.
        show: Is given the rings with the decision line, and the prototypes' digits.

    Returns:
        Test accuracies.
    """
    # Two noisy rings, radius 1 and 2.
    random = np.random.default_rng(seed)
    x, y = _rings(random, min(rows or 300, 300))
    x_test, y_test = _rings(random, 1000)
    rings = mica.classic.RadialClassifier(20, random_state=seed).fit(x, y)
    line = mica.classic.LogisticRegression(random_state=seed).fit(x, y)

    # The decision line: where the two scores are equal, on a grid over the plane.
    side = np.linspace(-3, 3, 121)
    grid = np.stack(np.meshgrid(side, side[::-1]), -1).reshape(-1, 2)
    border = np.abs(rings.decision_function(grid)) < 0.1
    points = [("inner ring", x[y == 0]), ("outer ring", x[y == 1])]
    points += [("prototypes", rings.prototypes_), ("decision line", grid[border])]
    series = [Series(name, *place.T.tolist()) for name, place in points]
    show(Chart("Two rings", series, "x1", "x2", kind="points"))

    # Digits: 200 prototypes are 200 blurred digits, and nobody said which.
    digits = samples.load("digits")
    pictures = digits.x_train[:rows].reshape(-1, 64)
    reader = mica.classic.RadialClassifier(200, random_state=seed)
    reader.fit(pictures, digits.y_train[:rows])
    show(Images("20 of the prototypes", reader.prototypes_[:20].reshape(-1, 8, 8)))
    return {
        "rings": rings.score(x_test, y_test),
        "rings, by a line": line.score(x_test, y_test),
        "digits": reader.score(digits.x_test.reshape(-1, 64), digits.y_test),
    }


def _rings(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two rings, in turns, with noise."""
    y = np.arange(count) % 2
    angle = random.uniform(0, 2 * np.pi, count)
    radius = 1.0 + y + random.normal(0, 0.15, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), y


RECIPE = Recipe(
    name="rbf",
    title="Radial basis functions: two rings, and the digits by 200 prototypes",
    source="Aggarwal, Neural Networks and Deep Learning (2018), section 1.6.2",
    main=main,
    goal={"rings": 0.98, "digits": 0.95},
    draws=True,
)

if __name__ == "__main__":
    print(main())
