"""The workloads' networks in torch's words, as its users write them."""

import torch
from torch import Tensor, nn

__all__ = ["loss_of", "make_network", "tensors"]


class Last(nn.Module):
    """The output of the last step of a recurrent layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


class Reader(nn.Module):
    """Words and positions, encoder blocks, the mean of the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10_000, 256)
        self.positions = nn.Embedding(200, 256)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
            for _ in range(2)
        )
        self.head = nn.Linear(256, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.words(x) + self.positions.weight
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(hidden.mean(dim=1))


class Writer(nn.Module):
    """A GPT: causal blocks, normalized first."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(65, 384)
        self.positions = nn.Embedding(256, 384)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                384, 6, 1536, dropout=0.0, activation="gelu", batch_first=True,
                norm_first=True,
            )
            for _ in range(6)
        )  # fmt: skip
        self.norm = nn.LayerNorm(384)
        self.head = nn.Linear(384, 65, bias=False)
        mask = nn.Transformer.generate_square_subsequent_mask(256)
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.words(x) + self.positions.weight
        for block in self.blocks:
            hidden = block(hidden, src_mask=self.mask, is_causal=True)
        return self.head(self.norm(hidden))


class Residual(nn.Module):
    """relu(f(x) + shortcut(x)), f of two normalized convolutions."""

    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inward, outward, 3, stride, 1),
            nn.BatchNorm2d(outward),
            nn.ReLU(),
            nn.Conv2d(outward, outward, 3, 1, 1),
            nn.BatchNorm2d(outward),
        )
        self.shortcut = (
            nn.Identity() if stride == 1 else nn.Conv2d(inward, outward, 1, stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def make_network(name: str) -> nn.Module:
    """The network of a workload, ending in logits or amounts."""
    if name == "tiny":
        return nn.Sequential(
            nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
        )
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
    if name == "cats":
        return nn.Sequential(
            nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(128, 128, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(6272, 512), nn.ReLU(), nn.Linear(512, 2),
        )  # fmt: skip
    if name == "lstm":
        lstm = Last(nn.LSTM(32, 32, batch_first=True))
        return nn.Sequential(nn.Embedding(10_000, 32), lstm, nn.Linear(32, 2))
    if name == "transformer":
        return Reader()
    if name == "resnet8":
        return nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
            Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
        )  # fmt: skip
    if name == "char-gpt":
        return Writer()
    return nn.Sequential(Last(nn.GRU(14, 32, batch_first=True)), nn.Linear(32, 1))


def tensors(x, y) -> tuple[Tensor, Tensor]:
    """Arrays as torch's networks take them: pictures with channels first."""
    inputs = torch.from_numpy(x)
    if inputs.ndim == 4:
        inputs = inputs.permute(0, 3, 1, 2).contiguous()
    return inputs, torch.from_numpy(y)


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy for classes, squared error for amounts."""
    if target.is_floating_point():
        return nn.functional.mse_loss(output, target)
    return nn.functional.cross_entropy(output.flatten(0, -2), target.flatten())
