"""Samples from their original files and from other packings: the same result.

The originals are rebuilt in small, for no network is reached; their hashes are put in
place of the real ones.
"""

import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import lzma
import re
import tarfile
import zipfile
from collections import Counter

import numpy as np
import pytest

from mica.data import samples
from mica.data.samples import (
    babi,
    boston_housing,
    cats_vs_dogs,
    cifar10,
    enron_spam,
    glove,
    imdb,
    jena_climate,
    nietzsche,
    reuters,
    spa_eng,
    text_sample,
    tiny_shakespeare,
)
from mica.errors import ArgumentError, ConfigError, DataError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def tar(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


class Folder:
    """A folder for MICA_DATASETS, and the hashes of what is put into it."""

    def __init__(self, path, monkeypatch):
        self.path, self.monkeypatch = path, monkeypatch

    def use(self):
        self.monkeypatch.setenv("MICA_DATASETS", str(self.path))

    def put(self, file, content):
        path = self.path / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        pinned = sha256(content) if file.sha256 else None
        return dataclasses.replace(file, sha256=pinned)

    def pin(self, module, name, content):
        """Put the file that a constant of a module names, and believe its hash."""
        self.monkeypatch.setattr(module, name, self.put(getattr(module, name), content))


# Rows in small


REVIEWS = [
    # part, id, label, rating, text
    ("train", 0, 1, 9, "A great film, <br />really great!"),
    ("train", 0, 0, 2, "A bad film. Don't!\tNever."),
    ("train", 1, 1, 8, "Great\u2014and Ünïcode 👍"),
    ("train", 1, 0, 3, "bad bad film"),
    ("test", 0, 1, 7, "great unseen"),
    ("test", 0, 0, 1, "film"),
]


def imdb_original(folder):
    members = {
        f"aclImdb/{part}/{'pos' if label else 'neg'}/{number}_{rating}.txt": text
        for part, number, label, rating, text in reversed(REVIEWS)
    }
    members["aclImdb/train/unsup/0_0.txt"] = "no label"
    members["aclImdb/README"] = "read me"
    packed = tar({name: text.encode() for name, text in members.items()})
    folder.pin(imdb, "ORIGINAL", packed)


def imdb_repacked(folder):
    files = {}
    for part, file in imdb.REPACKED.items():
        rows = [
            f"{label}\t{rating}\t{text}\n"
            for where, _, label, rating, text in REVIEWS
            if where == part
        ]
        files[part] = folder.put(file, lzma.compress("".join(rows).encode()))
    folder.monkeypatch.setattr(imdb, "REPACKED", files)


def wires():
    """Newswires: number, part, topics, title, body."""
    rows = [
        (1, "train", ["earn"], "PROFIT <X> UP", "Profit rose & rose. A bit."),
        (2, "train", ["acq"], "DEAL", "X buys Y."),
        (3, "train", ["earn", "acq"], "BOTH", "Two topics."),
        (4, "test", ["acq"], "DEAL", "Y buys X."),
        (5, "test", ["earn"], "LOSS", ""),
        (6, "train", ["tin"], "TIN", "Rare topic."),
    ]
    more = [(10 + n, "train", ["earn"], f"T {n}", "Profit fell.") for n in range(4)]
    return rows + more + [(20 + n, "train", ["acq"], "D", "A buys.") for n in range(3)]


def reuters_original(folder):
    escaped = str.maketrans({"&": "&amp;", "<": "&lt;"})
    documents = [
        f'<REUTERS TOPICS="YES" LEWISSPLIT="{part.upper()}" OLDID="9" '
        f'NEWID="{number}">\n<TOPICS>{"".join(f"<D>{t}</D>" for t in topics)}'
        f"</TOPICS>\n<TEXT>&#2;\n<TITLE>{title.translate(escaped)}</TITLE><BODY>"
        + body.translate(escaped).replace(". ", ".\n    ")
        + ("\n Reuter\n&#3;</BODY>" if number % 2 else "\n REUTER\n&#3;</BODY>")
        + "</TEXT>\n</REUTERS>\n"
        for number, part, topics, title, body in reversed(wires())
    ]
    others = (
        '<REUTERS TOPICS="NO" LEWISSPLIT="TRAIN" NEWID="90"><TOPICS><D>earn</D>'
        "</TOPICS></REUTERS>\n"
        '<REUTERS TOPICS="YES" LEWISSPLIT="NOT-USED" NEWID="91"><TOPICS><D>earn</D>'
        "</TOPICS></REUTERS>\n"
        '<REUTERS TOPICS="YES" LEWISSPLIT="TEST" NEWID="92"><TOPICS></TOPICS>'
        "</REUTERS>\n"
    )
    head = "<!DOCTYPE lewis SYSTEM 'lewis.dtd'>\n"
    packed = tar(
        {
            "./reut2-001.sgm": (head + "".join(documents[:5]) + others).encode(),
            "./reut2-000.sgm": (head + "".join(documents[5:])).encode(),
            "./README.txt": b"read me",
        }
    )
    folder.pin(reuters, "ORIGINAL", packed)


def reuters_repacked(folder):
    keys = ("id", "split", "topics", "title", "body")
    lines = [json.dumps(dict(zip(keys, wire, strict=True))) for wire in wires()]
    folder.pin(reuters, "REPACKED", lzma.compress("\n".join(lines).encode()))


MAILS = [("ham", "Subject: lunch at noon"), ("ham", "Subject:"), ("ham", "Subject:")]
MAILS += [("ham", f"Subject: meeting {n} caf\xe9") for n in range(6)]
MAILS += [("spam", f"Subject: win {n} $ now") for n in range(5)]


def enron_original(folder):
    members = {
        f"enron1/{kind}/{number:04}.1999-12-10.farmer.{kind}.txt": text.replace(
            " ", "\r\n"
        ).encode("latin-1")
        for number, (kind, text) in enumerate(MAILS)
    }
    folder.pin(enron_spam, "ORIGINAL", tar({**members, "enron1/Summary.txt": b"no"}))


def enron_repacked(folder):
    files = {
        kind: folder.put(
            file,
            lzma.compress("".join(f"{t}\n" for k, t in MAILS if k == kind).encode()),
        )
        for kind, file in enron_spam.REPACKED.items()
    }
    folder.monkeypatch.setattr(enron_spam, "REPACKED", files)


HOUSES = np.round(np.random.default_rng(0).uniform(0, 50, (20, 14)), 4)


def boston_original(folder):
    packed = npz(x=HOUSES[:, :-1], y=HOUSES[:, -1])
    folder.pin(boston_housing, "ORIGINAL", packed)


def boston_repacked(folder):
    lines = [" ".join(f"{number:9.4f}" for number in row) for row in HOUSES]
    folder.pin(boston_housing, "REPACKED", "\n".join(lines).encode())


POEM = "Über allen Gipfeln\nIst Ruh.\n".encode()


def nietzsche_original(folder):
    folder.pin(nietzsche, "ORIGINAL", POEM)


def nietzsche_repacked(folder):
    folder.pin(nietzsche, "REPACKED", POEM)


def shakespeare_original(folder):
    folder.pin(tiny_shakespeare, "ORIGINAL", POEM)


def shakespeare_repacked(folder):
    folder.pin(tiny_shakespeare, "REPACKED", POEM)


STORIES = b"""1 Mary went home.
2 John went out.
3 Where is Mary? \thome\t1
4 Mary went out.
5 Where is Mary? \tout\t4
1 Ann sat.
2 Where is Ann?\tthere\t1
"""


def babi_members(monkeypatch):
    files = {
        key: dataclasses.replace(file, sha256=sha256(STORIES))
        for key, file in babi.MEMBERS.items()
    }
    monkeypatch.setattr(babi, "MEMBERS", files)
    return files


def babi_original(folder):
    files = babi_members(folder.monkeypatch).values()
    members = {f"tasks_1-20_v1-2/en/{file.short_name}": STORIES for file in files}
    others = {f"tasks_1-20_v1-2/hn/{file.short_name}": b"no" for file in files}
    folder.pin(babi, "ORIGINAL", tar({**others, **members}))


def babi_repacked(folder):
    for file in babi_members(folder.monkeypatch).values():
        folder.put(file, STORIES)


WORDS = {
    "the": "0.418 0.24968 -0.41242",
    "été": "1 2 3",
    "king": "0.5 -0.25 0.125",
}


def glove_vectors():
    return {word: [float(n) for n in row.split()] for word, row in WORDS.items()}


def glove_original(folder):
    for name in ("DIMENSIONS", "REPACKED_DIMENSIONS"):
        value = (3, 50) if name == "DIMENSIONS" else 3
        folder.monkeypatch.setattr(glove, name, value)
    text = "".join(f"{word} {row}\n" for word, row in WORDS.items())
    packed = zipped({"glove.6B.50d.txt": b"no", "glove.6B.3d.txt": text.encode()})
    folder.pin(glove, "ORIGINAL", packed)


def glove_repacked(folder):
    glove_original(folder)
    (folder.path / glove.ORIGINAL.name).unlink()
    vectors = np.array(list(glove_vectors().values()), dtype=np.float32)
    packed = npz(words=np.array(list(WORDS)), vectors=vectors)
    folder.pin(glove, "REPACKED", packed)


def climate():
    """Ten-minute rows with one that comes twice and one of no wind."""
    names = ["Date Time", "p (mbar)", "T (degC)", "Tdew (degC)", "rh (%)"]
    names += ["VPmax (mbar)", "sh (g/kg)", "wv (m/s)"]
    rows = [
        [
            f"01.01.2009 {10 + n // 6:02}:{10 * (n % 6):02}:00",
            *(990 + n / 10, -8.02 + n, -8.9, 93.3, 3.33, 1.94),
            -9999.0 if n == 6 else n / 4,
        ]
        for n in range(20)
    ]
    return names, rows


def climate_original(folder):
    names, rows = climate()
    lines = [",".join(map(str, row)) for row in [names, *rows[:3], rows[2], *rows[3:]]]
    members = {
        "jena_climate_2009_2016.csv": "\r\n".join(lines).encode(),
        "__MACOSX/._jena_climate_2009_2016.csv": b"\0\1",
    }
    folder.pin(jena_climate, "ORIGINAL", zipped(members))


def climate_repacked(folder):
    names, rows = climate()
    order = [0, *(names.index(name) for name in jena_climate.HOURLY_COLUMNS)]
    lines = [",".join(names[place] for place in order)]
    for row in rows[::6]:
        cells = [row[place] for place in order]
        wind = names.index("wv (m/s)")
        cells[order.index(wind)] = max(0.0, row[wind])
        lines.append(",".join(map(str, cells)))
    folder.pin(jena_climate, "REPACKED", gzip.compress("\n".join(lines).encode()))


PAIRS = "Go.\tVe.\nRun!\t¡Corre!\nRun!\t¡Corred!\nWho?\t¿Quién?\n".encode()


def pairs_original(folder):
    members = {"spa-eng/": b"", "spa-eng/_about.txt": b"no", "spa-eng/spa.txt": PAIRS}
    folder.pin(spa_eng, "ORIGINAL", zipped(members))


def pairs_repacked(folder):
    folder.pin(spa_eng, "ORIGINAL", zipped({"spa-eng/spa.txt": PAIRS}))


PACKINGS = {
    "babi": (babi_original, babi_repacked, {"task": 2}),
    "boston_housing": (boston_original, boston_repacked, {}),
    "enron_spam": (enron_original, enron_repacked, {}),
    "enron_spam raw": (enron_original, enron_repacked, {"raw": True}),
    "glove": (glove_original, glove_repacked, {"dimensions": 3, "num_words": 3}),
    "imdb": (imdb_original, imdb_repacked, {"num_words": 8}),
    "imdb raw": (imdb_original, imdb_repacked, {"raw": True}),
    "jena_climate": (climate_original, climate_repacked, {}),
    "nietzsche": (nietzsche_original, nietzsche_repacked, {}),
    "reuters": (reuters_original, reuters_repacked, {"minimum_count": 3}),
    "reuters raw": (
        reuters_original,
        reuters_repacked,
        {"minimum_count": 3, "raw": True},
    ),
    "spa_eng": (pairs_original, pairs_repacked, {"test_size": 1}),
    "tiny_shakespeare": (shakespeare_original, shakespeare_repacked, {}),
}


def plain(sample):
    """A sample as plain values, to be compared."""

    def value(part):
        if isinstance(part, np.ndarray):
            return [str(part.dtype), part.tolist()]
        return part

    return {f.name: value(getattr(sample, f.name)) for f in dataclasses.fields(sample)}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(reuters, "CONTENT_SHA256", _content_of_wires())
    monkeypatch.setattr(enron_spam, "CONTENT_SHA256", _content_of_mails())
    monkeypatch.setattr(spa_eng, "CONTENT_SHA256", sha256(PAIRS))
    monkeypatch.setattr(jena_climate, "CONTENT_SHA256", _content_of_hours())
    return [Folder(tmp_path / name, monkeypatch) for name in ("original", "repacked")]


def _content_of_wires():
    lines = [
        f"{n} {part} {' '.join(topics)}" for n, part, topics, _, _ in sorted(wires())
    ]
    return sha256("\n".join(lines).encode())


def _content_of_mails():
    return sha256(
        "\n".join(f"{k} {' '.join(t.split())}" for k, t in sorted(MAILS)).encode()
    )


def _content_of_hours():
    names, rows = climate()
    order = [names.index(name) for name in jena_climate.HOURLY_COLUMNS]
    start = np.datetime64("2009-01-01T10:00:00") - np.datetime64("1970-01-01")
    hours = [
        [start / np.timedelta64(1, "s") + 3600 * n, *(row[place] for place in order)]
        for n, row in enumerate(rows[::6])
    ]
    array = np.array(hours)
    array[:, 1 + jena_climate.HOURLY_COLUMNS.index("wv (m/s)")].clip(0, out=None)
    wind = 1 + jena_climate.HOURLY_COLUMNS.index("wv (m/s)")
    array[:, wind] = np.maximum(array[:, wind], 0)
    return sha256(array.astype("<f8").tobytes())


@pytest.mark.parametrize("name", PACKINGS)
def test_both_packings_give_the_same_sample(name, folders):
    *write, options = PACKINGS[name]
    loaded = []
    for folder, fill in zip(folders, write, strict=True):
        fill(folder)
        folder.use()
        loaded.append(samples.load(name.split()[0], **options))
    assert plain(loaded[0]) == plain(loaded[1])
    assert loaded[0].name == name.split()[0]
    assert loaded[0].description.endswith(".")
    assert len(repr(loaded[0])) < 300


def load(name, folders, **options):
    fill, _, _ = PACKINGS[name]
    fill(folders[0])
    folders[0].use()
    return samples.load(name.split()[0], **options)


# What they hold


def test_reviews_take_turns_and_are_numbered_by_rank(folders):
    sample = load("imdb", folders)
    assert sample.y_train.tolist() == [1, 0, 1, 0]
    # film, bad and great three times each; ties fall as in Keras.
    assert dict(itertools.islice(sample.word_index.items(), 3)) == {
        "great": 1,
        "film": 2,
        "bad": 3,
    }
    assert sample.x_train[3] == [1, 6, 6, 5]
    assert sample.x_test[0] == [1, 4, 2]
    assert sample.decode([0, 0, *sample.x_test[0]]) == "? great ?"
    assert sample.task == "classification"
    assert repr(sample) == (
        "TextSample('imdb', numbered words, 4 to learn from, 2 for the test)"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_words": 6}, [1, 2, 2, 5]),
        ({"skip_top": 6}, [1, 6, 6, 2]),
        ({"start_char": None}, [6, 6, 5]),
        ({"oov_char": None, "num_words": 6}, [1, 5]),
        ({"index_from": 10}, [1, 13, 13, 12]),
    ],
)
def test_numbering_takes_keras_s_options(options, expected, folders):
    assert load("imdb", folders, **options).x_train[3] == expected


