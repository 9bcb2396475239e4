"""Labels that attack, values that overflow, runs that broke: a report survives."""

import io
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
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
from mica.view.page import notebook_fragment, page_html
from mica.view.terminal import print_part
from tests.html_pages import read_page

ATTACKS = {
    "script": "<script>alert(1)</script>",
    "closing": '"></title></style></td><script>alert(1)</script>',
    "image": "<img src=x onerror=alert(1)>",
    "quotes": "' onmouseover='alert(1)' \" onload=\"alert(1)",
    "entity": "&lt;script&gt; &amp; &#60;",
    "address": "javascript:alert(1)",
    "comment": "<!-- --><![CDATA[ ]]>",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "direction": "\u202egnp.exe\u2066",
    "surrogate": "\ud800 alone",
    "nul": "a\x00b",
    "lines": "one\r\n\r\ntwo\n\n    code",
    "markup": "[bold red]rich[/] [link=file:///etc]x[/link]",
    "backticks": "`<b>` and `",
    "braces": "{0} {x!r} %s %(y)s $x^2$ \\frac{",
    "long": "x" * 5000,
    "emoji": "👩‍🔬🇨🇭 ö ﷽",
    "empty": "",
    "blank": " \t\n ",
}


def everything_named(name: str) -> Report:
    line = Series(name, [1, 2], [1.0, 2.0])
    parts: list[Part] = [
        Text(name, name),
        Table(name, [name, name], [[name, 1], [name, name]], name),
        Chart(name, [line, line], name, name, marks=[Mark(1, 1.0, name)], note=name),
        Chart(name, [line], kind="points"),
        Chart(name, [Series(name, [name], [1])], name, name, kind="bars"),
        Matrix(
            name,
            [[1, 2], [3, 4]],
            [name, name],
            [name, name],
            row_title=name,
            column_title=name,
            is_confusion=True,
        ),
        Matrix(name, np.eye(40), [name] * 40, [name] * 40),
        Images(name, np.zeros((1, 4, 4)), [name]),
        Finding("problem", name, name, name, name),
        Highlights(name, [Highlight(name, name, name)]),
    ]
    return Report(name, [Report(name, parts), *parts], name)


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
def test_a_hostile_name_is_shown_and_never_obeyed_by_a_page(name):
    page = page_html(everything_named(name))
    elements = read_page(page)
    page.encode("utf-8")
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    shown = {" ".join(element.text.split()) for element in elements}
    safe = re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "?", name)
    safe = re.sub("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "?", safe)
    assert " ".join(safe.split()) in shown


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
def test_a_hostile_name_is_shown_and_never_obeyed_by_a_notebook(name):
    read_page(notebook_fragment(everything_named(name)))


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "file"])
def test_a_hostile_name_is_shown_and_never_obeyed_by_a_terminal(name, is_terminal):
    class Stream(io.StringIO):
        encoding = "utf-8"

    console = Console(
        file=Stream(), force_terminal=is_terminal, width=80, color_system="truecolor"
    )
    print_part(everything_named(name), console)
    text = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", text)
    text.encode("utf-8")


@pytest.mark.parametrize("name", ATTACKS.values(), ids=ATTACKS)
def test_a_hostile_name_does_not_stop_a_figure(name):
    line = Series(name, [1, 2], [1.0, 2.0])
    report = Report(
        name,
        [
            Chart(
                name, [line], name[:100], name[:100], marks=[Mark(1, 1.0, name[:100])]
            ),
            Matrix(name, [[1]], [name[:100]], [name[:100]]),
            Images(name, np.zeros((1, 4, 4)), [name]),
        ],
    )
    assert len(report.plot().axes) == 3


EXTREMES = {
    "huge": [1e308, -1e308, 0.0],
    "largest": [1.7976931348623157e308, -1.7976931348623157e308],
    "tiny": [5e-324, 0.0, -5e-324],
    "apart": [1e-300, 1e300],
    "neighbours": [1.0, np.nextafter(1.0, 2.0)],
    "infinite": [math.inf, -math.inf, 1.0],
    "not a number": [math.nan, math.nan],
    "integers": [10**30, -(10**30)],
    "one": [3.0],
    "none": [],
}


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("values", EXTREMES.values(), ids=EXTREMES)
def test_a_broken_run_can_still_be_looked_at(values, scale):
    series = [Series("s", range(len(values)), values), Series("t", values, values)]
    chart = Chart("C", series, y_scale=scale, x_scale=scale)
    bars = Chart("B", [Series("n", [str(v) for v in values], values)], kind="bars")
    report = Report("R", [chart, bars, Table("", ["v"], [[v] for v in values])])
    read_page(page_html(report))
    assert str(report)

    class Stream(io.StringIO):
        encoding = "utf-8"

    print_part(report, Console(file=Stream(), force_terminal=True, width=60))


@pytest.mark.parametrize("values", EXTREMES.values(), ids=EXTREMES)
def test_extreme_numbers_fit_a_matrix_and_a_picture(values):
    if not values:
        values = [0.0]
    numbers = np.array([values], np.float64)
    parts: list[Part] = [
        Matrix("M", numbers, ["row"], range(len(values))),
        Matrix("C", np.diag(values), values, values, is_confusion=True),
        Images("I", numbers[None]),
    ]
    with np.errstate(all="raise", under="ignore"):
        read_page(page_html(Report("R", parts)))


words = some.text(max_size=12)
cells = some.one_of(
    words, some.floats(), some.integers(), some.none(), some.booleans(), some.binary()
)


@settings(max_examples=60)
@given(words, some.lists(some.lists(cells, min_size=2, max_size=2), max_size=4))
def test_any_table_makes_a_valid_page_and_aligned_text(title, rows):
    table = Table(title, [title, "value"], rows, title)
    page = page_html(table)
    page.encode("utf-8")
    read_page(page)
    assert "\x1b" not in str(table)


@settings(max_examples=60)
@given(some.lists(some.tuples(some.floats(), some.floats()), max_size=30))
def test_any_series_makes_a_valid_page(points):
    series = Series("s", [x for x, _ in points], [y for _, y in points])
    for scale in ("linear", "log"):
        read_page(page_html(Chart("C", [series], y_scale=scale)))


def test_a_deep_report_is_drawn_whole():
    report = Report("R", [Text("", "the end")])
    for level in range(40):
        report = Report(f"Level {level}", [report])
    assert "the end" in page_html(report)
    assert "the end" in str(report)


def test_a_wide_table_and_a_long_series_stay_within_bounds():
    table = Table("Wide", [f"c{k}" for k in range(300)], [list(range(300))] * 3)
    chart = Chart("Long", [Series("s", range(200_000), np.random.rand(200_000))])
    assert len(page_html(Report("R", [table, chart]))) < 250_000
