"""Nietzsche letter by letter, by an LSTM, at four temperatures.

The book guesses one letter after every third piece of 60; here the network guesses at
every letter, which teaches it as much from a pass over the text as 20 of the book's.
"""

import math

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.recipes.writing.letters import learn, write_warmer

__all__ = ["RECIPE", "main"]

EPOCHS = 4


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train the network, judge it by the last tenth of the text, let it write.

    Args:
        seed: Decides first weights, order and what is written.
        rows: Use only so many pieces of text; None for all.
        epochs: Passes over the text; None for 4.
        show: Is given what was written.

    Returns:
        "validation bits per character", and "validation perplexity".
    """
    mica.set_seed(seed)
    corpus = samples.load("nietzsche")
    place = int(len(corpus.text) * 0.9)
    first, last = corpus.text[:place].lower(), corpus.text[place:].lower()
    model, letters, loss = learn(first, last, epochs or EPOCHS, rows)
    write_warmer(model, letters, last, seed, show)
    return {
        "validation bits per character": loss / math.log(2),
        "validation perplexity": math.exp(loss),
    }


RECIPE = Recipe(
    name="char-lstm-nietzsche",
    title="Nietzsche letter by letter: LSTM of 256, four temperatures",
    source="Chollet, Deep Learning with Python (2017), section 8.1",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
