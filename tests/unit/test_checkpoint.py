"""Checkpoints: weights come back to the bit, or not at all."""

import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from mica.errors import CheckpointError
from mica.training.checkpoint import atomic_file, load_weights, save_weights


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.second = nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight


class Views(nn.Module):
    """Buffers that share one memory without being the same tensor."""

    def __init__(self) -> None:
        super().__init__()
        table = torch.arange(6.0)
        self.register_buffer("whole", table)
        self.register_buffer("matrix", table.view(2, 3))
        self.register_buffer("part", table[2:4])
        self.register_buffer("empty", torch.zeros(0))


class ManyKinds(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("mask", torch.tensor([True, False]))
        self.register_buffer("scratch", torch.ones(1), persistent=False)
        self.narrow = nn.Parameter(torch.randn(2, dtype=torch.bfloat16))
        self.wide = nn.Parameter(torch.randn(2, dtype=torch.float64))


MODULES = {
    "linear": lambda: nn.Linear(3, 2),
    "nested": lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
    "channels last": lambda: nn.Conv2d(2, 4, 3).to(memory_format=torch.channels_last),
    "tied": Tied,
    "views": Views,
    "many kinds": ManyKinds,
    "nothing to save": nn.ReLU,
}


def scramble(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.copy_(torch.zeros_like(tensor))
    return module


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES.keys())
def test_weights_come_back_to_the_bit(make, tmp_path):
    module = make()
    expected = {name: value.clone() for name, value in module.state_dict().items()}
    save_weights(module, tmp_path / "weights")
    other = scramble(make())
    load_weights(other, tmp_path / "weights")
    found = other.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert all(found[name].dtype == expected[name].dtype for name in expected)


def test_tied_weights_are_stored_once(tmp_path):
    save_weights(Tied(), tmp_path / "weights")
    with safe_open(tmp_path / "weights", framework="pt") as file:
        assert list(file.keys()) == ["first.weight"]


def test_weights_load_into_another_floating_type(tmp_path):
    module = nn.Linear(3, 2)
    save_weights(module, tmp_path / "weights")
    other = nn.Linear(3, 2, dtype=torch.bfloat16)
    load_weights(other, tmp_path / "weights")
    assert torch.equal(other.weight, module.weight.bfloat16())


def test_saving_draws_no_random_numbers(tmp_path):
    before = torch.get_rng_state()
    save_weights(nn.ReLU(), tmp_path / "weights")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_state_that_is_not_a_tensor_is_refused(tmp_path):
    class Odd(nn.Module):
        def get_extra_state(self) -> dict[str, int]:
            return {"seen": 1}

    sentence = (
        "save_weights: expected tensors in the state of Odd, got dict in "
        "'_extra_state'. Keep what is not a tensor in the module's arguments."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        save_weights(Odd(), tmp_path / "weights")


MISFITS = [
    (
        {"weight": torch.zeros(2, 3)},
        "load_weights: expected 'bias' for Linear in {path}, got 'weight'. Build the "
        "module as it was when the file was written.",
    ),
    (
        {},
        "load_weights: expected 'bias', 'weight' for Linear in {path}, got nothing. "
        "Build the module as it was when the file was written.",
    ),
    (
        {name: torch.zeros(1) for name in "abcdef"},
        "load_weights: expected 'bias', 'weight' for Linear in {path}, got 'a', 'b', "
        "'c' and 3 more. Build the module as it was when the file was written.",
    ),
    (
        {name: torch.zeros(2) for name in ("bias", "weight", "scale")},
        "load_weights: expected the weights of Linear and no more in {path}, got "
        "'scale' too. Build the module as it was when the file was written.",
    ),
    (
        {"bias": torch.zeros(2), "weight": torch.zeros(3, 2)},
        "load_weights: expected shape (2, 3) for 'weight', got (3, 2) in {path}. Build "
        "the module as it was when the file was written.",
    ),
    (
        {"bias": torch.zeros(2, dtype=torch.int64), "weight": torch.zeros(2, 3)},
        "load_weights: expected torch.float32 for 'bias', got torch.int64 in {path}. "
        "Build the module as it was when the file was written.",
    ),
]


@pytest.mark.parametrize(("tensors", "sentence"), MISFITS)
def test_weights_of_another_architecture_change_nothing(tensors, sentence, tmp_path):
    path = tmp_path / "weights"
    save_file(tensors, path)
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    sentence = sentence.format(path=repr(str(path)))
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        load_weights(module, path)
    assert torch.equal(module.weight, before)


def test_a_missing_weights_file_is_named(tmp_path):
    path = tmp_path / "weights"
    sentence = (
        f"load_weights: expected a file at {str(path)!r}, got none. Check the path."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        load_weights(nn.Linear(3, 2), path)


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "folder" / "file.bin"
    with atomic_file(path) as file:
        file.write(b"half ")
        assert not path.exists()
        file.write(b"whole")
    assert path.read_bytes() == b"half whole"
    assert [part.name for part in path.parent.iterdir()] == ["file.bin"]


def test_a_file_may_be_written_by_its_name(tmp_path):
    path = tmp_path / "file.bin"
    with atomic_file(path) as file, open(file.name, "wb") as same:
        same.write(b"by name")
    assert path.read_bytes() == b"by name"


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic_file(path) as file:
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    with atomic_file(tmp_path / "ours") as file:
        file.write(b"")
    (tmp_path / "plain").write_bytes(b"")
    modes = [(tmp_path / name).stat().st_mode for name in ("ours", "plain")]
    assert modes[0] == modes[1]


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
