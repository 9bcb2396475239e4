"""Texts and their labels, opened as a task: from files, folders, tables and samples."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import TextEncoder, Texts, read_texts, split_rows
from mica.data.samples import TextSample
from mica.errors import DataError
from mica.layers import TextVectorization
from mica.report import Report, Table
from mica.workflow.source import Task, parts_notes

__all__ = ["open_texts", "reader_for", "text_sample_task"]

TEST_FRACTION = 0.2
MOST_CHARACTERS = 20_000  # of a document that are read; some eight pages
SHOWN = 300  # characters of a document beside a mistake
MOST_CLASSES = 20  # rows of the table of classes
CLASS_SHARE = 0.5  # of the documents that may have a label of their own


def reader_for(
    max_tokens: int | None, *, pairs: bool = True, length: int | None = None
) -> TextVectorization:
    """Make the layer that reads texts: words, marks and pairs of neighbours.

    Args:
        max_tokens: Size of its vocabulary at most.
        pairs: Whether neighbours count as one token, too.
        length: Tokens of a text that are kept.

    Returns:
        A layer that has learned nothing yet.

    Example:
        >>> reader_for(100).tokens_of("Not <b>bad</b>!")
        ['not', 'bad', '!', 'not bad', 'bad !']
    """
    return TextVectorization(
        max_tokens,
        standardize=["strip_tags", "lower"],
        split="words_and_marks",
        ngrams=2 if pairs else None,
        output_sequence_length=length,
    )


def _empty(text: str) -> bool:
    return not text or text.isspace()


def _usable(found: Texts) -> tuple[Texts, np.ndarray, list[str]]:
    """Documents that can be learned from, their places, and notes on the others."""
    labels = found.labels
    if labels is None:
        found.classes()  # says what is wrong
        labels = []
    bare = [_empty(text) for text in found.texts]
    unknown = [label is None for label in labels]
    kept = [
        row
        for row, (empty, missing) in enumerate(zip(bare, unknown, strict=True))
        if not empty and not missing
    ]
    notes = []
    for count, what in ((sum(bare), "no text"), (sum(unknown), "no label")):
        if count:
            verb, are = ("has", "is") if count == 1 else ("have", "are")
            of = f"{count:,} of {len(found):,} documents"
            notes.append(f"{of} {verb} {what} and {are} left out.")
    if not kept:
        raise DataError(
            f"{found.name}: expected documents with a text and a label, got none in "
            f"{len(found):,}. Look at the columns."
        )
    usable = Texts(
        [found.texts[row] for row in kept],
        [labels[row] for row in kept],
        [found.places[row] for row in kept],
        found.name,
        tuple(note for note in found.notes if " empty (the first" not in note),
    )
    return usable, np.array(kept), notes


def _check_classes(found: Texts) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, names = found.classes()
    if len(names) > CLASS_SHARE * len(found):
        raise DataError(
            f"{found.name}: expected labels that come more than once, got "
            f"{len(names):,} different ones for {len(found):,} texts, such as "
            f"{names[0]!r}. Choose a column that sorts the texts into classes."
        )
    return codes, names


def _length_notes(texts: list[str], places: list[str], most: int) -> list[str]:
    long = [
        place for text, place in zip(texts, places, strict=True) if len(text) > most
    ]
    if not long:
        return []
    verb = "is" if len(long) == 1 else "are"
    return [
        f"{len(long):,} of {len(texts):,} documents {verb} longer than {most:,} "
        f"characters (the first: {long[0]}); the rest is not read."
    ]


def _copies_note(train: list[str], test: list[str]) -> list[str]:
    known = set(train)
    count = sum(text in known for text in test)
    if not count:
        return []
    verb = "stands" if count == 1 else "stand"
    return [
        f"{count:,} of {len(test):,} test documents {verb} word for word in the "
        "training part, too, which flatters the result."
    ]


def _card(texts: list[str], labels: list[str], title: str) -> Report:
    lengths = np.array([len(text) for text in texts])
    words = np.array([len(text[:100_000].split()) for text in texts])
    rows = [
        (what, int(np.median(counts)), int(counts.min()), int(counts.max()))
        for what, counts in (("characters", lengths), ("words", words))
    ]
    table = Table(
        "Documents",
        ("length in", "median", "shortest", "longest"),
        rows,
        f"{len(texts):,} documents",
    )
    counts = Counter(labels).most_common()
    shown = [(name, count, count / len(labels)) for name, count in counts]
    more = len(shown) - MOST_CLASSES
    classes = Table(
        "Classes",
        ("class", "documents", "share"),
        shown[:MOST_CLASSES],
        f"and {more} rarer classes" if more > 0 else "",
    )
    return Report(title, [table, classes])


def _snippet(text: str) -> str:
    short = " ".join(text[: 2 * SHOWN].split())
    return short if len(short) <= SHOWN else f"{short[:SHOWN].rstrip()} ..."


def _check_words(train: np.ndarray, name: str) -> None:
    tokens = reader_for(None, pairs=False).tokens_of
    if not any(tokens(text) for text in train):
        raise DataError(
            f"{name}: expected words in the texts, got none in {len(train):,} "
            "documents of the training part. Look at the column of the texts."
        )


def open_texts(
    source: Any,
    *,
    text: str | None = None,
    target: str | None = None,
    encoding: str | None = None,
    seed: int = 0,
) -> Task:
    """Open labelled texts: a folder of class folders, or columns of a table.

    Args:
        source: The folder or file, or a table in memory.
        text: The column of the texts; None for a folder.
        target: The column of the labels; None for a folder.
        encoding: How bytes become text; None finds out.
        seed: Decides which documents are set aside.

    Returns:
        The task; its rows are texts.

    Raises:
        ConfigError: A column that was not named.
        DataError: Texts that cannot be read or learned from.

    Example:
        >>> rows = {"review": ["good", "bad", "so good", "so bad"] * 3,
        ...         "stars": [5, 1, 5, 1] * 3}
        >>> task = open_texts(rows, text="review", target="stars")
        >>> task.label_names, len(task.x_train), len(task.x_test)
        (('1', '5'), 9, 3)
    """
    read = read_texts(source, text=text, target=target, encoding=encoding)
    found, kept, notes = _usable(read)
    codes, names = _check_classes(found)
    is_file = isinstance(source, (str, Path))
    name = Path(source).resolve().stem if is_file else found.name
    train, test = split_rows(len(found), [TEST_FRACTION], codes=codes, seed=seed)
    encoder = TextEncoder(
        names, text=text, target=target, most_characters=MOST_CHARACTERS
    )
    x = encoder.transform(found.texts)
    _check_words(x[train], found.name)
    notes += _length_notes(found.texts, found.places, encoder.most_characters)
    notes += _copies_note(x[train].tolist(), x[test].tolist())
    raw: dict[str, list[str]] = {}
    if text is None:
        raw["file"] = [found.places[row] for row in test]
    raw["text"] = [_snippet(found.texts[row]) for row in test]
    counted = ["Rows are counted from 0, below the column names."] if text else []
    labels = [names[code] for code in codes]
    return Task(
        name=name or "texts",
        kind="classification",
        x_train=x[train],
        y_train=codes[train],
        x_test=x[test],
        y_test=codes[test],
        raw_test=raw,
        test_places=kept[test],
        label_names=names,
        encoder=encoder,
        card=_card(found.texts, labels, f"Data: {found.name}"),
        notes=(
            *found.notes,
            *notes,
            *parts_notes(len(train), len(test), "document"),
            *counted,
        ),
    )


def text_sample_task(sample: TextSample) -> Task:
    """Open a sample of texts, with the test part it brings.

    Args:
        sample: The sample, its texts raw.

    Returns:
        The task.
    """
    encoder = TextEncoder(sample.label_names)
    names = np.array(sample.label_names)
    train, test = list(sample.x_train), list(sample.x_test)
    labels = names[np.concatenate([sample.y_train, sample.y_test])].tolist()
    return Task(
        name=sample.name,
        kind="classification",
        x_train=encoder.transform(train),
        y_train=np.asarray(sample.y_train),
        x_test=encoder.transform(test),
        y_test=np.asarray(sample.y_test),
        raw_test={"text": [_snippet(text) for text in test]},
        test_places=None,
        label_names=encoder.label_names,
        encoder=encoder,
        card=_card([*train, *test], labels, f"Data: {sample.name}"),
        notes=(
            sample.description,
            *_copies_note(train, test),
            *parts_notes(len(train), len(test), "document"),
        ),
    )
