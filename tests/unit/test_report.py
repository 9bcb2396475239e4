"""Parts of a report: what they hold, how they read as text, what they refuse."""

import math
import re

import numpy as np
import pytest

from mica.errors import ConfigError, DataError, MicaError, ShapeError, StateError
from mica.report import (
    Chart,
    Finding,
    Highlight,
    Highlights,
    Images,
    Mark,
    Matrix,
    Report,
    Series,
    Table,
    Text,
    display_width,
    format_column,
    format_value,
    install_renderer,
    is_numeric,
    one_line,
    printable,
)


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10,000"),
        (-1_234_567, "-1,234,567"),
        (np.int64(93_322), "93,322"),
        (0.0, "0"),
        (1.0, "1"),
        (0.98611, "0.9861"),
        (np.float32(0.5), "0.5"),
        (-0.00012345, "-0.0001234"),
        (0.00001, "1e-05"),
        (123456.7, "123,457"),
        (12345678.9, "1.235e+07"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (True, "yes"),
        (np.bool_(False), "no"),
        (None, "-"),
        ("two\nlines", "two lines"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_a_value_is_written_with_four_significant_digits(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, 0.98], ["1.00", "0.98"]),
        ([1.0, 0.98611], ["1.0000", "0.9861"]),
        ([10.334, 2.5264], ["10.33", "2.53"]),
        ([1.5, 3, None], ["1.5", "3", "-"]),
        ([0.5, math.nan], ["0.5", "nan"]),
        ([250.0, 0.00123], ["250", "0.00123"]),
        ([1e-9, 2e-9], ["1e-09", "2e-09"]),
        ([12345.5, 20000.25], ["12,346", "20,000"]),
        (["a", "b"], ["a", "b"]),
        ([], []),
    ],
)
def test_a_column_of_like_numbers_shares_its_decimal_places(values, texts):
    assert format_column(values) == texts


def test_empty_cells_do_not_decide_whether_a_column_is_numeric():
    assert is_numeric([None, 1])
    assert not is_numeric([None])
    assert not is_numeric([1, "one"])
    assert not is_numeric([True])


def test_control_characters_and_direction_overrides_become_question_marks():
    assert printable("\x1b[31m\x00\x85\u202e\ud800") == "?[31m????"
    assert printable("a\tb\r\nc") == "a   b\nc"
    assert one_line("  a \n\n b ") == "a b"


def test_wide_and_combining_characters_count_their_columns():
    assert display_width("猫dog") == 5
    assert display_width("e\u0301") == 1


def test_a_text_breaks_its_lines_and_keeps_its_commands():
    text = Text("Next", "word " * 30 + "\n\n    mica train digits --epochs 60\n- item")
    lines = str(text).splitlines()
    assert lines[0] == "Next"
    assert max(len(line) for line in lines) <= 80
    assert "    mica train digits --epochs 60" in lines
    assert lines[-1] == "- item"


def test_a_table_aligns_words_left_and_numbers_right():
    table = Table("Title", ["名前", "value"], [["猫", 1.5], ["dog", 22.25]], "A note.")
    assert str(table) == (
        "Title\n名前  value\n----  -----\n猫     1.50\ndog   22.25\nA note."
    )


def test_a_table_without_rows_says_so():
    assert str(Table("Empty", ["a"], [])) == "Empty\na\n-\n(no rows)"


def test_a_table_without_columns_is_its_title():
    assert str(Table("Empty", [], [], "A note.")) == "Empty\n(no rows)\nA note."


