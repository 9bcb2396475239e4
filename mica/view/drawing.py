"""Charts as SVG that stretches: lines scale with the page, words and dots do not.

The plot's inner SVG is stretched to its box, strokes excepted, and everything else
is placed by percentages, so that one drawing reads well at any width. Hovering
shows the values by style alone: there is no script.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mica.report import Chart, Series, format_value, one_line
from mica.view.axis import Axis, make_axis
from mica.view.markup import Markup, element, join

__all__ = ["draw_bars", "draw_chart", "legend", "thin"]

CANVAS = 1000  # units of the stretched drawing, both ways
MOST_POINTS = 600  # of a line: two for each pixel of a small screen
MOST_DOTS = 1500  # of a cloud of points, about 100 bytes each
MOST_STOPS = 80  # positions where hovering shows values
CHARACTER_WIDTH = 6.8  # pixels of a digit at the tip's 12-pixel size
NUM_COLOURS = 8


def legend(series: Sequence[Series]) -> Markup:
    """Give the names of the lines beside their colours.

    Args:
        series: The lines.

    Example:
        >>> legend([Series("loss", [1], [2])])
        '<ul class="legend"><li class="c1"><i></i>loss</li></ul>'
    """
    items = [
        element("li", element("i"), one_line(line.name), class_=f"c{_colour(k)}")
        for k, line in enumerate(series)
    ]
    return element("ul", *items, class_="legend")


def _colour(index: int) -> int:
    return index % NUM_COLOURS + 1


def draw_chart(chart: Chart) -> Markup:
    """Draw lines and points over their axes.

    Args:
        chart: Of kind "line" or "points".

    Example:
        >>> drawing = draw_chart(Chart("", [Series("loss", [1, 2], [2.0, 1.0])]))
        >>> drawing.startswith('<div class="plot"')
        True
    """
    points = [line.points() for line in chart.series]
    x_values = [x for line in points for x, _ in line]
    y_values = [y for line in points for _, y in line]
    has_dots = any(_kind(chart, line) == "points" for line in chart.series)
    x_axis = make_axis(x_values, scale=chart.x_scale, num_ticks=7, has_margin=has_dots)
    y_axis = make_axis(y_values, scale=chart.y_scale, has_margin=True)
    shapes = [
        _dots(line, x_axis, y_axis, _colour(k))
        if _kind(chart, line) == "points"
        else _line(line, x_axis, y_axis, _colour(k))
        for k, line in enumerate(chart.series)
    ]
    stops = join() if has_dots else _stops(chart, x_axis, y_axis)
    drawing = element(
        "svg",
        _grid(x_axis, y_axis),
        *shapes,
        _marks(chart, x_axis, y_axis),
        stops,
        width="100%",
        height="100%",
        aria_hidden="true",
    )
    widest = max((len(label) for label in y_axis.labels), default=1)
    rows = len(chart.marks)
    style = f"--left:{widest * 7 + 14}px;--top:{rows * 16 + 10}px"
    return element(
        "div",
        drawing,
        class_="plot",
        role="img",
        style=style,
        aria_label=one_line(chart).strip() or "chart",
    )


def _kind(chart: Chart, line: Series) -> str:
    return line.kind or chart.kind


def _percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def _down(axis: Axis, value: float) -> str:
    """A height on the screen, where down is more."""
    return _percent(1 - axis.place(value))


def _grid(x_axis: Axis, y_axis: Axis) -> Markup:
    parts = []
    for tick, label in zip(y_axis.ticks, y_axis.labels, strict=True):
        y = _down(y_axis, tick)
        parts.append(element("line", x1="0", x2="100%", y1=y, y2=y))
        parts.append(element("text", label, x="0", y=y, dx="-8", dy="4", class_="left"))
    parts.append(
        element("line", x1="0", x2="100%", y1="100%", y2="100%", class_="axis")
    )
    for tick, label in zip(x_axis.ticks, x_axis.labels, strict=True):
        x = _percent(x_axis.place(tick))
        parts.append(element("text", label, x=x, y="100%", dy="18"))
    return element("g", *parts, class_="grid")


def _canvas(*shapes: Markup) -> Markup:
    return element(
        "svg",
        *shapes,
        viewBox=f"0 0 {CANVAS} {CANVAS}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def _line(line: Series, x_axis: Axis, y_axis: Axis, colour: int) -> Markup:
    """One path with a gap wherever a value has no place; lone points as dots."""
    commands, lone = [], []
    for run in _runs(line, x_axis, y_axis):
        if len(run) == 1:
            lone.append(run[0])
            continue
        places = [
            f"{CANVAS * x_axis.place(x):.1f} {CANVAS * (1 - y_axis.place(y)):.1f}"
            for x, y in thin(run, MOST_POINTS)
        ]
        commands.append("M" + "L".join(places))
    path = _canvas(element("path", d="".join(commands))) if commands else join()
    dots = [
        element("circle", cx=_percent(x_axis.place(x)), cy=_down(y_axis, y), r="3.5")
        for x, y in lone
    ]
    return element("g", path, *dots, class_=f"line c{colour}")


def _runs(line: Series, x_axis: Axis, y_axis: Axis) -> list[list[tuple[float, float]]]:
    """The line's pieces between its gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(line.x, line.y, strict=True):
        if x_axis.shows(x) and y_axis.shows(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def thin(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Give fewer points of a line, the lowest and highest of each stretch kept.

    Args:
        points: The line's points in order.
        most: How many to keep, about.

    Example:
        >>> spike = [(x, float(x == 500)) for x in range(1000)]
        >>> len(thin(spike, 100)) <= 100, max(y for _, y in thin(spike, 100))
        (True, 1.0)
    """
    if len(points) <= most:
        return list(points)
    kept = [points[0]]
    size = math.ceil((len(points) - 2) / max(most // 2 - 1, 1))
    for start in range(1, len(points) - 1, size):
        stretch = range(start, min(start + size, len(points) - 1))
        extremes = {
            min(stretch, key=lambda i: points[i][1]),
            max(stretch, key=lambda i: points[i][1]),
        }
        kept += [points[i] for i in sorted(extremes)]
    return [*kept, points[-1]]


def _dots(line: Series, x_axis: Axis, y_axis: Axis, colour: int) -> Markup:
    points = [(x, y) for x, y in line.points() if x_axis.shows(x) and y_axis.shows(y)]
    step = max(1, math.ceil(len(points) / MOST_DOTS))
    circles = [
        element(
            "circle",
            element("title", f"{format_value(x)}, {format_value(y)}"),
            cx=_percent(x_axis.place(x)),
            cy=_down(y_axis, y),
            r="3",
        )
        for x, y in points[::step]
    ]
    return element("g", *circles, class_=f"dots c{colour}")


def _marks(chart: Chart, x_axis: Axis, y_axis: Axis) -> Markup:
    """A hairline, a ring and a few words above the plot for each mark."""
    parts = []
    for row, mark in enumerate(chart.marks):
        if not (x_axis.shows(mark.x) and y_axis.shows(mark.y)):
            continue
        share = x_axis.place(mark.x)
        x, y = _percent(share), _down(y_axis, mark.y)
        side = "start" if share < 0.35 else "end" if share > 0.65 else "middle"
        parts += [
            element("line", x1=x, x2=x, y1=str(-4 - 16 * row), y2="100%"),
            element("circle", cx=x, cy=y, r="5"),
            element(
                "text",
                one_line(mark.label),
                x=x,
                y=str(-9 - 16 * row),
                style=f"text-anchor:{side}",
            ),
        ]
    return element("g", *parts, class_="marks")


def _stops(chart: Chart, x_axis: Axis, y_axis: Axis) -> Markup:
    """Upright bands that show every line's value at their position when hovered."""
    values: dict[float, list[tuple[int, Series, float]]] = {}
    for k, line in enumerate(chart.series):
        for x, y in line.points():
            if x_axis.shows(x) and y_axis.shows(y):
                values.setdefault(x, []).append((_colour(k), line, y))
    places = sorted(values)
    places = places[:: max(1, math.ceil(len(places) / MOST_STOPS))]
    shares = [x_axis.place(x) for x in places]
    edges = [
        0.0,
        *((left + right) / 2 for left, right in itertools.pairwise(shares)),
        1.0,
    ]
    stops = []
    for k, (x, share) in enumerate(zip(places, shares, strict=True)):
        band = element(
            "rect",
            x=_percent(edges[k]),
            width=_percent(edges[k + 1] - edges[k]),
            height="100%",
        )
        dots = [
            element(
                "circle",
                cx=_percent(share),
                cy=_down(y_axis, y),
                r="4",
                class_=f"c{colour}",
            )
            for colour, _, y in values[x]
        ]
        hair = element(
            "line", x1=_percent(share), x2=_percent(share), y1="0", y2="100%"
        )
        head = f"{one_line(chart.x_label) or 'x'} {format_value(x)}"
        rows = [
            (colour, f"{one_line(line.name)} {format_value(y)}")
            for colour, line, y in values[x]
        ]
        tip = _tip(share, head, rows)
        stops.append(element("g", band, element("g", hair, *dots, tip)))
    return element("g", *stops, class_="stops")


def _tip(share: float, head: str, rows: Sequence[tuple[int, str]]) -> Markup:
    """A small box of values beside a position, on the side that has more room."""
    longest = max(len(head), *(len(text) + 2 for _, text in rows))
    width = round(longest * CHARACTER_WIDTH + 18)
    left = 12 if share < 0.5 else -width - 12
    lines = [element("text", head, x=str(left + 9), y="20")]
    for index, (colour, text) in enumerate(rows):
        y = 37 + 17 * index
        lines.append(
            element(
                "circle", cx=str(left + 13), cy=str(y - 4), r="3.5", class_=f"c{colour}"
            )
        )
        lines.append(element("text", text, x=str(left + 22), y=str(y)))
    box = element(
        "rect",
        x=str(left),
        y="4",
        width=str(width),
        height=str(24 + 17 * len(rows)),
        rx="5",
    )
    return element("svg", box, *lines, x=_percent(share), y="0", class_="tip")


def draw_bars(chart: Chart) -> Markup:
    """Draw bars as a table: a name, a bar and its value in each row.

    Args:
        chart: Of kind "bars".

    Example:
        >>> chart = Chart("", [Series("n", ["cat"], [3])], kind="bars")
        >>> "width:100%" in draw_bars(chart)
        True
    """
    values = [y for line in chart.series for y in line.y if math.isfinite(y)]
    low, high = min([0.0, *values]), max([0.0, *values])
    span = (high - low) or 1.0
    places = list(dict.fromkeys(x for line in chart.series for x in line.x))
    columns = [dict(zip(line.x, line.y, strict=True)) for line in chart.series]
    rows = []
    for place in places:
        bars = [
            _bar(column[place], low, span, _colour(k))
            for k, column in enumerate(columns)
            if place in column
        ]
        name = element("th", format_value(place), scope="row")
        rows.append(element("tr", name, element("td", *bars)))
    names = ", ".join(one_line(line.name) for line in chart.series)
    head = element(
        "tr",
        element("th", one_line(chart.x_label) or "name", scope="col"),
        element("th", one_line(chart.y_label) or names, scope="col"),
    )
    return element(
        "table", element("thead", head), element("tbody", *rows), class_="bars"
    )


def _bar(value: float, low: float, span: float, colour: int) -> Markup:
    text = element("b", format_value(value))
    if not math.isfinite(value):
        return element("div", text)
    start, length = (min(value, 0.0) - low) / span, abs(value) / span
    style = f"margin-left:{_percent(start)};width:{_percent(length)}"
    bar = element("i", class_=f"c{colour}", style=style)
    return element("div", element("span", bar), text)
