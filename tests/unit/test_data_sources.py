"""Sources of batches: what each kind gives, in which order, and what it refuses."""

import itertools
import re

import numpy as np
import pytest
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
)

import mica.data.arrays
from mica.data import (
    ArraySource,
    Batch,
    DatasetSource,
    GeneratorSource,
    LimitedSource,
    LoaderSource,
    as_source,
)
from mica.data.batch import check_batching, to_device, unpack_batch
from mica.errors import ConfigError, DataError

X = torch.arange(10.0).reshape(10, 1)
Y = torch.arange(10)


class Squares(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return np.array([index], dtype="float64"), index**2


class SquaresByTheBatch(Squares):
    def __init__(self):
        self.asked = []

    def __getitems__(self, indices):
        self.asked.append(indices)
        return [self[index] for index in indices]


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.tensor([float(i)]), i) for i in range(5)])


def rows(source, **options):
    """The first column of x of one epoch, batch by batch."""
    batches = source.batches(options.pop("epoch", 0), **options)
    return [batch.x.reshape(batch.size, -1)[:, 0].tolist() for batch in batches]


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def forever():
    return itertools.repeat((np.ones((2, 1)), np.array([0, 1])))


# In memory


def test_without_shuffling_the_rows_come_in_order():
    source = ArraySource(X, Y)
    assert rows(source, batch_size=4, shuffle=False) == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]


def test_x_and_y_and_weights_stay_together_when_shuffled():
    source = ArraySource(X, Y, Y.float() + 1)
    for batch in source.batches(3, batch_size=3, seed=5):
        assert torch.equal(batch.x[:, 0], batch.y.float())
        assert torch.equal(batch.sample_weight, batch.y.float() + 1)


def test_each_epoch_and_each_seed_has_its_order():
    source = ArraySource(X)
    first = rows(source, batch_size=10, epoch=0, seed=1)
    assert rows(source, batch_size=10, epoch=0, seed=1) == first
    assert rows(source, batch_size=10, epoch=1, seed=1) != first
    assert rows(source, batch_size=10, epoch=0, seed=2) != first


def test_the_order_does_not_depend_on_the_size_of_the_chunks(monkeypatch):
    source = ArraySource(X)
    whole = rows(source, batch_size=3, seed=1)
    monkeypatch.setattr(mica.data.arrays, "CHUNK_BYTES", 1)
    assert rows(source, batch_size=3, seed=1) == whole


def test_an_epoch_can_go_on_in_its_middle():
    source = ArraySource(X)
    whole = rows(source, batch_size=3, epoch=4, seed=1)
    assert rows(source, batch_size=3, epoch=4, seed=1, start=2) == whole[2:]


def test_a_last_small_batch_can_be_left_out():
    source = ArraySource(X)
    assert [len(batch) for batch in rows(source, batch_size=4, drop_last=True)] == [
        4,
        4,
    ]
    assert source.num_batches(4, drop_last=True) == 2
    assert source.num_batches(4) == 3


def test_torch_s_own_random_state_is_left_alone():
    before = torch.get_rng_state()
    rows(ArraySource(X), batch_size=3)
    rows(DatasetSource(Squares()), batch_size=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_are_views_of_a_chunk_not_copies():
    first, second = ArraySource(X).batches(0, batch_size=5)
    assert first.x.untyped_storage().data_ptr() == second.x.untyped_storage().data_ptr()


def test_batches_in_order_are_views_of_the_data():
    source = ArraySource(X)
    batch = next(source.batches(0, batch_size=5, shuffle=False))
    assert batch.x.data_ptr() == source.x.data_ptr()


def test_nested_inputs_and_outputs_come_in_their_nesting():
    source = ArraySource({"a": X, "b": (X, X)}, [Y, Y])
    batch = next(source.batches(0, batch_size=4, seed=1))
    assert batch.x["a"].shape == batch.x["b"][1].shape == (4, 1)
    assert torch.equal(batch.y[0], batch.y[1])


def test_a_source_without_targets_gives_none():
    batch = next(ArraySource(X).batches(0))
    assert batch.y is None
    assert batch.sample_weight is None
    assert batch.size == 10


def test_a_batch_knows_its_type():
    batch = next(ArraySource(X, Y).batches(0))
    assert isinstance(batch, Batch)
    assert Batch(batch.x, batch.y, None, 10) == batch


def test_peeking_gives_the_first_rows():
    batch = ArraySource(X, Y).peek(3)
    assert batch.y.tolist() == [0, 1, 2]
    assert batch.size == 3
    assert ArraySource(X, Y).peek(100).size == 10


def test_rows_can_be_taken_by_number():
    source = ArraySource({"a": X}, Y, Y + 1).take(torch.tensor([3, 1]))
    assert source.x["a"].tolist() == [[3], [1]]
    assert source.y.tolist() == [3, 1]
    assert source.sample_weight.tolist() == [4, 2]
    assert source.num_samples == 2


def test_taking_no_rows_is_refused():
    with refused(DataError, "take: expected at least one row number, got none."):
        ArraySource(X).take(torch.tensor([], dtype=torch.int64))


def test_data_on_a_device_give_batches_there():
    source = ArraySource(X, Y).to("meta")
    assert source.x.device.type == "meta"
    assert source.num_samples == 10


def test_batches_go_to_the_device_that_is_asked_for():
    batch = next(ArraySource(X, Y).batches(0, device="meta"))
    assert batch.x.device.type == batch.y.device.type == "meta"


def test_nothing_moves_without_a_device():
    assert to_device(X, None) is X
    assert to_device(None, "cpu") is None


def test_too_few_rows_for_one_whole_batch_are_refused():
    sentence = (
        "batches: expected at least batch_size=11 rows with drop_last=True, got 10. "
        "Use a smaller batch or keep the last one."
    )
    with refused(DataError, sentence):
        ArraySource(X).batches(0, batch_size=11, drop_last=True)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "32"])