def test_raw_texts_are_as_they_were(folders):
    sample = load("imdb", folders, raw=True)
    assert sample.x_train[0] == "A great film, <br />really great!"
    assert sample.x_train[1] == "A bad film. Don't!\tNever."
    assert sample.word_index == {}


def test_newswires_have_one_frequent_topic(folders):
    sample = load("reuters", folders, raw=True, minimum_count=3)
    assert sample.label_names == ("acq", "earn")
    assert sample.x_train[0] == "PROFIT <X> UP\nProfit rose & rose. A bit."
    assert sample.x_test.tolist() == ["DEAL\nY buys X.", "LOSS\n"]
    assert sample.y_test.tolist() == [0, 1]
    assert len(sample.x_train) == 9


def test_equal_mails_are_in_one_part_only(folders):
    sample = load("enron_spam", folders, raw=True)
    train, test = set(sample.x_train), set(sample.x_test)
    assert not train & test
    assert len(sample.x_train) + len(sample.x_test) == len(MAILS)
    assert sample.label_names == ("ham", "spam")
    assert Counter(sample.y_test.tolist()).keys() == {0, 1}


def test_houses_come_in_keras_s_order(folders):
    sample = load("boston_housing", folders)
    order = np.arange(20)
    np.random.RandomState(113).shuffle(order)
    assert np.array_equal(sample.x_train, HOUSES[order[:16], :-1].astype(np.float32))
    assert np.array_equal(sample.y_test, HOUSES[order[16:], -1].astype(np.float32))
    assert len(sample.feature_names) == 13


