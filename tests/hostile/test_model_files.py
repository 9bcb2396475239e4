"""A `.mica` file: what it keeps, and what a damaged or hostile one can do: nothing."""

import json
import re
import struct
import warnings
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.errors import CheckpointError, ConfigError, StateError
from mica.model import saving

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


def trained() -> mica.Sequential:
    mica.set_seed(0)
    model = mica.Sequential(
        mica.Input((4,)),
        layers.Dense(5, activation="relu"),
        layers.BatchNormalization(),
        layers.Dense(2, activation="softmax"),
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@mica.register
class Residual(mica.Model):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.inner = layers.Dense(units, activation="tanh")
        self.last = layers.Dense(2, activation="softmax")

    def forward(self, x):
        return self.last(x + self.inner(x))


def functional() -> mica.Model:
    a, b = mica.Input((4,), name="a"), mica.Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    both = torch.cat([shared(a), shared(b) * 2], dim=-1)
    linear = nn.Linear(6, 2)
    out, mean = torch.softmax(linear(both), -1), both[:, 1:].mean(1)
    return mica.Model([a, b], {"out": out, "mean": mean})


def small_convnet() -> mica.Sequential:
    return mica.Sequential(
        mica.Input((8, 8, 1)),
        layers.Conv2D(3, 3, padding="same", strides=2),
        layers.Flatten(),
        layers.Dense(2),
    )


def lazily_built() -> mica.Sequential:
    model = mica.Sequential(layers.Dense(3), layers.Dense(2))
    model(torch.ones(1, 4))
    return model


def subclass() -> mica.Model:
    model = Residual(4)
    model(torch.ones(1, 4))
    return model


def nested() -> mica.Model:
    x = mica.Input((4,))
    return mica.Model(x, layers.Dense(1)(trained()(x)))


MODELS = {
    "trained": (trained, (X,)),
    "functional": (functional, ({"a": X, "b": X[::-1].copy()},)),
    "convnet": (small_convnet, (X.repeat(64, 1)[:, :64].reshape(-1, 8, 8, 1),)),
    "lazily built": (lazily_built, (X,)),
    "subclass": (subclass, (X,)),
    "nested": (nested, (X,)),
}


def leaves(value):
    return list(value.values()) if isinstance(value, dict) else [value]


@pytest.mark.parametrize("kind", MODELS)
def test_a_loaded_model_predicts_the_same_bits(kind, tmp_path):
    make, inputs = MODELS[kind]
    model = make()
    loaded = mica.load(model.save(tmp_path / "model"))
    for mine, theirs in zip(
        leaves(model.predict(*inputs)), leaves(loaded.predict(*inputs)), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", MODELS)
def test_saving_a_loaded_model_gives_the_same_content(kind, tmp_path):
    model = MODELS[kind][0]()
    first = model.save(tmp_path / "first.mica")
    second = mica.load(first).save(tmp_path / "second.mica")
    assert members(first) == members(second)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_training_goes_on_after_loading_to_the_bit(tmp_path):
    model = trained()
    loaded = mica.load(model.save(tmp_path / "model.mica"))
    found = []
    for each in (model, loaded):
        mica.set_seed(1)
        each.fit(X, Y, epochs=2, verbose=0)
        found.append(torch.cat([p.detach().flatten() for p in each.parameters()]))
    assert torch.equal(*found)


def test_preprocessing_and_label_names_travel_with_the_model(tmp_path):
    model = trained()
    model.label_names = ["no", "yes"]
    model.preprocessing = mica.data.TableEncoder("ill").fit(
        {"age": [31, 42, 53, 64], "ill": ["no", "yes", "no", "yes"]}
    )
    loaded = mica.load(model.save(tmp_path / "model.mica"))
    assert loaded.label_names == ["no", "yes"]
    np.testing.assert_array_equal(
        loaded.preprocessing.transform({"age": [50]}),
        model.preprocessing.transform({"age": [50]}),
    )


def test_what_was_frozen_when_compiled_and_what_is_frozen_now_are_kept(tmp_path):
    model = trained()
    model.trainable = False
    loaded = mica.load(model.save(tmp_path / "model.mica"))
    assert not loaded.get_layer("dense").trainable
    before = loaded.get_layer("dense").weight.detach().clone()
    loaded.fit(X, Y, verbose=0)
    assert not torch.equal(loaded.get_layer("dense").weight, before)


def test_a_float64_model_stays_one(tmp_path):
    model = trained().double()
    loaded = mica.load(model.save(tmp_path / "model.mica"))
    assert {p.dtype for p in loaded.parameters()} == {torch.float64}


def test_a_loss_that_a_file_cannot_hold_is_left_out_and_said(tmp_path):
    model = lazily_built()
    model.compile("sgd", lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean())
    loaded = mica.load(model.save(tmp_path / "model.mica"))
    with pytest.raises(StateError, match="it was saved without its loss or optimizer"):
        loaded.fit(X, X[:, :2], verbose=0)


def test_a_model_without_sizes_cannot_be_saved(tmp_path):
    text = (
        "save: expected a built Sequential, got one without weights. Put "
        "mica.Input(shape) first, or call the model on data."
    )
    with pytest.raises(StateError, match=sentence(text)):
        mica.Sequential(layers.Dense(1)).save(tmp_path / "model.mica")


class Unregistered(layers.Layer):
    def forward(self, x):
        return x


def test_a_part_that_is_not_registered_cannot_be_saved(tmp_path):
    text = (
        "save: expected a registered class, got Unregistered. Decorate the class with "
        "@mica.register."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.Sequential(mica.Input((2,)), Unregistered()).save(tmp_path / "m.mica")


def rewrite(path, name, change):
    """Replace one member, or add one."""
    content = members(path)
    content[name] = change(content.get(name, b""))
    with zipfile.ZipFile(path, "w") as archive:
        for key, value in content.items():
            archive.writestr(key, value)


def edit(change):
    """A change of the JSON document."""

    def apply(content: bytes) -> bytes:
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return apply


def signed(change):
    """A change of the architecture by someone who knows the fingerprint."""

    def apply(path):
        rewrite(path, saving.JSON, edit(lambda whole: change(whole["architecture"])))
        weights = members(path)[saving.WEIGHTS]
        rewrite(
            path,
            saving.JSON,
            edit(
                lambda document: document.update(
                    fingerprint=saving._fingerprint(document["architecture"], weights)
                )
            ),
        )

    return apply


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_the_middle(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = b"\0" * 8
    path.write_bytes(bytes(content))


def huge_header(path):
    rewrite(path, saving.WEIGHTS, lambda _: struct.pack("<Q", 2**60) + b"{}")


def climb_out(path):
    rewrite(path, "../../evil.txt", lambda _: b"evil")


def extra_member(path):
    rewrite(path, "code.py", lambda _: b"import os")


def packed(path):
    content = members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in content.items():
            archive.writestr(key, value)


def lie_about_sizes(path):
    content = path.read_bytes()
    index = content.rindex(b"PK\x01\x02")
    size = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(content[: index + 20] + size + content[index + 28 :])


def missing_member(path):
    content = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(saving.JSON, content[saving.JSON])


def twice(path):
    content = members(path)
    names = (saving.JSON, saving.WEIGHTS, saving.WEIGHTS)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # zipfile says that a name stands twice
        for name in names:
            archive.writestr(name, content[name])


def absurd_units(architecture):
    architecture["config"]["layers"]["dense"]["config"]["units"] = 10**13


def deep_json(path):
    rewrite(path, saving.JSON, lambda _: b"[" * 100_000 + b"]" * 100_000)


def other_weights(path):
    rewrite(path, saving.WEIGHTS, lambda content: content[:-4] + b"\0\0\0\1")


BROKEN = {
    "truncated": truncate,
    "damaged in the middle": cut_in_the_middle,
    "a huge header": huge_header,
    "a path that climbs out": climb_out,
    "an extra member": extra_member,
    "packed members": packed,
    "sizes that lie": lie_about_sizes,
    "a missing member": missing_member,
    "a member twice": twice,
    "absurd sizes": signed(absurd_units),
    "JSON without end": deep_json,
    "other weights": other_weights,
    "no JSON": lambda path: rewrite(path, saving.JSON, lambda _: b"{"),
    "other JSON": lambda path: rewrite(path, saving.JSON, lambda _: b"{}"),
    "not a model": signed(
        lambda architecture: architecture.update(
            {"$object": "mica.layers.Dense", "config": {"units": 3}}
        )
    ),
    "an optimizer of another model": lambda path: rewrite(
        path,
        saving.JSON,
        edit(lambda document: document["optimizer"].update(groups=[])),
    ),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(damage, tmp_path):
    path = trained().save(tmp_path / "model.mica")
    BROKEN[damage](path)
    ending = "The file is damaged or was not written by Mica; use another copy."
    with pytest.raises(CheckpointError) as caught:
        mica.load(path)
    text = str(caught.value)
    assert re.match(r"^load: expected .+ in '.+', got .+\. ", text, re.DOTALL)
    assert text.endswith(ending)
    assert not (tmp_path.parent / "evil.txt").exists()


EXACT = {
    "an extra member": (
        extra_member,
        "load: expected only model.json, weights.safetensors, optimizer.safetensors in "
        "{path!r}, got 'code.py'. The file is damaged or was not written by Mica; use "
        "another copy.",
    ),
    "other weights": (
        other_weights,
        "load: expected the fingerprint of its content in {path!r}, got another one. "
        "The file is damaged or was not written by Mica; use another copy.",
    ),
    "absurd sizes": (
        signed(absurd_units),
        "load: expected shape (10000000000000, 4) for dense.weight in {path!r}, got "
        "(5, 4). The file is damaged or was not written by Mica; use another copy.",
    ),
    "another format": (
        lambda path: rewrite(
            path, saving.JSON, edit(lambda document: document.update(format=99))
        ),
        "load: expected format 1 in {path!r}, got 99. Install the version of Mica that "
        "wrote it (0.1.0).",
    ),
}


@pytest.mark.parametrize("damage", EXACT)
def test_the_sentence_says_what_was_expected_and_what_came(damage, tmp_path):
    path = trained().save(tmp_path / "model.mica")
    change, text = EXACT[damage]
    change(path)
    with pytest.raises(CheckpointError, match=sentence(text.format(path=str(path)))):
        mica.load(path)


def test_an_unknown_class_is_named_and_never_imported(tmp_path):
    path = trained().save(tmp_path / "model.mica")
    signed(lambda architecture: architecture.update({"$object": "os.system"}))(path)
    text = (
        "load: expected a known class, got 'os.system'. Import the code that defines "
        "it and decorate it with @mica.register."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.load(path)


@pytest.mark.parametrize(
    "name", ["os.system", "torch.load", "torch.Tensor.tofile", "torch.Tensor.add_"]
)
def test_only_pure_torch_functions_can_be_named_in_a_graph(name, tmp_path):
    path = functional().save(tmp_path / "model.mica")

    def change(architecture):
        for call in architecture["config"]["graph"]["calls"]:
            if call["function"]:
                call["function"] = {"$function": name}

    signed(change)(path)
    text = (
        f"load: expected a known function, got {name!r}. Import the code that defines "
        "it and decorate it with @mica.register."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.load(path)


def test_a_graph_with_a_loose_end_is_refused(tmp_path):
    path = functional().save(tmp_path / "model.mica")

    def change(architecture):
        architecture["config"]["graph"]["calls"][0]["layer"] = "nobody"

    signed(change)(path)
    text = (
        "load: expected a graph written by Mica, got an entry without a partner "
        "('nobody'). The file is damaged."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "none.mica"
    text = f"load: expected a model file, got no file at {str(path)!r}. Check the path."
    with pytest.raises(CheckpointError, match=sentence(text)):
        mica.load(path)


def test_the_suffix_that_save_adds_is_found_by_load(tmp_path):
    lazily_built().save(tmp_path / "small")
    assert mica.load(tmp_path / "small").count_parameters() == 23


def test_a_folder_is_no_file(tmp_path):
    text = (
        f"load: expected a readable file, got Is a directory at {str(tmp_path)!r}. "
        "Check the path and its permissions."
    )
    with pytest.raises(CheckpointError, match=sentence(text)):
        mica.load(tmp_path)


def test_every_single_damaged_byte_is_noticed_or_harmless(tmp_path):
    model = lazily_built()
    path = model.save(tmp_path / "model.mica")
    content, expected = path.read_bytes(), model.predict(X)
    for index in range(0, len(content), max(1, len(content) // 120)):
        broken = bytearray(content)
        broken[index] ^= 0xFF
        path.write_bytes(bytes(broken))
        try:
            loaded = mica.load(path)
        except (CheckpointError, ConfigError):
            continue
        np.testing.assert_array_equal(loaded.predict(X), expected)
