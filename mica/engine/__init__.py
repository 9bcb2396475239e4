"""The only hands on torch's global state: devices, precision, seeds, memory, plans."""

# NOTE: `precision()` is not repeated here: it would hide its module.
from mica.engine.compiling import compile_network, is_compiling
from mica.engine.device import (
    available_devices,
    default_device,
    describe_device,
    resolve_device,
    without_memory,
)
from mica.engine.execution import (
    ExecutionPlan,
    compute_scope,
    eager_plan,
    execution_scope,
    prepare_module,
)
from mica.engine.folders import cache_folder
from mica.engine.hardware import (
    Accelerator,
    Ceilings,
    Hardware,
    inspect_hardware,
    measure_ceilings,
    usable_cores,
)
from mica.engine.kernels.calling import without_kernels
from mica.engine.kernels.convolution_block import run_convolution_block
from mica.engine.kernels.recurrent import describe_kernels, run_gru, run_lstm
from mica.engine.kernels.updates import AdamKernel, has_update_kernels, run_rmsprop
from mica.engine.memory import (
    KeptMemory,
    free_memory_bytes,
    give_back_memory,
    is_out_of_memory,
    keep_freed_memory,
    peak_memory_bytes,
)
from mica.engine.precision import Precision, precision_scope, set_precision
from mica.engine.randomness import (
    deterministic_scope,
    draw_seed,
    fork_generator,
    random_state,
    restore_random_state,
    set_deterministic,
    set_seed,
)
from mica.engine.recording import Recording
from mica.engine.versions import mica_version

__all__ = [
    "Accelerator",
    "AdamKernel",
    "Ceilings",
    "ExecutionPlan",
    "Hardware",
    "KeptMemory",
    "Precision",
    "Recording",
    "available_devices",
    "cache_folder",
    "compile_network",
    "compute_scope",
    "default_device",
    "describe_device",
    "describe_kernels",
    "deterministic_scope",
    "draw_seed",
    "eager_plan",
    "execution_scope",
    "fork_generator",
    "free_memory_bytes",
    "give_back_memory",
    "has_update_kernels",
    "inspect_hardware",
    "is_compiling",
    "is_out_of_memory",
    "keep_freed_memory",
    "measure_ceilings",
    "mica_version",
    "peak_memory_bytes",
    "precision_scope",
    "prepare_module",
    "random_state",
    "resolve_device",
    "restore_random_state",
    "run_convolution_block",
    "run_gru",
    "run_lstm",
    "run_rmsprop",
    "set_deterministic",
    "set_precision",
    "set_seed",
    "usable_cores",
    "without_kernels",
    "without_memory",
]
