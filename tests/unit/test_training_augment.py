"""`fit(augment=...)`: batches are changed on their way to the model."""

import re

import numpy as np
import pytest
import torch

import mica
from mica import layers
from mica.engine import random_state, restore_random_state, set_seed
from mica.errors import ConfigError, DataError
from mica.training import run
from mica.training.augmenting import Augmenter

SAMPLES, CLASSES = 12, 3


def pictures():
    generator = np.random.default_rng(0)
    x = generator.random((SAMPLES, 4, 4, 1), dtype=np.float32)
    return x, np.eye(CLASSES, dtype=np.float32)[np.arange(SAMPLES) % CLASSES]


class Recorder(mica.Model):
    """Keeps the batches it learns from."""

    def __init__(self):
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), layers.Dense(CLASSES)
        self.seen = []

    def forward(self, x):
        return self.dense(self.flatten(x))

    def train_step(self, batch):
        self.seen.append(batch)
        return super().train_step(batch)


def recorded(augment, *, seed=1, **choices):
    set_seed(seed)
    model = Recorder()
    model.compile("sgd", "mse")
    x, y = pictures()
    choices = {"epochs": 1, "batch_size": 4, "verbose": 0, **choices}
    model.fit(x, y, seed=0, augment=augment, **choices)
    return model


def test_images_are_changed_and_labels_are_not():
    plain = recorded(None, shuffle=False).seen
    lit = recorded(
        layers.RandomBrightness((0.5, 0.5), value_range=(0, 9)), shuffle=False
    )
    for before, after in zip(plain, lit.seen, strict=True):
        assert torch.equal(after.x, before.x + 4.5)
        assert torch.equal(after.y, before.y)


def test_mixing_changes_images_and_labels_alike():
    batch = recorded(layers.MixUp(1.0)).seen[0]
    assert ((batch.y > 0).sum(1) <= 2).all()
    assert ((batch.y > 0).sum(1) == 2).any()


def test_image_layers_and_mixing_are_composed():
    augment = layers.Pipeline([layers.RandomFlip("horizontal"), layers.CutMix()])
    batch = recorded(augment).seen[0]
    assert batch.x.shape == (4, 4, 4, 1)
    assert not torch.equal(batch.y, batch.y.round())


def test_a_list_is_one_after_the_other():
    steps = [lambda x, y: (x + 1, y), lambda x, y: (2 * x, 3 * y)]
    plain = recorded(None, shuffle=False).seen[0]
    changed = recorded(steps, shuffle=False).seen[0]
    assert torch.equal(changed.x, 2 * (plain.x + 1))
    assert torch.equal(changed.y, 3 * plain.y)


def test_validation_is_not_augmented():
    x, y = pictures()
    scores = []
    for augment in (None, lambda x, y: (0 * x, 0 * y)):
        set_seed(1)
        model = mica.Sequential(layers.Flatten(), layers.Dense(CLASSES))
        model.compile(mica.optimizers.SGD(0.0), "mse")
        history = model.fit(
            x, y, validation_data=(x, y), verbose=0, seed=0, augment=augment
        ).history
        scores.append((history["loss"][0], history["val_loss"][0]))
    assert scores[0][1] == scores[1][1]
    assert scores[0][0] != scores[1][0]


def test_sample_weights_stay_with_their_rows():
    weights = np.arange(SAMPLES, dtype=np.float32)
    model = recorded(layers.MixUp(1.0), sample_weight=weights, shuffle=False)
    assert torch.equal(
        torch.cat([b.sample_weight for b in model.seen]), torch.arange(12.0)
    )


def test_the_same_seed_gives_the_same_pictures():
    one, other = (recorded(layers.RandomRotation(0.5)).seen for _ in range(2))
    assert all(torch.equal(a.x, b.x) for a, b in zip(one, other, strict=True))


def test_another_seed_gives_other_pictures():
    one, other = (
        recorded(layers.RandomRotation(0.5), seed=seed, shuffle=False).seen[0].x
        for seed in (1, 2)
    )
    assert not torch.equal(one, other)


