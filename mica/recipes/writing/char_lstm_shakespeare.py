"""Shakespeare letter by letter, by an LSTM: all of the text, and a small part of it.

Trask's network reads a small file of Shakespeare and ends at a perplexity of 9.9 on
what it has learned by heart. Ours is judged by letters it has never seen.
"""

import math

import mica
from mica.data import samples
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.recipes.writing.letters import learn, write_warmer

__all__ = ["RECIPE", "main"]

EPOCHS, EPOCHS_OF_SMALL = 2, 6
SMALL = 100_000  # letters of the small text, about as many as in the book's file


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train two networks, judge each by the last tenth of its text, let one write.

    Args:
        seed: Decides first weights, order and what is written.
        rows: Use only so many pieces of text; None for all.
        epochs: Passes over each text; None for 2 of all and 6 of the small one.
        show: Is given what was written.

    Returns:
        "validation bits per character", "validation perplexity" and "small text
        perplexity", of its last tenth.
    """
    mica.set_seed(seed)
    corpus = samples.load("tiny_shakespeare")
    first, last = corpus.split(0.1)
    small, place = corpus.text[:SMALL], SMALL * 9 // 10
    _, _, loss_of_small = learn(
        small[:place], small[place:], epochs or EPOCHS_OF_SMALL, rows
    )
    model, letters, loss = learn(first, last, epochs or EPOCHS, rows)
    write_warmer(model, letters, last, seed, show)
    return {
        "validation bits per character": loss / math.log(2),
        "validation perplexity": math.exp(loss),
        "small text perplexity": math.exp(loss_of_small),
    }


RECIPE = Recipe(
    name="char-lstm-shakespeare",
    title="Shakespeare letter by letter: LSTM of 256, four temperatures",
    source="Trask, Grokking Deep Learning (2019), chapter 14",
    main=main,
    goal={"small text perplexity": 9.9},
    draws=True,
)

if __name__ == "__main__":
    print(main())
