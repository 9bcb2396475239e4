"""Rows of the layers that learn from data, number tokens, and hash."""

import math

import torch

from mica import layers
from tests.contract.layer_cases.case import Constant, Integers, LayerCase

__all__ = ["CASES"]

_WHOLE = "the input is whole numbers"
_STEPS = "the output counts boundaries, so it has no slope"
_NO_RULE = "mica.trace has no rule for finding places, hashing or scattering"
_NO_LOSS = "whole numbers come out, which no loss takes"
_IDF = [math.log(2), 0.0, 2 * math.log(2)]


def text(**arguments):
    return layers.TextVectorization(vocabulary=["b", "a", "c"], **arguments)


def integers(**arguments):
    return layers.IntegerLookup(vocabulary=[7, 3, 5], **arguments)


def strings(**arguments):
    return layers.StringLookup(vocabulary=["b", "a", "c"], **arguments)


INTEGER_STATE = {
    "tokens": Constant([3.0, 5.0, 7.0]),
    "places": Constant([2.0, 3.0, 1.0]),
}

CASES: dict[str, LayerCase] = {
    "CategoryEncoding": LayerCase(
        lambda: layers.CategoryEncoding(5),
        (3,),
        draw=Integers(5),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "CategoryEncoding counting": LayerCase(
        lambda: layers.CategoryEncoding(5, output_mode="count"),
        (None,),
        draw=Integers(5),
        no_gradient_because=_WHOLE,
    ),
    "CategoryEncoding one by one": LayerCase(
        lambda: layers.CategoryEncoding(5, output_mode="one_hot"),
        (2, 3),
        draw=Integers(5),
        no_gradient_because=_WHOLE,
    ),
    "Discretization": LayerCase(
        lambda: layers.Discretization([-1.0, 0.0, 0.5]),
        (4,),
        {"boundaries": Constant([-1.0, 0.0, 0.5])},
        no_gradient_because=_STEPS,
        no_walk_because=_NO_RULE,
    ),
    "Discretization learned": LayerCase(
        lambda: layers.Discretization(num_bins=2, output_mode="one_hot").adapt(
            [0.0, 1.0, 2.0, 3.0]
        ),
        (4,),
        {"boundaries": Constant([1.0])},
        no_gradient_because=_STEPS,
        no_walk_because=_NO_RULE,
    ),
    "Hashing": LayerCase(
        lambda: layers.Hashing(10),
        (4,),
        draw=Integers(100),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "Hashing with mask and salt": LayerCase(
        lambda: layers.Hashing(10, mask_value=3, salt=[1, 2], output_mode="multi_hot"),
        (4,),
        draw=Integers(100),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "HashedCrossing": LayerCase(
        lambda: layers.HashedCrossing(10),
        [(1,), (1,)],
        draw=Integers(100),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "HashedCrossing one-hot": LayerCase(
        lambda: layers.HashedCrossing(10, output_mode="one_hot"),
        [(), (), ()],
        draw=Integers(100),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "IntegerLookup": LayerCase(
        integers,
        (4,),
        INTEGER_STATE,
        draw=Integers(9),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "IntegerLookup of TF-IDF": LayerCase(
        lambda: integers(output_mode="tf_idf", idf_weights=_IDF),
        (None,),
        {
            **INTEGER_STATE,
            "idf": Constant([math.log(2), *_IDF]),
        },
        draw=Integers(9),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "IntegerLookup with many unknown": LayerCase(
        lambda: integers(num_oov_indices=3, mask_token=0),
        (4,),
        {"tokens": Constant([3.0, 5.0, 7.0]), "places": Constant([5.0, 6.0, 4.0])},
        draw=Integers(9),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_RULE,
    ),
    "Normalization": LayerCase(
        lambda: layers.Normalization().adapt(torch.tensor([[1.0, 2], [3, 2], [5, 8]])),
        (2,),
        {
            "mean": Constant([3.0, 4.0]),
            "deviation": Constant([math.sqrt(8 / 3), math.sqrt(8)]),
        },
    ),
    "Normalization of images": LayerCase(
        lambda: layers.Normalization(axis=(1, 3), mean=[1, 2], variance=[4, 9]),
        (3, None, 2),
        {"mean": Constant([[[1.0, 2.0]]]), "deviation": Constant([[[2.0, 3.0]]])},
    ),
    "Normalization inverted": LayerCase(
        lambda: layers.Normalization(axis=None, mean=1.0, variance=4.0, invert=True),
        (4,),
        {"mean": Constant(1.0), "deviation": Constant(2.0)},
    ),
    "Rescaling": LayerCase(lambda: layers.Rescaling(0.5, offset=1.0), (4,)),
    "Rescaling of channels": LayerCase(
        lambda: layers.Rescaling([0.5, 2.0], offset=[1.0, 0.0]), (3, 2)
    ),
    "StringLookup": LayerCase(
        strings,
        (4,),
        draw=Integers(4),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_LOSS,
    ),
    "StringLookup of TF-IDF": LayerCase(
        lambda: strings(output_mode="tf_idf", idf_weights=_IDF, num_oov_indices=0),
        (None,),
        {"idf": Constant(_IDF)},
        draw=Integers(3),
        no_gradient_because=_WHOLE,
    ),
    "TextVectorization": LayerCase(
        lambda: text(output_sequence_length=4),
        (4,),
        draw=Integers(5),
        no_gradient_because=_WHOLE,
        no_walk_because=_NO_LOSS,
    ),
    "TextVectorization counting": LayerCase(
        lambda: text(output_mode="count", max_tokens=9, pad_to_max_tokens=True),
        (None,),
        draw=Integers(4),
        no_gradient_because=_WHOLE,
    ),
    "TextVectorization of TF-IDF": LayerCase(
        lambda: text(output_mode="tf_idf", idf_weights=_IDF),
        (None,),
        {"idf": Constant([math.log(2), *_IDF])},
        draw=Integers(4),
        no_gradient_because=_WHOLE,
    ),
}
