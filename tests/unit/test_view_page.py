"""The page of HTML: valid, whole in itself, readable by everyone."""

import os
import re

import numpy as np
import pytest

import mica.view
from mica.errors import ConfigError
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
from mica.view.page import notebook_fragment, page_html, write_page
from mica.view.palette import (
    DARK,
    LIGHT,
    SERIES_DARK,
    SERIES_LIGHT,
    SERIES_TERMINAL,
    channels,
)
from mica.view.sections import draw_part
from mica.view.shading import DEEP_SHADE, MIDDLE_SHADE
from tests.html_pages import read_page


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


EPOCHS = list(range(1, 13))
LOSSES = [1 / epoch for epoch in EPOCHS]
CURVE = Series("loss", EPOCHS, LOSSES)
GAPS = Series("val_loss", EPOCHS, [*LOSSES[:4], None, 0.2, None, *LOSSES[7:]])
COUNTS = np.diag([5, 4, 3]) + 1
NAMES = ["cat", "dog", "elephant"]
CONFUSION = Matrix(
    "Confusion",
    COUNTS,
    NAMES,
    NAMES,
    row_title="true",
    column_title="predicted",
    is_confusion=True,
)
PARTS: dict[str, Part] = {
    "text": Text(
        "Next", "Words.\n\n    mica train `x`\n\n- one\n- `two`\n\nMore `code`."
    ),
    "text without a title": Text("", "Words."),
    "table": Table("Table", ["name", "value"], [["a", 1.5], ["b", None]], "A note."),
    "table of one column": Table("", ["name"], [["a"]]),
    "table without rows": Table("Empty", ["name", "value"], []),
    "table without columns": Table("Nothing", [], []),
    "long table": Table("Long", ["n"], [[n] for n in range(1200)]),
    "chart": Chart("Loss", [CURVE, GAPS], "epoch", marks=[Mark(12, 1 / 12, "best")]),
    "chart with a log scale": Chart("Log", [CURVE], "x", "y", y_scale="log"),
    "chart of one point": Chart("", [Series("one", [1], [1])]),
    "chart of nothing": Chart("Nothing", [Series("none", [1, 2], [None, None])]),
    "chart of no point": Chart("Nothing", [Series("none", [], [])]),
    "many values": Chart("Many", [Series("s", range(5000), range(5000))], "step"),
    "points": Chart("Cloud", [Series("s", [1, 2], [2, 1])], "a", "b", kind="points"),
    "points and a line": Chart(
        "Both", [Series("s", [1, 2], [2, 1], kind="points"), CURVE], "a"
    ),
    "bars": Chart("Bars", [Series("n", NAMES, [3, -1, None])], "class", kind="bars"),
    "bars of two": Chart(
        "Two", [Series("n", ["a"], [3]), Series("m", ["b"], [4])], kind="bars"
    ),
    "confusion": CONFUSION,
    "matrix": Matrix("M", [[0.5, -1.0]], ["a"], ["b", "c"], note="A note."),
    "matrix of zeros": Matrix("", [[0]], ["a"], ["b"]),
    "large matrix": Matrix("Large", np.eye(40), range(40), range(40)),
    "images": Images("Pictures", np.random.rand(2, 8, 8), ["one", "two"], "A note."),
    "colours": Images("", [np.zeros((500, 20, 3)), np.zeros((70, 80, 4), np.uint8)]),
    "no images": Images("None", []),
    "finding": Finding("warning", "dense", "A `fact`.", "Evidence.", "A remedy."),
    "bare finding": Finding("good", "", "All is well."),
    "highlights": Highlights(
        "", [Highlight("accuracy", 0.98, "best"), Highlight("n", 1)]
    ),
    "no highlights": Highlights("None", []),
    "section": Report("Section", [Report("Deeper", [Text("Deepest", "Words.")])]),
    "section without a title": Report("", [Table("T", ["a"], [[1]])]),
}


def found(elements, tag, **attributes):
    return [
        element
        for element in elements
        if element.tag == tag
        and all(
            value in (element.attributes.get(name.rstrip("_")) or "").split()
            for name, value in attributes.items()
        )
    ]


