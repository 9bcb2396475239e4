"""Lightning, as its first page shows it, with everything that logs turned off."""

import logging
import warnings

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.torch_networks import loss_of, make_network, tensors

__all__ = ["LIBRARIES", "train"]

LIBRARIES = ("lightning", "torch", "numpy")


class Learner(lightning.LightningModule):
    """A network and its loss."""

    def __init__(self, network) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch, _):
        x, y = batch
        return loss_of(self.network(x), y)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


class Waiting(Callback):
    """Stops before each epoch."""

    def __init__(self, gate) -> None:
        self.gate = gate

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        self.gate.begin()

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        self.gate.end()


def train(workload, _variant: str, threads: int, gate) -> None:
    """Train until the gate closes."""
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    data = TensorDataset(*tensors(*workload.data()))
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=gate.epochs,
        callbacks=[Waiting(gate)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(data, workload.batch_size, shuffle=True)
    trainer.fit(Learner(make_network(workload.name)), loader)
