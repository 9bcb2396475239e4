"""EinsumDense and ReversibleEmbedding: sentences, sizes, masks, equal layers."""

import re

import pytest
import torch

from mica import Input, Model, layers
from mica.errors import ConfigError, DataError, ShapeError
from tests.tolerances import assert_close

FORM = (
    "EinsumDense: expected an equation such as 'abc,cd->abd' or '...x,xy->...y', got "
    "{0!r}. Name each axis by a letter; three dots stand for axes that x and y share, "
    "on one side."
)
ALONE = (
    "EinsumDense: expected every axis of the weight in x or y, and of y in x or the "
    "weight, got {0!r} alone in {1!r}. Name its partner."
)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        *[
            (lambda text=text: layers.EinsumDense(text, 3), FORM.format(text))
            for text in [
                "ab",
                "ab,bc",
                "...ab,bc->ac",
                "ab...,bc->...ac",
                "...a...,ab->...b...",
                "ab,b1->a1",
                None,
            ]
        ],
        (
            lambda: layers.EinsumDense("aab,bc->ac", 3),
            "EinsumDense: expected each letter once in 'aab', got the equation "
            "'aab,bc->ac'. Give every axis a letter of its own.",
        ),
        (
            lambda: layers.EinsumDense("ab,bcd->ac", 3),
            ALONE.format("d", "ab,bcd->ac"),
        ),
        (
            lambda: layers.EinsumDense("ab,bc->acd", (3, 4)),
            ALONE.format("d", "ab,bc->acd"),
        ),
        (
            lambda: layers.EinsumDense("ab,bc->ac", (3, 4)),
            "EinsumDense: expected an output_shape of 1 size for 'c', got (3, 4). Give "
            "None where x tells the size.",
        ),
        (
            lambda: layers.EinsumDense("abc,cd->abd", 4),
            "EinsumDense: expected an output_shape of 2 sizes for 'bd', got 4. Give "
            "None where x tells the size.",
        ),
        (
            lambda: layers.EinsumDense("ab,bc->ac", 0),
            "EinsumDense: expected output_shape to be a positive integer, got 0. Write "
            "for example output_shape=32.",
        ),
        *[
            (
                lambda axes=axes: layers.EinsumDense("ab,bc->ac", 3, bias_axes=axes),
                "EinsumDense: expected bias_axes out of the letters 'ac', got "
                f"{axes!r}. Name the axes of y along which the bias differs.",
            )
            for axes in ["b", "", 1]
        ],
        (
            lambda: layers.ReversibleEmbedding(3, 2, logit_soft_cap=0.0),
            "ReversibleEmbedding: expected logit_soft_cap above 0, got 0.0. 30.0 is a "
            "usual value; None is for no cap.",
        ),
    ],
)
def test_a_wrong_argument_is_told(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


def used() -> layers.EinsumDense:
    layer = layers.EinsumDense("abc,cd->abd", (None, 4))
    layer(torch.zeros(2, 3, 5))
    return layer


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("make", "x", "kind", "sentence"),
    [
        (
            used,
            torch.zeros(2, 5),
            ShapeError,
            "EinsumDense: expected 3 axes (a, b, c), got shape (2, 5). Add the missing "
            "axis, e.g. with Reshape.",
        ),
        (
            lambda: layers.EinsumDense("...x,xy->...y", 4),
            torch.zeros(5),
            ShapeError,
            "EinsumDense: expected at least 2 axes (batch, x), got shape (5,). Add the "
            "missing axis, e.g. with Reshape.",
        ),
        (
            used,
            torch.zeros(2, 3, 6),
            ShapeError,
            "EinsumDense: expected size 5 for 'c', got 6 in shape (2, 3, 6). Build a "
            "new layer for the new size.",
        ),
        (
            lambda: layers.EinsumDense("abc,cd->abd", (7, 4)),
            torch.zeros(2, 3, 5),
            ShapeError,
            "EinsumDense: expected size 7 for 'b' as in output_shape, got 3 in shape "
            "(2, 3, 5). Give None in output_shape to take x's size.",
        ),
        (
            lambda: layers.EinsumDense("ab,bc->ac", None),
            torch.zeros(2, 5),
            ShapeError,
            "EinsumDense: expected a known size of at least 1 for 'c', got None in "
            "shape (2, 5). Give the size in Input or in output_shape.",
        ),
        (
            used,
            torch.zeros(2, 3, 5).long(),
            DataError,
            "EinsumDense: expected floating-point input, got torch.int64. Convert it "
            "with x.float().",
        ),
        (
            lambda: layers.ReversibleEmbedding(3, 2),
            torch.zeros(4, 5).bool(),
            DataError,
            "ReversibleEmbedding: expected whole numbers of type int32 or int64, got "
            'torch.bool. Convert them with x.long(), or write dtype="int64" in Input.',
        ),
    ],
)
def test_a_wrong_input_is_told(make, x, kind, sentence):
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        make()(x)


def test_an_unknown_size_along_the_bias_is_told():
    layer = layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="bd")
    sentence = (
        "EinsumDense: expected a known size for 'b', along which the bias differs, got "
        "None in shape (None, None, 5). Give the size in Input or in output_shape."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        layer(Input((None, 5)))


def test_a_vector_of_another_size_is_not_reversed():
    sentence = (
        "ReversibleEmbedding: expected last axis of size 2, got 3 in shape (4, 3). "
        "Build a new layer for the new size."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        layers.ReversibleEmbedding(5, 2)(torch.zeros(4, 3), reverse=True)


def test_a_plain_equation_is_dense():
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    named = layers.EinsumDense("...x,xy->...y", 3, bias_axes="y", activation="tanh")
    plain = layers.Dense(3, activation="tanh")
    named(x), plain(x)
    with torch.no_grad():
        plain.weight.copy_(named.weight.T)
        plain.bias.copy_(named.bias)
    assert_close(named(x), plain(x), "reordered")


def test_a_size_comes_from_x_where_the_weight_needs_it():
    layer = layers.EinsumDense("abc,bcd->abd", (None, 2))
    assert layer(torch.zeros(3, 4, 5)).shape == (3, 4, 2)
    assert layer.weight.shape == (4, 5, 2)


def test_the_table_of_a_tied_embedding_learns_from_both_ends():
    layer = layers.ReversibleEmbedding(5, 2)
    words = torch.tensor([[1, 3]])
    layer(layer(words), reverse=True).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.any(dim=1).all()
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_a_language_model_has_one_table_at_both_ends():
    words = Input((6,), dtype="int64")
    table = layers.ReversibleEmbedding(9, 4, mask_zero=True)
    hidden = layers.GRU(4, return_sequences=True)(table(words))
    model = Model(words, table(hidden, reverse=True))
    assert model(torch.tensor([[1, 2, 3, 0, 0, 0]])).shape == (1, 6, 9)


def test_the_mask_of_numbers_is_that_of_an_embedding():
    table = layers.ReversibleEmbedding(9, 4, mask_zero=True)
    words, known = torch.tensor([[1, 0]]), torch.tensor([[True, False]])
    assert torch.equal(table.compute_mask(words), known)
    assert table.compute_mask(torch.zeros(1, 2, 4), known) is known


def test_a_cap_bounds_the_scores():
    table = layers.ReversibleEmbedding(9, 4, logit_soft_cap=2.0)
    assert table(1e4 * torch.randn(3, 4), reverse=True).abs().max() <= 2
