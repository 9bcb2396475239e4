"""Masks travel through networks by themselves, up to the loss."""

import copy
import re

import pytest
import torch

import mica
from mica import Input, Model, Sequential, layers
from mica.errors import ShapeError
from mica.layers import gather_masks
from mica.losses import MeanSquaredError
from tests.tolerances import assert_close

TOKENS = torch.tensor([[1, 2, 0, 0], [3, 4, 5, 0]])


class MeanOfReal(layers.Layer):
    """The mean over the steps that are real."""

    def forward(self, x, mask=None):
        if mask is None:
            return x.mean(1)
        weight = mask.unsqueeze(-1).to(x.dtype)
        return (x * weight).sum(1) / weight.sum(1)


mica.register(MeanOfReal)


def embedding(size=3):
    return layers.Embedding(9, size, mask_zero=True)


def by_hand(model, tokens=TOKENS):
    """The mean over real steps of a network without masks."""
    x = tokens
    for layer in model.layers[:-1]:
        x = layer(x)
    rows = [row[line != 0].mean(0) for row, line in zip(x, tokens, strict=True)]
    return torch.stack(rows)


def plain():
    return Sequential(embedding(), layers.Dense(2), layers.Dropout(0.1), MeanOfReal())


def nested():
    inner = Sequential(Input((4, 3)), layers.Dense(2), layers.LayerNormalization())
    return Sequential(embedding(), inner, MeanOfReal())


def shared():
    tokens = Input((None,), dtype="int64")
    encoder = Model(tokens, embedding()(tokens))
    return Model(tokens, MeanOfReal()(encoder(tokens)))


@pytest.mark.parametrize("make", [plain, nested])
def test_a_mask_reaches_the_layer_that_asks_for_it(make):
    model = make().eval()
    assert_close(model(TOKENS), by_hand(model), "oracle")


def test_a_mask_comes_out_of_a_model_inside():
    model = shared().eval()
    encoder = model.layers[0]
    assert_close(model(TOKENS)[0], encoder(TOKENS)[0, :2].mean(0), "oracle")


@pytest.mark.parametrize("make", [plain, nested, shared])
def test_copies_and_files_keep_the_masks(make, tmp_path):
    model = make().eval()
    expected = model(TOKENS)
    assert torch.equal(copy.deepcopy(model)(TOKENS), expected)
    model.save(tmp_path / "model.mica")
    assert torch.equal(mica.load(tmp_path / "model.mica").eval()(TOKENS), expected)


def test_a_mask_can_be_given_by_hand():
    model = Sequential(layers.Dense(2), MeanOfReal())
    x, mask = torch.randn(2, 4, 3), TOKENS != 0
    assert_close(model(x, mask=mask)[0], model.layers[0](x)[0, :2].mean(0), "oracle")


def test_a_mask_ends_at_a_layer_that_mixes_steps():
    tokens = Input((4,), dtype="int64")
    assert layers.Flatten()(embedding()(tokens)).mask is None


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        (layers.Add(), [[1, 1, 0, 0], [1, 1, 1, 1]]),
        (layers.Concatenate(), [[1, 1, 0, 0], [1, 1, 1, 1]]),
        (
            layers.Concatenate(axis=1),
            [[1, 1, 0, 0, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1]],
        ),
    ],
)
def test_merging_layers_combine_masks(merge, expected):
    one, other = TOKENS != 0, torch.tensor([[1, 0, 0, 0], [0, 0, 0, 1]]).bool()
    x = [torch.zeros(2, 4, 3)] * 2
    assert merge.compute_mask(x, [one, other]).int().tolist() == expected


@pytest.mark.parametrize("merge", [layers.Add(), layers.Concatenate()])
def test_what_has_no_mask_is_real_throughout(merge):
    x = [torch.zeros(2, 4, 3)] * 2
    assert merge.compute_mask(x, [TOKENS != 0, None]) is None


def test_steps_joined_with_unmasked_ones_keep_their_mask():
    x = [torch.zeros(2, 4, 3), torch.zeros(2, 1, 3)]
    mask = layers.Concatenate(axis=1).compute_mask(x, [TOKENS != 0, None])
    assert mask.int().tolist() == [[1, 1, 0, 0, 1], [1, 1, 1, 0, 1]]


def test_the_mask_of_an_output_can_be_gathered():
    tokens = Input((4,), dtype="int64")
    model = Model(tokens, layers.Dense(1)(embedding()(tokens)))
    with gather_masks(model) as masks:
        model(TOKENS)
    assert torch.equal(masks[0], TOKENS != 0)


def tagger():
    model = Sequential(
        Input((4,), dtype="int64"), embedding(), layers.Dense(1, activation="sigmoid")
    )
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    return model


@pytest.mark.parametrize("weights", [None, torch.tensor([2.0, 0.5])])
def test_loss_and_metrics_count_real_steps_only(weights):
    model = tagger()
    y = torch.rand(2, 4, 1)
    loss, mae, mse = model.evaluate(TOKENS, y, sample_weight=weights)
    real = TOKENS != 0
    output = model(TOKENS).detach()
    errors = (output - y)[..., 0][real]
    each = torch.ones(2, 4) if weights is None else weights[:, None].expand(2, 4)
    share = each[real]
    assert_close(torch.tensor(loss), (share * errors.square()).mean(), "oracle")
    assert_close(torch.tensor(mae), errors.abs().mean(), "oracle")
    weighted = (share * errors.square()).sum() / share.sum()
    assert_close(torch.tensor(mse), weighted, "oracle")


def test_targets_of_padding_do_not_move_a_weight():
    y = torch.rand(2, 4, 1)
    other = torch.where((TOKENS != 0).unsqueeze(-1), y, torch.full_like(y, 99.0))
    one, two = tagger(), tagger()
    two.load_state_dict(one.state_dict())
    for model, target in ((one, y), (two, other)):
        model.fit(TOKENS, target, epochs=2, verbose=0, seed=1, shuffle=False)
    assert torch.equal(one.layers[1].weight, two.layers[1].weight)


def test_batch_normalization_gathers_real_steps_only():
    layer = layers.BatchNormalization(momentum=0.0).train()
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    mask = TOKENS != 0
    y = layer(x, mask=mask)
    assert_close(layer.running_mean, x[mask].mean(0))
    assert_close(layer.running_var, x[mask].var(0, unbiased=False))
    expected = (x[mask] - x[mask].mean(0)) / (
        x[mask].var(0, unbiased=False) + 1e-3
    ).sqrt()
    assert_close(y[mask], expected)


def test_as_many_masks_as_inputs_are_needed():
    one, other = Input((4, 3)), Input((4, 3))
    model = Model([one, other], layers.Add()([one, other]), name="joined")
    x = torch.zeros(2, 4, 3)
    sentence = (
        "Model 'joined': expected one mask for each of 2 inputs, got 1. Give None for "
        "an input without a mask."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        model(x, x, mask=TOKENS != 0)


def test_a_loss_with_a_mask_is_the_mean_of_what_is_real():
    prediction, target = torch.randn(2, 4, 1), torch.randn(2, 4, 1)
    mask = TOKENS != 0
    loss = MeanSquaredError()(prediction, target, mask=mask)
    assert_close(loss, (prediction - target)[mask].square().mean(), "oracle")
