"""Dropout against learning by heart: Trask's chapter 8, in plain NumPy.

The network of `mnist-overfit` with 100 hidden units, of which a coin switches each off
or on at every picture. No unit can rely on another, so none can remember a picture
alone; what stays is what many of them agree on.
"""

import numpy as np

from mica.recipes.from_scratch import thousand_digits
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]

ALPHA, HIDDEN, EPOCHS = 0.005, 100, 300  # the book's
EVERY = 10  # epochs between two looks at the test


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Added to the book's own, 1: seed 0 gives the printed numbers.
        rows: Use only so many rows of each part; None for the book's 1,000 and 10,000.
        epochs: Passes over the data; None for the book's 300.
        show: Is given the curves.

    Returns:
        Accuracies at the last look (epoch 290 of the book), and the best one.
    """
    digits = thousand_digits.load(rows)
    random = np.random.RandomState(1 + seed)
    weights_0_1 = 0.2 * random.random_sample((784, HIDDEN)) - 0.1
    weights_1_2 = 0.2 * random.random_sample((HIDDEN, 10)) - 0.1

    passes, train, test = [], [], []
    for epoch in range(epochs or EPOCHS):
        num_right = 0
        for layer_0, goal in zip(digits.x_train, digits.y_train, strict=True):
            # A unit is kept with probability 1/2, and doubled: so the sum that reaches
            # the next layer is on average what it is in the test, with all units on.
            mask = random.randint(2, size=(1, HIDDEN))[0]
            layer_1 = np.maximum(layer_0 @ weights_0_1, 0) * mask * 2  # (HIDDEN,)
            layer_2 = layer_1 @ weights_1_2  # (10,)
            num_right += layer_2.argmax() == goal.argmax()

            # NOTE: as printed, a rectified unit that is off still learns (its slope is
            # asked of the rectified number, see `mnist-overfit`); a dropped one not.
            delta_2 = goal - layer_2
            delta_1 = (weights_1_2 @ delta_2) * mask
            weights_1_2 += np.outer(layer_1, ALPHA * delta_2)
            weights_0_1 += np.outer(layer_0, ALPHA * delta_1)

        if epoch % EVERY == 0:
            # The test knows no dropout: all units vote.
            scores = np.maximum(digits.x_test @ weights_0_1, 0) @ weights_1_2
            is_right = scores.argmax(1) == digits.y_test.argmax(1)
            passes.append(epoch)
            train.append(float(num_right / len(digits.x_train)))
            test.append(float(is_right.mean()))

    show(
        Chart(
            "With dropout the test no longer falls",
            [Series("training", passes, train), Series("test", passes, test)],
            "epoch",
            "accuracy",
            note="Training accuracy is measured with half of the units off.",
        )
    )
    return {
        "test accuracy": test[-1],
        "training accuracy": train[-1],
        "best test accuracy": max(test),
    }


RECIPE = Recipe(
    name="mnist-dropout",
    title="1,000 digits with dropout, 784-100-10 in NumPy, 300 epochs one by one",
    source="Trask, Grokking Deep Learning (2019), chapter 8",
    main=main,
    book={
        "test accuracy": 0.8181,
        "training accuracy": 0.908,
        "best test accuracy": 0.8236,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
