"""Texts in the main job: opened from where people keep them, learned, asked again."""

import json
import re

import numpy as np
import pytest

import mica
from mica import workflow
from mica.errors import ConfigError, DataError
from mica.report import Report, Text
from mica.workflow.text_network import propose_texts
from mica.workflow.texts import open_texts, reader_for
from tests.russian import BAD, GOOD, write_reviews

ROWS = {"review": ["a good film", "a bad film"] * 20, "stars": [5, 1] * 20}


@pytest.fixture(scope="module")
def russian(tmp_path_factory):
    folder = tmp_path_factory.mktemp("russian")
    path = write_reviews(folder / "отзывы.csv")
    return workflow.train(
        path, "оценка", text="отзыв", epochs=30, runs=folder / "runs", verbose=0
    )


def test_a_dict_of_columns_is_opened():
    task = open_texts(ROWS, text="review", target="stars")
    assert task.is_text
    assert task.label_names == ("1", "5")
    assert (len(task.x_train), len(task.x_test)) == (32, 8)


def test_files_of_the_same_rows_give_the_same_task(tmp_path):
    import pandas

    frame = pandas.DataFrame(ROWS)
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    frame.to_parquet(tmp_path / "reviews.parquet")
    lines = [json.dumps(row) for row in frame.to_dict("records")]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines), encoding="utf-8")
    tasks = [
        open_texts(tmp_path / f"reviews.{suffix}", text="review", target="stars")
        for suffix in ("csv", "parquet", "jsonl")
    ]
    for task in tasks[1:]:
        assert task.x_train.tolist() == tasks[0].x_train.tolist()
        assert task.y_test.tolist() == tasks[0].y_test.tolist()


def test_a_folder_of_class_folders_is_opened(tmp_path):
    for number in range(10):
        for label, words in (("ham", "see you at nine"), ("spam", "win money now")):
            file = tmp_path / "mail" / label / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{words} {number}", encoding="utf-8")
    task = open_texts(tmp_path / "mail")
    assert (task.name, task.label_names) == ("mail", ("ham", "spam"))
    assert set(task.raw_test["file"]) <= {
        f"{label}/{number}.txt" for label in ("ham", "spam") for number in range(10)
    }


def test_test_documents_that_stand_in_the_training_part_are_said():
    task = open_texts(ROWS, text="review", target="stars")
    assert (
        "8 of 8 test documents stand word for word in the training part, too, which "
        "flatters the result."
    ) in task.notes


def test_words_marks_pairs_and_emoji_are_tokens_in_any_script():
    tokens = reader_for(None).tokens_of("Не <b>плохо</b>! 👍🏽 שלום")
    assert tokens[:5] == ["не", "плохо", "!", "👍🏽", "שלום"]
    assert "не плохо" in tokens


def test_the_network_reads_nearly_every_document_whole():
    rows = {"review": ["good " * 100, "bad " * 50] * 20, "stars": [5, 1] * 20}
    task = open_texts(rows, text="review", target="stars")
    proposal = propose_texts(task)
    assert proposal.model.predict(task.x_train[:2]).shape == (2, 2)
    assert proposal.model.layers[0].output_sequence_length == 199  # words and pairs


def test_epochs_are_those_asked_for():
    task = open_texts(ROWS, text="review", target="stars")
    assert propose_texts(task, epochs=3).epochs == 3
    assert propose_texts(task).epochs == 60


def test_russian_reviews_are_learned(russian):
    assert russian.verdict.measure == "test accuracy"
    assert russian.verdict.score >= 0.75
    assert [row[0] for row in russian.verdict.comparison.rows] == [
        "majority class",
        "logistic regression",
        "this network",
    ]


def test_the_worst_mistakes_are_texts_to_read(russian):
    mistakes = russian.verdict.mistakes
    assert isinstance(mistakes, Report)
    shown = [part for part in mistakes.parts[1:] if isinstance(part, Text)]
    assert shown
    assert all(part.body in {*GOOD, *BAD} for part in shown)
    assert all(re.match(r"row \d+: (хорошо|плохо)", part.title) for part in shown)


