"""Reading ahead: whatever is read, and wherever one stops, nothing else changes."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mica.data import BatchReader, LimitedSource, ReadAhead, read_pictures


def own_threads():
    return [each for each in threading.enumerate() if each.name.startswith("mica-")]


@given(
    count=st.integers(0, 30),
    most_batches=st.integers(1, 6),
    taken=st.integers(0, 35),
    broken=st.none() | st.integers(0, 30),
)
@settings(max_examples=60, deadline=None)
def test_what_is_taken_is_what_the_iterator_gives(count, most_batches, taken, broken):
    def numbers():
        for number in range(count):
            if number == broken:
                raise ValueError(number)
            yield number

    def take(iterator):
        found = []
        try:
            for _ in range(taken):
                found.append(next(iterator))
        except (StopIteration, ValueError) as error:
            found.append(repr(error))
        return found

    with ReadAhead(numbers(), most_batches=most_batches) as ahead:
        found = take(ahead)
    assert found == take(numbers())
    assert own_threads() == []


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(1)
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
        for number in range(4):
            pixels = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@given(
    batch_size=st.integers(1, 13),
    epoch=st.integers(0, 3),
    seed=st.integers(0, 99),
    start=st.integers(0, 3),
    shuffle=st.booleans(),
    steps=st.none() | st.integers(1, 5),
    most_bytes=st.sampled_from([0, None]),
)
@settings(max_examples=40, deadline=None)
def test_pictures_come_as_they_would_without_a_thread(
    photos, batch_size, epoch, seed, start, shuffle, steps, most_bytes
):
    options = {
        "batch_size": batch_size, "seed": seed, "start": start, "shuffle": shuffle,
    }  # fmt: skip
    source = read_pictures(photos, 3, most_bytes=most_bytes)
    if steps is not None:
        source = LimitedSource(source, steps)
    before = torch.get_rng_state()
    with BatchReader() as reader:
        ahead = list(reader.batches(source, epoch, **options))
    plain = list(read_pictures(photos, 3).batches(epoch, **options))
    plain = plain if steps is None else plain[: max(0, steps - start)]
    assert [batch.size for batch in ahead] == [batch.size for batch in plain]
    for ours, theirs in zip(ahead, plain, strict=True):
        assert torch.equal(ours.x, theirs.x)
        assert torch.equal(ours.y, theirs.y)
    assert torch.equal(before, torch.get_rng_state())
    assert own_threads() == []
