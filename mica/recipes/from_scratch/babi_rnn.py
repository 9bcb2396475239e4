"""A recurrent cell on the reference engine: Trask's chapter 13.

Sentences of six words: five are read, the sixth is to be guessed. "Mary went to the" is
followed by one of six rooms, and nothing in the sentence says by which: about a third
right is nearly ideal.
"""

import numpy as np

from mica.recipes.from_scratch import babi_sentences
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.reference import Tensor
from mica.reference.functions import gather
from mica.reference.losses import cross_entropy
from mica.reference.optimizers import SGD
from mica.report import Chart, Series, Table

__all__ = ["RECIPE", "main"]

ALPHA, SIZE, BATCH, STEPS, LENGTH = 0.05, 16, 100, 1000, 6  # the book's
EVERY = 50  # steps between two points of the curve


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Of the first weights. NOTE: the book numbers its words in the order of a
            set, another one in each run of Python; no seed gives its numbers.
        rows: Use only so many lines; None for the book's 1,000.
        epochs: Steps, each with the first 100 lines; None for the book's 1,000.
        show: Is given the curve, and guesses.

    Returns:
        Accuracy and loss on the 100 lines learned from; accuracy on the other lines,
        a third of which are questions whose last word is also the number of a line.
    """
    # Short sentences are filled up in front, so that all end in the same place.
    sentences = babi_sentences.load(rows)
    sentences = [["-"] * (LENGTH - len(line)) + line for line in sentences]
    numbers = babi_sentences.vocabulary(sentences)
    data = np.array([[numbers[word] for word in line] for line in sentences])
    known, others = data[:BATCH], data[BATCH:]

    random = np.random.RandomState(seed)
    embedding = _weight((random.random_sample((len(numbers), SIZE)) - 0.5) / SIZE)
    sizes = [(SIZE, SIZE), (SIZE, SIZE), (SIZE, len(numbers))]
    layers = [
        (
            _weight(random.randn(*size) * np.sqrt(2 / size[0])),
            _weight(np.zeros(size[1])),
        )
        for size in sizes
    ]
    weights = [embedding, *(part for layer in layers for part in layer)]

    def predict(lines: np.ndarray) -> Tensor:
        (w_input, b_input), (w_hidden, b_hidden), (w_output, b_output) = layers
        hidden = Tensor(np.zeros((len(lines), SIZE)))
        for place in range(LENGTH - 1):
            word = gather(embedding, lines[:, place])  # (B, SIZE)
            # What was read so far and the word: each through its layer, then a bend.
            total = word @ w_input + b_input + hidden @ w_hidden + b_hidden
            hidden = total.sigmoid()
        return hidden @ w_output + b_output  # (B, words)

    # The engine walks back through all five words by itself. NOTE: the book goes down
    # the slope of the batch's sum; along the mean's, which is ours, that is ALPHA times
    # the lines of the batch.
    optimizer = SGD(weights, ALPHA * len(known))
    steps = STEPS if epochs is None else epochs
    places, losses, shares = [], [], []
    for step in range(steps):
        scores = predict(known)
        loss = cross_entropy(scores, known[:, -1])
        if step % EVERY == 0 or step == steps - 1:
            places.append(step)
            losses.append(loss.item())
            shares.append(_accuracy(scores, known))
        loss.backward()
        optimizer.step()

    show(
        Chart(
            "Learning to guess the last word",
            [Series("loss", places, losses), Series("accuracy", places, shares)],
            "step",
        )
    )
    names = {number: word for word, number in numbers.items()}
    guesses = predict(known[:5]).data.argmax(1)
    rows_shown = [
        (" ".join(words[:-1]), words[-1], names[int(guess)])
        for words, guess in zip(sentences[:5], guesses, strict=True)
    ]
    show(Table("Guesses", ("context", "comes", "guessed"), rows_shown))
    results = {"accuracy": shares[-1], "loss": losses[-1]}
    if len(others):
        results["accuracy on other lines"] = _accuracy(predict(others), others)
    return results


def _weight(numbers: np.ndarray) -> Tensor:
    return Tensor(numbers, requires_gradient=True)


def _accuracy(scores: Tensor, lines: np.ndarray) -> float:
    return float((scores.data.argmax(1) == lines[:, -1]).mean())


RECIPE = Recipe(
    name="babi-rnn",
    title="bAbI: the sixth word by a recurrent cell on the reference engine",
    source="Trask, Grokking Deep Learning (2019), chapter 13",
    main=main,
    # It prints the loss divided by 10: 0.13557447257 at step 800.
    book={"accuracy": 0.37, "loss": 1.3557447257},
    draws=True,
)

if __name__ == "__main__":
    print(main())
