"""The recipes of prices and weather: what a shortened run of each reaches."""

import pytest

from mica.errors import DataError
from mica.recipes import boston_kfold
from mica.recipes.jena import gru


def run(recipe, **options):
    try:
        return recipe.main(0, **options)
    except DataError as error:
        pytest.skip(str(error))


def test_a_fifth_of_the_epochs_beats_the_mean_price(capsys):
    results = run(boston_kfold, epochs=16)
    assert results["4-fold error"] < results["error of the mean price"] / 2
    assert results["test error"] < results["error of the mean price"] / 1.5


def test_common_sense_is_printed_before_a_network_learns(capsys):
    results = run(gru, rows=256, epochs=1)
    lines = capsys.readouterr().out
    assert lines.index("What common sense reaches") < lines.index("epoch 1/1")
    assert 2.6 < results["error of the last value"] < 2.7
