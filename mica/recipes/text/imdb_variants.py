"""The network of film reviews made smaller, larger, and held back: Chollet's chapter 4.

A network that is too large learns its 15,000 reviews by heart. Fewer units, a price on
large weights (L2) and units that stay away at random (dropout) each put that off, and
the loss on reviews put aside shows by how much.
"""

import mica
from mica import layers
from mica.data import samples
from mica.data.text import BucketSource
from mica.layers import L2
from mica.recipes.recipe import Recipe
from mica.recipes.showing import Show, nothing
from mica.report import Chart, Series

__all__ = ["RECIPE", "main"]

WORDS, BATCH_SIZE, EPOCHS = 10_000, 512, 20  # the book's
ASIDE = 0.4  # of the training part, 10,000 reviews as in the book


def main(
    seed: int = 0,
    *,
    rows: int | None = None,
    epochs: int | None = None,
    show: Show = nothing,
) -> dict[str, float]:
    """Train five networks on the same reviews; the test part is not looked at.

    Args:
        seed: Decides first weights and order.
        rows: Use only so many rows of the training part; None for all.
        epochs: Passes over the data; None for the book's 20.
        show: Is given the curves of the loss on the reviews put aside.

    Returns:
        For each network the least loss on the reviews put aside, and the last.
    """
    reviews = samples.load("imdb", num_words=WORDS)
    x, y = reviews.x_train[:rows], reviews.y_train[:rows]
    aside = int(len(x) * ASIDE)
    train = BucketSource(x[aside:], y[aside:])
    validation = BucketSource(x[:aside], y[:aside])

    networks = {
        "4 units": lambda: _network(4),
        "16 units": lambda: _network(16),
        "512 units": lambda: _network(512),
        "16 units, L2": lambda: _network(16, price=0.001),
        "16 units, dropout": lambda: _network(16, dropout=0.5),
    }
    results, curves = {}, {}
    for name, make in networks.items():
        mica.set_seed(seed)
        model = make()
        model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
        history = model.fit(
            train,
            batch_size=BATCH_SIZE,
            epochs=epochs or EPOCHS,
            validation_data=validation,
            verbose=0,
        )
        # What L2 costs is part of this loss: its curve lies higher by that much, and
        # tells by how it runs, not by how high.
        curves[name] = history.history["val_loss"]
        results[f"{name}, least loss"] = min(curves[name])
        results[f"{name}, last loss"] = curves[name][-1]

    show(_chart("Capacity", curves, ["4 units", "16 units", "512 units"]))
    show(_chart("A price on large weights", curves, ["16 units", "16 units, L2"]))
    show(_chart("Dropout", curves, ["16 units", "16 units, dropout"]))
    return results


def _network(units: int, *, price: float = 0.0, dropout: float = 0.0) -> mica.Model:
    """The network of imdb-dense, with what may be changed."""

    def hidden() -> list[mica.Layer]:
        regularizer = L2(price) if price else None
        dense = layers.Dense(units, activation="relu", kernel_regularizer=regularizer)
        return [dense, layers.Dropout(dropout)] if dropout else [dense]

    return mica.Sequential(
        mica.Input((None,), dtype="int64"),
        layers.CategoryEncoding(WORDS, output_mode="multi_hot"),
        *hidden(),
        *hidden(),
        layers.Dense(1, activation="sigmoid"),
    )


def _chart(title: str, curves: dict[str, list[float]], names: list[str]) -> Chart:
    series = [
        Series(name, range(1, len(curves[name]) + 1), curves[name]) for name in names
    ]
    return Chart(title, series, "epoch", "loss on reviews put aside")


RECIPE = Recipe(
    name="imdb-dense-variants",
    title="Film reviews: 4, 16 and 512 units, L2, dropout; curves over 20 epochs",
    source="Chollet, Deep Learning with Python (2017), section 4.4",
    main=main,
    draws=True,
)

if __name__ == "__main__":
    print(main())
