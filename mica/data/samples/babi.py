"""bAbI: little stories, a question about each, and what the answer rests on."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mica.data.samples.archive import read_members
from mica.data.samples.download import (
    LocalFile,
    RemoteFile,
    check_content,
    find_local,
    find_or_download,
)
from mica.errors import ConfigError, DataError

__all__ = ["MEMBERS", "ORIGINAL", "Question", "StorySample", "load"]

# The archive's own hash is not known; the members that are read are held to theirs.
ORIGINAL = RemoteFile(
    name="babi/babi_tasks_1-20_v1-2.tar.gz",
    address=("https://s3.amazonaws.com/text-datasets/babi_tasks_1-20_v1-2.tar.gz"),
    sha256=None,
    size_bytes=11_745_123,
)
LIMIT_BYTES = 2**28  # unpacked; the archive has about 100 MB
# The same files, with or without the archive around them.
MEMBERS = {
    (1, "train"): LocalFile(
        "babi/qa1_single-supporting-fact_train.txt",
        "c64ba9b1a49bbb111ffc4cd2ae4f129d25c012399dd7ade9679eea464b9afb05",
    ),
    (1, "test"): LocalFile(
        "babi/qa1_single-supporting-fact_test.txt",
        "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
    ),
    (2, "train"): LocalFile(
        "babi/qa2_two-supporting-facts_train.txt",
        "a4978af5bc0dc30191810e7c9949aaa6eae939ed0f6beb9fcb5f4330c2a27860",
    ),
    (2, "test"): LocalFile(
        "babi/qa2_two-supporting-facts_test.txt",
        "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
    ),
    (3, "train"): LocalFile(
        "babi/qa3_three-supporting-facts_train.txt",
        "a6e78019f36a02a7ed71fe6aaded0b563ff09c8deec392931801fcd9c6af4d60",
    ),
    (3, "test"): LocalFile(
        "babi/qa3_three-supporting-facts_test.txt",
        "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
    ),
}
TASKS = {1: "one fact", 2: "two facts", 3: "three facts"}
_LINE = re.compile(r"(\d+) (.*)")


@dataclass(frozen=True)
class Question:
    """A question about a story.

    Args:
        story: What was told before, a sentence each.
        text: The question.
        answer: The word that answers it.
        supports: Places in ``story``, from 0, of the sentences the answer rests on.

    Example:
        >>> question = Question(("Ann is at home.",), "Where is Ann?", "home", (0,))
        >>> question.story[question.supports[0]]
        'Ann is at home.'
    """

    story: tuple[str, ...]
    text: str
    answer: str
    supports: tuple[int, ...]


@dataclass(frozen=True)
class StorySample:
    """Questions about stories, split once and for all.

    Args:
        name: Its name, as `load` takes it.
        train: Questions to learn from.
        test: Questions for the final judgement.
        description: What it is, with its source.

    Example:
        >>> question = Question(("Ann is at home.",), "Where is Ann?", "home", (0,))
        >>> StorySample("one", [question], [], "One question.")
        StorySample('one', 1 question to learn from, 0 for the test)
    """

    name: str
    train: list[Question]
    test: list[Question]
    description: str

    def __repr__(self) -> str:
        """Show what it is and how large, not every story."""
        questions = "question" if len(self.train) == 1 else "questions"
        return (
            f"StorySample({self.name!r}, {len(self.train):,} {questions} to learn "
            f"from, {len(self.test):,} for the test)"
        )


def _questions(text: str) -> Iterator[Question]:
    """Lines are numbered; number 1 begins a new story, a tab marks a question."""
    story: list[str] = []
    place_of: dict[int, int] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        number, words = int(found[1]), found[2]
        if number == 1:
            story, place_of = [], {}
        if "\t" in words:
            question, answer, supports = words.split("\t")
            places = tuple(place_of[int(support)] for support in supports.split())
            yield Question(tuple(story), question.strip(), answer, places)
        else:
            place_of[number] = len(story)
            story.append(words)


def _is_member(file: LocalFile) -> Callable[[str], bool]:
    """Whether a name is that of the English file with 1,000 questions."""
    return lambda name: name.endswith(f"/en/{file.short_name}")


def _read(file: LocalFile) -> list[Question]:
    path = find_local(file)
    content = None if path is None else path.read_bytes()
    if content is None:
        path = find_or_download(ORIGINAL)
        content = _read_original(path, file)
    return list(_questions(content.decode("utf-8")))


def _read_original(path: Path, file: LocalFile) -> bytes:
    members = read_members(path, _is_member(file), limit_bytes=LIMIT_BYTES)
    _, content = next(members, ("", None))
    if content is None:
        raise DataError(
            f"{path.name}: expected the member en/{file.short_name}, got none of that "
            "name. Delete the file; it will be downloaded again."
        )
    check_content(content, file.sha256, path)
    return content


def load(*, task: int = 1) -> StorySample:
    """Load one of the tasks 1 to 3, in English: 1,000 questions for each part.

    Args:
        task: 1, 2 or 3: the number of facts an answer rests on.

    Returns:
        The questions, each with all that was told before it.

    Raises:
        ConfigError: Another task.
        DataError: A file is damaged, or cannot be had.

    Source:
        Weston et al. 2015, "Towards AI-complete question answering: a set of
        prerequisite toy tasks".
    """
    if task not in TASKS:
        raise ConfigError(
            f"babi: expected a task from 1 to {len(TASKS)}, got {task!r}. Each counts "
            "the facts an answer rests on."
        )
    return StorySample(
        "babi",
        _read(MEMBERS[task, "train"]),
        _read(MEMBERS[task, "test"]),
        f"Little stories and questions whose answers rest on {TASKS[task]}. Source: "
        "Facebook AI Research, bAbI tasks; CC BY 3.0.",
    )