def test_a_batch_size_that_is_none_is_refused(size):
    sentence = (
        f"batch_size: expected a whole number of at least 1, got {size!r}. 32 is a "
        "common choice."
    )
    with refused(ConfigError, sentence):
        ArraySource(X).batches(0, batch_size=size)


def test_a_start_before_the_beginning_is_refused():
    sentence = (
        "start: expected a number of batches of at least 0, got -1. Use 0 for a whole "
        "epoch."
    )
    with refused(ConfigError, sentence):
        check_batching(1, -1)


@pytest.mark.parametrize(
    ("keep", "wanted"), [(False, torch.float32), (True, torch.int64)]
)
@pytest.mark.parametrize("kind", ["array", "tensors", "dataset", "loader", "generator"])
def test_token_ids_stay_integers_when_asked(kind, keep, wanted):
    tokens = torch.zeros(4, 3, dtype=torch.int64)
    x, steps = {
        "array": (tokens, None),
        "tensors": (TensorDataset(tokens), None),
        "dataset": ([*zip(tokens, strict=True)], None),
        "loader": (DataLoader(TensorDataset(tokens)), None),
        "generator": (iter([tokens]), 1),
    }[kind]
    if kind == "dataset":
        source = DatasetSource(x, keep_integers=keep)
    else:
        source = as_source(x, steps=steps, keep_integers=keep)
    assert source.peek(2).x.dtype == wanted


# Which kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (X, ArraySource),
        ([[1.0], [2.0]], ArraySource),
        (range(3), ArraySource),
        ({"a": X}, ArraySource),
        (TensorDataset(X, Y), ArraySource),
        (Subset(TensorDataset(X, Y), [1, 2]), ArraySource),
        (Squares(), DatasetSource),
        (Subset(Squares(), [1, 2]), DatasetSource),
        (Stream(), LoaderSource),
        (DataLoader(Squares()), LoaderSource),
        ({(X, Y)}, LoaderSource),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else "",
)
def test_data_find_their_kind_of_source(data, kind):
    assert type(as_source(data)) is kind


def test_an_object_like_a_dataset_is_one():
    class Pairs:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return np.ones(2), index

    assert rows(as_source(Pairs()), batch_size=2) == [[1, 1], [1]]


def test_a_generator_finds_its_kind_of_source():
    assert type(as_source(forever(), steps=2)) is GeneratorSource


def test_a_source_stays_as_it_is():
    source = ArraySource(X)
    assert as_source(source) is source


def test_a_subset_of_tensors_is_its_rows():
    source = as_source(Subset(TensorDataset(X, Y), [4, 2]))
    assert source.y.tolist() == [4, 2]


def test_a_dataset_of_tensors_may_hold_weights():
    assert as_source(TensorDataset(X, Y, X)).sample_weight.tolist() == X[:, 0].tolist()


def test_a_dataset_of_four_tensors_is_refused():
    sentence = (
        "dataset: expected tensors (x,), (x, y) or (x, y, sample_weight), got a "
        "TensorDataset of 4. Give several inputs as arrays: fit((a, b), y)."
    )
    with refused(DataError, sentence):
        as_source(TensorDataset(X, X, X, X))


