"""Trask's chapter 6 on the reference: streetlights, and the first deep network."""

import numpy as np
import pytest

from mica.reference import Tensor
from mica.reference.functions import relu
from tests.oracle.printed import assert_prints

LIGHTS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1.0]])
WALK = np.array([0, 1, 0, 1, 1, 0.0])
START = np.array([0.5, 0.48, -0.7])


def learn(rows, goals, epochs):
    """One weight for each light, changed after every row: errors, weights."""
    weights, errors = Tensor(START, requires_gradient=True), []
    for _ in range(epochs):
        total = 0.0
        for row, goal in zip(rows, goals, strict=True):
            error = (row @ weights - goal) ** 2
            total += error.item()
            (error / 2).backward()
            weights.data = weights.data - 0.1 * weights.gradient.data
            weights.gradient = None
        errors.append(total)
    return errors, weights.data


def test_one_light_is_learned_in_twenty_steps():
    assert_prints(LIGHTS[0] @ START, "-.2")
    errors, _ = learn(LIGHTS[:1], WALK[:1], 20)
    assert_prints([errors[0], errors[-1]], ".04 8.31e-06")


def test_six_lights_are_learned_row_by_row():
    errors, weights = learn(LIGHTS, WALK, 40)
    assert_prints(errors[:2], "2.6561231104 .962870177672")
    assert_prints(errors[-2:], ".000614343567483 .000533736773285")
    # The middle light decides; the others' pressures cancel.
    assert_prints(weights, ".014 1.014 -.016")


def test_pressure_up_and_down_on_each_weight():
    pressure = (2 * WALK[:, None] - 1) * LIGHTS
    assert (pressure > 0).sum(0).tolist() == [1, 3, 3]
    assert (pressure < 0).sum(0).tolist() == [2, 0, 3]


STREETS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1.0]])
CROSSING = np.array([[1], [1], [0], [0.0]])  # walk when exactly one light is on


def deep(hidden, *, seeds=(1,), iterations=60, activation=relu):
    """The book's program, once for each seed: (seed, pass over the four rows)."""
    random = [np.random.RandomState(seed) for seed in seeds]
    first = np.stack([2 * one.rand(3, hidden) - 1 for one in random])
    second = np.stack([2 * one.rand(hidden, 1) - 1 for one in random])
    w1, w2 = (
        Tensor(first, requires_gradient=True),
        Tensor(second, requires_gradient=True),
    )
    errors = np.zeros((iterations, len(random)))
    for iteration in range(iterations):
        for row, goal in zip(STREETS, CROSSING, strict=True):
            error = ((activation(row[None] @ w1) @ w2 - goal) ** 2).sum((1, 2))
            errors[iteration] += error.data
            (error / 2).sum().backward()
            for weight in (w1, w2):
                weight.data = weight.data - 0.2 * weight.gradient.data
                weight.gradient = None
    return errors.T


def test_the_first_deep_network_prints_the_books_errors():
    printed = """.634231159844 .358384076763 .0830183113303
        .0064670549571 .000329266900075 1.50556226651e-05"""
    assert_prints(deep(4)[0, 9::10], printed)


def test_three_hidden_nodes_and_the_same_seed_never_learn():
    # NOTE: the walk-through draws three nodes and an error of 1.04. It does not say
    # that with this seed all three die: the error stays at 2.
    random = np.random.RandomState(1)
    w1, w2 = 2 * random.rand(3, 3) - 1, 2 * random.rand(3, 1) - 1
    first = (np.maximum(STREETS[:1] @ w1, 0) @ w2 - CROSSING[0]) ** 2
    assert_prints(first, "1.04")
    assert_prints(deep(3, iterations=300)[0, -1], "2.0")


def test_without_a_bend_a_deep_network_is_a_shallow_one():
    errors = deep(4, activation=lambda x: x, iterations=300)
    assert errors.min() > 1


def test_one_layer_cannot_learn_what_two_lights_say_together():
    errors, _ = learn(STREETS, CROSSING[:, 0], 300)
    assert min(errors) > 1


@pytest.mark.parametrize(("hidden", "at_least"), [(4, 25), (16, 47)])
def test_more_hidden_nodes_fail_less_often(hidden, at_least):
    errors = deep(hidden, seeds=range(50), iterations=300)
    assert (errors[:, -1] < 0.01).sum() >= at_least
