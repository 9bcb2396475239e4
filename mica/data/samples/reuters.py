"""Reuters-21578: newswires of 1987 and their topics."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mica.data.samples.archive import read_compressed, read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    check_content,
    find_local,
    find_or_download,
)
from mica.data.samples.text_sample import TextSample, WordNumbers, make_text_sample
from mica.errors import ConfigError

__all__ = ["CONTENT_SHA256", "ORIGINAL", "REPACKED", "load"]

# The archive's own hash is not known; its content is held to CONTENT_SHA256.
ORIGINAL = RemoteFile(
    name="reuters/reuters21578.tar.gz",
    address=(
        "https://archive.ics.uci.edu/ml/machine-learning-databases/"
        "reuters21578-mld/reuters21578.tar.gz"
    ),
    sha256=None,
    size_bytes=16 * 2**20,
)
# The newswires of the ModApte split that have a topic, a line of JSON each.
REPACKED = LocalFile(
    "reuters/reuters21578_modapte.jsonl.xz",
    "a17d2c2aa06b0a4575ae17976545903c572412457094194afa643b9c76209d15",
)
# Of "number split topic topic ...", a line for each newswire in the order of numbers.
CONTENT_SHA256 = "d8f9d9ed4b9a9be29e754d8588efca490d2a25e1c6dea4b7c860f613f07bece8"
LIMIT_BYTES = 2**28  # unpacked; the archive has 28 MB
_DOCUMENT = re.compile(r"<REUTERS (.*?)>(.*?)</REUTERS>", re.DOTALL)
_TAG = "<{0}>(.*?)</{0}>"
_END = re.compile(r"(\s*\bREUTER\W*)+$", re.IGNORECASE)  # how a newswire is closed


class _Newswire(NamedTuple):
    number: int
    part: str
    topics: tuple[str, ...]
    title: str
    body: str


def _inside(text: str, tag: str) -> str:
    found = re.search(_TAG.format(tag), text, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def _one_line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())


def _split_of(attributes: str) -> str | None:
    """The ModApte split: which part a newswire belongs to, if any."""
    if 'TOPICS="YES"' not in attributes:
        return None
    for part in ("train", "test"):
        if f'LEWISSPLIT="{part.upper()}"' in attributes:
            return part
    return None


def _parse(text: str) -> Iterable[_Newswire]:
    for attributes, document in _DOCUMENT.findall(text):
        part = _split_of(attributes)
        topics = tuple(re.findall("<D>(.*?)</D>", _inside(document, "TOPICS")))
        number = re.search(r'NEWID="(\d+)"', attributes)
        if part is None or not topics or number is None:
            continue
        title = _one_line(_inside(document, "TITLE"))
        body = _END.sub("", _one_line(_inside(document, "BODY")))
        yield _Newswire(int(number[1]), part, topics, title, body)


def _read_original(path: Path) -> list[_Newswire]:
    members = read_members(
        path, lambda name: name.endswith(".sgm"), limit_bytes=LIMIT_BYTES
    )
    return [wire for _, text in members for wire in _parse(text.decode("latin-1"))]


def _read_repacked(path: Path) -> list[_Newswire]:
    lines = read_compressed(path, limit_bytes=LIMIT_BYTES).decode("utf-8").splitlines()
    return [
        _Newswire(
            wire["id"],
            wire["split"],
            tuple(wire["topics"]),
            wire["title"],
            _END.sub("", wire["body"]),
        )
        for wire in map(json.loads, lines)
    ]


def _read() -> list[_Newswire]:
    path = find_local(REPACKED)
    repacked = path is not None
    if path is None:
        path = find_or_download(ORIGINAL)
    wires = _read_repacked(path) if repacked else _read_original(path)
    wires.sort()
    facts = [" ".join((str(wire.number), wire.part, *wire.topics)) for wire in wires]
    check_content("\n".join(facts).encode(), CONTENT_SHA256, path)
    return wires


def load(
    *,
    raw: bool = False,
    minimum_count: int = 10,
    num_words: int | None = None,
    skip_top: int = 0,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> TextSample:
    """Load the newswires of exactly one topic, in the ModApte split.

    Not Keras's set of 46 topics and 11,228 newswires, which is another choice from the
    same newswires in a file that can only be opened by running it (pickle).

    Args:
        raw: Whether to give the texts (title, line break, body) instead of numbers.
        minimum_count: Topics with fewer newswires to learn from are left out.
        num_words: See `WordNumbers`, as the others.
        skip_top: Numbers below are left out.
        start_char: The mark of the start.
        oov_char: The mark of a word left out.
        index_from: What is added to ranks.

    Returns:
        6,454 newswires to learn from and 2,513 for the test, 35 topics, unless
        ``minimum_count`` says otherwise.

    Raises:
        ConfigError: An option that cannot be.
        DataError: A file is damaged, or cannot be had.

    Source:
        D. D. Lewis, "Reuters-21578 text categorization test collection",
        distribution 1.0, 1997.
    """
    numbers = WordNumbers(num_words, skip_top, start_char, oov_char, index_from)
    single = [wire for wire in _read() if len(wire.topics) == 1]
    counts = Counter(wire.topics[0] for wire in single if wire.part == "train")
    topics = sorted(t for t, count in counts.items() if count >= minimum_count)
    if len(topics) < 2:
        raise ConfigError(
            f"reuters: expected minimum_count to leave at least two topics, got "
            f"{minimum_count}. The largest topics have "
            f"{', '.join(f'{n:,}' for _, n in counts.most_common(2))} newswires."
        )
    label = {topic: number for number, topic in enumerate(topics)}
    kept = [wire for wire in single if wire.topics[0] in label]
    parts = {
        part: (
            [f"{wire.title}\n{wire.body}" for wire in kept if wire.part == part],
            [label[wire.topics[0]] for wire in kept if wire.part == part],
        )
        for part in ("train", "test")
    }
    return make_text_sample(
        "reuters",
        parts["train"],
        parts["test"],
        tuple(topics),
        f"Newswires of 1987 with exactly one of {len(topics)} topics, in the ModApte "
        "split. Source: D. D. Lewis, Reuters-21578, distribution 1.0; research use.",
        raw=raw,
        numbers=numbers,
    )
