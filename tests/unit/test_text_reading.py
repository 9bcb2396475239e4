"""Texts read from folders, tables, lines and plain files, with what is noticed."""

import builtins
import json
import re

import pytest

from mica.data import Texts, read_text, read_texts
from mica.data.text.decoding import decode_text
from mica.errors import ConfigError, DataError, MissingDependencyError

RUSSIAN = "Снег выпал ночью.\nУтром его не стало."


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


@pytest.fixture
def reviews(tmp_path):
    """A folder of class folders, with things in it that people leave there."""
    for name, text in {
        "neg/1.txt": "плохо",
        "neg/deep/2.TXT": "bad",
        "pos/1.txt": "good 👍",
        "pos/empty.txt": " \n",
        "pos/.hidden.txt": "no",
        "pos/picture.png": "no",
        ".git/config.txt": "no",
        "__MACOSX/x.txt": "no",
        "README.txt": "no",
    }.items():
        path = tmp_path / "reviews" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "reviews" / "nothing").mkdir()
    return tmp_path / "reviews"


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_encodings_are_found(encoding):
    assert decode_text(RUSSIAN.encode(encoding), "a.txt") == RUSSIAN


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-16-le"])
def test_other_encodings_can_be_said(encoding):
    assert decode_text(RUSSIAN.encode(encoding), "a.txt", encoding) == RUSSIAN


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        (
            RUSSIAN.encode("cp1251"),
            None,
            "a.txt: expected UTF-8 text, got the byte 0xd1 at position 0 in line 1. "
            "Say how it was written, e.g. encoding='cp1251'.",
        ),
        (
            "plain\nand a café".encode("latin-1"),
            None,
            "a.txt: expected UTF-8 text, got the byte 0xe9 at position 15 in line 2. "
            "Say how it was written, e.g. encoding='cp1252'.",
        ),
        (
            b"ab\xff",
            "ascii",
            "a.txt: expected ASCII text, got the byte 0xff at position 2 in line 1. "
            "Say how it was written, e.g. encoding='cp1251'.",
        ),
        (
            b"ab\0cd",
            None,
            "a.txt: expected text, got a zero character at position 2. This is no text "
            "file, or it is in another encoding such as 'utf-16'.",
        ),
    ],
)
def test_a_wrong_byte_is_named_with_its_place(content, encoding, sentence):
    with refused(DataError, sentence):
        decode_text(content, "a.txt", encoding)


def test_an_encoding_python_does_not_know_is_refused():
    sentence = (
        "encoding: expected an encoding Python knows, got 'utf8mb4'. 'utf-8', 'cp1251' "
        "and 'latin-1' are common ones."
    )
    with refused(ConfigError, sentence):
        decode_text(b"a", "a.txt", "utf8mb4")


# Plain files


