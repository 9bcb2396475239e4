"""Reports as matplotlib figures, for papers and notebooks.

Figures are made without pyplot: no window opens, none stays open, and neither the
backend nor its settings change.
"""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mica.errors import ConfigError, near_misses
from mica.report import (
    Chart,
    Images,
    Matrix,
    Part,
    Report,
    Series,
    format_value,
    one_line,
)
from mica.view.axis import make_axis
from mica.view.palette import LIGHT, SERIES_LIGHT
from mica.view.pictures import as_bytes, value_range
from mica.view.shading import DEEP_SHADE, cell_shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["draw_figure", "save_figure"]

PANEL_INCHES = (5.0, 3.3)  # two side by side fit a page's text
MOST_CELL_TEXTS = 400  # cells of a matrix that carry their number
PICTURES_PER_ROW = 5
DOTS_PER_INCH = 150

Panel = Chart | Matrix | Images

STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": LIGHT["soft"],
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelcolor": LIGHT["soft"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LIGHT["grid"],
    "text.color": LIGHT["ink"],
    "text.parse_math": False,  # a label with two dollar signs is a label
    "xtick.color": LIGHT["soft"],
    "ytick.color": LIGHT["soft"],
    "ytick.left": False,
    "font.size": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "mica",  # the same figure gives the same file
}


