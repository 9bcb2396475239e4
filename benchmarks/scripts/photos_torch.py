"""One epoch on photos of cats and dogs, read from their files, with torch."""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(int(sys.argv[1]))


class Photos(Dataset):
    """Pictures in a folder for each class."""

    def __init__(self, folder):
        self.files = [
            (path, number)
            for number, label in enumerate(("cats", "dogs"))
            for path in sorted(Path(folder, label).iterdir())
        ]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, number = self.files[index]
        with Image.open(path) as photo:
            resized = photo.convert("RGB").resize((150, 150), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255
        return pixels, number


def main():
    """Train an epoch."""
    photos = Photos(sys.argv[2])
    loader = DataLoader(photos, batch_size=32, shuffle=True, num_workers=2)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(128, 128, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6272, 512), nn.ReLU(), nn.Linear(512, 2),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    right = 0
    for x, y in loader:
        optimizer.zero_grad()
        output = model(x)
        loss_of(output, y).backward()
        optimizer.step()
        right += (output.argmax(1) == y).sum().item()
    print("accuracy", right / len(photos))


if __name__ == "__main__":
    main()
