"""Explain networks on this machine, and write docs/explain.md from what came out.

OMP_NUM_THREADS=1 python tools/explain_page.py
"""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks/ is no package of the environment

import mica  # noqa: E402
from benchmarks.results import describe_machine  # noqa: E402
from mica.engine import eager_plan  # noqa: E402
from mica.layers import (  # noqa: E402
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    MaxPooling2D,
    TransformerEncoder,
)
from mica.plan import (  # noqa: E402
    Explanation,
    ProcessorClock,
    explain,
    forget_promises,
    predict_memory,
)
from mica.plan.remedies import find_remedies  # noqa: E402

PAGE = ROOT / "docs" / "explain.md"
BEGIN, END = "<!-- output -->", "<!-- end of output -->"
WORTH = 0.03  # of a step; smaller promises are not put to the test

Made = tuple[mica.Model, tuple[Any, Any], int]


def _images(count: int, *shape: int) -> np.ndarray:
    return np.random.rand(count, *shape).astype("float32")


def convnet() -> Made:
    """The book's convolutional network for handwritten digits."""
    model = mica.Sequential(
        mica.Input((28, 28, 1)),
        Conv2D(32, 3, activation="relu"),
        MaxPooling2D(),
        Conv2D(64, 3, activation="relu"),
        MaxPooling2D(),
        Conv2D(64, 3, activation="relu"),
        Flatten(),
        Dense(64, activation="relu"),
        Dropout(0.5),
        Dense(10, activation="softmax"),
        name="convnet",
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (_images(1000, 28, 28, 1), np.random.randint(0, 10, 1000)), 64


def dense() -> Made:
    """Two dense layers for the same digits."""
    model = mica.Sequential(
        mica.Input((784,)),
        Dense(512, activation="relu"),
        Dense(10, activation="softmax"),
        name="dense",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (_images(2000, 784), np.random.randint(0, 10, 2000)), 128


def tiny() -> Made:
    """A network of few numbers."""
    model = mica.Sequential(
        mica.Input((20,)),
        Dense(64, activation="relu"),
        Dense(64, activation="relu"),
        Dense(2, activation="softmax"),
        name="tiny",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (_images(2000, 20), np.random.randint(0, 2, 2000)), 32


def lstm() -> Made:
    """Long short-term memory over a hundred tokens."""
    model = mica.Sequential(
        mica.Input((100,), dtype="int64"),
        Embedding(10000, 32),
        LSTM(32),
        Dense(1, activation="sigmoid"),
        name="lstm",
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    tokens = np.random.randint(0, 10000, (1000, 100))
    return model, (tokens, np.random.randint(0, 2, 1000)), 128


def transformer() -> Made:
    """Two encoders over 64 tokens."""
    tokens = mica.Input((64,), dtype="int64")
    x = Embedding(1000, 128)(tokens)
    for _ in range(2):
        x = TransformerEncoder(256, 4)(x)
    x = Dense(2, activation="softmax")(GlobalAveragePooling1D()(x))
    model = mica.Model(tokens, x, name="transformer")
    model.compile("adamw", "sparse_categorical_crossentropy")
    data = np.random.randint(0, 1000, (400, 64)), np.random.randint(0, 2, 400)
    return model, data, 16


NETWORKS: tuple[Callable[[], Made], ...] = (tiny, dense, convnet, lstm, transformer)


def promises(found: Explanation) -> dict[str, float]:
    """Seconds that each remedy is to save, when that is worth a try."""
    return {
        each.action: each.gain
        for each in find_remedies(found.rows, found.seconds)
        if each.action in ("bfloat16", "batch") and each.gain > WORTH * found.seconds
    }


def kept(made: Made, found: Explanation, action: str) -> float:
    """Seconds that a remedy does save."""
    model, data, size = made
    clock = ProcessorClock()
    if action == "bfloat16":
        half = replace(eager_plan(), precision="bfloat16")
        other = explain(model, data, batch_size=size, plan=half, clock=clock)
        return found.seconds - other.seconds
    other = explain(model, data, batch_size=2 * size, plan="eager", clock=clock)
    return found.seconds - other.seconds / 2


def output() -> str:
    """The part of the page that is measured."""
    mica.set_seed(0)
    lines = [
        f"Measured on {describe_machine()}, {date.today()}; by the processor's own "
        "time, since the machine was shared.",
        "",
    ]
    made = convnet()
    model, data, size = made
    found = explain(model, data, batch_size=size, clock=ProcessorClock(), seconds=5)
    need = predict_memory(model, data, batch_size=size)
    lines += ["```text", str(found), "", str(need), "```", ""]
    lines += [
        "What is left unexplained, and what became of the promises (a batch of twice "
        "the size counts for half, and so does its time):",
        "",
        "| network | batch | step, ms | unexplained | remedy | promised, ms | kept, ms "
        "|",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for make in NETWORKS:
        forget_promises()  # so that none is corrected by those above
        made = make()
        model, data, size = made
        found = explain(
            model, data, batch_size=size, plan="eager", clock=ProcessorClock()
        )
        rest = 100 * found.unexplained / found.seconds
        head = f"| {model.name} | {size} | {1e3 * found.seconds:.3g} | {rest:.1f} % |"
        rows = [
            f"{head} {action} | {1e3 * gain:.2g} | "
            f"{1e3 * kept(made, found, action):.2g} |"
            for action, gain in promises(found).items()
        ]
        lines += rows or [f"{head} none | | |"]
    return "\n".join(lines)


def insert(page: str, text: str) -> str:
    """Put the output between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main() -> None:
    """Measure, on a computer that remembers nothing, and write the page."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        page = insert(PAGE.read_text(encoding="utf-8"), output())
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
