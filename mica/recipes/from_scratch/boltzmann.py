"""A restricted Boltzmann machine: Aggarwal's section 1.6.3.

Pixels are joined to hidden units, and nothing to its like. It learns without labels,
by making its own dreams less likely and the data more (contrastive divergence). Then it
mends pictures whose lowest quarter is gone, and dreams digits.
"""

import numpy as np

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Images

__all__ = ["RECIPE", "main"]

HIDDEN, EPOCHS, STEPS = 100, 60, 50
KEPT = 48  # of 64 pixels, those of the upper six rows


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn the digits without labels, rebuild and mend them.

    Args:
        seed: Of weights, order and samples.
        rows: Use only so many training pictures.
        epochs: Passes over the data; None for 60.
        show: Is given weights, mended pictures and dreams.

    Returns:
        Mean squared errors of test pixels, from 0 to 1: rebuilt; their lowest
        quarter mended; and beside both, what the mean picture gets.
    """
    digits = samples.load("digits")
    x_train = _grey(digits.x_train[:rows])
    x_test = _grey(digits.x_test)
    machine = mica.classic.BoltzmannMachine(
        HIDDEN, epochs=epochs or EPOCHS, random_state=seed
    )
    machine.fit(x_train)
    show(
        Images(
            "What 20 hidden units look for", machine.weights_.T[:20].reshape(-1, 8, 8)
        )
    )

    # To mend: hold the upper rows, and let the machine dream the two lowest.
    mended = x_test.copy()
    mended[:, KEPT:] = 0.5
    for _ in range(STEPS):
        mended[:, KEPT:] = machine.reconstruct(mended)[:, KEPT:]
    pairs = np.stack([x_test[:8], mended[:8]], 1).reshape(-1, 8, 8)
    show(Images("Original, and lowest quarter mended", pairs))

    dreams = machine.sample(16, num_steps=200 if rows is None else 5, random_state=seed)
    show(Images("Dreams", machine.reconstruct(dreams).reshape(-1, 8, 8)))

    mean = x_train.mean(0)
    return {
        "rebuilt": _error(machine.reconstruct(x_test), x_test),
        "mean picture": _error(mean, x_test),
        "lowest quarter mended": _error(mended[:, KEPT:], x_test[:, KEPT:]),
        "lowest quarter by the mean picture": _error(mean[KEPT:], x_test[:, KEPT:]),
    }


def _grey(pictures: np.ndarray) -> np.ndarray:
    rows = np.asarray(pictures, np.float64).reshape(len(pictures), 64)
    return rows / max(1.0, rows.max())


def _error(guess: np.ndarray, truth: np.ndarray) -> float:
    return float(((guess - truth) ** 2).mean())


RECIPE = Recipe(
    name="boltzmann",
    title="A restricted Boltzmann machine mends digits and dreams of them",
    source="Aggarwal, Neural Networks and Deep Learning (2018), section 1.6.3",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
