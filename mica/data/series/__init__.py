"""Time series: read, split by time, cut into windows, and judged by common sense."""

from mica.data.series.baselines import Baseline, judge_baselines, tabulate_baselines
from mica.data.series.duration import Duration, parse_duration
from mica.data.series.encoder import SeriesEncoder
from mica.data.series.preparation import PreparedSeries, prepare_series
from mica.data.series.reading import as_series, read_series
from mica.data.series.series import Gap, TimeSeries
from mica.data.series.splitting import split_series
from mica.data.series.windows import WindowShape, WindowSource

__all__ = [
    "Baseline",
    "Duration",
    "Gap",
    "PreparedSeries",
    "SeriesEncoder",
    "TimeSeries",
    "WindowShape",
    "WindowSource",
    "as_series",
    "judge_baselines",
    "parse_duration",
    "prepare_series",
    "read_series",
    "split_series",
    "tabulate_baselines",
]
