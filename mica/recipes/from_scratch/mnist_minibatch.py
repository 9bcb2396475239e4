"""Mini-batches: a hundred pictures at once, Trask's chapter 8, in plain NumPy.

The network of `mnist-dropout`; but it looks at 100 pictures before it changes. One
matrix product takes the place of a hundred, and the mean of a hundred opinions is
steadier than one, as the mean of many shaky compasses still points north.
"""

import numpy as np

from mica.recipes.from_scratch import thousand_digits
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]

ALPHA, HIDDEN, BATCH, EPOCHS = 0.001, 100, 100, 300  # the book's
EVERY = 10  # epochs between two looks at the test


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train twice: with the program as printed, and with one step per batch.

    Args:
        seed: Added to the book's own, 1: seed 0 gives the printed numbers.
        rows: Use only so many rows of each part; None for the book's 1,000 and 10,000.
        epochs: Passes over the data; None for the book's 300.
        show: Is given the curves.

    Returns:
        Accuracies at the last look (epoch 290 of the book), and the best one.
    """
    digits = thousand_digits.load(rows)
    printed = _train(digits, seed, epochs or EPOCHS, repeats_a_batch=True)
    single = _train(digits, seed, epochs or EPOCHS, repeats_a_batch=False)

    passes, train, test = zip(*printed, strict=True)
    show(
        Chart(
            "Batches of 100",
            [Series("training", passes, train), Series("test", passes, test)],
            "epoch",
            "accuracy",
        )
    )
    return {
        "test accuracy": test[-1],
        "training accuracy": train[-1],
        "best test accuracy": max(test),
        "test accuracy, one step": single[-1][2],
    }


def _train(
    digits: thousand_digits.ThousandDigits,
    seed: int,
    epochs: int,
    *,
    repeats_a_batch: bool,
) -> list[tuple[int, float, float]]:
    """(epoch, training accuracy, test accuracy) on the way."""
    random = np.random.RandomState(1 + seed)
    weights_0_1 = 0.2 * random.random_sample((784, HIDDEN)) - 0.1
    weights_1_2 = 0.2 * random.random_sample((HIDDEN, 10)) - 0.1

    seen = []
    for epoch in range(epochs):
        num_right = 0
        for first in range(0, len(digits.x_train), BATCH):
            # Predict: rows are pictures.
            layer_0 = digits.x_train[first : first + BATCH]  # (B, 784)
            goal = digits.y_train[first : first + BATCH]  # (B, 10)
            mask = random.randint(2, size=(len(goal), HIDDEN))
            layer_1 = np.maximum(layer_0 @ weights_0_1, 0) * mask * 2  # (B, HIDDEN)
            layer_2 = layer_1 @ weights_1_2  # (B, 10)
            num_right += (layer_2.argmax(1) == goal.argmax(1)).sum()

            # Compare, and learn from the mean over the batch.
            delta_2 = (goal - layer_2) / BATCH
            change = ALPHA * layer_1.T @ delta_2
            if repeats_a_batch:
                # NOTE: the printed numbers come from a loop that takes this one step
                # 100 times, without predicting anew; only weights_1_2 moves meanwhile,
                # by k * change after k steps: 100 of them add up to this.
                steps = np.arange(BATCH)
                leading = BATCH * weights_1_2 + steps.sum() * change
                moved = BATCH * change
            else:
                # What the text describes: one step, for which the rate is 100 times
                # as large as the printed one.
                leading, moved = BATCH * weights_1_2, BATCH * change
            delta_1 = (delta_2 @ leading.T) * mask
            weights_1_2 += moved
            weights_0_1 += ALPHA * layer_0.T @ delta_1

        if epoch % EVERY == 0:
            scores = np.maximum(digits.x_test @ weights_0_1, 0) @ weights_1_2
            is_right = scores.argmax(1) == digits.y_test.argmax(1)
            train = float(num_right / len(digits.x_train))
            seen.append((epoch, train, float(is_right.mean())))
    return seen


RECIPE = Recipe(
    name="mnist-minibatch",
    title="1,000 digits in batches of 100 with dropout, 784-100-10 in NumPy",
    source="Trask, Grokking Deep Learning (2019), chapter 8",
    main=main,
    book={
        "test accuracy": 0.7975,
        "training accuracy": 0.851,
        "best test accuracy": 0.8067,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