def test_questions_know_their_story(folders):
    sample = load("babi", folders, task=3)
    first, second, third = sample.train
    assert first.story == ("Mary went home.", "John went out.")
    assert (first.text, first.answer, first.supports) == (
        "Where is Mary?",
        "home",
        (0,),
    )
    assert second.story[second.supports[0]] == "Mary went out."
    assert third.story == ("Ann sat.",)
    assert repr(sample) == (
        "StorySample('babi', 3 questions to learn from, 3 for the test)"
    )


def test_vectors_are_arranged_for_a_vocabulary(folders):
    sample = load("glove", folders, dimensions=3, num_words=2)
    assert sample.words == ("the", "été")
    assert sample.vectors.dtype == np.float32
    assert sample.matrix(["", "été", "king"]).tolist() == [
        [0, 0, 0],
        [1, 2, 3],
        [0, 0, 0],
    ]
    assert repr(sample) == "VectorSample('glove', 2 words, 3 dimensions)"


def test_the_weather_is_hourly_and_without_what_came_twice(folders):
    sample = load("jena_climate", folders)
    assert sample.feature_names == jena_climate.HOURLY_COLUMNS
    assert np.unique(np.diff(sample.times).astype(int)).tolist() == [3600]
    assert sample.column("wv (m/s)").tolist() == [0.0, 0.0, 3.0, 4.5]
    assert repr(sample) == "SeriesSample('jena_climate', 4 rows, 6 columns)"


