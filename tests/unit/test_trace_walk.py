"""A walk: its steps, its report, its verdict, and the saved model that is verified."""

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.trace import is_verified, verify_model, walk
from mica.trace.operations import OPERATIONS
from mica.trace.step import difference


@pytest.fixture
def lights():
    """Two inputs, one weight each: everything can be computed by hand."""
    layer = nn.Linear(2, 1, bias=False)
    layer.load_state_dict({"weight": torch.tensor([[0.5, -1.0]])})
    return layer


def test_a_walk_holds_values_gradients_and_updates(lights):
    one = walk(lights, [[1.0, 2.0]], [[0.5]], loss="mse", learning_rate=0.1)
    # Predict 0.5 - 2 = -1.5; compare (-2)^2; learn -4 times the inputs.
    assert one.outputs[0].tolist() == [[-1.5]]
    assert one.loss == 4.0
    assert one.weight("weight").gradient.tolist() == [[-4.0, -8.0]]
    assert one.weight("weight").after.round(12).tolist() == [[0.9, -0.2]]
    product = one.step("mm")
    assert product.formula == "x @ permute"
    assert product.words == "matrix product"
    assert (product.shape, product.place, product.phase) == (
        (1, 1),
        "Linear",
        "predict",
    )
    assert product.gradient.tolist() == [[-4.0]]


def test_without_targets_a_walk_only_predicts(lights):
    one = walk(lights, [[1.0, 2.0]])
    assert one.loss is None
    assert {step.phase for step in one.steps} == {"predict"}
    assert "Learn" not in str(one.report())


def test_the_report_tells_predict_compare_and_learn(lights):
    text = str(walk(lights, [[1.0, 2.0]], [[0.5]], loss="mse").report())
    assert [
        text.index(word) for word in ("Start", "Predict", "Compare", "Learn")
    ] == sorted(text.index(word) for word in ("Start", "Predict", "Compare", "Learn"))


def test_show_prints_the_walk(lights, capsys):
    walk(lights, [[1.0, 2.0]]).show()
    assert "matrix product" in capsys.readouterr().out


def test_one_number_of_a_weight_can_be_followed(lights):
    one = walk(lights, [[1.0, 2.0]], [[0.5]], loss="mse", learning_rate=0.1)
    report = one.follow("weight", 0, 1)
    assert report.title == "weight[0, 1]"
    assert report.parts[0].rows[0][0] == "permute"
    assert report.parts[1].rows == (("-1", 0.1, "-8", "-0.2"),)


def test_another_optimizer_than_plain_descent_is_named():
    model = mica.Sequential(mica.Input((2,)), mica.layers.Dense(1))
    model.compile(mica.optimizers.Adam(0.5), "mse")
    one = walk(model, [[1.0, 2.0]], [[1.0]])
    assert one.learning_rate == 0.5
    assert one.note == "Plain gradient descent; the model's own optimizer is Adam."


def test_a_frozen_layer_is_not_updated():
    frozen = mica.layers.Dense(2)
    model = mica.Sequential(mica.Input((2,)), frozen, mica.layers.Dense(1))
    frozen.trainable = False
    one = walk(model, [[1.0, 2.0]], [[1.0]], loss="mse")
    assert one.weight("dense.weight").gradient is None
    assert one.weight("dense.weight").after is one.weight("dense.weight").before
    assert one.weight("dense_1.weight").gradient is not None


def test_dropout_draws_in_training_and_rests_otherwise():
    network = nn.Sequential(nn.Dropout(0.5))
    x = np.ones((1, 100))
    drawn = walk(network, x).outputs[0]
    assert set(np.unique(drawn)) == {0.0, 2.0}
    assert walk(network, x, training=False).outputs[0].tolist() == x.tolist()


def test_inputs_may_be_several():
    one = walk(nn.Bilinear(2, 3, 1), (torch.ones(4, 2), torch.ones(4, 3)))
    assert [s.name for s in one.sources if s.role == "input"] == ["x[0]", "x[1]"]
    assert not one.unknown


def test_several_inputs_and_outputs_go_by_their_names():
    a, b = mica.Input((3,)), mica.Input((2,))
    first = mica.layers.Dense(2, activation="softmax", name="first")(a)
    second = mica.layers.Dense(1, name="second")(b)
    model = mica.Model({"a": a, "b": b}, {"first": first, "second": second})
    losses = {"first": "sparse_categorical_crossentropy", "second": "mse"}
    model.compile("sgd", losses, loss_weights={"first": 1.0, "second": 0.5})
    y = {"first": np.array([0, 1]), "second": np.zeros((2, 1))}
    one = walk(model, {"a": np.ones((2, 3)), "b": np.ones((2, 2))}, y)
    assert is_verified(one.verify())
    names = [s.name for s in one.sources if s.role in ("input", "target")]
    assert names == ["x['a']", "x['b']", "y['first']", "y['second']"]


def test_a_wrong_rule_is_found(lights, monkeypatch):
    rule = OPERATIONS["mm"]._replace(compute=lambda a, b: (a @ b) * 1.0000001)
    monkeypatch.setitem(OPERATIONS, "mm", rule)
    report = walk(lights, [[1.0, 2.0]], [[0.5]], loss="mse").verify()
    assert not is_verified(report)
    assert report.parts[0].severity == "problem"
    layer = report.parts[1].rows[0]
    assert layer[0] == "Linear"
    assert layer[2] > 1e-9


def test_a_difference_knows_nan_shapes_and_what_is_missing():
    nan, one = np.array([np.nan]), np.array([1.0])
    assert difference(nan, nan) == 0
    assert difference(nan, one) == np.inf
    assert difference(np.ones(2), one) == np.inf
    assert difference(None, one) == 1
    assert difference(None, None) == 0


@pytest.fixture
def saved(tmp_path):
    model = mica.Sequential(
        mica.Input((6, 6, 1)),
        mica.layers.Conv2D(2, 3, activation="relu"),
        mica.layers.Flatten(),
        mica.layers.Dense(3, activation="softmax"),
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model.save(tmp_path / "model.mica")


def test_a_saved_model_is_verified_layer_by_layer(saved):
    report = verify_model(saved)
    assert is_verified(report)
    layers = [row[0] for row in report.parts[1].rows]
    assert layers[:3] == ["conv2d", "flatten", "dense"]


def test_a_model_sized_by_its_data_is_verified_too(tmp_path):
    model = mica.Sequential(mica.layers.Dense(4, activation="tanh"))
    model(torch.ones(1, 3))
    assert is_verified(verify_model(model.save(tmp_path / "model.mica")))


def test_the_command_verify_prints_the_verdict(saved, capsys):
    with pytest.raises(SystemExit) as ended:
        mica.cli.main(["verify", str(saved)])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "Values and gradients agree" in printed
    assert "conv2d" in printed


def test_the_command_verify_fails_where_numbers_differ(saved, monkeypatch, capsys):
    rule = OPERATIONS["addmm"]._replace(compute=lambda b, x, w: x @ w - b + 1e-6)
    monkeypatch.setitem(OPERATIONS, "addmm", rule)
    with pytest.raises(SystemExit) as ended:
        mica.cli.main(["verify", str(saved)])
    assert ended.value.code == 1
    assert "Numbers differ" in capsys.readouterr().out
