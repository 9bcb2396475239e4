"""Perceptron against hinge loss: exercise 11 of Aggarwal's first chapter.

Twenty points of the unit square, positive where x1 > x2, teach a line; a thousand
judge it. Which loss is better, and which line changes less with another twenty points?
One training set proves nothing: here are a thousand, learned at once: a distribution.
"""

import numpy as np

from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]

SETS, POINTS, JUDGES = 1000, 20, 1000
SHORT, LONG = 20, 3000  # epochs


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train both losses on every training set, for a short and a long time.

    Args:
        seed: Of the points.
        rows: How many training sets; None for 1,000.
        epochs: Passes of the long training; None for 3,000.
        show: Is given the distributions.

    Returns:
        Mean and deviation of the accuracy over the training sets, how often the hinge
        loss is the better one, and the share of points whose class stays the same when
        another training set is learned.
    """
    random = np.random.default_rng(seed)
    sets = rows or SETS
    x, y = _points(random, (sets, POINTS))
    x_test, y_test = _points(random, (JUDGES,))

    results: dict[str, float] = {}
    for length, num_epochs in (("short", SHORT), ("long", LONG)):
        num_epochs = min(num_epochs, epochs or num_epochs)
        accuracies = {}
        for loss, margin in (("perceptron", 0.0), ("hinge", 1.0)):
            lines = _train(x, y, margin, num_epochs)  # (sets, 2)
            said = np.where(lines @ x_test.T > 0, 1, -1)  # (sets, JUDGES)
            accuracies[loss] = (said == y_test).mean(1)
            name = f"{loss}, {length}"
            results[name] = float(accuracies[loss].mean())
            results[f"{name}, deviation"] = float(accuracies[loss].std())
            # How often do the lines of two sets agree? Where the share p of all lines
            # says "positive", p^2 + (1 - p)^2 of the pairs do.
            share = (said > 0).mean(0)
            results[f"{name}, agreement"] = float((share**2 + (1 - share) ** 2).mean())
        better = accuracies["hinge"] > accuracies["perceptron"]
        results[f"hinge better, {length}"] = float(better.mean())
        show(_histogram(f"Accuracy after {num_epochs} epochs", accuracies))
    return results


def _points(
    random: np.random.Generator, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the unit square, and +1 where x1 > x2, else -1."""
    x = random.random((*shape, 2))
    return x, np.where(x[..., 0] > x[..., 1], 1, -1)


def _train(x: np.ndarray, y: np.ndarray, margin: float, epochs: int) -> np.ndarray:
    """W <- W + y x where y W x <= margin, point by point; every set has a W.

    margin 0 is the perceptron criterion, margin 1 the hinge loss, alpha is 1, and there
    is no bias: the true line goes through the origin.
    """
    lines = np.zeros((len(x), 2))
    steps = [(y[:, i, None] * x[:, i]) for i in range(x.shape[1])]  # y x of each point
    for _ in range(epochs):
        for step in steps:
            # On the line itself counts as wrong: else W = 0 would never move.
            wrong = (lines * step).sum(1) <= margin
            lines += wrong[:, None] * step
    return lines


def _histogram(title: str, accuracies: dict[str, np.ndarray]) -> Chart:
    edges = np.linspace(0.8, 1.0, 21)
    series = []
    for name, values in accuracies.items():
        counts, _ = np.histogram(np.maximum(values, edges[0]), edges)
        series.append(
            Series(name, [f"{edge:.2f}" for edge in edges[:-1]], list(counts))
        )
    return Chart(title, series, "accuracy from", "training sets", kind="bars")


RECIPE = Recipe(
    name="perceptron-hinge",
    title="Perceptron against hinge loss over 1,000 training sets of 20 points",
    source="Aggarwal, Neural Networks and Deep Learning (2018), exercise 1.11",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