def test_a_plain_file_is_one_document_with_unix_line_ends(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_bytes("буря\r\nмглою\rнебо\n".encode())
    assert read_text(path) == "буря\nмглою\nнебо\n"
    texts = read_texts(path)
    assert texts.texts == ["буря\nмглою\nнебо\n"]
    assert repr(texts) == "Texts('poem.txt', 1 documents without labels)"


def test_each_line_can_be_a_document(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("one\n\nthree\n", encoding="utf-8")
    texts = read_texts(path, per_line=True)
    assert texts.texts == ["one", "", "three"]
    assert texts.places == ["line 1", "line 2", "line 3"]
    assert texts.notes == ("1 of 3 documents is empty (the first: line 2).",)


def test_a_file_that_is_not_there_is_refused_with_a_near_miss(tmp_path):
    (tmp_path / "poems.txt").touch()
    path = tmp_path / "poem.txt"
    sentence = f"{path}: expected a file, got no such file. Did you mean 'poems.txt'?"
    with refused(DataError, sentence):
        read_texts(path)


def test_a_file_in_no_folder_is_refused(tmp_path):
    path = tmp_path / "nowhere" / "poem.txt"
    sentence = f"{path}: expected a file, got no such file. Look at the path."
    with refused(DataError, sentence):
        read_text(path)


def test_a_folder_is_no_text_file(tmp_path):
    sentence = (
        f"{tmp_path}: expected a file that can be read, got: Is a directory. Give the "
        "path of a text file."
    )
    with refused(DataError, sentence):
        read_text(tmp_path)


# Folders


def test_a_folder_holds_a_class_in_each_folder(reviews):
    texts = read_texts(reviews)
    assert texts.texts == ["плохо", "bad", "good 👍", " \n"]
    assert texts.labels == ["neg", "neg", "pos", "pos"]
    assert texts.places == ["neg/1.txt", "neg/deep/2.TXT", "pos/1.txt", "pos/empty.txt"]
    codes, names = texts.classes()
    assert (codes.tolist(), names) == ([0, 0, 1, 1], ("neg", "pos"))
    assert texts.notes == (
        "1 of 4 documents is empty (the first: pos/empty.txt).",
        "2 files that do not end in .txt are left out.",
        "The folder 'nothing' has no .txt file, so it is no class.",
    )


def test_a_wrong_byte_in_a_folder_is_named_with_its_file(reviews):
    (reviews / "neg" / "3.txt").write_bytes("нет".encode("cp1251"))
    with pytest.raises(DataError, match=r"^3\.txt: expected UTF-8 text, got the byte"):
        read_texts(reviews)
    assert read_texts(reviews / "neg", encoding="cp1251").texts == ["bad"]


def test_a_folder_without_class_folders_is_refused(tmp_path):
    (tmp_path / "note.txt").touch()
    sentence = (
        f"{tmp_path}: expected a folder for each class with .txt files in it, got 0 "
        "folders and no such file. Arrange them as class/file.txt."
    )
    with refused(DataError, sentence):
        read_texts(tmp_path)


def test_a_class_of_one_document_is_noted():
    texts = read_texts(
        {"t": ["a", "b", "c"], "y": ["p", "p", "q"]}, text="t", target="y"
    )
    assert texts.notes == (
        "The class 'q' has one document, which cannot be both learned from and tested.",
    )


# Tables and lines


def write_csv(path):
    path.write_text('review,stars\n"good, ""very""\nindeed",5\nплохо,1\n', "utf-8")


def write_tsv(path):
    path.write_text('review\tstars\n"good, ""very""\nindeed"\t5\nплохо\t1\n', "utf-8")


def write_jsonl(path):
    rows = [{"review": 'good, "very"\nindeed', "stars": 5}, {"review": "плохо"}]
    rows[1]["stars"] = 1
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text(text + "\n\n", "utf-8")


def write_parquet(path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"review": ['good, "very"\nindeed', "плохо"], "stars": [5, 1]}
    )
    frame.to_parquet(path)


WRITERS = {
    "r.csv": write_csv,
    "r.tsv": write_tsv,
    "r.jsonl": write_jsonl,
    "r.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_table_gives_the_same_texts(name, tmp_path):
    WRITERS[name](tmp_path / name)
    texts = read_texts(tmp_path / name, text="review", target="stars")
    assert texts.texts == ['good, "very"\nindeed', "плохо"]
    assert [int(label) for label in texts.labels] == [5, 1]
    assert texts.classes()[1] == ("1", "5")


@pytest.mark.parametrize("name", WRITERS)
def test_without_a_target_there_are_no_labels(name, tmp_path):
    WRITERS[name](tmp_path / name)
    texts = read_texts(tmp_path / name, text="review")
    assert texts.labels is None
    sentence = (
        f"{name}: expected labels, got texts only. Name the column of the labels "
        "(target=...), or put the files into a folder for each class."
    )
    with refused(DataError, sentence):
        texts.classes()


@pytest.mark.parametrize("name", WRITERS)
def test_the_column_of_the_texts_has_to_be_named(name, tmp_path):
    WRITERS[name](tmp_path / name)
    sentence = (
        "read_texts: expected the column of the texts, got none. Name it: "
        f"text='review'. {name} has the columns review, stars."
    )
    with refused(ConfigError, sentence):
        read_texts(tmp_path / name)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("text", "target", "wrong", "what", "advice"),
    [
        ("reviews", None, "reviews", "texts", "Did you mean 'review'?"),
        ("review", "x", "x", "labels", "Choose from: review, stars."),
    ],
)
def test_a_column_that_is_not_there_is_refused(
    name, text, target, wrong, what, advice, tmp_path
):
    WRITERS[name](tmp_path / name)
    sentence = (
        f"{name}: expected the column {wrong!r} with the {what}, got 2 others. {advice}"
    )
    with refused(DataError, sentence):
        read_texts(tmp_path / name, text=text, target=target)


def test_a_csv_column_of_numbers_is_refused(tmp_path):
    write_csv(tmp_path / "r.csv")
    sentence = (
        "r.csv: expected texts in the column 'stars', got numbers, such as '5'. Name "
        "the column of the texts."
    )
    with refused(DataError, sentence):
        read_texts(tmp_path / "r.csv", text="stars")


@pytest.mark.parametrize(
    ("name", "place"), [("r.jsonl", "line 1"), ("r.parquet", "row 1")]
)
def test_a_typed_column_of_numbers_is_refused(name, place, tmp_path):
    WRITERS[name](tmp_path / name)
    sentence = (
        f"{name}: expected texts in the column 'stars', got int 5 at {place}. Name the "
        "column of the texts."
    )
    with refused(DataError, sentence):
        read_texts(tmp_path / name, text="stars")


def test_a_gap_is_an_empty_document_and_noted():
    texts = read_texts({"t": ["a", None], "y": [1, None]}, text="t", target="y")
    assert texts.texts == ["a", ""]
    assert texts.labels == [1, None]
    assert texts.notes[0] == "1 of 2 documents is empty (the first: row 2)."
    sentence = (
        "table: expected a label for every text, got none at row 2. Add it, or leave "
        "the text out."
    )
    with refused(DataError, sentence):
        texts.classes()


def test_a_single_class_is_refused():
    texts = Texts(["a", "b"], ["x", "x"], ["1", "2"], "mail", ())
    sentence = "mail: expected at least two classes, got only 'x'. Look at the labels."
    with refused(DataError, sentence):
        texts.classes()


def test_a_csv_of_another_encoding_is_not_guessed(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes("review,stars\nплохо и скучно,1\nхорошо,5\n".encode("cp1251"))
    with pytest.raises(DataError, match=r"^r\.csv: expected UTF-8 text, got the byte"):
        read_texts(path, text="review")
    texts = read_texts(path, text="review", encoding="cp1251")
    assert texts.texts[0] == "плохо и скучно"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            '{"a": "b"}\n{"a": \n',
            "r.jsonl, line 2: expected an object of JSON, got something that cannot be "
            "read (Expecting value at column 7). Mend the line; each is an object of "
            "its own.",
        ),
        (
            '{"a": "b"}\n\n["a"]\n',
            "r.jsonl, line 3: expected an object of JSON, got list. Write each line "
            'like {"text": "..."}.',
        ),
        (
            "[" * 100_000,
            "r.jsonl, line 1: expected an object of texts and numbers, got one nested "
            "too deep. Mend the line.",
        ),
        (
            "\n\n",
            "r.jsonl: expected an object of JSON in each line, got an empty file. Look "
            "at what wrote it.",
        ),
    ],
)
def test_lines_that_are_no_objects_are_refused(content, sentence, tmp_path):
    (tmp_path / "r.jsonl").write_text(content)
    with refused(DataError, sentence):
        read_texts(tmp_path / "r.jsonl", text="a")


