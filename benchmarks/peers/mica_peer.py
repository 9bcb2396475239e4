"""Mica, as its users write it: nothing about speed is said."""

import mica
from mica import layers
from mica.generate import gpt
from mica.plan import search

__all__ = ["LIBRARIES", "train"]

LIBRARIES = ("mica-learn", "torch", "numpy")


def _residual(x, filters: int, stride: int):
    y = layers.Conv2D(filters, 3, strides=stride, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    shortcut = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride)(x)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def make_model(name: str, shape):
    """The network of a workload."""
    relu, softmax = {"activation": "relu"}, {"activation": "softmax"}
    if name == "char-gpt":
        return gpt(65, depth=6, num_heads=6, width=384, window=256, tied=False)
    if name == "resnet8":
        x = inputs = mica.Input(shape)
        x = layers.Conv2D(16, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        for filters, stride in ((16, 1), (32, 2), (64, 2)):
            x = _residual(x, filters, stride)
        x = layers.GlobalAveragePooling2D()(x)
        return mica.Model(inputs, layers.Dense(10, **softmax)(x))
    return mica.Sequential(
        *{
            "tiny": [
                layers.Dense(64, **relu),
                layers.Dense(64, **relu),
                layers.Dense(2, **softmax),
            ],
            "mlp": [layers.Dense(512, **relu), layers.Dense(10, **softmax)],
            "cnn": [
                layers.Conv2D(32, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, **relu),
                layers.Flatten(),
                layers.Dense(64, **relu),
                layers.Dense(10, **softmax),
            ],
            "cats": [
                layers.Conv2D(32, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Conv2D(64, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Conv2D(128, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Conv2D(128, 3, **relu),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(512, **relu),
                layers.Dense(2, **softmax),
            ],
            "lstm": [
                mica.Input(shape, dtype="int64"),
                layers.Embedding(10_000, 32),
                layers.LSTM(32),
                layers.Dense(2, **softmax),
            ],
            "transformer": [
                mica.Input(shape, dtype="int64"),
                layers.Embedding(10_000, 256),
                layers.PositionEmbedding(200),
                layers.TransformerEncoder(1024, 4),
                layers.TransformerEncoder(1024, 4),
                layers.GlobalAveragePooling1D(),
                layers.Dense(2, **softmax),
            ],
            "jena-gru": [layers.GRU(32), layers.Dense(1)],
        }[name]
    )


class Waiting(mica.Callback):
    """Stops before each epoch."""

    def __init__(self, gate) -> None:
        self.gate = gate

    def on_train_begin(self, state) -> None:
        """Keep what is said of the plan."""
        tried = state.history.plan
        self.gate.note = f"{state.plan_line}. {tried.note if tried else ''}"

    def on_epoch_begin(self, state) -> None:
        """Wait."""
        self.gate.begin()

    def on_epoch_end(self, state) -> None:
        """Tell the time."""
        self.gate.end()


def train(workload, variant: str, _threads: int, gate) -> None:
    """Train until the gate closes."""
    if variant == "float32":
        mica.set_precision("float32")
    # A plan that was found in a busy hour must not decide: search anew.
    search.recall_plan = lambda *_: None
    mica.set_seed(0)
    x, y = workload.data()
    model = make_model(workload.name, x.shape[1:])
    amounts = y.dtype.kind == "f"
    loss = mica.losses.SparseCategoricalCrossentropy(
        from_logits=workload.name == "char-gpt" or None
    )
    model.compile("adam", "mse" if amounts else loss)
    model.fit(
        x,
        y,
        batch_size=workload.batch_size,
        epochs=gate.epochs,
        callbacks=[Waiting(gate)],
        verbose=0,
    )
