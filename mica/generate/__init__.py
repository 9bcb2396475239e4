"""Generation: models that write, token by token; languages, and translations."""

from mica.generate.beam import Beam, search_beams
from mica.generate.chances import keep_nucleus, keep_top, log_chances, warm
from mica.generate.choosing import Greedy, Sampling
from mica.generate.gpt import gpt
from mica.generate.steps import Steps
from mica.generate.translating import translate
from mica.generate.translators import lstm_translator, transformer_translator
from mica.generate.writing import Choice, show, stream, write, write_tokens

__all__ = [
    "Beam",
    "Choice",
    "Greedy",
    "Sampling",
    "Steps",
    "gpt",
    "keep_nucleus",
    "keep_top",
    "log_chances",
    "lstm_translator",
    "search_beams",
    "show",
    "stream",
    "transformer_translator",
    "translate",
    "warm",
    "write",
    "write_tokens",
]
