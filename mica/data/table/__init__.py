"""Tables of raw columns: reading, kinds, encoding, and preparing for training.

`read_table(path)` reads CSV, JSONL or Parquet to a `Table`; `as_table` takes frames and
dicts.
`prepare_table(table, target)` splits the rows, fits a `TableEncoder` on the training
part (numbers, categories, dates) and encodes each part. With ``embeddings=True``
columns of many categories become numbers for `layers.Embedding`: `encoder.embedded`
says how many rows each needs, `embedding_width` how wide it may be, and ``x`` is a dict
of arrays. In use, `encoder.transform(rows)` encodes, `encoder.decode` answers in words,
and `encoder.remarks` says what is new in these rows. An encoder travels with a model as
`config()`.
"""

from mica.data.table.encoder import TableEncoder
from mica.data.table.indices import embedding_width
from mica.data.table.json_lines import read_json_lines
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
    "embedding_width",
    "parse_time",
    "parse_times",
    "prepare_table",
    "read_csv",
    "read_json_lines",
    "read_parquet",
    "read_table",
]
