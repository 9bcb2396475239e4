"""The weather a day ahead by a GRU with dropout, in its inputs and in its states.

The same units are dropped at all steps of a window, so the state stays a memory.
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
        layers.GRU(32, dropout=0.2, recurrent_dropout=0.2),
        layers.Dense(1),
    )
    model.compile("rmsprop", "mae")
    return learn(model, weather, rows, epochs or EPOCHS)


RECIPE = Recipe(
    name="jena-gru-dropout",
    title="Weather of Jena a day ahead: GRU of 32 units with dropout",
    source="Chollet, Deep Learning with Python (2017), section 6.3",
    main=main,
    goal=GOAL,
)

if __name__ == "__main__":
    print(main())
