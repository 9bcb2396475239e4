"""Enron spam: the mail of one employee, and the spam that came with it."""

import re
from pathlib import Path

from mica.data.samples.archive import read_compressed, read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    check_content,
    find_local,
    find_or_download,
)
from mica.data.samples.text_sample import (
    TextSample,
    WordNumbers,
    make_text_sample,
    split_alike_together,
)

__all__ = ["CONTENT_SHA256", "ORIGINAL", "REPACKED", "load"]

# The archive's own hash is not known; its content is held to CONTENT_SHA256.
ORIGINAL = RemoteFile(
    name="enron_spam/enron1.tar.gz",
    address=(
        "https://www2.aueb.gr/users/ion/data/enron-spam/preprocessed/enron1.tar.gz"
    ),
    sha256=None,
    size_bytes=16 * 2**20,
)
# The same messages, a line each.
REPACKED = {
    "ham": LocalFile(
        "enron_spam/ham.txt.xz",
        "e3239776f508eedbabef9b89d063d64100ed45fef3861d90e890ddfb92a16b45",
    ),
    "spam": LocalFile(
        "enron_spam/spam.txt.xz",
        "19594e61ccc5d0f0046e5e5dd7154317fc99226ac0d9a287553154c96ae529f6",
    ),
}
# Of "kind message" in small alphabet order, a line each.
CONTENT_SHA256 = "16ad75a5202f06640f472353e257ade538d7d07da4fdf995e6150cec008ed778"
KINDS = ("ham", "spam")  # the classes 0 and 1
TEST_FRACTION = 0.2
LIMIT_BYTES = 2**28  # unpacked; the archive has some MB
_MESSAGE = re.compile(r"(?:.*/)?(ham|spam)/[^/]+\.txt")

_Messages = list[tuple[str, str]]


def _read_original(path: Path) -> _Messages:
    members = read_members(
        path, lambda name: bool(_MESSAGE.fullmatch(name)), limit_bytes=LIMIT_BYTES
    )
    return [
        (_MESSAGE.sub(r"\1", name), " ".join(content.decode("latin-1").split()))
        for name, content in members
    ]


def _checked(messages: _Messages, path: Path) -> _Messages:
    messages = sorted(messages)
    content = "\n".join(f"{kind} {text}" for kind, text in messages)
    check_content(content.encode(), CONTENT_SHA256, path)
    return messages


def _read() -> _Messages:
    paths = {kind: find_local(file) for kind, file in REPACKED.items()}
    messages: _Messages = []
    for kind, path in paths.items():
        if path is None:
            original = find_or_download(ORIGINAL)
            return _checked(_read_original(original), original)
        text = read_compressed(path, limit_bytes=LIMIT_BYTES).decode("utf-8")
        messages += [(kind, line) for line in text.split("\n")[:-1]]
    return _checked(messages, Path(REPACKED["ham"].name))


def load(
    *,
    raw: bool = False,
    num_words: int | None = None,
    skip_top: int = 0,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> TextSample:
    """Load 5,172 e-mails: from MICA_DATASETS, the cache, or the network once.

    Messages that came more than once are in one part only, so that the test asks for
    nothing that was learned by heart.

    Args:
        raw: Whether to give the texts instead of numbers.
        num_words: See `WordNumbers`, as the others.
        skip_top: Numbers below are left out.
        start_char: The mark of the start.
        oov_char: The mark of a word left out.
        index_from: What is added to ranks.

    Returns:
        About four fifths to learn from and the rest for the test; 1 is spam.

    Raises:
        ConfigError: An option that cannot be.
        DataError: A file is damaged, or cannot be had.

    Source:
        Metsis, Androutsopoulos & Paliouras 2006, "Spam filtering with naive Bayes:
        which naive Bayes?", part enron1.
    """
    numbers = WordNumbers(num_words, skip_top, start_char, oov_char, index_from)
    messages = _read()
    texts = [text for _, text in messages]
    labels = [KINDS.index(kind) for kind, _ in messages]
    train, test = (
        ([texts[row] for row in rows], [labels[row] for row in rows])
        for rows in split_alike_together(texts, labels, TEST_FRACTION)
    )
    return make_text_sample(
        "enron_spam",
        train,
        test,
        KINDS,
        "5,172 e-mails, 1,500 of them spam, as words and marks between blanks. "
        "Source: Metsis et al. 2006, Enron-Spam, part enron1; free for research.",
        raw=raw,
        numbers=numbers,
    )