def test_the_weather_every_ten_minutes_is_as_it_was_published(folders):
    sample = load("jena_climate", folders, every="10 minutes")
    assert sample.values.shape == (21, 7)
    assert sample.column("wv (m/s)").min() == -9999
    sentence = (
        "column: expected one of p (mbar), T (degC), Tdew (degC), rh (%), VPmax "
        "(mbar), sh (g/kg), wv (m/s), got 'T'. Names have their units."
    )
    with refused(ConfigError, sentence):
        sample.column("T")


def test_a_sentence_is_in_one_part_with_all_its_translations(folders):
    sample = load("spa_eng", folders, test_size=2)
    assert not set(sample.x_train) & set(sample.x_test)
    for source, references in zip(sample.x_test, sample.references, strict=True):
        expected = ["¡Corre!", "¡Corred!"] if source == "Run!" else references
        assert references == expected
    assert repr(sample) == (
        f"PairSample('spa_eng', {len(sample.x_train)} pairs to learn from, 2 "
        "sentences for the test)"
    )


def test_a_corpus_is_split_at_its_end(folders):
    corpus = load("nietzsche", folders)
    text, rest = corpus.split(0.25)
    assert text + rest == corpus.text == POEM.decode()
    assert len(rest) == 7
    assert repr(corpus) == "CorpusSample('nietzsche', 28 characters)"
    sentence = (
        "split: expected a fraction above 0 and below 1, got 1. 0.1 sets the last "
        "tenth aside."
    )
    with refused(ConfigError, sentence):
        corpus.split(1)


