"""Devices: which ones this machine has, and which one to compute on."""

from contextlib import AbstractContextManager

import torch

from mica.errors import ConfigError

__all__ = [
    "available_devices",
    "default_device",
    "describe_device",
    "resolve_device",
    "without_memory",
]


def available_devices() -> tuple[torch.device, ...]:
    """List the devices of this machine: the processor first, then accelerators.

    Returns:
        `cpu`, then for example `cuda:0`, `cuda:1`.

    Example:
        >>> available_devices()[0]
        device(type='cpu')
    """
    devices = [torch.device("cpu")]
    if torch.accelerator.is_available():
        kind = torch.accelerator.current_accelerator()
        if kind is not None:
            count = torch.accelerator.device_count()
            devices += [torch.device(kind.type, index) for index in range(count)]
    return tuple(devices)


def default_device() -> torch.device:
    """Choose the device that computes unless one is named: an accelerator if any.

    Returns:
        The current accelerator with its number, else `cpu`.

    Example:
        >>> default_device() in available_devices()
        True
    """
    devices = available_devices()
    if len(devices) == 1:
        return devices[0]
    return torch.device(devices[1].type, torch.accelerator.current_device_index())


def resolve_device(name: str | torch.device | None = None) -> torch.device:
    """Turn a name into a device of this machine.

    An accelerator without a number (`"cuda"`) is the current one of its kind, so that
    the result equals the `device` of the tensors on it.

    Args:
        name: Such as `"cpu"`, `"cuda"`, `"cuda:1"`; `None` means `default_device()`.

    Returns:
        The device.

    Raises:
        ConfigError: No such device here; the sentence names those there are.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if name is None:
        return default_device()
    devices = available_devices()
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is not None:
        if device.type == "cpu":
            return devices[0]
        if device.index is None and device.type == devices[-1].type:
            return default_device()
        if device in devices:
            return device
    there = ", ".join(str(known) for known in devices)
    raise ConfigError(
        f"resolve_device: expected a device of this machine ({there}), got "
        f"{str(name)!r}. Name one of these, or none to let Mica choose."
    )


def describe_device(device: torch.device) -> str:
    """Name a device as people know it.

    Args:
        device: A device of this machine.

    Returns:
        `cpu`, or the product's name and its place: `NVIDIA H200 (cuda:0)`.

    Example:
        >>> describe_device(torch.device("cpu"))
        'cpu'
    """
    if device.type != "cuda":
        return str(device)
    return f"{torch.cuda.get_device_name(device)} ({device})"


def without_memory() -> AbstractContextManager[object]:
    """Make tensors inside the block have shapes and no memory.

    What a file asks for can so be sized before anything is taken.

    Returns:
        A context manager.

    Example:
        >>> with without_memory():
        ...     torch.empty(10**9, 10**9).shape
        torch.Size([1000000000, 1000000000])
    """
    return torch.device("meta")