@pytest.mark.parametrize(
    ("extra", "name"), [({"y": [1]}, "y"), ({"sample_weight": [1]}, "sample_weight")]
)
def test_targets_beside_a_loader_are_refused(extra, name):
    sentence = (
        f"{name}: expected None, for DataLoader gives its own, got list. Let it give "
        "(x, y) or (x, y, sample_weight)."
    )
    with refused(ConfigError, sentence):
        as_source(DataLoader(Squares()), **extra)


def test_a_batch_size_beside_a_loader_s_own_is_refused():
    sentence = (
        "batch_size: expected 2, the loader's own, got 32. Leave batch_size out, or "
        "set it in the loader."
    )
    with refused(ConfigError, sentence):
        as_source(DataLoader(Squares(), batch_size=2), batch_size=32)


def test_a_loader_s_own_batch_size_may_be_said_again():
    assert as_source(DataLoader(Squares(), batch_size=2), batch_size=2).batch_size == 2


def test_a_function_in_place_of_data_is_refused():
    sentence = (
        "x: expected data, got the function forever. Call it: forever(), together with "
        "steps_per_epoch if it makes a generator."
    )
    with refused(DataError, sentence):
        as_source(forever)


def test_an_iterable_dataset_is_read_in_batches():
    assert rows(as_source(Stream(), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert as_source(Stream()).num_samples is None


# Fewer steps than there are batches


def test_steps_end_an_epoch_early():
    source = as_source(X, Y, steps=2)
    assert rows(source, batch_size=3, shuffle=False) == [[0, 1, 2], [3, 4, 5]]
    assert source.num_batches(3) == 2
    assert source.num_samples is None
    assert source.replayable
    assert source.peek(4).size == 4


def test_a_shortened_epoch_goes_on_in_its_middle():
    source = LimitedSource(ArraySource(X), 3)
    whole = rows(source, batch_size=2, seed=1)
    assert rows(source, batch_size=2, seed=1, start=2) == whole[2:]
    assert rows(source, batch_size=2, seed=1, start=5) == []


def test_more_steps_than_batches_are_all_batches():
    assert as_source(X, steps=100).num_batches(5) == 2


def test_an_unknown_length_is_the_number_of_steps():
    assert as_source(Stream(), steps=2).num_batches(32) == 2


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_steps_that_are_none_are_refused(steps):
    sentence = (
        f"steps_per_epoch: expected a whole number of at least 1, got {steps!r}. Leave "
        "it out to use all the data in each epoch."
    )
    with refused(ConfigError, sentence):
        as_source(X, steps=steps)


# Datasets


def test_a_dataset_is_read_in_an_order_of_ours():
    source = DatasetSource(Squares())
    assert rows(source, batch_size=2, shuffle=False) == [[0, 1], [2, 3], [4]]
    first = rows(source, batch_size=2, epoch=1, seed=3)
    assert first == rows(source, batch_size=2, epoch=1, seed=3)
    assert sorted(itertools.chain(*first)) == [0, 1, 2, 3, 4]


def test_a_dataset_has_the_order_of_the_same_arrays():
    arrays = ArraySource(torch.arange(5.0).reshape(5, 1))
    assert rows(DatasetSource(Squares()), batch_size=2, seed=3) == rows(
        arrays, batch_size=2, seed=3
    )


def test_a_dataset_is_asked_for_whole_batches_when_it_can():
    dataset = SquaresByTheBatch()
    rows(DatasetSource(dataset), batch_size=2, shuffle=False)
    assert dataset.asked == [[0, 1], [2, 3], [4]]


def test_skipped_batches_of_a_dataset_are_not_read():
    dataset = SquaresByTheBatch()
    rows(DatasetSource(dataset), batch_size=2, shuffle=False, start=2)
    assert dataset.asked == [[4]]
    assert rows(DatasetSource(dataset), batch_size=2, start=3) == []


def test_samples_become_the_types_that_training_uses():
    batch = DatasetSource(Squares()).peek(3)
    assert batch.x.dtype == torch.float32
    assert batch.y.tolist() == [0, 1, 4]
    assert batch.size == 3


def test_a_dataset_counts_its_batches():
    source = DatasetSource(Squares())
    assert source.num_samples == 5
    assert source.num_batches(2) == 3
    assert source.num_batches(2, drop_last=True) == 2


def test_worker_processes_read_the_same_batches():
    source = DatasetSource(Squares(), num_workers=1)
    assert rows(source, batch_size=2, shuffle=False) == [[0, 1], [2, 3], [4]]


def test_samples_that_do_not_stack_are_refused():
    class Growing(Squares):
        def __getitem__(self, index):
            return torch.zeros(index + 1)

    sentence = (
        "dataset: expected samples that stack into one batch (tensors, arrays and "
        "numbers of equal shapes), got samples that do not: stack expects each tensor "
        "to be equal size, but got [1] at entry 0 and [2] at entry 1. Give all samples "
        "one shape in __getitem__, or use a DataLoader with a collate_fn."
    )
    with refused(DataError, sentence):
        DatasetSource(Growing()).peek(2)


def test_a_mistake_in_the_user_s_dataset_keeps_its_own_name():
    class Broken(Squares):
        def __getitem__(self, index):
            raise LookupError("my own mistake")

    with refused(LookupError, "my own mistake"):
        DatasetSource(Broken()).peek(2)


def test_an_empty_dataset_is_refused():
    sentence = (
        "dataset: expected at least one sample, got an empty Subset. Look at the "
        "folder or filter that made it."
    )
    with refused(DataError, sentence):
        as_source(Subset(Squares(), []))


def test_a_dataset_without_a_length_is_refused():
    class Endless(Dataset):
        def __getitem__(self, index):
            return index

    sentence = (
        "dataset: expected a length, got none from Endless. Give it __len__, or wrap "
        "it in a torch DataLoader."
    )
    with refused(DataError, sentence):
        as_source(Endless())


# Loaders


def test_a_loader_decides_batches_and_order():
    source = LoaderSource(DataLoader(TensorDataset(X, Y), batch_size=4))
    assert rows(source, batch_size=1, shuffle=True) == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]
    assert source.num_samples == 10
    assert source.num_batches() == 3
    assert source.batch_size == 4
    assert source.replayable


def test_a_shuffling_loader_cannot_be_replayed():
    source = LoaderSource(DataLoader(TensorDataset(X), shuffle=True))
    assert not source.replayable
    assert source.num_samples == 10


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(TensorDataset(X), batch_size=4, drop_last=True),
        DataLoader(TensorDataset(X), batch_size=None),
        DataLoader(Stream()),
        {(X, Y)},
    ],
    ids=["dropping", "unbatched", "stream", "set"],
)
def test_a_loader_that_does_not_tell_its_rows_is_not_asked(loader):
    assert LoaderSource(loader).num_samples is None