# Photos


def photos(count):
    chooser = np.random.default_rng(count)
    return chooser.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def cifar(folder, **changes):
    members = {}
    for place, name in enumerate(
        [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    ):
        planes = photos(place + 1).transpose(0, 3, 1, 2).reshape(place + 1, -1)
        labels = np.full((place + 1, 1), place, dtype=np.uint8)
        records = np.concatenate([labels, planes], axis=1)
        members[f"cifar-10-batches-bin/{name}.bin"] = records.tobytes()
    members |= {f"cifar-10-batches-bin/{name}": c for name, c in changes.items()}
    folder.pin(cifar10, "ORIGINAL", tar({n: c for n, c in members.items() if c}))
    folder.use()


def test_photos_are_read_from_their_planes(folders):
    cifar(folders[0])
    sample = samples.load("cifar10")
    assert sample.x_train.shape == (15, 32, 32, 3)
    assert sample.y_train.tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]
    assert np.array_equal(sample.x_test, photos(6) / np.float32(255))
    assert sample.y_test.dtype == np.int64


def test_the_subset_of_photos_is_taken_when_asked(folders):
    packed = npz(
        x_train=photos(3),
        y_train=np.uint8([1, 2, 3]),
        x_test=photos(1),
        y_test=np.uint8([4]),
    )
    folders[0].pin(cifar10, "SUBSET", packed)
    folders[0].use()
    sample = samples.load("cifar10", subset=True)
    assert np.array_equal(sample.x_train, photos(3) / np.float32(255))
    assert sample.y_test.tolist() == [4]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"data_batch_3.bin": b""},
            "cifar-10-binary.tar.gz: expected the member data_batch_3.bin, got none of "
            "that name. Delete the file; it will be downloaded again.",
        ),
        (
            {"test_batch.bin": b"12"},
            "cifar-10-binary.tar.gz: expected records of 3073 bytes, got 2 bytes in "
            "all. Delete the file; it will be downloaded again.",
        ),
    ],
)
def test_an_archive_of_photos_with_gaps_is_refused(changes, sentence, folders):
    cifar(folders[0], **changes)
    with refused(DataError, sentence):
        samples.load("cifar10")


