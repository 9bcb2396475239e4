"""The library of kernels: made once, kept, never damaged, absent without harm."""

import os
import re
import subprocess
import threading
import time

import pytest

from mica.engine.kernels import building, calling, recurrent
from mica.engine.kernels.building import KernelLibrary, find_compiler

needs_compiler = pytest.mark.skipif(
    find_compiler() is None, reason="this machine has no C compiler"
)


@pytest.fixture
def one(tmp_path, monkeypatch):
    """A source of one function, so that compiling takes no time."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "one.c").write_text("int one(void) { return 1; }\n")
    monkeypatch.setattr(building, "SOURCES", sources)
    return sources


@pytest.fixture
def compiled(monkeypatch):
    """How often something was compiled."""
    calls = []
    compile_really = building._compile

    def count(*given):
        calls.append(given[-1])
        return compile_really(*given)

    monkeypatch.setattr(building, "_compile", count)
    return calls


def found_in(folder):
    return KernelLibrary(folder).load().one()


@needs_compiler
def test_a_library_is_made_once_and_found_again(tmp_path, one, compiled):
    folder = tmp_path / "kept"
    assert [found_in(folder), found_in(folder)] == [1, 1]
    assert len(compiled) == 1
    assert [path.suffix for path in folder.iterdir()] == [".so"]


@needs_compiler
def test_another_source_is_another_library(tmp_path, one, compiled):
    assert found_in(tmp_path / "kept") == 1
    (one / "one.c").write_text("int one(void) { return 2; }\n")
    assert found_in(tmp_path / "kept") == 2


@needs_compiler
def test_a_library_of_some_files_has_nothing_of_the_others(tmp_path, one):
    (one / "two.c").write_text("int two(void) { return 2; }\n")
    folder = tmp_path / "kept"
    library = KernelLibrary(folder, names=("two.c",)).load()
    assert library.two() == 2
    assert not hasattr(library, "one")
    assert KernelLibrary(folder).load().one() == 1
    assert len(list(folder.iterdir())) == 2


@needs_compiler
@pytest.mark.parametrize("damage", ["cut", "empty", "changed", "other content"])
def test_a_damaged_library_is_thrown_away_and_made_again(
    tmp_path, one, compiled, damage
):
    folder = tmp_path / "kept"
    folder.mkdir()
    compiler, options = find_compiler(), (*building.OPTIONS, building._machine_option())
    content = building._compile(compiler, options, (), tmp_path).read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "changed": content[:-1] + bytes([content[-1] ^ 1]),
        "other content": b"no library",
    }[damage]
    digest = building._digest(tmp_path / "kernels.so")
    kept = folder / f"{building._key(compiler, options, ())}-{digest}.so"
    kept.write_bytes(damaged)
    assert found_in(folder) == 1
    assert len(compiled) == 2
    assert building._digest(kept) == digest


@needs_compiler
def test_a_library_of_another_user_is_not_loaded(tmp_path, one, compiled, monkeypatch):
    if not hasattr(os, "getuid"):
        pytest.skip("this system's files have no owners")
    folder = tmp_path / "kept"
    found_in(folder)
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    assert found_in(folder) == 1
    assert len(compiled) == 2


@needs_compiler
def test_what_a_compiler_refused_is_remembered_for_a_day(tmp_path, one, compiled):
    (one / "one.c").write_text("this is no C;\n")
    folder = tmp_path / "kept"
    first, second = KernelLibrary(folder), KernelLibrary(folder)
    assert first.load() is None
    assert second.load() is None
    assert len(compiled) == 1
    assert first.reason == second.reason
    assert first.reason.startswith(f"the C compiler {find_compiler()} refused: ")
    assert "error" in first.reason
    [refusal] = folder.glob("*.txt")
    yesterday = time.time() - building.SECONDS_BEFORE_TRYING_AGAIN - 1
    os.utime(refusal, (yesterday, yesterday))
    assert KernelLibrary(folder).load() is None
    assert len(compiled) == 2


@needs_compiler
def test_a_folder_that_cannot_be_made_costs_only_the_keeping(tmp_path, one, compiled):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "kept"
    assert [found_in(folder), found_in(folder)] == [1, 1]
    assert len(compiled) == 2


@needs_compiler
def test_threads_that_ask_together_get_one_library(tmp_path, one, compiled):
    library, found = KernelLibrary(tmp_path / "kept"), []
    threads = [
        threading.Thread(target=lambda: found.append(library.load())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compiled) == 1
    assert len(found) == 4
    assert all(one is found[0] for one in found)


def test_without_a_compiler_there_is_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(building.shutil, "which", lambda name: None)
    library = KernelLibrary(tmp_path)
    assert library.load() is None
    assert library.reason == "no C compiler was found (cc, gcc, clang)"


@pytest.mark.parametrize(
    "error", [OSError("broken"), subprocess.TimeoutExpired("cc", 300)]
)
def test_a_compiler_that_does_not_run_is_a_reason(tmp_path, monkeypatch, error):
    def fail(*words, **options):
        raise error

    monkeypatch.setattr(building, "find_compiler", lambda: "cc")
    monkeypatch.setattr(building.subprocess, "run", fail)
    library = KernelLibrary(tmp_path)
    assert library.load() is None
    assert library.reason == f"the C compiler cc did not run: {error}"


@needs_compiler
def test_a_library_that_cannot_be_loaded_is_a_reason(tmp_path, one, monkeypatch):
    def fail(path):
        raise OSError("no memory may be run")

    monkeypatch.setattr(building.ctypes, "CDLL", fail)
    library = KernelLibrary(tmp_path / "kept")
    assert library.load() is None
    expected = "the library cannot be kept or loaded: no memory may be run"
    assert library.reason == expected


def test_the_reason_is_told_in_one_line(monkeypatch):
    class Absent:
        reason = "no C compiler was found (cc, gcc, clang)"

        def load(self):
            return None

    monkeypatch.setattr(recurrent, "LIBRARY", Absent())
    recurrent._kernels.cache_clear()
    try:
        said = recurrent.describe_kernels()
    finally:
        recurrent._kernels.cache_clear()
    expected = (
        "recurrent layers: torch's own path, for no C compiler was found (cc, gcc, "
        "clang). Install a C compiler with OpenMP, such as gcc, for faster ones."
    )
    assert re.fullmatch(re.escape(expected), said)


@needs_compiler
def test_a_kernel_at_work_says_so():
    said = "recurrent layers: a kernel compiled for this processor"
    assert recurrent.describe_kernels() == said
    with calling.without_kernels():
        said = "recurrent layers: torch's own path, as asked for"
        assert recurrent.describe_kernels() == said
