"""Text files that are wrong, huge or strange: a clear sentence, nothing lost."""

import os
import re

import pytest

from mica.data import WordTokenizer, read_texts
from mica.errors import DataError

MEGABYTE = 2**20


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def test_a_line_of_two_hundred_megabytes_is_read(tmp_path):
    path = tmp_path / "line.txt"
    block = b"word " * (MEGABYTE // 5)
    with path.open("wb") as file:
        for _ in range(200):
            file.write(block)
    texts = read_texts(path)
    assert len(texts.texts[0]) == 200 * len(block)
    path.unlink()


def test_a_line_of_four_megabytes_is_numbered():
    tokenizer = WordTokenizer(100)
    text = "снег и дождь " * (4 * MEGABYTE // 22)
    numbers = tokenizer.fit([text]).encode(text)
    assert len(numbers) == 3 * (4 * MEGABYTE // 22)
    assert set(numbers) == {2, 3, 4}


def test_a_field_beyond_every_length_is_refused(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(b"review,stars\n" + b"a" * (17 * MEGABYTE) + b",1\n")
    sentence = (
        "r.csv, line 2: expected comma-separated values, got something that cannot be "
        "read (field larger than field limit (16777216)). Look for a quote that is "
        "never closed."
    )
    with refused(DataError, sentence):
        read_texts(path, text="review")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            'review,stars\nfine,5\n"never closed,1\nmore,2\n',
            "r.csv, line 3: expected the quote that opens here to be closed, got the "
            "end of the file. Close or remove the quote.",
        ),
        (
            "review,stars\nfine,5\nwell, I think,1\n",
            "r.csv, line 3: expected 2 fields as in the first line, got 3. Quote a "
            "field that holds the separator, or mend the line.",
        ),
    ],
)
def test_a_broken_table_is_refused_with_its_line(content, sentence, tmp_path):
    (tmp_path / "r.csv").write_text(content)
    with refused(DataError, sentence):
        read_texts(tmp_path / "r.csv", text="review")


def test_a_picture_is_no_text(tmp_path):
    (tmp_path / "cat.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    sentence = (
        "cat.txt: expected UTF-8 text, got the byte 0x89 at position 0 in line 1. Say "
        "how it was written, e.g. encoding='cp1252'."
    )
    with refused(DataError, sentence):
        read_texts(tmp_path / "cat.txt")


@pytest.mark.skipif(
    not hasattr(os, "mkfifo") or os.name == "nt", reason="needs named pipes"
)
def test_a_pipe_in_a_class_folder_is_left_out(tmp_path):
    for name in ("neg", "pos"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(name)
    os.mkfifo(tmp_path / "neg" / "2.txt")
    assert read_texts(tmp_path).texts == ["neg", "pos"]


def test_words_that_look_like_numbers_are_texts_among_words(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("review,stars\n10,5\nten out of ten,5\nnan,1\n")
    texts = read_texts(path, text="review", target="stars")
    assert texts.texts[:2] == ["10", "ten out of ten"]