@pytest.mark.parametrize(
    "page",
    [
        "<b>",
        "</b>",
        "<b><i></b></i>",
        "<p><div></div></p>",
        '<b id="x"></b><b id="x"></b>',
        '<b id="x" id="y"></b>',
        '<a href="#x"></a>',
        '<a href="https://example.org"></a>',
        '<img src="data:image/png;base64,x">',
        '<img src="picture.png" alt="a">',
        "<script></script>",
        '<b onclick="x"></b>',
        "<style>b{background:url(x)}</style>",
        "<html><h2></h2></html>",
        "<html><h1></h1><h3></h3></html>",
        "<table><tbody><tr><td></td></tr><tr></tr></tbody></table>",
        "<table><thead><tr><th></th></tr></thead></table>",
        "<svg></svg>",
    ],
)
def test_the_reader_of_pages_refuses_what_is_wrong(page):
    with pytest.raises(AssertionError):
        read_page(page)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_part_alone_makes_a_valid_page(part):
    read_page(page_html(part))


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_part_makes_a_valid_cell_of_a_notebook(part):
    read_page(notebook_fragment(part))


def test_all_parts_together_make_a_valid_page_with_contents():
    elements = read_page(
        page_html(Report("Everything", list(PARTS.values()), "Today."))
    )
    links = found(elements, "a")
    assert links[0].text == "To the content"
    assert "Confusion" in [link.text for link in links]
    assert found(elements, "title")[0].text == "Everything"
    assert found(elements, "html")[0].attributes["lang"] == "en"


def test_a_page_of_two_sections_has_no_table_of_contents():
    parts = [Text("One", "a"), Text("Two", "b")]
    assert not found(read_page(page_html(Report("Short", parts))), "nav")


