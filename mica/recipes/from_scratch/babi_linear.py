"""A recurrent network without any bend: Trask's chapter 12, in plain NumPy.

A sentence is read word by word into ten numbers: state <- state @ recurrent + word.
From the state before each word the word is to be guessed. With the identity for
`recurrent` this would be a sum of words; learning it makes the order count.
"""

from typing import TypeAlias

import numpy as np

from mica.recipes.from_scratch import babi_sentences
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series, Table

__all__ = ["RECIPE", "main"]

ALPHA, SIZE, STEPS = 0.001, 10, 30_000  # the book's; a step is a sentence
EVERY = 1000  # steps between two printed perplexities

# Start, recurrent, embed and decoder: the learned numbers.
Network: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train twice: along the true gradient, and as printed.

    Args:
        seed: Added to the book's own, 1. NOTE: the book numbers its words in the order
            of a set, another one in each run of Python; no seed gives its numbers.
        rows: Use only so many lines; None for the book's 1,000.
        epochs: Passes over the lines; None for the book's 30.
        show: Is given the perplexities, and guesses.

    Returns:
        Perplexities of the first sentence, as the book prints them, and of all.
    """
    sentences = babi_sentences.load(rows)
    numbers = babi_sentences.vocabulary(sentences)
    # As printed, the first word (who it is) is left out: nobody could guess it.
    lines = [np.array([numbers[word] for word in line[1:]]) for line in sentences]
    steps = STEPS if epochs is None else epochs * len(lines)

    right, network = _train(lines, len(numbers), seed, steps, is_true=True)
    printed, _ = _train(lines, len(numbers), seed, steps, is_true=False)

    places = [EVERY * place for place in range(len(right))]
    show(
        Chart(
            "Perplexity of the first sentence",
            [
                Series("true gradient", places, right),
                Series("as printed", places, printed),
            ],
            "sentences",
            "perplexity",
        )
    )
    show(_guesses(sentences[min(4, len(lines) - 1)][1:], numbers, network))
    losses = [_read(line, network)[1] for line in lines]
    num_words = sum(len(line) for line in lines)
    return {
        "first perplexity": printed[0],
        "last perplexity, as printed": printed[-1],
        "last perplexity": right[-1],
        "perplexity of all": float(np.exp(sum(losses) / num_words)),
    }


def _read(
    line: np.ndarray | list[int], network: Network
) -> tuple[np.ndarray, float, np.ndarray]:
    """States before each word and after the last, loss, and what was guessed."""
    start, recurrent, embed, decoder = network
    passed = [start]
    for word in line:
        passed.append(passed[-1] @ recurrent + embed[word])
    states = np.array(passed)  # (T + 1, SIZE)
    scores = states[:-1] @ decoder  # (T, words)
    powers = np.exp(scores - scores.max(1, keepdims=True))
    guesses = powers / powers.sum(1, keepdims=True)
    loss = float(-np.log(guesses[np.arange(len(line)), line]).sum())
    return states, loss, guesses


def _train(
    lines: list[np.ndarray], num_words: int, seed: int, steps: int, *, is_true: bool
) -> tuple[list[float], Network]:
    """Perplexity of the first sentence on the way; the learned network."""
    random = np.random.RandomState(1 + seed)
    embed = (random.random_sample((num_words, SIZE)) - 0.5) * 0.1
    recurrent = np.eye(SIZE)  # at first, nothing is forgotten or mixed
    start = np.zeros(SIZE)
    decoder = (random.random_sample((SIZE, num_words)) - 0.5) * 0.1

    perplexities = []
    for step in range(steps):
        line = lines[step % len(lines)]
        length = len(line)
        states, loss, guesses = _read(line, (start, recurrent, embed, decoder))
        if step % EVERY == 0:
            # Of a sentence that comes up whenever the step is a multiple of 1,000.
            perplexities.append(float(np.exp(loss / length)))

        # Back through time: a state matters for the next word, and for the next state.
        wrong = guesses.copy()
        wrong[np.arange(length), line] -= 1  # (T, words)
        deltas = np.zeros_like(states)  # (T + 1, SIZE): by how much each state is off
        for place in reversed(range(length)):
            later = deltas[place + 1] @ recurrent.T
            deltas[place] = wrong[place] @ decoder.T + later

        # The state after a word is that word's own number plus what came before.
        caused = deltas[1:]
        if not is_true:
            # NOTE: as printed the indices are shifted: start and words are moved by
            # deltas of states they did not make. It learns, but by luck.
            before = deltas[0] @ recurrent.T
            caused_words = np.vstack([before, deltas[:-2]])
            caused, deltas = deltas[:-1], np.vstack([before, deltas[1:]])
        else:
            caused_words = caused
        rate = ALPHA / length
        start = start - rate * deltas[0]
        decoder -= rate * states[:-1].T @ wrong
        recurrent -= rate * states[:-1].T @ caused
        np.subtract.at(embed, line, rate * caused_words)
    return perplexities, (start, recurrent, embed, decoder)


def _guesses(words: list[str], numbers: dict[str, int], network: Network) -> Table:
    """What the network expects at each place of a sentence."""
    names = {number: word for word, number in numbers.items()}
    _, _, guesses = _read([numbers[word] for word in words], network)
    rows = [
        (before, word, names[int(guess.argmax())])
        for before, word, guess in zip(["", *words], words, guesses, strict=False)
    ]
    return Table("Word by word", ("after", "comes", "guessed"), rows)


RECIPE = Recipe(
    name="babi-linear",
    title="bAbI: the next word by a linear recurrent network, 30,000 sentences",
    source="Trask, Grokking Deep Learning (2019), chapter 12",
    main=main,
    book={"first perplexity": 82.0923, "last perplexity, as printed": 4.0168},
    draws=True,
)

if __name__ == "__main__":
    print(main())
