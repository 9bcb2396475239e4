"""BackupAndRestore: interrupted and resumed is uninterrupted, to the bit."""

import re

import pytest
import torch

import mica
from mica import layers, optimizers
from mica.callbacks import BackupAndRestore, Callback
from mica.errors import CheckpointError
from mica.training.callbacks.backup_and_restore import FILE

EPOCHS = 5


class PowerCutError(Exception):
    """What ends the program in the middle of an epoch."""


class PowerCut(Callback):
    """Ends training in the second batch of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_batch_end(self, state) -> None:
        if state.epoch == self.epoch and state.batch == 2:
            raise PowerCutError


def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 4, generator=generator)
    return x, x.sum(1, keepdim=True)


def new_model(optimizer, seed: int) -> mica.Sequential:
    """The same program started again: only what chance gives differs."""
    mica.set_seed(seed)
    model = mica.Sequential(
        [
            mica.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.GaussianNoise(0.1, seed=3),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def fitted(model, *callbacks: Callback, epochs: int = EPOCHS):
    x, y = data()
    return model.fit(
        x[:30],
        y[:30],
        epochs=epochs,
        batch_size=8,
        validation_data=(x[30:], y[30:]),
        callbacks=callbacks,
        verbose=0,
    )


OPTIMIZERS = {
    "sgd with momentum": lambda: optimizers.SGD(0.01, momentum=0.9),
    "adam with a schedule": lambda: optimizers.Adam(
        optimizers.schedules.cosine_decay(0.01, 20)
    ),
    "adam with an average": lambda: optimizers.Adam(
        0.01, averaging=optimizers.EMA(0.9)
    ),
    "gathered batches": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "lbfgs": lambda: optimizers.LBFGS(),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("cut", [1, 3])
def test_a_training_that_was_cut_off_ends_as_one_that_was_not(make, cut, tmp_path):
    whole = new_model(make(), 1)
    expected = fitted(whole)
    with pytest.raises(PowerCutError):
        fitted(new_model(make(), 1), BackupAndRestore(tmp_path), PowerCut(cut))
    resumed = new_model(make(), 2)
    history = fitted(resumed, BackupAndRestore(tmp_path))
    assert history.epoch == expected.epoch
    assert history.history == expected.history
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_a_training_may_be_cut_off_again_and_again(tmp_path):
    whole = new_model("adam", 1)
    expected = fitted(whole)
    for seed, cut in enumerate((1, 2, 4), start=1):
        with pytest.raises(PowerCutError):
            fitted(new_model("adam", seed), BackupAndRestore(tmp_path), PowerCut(cut))
    assert fitted(new_model("adam", 9), BackupAndRestore(tmp_path)).history == (
        expected.history
    )


def test_a_training_cut_off_in_its_first_epoch_begins_anew(tmp_path):
    with pytest.raises(PowerCutError):
        fitted(new_model("adam", 1), BackupAndRestore(tmp_path), PowerCut(0))
    assert list(tmp_path.iterdir()) == []


def test_the_file_goes_when_training_has_ended(tmp_path):
    fitted(new_model("adam", 1), BackupAndRestore(tmp_path / "a"), epochs=2)
    assert not (tmp_path / "a" / FILE).exists()


def test_the_file_stays_on_request_and_nothing_is_left_to_do(tmp_path):
    keeps = BackupAndRestore(tmp_path, delete_checkpoint=False)
    first = new_model("adam", 1)
    fitted(first, keeps)
    second = new_model("adam", 2)
    history = fitted(second, keeps)
    assert history.epoch == list(range(EPOCHS))
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x02" + bytes(7) + b"{}"])
def test_a_damaged_file_is_told(content, tmp_path):
    path = tmp_path / FILE
    path.write_bytes(content)
    sentence = (
        f"BackupAndRestore: expected a backup in {str(path)!r}, got a file that cannot "
        "be read. Remove it to begin at the beginning."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        fitted(new_model("adam", 1), BackupAndRestore(tmp_path))


def test_the_file_of_another_model_is_told(tmp_path):
    fitted(new_model("adam", 1), BackupAndRestore(tmp_path, delete_checkpoint=False))
    other = mica.Sequential([layers.Dense(1)])
    other.compile("adam", "mse")
    path = str(tmp_path / FILE)
    sentence = (
        f"BackupAndRestore: expected the backup of this model in {path!r}, got that of "
        "another one. Give each training a folder of its own, or remove the file."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        fitted(other, BackupAndRestore(tmp_path))
