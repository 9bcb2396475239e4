"""Reports in a terminal: drawn for a terminal, plain for anything else."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from mica.report import (
    Chart,
    Finding,
    Highlight,
    Highlights,
    Images,
    Mark,
    Matrix,
    Part,
    Report,
    Series,
    Table,
    Text,
)
from mica.view.terminal import print_part

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Stream(io.StringIO):
    """A text stream that says what it can write."""

    encoding = "utf-8"


def console_of(width=80, *, is_terminal=True, stream=None, **options):
    return Console(
        file=stream or Stream(),
        force_terminal=is_terminal,
        width=width,
        highlight=False,
        legacy_windows=False,
        color_system="truecolor" if is_terminal else None,
        **options,
    )


def printed(part: Part, width: int = 80, **options) -> str:
    console = console_of(width, **options)
    print_part(part, console)
    return console.file.getvalue()


def lines_of(part: Part, width: int = 80) -> list[str]:
    text = COLOUR.sub("", printed(part, width))
    return [line.rstrip() for line in text.splitlines()]


CURVE = Series("loss", [1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0])
PARTS: dict[str, Part] = {
    "text": Text("Next", "Words of [red]any[/red] kind."),
    "table": Table("T", ["name", "value"], [["a", 1.5], ["b", 22.25]], "A note."),
    "table without columns": Table("T", [], []),
    "chart": Chart("C", [CURVE], "epoch", marks=[Mark(4, 1.0, "lowest at 4")]),
    "chart of nothing": Chart("C", [Series("s", [1], [None])]),
    "points": Chart("P", [CURVE], kind="points"),
    "log": Chart("L", [CURVE], y_scale="log"),
    "bars": Chart("B", [Series("n", ["cat", "dog"], [3, None])], kind="bars"),
    "matrix": Matrix("M", [[5, -1], [0, 2]], ["a", "b"], ["c", "d"], row_title="r"),
    "large matrix": Matrix("M", np.eye(60), range(60), range(60)),
    "images": Images("I", np.random.rand(3, 8, 8), ["one", "two", "three"]),
    "colours": Images("", [np.random.rand(50, 99, 3)]),
    "no images": Images("None", []),
    "finding": Finding("warning", "dense", "A fact.", "Evidence.", "A remedy."),
    "highlights": Highlights("H", [Highlight("accuracy", 0.98, "best")]),
    "no highlights": Highlights("H", []),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(part, width):
    assert max(len(line) for line in lines_of(part, width)) <= width


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_file_gets_the_plain_text(part):
    assert printed(part, is_terminal=False) == f"{part}\n"


def test_a_stream_that_cannot_write_a_label_gets_a_question_mark():
    class Narrow(Stream):
        encoding = "ascii"

    text = printed(Text("", "猫 and dog"), stream=Narrow(), is_terminal=True)
    assert text == "? and dog\n"


def test_markup_of_rich_is_shown_as_it_is_written():
    assert " Words of [red]any[/red] kind." in lines_of(PARTS["text"])


def test_a_table_is_aligned_and_noted():
    assert lines_of(PARTS["table"]) == [
        " T",
        " name   value",
        " ────────────",
        " a       1.50",
        " b      22.25",
        " A note.",
    ]


def test_a_remark_keeps_its_lines():
    lines = lines_of(Table("", ["a"], [[1]], "first\nsecond"))
    assert lines[-2:] == [" first", " second"]


def test_a_line_falls_from_the_upper_left_to_the_lower_right():
    lines = lines_of(PARTS["chart"], 40)
    assert lines[1] == " ● loss"
    plot = [line.partition("┤")[2] or line.partition("│")[2] for line in lines[2:12]]
    starts = [re.search("[\u2801-\u28ff]", line) for line in plot]
    columns = [found.start() for found in starts if found]
    assert columns == sorted(columns)
    assert columns[0] == 0
    assert lines[12].strip().startswith("└──")
    assert lines[-1] == " lowest at 4"


def test_a_gap_is_not_drawn_over():
    whole = Chart("", [Series("s", [1, 2, 3], [1.0, 1.0, 1.0])])
    broken = Chart("", [Series("s", [1, 2, 3], [1.0, None, 1.0])])
    count = re.compile("[\u2801-\u28ff]")
    assert len(count.findall("".join(lines_of(whole)))) > 30
    assert len(count.findall("".join(lines_of(broken)))) == 2


def test_points_are_not_joined():
    dots = "".join(lines_of(PARTS["points"]))
    assert len(re.findall("[\u2801-\u28ff]", dots)) == 4


def test_bars_are_as_long_as_their_values():
    chart = Chart("", [Series("n", ["a", "b"], [4, 2])], kind="bars")
    first, second = [line.count("━") for line in lines_of(chart)]
    assert second == pytest.approx(first / 2, abs=1)


def test_a_matrix_too_wide_shows_its_largest_cells():
    lines = lines_of(PARTS["large matrix"])
    assert lines[1] == " 60 x 60; the largest:"
    assert lines[4].split() == ["0", "0", "1"]


def test_a_matrix_that_fits_shows_every_cell():
    rows = [line.split() for line in lines_of(PARTS["matrix"])]
    assert rows == [
        ["M"],
        ["c", "d"],
        ["a", "5", "-1"],
        ["b", "0", "2"],
        ["rows:", "r"],
    ]


def test_a_picture_is_two_pixels_in_each_character():
    picture = np.zeros((1, 16, 16), np.uint8)
    picture[0, 0] = 255
    text = printed(Images("", picture))
    assert text.count("▀") == 16 * 8
    assert "38;2;255;255;255" in text


def test_pictures_fill_the_rows_of_a_terminal():
    rows = [line for line in lines_of(PARTS["images"], 42) if "two" in line]
    assert rows[0].split() == ["one", "two"]


def test_without_colours_pictures_are_their_captions():
    console = console_of(no_color=True)
    print_part(PARTS["images"], console)
    text = COLOUR.sub("", console.file.getvalue())
    assert [line.strip() for line in text.splitlines()] == [
        "I",
        "1. one",
        "2. two",
        "3. three",
    ]


def test_a_finding_stands_in_a_box():
    lines = lines_of(PARTS["finding"], 40)
    assert lines[0].startswith(" ╭─ Warning  dense ─")
    assert [line.strip(" │") for line in lines[1:-1]] == [
        "A fact.",
        "Evidence  Evidence.",
        "Remedy    A remedy.",
    ]


def test_sections_have_rules_and_space_between():
    report = Report("Run", [Report("Data", [Text("", "a")]), Text("", "b")], "Today.")
    assert lines_of(report, 20) == [
        "Run ━━━━━━━━━━━━━━━━",
        " Today.",
        "",
        "Data ───────────────",
        "",
        " a",
        "",
        " b",
    ]


def test_showing_in_a_terminal_prints_to_standard_output(capsys):
    Text("Title", "body").show()
    assert capsys.readouterr().out == "Title\nbody\n"


def test_an_unknown_kind_of_part_is_its_text():
    class Sound(Part):
        def __str__(self):
            return "a sound"

    assert lines_of(Sound()) == ["a sound"]
