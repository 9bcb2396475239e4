"""Reading ahead: same batches, same errors, no thread left."""

import gc
import os
import re
import threading
import traceback

import numpy as np
import pytest
import torch
from PIL import Image

import mica
from mica.data import (
    ArraySource,
    BatchReader,
    BucketSource,
    DatasetSource,
    GeneratorSource,
    LimitedSource,
    LoaderSource,
    PictureSource,
    ReadAhead,
    WindowShape,
    WindowSource,
    read_pictures,
    reading_ahead,
)
from mica.errors import DataError, DivergenceError, StateError
from mica.layers import Dense, Flatten
from mica.plan.advising import Circumstances, Cost, advise, bound_of
from mica.plan.measuring import endless


def own_threads():
    return [each for each in threading.enumerate() if each.name.startswith("mica-")]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    assert own_threads() == []
    yield
    assert own_threads() == []


@pytest.fixture
def photos(tmp_path):
    """Twelve small pictures in two folders."""
    generator = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = generator.integers(0, 256, (9, 11, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return tmp_path


def picture_model():
    mica.set_seed(3)
    model = mica.Sequential(
        mica.Input((4, 4, 3)), Flatten(), Dense(2, activation="softmax")
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights_of(model):
    return [each.detach().clone() for each in model.parameters()]


class Counted:
    """An iterator that says how far it was read."""

    def __init__(self, count):
        self.count, self.read = count, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.read == self.count:
            raise StopIteration
        self.read += 1
        return self.read


def test_order_and_number_are_those_of_the_iterator():
    with ReadAhead(iter(range(100)), most_batches=3) as numbers:
        assert list(numbers) == list(range(100))
    assert next(numbers, "over") == "over"


def test_nothing_is_read_before_the_first_batch_is_asked_for():
    counted = Counted(9)
    ahead = ReadAhead(counted)
    assert (counted.read, own_threads()) == (0, [])
    ahead.close()
    assert list(ahead) == []
    assert counted.read == 0


def wait_for(condition):
    """Let other threads work until something is so."""
    for _ in range(10_000):
        if condition():
            return True
        threading.Event().wait(0.0005)
    return False


def test_no_more_batches_wait_than_allowed():
    counted = Counted(50)
    with ReadAhead(counted, most_batches=2) as ahead:
        assert next(ahead) == 1
        assert wait_for(lambda: counted.read == 4)  # taken, two wait, one in the making
        assert len(ahead._shelf.batches) == 2
        assert next(ahead) == 2
        assert wait_for(lambda: counted.read == 5)


def test_no_more_bytes_wait_than_allowed():
    made = []

    def batches():
        for number in range(5):
            made.append(number)
            yield mica.data.Batch(torch.zeros(100), None, None, 100)  # 400 bytes

    with ReadAhead(batches(), most_batches=9, most_bytes=900) as ahead:
        next(ahead)
        assert wait_for(lambda: len(made) == 4)
        assert ahead._shelf.num_bytes == 800


def test_a_batch_larger_than_allowed_waits_alone():
    batches = [mica.data.Batch(torch.zeros(100), None, None, 100)] * 3
    with ReadAhead(iter(batches), most_bytes=10) as ahead:
        assert len(list(ahead)) == 3


def test_an_error_comes_in_its_turn_with_its_own_place():
    def broken_reader():
        yield 1
        yield 2
        raise DataError("a.png: expected a picture, got none. Look at it.")

    ahead = ReadAhead(broken_reader())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(
        DataError, match=r"^a\.png: expected a picture, got none\. Look at it\.$"
    ) as caught:
        next(ahead)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].name == "broken_reader"
    assert own_threads() == []
    assert list(ahead) == []


def test_a_reader_that_is_dropped_ends_its_thread():
    ahead = ReadAhead(iter(range(1000)))
    next(ahead)
    assert len(own_threads()) == 1
    del ahead
    gc.collect()
    assert own_threads() == []


def test_closing_closes_the_generator_too():
    closed = []

    def batches():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    with ReadAhead(batches()) as ahead:
        next(ahead)
    assert closed == ["mica-reader"]


def test_readers_may_be_nested():
    with ReadAhead(ReadAhead(iter(range(20)))) as outer:
        assert list(outer) == list(range(20))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_says_that_the_thread_is_not_in_it():
    ahead = ReadAhead(iter(range(1000)))
    next(ahead)
    expected = (
        "batches: expected the process that began to read them, got a fork of it. Open "
        "the data in the process that uses them."
    )
    child = os.fork()
    if child == 0:
        status = 1
        try:
            next(ahead)
        except StateError as error:
            ahead.close()
            status = 0 if str(error) == expected else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert next(ahead) == 1
    ahead.close()


def test_what_is_read_ahead_and_what_is_not(photos):
    pictures = read_pictures(photos, 4)
    assert pictures.reads_ahead
    assert LimitedSource(pictures, 2).reads_ahead
    others = [
        ArraySource([[1.0]]),
        DatasetSource([(torch.zeros(1), 0)]),
        LoaderSource([([[1.0]], [0])]),
        GeneratorSource(iter([]), steps=1),
        WindowSource(np.arange(6.0), None, WindowShape(3, 1)),
        LimitedSource(ArraySource([[1.0]]), 1),
    ]
    assert not any(source.reads_ahead for source in others)


def test_a_source_of_the_users_own_is_read_by_the_thread_that_trains():
    names = []

    def batches():
        while True:
            names.append(threading.current_thread().name)
            yield torch.zeros(2, 1), torch.zeros(2, 1)

    model = mica.Sequential(mica.Input((1,)), Dense(1))
    model.compile("sgd", "mse")
    model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert names == ["MainThread"] * 6


def test_batches_are_those_that_the_source_gives_by_itself(photos):
    source = read_pictures(photos, 4, most_bytes=0)
    options = {"batch_size": 5, "seed": 7, "start": 1}
    plain = list(source.batches(2, **options))
    with BatchReader() as reader:
        for device in (None, "cpu"):
            ahead = list(reader.batches(source, 2, device=device, **options))
            assert [batch.size for batch in ahead] == [5, 2]
            for ours, theirs in zip(ahead, plain, strict=True):
                assert torch.equal(ours.x, theirs.x)
                assert torch.equal(ours.y, theirs.y)


def test_limited_steps_are_not_read_beyond(photos):
    source = LimitedSource(read_pictures(photos, 4), 2)
    with BatchReader() as reader:
        assert [b.size for b in reader.batches(source, 0, batch_size=2)] == [2, 2]
    assert source.source.num_kept == 4


def fitted(photos, reads_ahead, monkeypatch, **options):
    monkeypatch.setattr(PictureSource, "reads_ahead", reads_ahead)
    model = picture_model()
    source = read_pictures(photos, 4)
    history = model.fit(
        source, batch_size=5, epochs=3, validation_data=source, verbose=0, plan="eager",
        seed=1, **options,
    )  # fmt: skip
    return weights_of(model), {k: list(v) for k, v in history.history.items()}


@pytest.mark.parametrize("augmented", [False, True])
def test_training_is_the_same_to_the_bit(photos, monkeypatch, augmented):
    options = {"augment": mica.layers.RandomFlip()} if augmented else {}
    ahead = fitted(photos, True, monkeypatch, **options)
    state = torch.get_rng_state()
    plain = fitted(photos, False, monkeypatch, **options)
    assert torch.equal(state, torch.get_rng_state())
    assert all(map(torch.equal, ahead[0], plain[0]))
    assert ahead[1] == plain[1]


def test_fit_reads_in_a_thread_and_predict_and_evaluate_too(photos, monkeypatch):
    names = set()
    read = PictureSource._pixels

    def watched(self, *arguments):
        names.add(threading.current_thread().name)
        return read(self, *arguments)

    model, source = picture_model(), read_pictures(photos, 4)
    model.predict(source)  # its first rows are looked at by the one who asks
    monkeypatch.setattr(PictureSource, "_pixels", watched)
    with BatchReader() as reader:
        list(reader.batches(source, 0))
    assert names == {"mica-reader"}
    model.fit(source, epochs=1, verbose=0, plan="eager")
    model.evaluate(source)
    assert model.predict(source).shape == (12, 2)


class Stopping(mica.Callback):
    """Does something after the first batch."""

    def __init__(self, act):
        self.act = act

    def on_batch_end(self, state):
        self.act(state)


def interrupt(_):
    raise KeyboardInterrupt


def fail(_):
    raise ValueError("a callback failed")


@pytest.mark.parametrize("act", [interrupt, fail])
def test_an_exception_in_training_leaves_no_thread(photos, act):
    model = picture_model()
    with pytest.raises((KeyboardInterrupt, ValueError)) as caught:
        model.fit(
            read_pictures(photos, 4), batch_size=1, callbacks=[Stopping(act)], verbose=0
        )
    assert own_threads() == []  # while the traceback is still held
    assert caught.value is not None


def test_stopping_early_leaves_no_thread_and_counts_what_was_trained(photos):
    model, seen = picture_model(), []

    def stop(state):
        seen.append((state.step, state.batch, state.samples))
        state.stop("enough")

    source = read_pictures(photos, 4)
    model.fit(source, batch_size=2, callbacks=[Stopping(stop)], verbose=0)
    assert seen == [(1, 1, 2)]
    assert own_threads() == []


def test_a_loss_that_is_no_number_is_replayed_while_the_reader_is_open(photos):
    model = picture_model()
    model.compile(mica.optimizers.SGD(1e38), "sparse_categorical_crossentropy")
    source = read_pictures(photos, 4)
    with pytest.raises(DivergenceError):
        model.fit(source, batch_size=1, epochs=9, verbose=0, plan="eager")
    assert own_threads() == []


def test_a_broken_file_reaches_the_user_with_its_name(photos):
    (photos / "cats" / "3.png").write_bytes(b"no picture")
    source = read_pictures(photos, 4)
    path = photos / "cats" / "3.png"
    expected = (
        f"{path}: expected a picture that can be decoded, got: cannot identify image "
        f"file {str(path)!r}. Take the file out of the folder, or save it anew."
    )
    model = picture_model()
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        model.fit(source, batch_size=2, epochs=1, verbose=0)
    assert own_threads() == []


def test_texts_by_length_are_the_same_batches():
    rows = [[number] * (1 + number % 5) for number in range(1, 40)]
    source = BucketSource(rows, list(range(39)))
    with BatchReader() as reader:
        ahead = list(reader.batches(source, 3, batch_size=4, seed=5))
    for ours, theirs in zip(
        ahead, source.batches(3, batch_size=4, seed=5), strict=True
    ):
        assert torch.equal(ours.x, theirs.x)
        assert torch.equal(ours.y, theirs.y)


def test_explain_reads_ahead_as_fit_does(photos):
    source = read_pictures(photos, 4, most_bytes=0)
    batches = endless(source, 5, torch.device("cpu"))
    first = [next(batches).x for _ in range(3)]  # two of an epoch, one of the next
    assert [each.name for each in own_threads()].count("mica-reader") == 1
    batches.close()
    plain = [
        *source.batches(0, batch_size=5, drop_last=True),
        *source.batches(1, batch_size=5, drop_last=True),
    ]
    assert all(torch.equal(x, batch.x) for x, batch in zip(first, plain, strict=False))


def test_waiting_for_files_that_are_read_ahead_is_said():
    around = Circumstances(32, step_seconds=1.0, in_memory=False, reads_ahead=True)
    advice = advise("(data)", "", 0.5, Cost(), around)
    assert bound_of("(data)", Cost()) == "input"
    assert advice == (
        "none",
        "It waits for files, read ahead already: smaller ones are read faster.",
        0.0,
    )


def test_batches_are_moved_by_the_one_who_takes_them(photos, monkeypatch):
    moved = []

    def to_device(structure, device):
        moved.append((threading.current_thread().name, device))
        return structure

    monkeypatch.setattr(reading_ahead, "to_device", to_device)
    source = read_pictures(photos, 4, most_bytes=0)
    with BatchReader() as reader:
        assert len(list(reader.batches(source, 0, batch_size=6, device="cuda"))) == 2
    assert moved == [("MainThread", "cuda")] * 6  # x, y and weights of two batches


def test_training_goes_on_in_the_middle_as_if_it_had_never_stopped(photos):
    def trained(*parts):
        model, source = picture_model(), read_pictures(photos, 4)
        for first, last in parts:
            model.fit(
                source, batch_size=5, initial_epoch=first, epochs=last, seed=4,
                verbose=0, plan="eager",
            )  # fmt: skip
        return weights_of(model)

    assert all(map(torch.equal, trained((0, 3)), trained((0, 1), (1, 3))))