def test_a_sampler_that_draws_again_and_again_counts_its_draws():
    sampler = RandomSampler(TensorDataset(X), replacement=True, num_samples=25)
    loader = DataLoader(TensorDataset(X), sampler=sampler)
    assert LoaderSource(loader).num_samples == 25


def test_peeking_into_a_loader_reads_a_batch_only_once():
    class Counting:
        reads = 0

        def __iter__(self):
            for batch in X.split(4):
                self.reads += 1
                yield (batch,)

    loader = Counting()
    source = LoaderSource(loader)
    assert source.peek(2).x.tolist() == [[0], [1]]
    assert source.peek(32).x.tolist() == [[0], [1], [2], [3]]
    assert rows(source) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert loader.reads == 3
    assert len(rows(source)) == 3
    assert source.num_batches() is None


def test_batches_of_a_loader_can_be_skipped():
    source = LoaderSource(DataLoader(TensorDataset(X), batch_size=4))
    assert rows(source, start=1) == [[4, 5, 6, 7], [8, 9]]


def test_a_sampler_is_told_the_epoch():
    class Sampler(torch.utils.data.Sampler):
        def set_epoch(self, epoch):
            self.epoch = epoch

        def __iter__(self):
            return iter([self.epoch])

        def __len__(self):
            return 1

    source = LoaderSource(DataLoader(TensorDataset(X), sampler=Sampler()))
    assert rows(source, epoch=7) == [[7]]


def test_an_empty_loader_is_refused():
    sentence = (
        "loader: expected at least one batch, got none from set. An iterator that was "
        "read to its end needs to be made again."
    )
    with refused(DataError, sentence):
        rows(LoaderSource(set()))


def test_an_iterator_is_no_loader():
    sentence = (
        "loader: expected something that can be read once per epoch, got an iterator "
        "(repeat). Say how many batches make an epoch: "
        "mica.data.GeneratorSource(iterator, steps=...)."
    )
    with refused(DataError, sentence):
        LoaderSource(forever())


# Generators


