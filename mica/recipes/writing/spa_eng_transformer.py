"""English to Spanish by a small Transformer: an encoder reads, a decoder writes.

118,000 short sentences by volunteers, cut into pieces of words that were learned from
them. Sentences of similar length make a batch, so that little padding is computed. The
1,000 sentences of the test are in no training pair, whatever their translation.
"""

import math
from dataclasses import replace

import mica
from mica import generate
from mica.engine import eager_plan
from mica.losses import SparseCategoricalCrossentropy
from mica.optimizers import AdamW
from mica.optimizers.schedules import cosine_decay
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.recipes.writing.english_spanish import judge, read_pairs

__all__ = ["RECIPE", "main"]

VOCABULARY = 3000  # pieces of words in each language
BATCH_SIZE, EPOCHS = 64, 8
WARM_UP = 0.1  # of all steps
RATE = 0.002  # the highest


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
        epochs: Passes over the pairs; None for 8.
        show: Is given ten translations.

    Returns:
        "test BLEU" from 0 to 100, "test BLEU, greedy", and "validation perplexity".
    """
    mica.set_seed(seed)
    epochs = epochs or EPOCHS
    pairs = read_pairs(VOCABULARY, rows)
    print(pairs.training.padding(BATCH_SIZE))

    model = generate.transformer_translator(
        len(pairs.english),
        len(pairs.spanish),
        depth=2,
        num_heads=4,
        width=128,
        hidden=512,
        dropout=0.1,
    )
    steps = math.ceil(pairs.training.num_samples / BATCH_SIZE) * epochs
    warm_up = math.ceil(WARM_UP * steps)
    rate = cosine_decay(
        0.0, max(1, steps - warm_up), warmup_target=RATE, warmup_steps=warm_up
    )
    # Padding is not counted; a tenth of the chances is asked for all other pieces.
    loss = SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=0, label_smoothing=0.1
    )
    model.compile(
        AdamW(rate, beta_2=0.98, weight_decay=0.01, global_clipnorm=1.0), loss
    )
    model.summary()

    model.fit(
        pairs.training,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=pairs.validation,
        plan=replace(eager_plan(), precision="bfloat16"),  # a quarter less to compute
        verbose=2,
    )
    # Among how many pieces it hesitates: without the smoothing.
    model.compile(
        "sgd", SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    )
    surprise = model.evaluate(pairs.validation, batch_size=256, verbose=0)
    found = {"validation perplexity": math.exp(surprise)}
    return {**judge(model, pairs, rows, show), **found}


RECIPE = Recipe(
    name="spa-eng-transformer",
    title="English to Spanish: a Transformer of 2 and 2 blocks, BLEU on 1,000 texts",
    source="Vaswani et al., Attention Is All You Need (2017)",
    main=main,
    goal={"test BLEU": 25.0},
    draws=True,
)

if __name__ == "__main__":
    print(main())
