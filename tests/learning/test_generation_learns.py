"""Models that write learn a few texts by heart, and then say them."""

import pytest

import mica
from mica import generate
from mica.data.text import BucketSource, CharacterTokenizer, WordTokenizer
from mica.generate import Beam, Greedy
from mica.losses import SparseCategoricalCrossentropy
from mica.metrics import BLEU
from mica.optimizers import Adam

PAIRS = {
    "Go now.": "Ve ahora.",
    "I read a book.": "Leo un libro.",
    "The cat sleeps.": "El gato duerme.",
    "The dog sleeps here.": "El perro duerme aquí.",
    "Where is my cat?": "¿Dónde está mi gato?",
    "I see the dog.": "Veo al perro.",
}
TRANSLATORS = {
    "LSTM": lambda source, target: generate.lstm_translator(
        source, target, width=32, embedding_dim=16
    ),
    "Transformer": lambda source, target: generate.transformer_translator(
        source, target, depth=1, num_heads=2, width=32, dropout=0.0
    ),
}


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_translator_learns_a_few_sentences_by_heart(name):
    mica.set_seed(0)
    texts, translations = list(PAIRS), list(PAIRS.values())
    marks = {"standardize": None, "split": "words_and_marks"}
    english = WordTokenizer(**marks).fit(texts)
    spanish = WordTokenizer(start="[START]", end="[END]", **marks).fit(translations)
    written = spanish.encode(translations)
    source = BucketSource(
        (english.encode(texts), [row[:-1] for row in written]),
        [row[1:] for row in written],
    )
    model = TRANSLATORS[name](len(english), len(spanish))
    model.compile(
        Adam(0.01), SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    )
    model.fit(source, batch_size=6, epochs=80, verbose=0)
    wanted = [spanish.decode(row) for row in written]
    for how in (Greedy(), Beam(3, length_penalty=1.0)):
        for cache in (None, False):
            said = generate.translate(
                model, texts, english, spanish, how=how, cache=cache
            )
            assert said == wanted
    bleu = BLEU()
    bleu.update(said, [[each] for each in wanted])
    assert bleu.compute() == 1.0


def test_a_small_gpt_learns_a_verse_by_heart():
    mica.set_seed(0)
    verse = "the quick brown fox jumps over the lazy dog"
    letters = CharacterTokenizer(unknown=None).fit(verse)
    numbers = letters.encode(verse)
    rows = [numbers[start : start + 17] for start in range(len(numbers) - 16)]
    model = generate.gpt(len(letters), depth=1, num_heads=2, width=32, window=16)
    model.compile(Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))
    model.fit(
        [row[:-1] for row in rows], [row[1:] for row in rows], epochs=60, verbose=0
    )
    # Longer than the window: the text moves on.
    written = generate.write(model, verse[:10], letters, 33, how=Greedy())
    assert verse[:10] + written == verse
