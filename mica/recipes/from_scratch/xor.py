"""Exclusive or: what one layer cannot say and a hidden one can.

Two inputs that differ mean 1, equal ones 0. No line parts them. Two rectified units by
hand do it without even a bias (Aggarwal's exercise 1); then a network of four finds
a way of its own, and one sees how it has moved the points until a line parts them.
"""

from collections.abc import Callable

import numpy as np

from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.reference import Tensor
from mica.reference.losses import binary_cross_entropy
from mica.reference.optimizers import Adam
from mica.report import Chart, Images, Matrix, Series

__all__ = ["RECIPE", "main"]

INPUTS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
DIFFERENT = np.array([0.0, 1, 1, 0])
HIDDEN, STEPS = 4, 500


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Solve it by hand, fail with one layer, learn it with two.

    Args:
        seed: Of the first weights.
        rows: Use only the first of the four rows.
        epochs: Steps; None for 500.
        show: Is given the decision, the hidden units' view and the losses.

    Returns:
        Share of rows that are right, by hand and learned, and last losses.
    """
    x, y = INPUTS[:rows], DIFFERENT[:rows]

    # By hand: one unit for "the first is larger", one for "the second is".
    first = np.maximum(x[:, 0] - x[:, 1], 0)
    second = np.maximum(x[:, 1] - x[:, 0], 0)
    by_hand = first + second
    names = [f"{int(a)} and {int(b)}" for a, b in x]
    columns = ["first larger", "second larger", "different"]
    show(Matrix("By hand", np.stack([first, second, by_hand], 1), names, columns))

    # One layer: the best it can say of each row is "perhaps", log 2 = 0.693.
    random = np.random.default_rng(seed)
    line, line_bias = _weight(random, 2, 1), _weight(random, 1)
    single = _train(lambda: x @ line + line_bias, [line, line_bias], y, epochs)

    # Two layers with a bend between them.
    w1, b1 = _weight(random, 2, HIDDEN), _weight(random, HIDDEN)
    w2, b2 = _weight(random, HIDDEN, 1), _weight(random, 1)
    deep = _train(lambda: (x @ w1 + b1).tanh() @ w2 + b2, [w1, b1, w2, b2], y, epochs)

    def scores(points: np.ndarray) -> np.ndarray:
        return (np.tanh(points @ w1.data + b1.data) @ w2.data + b2.data)[:, 0]

    # What the network says of every place of the plane, and where the hidden units put
    # the four points: there, a line is enough.
    side = np.linspace(-0.25, 1.25, 61)
    plane = np.stack(np.meshgrid(side, side[::-1]), -1).reshape(-1, 2)
    chances = 1 / (1 + np.exp(-scores(plane)))
    show(Images("White: 'different'", [chances.reshape(61, 61)]))
    moved = np.tanh(x @ w1.data + b1.data)
    units = [f"unit {unit}" for unit in range(HIDDEN)]
    show(Matrix("Hidden representation", moved, names, units))
    weighed = scores(x)
    show(
        Chart(
            "The points, as the output sees them",
            [
                Series("equal", weighed[y == 0].tolist(), moved[y == 0, 0].tolist()),
                Series(
                    "different", weighed[y == 1].tolist(), moved[y == 1, 0].tolist()
                ),
                Series("decision line", [0, 0], [-1, 1], "line"),
            ],
            "weighted sum of the hidden units",
            "unit 0",
            kind="points",
        )
    )
    losses = {"one layer": single, "two layers": deep}
    series = [Series(name, range(len(each)), each) for name, each in losses.items()]
    show(Chart("Losses", series, "step", "loss", y_scale="log"))
    return {
        "by hand, right": float((by_hand == y).mean()),
        "one layer, last loss": single[-1],
        "two layers, last loss": deep[-1],
        "two layers, right": float(((scores(x) > 0) == y).mean()),
    }


def _weight(random: np.random.Generator, *shape: int) -> Tensor:
    return Tensor(random.normal(0, 1, shape), requires_gradient=True)


def _train(
    predict: Callable[[], Tensor],
    weights: list[Tensor],
    y: np.ndarray,
    steps: int | None,
) -> list[float]:
    """The loss before each step."""
    optimizer = Adam(weights, 0.05)
    losses = []
    for _ in range(steps or STEPS):
        loss = binary_cross_entropy(predict()[:, 0], y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses


RECIPE = Recipe(
    name="xor",
    title="Exclusive or: by hand, and what a hidden layer makes of it",
    source="Aggarwal, Neural Networks and Deep Learning (2018), exercise 1.1",
    main=main,
    goal={"by hand, right": 1.0, "two layers, right": 1.0},
    draws=True,
)

if __name__ == "__main__":
    print(main())