def test_a_line_separator_inside_json_does_not_end_a_line(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"t": "a\u2028b\x85c"}, ensure_ascii=False), "utf-8")
    assert read_texts(path, text="t").texts == ["a\u2028b\x85c"]


def test_rows_of_several_keys_have_gaps(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"t": "a"}\n{"u": "b"}\n')
    assert read_texts(path, text="t").texts == ["a", ""]


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "r.parquet").write_bytes(b"PAR1 nothing")
    pattern = r"^r\.parquet: expected a Parquet file, got: .* Write it again, or save"
    with pytest.raises(DataError, match=pattern):
        read_texts(tmp_path / "r.parquet", text="t")


def test_a_parquet_file_that_is_not_there_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "r.parquet"
    sentence = f"{path}: expected a file, got no such file. Look at the path."
    with refused(DataError, sentence):
        read_texts(path, text="t")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    sentence = (
        "r.parquet: expected the library pyarrow, which reads Parquet, got none. "
        "Install it with: pip install 'mica-learn[tables]'."
    )
    with refused(MissingDependencyError, sentence):
        read_texts(tmp_path / "r.parquet", text="t")


def test_texts_are_not_their_own_labels():
    sentence = (
        "read_texts: expected one column of texts and another one of labels, got "
        "'review' for both. Name the column of the labels: target='...'."
    )
    with refused(ConfigError, sentence):
        read_texts({"review": ["a", "b"]}, text="review", target="review")
