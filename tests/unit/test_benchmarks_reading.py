"""The benchmark of reading trains all candidates on the same pictures."""

import torch

from benchmarks.reading import Photos, draw_folder
from mica.data import read_pictures


def test_both_sides_see_the_same_pictures(tmp_path):
    draw_folder(tmp_path, pictures=4, size=12)
    source = read_pictures(tmp_path, 12)
    photos = Photos(source)
    batch = source.peek(4)
    assert (len(photos), source.label_names) == (4, ("cats", "dogs"))
    assert batch.y is not None
    for row in range(4):
        x, label = photos[row]
        assert torch.equal(x.permute(1, 2, 0), batch.x[row])
        assert label == batch.y[row]