def test_without_the_subset_nothing_else_is_taken(folders):
    folders[0].use()
    sentence = (
        "cifar10: expected the subset cifar10/cifar10_10k_2k.npz in a folder that "
        "MICA_DATASETS names, got none. Leave subset out to download all."
    )
    with refused(DataError, sentence):
        samples.load("cifar10", subset=True)


def test_a_subset_that_is_none_is_refused(folders):
    folders[0].pin(cifar10, "SUBSET", npz(x_train=photos(1)))
    folders[0].use()
    path = folders[0].path / cifar10.SUBSET.name
    sentence = (
        f"{path}: expected a NumPy archive of photos and labels, got: 'y_train is not "
        "a file in the archive'. Replace the file, or take its folder out of "
        "MICA_DATASETS."
    )
    with refused(DataError, sentence):
        samples.load("cifar10", subset=True)


def cats(folder, monkeypatch):
    trees = {}
    for part in cats_vs_dogs.TREES:
        lines = []
        for name in ("cats/1.jpg", "dogs/1.jpg"):
            path = folder.path / "cats_vs_dogs" / part / name
            path.parent.mkdir(parents=True)
            path.write_bytes(name.encode())
            lines.append(f"{sha256(name.encode())}  {name}\n")
        trees[part] = sha256("".join(lines).encode())
    monkeypatch.setattr(cats_vs_dogs, "TREES", trees)
    folder.use()


def test_folders_of_photos_are_found_and_checked(folders, monkeypatch):
    cats(folders[0], monkeypatch)
    sample = samples.load("cats_vs_dogs")
    assert sorted(path.name for path in sample.train.iterdir()) == ["cats", "dogs"]
    path = sample.test / "cats" / "1.jpg"
    path.write_bytes(b"another cat")
    tree = cats_vs_dogs.TREES["test"]
    pattern = (
        f"^{re.escape(str(sample.test))}: expected photos with the sha256 {tree}, got "
        r"[0-9a-f]{64}\. Replace the folder, or take it out of MICA_DATASETS\.$"
    )
    with pytest.raises(DataError, match=pattern):
        samples.load("cats_vs_dogs")


def test_folders_of_photos_that_are_not_there_are_refused(folders):
    folders[0].use()
    sentence = (
        "cats_vs_dogs: expected the folder cats_vs_dogs in a folder that MICA_DATASETS "
        "names, got none. Put train, validation and test into it, with the folders "
        "cats and dogs in each."
    )
    with refused(DataError, sentence):
        samples.load("cats_vs_dogs")


# What is refused


def test_an_option_of_another_name_is_refused_with_a_near_miss():
    sentence = (
        "samples.load: expected no option 'numwords' for 'imdb', got 10. Did you mean "
        "'num_words'?"
    )
    with refused(ArgumentError, sentence):
        samples.load("imdb", numwords=10)


