"""Reading ahead on a GPU: pictures from files arrive as they are on the processor."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image

import mica
from mica.data import BatchReader, read_pictures
from mica.layers import Dense, Flatten

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture
def photos(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(8):
            pixels = generator.integers(0, 256, (9, 11, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_batches_arrive_on_the_gpu_with_the_numbers_of_the_files(photos):
    source = read_pictures(photos, 6, most_bytes=0)
    plain = list(source.batches(1, batch_size=5))
    with BatchReader() as reader:
        ahead = list(reader.batches(source, 1, batch_size=5, device="cuda"))
    for ours, theirs in zip(ahead, plain, strict=True):
        assert ours.x.is_cuda
        assert ours.y.is_cuda
        assert torch.equal(ours.x.cpu(), theirs.x)
        assert torch.equal(ours.y.cpu(), theirs.y)


@pytest.mark.parametrize("plan", ["eager", "auto"])
def test_a_model_trains_from_files_and_leaves_no_thread(photos, plan):
    model = mica.Sequential(
        mica.Input((6, 6, 3)), Flatten(), Dense(2, activation="softmax")
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    source = read_pictures(photos, 6, most_bytes=0)
    history = model.fit(source, batch_size=4, epochs=60, verbose=0, plan=plan)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert not [t for t in threading.enumerate() if t.name.startswith("mica-")]
