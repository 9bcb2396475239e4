"""Figures: drawn with matplotlib, leaving nothing of themselves behind."""

import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from mica.errors import ConfigError
from mica.report import Chart, Images, Mark, Matrix, Report, Series, Table, Text
from mica.view.figures import draw_figure


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


LOSS = Series("loss", [1, 2, 3, 4], [4.0, None, 2.0, 1.0])
CHART = Chart("Loss $x$", [LOSS], "epoch", "nats", marks=[Mark(4, 1.0, "lowest at 4")])
PARTS = {
    "chart": CHART,
    "log": Chart("L", [LOSS], x_scale="log", y_scale="log"),
    "points": Chart(
        "P", [LOSS, Series("l", [1, 4], [1, 4], kind="line")], kind="points"
    ),
    "one point": Chart("O", [Series("s", [1], [1])]),
    "nothing": Chart("N", [Series("s", [1], [None])]),
    "bars": Chart("B", [Series("n", ["a", "b"], [3, -1])], kind="bars"),
    "bars of two": Chart(
        "B", [Series("n", ["a"], [3]), Series("m", ["b"], [None])], "x", kind="bars"
    ),
    "confusion": Matrix("M", np.eye(3), "abc", "abc", is_confusion=True),
    "long names": Matrix("M", [[1, -2]], ["a"], ["first column", "second"]),
    "large matrix": Matrix("M", np.eye(60), range(60), range(60)),
    "images": Images("I", np.random.rand(7, 8, 8), [f"picture {k}" for k in range(7)]),
    "colours": Images("", [np.zeros((9, 5, 3)), np.zeros((4, 4, 4), np.uint8)]),
    "no images": Images("None", []),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_kind_of_picture_is_drawn(part, tmp_path):
    figure = part.plot(tmp_path / "figure.png")
    assert figure.get_size_inches() == pytest.approx([5.0, 3.3])
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_report_is_drawn_two_to_a_row():
    report = Report(
        "R", [Text("", "a"), CHART, Report("", [PARTS["confusion"], CHART])]
    )
    figure = report.plot()
    assert figure.get_size_inches() == pytest.approx([10.0, 6.6])
    assert len(figure.axes) == 3


def test_a_line_has_its_gap_and_its_mark():
    (axes,) = CHART.plot().axes
    values = axes.lines[0].get_ydata()
    assert np.isnan(values).tolist() == [False, True, False, False]
    assert axes.get_title(loc="right") == "lowest at 4"
    assert axes.get_xlabel() == "epoch"
    assert [label.get_text() for label in axes.get_xticklabels()] == list("1234")


def test_dollar_signs_are_not_mathematics():
    (axes,) = CHART.plot().axes
    assert axes.title.get_parse_math() is False
    assert axes.get_title(loc="left") == "Loss $x$"


@pytest.mark.parametrize(
    ("name", "shown"), [("_loss", " _loss"), ("", " "), ("a", "a")]
)
def test_every_line_is_in_the_legend(name, shown):
    (axes,) = Chart("C", [Series(name, [1, 2], [1, 2])]).plot().axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [shown]


def test_the_same_figure_gives_the_same_file(tmp_path):
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        CHART.plot(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_users_settings_neither_matter_nor_change(tmp_path):
    CHART.plot(tmp_path / "before.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False}):
        CHART.plot(tmp_path / "after.svg")
        assert matplotlib.rcParams["font.size"] == 30
        assert matplotlib.rcParams["axes.grid"] is False
    before, after = (tmp_path / "before.svg"), (tmp_path / "after.svg")
    assert before.read_bytes() == after.read_bytes()


def test_pyplot_is_not_even_imported():
    program = (
        "import sys, mica.view\n"
        "from mica.report import Chart, Series\n"
        "Chart('', [Series('s', [1, 2], [1, 2])]).plot()\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("part", "kind"),
    [(Text("", "a"), "Text"), (Report("", [Table("", ["a"], [])]), "Report")],
)
def test_a_part_without_a_picture_is_refused(part, kind):
    sentence = (
        f"plot: expected a chart, a matrix or pictures, got {kind} without any. "
        "Use show() or page(path)."
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        part.plot()


def test_an_unknown_suffix_is_refused(tmp_path):
    path = tmp_path / "figure.pgn"
    known = ", ".join(sorted(draw_figure(CHART).canvas.get_supported_filetypes()))
    sentence = (
        f"plot: expected a file name that ends in one of {known}, "
        f"got {str(path)!r}. Did you mean 'png' or 'pgf'?"
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        CHART.plot(path)
    assert not path.exists()


def test_missing_folders_are_made(tmp_path):
    CHART.plot(tmp_path / "pictures" / "loss.pdf")
    assert (tmp_path / "pictures" / "loss.pdf").exists()


def test_a_notebook_is_given_the_figure_as_a_picture():
    figure = draw_figure(Chart("Loss", [Series("loss", [1, 2], [2.0, 1.0])]))
    assert figure._repr_png_().startswith(b"\x89PNG")