def test_a_browser_is_told_to_load_and_run_nothing():
    metas = found(read_page(page_html(Report("R", []))), "meta")
    policies = [
        meta.attributes["content"]
        for meta in metas
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_the_page_is_light_or_dark_as_the_system_is_and_white_on_paper():
    (style,) = found(read_page(page_html(Report("R", []))), "style")
    assert "@media screen and (prefers-color-scheme:dark)" in style.text
    assert "@media print" in style.text
    assert style.text.count("{") == style.text.count("}")


def test_the_same_report_gives_the_same_bytes():
    report = Report("R", list(PARTS.values()))
    assert page_html(report) == page_html(report)


def test_a_run_with_curves_and_pictures_stays_light():
    report = Report("R", [PARTS["chart"], CONFUSION, PARTS["images"]])
    assert len(page_html(report)) < 60_000


def test_charts_stand_side_by_side_and_tables_too():
    chart, table = PARTS["chart"], PARTS["table"]
    elements = read_page(page_html(Report("R", [chart, chart, table, table, chart])))
    assert len(found(elements, "div", class_="row")) == 1
    assert len(found(elements, "div", class_="beside")) == 1
    assert len(found(elements, "section", class_="chart")) == 3


def test_a_chart_tells_its_values_to_those_who_cannot_see_it():
    elements = read_page(page_html(PARTS["chart"]))
    (plot,) = found(elements, "div", role="img")
    assert "loss: 1 to 0.08333 over epoch 1 to 12" in plot.attributes["aria-label"]
    (details,) = found(elements, "details")
    assert "0.3333" in details.text


def test_a_gap_is_left_open_and_named():
    elements = read_page(page_html(PARTS["chart"]))
    lines = [
        e for e in found(elements, "path") if "svg" in e.parents and "main" in e.parents
    ]
    assert lines[0].attributes["d"].count("M") == 1
    assert lines[1].attributes["d"].count("M") == 2
    remarks = [e.text for e in found(elements, "p", class_="remark")]
    assert remarks == ["val_loss has no value to draw at epoch 5, 7."]


def test_a_point_between_gaps_is_a_dot():
    elements = read_page(page_html(PARTS["chart"]))
    lines = found(elements, "g", class_="line")
    assert [len([c for c in line.children if c.tag == "circle"]) for line in lines] == [
        0,
        1,
    ]


def test_zero_on_a_log_scale_is_a_gap_and_named():
    chart = Chart("C", [Series("s", [1, 2], [0.0, 1.0])], y_scale="log")
    remarks = found(read_page(page_html(chart)), "p", class_="remark")
    assert remarks[0].text == "s has no value to draw at x 1."


def test_hovering_shows_each_value_without_a_script():
    elements = read_page(page_html(PARTS["chart"]))
    (stops,) = found(elements, "g", class_="stops")
    assert len(stops.children) == 12
    assert "epoch 3" in stops.children[2].text
    assert "val_loss 0.3333" in stops.children[2].text
    assert "val_loss" not in stops.children[4].text


def test_many_values_are_drawn_in_few_points():
    text = page_html(PARTS["many values"])
    assert len(text) < 120_000
    assert "Each 25th value of 5,000." in text


def test_a_value_of_the_table_is_aligned_by_kind():
    elements = read_page(page_html(PARTS["table"]))
    assert [e.text for e in found(elements, "td", class_="number")] == ["1.5", "-"]
    assert [e.text for e in found(elements, "th", scope="row")] == ["a", "b"]


def test_a_remark_keeps_its_lines():
    page = page_html(Table("T", ["a"], [[1]], "first\n`second`"))
    assert '<p class="remark">first<br><code>second</code></p>' in page


def test_rows_beyond_a_thousand_are_counted_not_shown():
    text = page_html(PARTS["long table"])
    assert "200 more rows are not shown." in text
    assert '<td class="number">999</td>' in text
    assert '<td class="number">1000</td>' not in text


def test_the_diagonal_and_mistakes_are_coloured_apart():
    elements = read_page(page_html(CONFUSION))
    cells = [e for e in found(elements, "td") if e.attributes.get("title")]
    assert cells[0].attributes["title"] == "true cat, predicted cat: 6"
    assert cells[0].attributes["style"] == "--v:0.75"
    assert cells[0].attributes["class"] == "middle"
    assert cells[1].attributes["class"] == "minus"


def test_a_large_matrix_is_a_picture_with_its_largest_cells():
    elements = read_page(page_html(PARTS["large matrix"]))
    (image,) = found(elements, "img")
    assert image.attributes["alt"] == "Large, 40 x 40 cells shaded by size"
    assert len(found(elements, "tr")) == 11


def test_pictures_have_their_captions_as_alternative_text():
    images = found(read_page(page_html(PARTS["images"])), "img")
    assert [image.attributes["alt"] for image in images] == ["one", "two"]
    bare = found(read_page(page_html(PARTS["colours"])), "img")
    assert bare[1].attributes["alt"] == "picture 2 of 2"


@pytest.mark.parametrize("severity", ["good", "note", "warning", "problem"])
def test_a_severity_is_said_in_words(severity):
    elements = read_page(page_html(Finding(severity, "x", "y")))
    assert found(elements, "p", class_="what")[0].text.endswith(f"{severity.title()} x")


def test_a_new_kind_of_part_is_refused_until_it_has_a_drawing():
    class Sound(Part):
        pass

    sentence = (
        "view: expected a part of mica.report, got Sound. Build it from Text, Table, "
        "Chart, Matrix, Images, Finding or Report."
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        draw_part(Sound(), 2)


def test_the_page_is_written_with_its_folders(tmp_path):
    path = Report("R", []).page(tmp_path / "runs" / "one" / "report.html")
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>\n")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_is_refused_as_a_page(tmp_path):
    sentence = (
        f"page: expected the name of a file, got the folder {str(tmp_path)!r}. "
        'Add a name, such as "report.html".'
    )
    with pytest.raises(ConfigError, match=exactly(sentence)):
        Report("R", []).page(tmp_path)


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_page(Report("R", []), path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_importing_view_installs_the_renderer():
    assert mica.view.ViewRenderer.__name__ == "ViewRenderer"
    assert "<h3>R</h3>" in Report("R", [])._repr_html_()


def luminance(colour):
    shares = [value / 255 for value in colour]
    red, green, blue = [
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4
        for share in shares
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2: relative luminances' ratio, 1 to 21."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "card"])
@pytest.mark.parametrize(
    "word", ["ink", "soft", "accent", "good", "note", "warning", "problem"]
)
def test_words_stand_out_from_their_ground(theme, ground, word):
    assert contrast(channels(theme[word]), channels(theme[ground])) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_zero_stands_out_from_its_cell(theme):
    assert contrast(channels(theme["faint"]), channels(theme["grid"])) >= 4.5


@pytest.mark.parametrize(
    ("theme", "colours"),
    [(LIGHT, SERIES_LIGHT), (DARK, SERIES_DARK)],
    ids=["light", "dark"],
)
@pytest.mark.parametrize("index", range(8))
def test_lines_stand_out_from_their_ground(theme, colours, index):
    assert contrast(channels(colours[index]), channels(theme["card"])) >= 3


@pytest.mark.parametrize("colour", SERIES_TERMINAL)
@pytest.mark.parametrize("ground", ["#ffffff", "#000000"])
def test_lines_stand_out_in_any_terminal(colour, ground):
    assert contrast(channels(colour), channels(ground)) >= 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("colour", ["right", "wrong"])
@pytest.mark.parametrize("percent", range(0, 101, 2))
def test_words_stand_out_in_cells_of_every_shade(theme, colour, percent):
    shade = percent / 100
    ink = "on_faint"
    ink = "on_middle" if shade > MIDDLE_SHADE else ink
    ink = "on_deep" if shade > DEEP_SHADE else ink
    cell = [
        shade * above + (1 - shade) * below
        for above, below in zip(
            channels(theme[colour]), channels(theme["ground"]), strict=True
        )
    ]
    assert contrast(channels(theme[ink]), cell) >= 4.5
