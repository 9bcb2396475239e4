"""What a tool found, as plain values: texts, tables, charts, matrices, pictures.

A tool measures and returns a `Report`; `mica.view` draws it. So anything that can
say its result in these parts shows in a terminal, a notebook and on a page of HTML.
"""

from mica.report.chart import AxisScale, Chart, ChartKind, Mark, Series, SeriesKind
from mica.report.finding import Finding, Severity
from mica.report.highlights import Highlight, Highlights
from mica.report.images import Images
from mica.report.matrix import Matrix
from mica.report.part import Part, Renderer, install_renderer
from mica.report.report import Report
from mica.report.table import Table
from mica.report.text import Text
from mica.report.words import (
    display_width,
    format_column,
    format_value,
    is_number,
    is_numeric,
    one_line,
    printable,
)

__all__ = [
    "AxisScale",
    "Chart",
    "ChartKind",
    "Finding",
    "Highlight",
    "Highlights",
    "Images",
    "Mark",
    "Matrix",
    "Part",
    "Renderer",
    "Report",
    "Series",
    "SeriesKind",
    "Severity",
    "Table",
    "Text",
    "display_width",
    "format_column",
    "format_value",
    "install_renderer",
    "is_number",
    "is_numeric",
    "one_line",
    "printable",
]
