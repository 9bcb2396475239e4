"""A sum-product network: Aggarwal's section 1.5.3.2.

Sums choose between kinds of flowers, products put independent measures together, and
what comes out is a density: how likely is such a flower? Any question about fewer
measures costs no more than one about all.
"""

import numpy as np

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,  # noqa: ARG001  (the network grows once)
    show: Show = nothing,
) -> dict[str, float]:
    """Learn the density of irises, ask it, and draw from it.

    Args:
        seed: Of the groups and the samples.
        rows: Use only so many flowers to learn from.
        epochs: There are none: the network is grown once.
        show: Is given flowers, real and drawn.

    Returns:
        Mean log density of the test flowers, that of independent measures, and the
        accuracy when each kind of flower has a network of its own.
    """
    iris = samples.load("iris")
    x, y = np.asarray(iris.x_train[:rows], float), iris.y_train[:rows]
    x_test = np.asarray(iris.x_test, float)
    network = mica.classic.SumProductNetwork(random_state=seed).fit(x)

    # Without sums it would be one normal distribution for each measure.
    alone = mica.classic.SumProductNetwork(
        min_points=len(x) + 1, random_state=seed
    ).fit(x)

    # A density for each kind, and the likelier one wins: a classifier (Bayes' rule,
    # with kinds that are equally frequent).
    kinds = np.unique(y)
    scores = [
        mica.classic.SumProductNetwork(random_state=seed)
        .fit(x[y == kind])
        .score_samples(x_test)
        for kind in kinds
    ]
    said = kinds[np.argmax(scores, 0)]

    # What is not known is a NaN: the density of two measures alone.
    partial = x_test.copy()
    partial[:, :2] = np.nan
    drawn = network.sample(len(x), random_state=seed)
    show(
        Chart(
            "Petals, real and drawn",
            [
                Series("real", *x[:, 2:].T.tolist()),
                Series("drawn", *drawn[:, 2:].T.tolist()),
            ],
            "length",
            "width",
            kind="points",
        )
    )
    return {
        "log density": network.score(x_test),
        "log density, independent": alone.score(x_test),
        "log density of the petals": network.score(partial),
        "accuracy": float((said == iris.y_test).mean()),
    }


RECIPE = Recipe(
    name="sum-product",
    title="A sum-product network learns how likely a flower is",
    source="Aggarwal, Neural Networks and Deep Learning (2018), section 1.5.3.2",
    main=main,
    goal={"accuracy": 0.9},
    draws=True,
)

if __name__ == "__main__":
    print(main())