def test_a_generator_goes_on_from_epoch_to_epoch():
    source = GeneratorSource(((torch.full((1, 1), i),) for i in range(5)), steps=2)
    assert rows(source, epoch=0) == [[0], [1]]
    assert rows(source, epoch=1) == [[2], [3]]
    assert source.num_batches() == 2
    assert source.num_samples is None
    assert not source.replayable


def test_peeking_into_a_generator_loses_nothing():
    source = GeneratorSource(((torch.full((3, 1), i),) for i in range(5)), steps=2)
    assert source.peek(2).x.tolist() == [[0], [0]]
    assert source.peek(3).size == 3
    assert rows(source) == [[0, 0, 0], [1, 1, 1]]


def test_an_epoch_in_its_middle_takes_fewer_batches():
    assert len(rows(GeneratorSource(forever(), steps=5), start=3)) == 2


def test_a_generator_that_ends_early_says_when():
    source = GeneratorSource(((torch.ones(1, 1),) for _ in range(3)), steps=2)
    rows(source, epoch=0)
    sentence = (
        "generator: expected 2 batches in epoch 2, got 1: it is exhausted. Make it "
        "endless (while True: yield ...) or ask for fewer steps."
    )
    with refused(DataError, sentence):
        rows(source, epoch=1)


def test_a_generator_that_is_exhausted_cannot_be_peeked_into():
    sentence = (
        "generator: expected at least one batch, got none: it is exhausted. Make the "
        "generator again before you use it again."
    )
    with refused(DataError, sentence):
        GeneratorSource(iter([]), steps=1).peek(1)


def test_a_generator_needs_its_steps():
    sentence = (
        "generator: expected steps_per_epoch (in fit) or steps (in evaluate and "
        "predict), got None. Say how many batches make an epoch."
    )
    with refused(ConfigError, sentence):
        as_source(forever())


@pytest.mark.parametrize("steps", [0, 2.5, True])
def test_a_generator_s_steps_are_a_whole_number(steps):
    sentence = (
        "generator: expected steps to be a whole number of at least 1, got "
        f"{steps!r}. Say how many batches make an epoch."
    )
    with refused(ConfigError, sentence):
        GeneratorSource(forever(), steps=steps)


# One batch


FORMS = {
    "x": np.ones((2, 1)),
    "(x,)": (np.ones((2, 1)),),
    "(x, y)": (np.ones((2, 1)), [0, 1]),
    "[x, y]": [np.ones((2, 1)), [0, 1]],
    "(x, y, w)": (np.ones((2, 1)), [0, 1], [1.0, 0.0]),
    "{x, y}": {"x": np.ones((2, 1)), "y": [0, 1]},
    "{x, y, w}": {"x": np.ones((2, 1)), "y": [0, 1], "sample_weight": [1, 0]},
    "Batch": Batch(torch.ones(2, 1), torch.tensor([0, 1]), torch.ones(2), 2),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_may_come_in_many_forms(form):
    batch = unpack_batch(FORMS[form], "loader")
    assert batch.x.tolist() == [[1], [1]]
    assert batch.y is None or batch.y.tolist() == [0, 1]
    assert (batch.sample_weight is not None) == ("w" in form or form == "Batch")
    assert batch.size == 2


def test_a_dict_of_other_names_is_inputs_by_name():
    batch = unpack_batch({"image": np.ones((2, 1)), "age": np.ones((2, 1))}, "loader")
    assert set(batch.x) == {"image", "age"}
    assert batch.y is None


def test_weights_of_a_batch_may_all_be_zero():
    batch = unpack_batch((np.ones((2, 1)), [0, 1], [0, 0]), "loader")
    assert batch.sample_weight.tolist() == [0, 0]


WRONG = {
    "four parts": (
        (1, 2, 3, 4),
        "loader: expected batches (x,), (x, y) or (x, y, sample_weight), got 4 parts. "
        "Put several inputs into one: ((a, b), y).",
    ),
    "nothing": (
        None,
        "loader: expected batches (x,), (x, y) or (x, y, sample_weight), got None. "
        "Return or yield the arrays of the batch.",
    ),
    "lengths": (
        (np.ones((3, 1)), np.ones(2)),
        "loader: y: expected 3 rows as in x, got 2. Give every sample one row in each "
        "array.",
    ),
    "a scalar": (
        5,
        "loader: x: expected one row per sample, got the single value 5. Put it into "
        "an array: [[5]].",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_batch_is_refused(case):
    item, sentence = WRONG[case]
    with refused(DataError, sentence):
        unpack_batch(item, "loader")
