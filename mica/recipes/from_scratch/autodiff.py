"""Automatic differentiation at work: the five programs of Trask's chapter 13.

Only the way forward is written. `mica.reference` remembers how each number was made,
and goes back along that memory to every weight: two matrices, layers, layers with
curves between them, words as rows of numbers, and words that predict words.
"""

from collections.abc import Callable, Sequence

import numpy as np

from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.reference import Tensor
from mica.reference.functions import gather
from mica.reference.losses import cross_entropy
from mica.reference.optimizers import SGD
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]

QUESTIONS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
ANSWERS = np.array([[0.0], [1], [0], [1]])  # the second number of each question
WORDS, NEXT_WORDS = np.array([1, 2, 1, 2]), np.array([0, 1, 0, 1])


class Stream:
    """The book's random numbers.

    Its framework gives each tensor a random identity, drawn from the stream that also
    gives the weights. Who wants its weights must draw its identities, in its order.

    Args:
        seed: Of the stream; the book's is 0.

    Example:
        >>> Stream(0).embedding(2, 1).shape
        (2, 1)
    """

    def __init__(self, seed: int):
        self.random = np.random.RandomState(seed)
        # The questions and the answers are tensors, too, and come first.
        self.random.randint(0, 100_000)
        self.random.randint(0, 100_000)

    def matrix(self, rows: int, columns: int) -> Tensor:
        """Numbers from 0 to 1."""
        return self._tensor(self.random.random_sample((rows, columns)))

    def linear(self, features: int, units: int) -> tuple[Tensor, Tensor]:
        """A layer's weights, normal with variance 2 / features, and its bias, zeros."""
        weight = self.random.randn(features, units) * np.sqrt(2 / features)
        return self._tensor(weight), self._tensor(np.zeros(units))

    def embedding(self, words: int, features: int) -> Tensor:
        """A row for each word, from -1/2 to 1/2 divided by their length."""
        numbers = self.random.random_sample((words, features)) - 0.5
        return self._tensor(numbers / features)

    def _tensor(self, numbers: np.ndarray) -> Tensor:
        self.random.randint(0, 100_000)
        return Tensor(numbers, requires_gradient=True)


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Run the five programs.

    Args:
        seed: Of the random stream: 0 is the book's.
        rows: Use only the first of the four rows; None for all.
        epochs: Steps; None for the book's 10.
        show: Is given the losses.

    Returns:
        First and last loss of each program.
    """
    questions, answers = QUESTIONS[:rows], ANSWERS[:rows]
    words, next_words = WORDS[:rows], NEXT_WORDS[:rows]

    def squared(prediction: Tensor) -> Tensor:
        # The book calls it the mean squared error; it is the sum over the rows.
        return ((prediction - answers) ** 2).sum()

    losses = {}

    # 1. Two matrices.
    stream = Stream(seed)
    a, b = stream.matrix(2, 3), stream.matrix(3, 1)
    losses["two matrices"] = _train(
        lambda: squared(questions @ a @ b), [a, b], 0.1, epochs
    )

    # 2. Two linear layers: with a bias each.
    stream = Stream(seed)
    (w1, b1), (w2, b2) = stream.linear(2, 3), stream.linear(3, 1)
    losses["two layers"] = _train(
        lambda: squared((questions @ w1 + b1) @ w2 + b2), [w1, b1, w2, b2], 0.05, epochs
    )

    # 3. The same with tanh between them and a sigmoid at the end.
    stream = Stream(seed)
    (w3, b3), (w4, b4) = stream.linear(2, 3), stream.linear(3, 1)
    losses["tanh and sigmoid"] = _train(
        lambda: squared(((questions @ w3 + b3).tanh() @ w4 + b4).sigmoid()),
        [w3, b3, w4, b4],
        1.0,
        epochs,
    )

    # 4. Words instead of numbers: each word is a row, and the rows are learned.
    stream = Stream(seed)
    meanings, (w5, b5) = stream.embedding(5, 3), stream.linear(3, 1)
    losses["words"] = _train(
        lambda: squared((gather(meanings, words).tanh() @ w5 + b5).sigmoid()),
        [meanings, w5, b5],
        0.5,
        epochs,
    )

    # 5. A word predicts a word. NOTE: the book prints the mean over the rows, but goes
    # down the slope of their sum; 0.1 along that is 0.4 along the mean's.
    stream = Stream(seed)
    rows_3, (w6, b6) = stream.embedding(3, 3), stream.linear(3, 4)
    losses["words to words"] = _train(
        lambda: cross_entropy(gather(rows_3, words).tanh() @ w6 + b6, next_words),
        [rows_3, w6, b6],
        0.1 * len(words),
        epochs,
    )

    series = [Series(name, range(len(each)), each) for name, each in losses.items()]
    show(Chart("Losses", series, "step", "loss", y_scale="log"))
    results = {f"{name}, first loss": each[0] for name, each in losses.items()}
    return results | {f"{name}, last loss": each[-1] for name, each in losses.items()}


def _train(
    loss_of: Callable[[], Tensor],
    weights: Sequence[Tensor],
    rate: float,
    steps: int | None,
) -> list[float]:
    """Forward, backward, step: the loss before each step."""
    optimizer = SGD(weights, rate)
    losses = []
    for _ in range(steps or 10):
        loss = loss_of()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses


RECIPE = Recipe(
    name="autodiff",
    title="Automatic differentiation: five small networks, written forward only",
    source="Trask, Grokking Deep Learning (2019), chapter 13",
    main=main,
    book={
        "two matrices, first loss": 0.58128304,
        "two matrices, last loss": 0.06849361,
        "two layers, first loss": 2.33428272,
        "two layers, last loss": 0.00889602,
        "tanh and sigmoid, first loss": 1.06372865,
        "tanh and sigmoid, last loss": 0.04700013,
        "words, first loss": 0.98874126,
        "words, last loss": 0.07387834,
        "words to words, first loss": 1.38850324,
        "words to words, last loss": 0.16527389,
    },
    draws=True,
)

if __name__ == "__main__":
    print(main())
