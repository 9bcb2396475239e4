"""Models of every kind, by which the search for a plan is judged; random data.

Sizes are chosen so that a step takes from a tenth of a millisecond to some fifty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mica
from benchmarks.peers.mica_peer import make_model
from benchmarks.workloads import WORKLOADS
from mica import layers
from mica.generate import gpt

__all__ = ["ZOO", "Subject"]

BATCHES = 2  # that a subject's steps take turns with


@dataclass(frozen=True)
class Subject:
    """A model, how it learns, and the numbers it learns from."""

    name: str
    make: Callable[[], Any]
    draw: Callable[[np.random.Generator, int], tuple[Any, Any]]
    batch_size: int
    optimizer: str = "adam"
    loss: Any = "sparse_categorical_crossentropy"

    def data(self) -> tuple[Any, Any]:
        """Some batches, the same every time."""
        return self.draw(np.random.default_rng(0), BATCHES * self.batch_size)

    def model(self) -> Any:
        """The model, compiled."""
        mica.set_seed(0)
        model = self.make()
        model.compile(self.optimizer, self.loss)
        return model


def _normal(generator: np.random.Generator, *shape: int) -> np.ndarray:
    return generator.standard_normal(shape, dtype=np.float32)


def _numbers(shape: tuple[int, ...], classes: int):
    """Rows, series or pictures and their classes."""
    return lambda generator, rows: (
        _normal(generator, rows, *shape),
        generator.integers(0, classes, rows),
    )


def _amounts(shape: tuple[int, ...], targets: tuple[int, ...]):
    """Rows, series or pictures and amounts that belong to them."""
    return lambda generator, rows: (
        _normal(generator, rows, *shape),
        _normal(generator, rows, *targets),
    )


def _words(steps: int, classes: int, vocabulary: int = 10_000):
    """Word numbers and classes."""
    return lambda generator, rows: (
        generator.integers(1, vocabulary, (rows, steps)),
        generator.integers(0, classes, rows),
    )


def _same(shape: tuple[int, ...]):
    """What an autoencoder gives back."""

    def draw(generator: np.random.Generator, rows: int):
        x = generator.random((rows, *shape), dtype=np.float32)
        return x, x

    return draw


def _two_inputs(generator: np.random.Generator, rows: int):
    x = [_normal(generator, rows, 32), generator.integers(0, 1_000, (rows, 40))]
    return x, generator.integers(0, 2, rows)


def _dense(*units: int, last: str | None = "softmax", extra: Any = None):
    """Dense layers with relu, after each of which something may come."""

    def make():
        parts: list[Any] = []
        for count in units[:-1]:
            parts.append(layers.Dense(count, activation="relu"))
            parts += [extra()] if extra else []
        return mica.Sequential(*parts, layers.Dense(units[-1], activation=last))

    return make


def _net(*parts: Callable[[], Any], classes: int = 10):
    """Layers in a row, then classes."""
    head = lambda: layers.Dense(classes, activation="softmax")  # noqa: E731
    return lambda: mica.Sequential(*(part() for part in (*parts, head)))


def _convolution(filters: int, size: int = 3, **options: Any):
    return lambda: layers.Conv2D(filters, size, activation="relu", **options)


def _separable():
    """Chollet's small Xception: separable convolutions, normalized, with shortcuts."""
    x = inputs = mica.Input((32, 32, 3))
    x = layers.Conv2D(16, 5, use_bias=False)(x)
    for filters in (16, 32, 64):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
        for _ in range(2):
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.Add()([x, shortcut])
    x = layers.GlobalAveragePooling2D()(x)
    return mica.Model(inputs, layers.Dense(10, activation="softmax")(x))


def _picture_autoencoder():
    return mica.Sequential(
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
    )


def _multi_input():
    numbers, text = mica.Input((32,)), mica.Input((40,), dtype="int64")
    read = layers.LSTM(32)(layers.Embedding(1_000, 32)(text))
    both = layers.Concatenate()([layers.Dense(32, activation="relu")(numbers), read])
    out = layers.Dense(2, activation="softmax")(both)
    return mica.Model([numbers, text], out)


def _small_gpt():
    return gpt(65, depth=2, num_heads=4, width=128, window=64, tied=False)


def _text(steps: int, vocabulary: int):
    """Characters, and those that follow."""

    def draw(generator: np.random.Generator, rows: int):
        text = generator.integers(0, vocabulary, (rows, steps + 1))
        return text[:, :-1].copy(), text[:, 1:].copy()

    return draw


def _logits():
    return mica.losses.SparseCategoricalCrossentropy(from_logits=True)


def _workload(name: str, batch_size: int) -> Subject:
    """A workload of `python -m benchmarks cpu`, with a batch of its own."""
    workload = WORKLOADS[name]
    shape = workload.draw(np.random.default_rng(0), 1)[0].shape[1:]
    loss = "mse" if name == "jena-gru" else "sparse_categorical_crossentropy"
    title = f"{name}, batch {batch_size}"
    make = lambda: make_model(name, shape)  # noqa: E731
    return Subject(title, make, workload.draw, batch_size, loss=loss)


def _reader(steps: int, width: int, *parts: Callable[[], Any]):
    """Word numbers become vectors; then layers in a row, then two classes."""
    words = lambda: mica.Input((steps,), dtype="int64")  # noqa: E731
    vectors = lambda: layers.Embedding(10_000, width)  # noqa: E731
    return _net(words, vectors, *parts, classes=2)


def _encoder():
    return layers.TransformerEncoder(128, 4)


_MEAN, _MAX = layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D
_POOL, _FLAT = (lambda: layers.MaxPooling2D(2)), layers.Flatten
_CROSS = "binary_crossentropy"

