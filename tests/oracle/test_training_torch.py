"""Training gives the numbers of a hand-written torch loop and of Keras's fit."""

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import epoch_order
from tests.tolerances import assert_close

ROWS, EPOCHS, BATCH = 70, 3, 16
X = torch.randn(
    ROWS, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()


def mica_model() -> mica.Sequential:
    model = mica.Sequential(
        mica.Input((5,), dtype=torch.float64),
        layers.Dense(8, activation="tanh"),
        layers.Dense(3, activation="softmax"),
    )
    return model.double()


def torch_copy(model: mica.Sequential) -> nn.Sequential:
    """The same weights in plain torch; the softmax is in the loss."""
    module = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    for mine, theirs in zip(model.parameters(), module.parameters(), strict=True):
        theirs.data.copy_(mine)
    return module


OPTIMIZERS = {
    "sgd": (
        mica.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, fused=True),
    ),
    "adam": (
        mica.optimizers.Adam(0.01),
        lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-7, fused=True),
    ),
    "adamw": (
        mica.optimizers.AdamW(0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.01, eps=1e-7, weight_decay=0.1, fused=True),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_does_to_the_bit_what_a_hand_written_loop_does(name):
    spec, build = OPTIMIZERS[name]
    model = mica_model()
    module = torch_copy(model)
    model.compile(spec, "sparse_categorical_crossentropy")
    with mica.engine.precision_scope("float64"):
        history = model.fit(X, Y, BATCH, epochs=EPOCHS, seed=7, verbose=0)

    optimizer, losses = build(module.parameters()), []
    for epoch in range(EPOCHS):
        order, total = epoch_order(ROWS, seed=7, epoch=epoch), 0.0
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(module(X[rows]), Y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / ROWS)

    for mine, theirs in zip(model.parameters(), module.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert_close(history.history["loss"], losses, "reordered")


def test_fit_gives_the_losses_that_keras_gives():
    keras = pytest.importorskip("keras")
    keras.backend.set_floatx("float64")
    try:
        theirs = keras.Sequential(
            [
                keras.Input((5,)),
                keras.layers.Dense(8, activation="tanh"),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
        model = mica_model()
        for layer, mine in zip(theirs.layers, model.layers, strict=True):
            layer.set_weights(
                [mine.weight.detach().numpy().T, mine.bias.detach().numpy()]
            )
        theirs.compile(
            keras.optimizers.SGD(0.1),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.compile(
            mica.optimizers.SGD(0.1),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        options = {
            "batch_size": BATCH,
            "epochs": EPOCHS,
            "shuffle": False,
            "verbose": 0,
        }
        expected = theirs.fit(X.numpy(), Y.numpy(), **options).history
        with mica.engine.precision_scope("float64"):
            found = model.fit(X, Y, **options).history
    finally:
        keras.backend.set_floatx("float32")
    # Keras keeps its running means in float32.
    for name in ("loss", "accuracy"):
        assert_close(np.float32(found[name]), np.float32(expected[name]), "oracle")


def test_sample_weights_give_the_loss_that_keras_gives():
    keras = pytest.importorskip("keras")
    weights = np.linspace(0.1, 2.0, ROWS).astype("float32")
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model = mica.Sequential(mica.Input((5,)), layers.Dense(1))
    dense = model.layers[0]
    theirs.layers[0].set_weights(
        [dense.weight.detach().numpy().T, dense.bias.detach().numpy()]
    )
    for each in (theirs, model):
        each.compile("sgd", "mse", weighted_metrics=["mae"])
    x, y = X.float().numpy(), X[:, 0].float().numpy()
    options = {"sample_weight": weights, "batch_size": BATCH, "return_dict": True}
    expected = theirs.evaluate(x, y, verbose=0, **options)
    found = model.evaluate(x, y, **options)
    assert_close(np.float32(found["loss"]), np.float32(expected["loss"]), "oracle")
    mine = next(value for name, value in found.items() if name != "loss")
    other = next(value for name, value in expected.items() if name != "loss")
    assert_close(np.float32(mine), np.float32(other), "oracle")
