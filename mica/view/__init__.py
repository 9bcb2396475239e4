"""Reports, drawn: in a terminal, in a notebook, as figures and as a page of HTML."""

from mica.report import install_renderer
from mica.view.confusion import (
    class_table,
    confused_pairs,
    confusion_matrix,
    confusion_report,
)
from mica.view.curves import training_curves
from mica.view.mistakes import prediction_chart, worst_mistakes, worst_residuals
from mica.view.render import ViewRenderer

__all__ = [
    "ViewRenderer",
    "class_table",
    "confused_pairs",
    "confusion_matrix",
    "confusion_report",
    "prediction_chart",
    "training_curves",
    "worst_mistakes",
    "worst_residuals",
]

install_renderer(ViewRenderer())
