"""Samples: what each data set holds, and how its files are found and fetched."""

import hashlib
import http.server
import re
import threading
from collections import Counter

import numpy as np
import pytest

from mica.data import samples
from mica.data.samples import download, mnist
from mica.data.samples.download import RemoteFile, find_or_download
from mica.errors import ConfigError, DataError
from tests.tolerances import assert_close

CONTENT = bytes(range(256)) * 40


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


# What they hold


BUNDLED = {
    # rows to learn from, shape of a row, rows of the test, classes
    "breast_cancer": (455, (30,), 114, 2),
    "diabetes": (353, (10,), 89, 0),
    "digits": (1437, (8, 8, 1), 360, 10),
    "iris": (120, (4,), 30, 3),
    "wine": (142, (13,), 36, 3),
}


@pytest.mark.parametrize("name", BUNDLED)
def test_a_sample_has_its_rows(name):
    train, shape, test, classes = BUNDLED[name]
    sample = samples.load(name)
    assert sample.name == name
    assert sample.x_train.shape == (train, *shape)
    assert sample.x_test.shape == (test, *shape)
    assert len(sample.y_train) == train
    assert len(sample.y_test) == test
    assert len(sample.label_names) == classes
    assert sample.description.endswith(".")


@pytest.mark.parametrize("name", BUNDLED)
def test_a_sample_has_the_types_that_training_uses(name):
    sample = samples.load(name)
    is_regression = sample.task == "regression"
    assert sample.x_train.dtype == sample.x_test.dtype == np.float32
    assert sample.y_train.dtype == (np.float32 if is_regression else np.int64)
    assert np.isfinite(sample.x_train).all()
    assert np.isfinite(sample.x_test).all()


@pytest.mark.parametrize("name", [name for name in BUNDLED if BUNDLED[name][3]])
def test_both_parts_have_the_same_mixture_of_classes(name):
    sample = samples.load(name)
    train, test = Counter(sample.y_train.tolist()), Counter(sample.y_test.tolist())
    for label, count in test.items():
        share = (count + train[label]) / (len(sample.y_train) + len(sample.y_test))
        assert abs(count - share * len(sample.y_test)) < 1


@pytest.mark.parametrize("name", BUNDLED)
def test_no_row_is_in_both_parts(name):
    sample = samples.load(name)
    rows = np.concatenate([sample.x_train, sample.x_test])
    rows = rows.reshape(len(rows), -1)
    together = len(np.unique(rows, axis=0))
    apart = len(np.unique(rows[: len(sample.x_train)], axis=0)) + len(
        np.unique(rows[len(sample.x_train) :], axis=0)
    )
    # One iris and one breast-cancer row may be measured twice; parts overlap by none.
    assert apart - together <= 1


@pytest.mark.parametrize("name", BUNDLED)
def test_the_split_never_changes(name):
    first, second = samples.load(name), samples.load(name)
    assert np.array_equal(first.x_test, second.x_test)
    assert np.array_equal(first.y_test, second.y_test)


def test_pixels_go_from_zero_to_one():
    sample = samples.load("digits")
    assert sample.x_train.min() == 0
    assert sample.x_train.max() == 1
    assert sample.feature_names == ()


def test_columns_have_names():
    assert samples.load("iris").feature_names[0] == "sepal length (cm)"
    assert samples.load("diabetes").feature_names[2] == "bmi"


def test_a_standardised_sample_learns_its_scale_from_the_training_part():
    sample = samples.load("wine")
    scaled = sample.standardized()
    columns = sample.x_train.astype(np.float64)
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    assert_close(scaled.x_test, (sample.x_test - mean) / deviation)
    assert scaled.x_test.dtype == np.float32
    assert scaled.y_test is sample.y_test


def test_an_unknown_sample_offers_what_was_meant():
    sentence = (
        "samples.load: expected the name of a sample, got 'digit'. Did you mean "
        "'digits'?"
    )
    with refused(ConfigError, sentence):
        samples.load("digit")