def test_the_file_alone_reads_texts(russian):
    model = mica.load(russian.folder / "model.mica")
    texts = ["Прекрасный, добрый фильм", "Ужасно скучно и глупо"]
    assert np.array_equal(model.predict(texts), russian.model.predict(texts))
    names = model.preprocessing.decode(model.predict(texts)).tolist()
    assert names == ["хорошо", "плохо"]


def test_a_list_of_texts_is_answered(russian):
    table = workflow.predict(russian.model, ["Прекрасный фильм", "Скучный фильм"])
    assert table.columns == ("row", "prediction", "probability")
    assert [row[1] for row in table.rows] == ["хорошо", "плохо"]


def test_a_table_with_labels_is_answered_and_compared(russian, tmp_path):
    path = write_reviews(tmp_path / "new.csv")
    table = workflow.predict(russian.folder, path)
    assert table.columns == ("row", "prediction", "probability", "truth")
    assert "Right in" in table.note


def test_a_table_without_labels_is_answered(russian, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("отзыв\nПрекрасный фильм\nСкучный фильм\n", encoding="utf-8")
    table = workflow.predict(russian.folder, path)
    assert table.columns == ("row", "prediction", "probability")
    frame = {"отзыв": ["Прекрасный фильм"], "номер": ["1"]}
    assert len(workflow.predict(russian.folder, frame).rows) == 1


def test_a_label_that_was_not_learned_is_not_compared(russian):
    rows = {"отзыв": ["Прекрасно", "Так себе"], "оценка": ["хорошо", "средне"]}
    table = workflow.predict(russian.folder, rows)
    assert [row[-1] for row in table.rows] == ["хорошо", None]
    assert (
        "The label 'средне' was not among those of the training; such rows are not "
        "compared."
    ) in table.note


def test_one_letter_is_one_document(russian, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Прекрасный фильм\nсоветую", encoding="utf-8")
    assert len(workflow.predict(russian.folder, path).rows) == 1


def test_each_file_of_a_folder_is_called_by_its_name(russian, tmp_path):
    for name in ("хорошо/1.txt", "плохо/2.txt"):
        file = tmp_path / "new" / name
        file.parent.mkdir(parents=True)
        file.write_text("Прекрасный фильм", encoding="utf-8")
    table = workflow.predict(russian.folder, tmp_path / "new")
    assert table.columns == ("file", "prediction", "probability", "truth")
    assert [row[0] for row in table.rows] == ["плохо/2.txt", "хорошо/1.txt"]


def test_right_to_left_texts_and_emoji_are_answered(russian):
    texts = ["سرد جميل جدا 😀", "סרט נהדר", "", "🎬"]
    assert len(workflow.predict(russian.model, texts).rows) == 4


def test_a_long_text_is_read_in_part_and_said(russian):
    table = workflow.predict(russian.model, ["Прекрасный фильм " * 2000])
    assert table.note == (
        "1 of 1 documents is longer than 20,000 characters; the rest is not read."
    )


REFUSED = {
    "no texts": ([], "predict: expected at least one text, got none. Bring some."),
    "a sample of numbers": (
        "iris",
        "predict: expected texts as in training, got the sample 'iris' without. Give a "
        "file of texts.",
    ),
    "another column": (
        {"text": ["x"]},
        "table: expected the column 'отзыв' with the texts, got 1 other. Choose from: "
        "text.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_are_no_texts_are_refused(case, russian):
    source, sentence = REFUSED[case]
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        workflow.predict(russian.model, source)


def test_a_table_for_a_model_of_folders_is_refused(tmp_path):
    for label in "ab":
        for number in range(5):
            file = tmp_path / "notes" / label / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(label * 3, encoding="utf-8")
    outcome = workflow.train(
        tmp_path / "notes", epochs=1, runs=tmp_path / "runs", verbose=0
    )
    sentence = (
        "predict: expected texts as in training, a folder or a .txt file, got the "
        "table 'new.csv'. Write each text into a file of its own."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        workflow.predict(outcome.folder, tmp_path / "new.csv")


def test_a_model_that_answers_does_not_write(russian):
    sentence = (
        "generate: expected a model that writes, as `mica train FILE.txt --generate` "
        "makes it, got one that answers. Use `mica predict` (workflow.predict)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        workflow.generate(russian.model, "Однажды")
