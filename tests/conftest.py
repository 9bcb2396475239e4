"""What holds for every test beside `conftest.py` above: shape checks, one thread."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")  # read when keras is imported
os.environ.setdefault("MPLBACKEND", "Agg")  # read when matplotlib is imported

SHAPE_CHECKED = ("mica.layers", "mica.losses", "mica.metrics")

hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-shape-checks",
        action="store_true",
        help="import mica as users do, without jaxtyping's run-time shape checks",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--no-shape-checks"):
        from jaxtyping import install_import_hook

        import tests.annotations  # noqa: F401 - the hook finds it by name

        install_import_hook(SHAPE_CHECKED, "tests.annotations.checked")
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"
        import torch

        torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ from process to process: workers must agree on them."""
    # Addresses, and bytes of gzip, which hold the second they were made in.
    marks = (" at 0x", r"\x1f\x8b")
    moving = [item.nodeid for item in items if any(m in item.nodeid for m in marks)]
    if moving:
        raise pytest.UsageError(f"expected fixed names, got {moving}")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test marked `untyped` in a process of its own, without the checks."""
    if pyfuncitem.get_closest_marker("untyped") is None:
        return None
    if pyfuncitem.config.getoption("--no-shape-checks"):
        return None
    command = [sys.executable, "-m", "pytest", "--no-shape-checks", "-q"]
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")
    }
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:xdist", pyfuncitem.nodeid],
        cwd=pyfuncitem.config.rootpath,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    if "1 skipped" in done.stdout:
        pytest.skip(f"in its own process: {done.stdout.strip()}")
    return True


@pytest.fixture
def without_shape_checks() -> Iterator[None]:
    """Switch the shape checks off: for wrong types on purpose, and torch.compile."""
    from jaxtyping import config

    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


def find_dataset_file(*names: str) -> Path | None:
    """The first of `names` in the folders that MICA_DATASETS lists."""
    folders = os.environ.get("MICA_DATASETS", "").split(os.pathsep)
    candidates = [Path(folder) / name for folder in folders if folder for name in names]
    return next((path for path in candidates if path.is_file()), None)


@pytest.fixture
def mnist_file() -> Path:
    """The real MNIST file; a test that needs it is skipped where it is not."""
    path = find_dataset_file("mnist/mnist.npz", "mnist.npz")
    if path is None:
        pytest.skip("needs mnist.npz in a folder that MICA_DATASETS names")
    return path
