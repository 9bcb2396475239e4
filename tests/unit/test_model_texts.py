"""Texts go into a model as they are: fit, evaluate, predict, save and load."""

import json
import re
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

import mica
from mica.errors import CheckpointError, ConfigError, DataError, StateError
from mica.layers import (
    Concatenate,
    Dense,
    Embedding,
    Flatten,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    StringLookup,
    TextVectorization,
)
from tests.tolerances import assert_close

TEXTS = ["good film", "bad film", "a good one", "so bad", "good good", "bad"] * 4
LABELS = [1, 0, 1, 0, 1, 0] * 4


def vectorizer(**arguments):
    return TextVectorization(**arguments).adapt(TEXTS)


def bag(mode="multi_hot"):
    """A model that counts words."""
    model = mica.Sequential(
        vectorizer(output_mode=mode), Dense(1, activation="sigmoid")
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def sequence():
    """A model that embeds words."""
    model = mica.Sequential(
        vectorizer(output_sequence_length=4),
        Embedding(8, 3),
        Flatten(),
        Dense(1, activation="sigmoid"),
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


MAKERS = {
    "multi_hot": bag,
    "count": lambda: bag("count"),
    "tf_idf": lambda: bag("tf_idf"),
    "sequence": sequence,
}
every_model = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_model
def test_a_model_learns_from_texts(make):
    mica.set_seed(1)
    model = make()
    history = model.fit(TEXTS, LABELS, epochs=60, validation_split=0.25, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.evaluate(TEXTS, LABELS, return_dict=True)["accuracy"] == 1.0


@every_model
def test_a_file_has_the_vocabulary(make, tmp_path):
    model = make()
    model.fit(TEXTS, LABELS, verbose=0)
    found = mica.load(model.save(tmp_path / "text.mica"))
    new = ["never seen", "good", "a very long text about a bad film of no merit"]
    assert np.array_equal(found.predict(new), model.predict(new))
    assert found.evaluate(TEXTS, LABELS) == model.evaluate(TEXTS, LABELS)


@every_model
def test_calling_a_model_on_texts_is_predicting(make):
    model = make()
    assert_close(model(TEXTS), model.predict(TEXTS))
    assert np.array_equal(model.predict(TEXTS[:5]), model.predict(TEXTS)[:5])


class Pairs(Dataset):
    """Texts and labels, one at a time."""

    def __len__(self):
        return len(TEXTS)

    def __getitem__(self, row):
        return TEXTS[row], torch.tensor([float(LABELS[row])])


class Stream(IterableDataset):
    """Texts and labels without an end in sight."""

    def __iter__(self):
        return iter(zip(TEXTS, LABELS, strict=True))


COLUMNS = {
    "array": np.array(TEXTS),
    "objects": np.array(TEXTS, dtype=object),
    "column of one": np.array(TEXTS)[:, None],
    "pandas": pd.Series(TEXTS),
    "polars": pl.Series(TEXTS),
    "tuple": tuple(TEXTS),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_kind_of_column_gives_the_same(column):
    model = bag()
    expected = model.predict(TEXTS)
    assert np.array_equal(model.predict(column), expected)
    assert vectorizer().config() == TextVectorization().adapt(column).config()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pairs(),
        lambda: DataLoader(Pairs(), batch_size=5),
        lambda: [(TEXTS[:9], np.array(LABELS[:9])), (TEXTS[9:], np.array(LABELS[9:]))],
    ],
    ids=["dataset", "loader", "batches"],
)
def test_loaders_of_texts_train_and_judge(make):
    class Batches:
        """Reads a list of batches once per epoch."""

        def __iter__(self):
            return iter(make())

    data = make()
    data = Batches() if isinstance(data, list) else data
    model = bag()
    model.fit(data, epochs=2, verbose=0, validation_data=data)
    expected = model.evaluate(TEXTS, LABELS)
    assert_close(model.evaluate(data), expected, "rounded once")
    assert TextVectorization().adapt(data).config() == vectorizer().config()


def test_a_generator_of_texts_trains():
    def batches():
        while True:
            yield TEXTS, np.array(LABELS)

    model = bag()
    history = model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(history.epoch) == 2
    layer = TextVectorization().adapt(batches(), steps=2)
    assert layer.config() == vectorizer().config()


def test_validation_data_may_be_texts():
    model = bag()
    history = model.fit(TEXTS, LABELS, validation_data=(TEXTS, LABELS), verbose=0)
    assert "val_accuracy" in history.history
    assert "loss" in model.train_on_batch(TEXTS, LABELS)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_text_input_leads_into_a_graph(shape, tmp_path):
    text = mica.Input(shape, dtype=str, name="text")
    size = mica.Input((2,), name="size")
    words = vectorizer(output_mode="count")(text)
    hidden = Concatenate()([words, Normalization(mean=0, variance=4)(size)])
    model = mica.Model([text, size], Dense(1)(hidden))
    model.compile("sgd", "mse")
    sizes = np.ones((len(TEXTS), 2), dtype="float32")
    model.fit([TEXTS, sizes], LABELS, verbose=0)
    model.fit({"text": np.array(TEXTS), "size": sizes}, LABELS, verbose=0)
    found = mica.load(model.save(tmp_path / "graph.mica"))
    assert np.array_equal(
        found.predict([TEXTS, sizes]), model.predict({"text": TEXTS, "size": sizes})
    )


@pytest.mark.parametrize("length", [None, 5])
def test_the_length_of_a_text_input_is_known_when_it_is_given(length):
    layer = vectorizer(output_sequence_length=length)
    assert layer(mica.Input((), dtype="string")).shape == (None, length)


def test_categories_as_texts_and_numbers_meet_in_a_graph(tmp_path):
    colour = mica.Input((1,), dtype=str, name="colour")
    shop = mica.Input((1,), dtype="int64", name="shop")
    lookup = StringLookup(output_mode="one_hot").adapt(["red", "green"])
    crossing = HashedCrossing(10, output_mode="one_hot")
    place = IntegerLookup(output_mode="one_hot").adapt([700, 42])
    parts = [lookup(colour), place(shop)]
    model = mica.Model([colour, shop], Dense(1)(Concatenate()(parts)))
    colours, shops = np.array([["red"], ["blue"]]), np.array([[42], [1]])
    y = model.predict([colours, shops])
    found = mica.load(model.save(tmp_path / "categories.mica"))
    assert np.array_equal(found.predict([colours, shops]), y)
    crossed = mica.Model([colour, shop], Dense(1)(crossing([colour, shop])))
    assert crossed.predict([colours, shops]).shape == (2, 1)


@pytest.mark.parametrize("kind", [list, np.array])
def test_hashing_at_the_entrance_takes_texts_and_numbers(kind):
    model = mica.Sequential(Hashing(10, output_mode="one_hot"), Dense(1))
    assert model.predict(kind(["red", "blue"])).shape == (2, 1)
    model = mica.Sequential(Hashing(10, output_mode="multi_hot"), Dense(1))
    assert model.predict(kind([[3, 4], [5, 6]])).shape == (2, 1)


@mica.register
class TwoSteps(mica.Model):
    """A forward of its own, with a layer that reads texts."""

    def __init__(self):
        super().__init__()
        self.words = TextVectorization(output_mode="count")
        self.scale = Normalization(axis=None)
        self.answer = Dense(1)

    def forward(self, x):
        """Count, scale, answer."""
        return self.answer(self.scale(self.words(x)))


def test_a_model_of_ones_own_keeps_what_its_layers_learned(tmp_path):
    model = TwoSteps()
    model.words.adapt(TEXTS)
    model.scale.adapt(model.words(TEXTS))
    model.compile("sgd", "mse")
    model.fit(TEXTS, LABELS, verbose=0)
    found = mica.load(model.save(tmp_path / "own.mica"))
    assert found.words.get_vocabulary() == model.words.get_vocabulary()
    assert np.array_equal(
        found.predict(["good", "new"]), model.predict(["good", "new"])
    )


@pytest.mark.parametrize(
    ("learned", "reason"),
    [
        ({"verbs": {}}, "AttributeError('TwoSteps has no attribute `verbs`')"),
        ({"scale": {"mean": 1.0}}, "KeyError('variance')"),
        ([], "AttributeError(\"'list' object has no attribute 'items'\")"),
    ],
    ids=["another layer", "half of it", "no table"],
)
def test_damaged_values_of_layers_are_refused(learned, reason, tmp_path):
    model = TwoSteps()
    model.words.adapt(TEXTS)
    model.scale.adapt(model.words(TEXTS))
    model.predict(TEXTS)
    path = model.save(tmp_path / "own.mica")
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(content["model.json"])
    document["learned"] = learned
    content["model.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    sentence = (
        f"load: expected values for layers of this model in {str(path)!r}, got "
        f"{reason}. The file is damaged or was not written by Mica; use another copy."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        mica.load(path)


def test_a_model_inside_a_model_reads_texts():
    inner = mica.Sequential(vectorizer(output_mode="count"), Dense(3))
    model = mica.Sequential(inner, Dense(1))
    assert model.predict(["good film", "bad"]).shape == (2, 1)


def test_one_way_of_reading_may_serve_two_layers():
    text = mica.Input((), dtype=str)
    parts = [Hashing(size, output_mode="one_hot")(text) for size in (5, 7)]
    model = mica.Model(text, Concatenate()(parts))
    assert model.predict(["red", "blue"]).shape == (2, 12)


def test_two_ways_of_reading_one_text_are_refused():
    text = mica.Input((), dtype=str, name="text")
    parts = [vectorizer(output_mode=mode)(text) for mode in ("count", "tf_idf")]
    model = mica.Model(text, Concatenate()(parts))
    sentence = (
        "Model: input 'text': expected one layer to read a text, got 2 that do so in "
        "different ways. Give the text twice, each to an input of its own: "
        "Model([a, b], outputs)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        model.predict(TEXTS)


def test_a_stream_of_single_texts_is_refused():
    sentence = (
        "fit: expected texts in a list, a dataset with a length or a loader, got "
        "Stream. Wrap it: DataLoader(dataset, batch_size=32)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        bag().fit(Stream(), verbose=0)


def test_a_model_that_has_not_adapted_says_so():
    model = mica.Sequential(TextVectorization(output_mode="count"), Dense(1))
    sentence = (
        "TextVectorization 'text_vectorization': expected a vocabulary, got none. Call "
        "adapt(data) first, or give vocabulary=..."
    )
    with pytest.raises(StateError, match=f"^{re.escape(sentence)}$"):
        model.predict(TEXTS)


def test_numbers_for_a_model_of_texts_are_refused():
    sentence = (
        "TextVectorization 'text_vectorization': expected texts, or the whole numbers "
        "that read() gives, got torch.float32. Give a list or an array of str."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        bag().predict([1.0, 2.0])


def test_a_number_among_the_texts_of_a_model_is_named():
    sentence = (
        "TextVectorization 'text_vectorization': expected texts, got nan of type float "
        "in row 1. Turn it into text with str(), or leave it out."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        bag().predict(["good", float("nan")])