def test_an_option_of_a_sample_without_options_is_refused():
    sentence = (
        "samples.load: expected no option 'num_words' for 'iris', got 10. Leave it out."
    )
    with refused(ArgumentError, sentence):
        samples.load("iris", num_words=10)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        (
            "imdb",
            {"num_words": 4},
            "samples.load: expected num_words above 4 (the numbers up to 3 are marks), "
            "got 4. num_words=10000 is a common choice.",
        ),
        (
            "reuters",
            {"skip_top": -1},
            "samples.load: expected skip_top to be a whole number of at least 0, got "
            "-1. num_words=10000 is a common choice.",
        ),
        (
            "enron_spam",
            {"num_words": 9.5},
            "samples.load: expected num_words to be a whole number of at least 0, got "
            "9.5. num_words=10000 is a common choice.",
        ),
        (
            "babi",
            {"task": 4},
            "babi: expected a task from 1 to 3, got 4. Each counts the facts an answer "
            "rests on.",
        ),
        (
            "glove",
            {"dimensions": 64},
            "glove: expected 50, 100, 200 or 300 dimensions, got 64. The original has "
            "no others.",
        ),
        (
            "glove",
            {"num_words": 0},
            "glove: expected num_words from 1 to 400,000, got 0. The most frequent "
            "words come first.",
        ),
        (
            "jena_climate",
            {"every": "day"},
            "jena_climate: expected every to be 'hour' or '10 minutes', got 'day'. The "
            "station measures every ten minutes.",
        ),
    ],
)
def test_an_option_that_cannot_be_is_refused(name, options, sentence):
    with refused(ConfigError, sentence):
        samples.load(name, **options)


def test_too_few_topics_are_refused(folders):
    sentence = (
        "reuters: expected minimum_count to leave at least two topics, got 5. The "
        "largest topics have 5, 4 newswires."
    )
    with refused(ConfigError, sentence):
        load("reuters", folders, minimum_count=5)


@pytest.mark.parametrize("test_size", [0, 3])
def test_a_test_part_that_leaves_nothing_is_refused(test_size, folders):
    sentence = (
        f"spa_eng: expected test_size from 1 to 2, got {test_size}. 1000 is a common "
        "choice."
    )
    with refused(ConfigError, sentence):
        load("spa_eng", folders, test_size=test_size)


CHANGED = {
    "enron_spam": (enron_spam, tar({"enron1/ham/1.txt": b"other"})),
    "jena_climate": (
        jena_climate,
        zipped(
            {
                "a.csv": "Date Time,T (degC),p (mbar),rh (%),VPmax (mbar),wv (m/s),"
                "Tdew (degC)\n01.01.2009 00:00:00,1,2,3,4,5,6\n"
            }
        ),
    ),
    "reuters": (reuters, tar({"reut2-000.sgm": b"<REUTERS >"})),
    "spa_eng": (spa_eng, zipped({"spa-eng/spa.txt": b"a\tb\n"})),
}


@pytest.mark.parametrize("name", CHANGED)
def test_an_archive_of_unknown_hash_is_held_to_its_content(name, folders):
    module, packed = CHANGED[name]
    folders[0].pin(module, "ORIGINAL", packed)
    folders[0].use()
    path = folders[0].path / module.ORIGINAL.name
    pattern = (
        f"^{re.escape(str(path))}: expected content with the sha256 "
        f"{module.CONTENT_SHA256}, got [0-9a-f]{{64}}\\. Delete the file; it will be "
        "downloaded again\\.$"
    )
    with pytest.raises(DataError, match=pattern):
        samples.load(name)


def test_a_story_of_another_content_is_refused(folders):
    packed = tar({f"en/{f.short_name}": b"1 other\n" for f in babi.MEMBERS.values()})
    folders[0].pin(
        babi, "ORIGINAL", tar({"x/" + n: c for n, c in untar(packed).items()})
    )
    folders[0].use()
    with pytest.raises(DataError, match="expected content with the sha256"):
        samples.load("babi")


def untar(packed):
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


