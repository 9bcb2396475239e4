"""Matrix initializers: weights that keep the length of what goes through them."""

from torch import Tensor, nn

from mica.errors import ConfigError
from mica.layers.arguments import real_number
from mica.layers.initializer import Initializer, draw
from mica.shapes import describe

__all__ = ["IdentityInitializer", "OrthogonalInitializer"]


class OrthogonalInitializer(Initializer):
    """A matrix whose rows, or columns if they are fewer, are orthonormal.

    W W^T = gain^2 I (or W^T W), W = gain * Q * sign(diag R), QR = a normal matrix

    A weight with more than two axes is seen as (outputs, everything else).

    Args:
        gain: The length of every row or column.

    Raises:
        ConfigError: `gain` is not a finite number, or the weight has fewer than two
            axes.

    Example:
        >>> import torch
        >>> weight = torch.empty(3, 5)
        >>> OrthogonalInitializer().fill(weight)
        >>> torch.allclose(weight @ weight.T, torch.eye(3), atol=1e-5)
        True

    Source:
        Saxe et al. 2014, section 3.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = real_number(gain, "OrthogonalInitializer", "gain")

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw the matrix.

        Args:
            tensor: What is filled.
            fans: Not used.

        Raises:
            ConfigError: The weight has fewer than two axes.
        """
        if tensor.ndim < 2:
            raise ConfigError(
                "OrthogonalInitializer: expected a weight with at least 2 axes, got "
                f"shape {describe(tensor.shape)}. Choose another initializer."
            )
        draw(tensor, lambda values: nn.init.orthogonal_(values, self.gain))


class IdentityInitializer(Initializer):
    """Ones on the diagonal, zeros elsewhere: at first the layer passes its input on.

    W = gain * I

    Args:
        gain: The value on the diagonal.

    Raises:
        ConfigError: `gain` is not a finite number, or the weight is no matrix.

    Example:
        >>> import torch
        >>> weight = torch.empty(2, 3)
        >>> IdentityInitializer().fill(weight)
        >>> weight
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = real_number(gain, "IdentityInitializer", "gain")

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Write the matrix.

        Args:
            tensor: What is filled.
            fans: Not used.

        Raises:
            ConfigError: The weight does not have two axes.
        """
        if tensor.ndim != 2:
            raise ConfigError(
                "IdentityInitializer: expected a weight with 2 axes, got shape "
                f"{describe(tensor.shape)}. Choose another initializer."
            )
        tensor.zero_()
        tensor.diagonal().fill_(self.gain)
