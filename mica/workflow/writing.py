"""Writing: a text in; a network out that continues it, judged letter by letter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mica import layers
from mica.data import CharacterTokenizer, Tokenizer, read_text
from mica.engine import eager_plan
from mica.errors import DataError
from mica.generate import Sampling, write
from mica.layers import Input
from mica.losses import SparseCategoricalCrossentropy
from mica.model import Model
from mica.optimizers import AdamW
from mica.optimizers.schedules import cosine_decay
from mica.report import Chart, Finding, Part, Report, Series, Table, Text, format_value
from mica.training import Callback, History
from mica.workflow.architecture import LAST_RATE, Proposal
from mica.workflow.job import Job, Verb
from mica.workflow.judge import Verdict, is_clear, likely_range
from mica.workflow.letters import Guesses, letters_known_before

__all__ = ["Corpus", "WritingJob", "open_writing", "text_windows"]

MEASURE = "test bits per character"
SHARES = (0.05, 0.05)  # of the characters: to watch while learning, and to judge by
MOST_CHARACTERS = 5_000_000  # learned from; more would not be seen in minutes
MOST_LETTERS = 1000  # different ones; rarer ones are unknown
FEWEST_CHARACTERS = 2000  # of a text; below it nothing can be judged
WINDOW = 128  # characters that are learned from at a time
STRETCH = 200  # characters that count as one piece of evidence
TEMPERATURES = (0.5, 0.8, 1.0)
SAMPLE_LENGTH = 300  # characters
PROMPT_LENGTH = 40
# Chosen on the validation part of Shakespeare's plays.
WIDTH, EMBEDDED = 256, 64
DROPOUT = 0.1
RATE = 0.004
BATCH = 16
STEPS = 2600  # updates, some minutes on two cores
MOST_EPOCHS, FEWEST_EPOCHS = 60, 1
PATIENCE = 4  # epochs

REASON = (
    "A recurrent layer (LSTM) reads letter by letter and says what comes next: it "
    "learns to spell, to end words and lines, in minutes on a processor, and nothing "
    "limits how far back it remembers."
)


@dataclass(frozen=True)
class Corpus:
    """A text, cut into three parts in its order, and its letters as numbers.

    Args:
        name: Short name, used for the folder of a run.
        train: To learn from.
        validation: To watch while learning.
        test: To judge by.
        tokenizer: Learned from the training part; belongs into the model's file.
        notes: Sentences on what was read and decided.
    """

    name: str
    train: str
    validation: str
    test: str
    tokenizer: CharacterTokenizer
    notes: tuple[str, ...]


def open_writing(
    source: Any,
    name: str | None = None,
    *,
    encoding: str | None = None,
    notes: Sequence[str] = (),
) -> Corpus:
    """Read a text and cut it into parts: the beginning to learn, the end to judge.

    Args:
        source: The path of a file; or, with a name, the text itself.
        name: What the text is called; None takes the file's name.
        encoding: How bytes become text; None finds out.
        notes: What is known about it.

    Returns:
        The parts and the tokenizer.

    Raises:
        DataError: A file that cannot be read, or too short a text.

    Example:
        >>> corpus = open_writing("To be, or not to be. " * 200, "hamlet")
        >>> len(corpus.train), len(corpus.test), len(corpus.tokenizer)
        (3780, 210, 12)
    """
    if name is None:
        if not isinstance(source, (str, PathLike)):
            raise DataError(
                "train: expected the path of a text to learn to write like, got "
                f"{type(source).__name__}. Give the path of a file."
            )
        if Path(source).is_dir():
            raise DataError(
                f"train: expected a text file to learn to write like, got the folder "
                f"{str(source)!r}. Give the path of one file."
            )
        name, text = Path(source).stem, read_text(source, encoding=encoding)
    else:
        text = str(source)
    if len(text) < FEWEST_CHARACTERS or text.isspace():
        raise DataError(
            f"{name}: expected a text of at least {FEWEST_CHARACTERS:,} characters to "
            f"learn to write like, got {len(text.strip()):,}. Bring a longer one."
        )
    found = list(notes)
    if len(text) > MOST_CHARACTERS:
        found.append(
            f"The first {MOST_CHARACTERS:,} of {len(text):,} characters are used; more "
            "would not be seen in some minutes of training."
        )
        text = text[:MOST_CHARACTERS]
    sizes = [int(len(text) * share) for share in SHARES]
    end, middle = len(text) - sizes[1], len(text) - sum(sizes)
    train, validation, test = text[:middle], text[middle:end], text[end:]
    tokenizer = CharacterTokenizer(limit=MOST_LETTERS).fit([train])
    strange = sum(letter not in set(tokenizer.vocabulary) for letter in set(test))
    if strange:
        kinds = "character" if strange == 1 else "different characters"
        verb = "is" if strange == 1 else "are"
        found.append(
            f"{strange:,} {kinds} of the test part {verb} not among those learned "
            "and counts as unknown."
            if strange == 1
            else f"{strange:,} {kinds} of the test part {verb} not among those learned "
            "and count as unknown."
        )
    found.append(
        f"{len(train):,} characters to learn from, {len(validation):,} to watch while "
        f"learning, {len(test):,} at the end set aside for the test."
    )
    return Corpus(name or "text", train, validation, test, tokenizer, tuple(found))


def _numbers(corpus: Corpus, text: str) -> np.ndarray:
    return np.array(corpus.tokenizer.encode(text), dtype=np.int64)


def text_windows(text: str, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Cut a text into the stretches that a network learns to write from.

    Args:
        text: The text.
        tokenizer: The model's preprocessing.

    Shape:
        returns: (stretches, letters) twice, int64

    Returns:
        The stretches, and each one letter later.

    Example:
        >>> tokenizer = CharacterTokenizer().fit(["abc"])
        >>> x, y = text_windows("abcabca", tokenizer)
        >>> x.shape, bool((x[:, 1:] == y[:, :-1]).all())
        ((1, 6), True)
    """
    return _windows(np.array(tokenizer.encode(text), dtype=np.int64), WINDOW)


