"""House prices with little data: four folds, then one model on all rows.

404 quarters are too few to put some aside: which ones would decide the verdict. So four
networks learn from three quarters of the rows each and are judged by the fourth; their
mean is the verdict on this way of building and training.
"""

from sklearn.preprocessing import StandardScaler

import mica
from mica import layers, tune
from mica.data import samples
from mica.recipes.recipe import Recipe

__all__ = ["RECIPE", "main"]

FOLDS, EPOCHS, BATCH_SIZE = 4, 80, 16  # the book's, of its final training


def build() -> mica.Model:
    """Make a new network: 64-64-1, compiled.

    Returns:
        The network.

    Example:
        >>> build().is_compiled
        True
    """
    model = mica.Sequential(
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(1),
    )
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def main(
    seed: int = 0, *, rows: int | None = None, epochs: int | None = None
) -> dict[str, float]:
    """Judge by four folds, train on all rows, and judge once by the test part.

    Args:
        seed: Decides folds, first weights and order.
        rows: Use only so many rows of each part; None for all.
        epochs: Passes over the data; None for the book's 80.

    Returns:
        Mean absolute errors in thousands of dollars: "4-fold error", "spread of the
        folds", "test error", and "error of the mean price" as a baseline.
    """
    houses = samples.load("boston_housing")
    x_train, y_train = houses.x_train[:rows], houses.y_train[:rows]
    x_test, y_test = houses.x_test[:rows], houses.y_test[:rows]

    baseline = float(abs(y_test - y_train.mean()).mean())
    print(f"Always the mean price errs by {baseline:.2f} thousand dollars.")

    # Each fold has a scaler of its own, which has seen its training rows only.
    result = tune.cross_validate(
        build,
        x_train,
        y_train,
        method="k-fold",
        folds=FOLDS,
        prepare=StandardScaler,
        epochs=epochs or EPOCHS,
        batch_size=BATCH_SIZE,
        seed=seed,
        announce=print,
    )
    print(result)

    # The final model and its scaler come from all 404 rows; the test part judges once.
    assert result.model is not None
    scores = result.model.evaluate(
        result.preparation.transform(x_test), y_test, return_dict=True
    )
    return {
        "4-fold error": result.mean["mae"],
        "spread of the folds": result.spread["mae"],
        "test error": scores["mae"],
        "error of the mean price": baseline,
    }


RECIPE = Recipe(
    name="boston-kfold",
    title="House prices of Boston, 64-64-1, 4 folds, 80 epochs, batch 16, RMSprop",
    source="Chollet, Deep Learning with Python (2017), section 3.6",
    main=main,
    book={"4-fold error": 2.99, "test error": 2.55},
    goal={"4-fold error": 2.9},
)

if __name__ == "__main__":
    print(main())
