"""Muon: momentum made orthogonal, for matrices; AdamW for everything else."""

import re
from collections.abc import Sequence
from typing import Any, Unpack

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.optimizers.numbers import check_count
from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)
from mica.optimizers.update import ForeachUpdate

__all__ = ["Muon", "MuonUpdate", "orthogonalized"]


def orthogonalized(
    matrices: Tensor, coefficients: tuple[float, float, float], steps: int
) -> Tensor:
    """Bring all singular values of matrices near 1; their singular vectors stay.

    x = x / ||x||;  x = a x + (b x x^T + c (x x^T)^2) x, repeated

    Args:
        matrices: One or several.
        coefficients: (a, b, c).
        steps: How often to repeat.

    Shape:
        matrices: (*batch, rows, columns)

    Returns:
        Matrices of the same shape, with singular values of about 0.7 to 1.2.

    Example:
        >>> x = torch.diag(torch.tensor([3.0, 0.5]))
        >>> y = orthogonalized(x, (3.4445, -4.7750, 2.0315), 5)
        >>> bool(((y.diag() > 0.6) & (y.diag() < 1.3)).all())
        True

    Source:
        Jordan et al. 2024, Muon: the quintic Newton-Schulz iteration.
    """
    a, b, c = coefficients
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)  # 1e-7: no 0 / 0
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if tall else x


