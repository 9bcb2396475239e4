"""A network that learns 1,000 digits by heart: Trask's chapter 8, in plain NumPy.

784 pixels, 40 rectified units, 10 scores, no library: predict, compare, learn, picture
by picture. It ends with every training picture right, and fewer test pictures right
than after ten passes: it has come to know these thousand pictures, not digits.
"""

import numpy as np

from mica.recipes.from_scratch import thousand_digits
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Images, Series

__all__ = ["RECIPE", "main"]

ALPHA, HIDDEN, EPOCHS = 0.005, 40, 350  # the book's
EVERY = 10  # epochs between two looks at the test


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train twice: with the program as printed, and with the right slope.

    Args:
        seed: Added to the book's own, 1: seed 0 gives the printed numbers.
        rows: Use only so many rows of each part; None for the book's 1,000 and 10,000.
        epochs: Passes over the data; None for the book's 350.
        show: Is given the curves, and the weights as pictures.

    Returns:
        Accuracies at the end, and the best test accuracy seen on the way.
    """
    digits = thousand_digits.load(rows)
    printed, _ = _train(digits, seed, epochs or EPOCHS, dead_units_learn=True)
    right, weights = _train(digits, seed, epochs or EPOCHS, dead_units_learn=False)

    passes, train, test = zip(*printed, strict=True)
    show(
        Chart(
            "Learning by heart",
            [Series("training", passes, train), Series("test", passes, test)],
            "epoch",
            "accuracy",
            note="The training curve climbs to 1 while the test's falls: overfitting.",
        )
    )
    # Each hidden unit has a weight for every pixel: a picture of what it looks for.
    show(Images("Weights of 10 hidden units", weights[:, :10].T.reshape(-1, 28, 28)))
    return {
        "test accuracy": test[-1],
        "training accuracy": train[-1],
        "best test accuracy": max(test),
        "test accuracy, right slope": right[-1][2],
    }


def _train(
    digits: thousand_digits.ThousandDigits,
    seed: int,
    epochs: int,
    *,
    dead_units_learn: bool,
) -> tuple[list[tuple[int, float, float]], np.ndarray]:
    """(epoch, training accuracy, test accuracy) on the way; the first weights."""
    # The book's random stream, in the book's order: small weights around 0.
    random = np.random.RandomState(1 + seed)
    weights_0_1 = 0.2 * random.random_sample((784, HIDDEN)) - 0.1
    weights_1_2 = 0.2 * random.random_sample((HIDDEN, 10)) - 0.1

    seen = []
    for epoch in range(epochs):
        num_right = 0
        for layer_0, goal in zip(digits.x_train, digits.y_train, strict=True):
            # Predict.
            layer_1 = np.maximum(layer_0 @ weights_0_1, 0)  # (HIDDEN,)
            layer_2 = layer_1 @ weights_1_2  # (10,)
            num_right += layer_2.argmax() == goal.argmax()

            # Compare. The printed slope asks whether the *rectified* number is >= 0,
            # which it always is: units that are off learn as well. The right slope is
            # 0 for them. The book's table belongs to the printed one.
            delta_2 = goal - layer_2
            delta_1 = weights_1_2 @ delta_2
            if not dead_units_learn:
                delta_1 *= layer_1 > 0

            # Learn: each weight moves by what came in times what should change.
            weights_1_2 += np.outer(layer_1, ALPHA * delta_2)
            weights_0_1 += np.outer(layer_0, ALPHA * delta_1)

        if epoch % EVERY == 0 or epoch == epochs - 1:
            scores = np.maximum(digits.x_test @ weights_0_1, 0) @ weights_1_2
            is_right = scores.argmax(1) == digits.y_test.argmax(1)
            train = float(num_right / len(digits.x_train))
            seen.append((epoch, train, float(is_right.mean())))
    return seen, weights_0_1


RECIPE = Recipe(
    name="mnist-overfit",
    title="1,000 digits learned by heart, 784-40-10 in NumPy, 350 epochs one by one",
    source="Trask, Grokking Deep Learning (2019), chapter 8",
    main=main,
    book={
        "test accuracy": 0.7073,
        "training accuracy": 1.0,
        "best test accuracy": 0.8114,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
