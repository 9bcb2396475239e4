"""The weather a day ahead by convolutions, which shorten it, and a GRU behind them.

40 steps -> 36 -> 12 -> 8: the GRU has a fifth of the way to go.
"""

import mica
from mica import layers
from mica.recipes.jena.weather import GOAL, learn, prepare_weather
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

EPOCHS = 20  # at most; validation decides


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Train and judge the network once.

    Args:
        seed: Decides first weights, dropout and order.
        rows: Use only so many windows of each part; None for all.
        epochs: Passes over the data; None for at most 20.

    Returns:
        Mean absolute errors in degrees, beside those of the last value.
    """
    mica.set_seed(seed)
    weather = prepare_weather()
    model = mica.Sequential(
        mica.Input((weather.encoder.shape.length, len(weather.encoder.columns))),
        layers.Conv1D(32, 5, activation="relu"),
        layers.MaxPooling1D(3),
        layers.Conv1D(32, 5, activation="relu"),
        layers.GRU(32, dropout=0.1, recurrent_dropout=0.5),
        layers.Dense(1),
    )
    model.compile("rmsprop", "mae")
    return learn(model, weather, rows, epochs or EPOCHS)


RECIPE = Recipe(
    name="jena-conv-gru",
    title="Weather of Jena a day ahead: two convolutions and a GRU of 32 units",
    source="Chollet, Deep Learning with Python (2017), section 6.4",
    main=main,
    goal=GOAL,
)

if __name__ == "__main__":
    print(main())
