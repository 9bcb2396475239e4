"""A network that says the next letter: it learns a text, is judged, and writes."""

import math

import torch

import mica
from mica import generate, layers
from mica.data.text import CharacterTokenizer
from mica.generate import Sampling
from mica.losses import SparseCategoricalCrossentropy
from mica.optimizers import Adam
from mica.optimizers.schedules import cosine_decay
from mica.recipes.showing import Show
from mica.report import Text

__all__ = ["learn", "write_warmer"]

WINDOW, BATCH_SIZE = 64, 32  # letters of a piece, pieces of a batch
RATE = 0.005  # the first
TEMPERATURES = (0.2, 0.5, 1.0, 1.2)  # the book's
WRITTEN = 400  # letters of a sample
BEGUN = 60  # letters it goes on from, the book's


def learn(
    first: str, last: str, epochs: int, rows: int | None = None
) -> tuple[mica.Model, CharacterTokenizer, float]:
    """Teach an LSTM of 256 units the letters of a text.

    Args:
        first: The text to learn from.
        last: The text to judge by.
        epochs: Passes over it.
        rows: Only so many pieces of each; None for all.

    Returns:
        The network, its letters, and the mean of -log p of ``last``'s letters.
    """
    letters = CharacterTokenizer().fit(first)
    x, y = _pieces(letters.encode(first), rows)
    model = mica.Sequential(
        mica.Input((None,), dtype="int64"),
        layers.Embedding(len(letters), 64),
        layers.LSTM(256, return_sequences=True),
        layers.Dense(len(letters)),
    )
    steps = math.ceil(len(x) / BATCH_SIZE) * epochs
    model.compile(
        Adam(cosine_decay(RATE, steps), global_clipnorm=1.0),
        SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=2)
    loss = model.evaluate(
        *_pieces(letters.encode(last), rows), batch_size=256, verbose=0
    )
    return model, letters, loss


def _pieces(numbers: list[int], rows: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces that follow one another, and what comes a letter later."""
    text = torch.tensor(numbers)
    count = (len(text) - 1) // WINDOW
    x = text[: count * WINDOW].reshape(count, WINDOW)
    y = text[1 : count * WINDOW + 1].reshape(count, WINDOW)
    return x[:rows], y[:rows]


def write_warmer(
    model: mica.Model, letters: CharacterTokenizer, text: str, seed: int, show: Show
) -> None:
    """Let a network go on with a text at four temperatures, and print it.

    Args:
        model: The network.
        letters: Its letters.
        text: Its beginning is what the network goes on from.
        seed: Decides what is drawn.
        show: Is given each text.
    """
    begun = text[:BEGUN]
    print(f"--- it goes on from: {begun!r}")
    for temperature in TEMPERATURES:
        written = generate.write(
            model, begun, letters, WRITTEN, how=Sampling(temperature), seed=seed
        )
        print(f"--- temperature {temperature}\n{written}\n")
        show(Text(f"Temperature {temperature}", written.strip()))
