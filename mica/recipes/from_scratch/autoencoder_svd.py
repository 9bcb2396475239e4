"""A linear autoencoder is the singular value decomposition: Aggarwal, section 1.6.

64 pixels through 8 numbers and back to 64 pixels, without a bend: the best it can do is
what linear algebra knows without learning, the truncated SVD. Both are the same picture
by picture.
"""

import numpy as np

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Images, Series

__all__ = ["RECIPE", "main"]

MIDDLE = 8


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn the digits' narrow middle, and compare.

    Args:
        seed: Of the first weights.
        rows: Use only so many pictures.
        epochs: How often both layers are solved; None for until they stand still.
        show: Is given pictures rebuilt by both, and the error for each width.

    Returns:
        The largest difference between both, as a share of the largest pixel, and the
        share of the pixels' sum of squares that the middle keeps.
    """
    x = np.asarray(samples.load("digits").x_train[:rows], np.float64).reshape(-1, 64)
    network = mica.classic.LinearAutoencoder(
        MIDDLE, epochs=epochs or 10_000, random_state=seed
    )
    rebuilt = network.fit(x).inverse_transform(network.transform(x))

    # Linear algebra: the largest singular values and their directions.
    left, values, right = np.linalg.svd(x, full_matrices=False)
    best = (left[:, :MIDDLE] * values[:MIDDLE]) @ right[:MIDDLE]

    triples = np.stack([x[:6], rebuilt[:6], best[:6]], 1).reshape(-1, 8, 8)
    names = ["original", "autoencoder", "SVD"]
    show(Images("Through eight numbers", triples, names * min(6, len(x))))
    lost = 1 - np.cumsum(values**2) / (values**2).sum()
    show(
        Chart(
            "What a middle of each width loses",
            [Series("lost", range(1, len(lost) + 1), lost)],
            "numbers in the middle",
            "share of the sum of squares",
        )
    )
    return {
        "largest difference": float(np.abs(rebuilt - best).max() / np.abs(x).max()),
        "kept": 1 - float(((x - rebuilt) ** 2).sum() / (x**2).sum()),
    }


RECIPE = Recipe(
    name="autoencoder-svd",
    title="A linear autoencoder of digits, equal to the truncated SVD",
    source="Aggarwal, Neural Networks and Deep Learning (2018), section 1.6",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
