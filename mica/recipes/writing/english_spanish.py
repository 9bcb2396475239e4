"""English sentences, their Spanish translations, and how a translator is judged."""

from dataclasses import dataclass

import mica
from mica import generate
from mica.data import samples
from mica.data.samples.spa_eng import PairSample
from mica.data.text import BucketSource, BytePairTokenizer
from mica.generate import Beam, Greedy
from mica.metrics import BLEU
from mica.recipes.showing import Show
from mica.report import Table
from mica.text import split_words_and_marks

__all__ = ["Pairs", "judge", "read_pairs"]

VALIDATION = 1000  # pairs of the training part that decide nothing but are looked at
SHOWN = 10  # translations to read


@dataclass(frozen=True)
class Pairs:
    """Sentences as numbers, in batches of similar lengths.

    Args:
        english: The tokenizer of what is read.
        spanish: The tokenizer of what is written.
        training: Batches of ([source, text], the text a step ahead).
        validation: The same of pairs that are not learned from.
        sample: The sentences.

    Example:
        >>> Pairs.__match_args__[0]
        'english'
    """

    english: BytePairTokenizer
    spanish: BytePairTokenizer
    training: BucketSource
    validation: BucketSource
    sample: PairSample


def read_pairs(vocabulary: int, rows: int | None = None) -> Pairs:
    """Load the pairs and number their pieces of words.

    Args:
        vocabulary: Tokens of each language at most.
        rows: Use only so many pairs, and half as many for validation; None for all.

    Returns:
        The pairs.
    """
    sample = samples.load("spa_eng")
    held_out = VALIDATION if rows is None else rows // 2
    last = len(sample.x_train) - held_out if rows is None else rows
    sources, targets = sample.x_train[: last + held_out], sample.y_train
    english = BytePairTokenizer(vocabulary).fit(sources[:last].tolist())
    spanish = BytePairTokenizer(vocabulary, start="[START]", end="[END]")
    spanish.fit(targets[:last].tolist())

    def number(start: int, stop: int) -> BucketSource:
        read = english.encode(sources[start:stop].tolist())
        # The right text is given, a step behind what is to be said (teacher forcing).
        written = spanish.encode(targets[start:stop].tolist())
        given = [row[:-1] for row in written]
        said = [row[1:] for row in written]
        return BucketSource((read, given), said)

    return Pairs(
        english, spanish, number(0, last), number(last, last + held_out), sample
    )


def judge(
    model: mica.Model, pairs: Pairs, rows: int | None, show: Show
) -> dict[str, float]:
    """Translate the held-out sentences, by beams and greedily.

    BLEU counts words and punctuation marks, capitals as they are, against all
    translations that the data set has of a sentence; it is given from 0 to 100.

    Args:
        model: The translator.
        pairs: Its data.
        rows: Only so many sentences; None for all 1,000.
        show: Is given ten translations.

    Returns:
        "test BLEU" and "test BLEU, greedy".
    """
    count = len(pairs.sample.x_test) if rows is None else min(rows, SHOWN)
    texts = pairs.sample.x_test[:count].tolist()
    references = pairs.sample.references[:count]
    ways = {"test BLEU": Beam(4, length_penalty=1.0), "test BLEU, greedy": Greedy()}
    results: dict[str, float] = {}
    for name, how in ways.items():
        translated = generate.translate(
            model, texts, pairs.english, pairs.spanish, how=how
        )
        bleu = BLEU(split=split_words_and_marks)
        bleu.update(translated, references)
        results[name] = 100 * bleu.compute().item()
        if isinstance(how, Beam):
            read = zip(texts, translated, references, strict=True)
            lines = [(x, y, " / ".join(good)) for x, y, good in list(read)[:SHOWN]]
            table = Table("Translations", ("English", "ours", "people's"), lines)
            print(table)
            show(table)
    return results