def test_a_table_refuses_a_row_of_another_length():
    sentence = (
        "Table 'T': expected 2 values in each row, got 3 in row 1. "
        "Give None for an empty cell."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        Table("T", ["a", "b"], [[1, 2], [1, 2, 3]])


def test_a_part_cannot_be_changed_through_what_it_was_made_of():
    row, rows = [1, 2], []
    rows.append(row)
    table = Table("", ["a", "b"], rows)
    row.append(3)
    rows.append([4, 5])
    assert table.rows == ((1, 2),)


def test_equal_parts_are_equal():
    assert Table("", ["a"], [[1]]) == Table("", ("a",), ((1,),))
    assert Series("s", [1], [2.0]) == Series("s", np.array([1]), np.array([2.0]))


def test_a_series_refuses_lengths_that_differ():
    sentence = (
        "Series 'loss': expected x and y of one length, got 2 and 1. "
        "Give one y for each x."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Series("loss", [1, 2], [0.5])


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_series_refuses_what_is_no_number(axis):
    sentence = (
        f"Series 'loss': expected numbers in {axis}, got [1]. "
        "Give numbers, or None for a gap."
    )
    values = {"x": [1], "y": [1]} | {axis: [[1]]}
    with pytest.raises(DataError, match=exactly(sentence)):
        Series("loss", **values)


def test_a_series_refuses_an_unknown_kind():
    sentence = (
        "Series 's': expected kind to be one of line, points, got 'lines'. "
        "Did you mean 'line'?"
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        Series("s", [1], [1], kind="lines")


def test_a_series_gives_the_points_that_can_be_drawn():
    series = Series("s", [1, 2, 3, None], [1.0, None, math.inf, 4.0])
    assert series.points() == [(1.0, 1.0)]
    assert not series.has_words
    assert Series("s", ["a"], [1]).has_words


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("kind", "bar", "Did you mean 'bars'?"),
        ("x_scale", "logarithmic", "Choose from: linear, log."),
        ("y_scale", "Log", "Did you mean 'log'?"),
    ],
)
def test_a_chart_refuses_an_unknown_setting(setting, value, advice):
    known = "line, points, bars" if setting == "kind" else "linear, log"
    sentence = (
        f"Chart 'C': expected {setting} to be one of {known}, got {value!r}. {advice}"
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        Chart("C", [Series("s", [1], [1])], **{setting: value})


def test_a_chart_refuses_to_be_empty():
    sentence = (
        "Chart 'C': expected at least one series, got none. Give what is to be drawn."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Chart("C", [])


def test_a_chart_of_lines_refuses_words_as_positions():
    sentence = (
        "Chart 'C': expected numbers as x of 's', got words. "
        'Give numbers, or kind="bars".'
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Chart("C", [Series("s", ["a"], [1])])


def test_a_chart_of_lines_reads_as_a_summary_with_its_gaps_counted():
    chart = Chart(
        "Loss",
        [Series("loss", [1, 2, 3], [0.9, None, 0.3]), Series("one", [1], [2])],
        "epoch",
        marks=[Mark(3, 0.3, "best at 3")],
    )
    assert str(chart) == (
        "Loss\n"
        "loss: 0.9 to 0.3 over epoch 1 to 3, lowest 0.3 at 3, highest 0.9 at 1, "
        "1 not finite\n"
        "one: 2 at epoch 1\n"
        "best at 3"
    )


def test_a_series_without_a_finite_value_says_so():
    assert str(Chart("", [Series("s", [1], [math.nan])])) == (
        "s: no finite value, 1 not finite"
    )


def test_a_chart_of_bars_reads_as_a_table():
    series = [Series("train", ["cat", "dog"], [3, 5]), Series("test", ["dog"], [2])]
    assert str(Chart("Count", series, "class", kind="bars")).splitlines() == [
        "Count",
        "class  train  test",
        "-----  -----  ----",
        "cat        3     -",
        "dog        5     2",
    ]


def test_a_matrix_names_its_sides():
    matrix = Matrix(
        "M", [[1.0, -0.25]], ["a"], ["b", "c"], row_title="r", column_title="c"
    )
    assert str(matrix).splitlines() == [
        "M",
        "      b      c",
        "-  ----  -----",
        "a  1.00  -0.25",
        "rows are r, columns are c",
    ]


def test_a_large_matrix_reads_as_its_largest_cells():
    counts = np.diag(np.full(30, 9))
    counts[3, 7] = 4
    names = range(30)
    text = str(Matrix("M", counts, names, names, is_confusion=True))
    assert text.splitlines() == [
        "M",
        "30 x 30; the largest off its diagonal:",
        "row  column  value",
        "---  ------  -----",
        "3    7           4",
    ]
    plain = str(Matrix("M", counts, names, names))
    assert plain.splitlines()[1] == "30 x 30; the largest:"


@pytest.mark.parametrize(
    ("values", "got"),
    [([[1, 2], [3, 4]], "2 rows of 2"), ([[1, 2], [1]], "2 rows of 1 or 2")],
)
def test_a_matrix_refuses_labels_that_do_not_fit(values, got):
    sentence = (
        f"Matrix 'M': expected values of shape (1, 2) for its labels, got {got}. "
        "Give one label for each row and each column."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        Matrix("M", values, ["a"], ["b", "c"])


def test_a_matrix_refuses_to_be_empty():
    sentence = (
        "Matrix 'M': expected at least one row and one column, got 0 and 0. "
        "Give what is to be shown."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Matrix("M", [], [], [])


def test_a_confusion_matrix_must_be_square():
    sentence = (
        "Matrix 'M': expected as many rows as columns in a confusion matrix, "
        "got 1 and 2. Give is_confusion=False."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        Matrix("M", [[1, 2]], ["a"], ["b", "c"], is_confusion=True)


def test_a_matrix_refuses_what_is_no_number():
    sentence = "Matrix 'M': expected numbers, got 'x'. Give NaN for an empty cell."
    with pytest.raises(DataError, match=exactly(sentence)):
        Matrix("M", [["x"]], ["a"], ["b"])


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 8, 8, 1), (2, 8, 8, 3), (2, 8, 8, 4)])
def test_images_accept_grey_colours_and_opacity(shape):
    images = Images("I", np.zeros(shape), ["a", "b"])
    assert len(images.images) == 2
    assert "2 pictures of 8 x 8 pixels" in str(images)


def test_images_may_differ_in_size():
    text = str(Images("", [np.zeros((2, 3)), np.zeros((4, 5, 3))]))
    assert text == "2 pictures"


def test_images_are_a_copy_nobody_can_write_to():
    source = np.zeros((1, 2, 2))
    images = Images("", source)
    source[:] = 1
    assert images.images[0].max() == 0
    with pytest.raises(ValueError, match="read-only"):
        images.images[0][0, 0] = 1


def test_images_refuse_another_number_of_captions():
    sentence = (
        "Images 'I': expected one caption for each of 2 pictures, got 1. "
        "Give as many captions, or none."
    )
    with pytest.raises(ShapeError, match=exactly(sentence)):
        Images("I", np.zeros((2, 4, 4)), ["a"])


@pytest.mark.parametrize("shape", [(4,), (3, 4, 4), (4, 4, 4, 4)])
def test_images_refuse_another_shape(shape):
    sentence = (
        "Images 'I': expected pictures of shape (height, width) or (height, width, "
        f"1 | 3 | 4), got {shape}. Put the channels last."
    )
    if shape == (3, 4, 4):  # its last axis could be the channels
        shape = (3, 4, 2)
        sentence = sentence.replace("(3, 4, 4)", "(3, 4, 2)")
    with pytest.raises(ShapeError, match=exactly(sentence)):
        Images("I", np.zeros((1, *shape)))


def test_images_refuse_words():
    sentence = (
        "Images 'I': expected numbers in its pictures, got <U1. "
        "Give integers or floats."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Images("I", [np.array([["a"]])])


def test_images_refuse_a_picture_without_pixels():
    sentence = (
        "Images 'I': expected pictures with pixels, got shape (0, 4). "
        "Leave empty pictures out."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        Images("I", np.zeros((1, 0, 4)))


def test_a_finding_reads_as_fact_evidence_and_remedy():
    finding = Finding("problem", "dense", "It is dead.", "All are 0.", "Lower it.")
    assert str(finding) == (
        "[problem] dense: It is dead.\n  Evidence: All are 0.\n  Remedy: Lower it."
    )
    assert str(Finding("good", "", "It learns.")) == "[good] It learns."


@pytest.mark.parametrize(
    ("where", "named"), [("dense", "Finding 'dense'"), ("", "Finding")]
)
def test_a_finding_refuses_an_unknown_severity(where, named):
    sentence = (
        f"{named}: expected severity to be one of good, note, warning, problem, "
        "got 'warn'. Did you mean 'warning'?"
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        Finding("warn", where, "It is dead.")


def test_highlights_stand_in_columns():
    items = [Highlight("accuracy", 0.98611, "best"), Highlight("parameters", 93_322)]
    assert str(Highlights("Numbers", items)).splitlines() == [
        "Numbers",
        "accuracy    0.9861  best",
        "parameters  93,322",
    ]
    assert str(Highlights("", [])) == ""


def test_a_report_underlines_its_sections():
    inner = Report("Inner", [Text("", "b")], note="Of today.")
    report = Report("Outer", [Text("", "a"), inner])
    assert str(report) == "Outer\n=====\n\na\n\nInner\n-----\nOf today.\n\nb"
    assert str(Report("", [Text("", "a")])) == "a"


def test_a_report_walks_through_its_sections_in_reading_order():
    parts = [Text("", letter) for letter in "abc"]
    report = Report("", [parts[0], Report("", [Report("", [parts[1]])]), parts[2]])
    assert list(report.walk()) == parts


def test_a_report_refuses_what_is_no_part():
    sentence = (
        "Report 'R': expected parts of mica.report, got dict. Wrap it in Text, "
        "Table, Chart, Matrix, Images or Finding."
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        Report("R", [{"accuracy": 0.9}])


@pytest.fixture
def no_renderer():
    before = install_renderer(None)
    yield
    install_renderer(before)


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_showing_prints_plain_text(capsys):
    Text("Title", "body").show()
    assert capsys.readouterr().out == "Title\nbody\n"
    assert Text("", "body")._repr_html_() is None


@pytest.mark.usefixtures("no_renderer")
@pytest.mark.parametrize("method", ["plot", "page"])
def test_without_a_renderer_drawing_says_what_to_import(method, tmp_path):
    sentence = (
        f"report.{method}: expected a renderer to be installed, got none. "
        "Do `import mica.view` first."
    )
    with pytest.raises(StateError, match=exactly(sentence)):
        getattr(Text("", "body"), method)(tmp_path / "file")


def test_installing_a_renderer_gives_back_the_one_before(no_renderer):
    class Renderer:
        def fragment(self, part):
            return f"<b>{part.body}</b>"

    renderer = Renderer()
    assert install_renderer(renderer) is None
    assert Text("", "x")._repr_html_() == "<b>x</b>"
    assert install_renderer(None) is renderer


def test_every_refusal_is_a_mica_error_and_a_value_error():
    with pytest.raises(ValueError, match="Chart") as caught:
        Chart("C", [])
    assert isinstance(caught.value, MicaError)


def test_a_table_too_wide_for_a_terminal_breaks_the_names_of_its_columns():
    columns = ["a"] * 20 + ["attain\u00adable ms", "FLOP/byte", "a long name of it"]
    rows = [["12345"] * 20 + ["1.2345", "12", "1234567"]]
    lines = str(Table("", columns, rows)).splitlines()
    assert lines[0].split() == ["a", "long"]
    assert lines[1].split() == ["attain-", "FLOP/", "name", "of"]
    assert lines[2].split()[-4:] == ["able", "ms", "byte", "it"]
    assert lines[3].split()[-3:] == ["-------", "-----", "-------"]


def test_a_soft_hyphen_is_not_seen_where_nothing_is_broken():
    assert str(Table("", ["effi\u00adciency"], [["1"]])).startswith("efficiency\n")
