"""Text: read from files, cut into tokens, padded, and batched by length."""

from mica.data.text.bucketing import BucketSource, Padding
from mica.data.text.bytepair import BytePairTokenizer
from mica.data.text.counted_tokenizers import (
    CharacterTokenizer,
    NGramTokenizer,
    WordTokenizer,
)
from mica.data.text.encoder import TextEncoder
from mica.data.text.padding import pad_sequences
from mica.data.text.reading import read_text, read_texts
from mica.data.text.texts import Texts
from mica.data.text.tokenizer import Tokenizer

__all__ = [
    "BucketSource",
    "BytePairTokenizer",
    "CharacterTokenizer",
    "NGramTokenizer",
    "Padding",
    "TextEncoder",
    "Texts",
    "Tokenizer",
    "WordTokenizer",
    "pad_sequences",
    "read_text",
    "read_texts",
]
