"""The weather a day ahead by two GRUs, one on top of the other.

The first gives its state at every step, and the second reads these.
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
        layers.GRU(32, dropout=0.1, recurrent_dropout=0.5, return_sequences=True),
        layers.GRU(64, activation="relu", dropout=0.1, recurrent_dropout=0.5),
        layers.Dense(1),
    )
    model.compile("rmsprop", "mae")
    return learn(model, weather, rows, epochs or EPOCHS)


RECIPE = Recipe(
    name="jena-stacked",
    title="Weather of Jena a day ahead: two GRUs of 32 and 64 units",
    source="Chollet, Deep Learning with Python (2017), section 6.3",
    main=main,
    goal=GOAL,
)

if __name__ == "__main__":
    print(main())
