"""Every classic model is a scikit-learn estimator, with no exception asked for."""

import inspect

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from mica import classic
from mica.classic import Winnow, WordVectors

ESTIMATORS = [
    getattr(classic, name)
    for name in classic.__all__
    if inspect.isclass(getattr(classic, name))
    and issubclass(getattr(classic, name), BaseEstimator)
]


def quick(kind):
    """An estimator that goes through the points a few times only."""
    # Winnow's steps are small: what all its epochs come to is checked.
    epochs = "epochs" in inspect.signature(kind).parameters and kind is not Winnow
    return kind(epochs=20) if epochs else kind()


@parametrize_with_checks(
    [quick(kind) for kind in ESTIMATORS if kind is not WordVectors]
)
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_estimator_can_be_cloned_and_shown(kind):
    assert repr(clone(kind())) == f"{kind.__name__}()"


def test_scikit_learn_checks_what_it_can_of_a_model_of_texts():
    # It has no texts to try: it says so, and checks the constructor and the tags.
    with pytest.warns(SkipTestWarning, match="Can't test estimator WordVectors"):
        checked = check_estimator(WordVectors())
    assert checked
    assert all(check["status"] == "passed" for check in checked)
