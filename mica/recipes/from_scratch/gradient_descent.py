"""Learning with one weight: Trask's chapter 4, by hand and without any library.

prediction = input * weight, error = (prediction - goal)^2. To learn is to find the
weight where the error is smallest: by trying both sides (hot and cold), or by asking
the slope of the error where down is (gradient descent). Both are the book's numbers to
the last digit. NOTE: the book's slope is half of the true one, (prediction - goal) *
input; a factor of 2 in the step size, nothing else.
"""

from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Mark, Series

__all__ = ["RECIPE", "main"]

GOAL = 0.8


def main(
    seed: int = 0,  # noqa: ARG001  (nothing here is random)
    *,
    rows: int | None = None,  # noqa: ARG001  (there is one row)
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Learn one weight in several ways.

    Args:
        seed: Nothing here is random.
        rows: There is only one row of data.
        epochs: The most steps of each way; None for the book's.
        show: Is given the error curve with the moving point and its tangent.

    Returns:
        Errors and predictions where the book prints them.
    """
    # Hot and cold: a step up, a step down, whichever is better; 1,101 times. It comes
    # to the goal because 0.3 / (0.5 * 0.001) steps happen to be a whole number.
    errors, predictions = hot_and_cold(step=0.001, steps=epochs or 1101)

    # With steps that are too long it jumps over the goal for ever.
    too_long, _ = hot_and_cold(step=10, steps=epochs or 1101)

    # Gradient descent: how far and where to, in one multiplication.
    descent = descend(weight=0.5, x=0.5, alpha=1, steps=epochs or 20)

    # A larger input makes the curve steeper: each step overshoots by more than the
    # last, and the weight flies away. A smaller alpha cures it.
    diverged = descend(weight=0.5, x=2, alpha=1, steps=epochs or 20)
    cured = descend(weight=0.5, x=2, alpha=0.1, steps=epochs or 18)

    # Four steps to watch: far off, too far, back, nearly there.
    watched = descend(weight=0.0, x=1.1, alpha=1, steps=4)
    for number, (weight, error, _) in enumerate(watched, start=1):
        show(_error_curve(number, watched[:number], weight, error))
    return {
        "hot and cold, error": errors[-1],
        "hot and cold, prediction": predictions[-1],
        "hot and cold with a step of 10, error": max(too_long),
        "gradient descent, error": descent[-1][1],
        "gradient descent, prediction": descent[-1][2],
        "input 2, prediction": diverged[-1][2],
        "input 2 and alpha 0.1, error": cured[-1][1],
        "watched, last error": watched[-1][1],
    }


def hot_and_cold(*, step: float, steps: int) -> tuple[list[float], list[float]]:
    """Try a step up and a step down, take the better; errors and predictions.

    Args:
        step: How far to go.
        steps: How often.

    Example:
        >>> hot_and_cold(step=0.001, steps=1)
        ([0.30250000000000005], [0.25])
    """
    weight, x = 0.5, 0.5
    errors, predictions = [], []
    for _ in range(steps):
        prediction = x * weight
        errors.append((prediction - GOAL) ** 2)
        predictions.append(prediction)
        up = (GOAL - x * (weight + step)) ** 2
        down = (GOAL - x * (weight - step)) ** 2
        weight += step if up < down else -step
    return errors, predictions


def descend(
    *, weight: float, x: float, alpha: float, steps: int
) -> list[tuple[float, float, float]]:
    """Go down the slope: weight, error and prediction before each step.

    Args:
        weight: The first one.
        x: The input.
        alpha: Share of the slope to go.
        steps: How often.

    Example:
        >>> descend(weight=0.0, x=0.5, alpha=1, steps=1)
        [(0.0, 0.6400000000000001, 0.0)]
    """
    path = []
    for _ in range(steps):
        prediction = x * weight
        delta = prediction - GOAL  # how far off, and to which side
        path.append((weight, delta**2, prediction))
        # Times the input: nothing moves where nothing came in, a negative input turns
        # the direction around, and a large one moves more.
        weight -= alpha * delta * x
    return path


def _error_curve(
    number: int,
    path: list[tuple[float, float, float]],
    weight: float,
    error: float,
) -> Chart:
    """The curve of all weights, the points so far, and the slope at the last one."""
    x = 1.1
    weights = [place / 50 for place in range(-10, 86)]
    curve = [(x * place - GOAL) ** 2 for place in weights]
    slope = 2 * (x * weight - GOAL) * x
    beside = [weight - 0.25, weight + 0.25]
    return Chart(
        f"Step {number}: error {error:.6g} at weight {weight:.6g}",
        [
            Series("error", weights, curve),
            Series("slope", beside, [error + slope * (b - weight) for b in beside]),
            Series("weight", [p[0] for p in path], [p[1] for p in path], "points"),
        ],
        "weight",
        "error",
        marks=[Mark(weight, error, f"slope {slope:.3g}")],
    )


RECIPE = Recipe(
    name="gradient-descent",
    title="One weight learned by hot and cold and by gradient descent, by hand",
    source="Trask, Grokking Deep Learning (2019), chapter 4",
    main=main,
    book={
        "hot and cold, error": 1.07995057925e-27,
        "hot and cold, prediction": 0.8,
        "hot and cold with a step of 10, error": 19.8025,
        "gradient descent, error": 5.40820802026e-06,
        "gradient descent, prediction": 0.797674444578,
        "input 2, prediction": -232452292.6,
        "input 2 and alpha 0.1, error": 1.14604719983e-09,
        "watched, last error": 5.489031744e-05,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