ZOO = {
    each.name: each
    for each in (
        _workload("tiny", 32),
        _workload("tiny", 1),
        _workload("mlp", 128),
        _workload("mlp", 16),
        _workload("cnn", 64),
        _workload("cnn", 8),
        _workload("cats", 4),
        _workload("lstm", 32),
        _workload("transformer", 2),
        _workload("resnet8", 16),
        Subject("small GPT, 64 characters", _small_gpt, _text(64, 65), 8,
                loss=_logits()),
        _workload("jena-gru", 128),
        Subject("boston 64-64-1, RMSprop", _dense(64, 64, 1, last=None),
                _amounts((13,), (1,)), 1, "rmsprop", "mse"),
        Subject("reuters 64-64-46, RMSprop", _dense(64, 64, 46),
                _numbers((10_000,), 46), 256, "rmsprop"),
        Subject("mnist 512-10, RMSprop", _dense(512, 10),
                _numbers((784,), 10), 128, "rmsprop"),
        Subject("mnist tanh 100-10, SGD", _dense(100, 10),
                _numbers((784,), 10), 100, "sgd"),
        Subject("deep dense 8 x 256", _dense(*[256] * 8, 10),
                _numbers((256,), 10), 64),
        Subject("wide dense 2 x 2048, AdamW", _dense(2048, 2048, 10),
                _numbers((512,), 10), 64, "adamw"),
        Subject("dense with dropout",
                _dense(256, 256, 10, extra=lambda: layers.Dropout(0.5)),
                _numbers((784,), 10), 128),
        Subject("dense with batch norm",
                _dense(256, 256, 10, extra=layers.BatchNormalization),
                _numbers((784,), 10), 256, "sgd"),
        Subject("logistic regression, SGD", _dense(1, last="sigmoid"),
                _amounts((30,), (1,)), 32, "sgd", "mse"),
        Subject("autoencoder 784-32-784", _dense(128, 32, 128, 784, last="sigmoid"),
                _same((784,)), 256, "adam", _CROSS),
        Subject("convolutional autoencoder", _picture_autoencoder,
                _same((28, 28, 1)), 64, "adam", _CROSS),
        Subject("LeNet, SGD",
                _net(_convolution(6, 5, padding="same"), _POOL, _convolution(16, 5),
                     _POOL, _FLAT, lambda: layers.Dense(120, activation="relu"),
                     lambda: layers.Dense(84, activation="relu")),
                _numbers((28, 28, 1), 10), 64, "sgd"),
        Subject("VGG-like, 32 x 32, RMSprop",
                _net(_convolution(32, padding="same"), _convolution(32), _POOL,
                     _convolution(64, padding="same"), _convolution(64), _POOL, _FLAT,
                     lambda: layers.Dense(256, activation="relu")),
                _numbers((32, 32, 3), 10), 32, "rmsprop"),
        Subject("separable with shortcuts", _separable,
                _numbers((32, 32, 3), 10), 16),
        Subject("depthwise, 32 x 32",
                _net(_convolution(32), lambda: layers.SeparableConv2D(64, 3), _POOL,
                     lambda: layers.SeparableConv2D(128, 3),
                     layers.GlobalAveragePooling2D),
                _numbers((32, 32, 3), 10), 32),
        Subject("conv1d on words",
                _reader(200, 64, lambda: layers.Conv1D(32, 7, activation="relu"),
                     lambda: layers.MaxPooling1D(5),
                     lambda: layers.Conv1D(32, 7, activation="relu"), _MAX),
                _words(200, 2), 64, "rmsprop"),
        Subject("conv1d on series",
                _net(lambda: layers.Conv1D(32, 5, activation="relu"),
                     lambda: layers.MaxPooling1D(3),
                     lambda: layers.Conv1D(32, 5, activation="relu"), _MAX),
                _numbers((120, 14), 10), 128),
        Subject("bag of embeddings", _reader(100, 64, _MEAN),
                _words(100, 2), 128),
        Subject("embedding, flattened, RMSprop",
                _reader(20, 8, _FLAT), _words(20, 2), 32, "rmsprop"),
        Subject("SimpleRNN on words",
                _reader(100, 32, lambda: layers.SimpleRNN(32)),
                _words(100, 2), 64, "rmsprop"),
        Subject("LSTM 64 on series", _net(lambda: layers.LSTM(64)),
                _numbers((60, 14), 10), 64),
        Subject("LSTM, two layers",
                _net(lambda: layers.LSTM(32, return_sequences=True),
                     lambda: layers.LSTM(32)),
                _numbers((60, 14), 10), 64),
        Subject("bidirectional LSTM on words",
                _reader(100, 32, lambda: layers.Bidirectional(layers.LSTM(32))),
                _words(100, 2), 64, "rmsprop"),
        Subject("GRU with dropout, RMSprop",
                _net(lambda: layers.GRU(32, dropout=0.1)),
                _numbers((60, 14), 10), 128, "rmsprop"),
        Subject("convolution then GRU",
                _net(lambda: layers.Conv1D(32, 5, activation="relu"),
                     lambda: layers.MaxPooling1D(3), lambda: layers.GRU(32)),
                _numbers((120, 14), 10), 128),
        Subject("small transformer on words",
                _reader(50, 64, lambda: layers.PositionEmbedding(50), _encoder, _MEAN),
                _words(50, 2), 32),
        Subject("layer norm and gelu",
                _net(lambda: layers.Dense(256, activation="gelu"),
                     layers.LayerNormalization,
                     lambda: layers.Dense(256, activation="gelu"),
                     layers.LayerNormalization),
                _numbers((256,), 10), 64, "adamw"),
        Subject("numbers and words, two inputs", _multi_input, _two_inputs, 64),
    )
}  # fmt: skip
