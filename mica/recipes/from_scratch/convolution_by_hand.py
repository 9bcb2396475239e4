"""A convolution by hand on 1,000 digits: Trask's chapter 10, in plain NumPy.

Sixteen little linear layers look at every 3 x 3 patch of a picture, the same sixteen
everywhere: a line is a line wherever it stands. Few weights, reused in many places, is
the strongest remedy against learning by heart.
"""

import numpy as np

from mica.recipes.from_scratch import thousand_digits
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Images, Series

__all__ = ["RECIPE", "main"]

ALPHA, KERNELS, SIZE, BATCH, EPOCHS = 2.0, 16, 3, 128, 300  # the book's
# NOTE: 26 patches fit into a side of 28; the book's loop stops at 25.
PLACES = 28 - SIZE
EVERY = 25  # epochs between two looks at the test, which cost as much as training


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train twice: with the program as printed, and with the right sign.

    Args:
        seed: Added to the book's own, 1: seed 0 gives the printed numbers.
        rows: Use only so many rows of each part; None for the book's 1,000 and 10,000.
        epochs: Passes over the data; None for the book's 300.
        show: Is given the curves, and the kernels as pictures.

    Returns:
        Accuracies after the last epoch.
    """
    digits = thousand_digits.load(rows)
    printed, _ = _train(digits, seed, epochs or EPOCHS, sign=-1)
    right, kernels = _train(digits, seed, epochs or EPOCHS, sign=1)

    passes, train, test = zip(*printed, strict=True)
    show(
        Chart(
            "A convolution by hand",
            [
                Series("training", passes, train),
                Series("test", passes, test),
                Series("test, right sign", passes, [each[2] for each in right]),
            ],
            "epoch",
            "accuracy",
            note="Training sees half of the units, and 896 of the 1,000 it counts.",
        )
    )
    pictures = kernels.T.reshape(KERNELS, SIZE, SIZE)
    show(Images("The 16 kernels, right sign", pictures))
    return {
        "test accuracy": test[-1],
        "training accuracy": train[-1],
        "test accuracy, right sign": right[-1][2],
    }


def _train(
    digits: thousand_digits.ThousandDigits, seed: int, epochs: int, *, sign: int
) -> tuple[list[tuple[int, float, float]], np.ndarray]:
    """(epoch, training accuracy, test accuracy) on the way; the kernels."""
    batch = min(BATCH, len(digits.x_train))
    # As printed, what does not fill a batch is left out: 7 of 128 make 896 pictures.
    starts = range(0, len(digits.x_train) - batch + 1, batch)
    patches = [_patches(digits.x_train[s : s + batch]) for s in starts]
    goals = [digits.y_train[s : s + batch] for s in starts]

    random = np.random.RandomState(1 + seed)
    kernels = 0.02 * random.random_sample((SIZE * SIZE, KERNELS)) - 0.01
    hidden = PLACES * PLACES * KERNELS  # 10,000
    weights_1_2 = 0.2 * random.random_sample((hidden, 10)) - 0.1

    looks = []
    for epoch in range(epochs):
        num_right = 0
        for seen, goal in zip(patches, goals, strict=True):
            # Predict: one matrix product asks all patches of all pictures.
            layer_1 = np.tanh(seen @ kernels).reshape(batch, hidden)
            mask = random.randint(2, size=(batch, hidden))
            layer_1 *= mask * 2
            layer_2 = _softmax(layer_1 @ weights_1_2)  # (B, 10)
            num_right += (layer_2.argmax(1) == goal.argmax(1)).sum()

            # Compare.
            delta_2 = (goal - layer_2) / (batch * batch)
            delta_1 = (delta_2 @ weights_1_2.T) * (1 - layer_1**2) * mask

            # Learn. A kernel's change is the sum over all places where it was used.
            # NOTE: the printed program *subtracts* it (sign -1) while it adds the other
            # weights': the kernels go up the error. The book's numbers belong to that.
            weights_1_2 += ALPHA * layer_1.T @ delta_2
            kernels += sign * ALPHA * seen.T @ delta_1.reshape(-1, KERNELS)

        if epoch % EVERY == 0 or epoch == epochs - 1:
            train = float(num_right / len(digits.x_train))
            looks.append((epoch, train, _accuracy(digits, kernels, weights_1_2)))
    return looks, kernels


def _patches(pictures: np.ndarray) -> np.ndarray:
    """Every 3 x 3 patch as a row: (pictures * places, 9)."""
    views = np.lib.stride_tricks.sliding_window_view(
        pictures.reshape(-1, 28, 28), (SIZE, SIZE), axis=(1, 2)
    )  # (pictures, 26, 26, 3, 3)
    return views[:, :PLACES, :PLACES].reshape(-1, SIZE * SIZE)


def _accuracy(
    digits: thousand_digits.ThousandDigits, kernels: np.ndarray, weights: np.ndarray
) -> float:
    """Share of the test that is right, 500 pictures at a time."""
    num_right = 0
    for first in range(0, len(digits.x_test), 500):
        few = slice(first, first + 500)
        layer_1 = np.tanh(_patches(digits.x_test[few]) @ kernels)
        scores = layer_1.reshape(len(digits.y_test[few]), -1) @ weights
        num_right += (scores.argmax(1) == digits.y_test[few].argmax(1)).sum()
    return float(num_right / len(digits.x_test))


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


RECIPE = Recipe(
    name="convolution-by-hand",
    title="1,000 digits with 16 kernels of 3 x 3 by hand, tanh and softmax in NumPy",
    source="Trask, Grokking Deep Learning (2019), chapter 10",
    main=main,
    book={"test accuracy": 0.8774, "training accuracy": 0.814},
    draws=True,
)

if __name__ == "__main__":
    print(main())
