"""English to Spanish by two LSTMs: one reads, the other goes on from its last state.

All that the writer knows of a sentence is one state of the reader's: 256 numbers and as
many in its memory. A Transformer, which can look back, has it easier.
"""

import math

import mica
from mica import generate
from mica.losses import SparseCategoricalCrossentropy
from mica.optimizers import AdamW
from mica.optimizers.schedules import cosine_decay
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.recipes.writing.english_spanish import judge, read_pairs

__all__ = ["RECIPE", "main"]

VOCABULARY = 3000  # pieces of words in each language
BATCH_SIZE, EPOCHS = 128, 4
WIDTH, EMBEDDING = 256, 128
WARM_UP = 0.1  # of all steps
RATE = 0.004  # the highest


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train the translator and judge it once.

    Args:
        seed: Decides first weights, dropout and order.
        rows: Use only so many pairs; None for all.
        epochs: Passes over the pairs; None for 4.
        show: Is given ten translations.

    Returns:
        "test BLEU" from 0 to 100, "test BLEU, greedy", and "validation perplexity".
    """
    mica.set_seed(seed)
    epochs = epochs or EPOCHS
    pairs = read_pairs(VOCABULARY, rows)
    print(pairs.training.padding(BATCH_SIZE))

    model = generate.lstm_translator(
        len(pairs.english),
        len(pairs.spanish),
        width=WIDTH,
        embedding_dim=EMBEDDING,
        dropout=0.1,
    )
    steps = math.ceil(pairs.training.num_samples / BATCH_SIZE) * epochs
    warm_up = math.ceil(WARM_UP * steps)
    rate = cosine_decay(
        0.0, max(1, steps - warm_up), warmup_target=RATE, warmup_steps=warm_up
    )
    model.compile(
        AdamW(rate, weight_decay=0.01, global_clipnorm=1.0),
        SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
    )
    model.summary()

    history = model.fit(
        pairs.training,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=pairs.validation,
        verbose=2,
    )
    found = {"validation perplexity": math.exp(history.history["val_loss"][-1])}
    return {**judge(model, pairs, rows, show), **found}


RECIPE = Recipe(
    name="spa-eng-lstm",
    title="English to Spanish: two LSTMs of 256, BLEU on 1,000 texts",
    source="Sutskever, Vinyals & Le, Sequence to Sequence Learning (2014)",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