def test_a_layer_with_a_seed_draws_by_the_number_of_the_step():
    whole = recorded(layers.RandomRotation(0.5, seed=7), epochs=2).seen
    set_seed(1)
    halves = Recorder()
    halves.compile("sgd", "mse")
    x, y = pictures()
    for first, last in ((0, 1), (1, 2)):
        halves.fit(
            x,
            y,
            4,
            initial_epoch=first,
            epochs=last,
            verbose=0,
            seed=0,
            augment=layers.RandomRotation(0.5, seed=7),
        )
    assert all(torch.equal(a.x, b.x) for a, b in zip(whole, halves.seen, strict=True))
    assert not torch.equal(whole[0].x, whole[3].x)


def train_in_parts(seed, path, *, stop):
    """Two epochs, the second one with a model read from a file when `stop` is true."""
    set_seed(1)
    model = mica.Sequential(layers.Flatten(), layers.Dense(CLASSES))
    model.compile("adam", "mse")
    x, y = pictures()
    augment = [layers.RandomZoom(0.5, seed=seed), layers.MixUp(1.0, seed=seed)]
    choices = {"verbose": 0, "seed": 0, "augment": augment}
    if not stop:
        model.fit(x, y, 4, epochs=2, **choices)
        return model.state_dict()
    model.fit(x, y, 4, epochs=1, **choices)
    model.save(path)
    state = random_state()
    other = mica.load(path)
    restore_random_state(state)
    other.fit(x, y, 4, initial_epoch=1, epochs=2, **choices)
    return other.state_dict()


@pytest.mark.parametrize("seed", [None, 5], ids=["torch's generator", "own seed"])
def test_training_that_goes_on_is_training_that_never_stopped(seed, tmp_path):
    path = tmp_path / "half.mica"
    whole, parts = (train_in_parts(seed, path, stop=stop) for stop in (False, True))
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())


def test_a_layer_at_rest_is_set_to_train():
    augment = layers.RandomBrightness((0.5, 0.5), value_range=(0, 9)).eval()
    assert recorded(augment).seen[0].x.min() >= 4.5


def test_any_torch_module_is_trained_with_augmentation():
    x, y = pictures()
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, CLASSES))
    history = run(
        module,
        x,
        y,
        loss=torch.nn.CrossEntropyLoss(),
        verbose=0,
        augment=layers.MixUp(0.2),
    )
    assert np.isfinite(history.history["loss"]).all()


def test_no_gradient_is_kept_of_what_augmentation_computes():
    weight = torch.nn.Parameter(torch.ones(1))
    batch = recorded(lambda x, y: (x * weight, y)).seen[0]
    assert not batch.x.requires_grad


@pytest.mark.parametrize(
    ("augment", "error", "text"),
    [
        (
            "mixup",
            ConfigError,
            "fit: expected augment to be a layer, a function from (x, y) to (x, y), or "
            "a list of them, got 'mixup'. Write for example "
            "augment=mica.layers.MixUp(0.2).",
        ),
        (
            layers.MixUp,
            ConfigError,
            "fit: expected augment to be a layer, a function from (x, y) to (x, y), or "
            "a list of them, got <class 'mica.layers.augmentation.mixing.MixUp'>. "
            "Write for example augment=mica.layers.MixUp(0.2).",
        ),
        (
            lambda x, y: x,
            DataError,
            "fit: expected the function given as augment to give (x, y), got Tensor. "
            "End it with return x, y.",
        ),
        (
            lambda x, y: (x[:3], y),
            DataError,
            "fit: expected augment to keep the number of rows, got 3 from 4. Give one "
            "row of x and y for each there was.",
        ),
    ],
    ids=["a word", "a class", "x alone", "fewer rows"],
)
def test_what_cannot_augment_is_told(augment, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        recorded(augment)


def test_numbers_of_classes_are_not_mixed():
    model = mica.Sequential(layers.Flatten(), layers.Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = pictures()
    text = (
        "MixUp: expected labels as one-hot rows or floating-point numbers, got numbers "
        "of classes of shape (12,). Convert them with "
        "torch.nn.functional.one_hot(y, classes).float() and use "
        'loss="categorical_crossentropy".'
    )
    with pytest.raises(DataError, match=f"^{re.escape(text)}$"):
        model.fit(x, y.argmax(1), verbose=0, augment=layers.MixUp())


def test_an_augmenter_of_nothing_changes_nothing():
    x, y = torch.ones(2), torch.zeros(2)
    assert Augmenter([]).change(x, y) == (x, y)