class MuonUpdate(ForeachUpdate):
    """The torch optimizer that `Muon` builds; groups say which formula is theirs.

    torch.optim.Muon takes matrices only, and computes in bfloat16.

    Example:
        >>> weight = torch.zeros(2, 2)
        >>> weight.grad = torch.eye(2)
        >>> ours = {"decay": 0.0, "momentum": 0.0, "nesterov": False, "scale": 1.0}
        >>> newton = {"coefficients": (1.5, -0.5, 0.0), "ns_steps": 9}
        >>> MuonUpdate([weight], lr=0.5, muon=True, **ours, **newton).step()
        >>> weight.diag()
        tensor([-0.7071, -0.7071])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        decay = group["decay" if group["muon"] else "adam_decay"]
        if decay:
            torch._foreach_mul_(weights, 1 - group["lr"] * decay)
        if group["muon"]:
            self._turn(group, weights, gradients)
        else:
            self._adapt(group, weights, gradients)

    def _turn(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Muon's own step; matrices of one shape are computed together."""
        momentum = group["momentum"]
        buffers = self.remembered(weights, "momentum_buffer")
        torch._foreach_mul_(buffers, momentum)
        torch._foreach_add_(buffers, gradients)
        steps: Sequence[Tensor] = buffers
        if group["nesterov"]:
            steps = torch._foreach_add(gradients, buffers, alpha=momentum)
        alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        for weight, step in zip(weights, steps, strict=True):
            alike.setdefault(weight.shape, []).append((weight, step))
        for shape, pairs in alike.items():
            matrices = torch.stack([step for _, step in pairs])
            turned = orthogonalized(matrices, group["coefficients"], group["ns_steps"])
            factor = group["lr"]
            if group["scale"] is not None:
                factor = factor * group["scale"] * max(shape) ** 0.5
            changed = [weight for weight, _ in pairs]
            torch._foreach_sub_(changed, list((turned * factor).unbind()))

    def _adapt(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Adam's step, in Keras's shorter form."""
        beta_1, beta_2 = group["betas"]
        numbers = self.count(weights)
        means = self.remembered(weights, "exp_avg")
        squares = self.remembered(weights, "exp_avg_sq")
        torch._foreach_lerp_(means, gradients, 1 - beta_1)
        torch._foreach_mul_(squares, beta_2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta_2)
        divisors = torch._foreach_sqrt(squares)
        torch._foreach_add_(divisors, group["eps"])
        steps = torch._foreach_div(means, divisors)
        shares = [(1 - beta_2**n) ** 0.5 / (1 - beta_1**n) for n in numbers]
        torch._foreach_mul_(steps, [share * group["ratio"] for share in shares])
        torch._foreach_mul_(steps, group["lr"])
        torch._foreach_sub_(weights, steps)


def _patterns(given: Any) -> tuple[str, ...]:
    """Regular expressions that can be read."""
    if given is None:
        return ()
    patterns = (given,) if isinstance(given, str) else tuple(given)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise ConfigError(
                f"Muon: expected exclude_layers as regular expressions, got "
                f'{pattern!r}. Write names of layers, such as ["output"].'
            ) from error
    return patterns


class Muon(Optimizer):
    """Momentum made orthogonal, for matrices; AdamW for everything else.

    b = momentum * b + g;  d = g + momentum * b  (nesterov, else b)
    w = w - learning_rate * rms_rate * sqrt(max(rows, columns)) * orthogonal(d)

    `orthogonal` brings all singular values near 1 by ``ns_steps`` Newton-Schulz steps:
    every direction of a matrix learns as fast as the loudest. Keras's formulas and
    defaults exactly, at ``learning_rate`` and decay of AdamW's size. Embeddings are not
    matrices in this sense, nor should the last layer be one: name it in
    ``exclude_layers``.

    Args:
        learning_rate: A number, or a function of the step.
        adam_beta_1: AdamW's, see `Adam`.
        adam_beta_2: AdamW's.
        adam_weight_decay: Decoupled decay of the weights AdamW changes.
        epsilon: AdamW's, added to the root. Above 0.
        weight_decay: Decoupled decay of the matrices; `None` for none.
        exclude_layers: Regular expressions; weights whose names they are found in are
            AdamW's.
        exclude_embeddings: Whether the weights of embeddings are AdamW's.
        muon_a: First coefficient of the iteration.
        muon_b: Second coefficient.
        muon_c: Third coefficient.
        adam_lr_ratio: AdamW's rate in shares of the learning rate. Above 0.
        momentum: Share of b that is kept: at least 0 and below 1.
        ns_steps: Newton-Schulz steps.
        nesterov: Whether to look ahead along the momentum.
        rms_rate: The root mean square of a step at a learning rate of 1; `None` leaves
            it to the matrix.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        b: the parameter's bytes. Of AdamW's: m and v, each the parameter's bytes; a
        step count.

    Raises:
        ConfigError: A number is outside its range, options do not go together, or a
            weight has no name where ``exclude_layers`` asks for one.

    Example:
        >>> model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 1))
        >>> optimizer = Muon(exclude_layers=["^1"]).build(model.named_parameters())
        >>> [len(group["params"]) for group in optimizer.param_groups]
        [1, 3]

    Source:
        Jordan et al. 2024, Muon; its scale: Liu et al. 2025, section 2.2.
    """

    kind = MuonUpdate
    decays_weights = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        where = "Muon"
        self.adam_beta_1 = check_number(where, "an adam_beta_1", adam_beta_1, below=1)
        self.adam_beta_2 = check_number(where, "an adam_beta_2", adam_beta_2, below=1)
        if adam_weight_decay is not None:
            check_number(where, "an adam_weight_decay", adam_weight_decay)
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = check_number(where, "an epsilon", epsilon, above=0)
        self.exclude_layers = _patterns(exclude_layers)
        self.exclude_embeddings = bool(exclude_embeddings)
        self.coefficients = (float(muon_a), float(muon_b), float(muon_c))
        self.adam_lr_ratio = check_number(
            where, "an adam_lr_ratio", adam_lr_ratio, above=0
        )
        self.momentum = check_number(where, "a momentum", momentum, below=1)
        self.ns_steps = check_count(where, "ns_steps", ns_steps)
        self.nesterov = bool(nesterov)
        if rms_rate is not None:
            check_number(where, "an rms_rate", rms_rate, above=0)
        self.rms_rate = rms_rate

    def options(self) -> dict[str, Any]:
        """Give the arguments of `MuonUpdate`."""
        return {
            "coefficients": self.coefficients,
            "decay": self.weight_decay or 0.0,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "ns_steps": self.ns_steps,
            "scale": self.rms_rate,
            "adam_decay": self.adam_weight_decay or 0.0,
            "betas": (self.adam_beta_1, self.adam_beta_2),
            "eps": self.epsilon,
            "ratio": self.adam_lr_ratio,
        }

    def group_of(self, name: str | None, tensor: Tensor, owner: Any) -> dict[str, Any]:
        """Tell matrices from what AdamW changes.

        Args:
            name: The parameter's name, if it is known.
            tensor: The parameter.
            owner: The module that holds it, if it is known.

        Returns:
            Whether its group is Muon's.

        Raises:
            ConfigError: It has no name, and layers are to be excluded by name.
        """
        if tensor.ndim != 2:
            return {"muon": False}
        if name is None and self.exclude_layers:
            raise ConfigError(
                "Muon: expected named parameters to find exclude_layers, got some "
                "without a name. Build from model.named_parameters()."
            )
        embeds = "embedding" in f"{type(owner).__name__} {name}".lower()
        excluded = any(re.search(part, name or "") for part in self.exclude_layers)
        return {"muon": not ((embeds and self.exclude_embeddings) or excluded)}
