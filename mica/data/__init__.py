"""Data: whatever the user holds, as batches; splits, weights, tables and samples."""

from mica.data import samples
from mica.data.arrays import ArraySource
from mica.data.batch import Batch, Source
from mica.data.card import describe, describe_table
from mica.data.datasets import DatasetSource
from mica.data.generators import GeneratorSource
from mica.data.loaders import LoaderSource
from mica.data.order import epoch_generator, epoch_order
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
    prepare_table,
    read_csv,
)
from mica.data.text import (
    BucketSource,
    BytePairTokenizer,
    CharacterTokenizer,
    NGramTokenizer,
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
    "Batch",
    "BucketSource",
    "BytePairTokenizer",
    "CharacterTokenizer",
    "DatasetSource",
    "GeneratorSource",
    "LimitedSource",
    "LoaderSource",
    "NGramTokenizer",
    "Part",
    "PreparedTable",
    "Source",
    "Table",
    "TableEncoder",
    "Texts",
    "Tokenizer",
    "WordTokenizer",
    "as_source",
    "as_table",
    "balanced_class_weight",
    "class_codes",
    "class_sample_weight",
    "describe",
    "describe_table",
    "epoch_generator",
    "epoch_order",
    "pad_sequences",
    "prepare_table",
    "read_csv",
    "read_text",
    "read_texts",
    "samples",
    "split_rows",
    "split_source",
    "take_rows",
    "train_validation_split",
    "train_validation_test_split",
]
