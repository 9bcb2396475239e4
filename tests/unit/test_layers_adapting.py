"""What layers that learn from data refuse, and how they behave beside the rules."""

import re

import numpy as np
import pytest
import torch

from mica.data import as_source
from mica.errors import ConfigError, DataError, ShapeError, StateError
from mica.layers import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)

NAN = float("nan")
ONE = torch.ones(2, 3)
WHOLE = torch.tensor([[1, 2]])

MAKING = [
    (
        lambda: Normalization(axis=0),
        "Normalization: expected axes beside the batch, got axis=0. Use axis=-1 for a "
        "mean of each feature, None for one of all values.",
    ),
    (
        lambda: Normalization(mean=1.0),
        "Normalization: expected mean and variance together, got only one of them. "
        "Give both, or none and call adapt(data).",
    ),
    (
        lambda: Normalization(mean=1.0, variance=-1.0),
        "Normalization: expected variance of at least 0, got -1. Give the mean of the "
        "squared distances.",
    ),
    (
        lambda: Discretization(),
        "Discretization: expected bin_boundaries or num_bins, got neither. Give the "
        "boundaries, or the number of bins and call adapt(data).",
    ),
    (
        lambda: Discretization([2.0, 1.0]),
        "Discretization: expected bin_boundaries that rise, got [2.0, 1.0]. Sort them "
        "and leave out what occurs twice.",
    ),
    (
        lambda: Discretization([0.0]).reset(),
        "Discretization: expected num_bins, got only bin_boundaries. Make a layer with "
        "num_bins=... to learn from data.",
    ),
    (
        lambda: Hashing(1, mask_value=""),
        "Hashing: expected at least 2 bins with a mask_value, got 1. Raise num_bins: "
        "bin 0 holds the mask alone.",
    ),
    (
        lambda: IntegerLookup(num_oov_indices=-1),
        "IntegerLookup: expected num_oov_indices to be 0 or more, got -1. 1 lets all "
        "unknown tokens share a number.",
    ),
    (
        lambda: TextVectorization(2),
        "TextVectorization: expected max_tokens of at least 3, got 2. The mask and the "
        "unknown count too; None sets no limit.",
    ),
    (
        lambda: StringLookup(pad_to_max_tokens=True),
        "StringLookup: expected max_tokens with pad_to_max_tokens, got None. Give "
        "max_tokens, the number of columns.",
    ),
    (
        lambda: StringLookup(idf_weights=[1.0]),
        "StringLookup: expected a vocabulary with idf_weights, got none. Give both, or "
        "none and call adapt(data).",
    ),
    (
        lambda: StringLookup(vocabulary="words.txt"),
        "StringLookup: expected vocabulary as a list of tokens, got 'words.txt'. Read "
        "a file with open(path).read().split().",
    ),
    (
        lambda: StringLookup(vocabulary=["a", "b", "c"], max_tokens=3),
        "StringLookup: expected at most 2 tokens, as max_tokens leaves room for, got "
        "3. Raise max_tokens.",
    ),
    (
        lambda: StringLookup(vocabulary=["a"], idf_weights=[1.0]),
        "StringLookup: expected no idf_weights in output_mode 'int', got some. They go "
        "with 'tf_idf' alone; adapt(data) finds them.",
    ),
    (
        lambda: StringLookup(vocabulary=["a"], output_mode="tf_idf"),
        "StringLookup: expected idf_weights in output_mode 'tf_idf', got none. They go "
        "with 'tf_idf' alone; adapt(data) finds them.",
    ),
    (
        lambda: StringLookup(
            vocabulary=["a"], idf_weights=[1.0, 2.0], output_mode="tf_idf"
        ),
        "StringLookup: expected a weight for each of 1 tokens, got 2. Give idf_weights "
        "in the order of the vocabulary.",
    ),
    (
        lambda: IntegerLookup(invert=True, output_mode="count"),
        "IntegerLookup: expected output_mode 'int' with invert, got 'count'. Leave one "
        "of them out.",
    ),
    (
        lambda: TextVectorization(ngrams=()),
        "TextVectorization: expected ngrams with at least one size, got none. Leave it "
        "out for single tokens.",
    ),
    (
        lambda: TextVectorization(output_mode="count", output_sequence_length=3),
        "TextVectorization: expected output_sequence_length in output_mode 'int' "
        "alone, got 'count'. Leave one of them out.",
    ),
    (
        lambda: Normalization().adapt(ONE, steps=0),
        "Normalization.adapt: expected steps to be at least 1, got 0. Leave it out to "
        "use all the data.",
    ),
    (
        lambda: TextVectorization(split="word"),
        "TextVectorization: expected split to be a known name, got 'word'. Did you "
        "mean 'words_and_marks'?",
    ),
    (
        lambda: TextVectorization(standardize="lower_case"),
        "TextVectorization: expected standardize to be a known name, got 'lower_case'. "
        "Did you mean 'lower'?",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), MAKING, ids=[s[:60] for _, s in MAKING])
