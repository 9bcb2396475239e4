"""What an epoch from JPEG files takes: read ahead or not, and beside torch's loader.

Pictures as large as those of cats and dogs are drawn and encoded into a temporary
folder; the network is that of the workload `cats`, in float32 everywhere. All decode
with the same function, and every epoch decodes anew, but for `kept`: there the pictures
of an epoch before are still in memory.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.measure import Comparison, compare, seconds_of, take_turns
from benchmarks.peers.mica_peer import make_model
from benchmarks.peers.torch_networks import make_network
from mica.data import PictureSource, decode_picture, read_pictures
from mica.engine import keep_freed_memory

__all__ = ["run"]

PICTURES = 256
SIZE = 150  # pixels, height and width
SPOTS = 20  # of a picture, from one side to the other: photos are smooth
BATCH_SIZE = 32
MOST_ROUNDS = 5  # an epoch takes seconds
WORKERS = (0, 2)


def draw_folder(folder: Path, pictures: int = PICTURES, size: int = SIZE) -> None:
    """Write smooth random pictures of two classes as JPEG files."""
    generator = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (folder / name).mkdir()
        for number in range(pictures // 2):
            spots = generator.integers(0, 256, (SPOTS, SPOTS, 3), dtype=np.uint8)
            picture = Image.fromarray(spots).resize((size, size))
            picture.save(folder / name / f"{number}.jpg", quality=90)


class Photos(Dataset[tuple[Tensor, int]]):
    """The same files as torch's users open them: one by one, channels first."""

    def __init__(self, source: PictureSource) -> None:
        self.files, self.size = source.files, source.size
        self.labels = [] if source.y is None else source.y.tolist()

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """One picture, (channels, height, width), and its class."""
        pixels = torch.from_numpy(decode_picture(self.files[index], self.size).copy())
        x = pixels.permute(2, 0, 1).contiguous() / 255  # (C, H, W)
        return x, self.labels[index]


def train(
    network: nn.Module, optimizer: torch.optim.Optimizer, photos: Photos, workers: int
) -> None:
    """One epoch of the loop that most people write."""
    network.train()
    loader = DataLoader(
        photos, batch_size=BATCH_SIZE, shuffle=True, num_workers=workers
    )
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()


def run(rounds: int = 15) -> list[Comparison]:
    """Read ahead, beside the same epoch read by the one who trains, and by torch."""
    keep_freed_memory()
    torch.manual_seed(0)
    rounds = min(rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory() as place:
        draw_folder(Path(place))
        ahead, plain = (read_pictures(place, SIZE, most_bytes=0) for _ in range(2))
        plain.reads_ahead = False
        kept = read_pictures(place, SIZE)
        model = make_model("cats", (SIZE, SIZE, 3))
        model.compile("adam", "sparse_categorical_crossentropy")
        fit = partial(model.fit, batch_size=BATCH_SIZE, verbose=0, plan="eager")
        network = make_network("cats")
        optimizer = torch.optim.Adam(network.parameters())
        photos = Photos(ahead)
        candidates = {
            name: partial(seconds_of, partial(fit, source))
            for name, source in (("ahead", ahead), ("plain", plain), ("kept", kept))
        }
        for workers in WORKERS:
            epoch = partial(train, network, optimizer, photos, workers)
            candidates[f"torch, {workers} workers"] = partial(seconds_of, epoch)
        times = take_turns(candidates, rounds)
    pairs = [("ahead", "plain", 1.02), ("kept", "plain", 1.0)]
    pairs += [("ahead", f"torch, {workers} workers", 1.0) for workers in WORKERS]
    title = f"{PICTURES} JPEG files of {SIZE} x {SIZE}, cats"
    return [compare(title, times, of=of, to=to, limit=limit) for of, to, limit in pairs]