@pytest.mark.parametrize(
    ("name", "module", "packed", "sentence"),
    [
        (
            "babi",
            babi,
            tar({"en/other.txt": b""}),
            "babi_tasks_1-20_v1-2.tar.gz: expected the member "
            "en/qa1_single-supporting-fact_train.txt, got none of that name. Delete "
            "the file; it will be downloaded again.",
        ),
        (
            "spa_eng",
            spa_eng,
            zipped({"other.txt": b""}),
            "spa-eng.zip: expected the member spa-eng/spa.txt, got none of that name. "
            "Delete the file; it will be downloaded again.",
        ),
        (
            "jena_climate",
            jena_climate,
            zipped({"a.csv": b"", "b.csv": b""}),
            "jena_climate_2009_2016.csv.zip: expected one CSV file inside, got 2. "
            "Delete the file; it will be downloaded again.",
        ),
        (
            "jena_climate",
            jena_climate,
            zipped({"a.csv": b"T (degC),p\n1,2\n"}),
            "jena_climate_2009_2016.csv.zip: expected the first column to be 'Date "
            "Time', got T (degC). Delete the file; it will be downloaded again.",
        ),
        (
            "imdb",
            imdb,
            tar({"aclImdb/train/pos/0_9.txt": b"good"}),
            "imdb: expected reviews in the folders test/pos and test/neg, got none. "
            "Delete the file; it will be downloaded again.",
        ),
        (
            "glove",
            glove,
            zipped({"other.txt": b""}),
            "glove.6B.zip: expected the member 'glove.6B.50d.txt', got none of that "
            "name. Delete the file; it will be downloaded again.",
        ),
        (
            "glove",
            glove,
            zipped({"glove.6B.50d.txt": b"the 1 2\n"}),
            "glove.6B.50d.txt, line 1: expected a word and 50 numbers, got 2 numbers. "
            "Delete glove.6B.zip; it will be downloaded again.",
        ),
    ],
    ids=["babi", "spa_eng", "two tables", "columns", "imdb", "no vectors", "vectors"],
)
def test_an_archive_without_its_members_is_refused(
    name, module, packed, sentence, folders
):
    folders[0].pin(module, "ORIGINAL", packed)
    folders[0].use()
    with refused(DataError, sentence):
        samples.load(name)


def test_houses_in_a_file_of_another_kind_are_refused(folders):
    folders[0].pin(boston_housing, "ORIGINAL", npz(x=HOUSES))
    folders[0].use()
    path = folders[0].path / boston_housing.ORIGINAL.name
    sentence = (
        f"{path}: expected a NumPy archive of x and y, got: 'y is not a file in the "
        "archive'. Delete the file; it will be downloaded again."
    )
    with refused(DataError, sentence):
        samples.load("boston_housing")


# Equal texts


def test_a_split_does_not_depend_on_the_order_of_reading():
    texts = [text for _, text in MAILS]
    labels = [int(kind == "spam") for kind, _ in MAILS]
    order = np.random.default_rng(3).permutation(len(texts))
    parts = text_sample.split_alike_together(texts, labels, 0.3)
    again = text_sample.split_alike_together(
        [texts[row] for row in order], [labels[row] for row in order], 0.3
    )
    for rows, mixed in zip(parts, again, strict=True):
        assert [texts[row] for row in rows] == [texts[order[row]] for row in mixed]


# The real ones


REAL = {
    "babi": lambda s: (len(s.train), len(s.test)) == (1000, 1000),
    "boston_housing": lambda s: s.y_train[0] == np.float32(15.2),
    "enron_spam": lambda s: len(s.x_train) + len(s.x_test) == 5172,
    "glove": lambda s: s.words[:3] == ("the", ",", "."),
    "imdb": lambda s: (len(s.x_train), len(s.x_test)) == (25000, 25000),
    "jena_climate": lambda s: s.values.shape == (70038, 6),
    "nietzsche": lambda s: len(set(s.text.lower())) == 57,
    "reuters": lambda s: (len(s.x_train), len(s.x_test)) == (6454, 2513),
    "spa_eng": lambda s: len(s.x_train) + sum(map(len, s.references)) == 118964,
    "tiny_shakespeare": lambda s: len(set(s.text)) == 65,
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_files_are_what_they_are_said_to_be(name):
    from tests.conftest import find_dataset_file

    names = {
        "babi": "babi/qa1_single-supporting-fact_train.txt",
        "boston_housing": "boston_housing/housing.data",
        "enron_spam": "enron_spam/ham.txt.xz",
        "glove": "glove/glove.6B.50d.10k.npz",
        "imdb": "imdb/aclimdb_train.tsv.xz",
        "jena_climate": "jena_climate/jena_hourly_2009_2016.csv.gz",
        "nietzsche": "text/nietzsche.txt",
        "reuters": "reuters/reuters21578_modapte.jsonl.xz",
        "spa_eng": "spa_eng/spa-eng.zip",
        "tiny_shakespeare": "text/tinyshakespeare.txt",
    }
    if find_dataset_file(names[name]) is None:
        pytest.skip(f"needs {names[name]} in a folder that MICA_DATASETS names")
    assert REAL[name](samples.load(name))
