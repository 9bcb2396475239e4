"""Trask's chapters 3 to 5 on the reference: predicting, comparing, learning by hand.

The book writes error = (prediction - goal)^2 and goes down (prediction - goal) input,
the slope of *half* that error. Here the halved error is differentiated, so that the
weight deltas are the book's, and the doubled one is what it prints.
"""

import numpy as np
import pytest

from mica.reference import Tensor
from tests.oracle.printed import assert_prints

GAMES = [8.5, 9.5, 9.9, 9.0]
WINS = [0.65, 0.8, 0.8, 0.9]
FANS = [1.2, 1.3, 0.5, 1.0]
FIRST_GAME = np.array([8.5, 0.65, 1.2])
THREE_OUTPUTS = np.array([[0.1, 0.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]])


# Chapter 3: predicting.


def test_one_weight_is_a_volume_knob():
    assert_prints((Tensor(GAMES)[0] * 0.1).item(), "0.85")
    assert [(Tensor(8.0) * knob).item() for knob in (2, 0.5, -1)] == [16, 4, -8]


def test_three_inputs_are_weighed_and_added():
    weights = Tensor([0.1, 0.2, 0.0])
    assert_prints((weights * FIRST_GAME).data, "0.85 0.13 0.00")
    assert_prints((FIRST_GAME @ weights).item(), "0.98")


SIMILAR = {
    "ab": "0", "bc": "1", "bd": "1", "cc": "2", "dd": ".5", "ce": "0", "ee": "2",
    "cd": ".5",
}  # fmt: skip
VECTORS = {
    "a": [0, 1, 0, 1],
    "b": [1, 0, 1, 0],
    "c": [0, 1, 1, 0],
    "d": [0.5, 0, 0.5, 0],
    "e": [0, 1, -1, 0],
}


@pytest.mark.parametrize("names", SIMILAR)
def test_a_weighted_sum_says_how_alike_two_vectors_are(names):
    left, right = (Tensor(VECTORS[name]) for name in names)
    assert_prints((left @ right).item(), SIMILAR[names])


def test_one_input_gives_three_outputs():
    assert_prints((Tensor([0.3, 0.2, 0.9]) * WINS[0]).data, "0.195 0.13 0.585")


def test_three_inputs_give_three_outputs():
    assert_prints((Tensor(THREE_OUTPUTS) @ FIRST_GAME).data, "0.555 0.98 0.965")


def test_predictions_are_predicted_on():
    hidden_weights = Tensor([[0.1, 0.2, -0.1], [-0.1, 0.1, 0.9], [0.1, 0.4, 0.1]])
    output_weights = Tensor([[0.3, 1.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]])
    hidden = hidden_weights @ FIRST_GAME
    assert_prints(hidden.data, "0.86 0.295 1.23")
    prediction = output_weights @ hidden
    assert_prints(prediction.data, "0.2135 0.145 0.5065")
    assert_prints(prediction.data, ".214 .145 .507")


SHAPES = [
    ((1, 4), (4, 3), (1, 3)),
    ((2, 4), (4, 3), (2, 3)),
    ((2, 1), (1, 3), (2, 3)),
    ((4, 5), (5, 6), (4, 6)),
]


@pytest.mark.parametrize(("left", "right", "result"), SHAPES)
def test_the_inner_sizes_of_a_product_disappear(left, right, result):
    assert (Tensor(np.ones(left)) @ np.ones(right)).shape == result


def test_a_product_of_shapes_that_do_not_fit_is_refused():
    with pytest.raises(ValueError, match="matmul: expected shapes"):
        Tensor(np.ones((5, 4))) @ np.ones((5, 6))


# Chapter 4: comparing, and learning with one weight.


def test_the_error_is_squared():
    assert_prints(((Tensor(0.5) * 0.5 - 0.8) ** 2).item(), "0.3025")


def error_of(weight, x, goal):
    return ((Tensor(x) * weight - goal) ** 2).item()


def test_hot_and_cold_tries_both_sides():
    here, up, down = (error_of(weight, 8.5, 1) for weight in (0.1, 0.11, 0.09))
    assert_prints([here, up, down], ".023 .004 .055")
    assert up < down