def test_mnist_is_itself(mnist_file, monkeypatch):
    monkeypatch.setenv("MICA_DATASETS", str(mnist_file.parent))
    sample = samples.load("mnist")
    assert sample.x_train.shape == (60000, 28, 28, 1)
    assert sample.x_test.shape == (10000, 28, 28, 1)
    assert sample.x_train.dtype == np.float32
    assert (sample.x_train.min(), sample.x_train.max()) == (0, 1)
    assert sample.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(sample.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip


# An MNIST file that is none


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_an_mnist_file_without_its_arrays_is_refused(tmp_path):
    path = save(tmp_path / "mnist.npz", x_train=np.zeros(3))
    sentence = (
        f"{path}: expected the arrays x_train, y_train, x_test, y_test, got only "
        "x_train. Delete the file; it will be downloaded again."
    )
    with refused(DataError, sentence):
        mnist.read_arrays(path)


def test_a_single_array_is_no_mnist_file(tmp_path):
    path = tmp_path / "mnist.npy"
    np.save(path, np.zeros(3))
    sentence = (
        f"{path}: expected a NumPy archive of arrays, got: 'numpy.ndarray' object does "
        "not support the context manager protocol. Delete the file; it will be "
        "downloaded again."
    )
    with refused(DataError, sentence):
        mnist.read_arrays(path)


def test_an_mnist_file_of_another_shape_is_refused(tmp_path):
    arrays = {name: np.zeros((1, 1), dtype=np.uint8) for name in mnist.SHAPES}
    path = save(tmp_path / "mnist.npz", **arrays)
    sentence = (
        f"{path}: expected x_train to be bytes of shape (60000, 28, 28), got uint8 of "
        "shape (1, 1). Delete the file; it will be downloaded again."
    )
    with refused(DataError, sentence):
        mnist.read_arrays(path)


def test_nothing_in_an_mnist_file_is_executed(tmp_path):
    trap = np.array([print], dtype=object)
    path = save(tmp_path / "mnist.npz", **dict.fromkeys(mnist.SHAPES, trap))
    sentence = (
        f"{path}: expected a NumPy archive of arrays, got: Object arrays cannot be "
        "loaded when allow_pickle=False. Delete the file; it will be downloaded again."
    )
    with refused(DataError, sentence):
        mnist.read_arrays(path)


def test_a_truncated_mnist_file_is_refused(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"PK\x03\x04 truncated")
    sentence = (
        f"{path}: expected a NumPy archive of arrays, got: File is not a zip file. "
        "Delete the file; it will be downloaded again."
    )
    with refused(DataError, sentence):
        mnist.read_arrays(path)


# Where files are


def remote(address="http://127.0.0.1:1/set.bin", content=CONTENT, **options):
    return RemoteFile(
        name="set/set.bin",
        address=address,
        sha256=options.pop("sha256", hashlib.sha256(content).hexdigest()),
        size_bytes=len(content),
        **options,
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MICA_DATASETS", raising=False)
    return tmp_path / "cache" / "mica" / "datasets" / "set" / "set.bin"


@pytest.mark.parametrize("place", ["set/set.bin", "set.bin"])
def test_the_user_s_folders_are_searched_first(place, cache, tmp_path, monkeypatch):
    path = tmp_path / "mine" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    monkeypatch.setenv("MICA_DATASETS", f"{tmp_path / 'none'}:{tmp_path / 'mine'}")
    assert find_or_download(remote()) == path
    assert not cache.exists()


def test_the_cache_is_searched_next(cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(CONTENT)
    assert find_or_download(remote()) == cache


def test_a_file_packed_anew_is_known_too(cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"packed anew")
    also = hashlib.sha256(b"packed anew").hexdigest()
    assert find_or_download(remote(also=(also,))) == cache


def test_the_user_s_file_with_a_wrong_hash_is_refused_and_stays(
    cache, tmp_path, monkeypatch
):
    path = tmp_path / "set.bin"
    path.write_bytes(b"damaged")
    monkeypatch.setenv("MICA_DATASETS", str(tmp_path))
    wanted, got = remote().sha256, hashlib.sha256(b"damaged").hexdigest()
    sentence = (
        f"{path}: expected a file with the sha256 {wanted}, got {got}. Replace the "
        "file, or take its folder out of MICA_DATASETS."
    )
    with refused(DataError, sentence):
        find_or_download(remote())
    assert path.read_bytes() == b"damaged"


def test_without_a_cache_folder_of_its_own_the_home_has_one(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert samples.cache_folder() == tmp_path / ".cache" / "mica" / "datasets"


# Downloads


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; it can break off, ignore ranges, or answer with an error."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.breaks_after = []  # bytes sent before the connection ends, per request
        self.knows_ranges = True
        self.status = None
        self.silent = threading.Event()
        self.ranges = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/set.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        if server.status is not None:
            self.send_error(server.status)
            return
        if server.silent.is_set():
            server.silent.wait()
            self.close_connection = True
            while server.silent.is_set():
                threading.Event().wait(0.01)
            return
        start = int(asked[6:-1]) if asked and server.knows_ranges else 0
        if start >= len(server.content) and start:
            self.send_error(416)
            return
        rest = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        limit = server.breaks_after.pop(0) if server.breaks_after else len(rest)
        self.wfile.write(rest[:limit])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.silent.clear()
        running.shutdown()
        thread.join()


def by_hand(path):
    return (
        f"Check the network and try again, or put the file at {path} yourself, or in a "
        "folder that MICA_DATASETS names."
    )


def part_of(path):
    return path.with_name(path.name + ".part")


def test_a_file_is_downloaded_once(server, cache):
    assert find_or_download(remote(server.address)) == cache
    assert find_or_download(remote(server.address)) == cache
    assert cache.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert [path.name for path in cache.parent.iterdir()] == ["set.bin"]


def test_a_connection_that_breaks_off_is_taken_up_again(server, cache):
    server.breaks_after = [1000, 2000]
    find_or_download(remote(server.address))
    assert cache.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-", "bytes=3000-"]


def test_an_interrupted_download_goes_on_next_time(server, cache):
    server.breaks_after = [1000, 1000, 1000]
    sentence = (
        f"set.bin: expected to download {server.address}, got: the connection ended "
        f"early. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))
    assert part_of(cache).read_bytes() == CONTENT[:3000]
    find_or_download(remote(server.address))
    assert cache.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=3000-"


def test_a_server_without_ranges_sends_the_whole_again(server, cache):
    server.knows_ranges = False
    server.breaks_after = [1000]
    find_or_download(remote(server.address))
    assert cache.read_bytes() == CONTENT


def test_a_left_part_of_another_file_is_given_up(server, cache):
    cache.parent.mkdir(parents=True)
    part_of(cache).write_bytes(b"another file")
    find_or_download(remote(server.address))
    assert cache.read_bytes() == CONTENT
    assert server.ranges == ["bytes=12-", None]


def test_a_left_part_that_is_too_long_is_given_up(server, cache):
    cache.parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT + b"more")
    find_or_download(remote(server.address))
    assert server.ranges == [None]


def test_a_part_longer_than_the_server_s_file_is_given_up(server, cache):
    server.content = CONTENT[:500]
    cache.parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT[:600])
    sentence = (
        f"set.bin: expected to download {server.address}, got: the server's answer 416 "
        f"Requested Range Not Satisfiable. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))
    assert server.ranges[:2] == ["bytes=600-", None]


@pytest.mark.parametrize("content", [bytes(len(CONTENT)), CONTENT + b"longer"])
def test_a_download_with_a_wrong_hash_is_removed(content, server, cache):
    server.content = content
    # A file that is too long is read only until that is certain.
    got = hashlib.sha256(content[: download.BLOCK_BYTES]).hexdigest()
    sentence = (
        f"{server.address}: expected a file with the sha256 {remote().sha256}, got "
        f"{got}; it was removed. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))
    assert list(cache.parent.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_downloaded_again(server, cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"damaged")
    find_or_download(remote(server.address))
    assert cache.read_bytes() == CONTENT


def test_an_error_of_the_server_is_told(server, cache):
    server.status = 404
    sentence = (
        f"set.bin: expected to download {server.address}, got: the server's answer 404 "
        f"Not Found. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))
    assert server.ranges == [None]


def test_a_silent_server_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
    server.silent.set()
    sentence = (
        f"set.bin: expected to download {server.address}, got: no answer in 0.1 "
        f"seconds. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))


def test_without_a_network_the_file_can_be_put_by_hand(server, cache):
    address = server.address
    server.shutdown()
    server.server_close()
    sentence = (
        f"set.bin: expected to download {address}, got: [Errno 111] Connection "
        f"refused. {by_hand(cache)}"
    )
    with refused(DataError, sentence):
        find_or_download(remote(address))


def test_a_cache_that_cannot_be_written_is_told(server, cache, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    sentence = (
        f"{cache}: expected to write the downloaded file, got: Not a directory. Make "
        "room or set XDG_CACHE_HOME to a folder that can be written."
    )
    with refused(DataError, sentence):
        find_or_download(remote(server.address))


def test_a_sample_shows_its_sizes_and_not_its_numbers():
    shown = repr(samples.load("iris"))
    assert shown == "Sample('iris', classification, x_train (120, 4), x_test (30, 4))"
