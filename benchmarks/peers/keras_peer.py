"""Keras 3 on the backend that the variant names."""

import os
import sys

# Read when Keras is imported, and by TensorFlow when it starts.
os.environ["KERAS_BACKEND"] = sys.argv[1].partition("-")[2]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers, ops

__all__ = ["LIBRARIES", "train"]

LIBRARIES = ("keras", os.environ["KERAS_BACKEND"], "tensorflow-cpu", "numpy")


class Positions(layers.Layer):
    """Adds a learned vector for each position."""

    def build(self, shape) -> None:
        self.table = self.add_weight(shape=shape[1:], name="table")

    def call(self, x):
        return x + self.table


def _block(x, heads: int, hidden: int, *, first: bool, activation: str):
    """An encoder block; normalized before (`first`, causal) or after its parts."""
    width = x.shape[-1]
    attention = layers.MultiHeadAttention(heads, width // heads)
    inner = layers.LayerNormalization()(x) if first else x
    x = x + attention(inner, inner, use_causal_mask=first)
    x = x if first else layers.LayerNormalization()(x)
    inner = layers.LayerNormalization()(x) if first else x
    x = x + layers.Dense(width)(layers.Dense(hidden, activation=activation)(inner))
    return x if first else layers.LayerNormalization()(x)


def _residual(x, filters: int, stride: int):
    y = layers.Conv2D(filters, 3, stride, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    shortcut = x if stride == 1 else layers.Conv2D(filters, 1, stride)(x)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def _pictures(sizes, dense, classes: int, *, last_pool: bool):
    stack = []
    for number, size in enumerate(sizes):
        stack.append(layers.Conv2D(size, 3, activation="relu"))
        if last_pool or number < len(sizes) - 1:
            stack.append(layers.MaxPooling2D(2))
    stack += [layers.Flatten(), layers.Dense(dense, activation="relu")]
    return [*stack, layers.Dense(classes, activation="softmax")]


def make_model(name: str, shape):
    """The network of a workload."""
    whole = {"lstm", "transformer", "char-gpt"}
    x = inputs = keras.Input(shape, dtype="int64" if name in whole else "float32")
    if name == "transformer":
        x = Positions()(layers.Embedding(10_000, 256)(x))
        for _ in range(2):
            x = _block(x, 4, 1024, first=False, activation="relu")
        x = layers.Dense(2, activation="softmax")(ops.mean(x, axis=1))
        return keras.Model(inputs, x)
    if name == "char-gpt":
        x = Positions()(layers.Embedding(65, 384)(x))
        for _ in range(6):
            x = _block(x, 6, 1536, first=True, activation="gelu")
        x = layers.Dense(65, use_bias=False)(layers.LayerNormalization()(x))
        return keras.Model(inputs, layers.Softmax()(x))
    if name == "resnet8":
        x = layers.Conv2D(16, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        for filters, stride in ((16, 1), (32, 2), (64, 2)):
            x = _residual(x, filters, stride)
        x = layers.GlobalAveragePooling2D()(x)
        return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
    stack = {
        "tiny": [
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ],
        "mlp": [
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        "cnn": _pictures((32, 64, 64), 64, 10, last_pool=False),
        "cats": _pictures((32, 64, 128, 128), 512, 2, last_pool=True),
        "lstm": [
            layers.Embedding(10_000, 32),
            layers.LSTM(32),
            layers.Dense(2, activation="softmax"),
        ],
        "jena-gru": [layers.GRU(32), layers.Dense(1)],
    }[name]
    return keras.Sequential([inputs, *stack])


def train(workload, variant: str, threads: int, gate) -> None:
    """Train until the gate closes."""
    if variant == "torch":
        import torch

        torch.set_num_threads(threads)
    else:
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    x, y = workload.data()
    model = make_model(workload.name, x.shape[1:])
    amounts = y.dtype.kind == "f"
    model.compile("adam", "mse" if amounts else "sparse_categorical_crossentropy")
    waiting = keras.callbacks.LambdaCallback(
        on_epoch_begin=gate.begin, on_epoch_end=gate.end
    )
    model.fit(
        x,
        y,
        batch_size=workload.batch_size,
        epochs=gate.epochs,
        callbacks=[waiting],
        verbose=0,
    )