def _windows(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Stretches of text, and each one letter later."""
    length = min(length, len(numbers) - 1)
    count = (len(numbers) - 1) // length
    x = numbers[: count * length].reshape(count, length)
    y = numbers[1 : count * length + 1].reshape(count, length)
    return x, y


def _card(corpus: Corpus) -> Report:
    text = corpus.train + corpus.validation + corpus.test
    lines = text.count("\n") + 1
    rows = [
        ("characters", len(text)),
        ("different characters", len(set(text))),
        ("words", len(text.split())),
        ("lines", lines),
    ]
    begin = Text("Its beginning", text[:STRETCH])
    return Report(
        f"Data: {corpus.name}", [Table("Text", ("what", "count"), rows), begin]
    )


class WritingJob(Job):
    """A text to learn to write like.

    Args:
        corpus: The opened text.

    Example:
        >>> job = WritingJob(open_writing("To be, or not to be. " * 200, "hamlet"))
        >>> [row[0] for row in job.baselines().rows][:2]
        ['any character', 'frequent characters']
    """

    verb: ClassVar[Verb] = "generate"

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.name, self.card, self.notes = corpus.name, _card(corpus), corpus.notes
        self._simple: list[Guesses] = []

    def baselines(self) -> Table:
        """Judge counts of letters: of each alone, and after those before it."""
        corpus = self.corpus
        self._simple = letters_known_before(
            _numbers(corpus, corpus.train),
            _numbers(corpus, corpus.test),
            len(corpus.tokenizer),
        )
        rows = [(each.name, each.bits, each.note) for each in self._simple]
        return Table("Baselines", ("model", MEASURE, "remark"), rows)

    def propose(self, epochs: int | None) -> Proposal:
        """Make a recurrent network that reads letter by letter.

        Args:
            epochs: Passes over the text; None decides by its length.
        """
        letters = len(self.corpus.tokenizer)
        windows = max((len(self.corpus.train) - 1) // WINDOW, 1)
        batches = math.ceil(windows / BATCH)
        wanted = min(max(math.ceil(STEPS / batches), FEWEST_EPOCHS), MOST_EPOCHS)
        epochs = epochs or wanted
        tokens = Input((None,), dtype="int64", name="letters")
        x = layers.Embedding(letters, EMBEDDED)(tokens)
        x = layers.LSTM(WIDTH, return_sequences=True)(x)
        x = layers.Dropout(DROPOUT)(x)
        model = Model(tokens, layers.Dense(letters)(x), name="network")
        rate = cosine_decay(RATE, batches * epochs, alpha=LAST_RATE)
        model.compile(AdamW(rate), SparseCategoricalCrossentropy(from_logits=True))
        model.preprocessing = self.corpus.tokenizer
        return Proposal(model, epochs, BATCH, PATIENCE, 0.0, eager_plan(), REASON)

    def fit(
        self, proposal: Proposal, callbacks: Sequence[Callback], seed: int
    ) -> History:
        """Train; the part after the training's judges each epoch.

        Args:
            proposal: What `propose` gave.
            callbacks: Listeners.
            seed: Decides the order.
        """
        x, y = _windows(_numbers(self.corpus, self.corpus.train), WINDOW)
        watched = _windows(_numbers(self.corpus, self.corpus.validation), WINDOW)
        return proposal.model.fit(
            x,
            y,
            proposal.batch_size,
            epochs=proposal.epochs,
            validation_data=watched,
            plan=proposal.plan,
            seed=seed,
            verbose=0,
            callbacks=callbacks,
        )

    def judge(self, model: Model) -> Verdict:
        """Say how many bits a letter of the test part costs, and let the model write.

        Args:
            model: The trained network.
        """
        if not self._simple:
            self.baselines()
        bits = _bits(model, _numbers(self.corpus, self.corpus.test))
        mine = Guesses("this network", bits)
        rows = [(each.name, each.bits, each.note) for each in self._simple]
        table = Table(
            "Result",
            ("model", MEASURE, "remark"),
            (*rows, (mine.name, mine.bits, _range_text(mine))),
        )
        samples = _samples(model, self.corpus)
        finding = _finding(mine, self._simple)
        details = _hardest(self.corpus, bits)
        return Verdict(MEASURE, mine.bits, table, finding, samples, details)


def _bits(model: Model, numbers: np.ndarray) -> np.ndarray:
    """The bits of each letter but the first, those before it being known."""
    found = []
    asked = 4 * WINDOW
    for start in range(0, len(numbers) - 1, asked):
        # It begins with letters judged before: none is guessed out of nothing.
        begin = max(start - WINDOW, 0)
        part = numbers[begin : start + asked + 1]
        outputs = np.asarray(model.predict(part[None, :-1]), dtype=np.float64)[0]
        outputs -= outputs.max(axis=-1, keepdims=True)
        logs = outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))
        chances = logs[np.arange(len(logs)), part[1:]]  # (T,)
        found.append(-chances[start - begin :] / math.log(2))
    return np.concatenate(found)


def _stretches(bits: np.ndarray) -> np.ndarray:
    count = max(len(bits) // STRETCH, 1)
    return np.array([part.mean() for part in np.array_split(bits, count)])


def _range_text(mine: Guesses) -> str:
    low, high = likely_range(_stretches(mine.each), is_share=False)
    if not math.isfinite(high):
        return "one stretch: no range"
    return f"likely {format_value(low)} to {format_value(high)} on such a text"


def _finding(mine: Guesses, simple: list[Guesses]) -> Finding:
    rival = min(simple, key=lambda each: each.bits)
    gain = _stretches(rival.each) - _stretches(mine.each)
    evidence = (
        f"On {len(mine.each):,} characters it needs {format_value(mine.bits)} bits for "
        f"each, {rival.name} {format_value(rival.bits)}: it hesitates between "
        f"{format_value(2**mine.bits)} characters rather than "
        f"{format_value(2**rival.bits)}."
    )
    if not is_clear(gain):
        return Finding(
            "note",
            "",
            f"This network and {rival.name} cannot be told apart.",
            evidence,
            "Bring a longer text, or more epochs.",
        )
    if gain.mean() > 0:
        fact = f"This network guesses better than {rival.name}, the best baseline."
        return Finding("good", "", fact, evidence)
    return Finding(
        "warning",
        "",
        f"{rival.name[0].upper()}{rival.name[1:]} guess better than this network.",
        evidence,
        "Bring a longer text, or more epochs: counts learn at once, networks slowly.",
    )


def _prompt(corpus: Corpus) -> str:
    """The beginning of a line of the test part, to be continued."""
    text = corpus.test
    line = text.find("\n") + 1
    begin = text[line : line + PROMPT_LENGTH]
    return begin if begin.strip() else text[:PROMPT_LENGTH]


def _samples(model: Model, corpus: Corpus) -> Part:
    prompt = _prompt(corpus)
    parts = [
        Text(
            f"Temperature {temperature:g}",
            prompt
            + write(
                model,
                prompt,
                corpus.tokenizer,
                SAMPLE_LENGTH,
                how=Sampling(temperature=temperature),
                seed=0,
            ),
        )
        for temperature in TEMPERATURES
    ]
    note = Text(
        "", f"Each continues {prompt!r} from the test part; the warmer, the bolder."
    )
    return Report("What it writes", [note, *parts])


def _hardest(corpus: Corpus, bits: np.ndarray) -> Part:
    """Bits along the test part: where the network was surprised."""
    means = _stretches(bits)
    places = np.linspace(0, len(bits), len(means), endpoint=False)
    chart = Chart(
        "Bits along the test part",
        [Series("this network", places.tolist(), means.tolist())],
        "character",
        "bits per character",
    )
    worst = int(places[means.argmax()])
    return Report(
        "Where it was surprised",
        [
            chart,
            Text("The most surprising stretch", corpus.test[worst : worst + STRETCH]),
        ],
    )
