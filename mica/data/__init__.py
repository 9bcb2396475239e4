"""Data: whatever the user holds, as batches; splits, weights, tables and samples."""

from mica.data import samples
from mica.data.arrays import ArraySource
from mica.data.batch import Batch, Source
from mica.data.card import describe, describe_table
from mica.data.datasets import DatasetSource
from mica.data.generators import GeneratorSource
from mica.data.loaders import LoaderSource
from mica.data.order import epoch_generator, epoch_order
from mica.data.pictures import PictureSource, decode_picture, read_pictures
from mica.data.reading_ahead import BatchReader, ReadAhead
from mica.data.series import (
    Baseline,
    PreparedSeries,
    SeriesEncoder,
    TimeSeries,
    WindowShape,
    WindowSource,
    add_cycles,
    as_series,
    judge_baselines,
    prepare_series,
    read_series,
    split_series,
    tabulate_baselines,
)
from mica.data.source import LimitedSource, as_source
from mica.data.split import (
    Part,
    class_codes,
    split_rows,
    split_source,
    take_rows,
    train_validation_split,
    train_validation_test_split,
)
from mica.data.table import (
    PreparedTable,
    Table,
    TableEncoder,
    as_table,
    embedding_width,
    prepare_table,
    read_csv,
    read_json_lines,
    read_parquet,
    read_table,
)
from mica.data.text import (
    BucketSource,
    BytePairTokenizer,
    CharacterTokenizer,
    NGramTokenizer,
    TextEncoder,
    Texts,
    Tokenizer,
    WordTokenizer,
    pad_sequences,
    read_text,
    read_texts,
)
from mica.data.weights import balanced_class_weight, class_sample_weight

__all__ = [
    "ArraySource",
    "Baseline",
    "Batch",
    "BatchReader",
    "BucketSource",
    "BytePairTokenizer",
    "CharacterTokenizer",
    "DatasetSource",
    "GeneratorSource",
    "LimitedSource",
    "LoaderSource",
    "NGramTokenizer",
    "Part",
    "PictureSource",
    "PreparedSeries",
    "PreparedTable",
    "ReadAhead",
    "SeriesEncoder",
    "Source",
    "Table",
    "TableEncoder",
    "TextEncoder",
    "Texts",
    "TimeSeries",
    "Tokenizer",
    "WindowShape",
    "WindowSource",
    "WordTokenizer",
    "add_cycles",
    "as_series",
    "as_source",
    "as_table",
    "balanced_class_weight",
    "class_codes",
    "class_sample_weight",
    "decode_picture",
    "describe",
    "describe_table",
    "embedding_width",
    "epoch_generator",
    "epoch_order",
    "judge_baselines",
    "pad_sequences",
    "prepare_series",
    "prepare_table",
    "read_csv",
    "read_json_lines",
    "read_parquet",
    "read_pictures",
    "read_series",
    "read_table",
    "read_text",
    "read_texts",
    "samples",
    "split_rows",
    "split_series",
    "split_source",
    "tabulate_baselines",
    "take_rows",
    "train_validation_split",
    "train_validation_test_split",
]
