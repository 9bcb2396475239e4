"""Tables of raw columns: reading, kinds, encoding, and preparing for training."""

from mica.data.table.encoder import TableEncoder
from mica.data.table.preparation import PreparedTable, prepare_table
from mica.data.table.reading import read_csv
from mica.data.table.table import Table, as_table
from mica.data.table.target import TaskChoice, choose_task

__all__ = [
    "PreparedTable",
    "Table",
    "TableEncoder",
    "TaskChoice",
    "as_table",
    "choose_task",
    "prepare_table",
    "read_csv",
]
