"""Writing in the main job: what counting reaches, a network, and its texts."""

import math
import re

import numpy as np
import pytest

import mica
from mica import workflow
from mica.data import CharacterTokenizer
from mica.errors import ConfigError
from mica.report import Chart, Report
from mica.workflow.letters import Guesses, letters_known_before
from mica.workflow.writing import WritingJob, open_writing
from tests.tolerances import assert_close

HAMLET = "To be, or not to be: that is the question.\n" * 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writing")
    path = folder / "hamlet.txt"
    path.write_text(HAMLET, encoding="utf-8")
    return workflow.train(path, generate=True, epochs=2, runs=folder, verbose=0)


def test_the_parts_follow_each_other():
    corpus = open_writing(HAMLET, "hamlet")
    assert corpus.train + corpus.validation + corpus.test == HAMLET
    assert len(corpus.test) == len(HAMLET) // 20


def test_letters_are_learned_from_the_training_part_alone():
    corpus = open_writing("abcd " * 1000 + "ж" * 10, "letters")
    assert "ж" not in corpus.tokenizer.vocabulary
    assert corpus.notes[0] == (
        "1 character of the test part is not among those learned and counts as unknown."
    )


def test_any_script_is_a_text():
    for text in ("Мороз и солнце! ", "שלום לכולם 😀 ", "春はあけぼの。"):
        corpus = open_writing(text * 400, "text")
        numbers = corpus.tokenizer.encode(text)
        assert corpus.tokenizer.decode(numbers) == text


def test_equal_letters_cost_the_logarithm_of_their_number():
    letters = np.tile(np.arange(4), 50)
    anything, frequent, _ = letters_known_before(letters, letters, 4)
    assert_close(anything.bits, 2.0)
    assert_close(frequent.bits, 2.0)


def slow_chances(train, test, size, order):
    """Witten and Bell's chances, letter by letter."""
    counts = [train.count(letter) for letter in range(size)]
    found = []
    for place, letter in enumerate(test):
        chance = (counts[letter] + 1 / size) / (len(train) + 1)
        for length in range(1, min(order, place) + 1):
            context = test[place - length : place]
            after = [
                train[start + length]
                for start in range(len(train) - length)
                if train[start : start + length] == context
            ]
            if after:
                kinds = len(set(after))
                chance = (after.count(letter) + kinds * chance) / (len(after) + kinds)
        found.append(chance)
    return found


def test_counts_of_letters_are_those_of_the_formula():
    random = np.random.default_rng(0)
    train, test = random.integers(0, 3, 200), random.integers(0, 3, 50)
    mixed = letters_known_before(train, test, 3)[-1]
    expected = slow_chances(train.tolist(), test.tolist(), 3, 5)
    assert mixed.note == "after the 5 before"
    assert_close(mixed.each, -np.log2(expected)[1:])


def test_bits_are_those_of_the_model_on_the_whole_text(trained):
    corpus = open_writing(HAMLET, "hamlet")
    numbers = np.array(corpus.tokenizer.encode(corpus.test))
    outputs = trained.model.predict(numbers[None, :-1]).astype(np.float64)[0]
    logs = outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))
    chances = logs[np.arange(len(logs)), numbers[1:]]
    assert_close(
        np.float32(trained.verdict.score), np.float32(-chances.mean() / math.log(2))
    )


def test_the_verdict_stands_beside_counts_of_letters(trained):
    assert trained.verb == "generate"
    assert trained.verdict.measure == "test bits per character"
    assert [row[0] for row in trained.verdict.comparison.rows] == [
        "any character",
        "frequent characters",
        "counts of letters",
        "this network",
    ]
    assert trained.verdict.finding.fact == (
        "This network and counts of letters cannot be told apart."
    )


def test_samples_are_written_at_three_temperatures(trained):
    written = trained.verdict.mistakes
    assert isinstance(written, Report)
    assert [part.title for part in written.parts[1:]] == [
        "Temperature 0.5",
        "Temperature 0.8",
        "Temperature 1",
    ]
    beginning = HAMLET.splitlines()[0][:40]
    assert all(part.body.startswith(beginning) for part in written.parts[1:])


def test_surprises_are_drawn_along_the_text(trained):
    assert isinstance(trained.verdict.details.parts[0], Chart)


def test_a_seed_gives_the_same_text(trained):
    texts = [
        "".join(workflow.generate(trained.folder, "To be", 60, seed=seed))
        for seed in (0, 0, 1)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 60


def test_the_file_holds_the_letters(trained):
    model = mica.load(trained.folder / "model.mica")
    assert isinstance(model.preprocessing, CharacterTokenizer)
    text = "".join(workflow.generate(model, "To be", 20, temperature=0))
    assert text == "".join(workflow.generate(trained.model, "To be", 20, temperature=0))


def test_pieces_come_one_by_one(trained):
    pieces = workflow.generate(trained.model, "To be", 5)
    assert len(next(pieces)) == 1


def test_a_model_that_writes_does_not_answer(trained):
    sentence = (
        "predict: expected a model that answers, got one that writes. Use `mica "
        "generate` (workflow.generate)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        workflow.predict(trained.folder, "hamlet.txt")


def test_a_model_without_preprocessing_is_refused():
    model = mica.Sequential(mica.Input((2,)), mica.layers.Dense(1))
    sentence = (
        "generate: expected a model with its preprocessing, as `mica train` saves it, "
        "got one without. Use model.predict(x) from Python."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        workflow.generate(model, "To be")


@pytest.mark.parametrize(
    ("better", "fact"),
    [
        (9.0, "This network guesses better than counts, the best baseline."),
        (0.0, "Counts guess better than this network."),
    ],
)
def test_the_finding_says_who_guesses_better(better, fact):
    job = WritingJob(open_writing(HAMLET * 16, "hamlet"))
    model = job.propose(1).model
    job.baselines()
    letters = len(job.corpus.test) - 1
    job._simple = [Guesses("counts", np.full(letters, better))]
    assert job.judge(model).finding.fact == fact


def test_what_cannot_be_told_apart_is_said():
    job = WritingJob(open_writing(HAMLET * 16, "hamlet"))
    model = job.propose(1).model
    job.baselines()
    each = np.random.default_rng(0).normal(
        job.judge(model).score, 3.0, len(job.corpus.test) - 1
    )
    job._simple = [Guesses("counts", each)]
    assert job.judge(model).finding.fact == (
        "This network and counts cannot be told apart."
    )