def hot_and_cold(step, iterations):
    """Try the weight a step up and a step down, and keep what is better."""
    weight, x, goal, seen = 0.5, 0.5, 0.8, []
    for _ in range(iterations):
        prediction = x * weight
        seen.append(((prediction - goal) ** 2, prediction))
        up = (goal - x * (weight + step)) ** 2
        down = (goal - x * (weight - step)) ** 2
        weight = weight - step if down < up else weight + step
    return np.array(seen)


def test_hot_and_cold_arrives_after_1101_steps():
    errors, predictions = hot_and_cold(0.001, 1101).T
    assert_prints(errors[[0, 1]], "0.3025 0.30195025")
    assert_prints(predictions[[0, 1]], "0.25 0.2505")
    assert_prints(errors[-2:], "2.50000000033e-07 1.07995057925e-27")
    assert_prints(predictions[-2:], "0.7995 0.8")


def test_hot_and_cold_with_a_large_step_never_arrives():
    _, predictions = hot_and_cold(0.2, 1101).T
    assert_prints(sorted(predictions[-2:]), "0.75 0.85")


def test_hot_and_cold_with_a_huge_step_jumps_to_and_fro():
    errors, predictions = hot_and_cold(10, 40).T
    assert_prints(errors[-2:], "0.3025 19.8025")
    assert_prints(predictions[-2:], "0.25 5.25")


def descend(weight, x, goal, *, alpha=1.0, iterations=20):
    """Gradient descent with one weight: error, prediction, delta, slope, weight."""
    seen = []
    for _ in range(iterations):
        knob = Tensor(weight, requires_gradient=True)
        prediction = knob * x
        ((prediction - goal) ** 2 / 2).backward()
        delta, slope = prediction.item() - goal, knob.gradient.item()
        seen.append((delta**2, prediction.item(), delta, slope, weight))
        weight = weight - alpha * slope
    return np.array(seen)


def test_gradient_descent_arrives_in_twenty_steps():
    errors, predictions, *_ = descend(0.5, 0.5, 0.8).T
    assert_prints(errors[:3], "0.3025 .17015625 .095712890625")
    assert_prints(predictions[:3], "0.25 .3875 .490625")
    assert_prints(errors[-3:], "1.7092608064e-05 9.61459203602e-06 5.40820802026e-06")
    assert_prints(predictions[-3:], ".79586567925 .796899259437 .797674444578")


def test_one_step_in_five_pictures():
    error, prediction, delta, slope, _ = descend(0.1, 8.5, 1, iterations=1)[0]
    assert_prints([prediction, error, delta], ".85 .023 -0.15")
    # NOTE: the book's picture shows -1.25; the product is 8.5 times -0.15.
    assert_prints(slope, "-1.275")
    assert_prints(0.1 - 0.01 * slope, "0.11275")


def test_learning_only_lowers_the_error():
    errors, *_ = descend(0.0, 0.5, 0.8, iterations=4).T
    assert_prints(errors, ".64 .36 .2025 .113906")


def test_steps_along_the_error_curve():
    errors, predictions, deltas, slopes, weights = descend(
        0.0, 1.1, 0.8, iterations=4
    ).T
    assert_prints(weights, "0.0 .88 .6952 .734008")
    assert_prints(errors, ".64 .028224 .0012446784 5.489031744e-05")
    assert_prints(predictions, "0 .968 .76472 .8074088")
    assert_prints(deltas, "-.8 .168 -.03528 .0074088")
    assert_prints(slopes, "-.88 .1848 -.038808 .00814968")


def test_the_slope_of_two_rods_is_two():
    blue = Tensor(3.0, requires_gradient=True)
    (2 * blue).backward()
    assert blue.gradient.item() == 2


def test_a_large_input_makes_gradient_descent_diverge():
    errors, predictions, *_ = descend(0.5, 2, 0.8).T
    assert_prints(errors[:3], ".04 .36 3.24")
    assert_prints(predictions[:3], "1.0 .2 2.6")
    # The book has -25828031.8 and so on: twelve digits of the numbers.
    assert_prints(errors[-3:], "6.67087267987e+14 6.00378541188e+15 5.40340687069e+16")
    assert_prints(predictions[-3:], "-25828031.8 77484098.6 -232452292.6")


