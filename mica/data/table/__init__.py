"""Tables of raw columns: reading, kinds, encoding, and preparing for training."""

from mica.data.table.encoder import TableEncoder
from mica.data.table.parquet import read_parquet, read_table
from mica.data.table.preparation import PreparedTable, prepare_table
from mica.data.table.reading import read_csv
from mica.data.table.table import Table, as_table
from mica.data.table.target import TaskChoice, choose_task
from mica.data.table.times import ParsedTimes, TimeOrder, parse_time, parse_times

__all__ = [
    "ParsedTimes",
    "PreparedTable",
    "Table",
    "TableEncoder",
    "TaskChoice",
    "TimeOrder",
    "as_table",
    "choose_task",
    "parse_time",
    "parse_times",
    "prepare_table",
    "read_csv",
    "read_parquet",
    "read_table",
]
