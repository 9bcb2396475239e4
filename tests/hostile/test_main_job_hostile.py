"""The main job met with bad texts, bad series and words that do not go together."""

import re

import numpy as np
import pytest

from mica import workflow
from mica.errors import ConfigError, DataError
from mica.workflow import texts, writing

REVIEWS = "".join(f"good film {i},pos\nbad film {i},neg\n" for i in range(20))
DAYS = np.arange("2020-01-01", "2020-12-31", dtype="M8[D]").astype(str)
RAIN = [f"{day},{np.sin(row / 3):.3f}" for row, day in enumerate(DAYS)]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, content, name, encoding="utf-8"):
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode(encoding)
    file.write_bytes(data)


def refused(source, sentence, kind, **words):
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        workflow.train(source, runs="runs", verbose=0, **words)


TABLES = {
    "another encoding": (
        "text,label\nхороший фильм,да\nплохой фильм,нет\n".encode("cp1251"),
        "reviews.csv: expected UTF-8 text, got the byte 0xf5 at position 11 in line 2. "
        "Say how it was written, e.g. encoding='cp1251'.",
    ),
    "a quote that never closes": (
        'text,label\n"good film,pos\nbad film,neg\n',
        "reviews.csv, line 2: expected the quote that opens here to be closed, got the "
        "end of the file. Close or remove the quote.",
    ),
    "ragged rows": (
        "text,label\ngood, nice,pos\nbad,neg\n",
        "reviews.csv, line 2: expected 2 fields as in the first line, got 3. Quote a "
        "field that holds the separator, or mend the line.",
    ),
    "no column of texts": (
        "texts,label\n" + REVIEWS,
        "reviews.csv: expected the column 'text' with the texts, got 2 others. Did you "
        "mean 'texts'?",
    ),
    "no column of labels": (
        "text,lable\n" + REVIEWS,
        "reviews.csv: expected the column 'label' with the labels, got 2 others. Did "
        "you mean 'lable'?",
    ),
    "a text column of numbers": (
        "text,label\n" + "1.5,pos\n2.5,neg\n" * 10,
        "reviews.csv: expected texts in the column 'text', got numbers, such as '1.5'. "
        "Name the column of the texts.",
    ),
    "labels that never repeat": (
        "text,label\n" + "".join(f"good {i},l{i}\n" for i in range(20)),
        "reviews.csv: expected labels that come more than once, got 20 different ones "
        "for 20 texts, such as 'l0'. Choose a column that sorts the texts into "
        "classes.",
    ),
    "one class": (
        "text,label\n" + "good,pos\n" * 20,
        "reviews.csv: expected at least two classes, got only 'pos'. Look at the "
        "labels.",
    ),
    "nothing but empty texts": (
        "text,label\n" + ",pos\n ,neg\n" * 5,
        "reviews.csv: expected documents with a text and a label, got none in 10. Look "
        "at the columns.",
    ),
    "a vocabulary of nothing": (
        "text,label\n" + "<b>,pos\n<i>,neg\n" * 10,
        "reviews.csv: expected words in the texts, got none in 16 documents of the "
        "training part. Look at the column of the texts.",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_of_texts_that_cannot_be_learned_from_is_refused(case, tmp_path):
    content, sentence = TABLES[case]
    write(tmp_path, content, "reviews.csv")
    refused("reviews.csv", sentence, DataError, text="text", target="label")
    assert not (tmp_path / "runs").exists()


FOLDERS = {
    "another encoding": (
        {"a/1.txt": b"caf\xe9", "b/1.txt": b"x"},
        "1.txt: expected UTF-8 text, got the byte 0xe9 at position 3 in line 1. Say "
        "how it was written, e.g. encoding='cp1252'.",
    ),
    "one class": (
        {"a/1.txt": b"x", "a/2.txt": b"y"},
        "notes: expected at least two classes, got only 'a'. Look at the labels.",
    ),
    "other files": (
        {"a/1.md": b"x", "b/2.md": b"y"},
        "notes: expected a folder for each class with .txt files in it, got 2 folders "
        "and no such file. Arrange them as class/file.txt.",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_of_texts_that_cannot_be_learned_from_is_refused(case, tmp_path):
    files, sentence = FOLDERS[case]
    for name, content in files.items():
        write(tmp_path / "notes", content, name)
    refused("notes", sentence, DataError)


LINES = {
    "half a line of JSON": (
        '{"text":"good","label":"a"}\n{"text":\n',
        "reviews.jsonl, line 2: expected an object of JSON, got something that cannot "
        "be read (Expecting value at column 9). Mend the line; each is an object of "
        "its own.",
    ),
    "a number for a text": (
        '{"text":5,"label":"a"}\n',
        "reviews.jsonl: expected texts in the column 'text', got int 5 at line 1. Name "
        "the column of the texts.",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_lines_of_json_that_cannot_be_learned_from_are_refused(case, tmp_path):
    content, sentence = LINES[case]
    write(tmp_path, content, "reviews.jsonl")
    refused("reviews.jsonl", sentence, DataError, text="text", target="label")


def series(rows, head="day,rain"):
    return "\n".join([head, *rows]) + "\n"


SERIES = {
    "a horizon longer than the series": (
        RAIN,
        {"horizon": "400 days"},
        DataError,
        "rain.csv: expected at least 4,180 rows for a horizon of 400 days (400 rows), "
        "to learn, to watch and to judge by, got 365. Take a shorter horizon, or bring "
        "more of the past.",
    ),
    "a horizon of rows longer than the series": (
        RAIN,
        {"horizon": 400},
        DataError,
        "rain.csv: expected at least 4,180 rows for a horizon of 400 rows, to learn, "
        "to watch and to judge by, got 365. Take a shorter horizon, or bring more of "
        "the past.",
    ),
    "a history longer than the parts": (
        RAIN,
        {"history": "300 days"},
        DataError,
        "rain.csv: expected a history of at most 34 rows, for 365 are to learn, to "
        "watch and to judge by, got 300. Look back less far, or bring more of the "
        "past.",
    ),
    "a horizon between two rows": (
        RAIN,
        {"horizon": "36h"},
        ConfigError,
        "horizon: expected a multiple of the series' step of 1 day, got '36h'. Give "
        "such a length, or a number of rows.",
    ),
    "a horizon in words": (
        RAIN,
        {"horizon": "soon"},
        ConfigError,
        "horizon: expected a length of time, got 'soon'. Write it as '24h', '10 min', "
        "'5 days', '12 months', or as a number of rows.",
    ),
    "no column to forecast": (
        RAIN,
        {"forecast": "rein"},
        DataError,
        "rain.csv: expected a column 'rein' of numbers, got 1 other. Did you mean "
        "'rain'?",
    ),
    "no column of times": (
        RAIN,
        {"time": "dey"},
        DataError,
        "rain.csv: expected a column 'dey', got 2 others. Did you mean 'day'?",
    ),
    "a time that cannot be read": (
        [*RAIN[:50], "yesterday,1", *RAIN[50:]],
        {},
        DataError,
        "rain.csv: expected a time in the column 'day', got 'yesterday' at row 51. "
        "Mend the cell, leave the row out, or name another column: --time COLUMN "
        "(time=).",
    ),
    "times that go backwards": (
        RAIN[::-1],
        {},
        DataError,
        "rain.csv: expected times that go forward, got 2020-12-29 after 2020-12-30 "
        "(364 such places). Use --sort (sort=True) if the rows are only mixed; else "
        "look for two series in one file.",
    ),
    "texts to forecast": (
        [f"{day},wet" for day in DAYS],
        {},
        DataError,
        "rain.csv: expected a column of numbers beside the times, got 'rain'. Look at "
        "the file.",
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_a_series_that_cannot_be_forecast_is_refused(case, tmp_path):
    rows, words, kind, sentence = SERIES[case]
    write(tmp_path, series(rows), "rain.csv")
    words = {"forecast": "rain", "horizon": "1 day", **words}
    refused("rain.csv", sentence, kind, **words)
    assert not (tmp_path / "runs").exists()


WRITTEN = {
    "too short": (
        "hello world\n" * 10,
        "text: expected a text of at least 2,000 characters to learn to write like, "
        "got 119. Bring a longer one.",
    ),
    "nothing but blanks": (
        " " * 5000,
        "text: expected a text of at least 2,000 characters to learn to write like, "
        "got 0. Bring a longer one.",
    ),
    "no text": (
        "\0" * 5000,
        "text.txt: expected text, got a zero character at position 0. This is no text "
        "file, or it is in another encoding such as 'utf-16'.",
    ),
    "another encoding": (
        ("Мороз и солнце; день чудесный! " * 100).encode("cp1251"),
        "text.txt: expected UTF-8 text, got the byte 0xcc at position 0 in line 1. Say "
        "how it was written, e.g. encoding='cp1251'.",
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_text_that_cannot_be_learned_from_is_refused(case, tmp_path):
    content, sentence = WRITTEN[case]
    write(tmp_path, content, "text.txt")
    refused("text.txt", sentence, DataError, generate=True)


def test_a_folder_is_no_text_to_write_like(tmp_path):
    sentence = (
        f"train: expected a text file to learn to write like, got the folder "
        f"{str(tmp_path)!r}. Give the path of one file."
    )
    refused(tmp_path, sentence, DataError, generate=True)


def test_a_list_is_no_text_to_write_like():
    sentence = (
        "train: expected the path of a text to learn to write like, got list. Give the "
        "path of a file."
    )
    refused([], sentence, DataError, generate=True)


WORDS = {
    "texts without labels": (
        {"text": "text"},
        "train: expected the column of the labels, got none. Name it: --target COLUMN "
        "(target=).",
    ),
    "texts and a forecast": (
        {"text": "text", "forecast": "rain"},
        "train: expected no text for a forecast, got 'text'. Leave it out, or leave "
        "out forecast, horizon, history and time.",
    ),
    "texts and a task": (
        {"text": "text", "target": "label", "task": "regression"},
        "train: expected no task for texts, got 'regression'. Texts are sorted into "
        "classes; leave it out.",
    ),
    "a horizon for nothing": (
        {"horizon": "24h"},
        "train: expected the column to forecast, got none. Name it: --forecast COLUMN "
        "(forecast=).",
    ),
    "a forecast of nowhere": (
        {"forecast": "rain"},
        "train: expected how far ahead to forecast, got nothing. Say it: --horizon 24h "
        "(horizon=), or a number of rows.",
    ),
    "writing and a target": (
        {"generate": True, "target": "label"},
        "train: expected no target for a text to write like, got 'label'. Leave it "
        "out, or leave out generate.",
    ),
    "an encoding of a table": (
        {"target": "label", "encoding": "cp1251"},
        "train: expected no encoding for a table, got 'cp1251'. A table's encoding is "
        "found out; leave it out.",
    ),
    "an encoding nobody knows": (
        {"text": "text", "target": "label", "encoding": "klingon"},
        "encoding: expected an encoding Python knows, got 'klingon'. 'utf-8', 'cp1251' "
        "and 'latin-1' are common ones.",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_that_do_not_go_together_are_refused(case, tmp_path):
    words, sentence = WORDS[case]
    write(tmp_path, "text,label\n" + REVIEWS, "reviews.csv")
    refused("reviews.csv", sentence, ConfigError, **words)


def test_a_folder_of_texts_needs_no_target(tmp_path):
    for label in "ab":
        write(tmp_path / "notes", "x", f"{label}/1.txt")
    sentence = (
        "train: expected no target for a folder of texts, got 'label'. The folders in "
        "it are the classes; leave it out."
    )
    refused("notes", sentence, ConfigError, target="label")


def test_a_plain_text_needs_a_word_on_what_to_learn(tmp_path):
    write(tmp_path, "hello world\n" * 10, "text.txt")
    sentence = (
        "train: expected to be told what to learn from text.txt, got nothing. Add "
        "--generate (generate=True) to learn to write like it, or --target COLUMN "
        "(target=) if it is a table."
    )
    refused("text.txt", sentence, ConfigError)


def test_a_sample_brings_its_own_words():
    sentence = (
        "train: expected no target for the sample 'imdb', got 'label'. A sample brings "
        "its own; leave it out."
    )
    refused("imdb", sentence, ConfigError, target="label")


def test_a_sample_of_recipes_is_not_for_the_main_job():
    sentence = (
        "train: expected a sample of rows, texts or measurements, got 'babi'. `mica "
        "run` lists the recipes that learn from it."
    )
    refused("babi", sentence, ConfigError)


def test_a_list_says_nothing_of_what_it_holds():
    sentence = (
        "train: expected a sample's name or a path, got list. A table in memory is "
        "taken for texts (text=) and series (forecast=)."
    )
    refused([1, 2], sentence, DataError)


def test_an_empty_document_is_left_out_and_said(tmp_path):
    write(tmp_path, "text,label\n,pos\n ,neg\nx,\n" + REVIEWS, "reviews.csv")
    job = workflow.open_job("reviews.csv", "label", text="text")
    assert "2 of 43 documents have no text and are left out." in job.notes
    assert "1 of 43 documents has no label and is left out." in job.notes


def test_a_class_with_one_example_is_learned_and_said(tmp_path):
    write(tmp_path, "text,label\n" + REVIEWS + "strange,other\n", "reviews.csv")
    job = workflow.open_job("reviews.csv", "label", text="text")
    assert (
        "The class 'other' has one document, which cannot be both learned from and "
        "tested."
    ) in job.notes
    assert "other" not in [job.task.label_names[code] for code in job.task.y_test]


def test_an_endless_line_is_read_as_far_as_it_is_of_use(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "MOST_CHARACTERS", 1000)
    endless = "to be or not to be " * 1000
    write(tmp_path, f"text,label\n{endless},pos\n" + REVIEWS, "reviews.csv")
    job = workflow.open_job("reviews.csv", "label", text="text")
    assert (
        "1 of 41 documents is longer than 1,000 characters (the first: row 1); the "
        "rest is not read."
    ) in job.notes
    assert max(map(len, [*job.task.x_train, *job.task.x_test])) == 1000


def test_an_endless_line_is_learned_to_write_like_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MOST_CHARACTERS", 4000)
    write(tmp_path, "to be or not to be " * 1000, "text.txt")
    job = workflow.open_job("text.txt", generate=True)
    assert job.notes[0] == (
        "The first 4,000 of 19,000 characters are used; more would not be seen in some "
        "minutes of training."
    )