@contextmanager
def _own_style() -> Iterator[None]:
    """Our settings while drawing; afterwards the user's, whatever they were."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _draw_panel(box: SubFigure, panel: Panel) -> None:
    if isinstance(panel, Images):
        _draw_images(box, panel)
        return
    axes = box.subplots()
    axes.set_title(one_line(panel.title))
    if isinstance(panel, Matrix):
        _draw_matrix(axes, panel)
    elif panel.kind == "bars":
        _draw_bars(axes, panel)
    else:
        _draw_lines(axes, panel)


def _legend_name(line: Series) -> str:
    """A name that matplotlib shows: it leaves out "" and those that begin with "_"."""
    name = one_line(line.name)
    return name if name and not name.startswith("_") else f" {name}"


def _draw_lines(axes: Axes, chart: Chart) -> None:
    for k, line in enumerate(chart.series):
        colour, name = SERIES_LIGHT[k % len(SERIES_LIGHT)], _legend_name(line)
        if (line.kind or chart.kind) == "points":
            places = np.array(line.points()).reshape(-1, 2)
            axes.scatter(
                *places.T, s=10, alpha=0.6, linewidths=0, color=colour, label=name
            )
        else:
            values = np.where(np.isfinite(line.y), line.y, np.nan)
            # A point between two gaps has no line: it is shown as a dot.
            marker = "o" if len(line.points()) == 1 else None
            axes.plot(line.x, values, marker=marker, color=colour, label=name)
    x_values = [x for line in chart.series for x, _ in line.points()]
    y_values = [y for line in chart.series for _, y in line.points()]
    x_axis = make_axis(x_values, scale=chart.x_scale, has_margin=True)
    y_axis = make_axis(y_values, scale=chart.y_scale, has_margin=True)
    masking: Any = {"nonpositive": "mask"}
    axes.set_xscale(chart.x_scale, **(masking if chart.x_scale == "log" else {}))
    axes.set_yscale(chart.y_scale, **(masking if chart.y_scale == "log" else {}))
    # The ranges and the round ticks that a page shows too.
    axes.set_xlim(x_axis.low, x_axis.high)
    axes.set_ylim(y_axis.low, y_axis.high)
    axes.set_xticks(x_axis.ticks, x_axis.labels)
    axes.set_yticks(y_axis.ticks, y_axis.labels)
    axes.minorticks_off()
    for mark in chart.marks:
        axes.axvline(mark.x, color=LIGHT["soft"], linewidth=0.8, linestyle=":")
        axes.plot([mark.x], [mark.y], "o", color=LIGHT["ink"], markerfacecolor="white")
    if chart.marks:
        labels = "\n".join(one_line(mark.label) for mark in chart.marks)
        axes.set_title(labels, loc="right", fontsize=8, fontweight="normal")
    axes.set_xlabel(one_line(chart.x_label))
    axes.set_ylabel(one_line(chart.y_label))
    axes.legend()


def _draw_bars(axes: Axes, chart: Chart) -> None:
    places = list(dict.fromkeys(x for line in chart.series for x in line.x))
    height = 0.8 / len(chart.series)
    for k, line in enumerate(chart.series):
        value = dict(zip(line.x, line.y, strict=True))
        at = [i + k * height for i, place in enumerate(places) if place in value]
        lengths = [value[place] for place in places if place in value]
        colour = SERIES_LIGHT[k % len(SERIES_LIGHT)]
        axes.barh(at, lengths, height * 0.9, color=colour, label=_legend_name(line))
    axes.set_yticks(
        [i + 0.4 - height / 2 for i in range(len(places))],
        [format_value(place) for place in places],
    )
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xlabel(one_line(chart.y_label))
    axes.set_ylabel(one_line(chart.x_label))
    if len(chart.series) > 1:
        axes.legend()


def _draw_matrix(axes: Axes, matrix: Matrix) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = cell_shades(matrix)
    colours = LinearSegmentedColormap.from_list(
        "mica", [LIGHT["wrong"], "#ffffff", LIGHT["right"]]
    )
    axes.imshow(shades, cmap=colours, vmin=-1, vmax=1, aspect="auto")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if shades.size <= MOST_CELL_TEXTS:
        for (i, k), shade in np.ndenumerate(shades):
            ink = LIGHT["on_deep" if abs(shade) > DEEP_SHADE else "on_faint"]
            if matrix.values[i][k] == 0:
                ink = LIGHT["faint"]
            text = matrix.texts()[i][k]
            axes.text(k, i, text, ha="center", va="center", color=ink, fontsize=8)
    axes.set_xlabel(one_line(matrix.column_title))
    axes.set_ylabel(one_line(matrix.row_title))
    _label_ticks(axes.set_xticks, matrix.column_labels, is_upright=True)
    _label_ticks(axes.set_yticks, matrix.row_labels, is_upright=False)
    axes.tick_params(length=0)


def _label_ticks(set_ticks: Any, names: Sequence[str], *, is_upright: bool) -> None:
    step = max(1, len(names) // 20)
    shown = [one_line(name) for name in names[::step]]
    is_long = is_upright and max(len(name) for name in shown) > 4
    set_ticks(range(0, len(names), step), shown, rotation=90 if is_long else 0)


def _draw_images(box: SubFigure, images: Images) -> None:
    columns = min(PICTURES_PER_ROW, len(images.images)) or 1
    rows = -(-len(images.images) // columns) or 1
    low, high = value_range(images.images)
    box.suptitle(one_line(images.title), x=0.01, ha="left", fontweight="bold")
    grid = box.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for k, image in enumerate(images.images):
        axes = grid[k // columns, k % columns]
        pixels = as_bytes(image, low, high)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if images.captions:
            lines = textwrap.wrap(one_line(images.captions[k]), 90 // columns)
            axes.set_title("\n".join(lines), fontsize=6, fontweight="normal")


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with _own_style():
        figure.savefig(content, format="png")
    return content.getvalue()


def draw_figure(part: Part) -> Figure:
    """Draw a part's charts, matrices and pictures, two to a row.

    Args:
        part: A part, or a report with such parts.

    Returns:
        A figure that pyplot knows nothing about.

    Raises:
        ConfigError: There is nothing to draw.

    Example:
        >>> from mica.report import Series
        >>> draw_figure(Chart("Loss", [Series("loss", [1, 2], [2.0, 1.0])]))
        <Figure size 750x495 with 1 Axes>
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    parts = part.walk() if isinstance(part, Report) else [part]
    panels = [item for item in parts if isinstance(item, Panel)]
    if not panels:
        raise ConfigError(
            "plot: expected a chart, a matrix or pictures, got "
            f"{type(part).__name__} without any. Use show() or page(path)."
        )
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with _own_style():
        width, height = PANEL_INCHES
        figure = Figure(
            figsize=(width * columns, height * rows),
            dpi=DOTS_PER_INCH,
            layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
        )
        boxes = figure.subfigures(rows, columns, squeeze=False).ravel()
        for box, panel in zip(boxes, panels, strict=False):
            _draw_panel(box, panel)
    # A notebook draws pyplot's figures by itself; one made without it must say how.
    setattr(figure, "_repr_png_", functools.partial(_png, figure))  # noqa: B010
    return figure


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Save a figure; the path's suffix says how.

    Args:
        figure: From `draw_figure`.
        path: The file to write; its folder is made if missing.

    Raises:
        ConfigError: An unknown suffix.
    """
    target = Path(path)
    known = sorted(figure.canvas.get_supported_filetypes())
    suffix = target.suffix.removeprefix(".").lower()
    if suffix not in known:
        raise ConfigError(
            f"plot: expected a file name that ends in one of {', '.join(known)}, "
            f"got {str(path)!r}. {near_misses(suffix, known)}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without the date, the same figure gives the same file.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
    with _own_style():
        figure.savefig(target, metadata=metadata)
