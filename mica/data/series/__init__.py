"""Time series: read, split by time, cut into windows, and judged by common sense.

`read_series(path)` reads a CSV, JSONL or Parquet file to a `TimeSeries` (times that
rise, numbers without gaps, notes on what was repaired); `as_series` takes frames and
dicts.
`prepare_series(series, target, history="5 days", horizon="24h")` does the rest: parts
by time with a window's length between them, a `SeriesEncoder` fitted on the training
part, three `WindowSource`s for `fit` and `evaluate`, and what common sense reaches on
them (`baselines()`, a table to print first). In use, `encoder.latest(series)` is the
last window and `encoder.decode` brings forecasts back to the target's unit. An encoder
travels with a model as `config()`.
"""

from mica.data.series.baselines import Baseline, judge_baselines, tabulate_baselines
from mica.data.series.cycles import add_cycles
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
    "add_cycles",
    "as_series",
    "judge_baselines",
    "parse_duration",
    "prepare_series",
    "read_series",
    "split_series",
    "tabulate_baselines",
]