def test_arguments_that_cannot_work_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


DATA = [
    (
        lambda: Normalization().adapt([[1.0, NAN]]),
        "Normalization.adapt: expected finite numbers, got nan in row 0. Fill the gap "
        "or leave the row out.",
    ),
    (
        lambda: Discretization(num_bins=2).adapt([[0.0], [float("inf")]]),
        "Discretization.adapt: expected finite numbers, got inf in row 1. Fill the gap "
        "or leave the row out.",
    ),
    (
        lambda: Normalization().adapt(["a", "b"]),
        "Normalization.adapt: expected numbers, got texts. Use StringLookup or "
        "TextVectorization for texts.",
    ),
    (
        lambda: Normalization().adapt([[1.0], [1.0, 2.0]]),
        "Normalization.adapt: expected numbers, got list that NumPy cannot make an "
        "array of. Give rows of one length, numbers only.",
    ),
    (
        lambda: Normalization().adapt(torch.zeros(0, 3)),
        "Normalization.adapt: expected at least one row, got none. Look at how the "
        "data were cut.",
    ),
    (
        lambda: Normalization().adapt(iter([])),
        "Normalization.adapt: expected at least one batch, got none. An iterator can "
        "be read only once; make a new one.",
    ),
    (
        lambda: Normalization().adapt(3),
        "adapt: expected data, got int. Give an array, a list, or a loader of batches.",
    ),
    (
        lambda: IntegerLookup().adapt([1.5]),
        "IntegerLookup.adapt: expected whole numbers, got 1.5. Use Discretization for "
        "measurements.",
    ),
    (
        lambda: TextVectorization().adapt(["a", 3]),
        "TextVectorization.adapt: expected texts, got 3 of type int in row 1. Turn it "
        "into text with str(), or leave it out.",
    ),
    (
        lambda: TextVectorization().adapt(torch.zeros(3)),
        "TextVectorization.adapt: expected texts, got Tensor. Give a list or an array "
        "of str.",
    ),
    (
        lambda: TextVectorization().adapt([["a"], ["a", "b"]]),
        "TextVectorization.adapt: expected rows of one length, got several. Give each "
        "row as many texts, or one text each.",
    ),
    (
        lambda: TextVectorization().adapt([["a", "b"]]),
        "TextVectorization.adapt: expected one text in each row, got the shape (1, 2). "
        "Join the texts of a row.",
    ),
    (
        lambda: StringLookup(vocabulary=[]),
        "StringLookup: expected a vocabulary of at least one token, got none. Leave it "
        "out and call adapt(data).",
    ),
    (
        lambda: StringLookup(vocabulary=["a", "b", "a"]),
        "StringLookup: expected each token once, got 'a' again. Leave the others out.",
    ),
    (
        lambda: StringLookup(vocabulary=[1]),
        "StringLookup: expected texts in the vocabulary, got 1. Use IntegerLookup for "
        "whole numbers.",
    ),
    (
        lambda: TextVectorization(vocabulary=[1]),
        "TextVectorization: expected texts in the vocabulary, got 1. Turn it into text "
        "with str().",
    ),
    (
        lambda: StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]),
        "StringLookup: expected texts of the vocabulary, got 'b'. Set num_oov_indices "
        "to 1 or more for the unknown.",
    ),
    (
        lambda: IntegerLookup(vocabulary=[1], num_oov_indices=0)(WHOLE),
        "IntegerLookup: expected numbers of the vocabulary, got 2. Set num_oov_indices "
        "to 1 or more for the unknown.",
    ),
    (
        lambda: IntegerLookup(vocabulary=[1])(ONE),
        "IntegerLookup: expected whole numbers, got torch.float32. Convert them with "
        "x.long().",
    ),
    (
        lambda: StringLookup(vocabulary=["a"])(ONE),
        "StringLookup: expected texts, or the whole numbers that read() gives, got "
        "torch.float32. Give a list or an array of str.",
    ),
    (
        lambda: StringLookup(vocabulary=["a"])([1, 2]),
        "StringLookup: expected texts, or the whole numbers that read() gives, got "
        "something else. Give a list or an array of str.",
    ),
    (
        lambda: TextVectorization(vocabulary=["a"])(torch.tensor([1])),
        "TextVectorization: expected texts, or a row of numbers for each, got numbers "
        "of shape (1,). Give a list or an array of str.",
    ),
    (
        lambda: CategoryEncoding(2)(WHOLE),
        "CategoryEncoding: expected categories from 0 to 1, got 2. Raise num_tokens, "
        "or number the categories with IntegerLookup.",
    ),
    (
        lambda: CategoryEncoding(2)(ONE),
        "CategoryEncoding: expected whole numbers, got torch.float32. Convert them "
        "with x.long().",
    ),
    (
        lambda: CategoryEncoding(2)([1]),
        "CategoryEncoding: expected a tensor, got something else. Convert it with "
        "torch.as_tensor(x).",
    ),
    (
        lambda: Hashing(5)(ONE),
        "Hashing: expected whole numbers, got torch.float32. Convert them with "
        "x.long().",
    ),
    (
        lambda: HashedCrossing(5)([torch.tensor([1]), torch.tensor([1.0])]),
        "HashedCrossing: expected whole numbers, got torch.float32. Convert them with "
        "x.long().",
    ),
    (
        lambda: Discretization([0.0])(torch.ones(2, dtype=torch.bool)),
        "Discretization: expected numbers, got torch.bool. Convert them with "
        "x.float().",
    ),
]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("use", "sentence"), DATA, ids=[s[:60] for _, s in DATA])
def test_data_that_cannot_be_used_are_refused(use, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        use()


SHAPES = [
    (
        lambda: Normalization().adapt([1.0, 2.0]),
        "Normalization: expected an input that has axis -1 beside the batch, got shape "
        "(2,). Give another axis; axis=None takes one mean of all values.",
    ),
    (
        lambda: Normalization().adapt(ONE).adapt(ONE[:, :2]),
        "Normalization.adapt: expected (3,) values along the axes as in the part "
        "before, got (2,). Call reset() to begin anew.",
    ),
    (
        lambda: Normalization().adapt(ONE)(ONE[:, :2]),
        "Normalization: expected (3,) values along the axes as in the data it learned "
        "from, got (2,) in shape (2, 2). Give the same features, or adapt anew.",
    ),
    (
        lambda: Rescaling([1.0, 2.0])(ONE),
        "Rescaling: expected a last axis of 2, one for each number given, got shape "
        "(2, 3). Give one number, or one for each channel.",
    ),
    (
        lambda: CategoryEncoding(3, output_mode="count")(
            WHOLE, count_weights=torch.ones(2)
        ),
        "CategoryEncoding: expected a weight for each category, shape (1, 2), got "
        "(2,). Give x and count_weights the same shape.",
    ),
    (
        lambda: HashedCrossing(5)(torch.tensor([1])),
        "HashedCrossing: expected at least two inputs of the same shape, got (1,). "
        "Give a list: layer([colour, size]).",
    ),
    (
        lambda: HashedCrossing(5)([["a"], ["b", "c"]]),
        "HashedCrossing: expected at least two inputs of the same shape, got [(1,), "
        "(2,)]. Give a list: layer([colour, size]).",
    ),
    (
        lambda: HashedCrossing(5)([WHOLE, WHOLE]),
        "HashedCrossing: expected inputs of shape (batch,) or (batch, 1), got (1, 2). "
        "Cross one column with another.",
    ),
]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("use", "sentence"), SHAPES, ids=[s[:60] for _, s in SHAPES])
def test_shapes_that_do_not_fit_are_refused(use, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        use()


STATES = [
    (
        lambda: Normalization()(ONE),
        "Normalization: expected mean and variance, got none. Call adapt(data) first, "
        "or give mean=...",
    ),
    (
        lambda: Discretization(num_bins=3)(ONE),
        "Discretization: expected bin_boundaries, got none. Call adapt(data) first, or "
        "give bin_boundaries=...",
    ),
    (
        lambda: TextVectorization()(["a"]),
        "TextVectorization: expected a vocabulary, got none. Call adapt(data) first, "
        "or give vocabulary=...",
    ),
    (
        lambda: IntegerLookup()(WHOLE),
        "IntegerLookup: expected a vocabulary, got none. Call adapt(data) first, or "
        "give vocabulary=...",
    ),
    (
        lambda: TextVectorization().adapt(["", "!?"])(["a"]),
        "TextVectorization: expected at least one token in the data for adapt, got "
        "none in 2 rows. Look at the data, and at how they are standardised and split.",
    ),
    (
        lambda: StringLookup(vocabulary=["a"]).adapt(["b"]),
        "StringLookup: expected to learn all there is to learn, got vocabulary and "
        "idf_weights from the constructor or a file. Call reset() first to begin anew.",
    ),
    (
        lambda: Normalization().adapt(ONE).reset()(ONE),
        "Normalization: expected mean and variance, got none. Call adapt(data) first, "
        "or give mean=...",
    ),
]


@pytest.mark.parametrize(("use", "sentence"), STATES, ids=range(len(STATES)))
def test_calls_that_come_too_early_are_refused(use, sentence):
    with pytest.raises(StateError, match=f"^{re.escape(sentence)}$"):
        use()


def test_texts_cannot_come_out_of_a_model():
    import mica

    sentence = (
        "StringLookup: expected numbers, got an input of a model: texts cannot come "
        "out of one. Call the layer on what the model predicts."
    )
    layer = StringLookup(vocabulary=["a"], invert=True)
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        layer(mica.Input((2,), dtype="int64"))


def test_adapting_anew_changes_a_layer_in_use():
    layer = Normalization().adapt([[0.0], [2.0]])
    first = layer(torch.tensor([[3.0]]))
    layer.reset().adapt([[0.0], [4.0]])
    assert first.tolist() == [[2.0]]
    assert layer(torch.tensor([[3.0]])).tolist() == [[0.5]]
    layer.adapt([[4.0], [8.0]])
    assert layer(torch.tensor([[4.0]])).tolist() == [[0.0]]


def test_a_constant_feature_becomes_zero():
    x = torch.tensor([[5.0, 1.0], [5.0, 3.0]])
    assert Normalization().adapt(x)(x).tolist() == [[0.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "data",
    [
        as_source([[0.0, 2.0], [2.0, 6.0]], [0, 1]),
        [[0.0, 2.0], [2.0, 6.0]],
        iter([(torch.tensor([[0.0, 2.0]]), 0), (torch.tensor([[2.0, 6.0]]), 1)]),
        iter([{"x": [[0.0, 2.0]]}, {"x": [[2.0, 6.0]]}]),
        iter([np.array([[0.0, 2.0]]), np.array([[2.0, 6.0]])]),
    ],
    ids=["source", "list", "pairs", "dicts", "arrays"],
)
def test_data_may_come_in_many_forms(data):
    config = Normalization().adapt(data).config()
    assert config == {"mean": [1.0, 4.0], "variance": [1.0, 4.0]}


def upper(text):
    """A standardisation of one's own."""
    return text.upper()


@pytest.mark.parametrize(
    ("arguments", "tokens"),
    [
        ({}, ["to", "be", "or"]),
        ({"standardize": None}, ["To", "be,", "or!"]),
        ({"standardize": upper, "split": None}, ["TO BE, OR!"]),
        ({"standardize": ["lower", "strip_punctuation"]}, ["to", "be", "or"]),
        ({"split": lambda text: text.split("e")}, ["to b", " or"]),
        ({"split": "words_and_marks", "standardize": "lower"}, "to be , or !".split()),
        ({"ngrams": (2,)}, ["to be", "be or"]),
        (
            {"split": "character", "ngrams": [4]},
            ["to b", "o be", " be ", "be o", "e or"],
        ),
    ],
)
def test_texts_are_cut_as_the_arguments_say(arguments, tokens):
    assert TextVectorization(**arguments).tokens_of("To be, or!") == tokens


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf"])
def test_rows_may_be_as_wide_as_the_limit(mode):
    layer = TextVectorization(9, output_mode=mode, pad_to_max_tokens=True)
    assert layer.adapt(["a b"])(["a"]).shape == (1, 9)


def test_a_mask_counts_for_nothing_in_rows():
    layer = StringLookup(vocabulary=["a"], mask_token="", output_mode="count")
    assert layer([["a", "", "b"]]).tolist() == [[1.0, 1.0]]
    layer = IntegerLookup(vocabulary=[7], mask_token=0, output_mode="count")
    assert layer(torch.tensor([[7, 0, 8]])).tolist() == [[1.0, 1.0]]


def test_a_vocabulary_may_have_its_marks_or_not():
    layer = TextVectorization(vocabulary=["", "[UNK]", "a"])
    assert (
        layer.get_vocabulary() == TextVectorization(vocabulary=["a"]).get_vocabulary()
    )
    assert layer.get_vocabulary(include_special_tokens=False) == ["a"]
    assert layer.vocabulary_size() == 3


def test_marks_in_the_data_are_no_tokens():
    layer = StringLookup(mask_token="").adapt(["a", "", "[UNK]", "a"])
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]


def test_a_layer_shows_its_arguments_shortened():
    layer = StringLookup(vocabulary=[str(number) for number in range(99)])
    assert repr(layer) == "StringLookup(vocabulary=['0', '1', '2', '3', '4', '5', ...])"