def test_a_small_alpha_tames_it():
    errors, predictions, *_ = descend(0.5, 2, 0.8, alpha=0.1).T
    # NOTE: the book shows these three as the first, second and last of twenty steps;
    # they are the second, third and eighteenth.
    assert_prints(errors[[1, 2, 17]], ".0144 .005184 1.14604719983e-09")
    assert_prints(predictions[[1, 2, 17]], ".92 .872 .800033853319")
    assert_prints(errors[[0, 19]], ".04 1.485e-10")


# Alpha, and what the error becomes in twenty steps (the book asks, we answer).
ALPHAS = [
    (10, False), (1, False), (0.5, False), (0.4, True), (0.01, True), (0.001, True),
    (0.0001, True), (-0.1, False),
]  # fmt: skip


@pytest.mark.parametrize(("alpha", "falls"), ALPHAS)
def test_alpha_decides_whether_the_error_falls(alpha, falls):
    errors, *_ = descend(0.5, 2, 0.8, alpha=alpha).T
    assert (errors[-1] < errors[0] * 0.999) == falls


# Chapter 5: many weights.


def learn_three(alpha, iterations=3, frozen=None):
    """Gradient descent with three inputs; a frozen weight stays as it is."""
    weights, seen = np.array([0.1, 0.2, -0.1]), []
    for _ in range(iterations):
        knobs = Tensor(weights, requires_gradient=True)
        prediction = FIRST_GAME @ knobs
        ((prediction - 1) ** 2 / 2).backward()
        slopes = knobs.gradient.data.copy()
        if frozen is not None:
            slopes[frozen] = 0
        delta = prediction.item() - 1
        seen.append((delta**2, prediction.item(), delta, slopes, weights))
        weights = weights - alpha * slopes
    return seen


def test_three_weights_share_one_delta():
    (error, prediction, delta, slopes, _), (*_, weights), _ = learn_three(0.01)
    assert_prints([prediction, error, delta], ".86 .020 -.14")
    assert_prints(slopes, "-1.19 -.091 -.168")
    # The book shows four digits, and drops the last of the third.
    assert_prints(weights, ".1119 .20091 -.09832")


def test_three_weights_learn_in_three_steps():
    seen = learn_three(0.01)
    assert_prints([step[0] for step in seen], ".0196 .00131352 8.8027e-05")
    assert_prints([step[1] for step in seen], ".86 .9637575 .99061772")


def test_a_large_input_makes_three_weights_diverge():
    errors = [step[0] for step in learn_three(0.1, 4)]
    assert_prints(errors, ".0196 .806 33.1 1361")


def test_the_others_learn_when_one_weight_is_frozen():
    seen = learn_three(0.3, 4, frozen=0)
    assert_prints([step[0] for step in seen], ".0196 .003816 .000743 .000145")
    assert all(weights[0] == 0.1 for *_, weights in seen)


def test_one_input_teaches_three_outputs():
    weights = Tensor([0.3, 0.2, 0.9], requires_gradient=True)
    prediction = weights * WINS[0]
    goals = [0.1, 1, 0.1]
    ((prediction - goals) ** 2 / 2).sum().backward()
    deltas = prediction.data - goals
    assert_prints(deltas**2, ".009025 .7569 .235225")
    assert_prints(deltas, ".095 -.87 .485")
    # NOTE: the listing multiplies the input by the weights where it means the deltas.
    learned = weights.data - 0.1 * weights.gradient.data
    assert_prints(learned, ".293825 .25655 .868475")


def test_three_inputs_teach_three_outputs():
    weights = Tensor(THREE_OUTPUTS, requires_gradient=True)
    goals = [0.1, 1, 0.1]
    prediction = weights @ FIRST_GAME
    ((prediction - goals) ** 2 / 2).sum().backward()
    deltas = prediction.data - goals
    assert_prints(deltas**2, ".207025 .0004 .748225")
    assert_prints(deltas, ".455 -.02 .865")
    # NOTE: the listing keeps one delta for all outputs and never changes a weight; the
    # gradient is the outer product of the deltas and the inputs.
    assert weights.gradient.data.tolist() == np.outer(deltas, FIRST_GAME).tolist()
