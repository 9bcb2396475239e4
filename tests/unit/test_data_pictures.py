"""Picture files: what is decoded, what is kept, and what is refused in which words."""

import re
import threading

import numpy as np
import pytest
import torch
from PIL import Image

import mica
from mica.data import PictureSource, decode_picture, read_pictures
from mica.data import pictures as pictures_module
from mica.errors import ConfigError, DataError
from mica.layers import Dense, Flatten


def draw(height, width, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path):
    """Seven pictures of two classes, beside things that are none."""
    for name, count in (("dogs", 3), ("cats", 4)):
        (tmp_path / name / "more").mkdir(parents=True)
        for number in range(count):
            folder = tmp_path / name / ("more" if number == 0 else "")
            pixels = draw(6, 8, seed=number + 10 * count)
            Image.fromarray(pixels).save(folder / f"{number}.png")
        (tmp_path / name / "notes.txt").write_text("no picture", encoding="utf-8")
        (tmp_path / name / ".hidden.png").write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.md").write_text("no class", encoding="utf-8")
    return tmp_path


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def test_pixels_are_those_of_the_file(tmp_path):
    pixels = draw(5, 7)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(decode_picture(tmp_path / "a.png", (5, 7)), pixels)


def test_another_size_is_that_of_pillows_bilinear_filter(tmp_path):
    picture = Image.fromarray(draw(20, 30))
    picture.save(tmp_path / "a.png")
    expected = np.asarray(picture.resize((4, 6), Image.Resampling.BILINEAR))
    assert np.array_equal(decode_picture(tmp_path / "a.png", (6, 4)), expected)


def test_a_picture_is_turned_as_its_camera_was_held(tmp_path):
    pixels = draw(4, 6)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    turned = np.rot90(pixels, -1)
    assert np.array_equal(decode_picture(tmp_path / "a.png", (6, 4)), turned)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_kind_of_picture_becomes_colours_or_grey(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(draw(6, 6)).convert(mode).save(path)
    assert decode_picture(path, 6).shape == (6, 6, 3)
    assert decode_picture(path, 6, channels=1).shape == (6, 6, 1)


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    deep = (np.arange(16, dtype=np.uint16).reshape(4, 4) << 12) + 5
    Image.fromarray(deep).save(tmp_path / "a.png")
    expected = (deep >> 8).astype(np.uint8)
    assert np.array_equal(decode_picture(tmp_path / "a.png", 4, 1)[..., 0], expected)


def test_a_palette_with_transparency_is_decoded_without_a_warning(tmp_path):
    picture = Image.fromarray(draw(6, 6)).convert("P")
    picture.save(tmp_path / "a.png", transparency=b"\x00\x80" * 100)
    assert decode_picture(tmp_path / "a.png", 6).shape == (6, 6, 3)


def test_a_folder_gives_classes_by_the_alphabet_and_its_pictures(photos):
    source = read_pictures(photos, (6, 8))
    assert source.label_names == ("cats", "dogs")
    assert source.y is not None
    assert source.y.tolist() == [0] * 4 + [1] * 3
    names = [path.rsplit("cats", 1)[-1][1:] for path in source.files[:4]]
    assert [name.replace("\\", "/") for name in names] == [
        "1.png", "2.png", "3.png", "more/0.png",
    ]  # fmt: skip
    assert (source.num_samples, source.num_batches(3)) == (7, 3)
    assert source.num_batches(3, drop_last=True) == 2


def test_batches_hold_the_pictures_of_their_labels(photos):
    source = read_pictures(photos, (6, 8))
    known = [decode_picture(path, (6, 8)) for path in source.files]
    for epoch in range(2):
        seen = []
        for batch in source.batches(epoch, batch_size=3, seed=1):
            for x, y in zip(batch.x, batch.y, strict=True):
                (row,) = [
                    row for row, pixels in enumerate(known)
                    if np.array_equal((x * 255).round().byte().numpy(), pixels)
                ]  # fmt: skip
                assert source.y is not None
                assert y == source.y[row]
                seen.append(row)
        assert sorted(seen) == list(range(7))


def test_pixels_are_divided_by_255(photos):
    source = read_pictures(photos, (6, 8))
    pixels = torch.from_numpy(decode_picture(source.files[0], (6, 8)).copy())
    assert torch.equal(source.peek(1).x[0], pixels / 255)


def test_numbers_come_in_torchs_default_dtype(photos):
    source = read_pictures(photos, 4)
    with mica.engine.precision_scope("float64"):
        assert source.peek(2).x.dtype == torch.float64
    assert source.peek(2).x.dtype == torch.float32


def test_an_epoch_may_be_begun_in_its_middle(photos):
    source = read_pictures(photos, 4)
    whole = list(source.batches(1, batch_size=2, seed=3))
    rest = list(source.batches(1, batch_size=2, seed=3, start=2))
    assert [batch.size for batch in rest] == [2, 1]
    assert all(torch.equal(a.x, b.x) for a, b in zip(rest, whole[2:], strict=True))
    assert [b.size for b in source.batches(0, batch_size=2, drop_last=True)] == [2] * 3


def test_a_second_epoch_reads_no_file_and_gives_the_same(photos):
    kept, fresh = read_pictures(photos, 4), read_pictures(photos, 4, most_bytes=0)
    options = {"batch_size": 3, "seed": 2}
    first = list(kept.batches(0, **options))
    assert (kept.num_kept, fresh.num_kept) == (7, 0)
    expected = list(fresh.batches(0, **options))
    for path in photos.rglob("*.png"):
        path.unlink()
    again = list(kept.batches(0, **options))
    for a, b, c in zip(first, again, expected, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.x, c.x)
    with pytest.raises(DataError, match=r"No such file"):
        next(fresh.batches(0))


@pytest.mark.parametrize(("most", "kept"), [(7 * 48, 7), (7 * 48 - 1, 0), (None, 7)])
def test_all_pictures_are_kept_or_none(photos, most, kept):
    source = read_pictures(photos, 4, most_bytes=most)
    list(source.batches(0))
    assert source.num_kept == kept


@pytest.mark.parametrize(("free", "kept"), [(4 * 336, 7), (4 * 335, 0), (None, 0)])
def test_a_quarter_of_the_free_memory_may_be_kept(photos, monkeypatch, free, kept):
    monkeypatch.setattr(pictures_module, "free_memory_bytes", lambda: free)
    source = read_pictures(photos, 4)
    list(source.batches(0))
    assert source.num_kept == kept


def test_some_pictures_make_a_source_of_their_own(photos):
    source = read_pictures(photos, 4, most_bytes=0)
    some = source.take(torch.tensor([6, 0]))
    assert some.y is not None
    assert (some.files, some.y.tolist()) == ((source.files[6], source.files[0]), [1, 0])
    assert (some.label_names, some.most_bytes) == (("cats", "dogs"), 0)


def test_pictures_without_labels_have_no_targets(photos):
    source = PictureSource(sorted(photos.rglob("[0-9].png")), size=4)
    batch = source.peek(3)
    assert (batch.y, batch.size, tuple(batch.x.shape)) == (None, 3, (3, 4, 4, 3))
    assert source.take(torch.tensor([0])).y is None


def test_several_threads_decode_and_the_order_is_kept(photos, monkeypatch):
    monkeypatch.setattr(pictures_module, "usable_cores", lambda: 4)
    together = threading.Barrier(3, timeout=10)
    decode = pictures_module.decode_picture

    def slow(*arguments):
        together.wait()  # three at once, or this breaks
        return decode(*arguments)

    monkeypatch.setattr(pictures_module, "decode_picture", slow)
    source = read_pictures(photos, 4, most_bytes=0).take(torch.arange(6))
    threaded = torch.cat([b.x for b in source.batches(0, batch_size=6, shuffle=False)])
    monkeypatch.setattr(pictures_module, "decode_picture", decode)
    assert torch.equal(threaded, source.peek(6).x)


def test_a_model_learns_from_a_folder(photos):
    mica.set_seed(0)
    source = read_pictures(photos, 6)
    model = mica.Sequential(
        mica.Input((6, 6, 3)), Flatten(), Dense(2, activation="softmax")
    )
    model.compile(
        mica.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(source, epochs=40, batch_size=4, verbose=0)
    assert model.evaluate(source)[1] == 1.0
    assert model.predict(source).shape == (7, 2)


SIZE = (
    "pictures: expected size to be (height, width) of at least 1 pixel each, got {}. "
    "Write for example size=(150, 150)."
)


@pytest.mark.parametrize("size", [0, (3, 0), (1, 2, 3), "4", 2.5, True, (True, 2)])
def test_a_size_that_is_none_is_refused(size):
    with refused(ConfigError, SIZE.format(repr(size))):
        PictureSource(["a.png"], size=size)
    with refused(ConfigError, SIZE.format(repr(size))):
        decode_picture("a.png", size)


def test_other_channels_are_refused():
    sentence = (
        "pictures: expected channels to be 3 or 1, got 4. Use 3 for colours, 1 for "
        "grey."
    )
    with refused(ConfigError, sentence):
        PictureSource(["a.png"], size=4, channels=4)
    with refused(ConfigError, sentence):
        decode_picture("a.png", 4, channels=4)


@pytest.mark.parametrize("most", [-1, 1.5, True])
def test_bytes_that_are_no_number_are_refused(most):
    sentence = (
        "pictures: expected most_bytes to be a whole number of at least 0, got "
        f"{most!r}. 0 keeps no picture, None decides by itself."
    )
    with refused(ConfigError, sentence):
        PictureSource(["a.png"], size=4, most_bytes=most)


def test_no_files_are_refused():
    sentence = "pictures: expected at least one file, got none. Look at the folder."
    with refused(DataError, sentence):
        PictureSource([], size=4)


def test_another_number_of_labels_is_refused():
    sentence = (
        "pictures: expected one label for each of 2 files, got the shape (3,). Give a "
        "list of class numbers."
    )
    with refused(DataError, sentence):
        PictureSource(["a.png", "b.png"], [0, 1, 0], size=4)


def test_no_folder_is_refused(tmp_path):
    path = tmp_path / "none"
    end = "got {}. Look at the path."
    start = f"{path}: expected a folder with a folder of pictures for each class, "
    with refused(DataError, start + end.format("no such folder")):
        read_pictures(path, 4)
    path.write_text("a file", encoding="utf-8")
    with refused(DataError, start + end.format("a file")):
        read_pictures(path, 4)


def test_a_folder_without_classes_is_refused(tmp_path):
    sentence = (
        f"{tmp_path}: expected a folder of pictures for each class, got none. Put the "
        "pictures into folders that are named like their classes."
    )
    with refused(DataError, sentence):
        read_pictures(tmp_path, 4)


def test_a_class_without_pictures_is_refused(photos):
    (photos / "empty").mkdir()
    sentence = (
        f"{photos / 'empty'}: expected pictures (.jpg, .jpeg, .png, .bmp, .gif, "
        ".webp), got none. Take the folder away, or put pictures into it."
    )
    with refused(DataError, sentence):
        read_pictures(photos, 4)


BROKEN = (
    "{path}: expected a picture that can be decoded, got: {reason}. Take the file out "
    "of the folder, or save it anew."
)


def test_a_file_that_is_missing_is_named(tmp_path):
    path = tmp_path / "a.png"
    reason = "No such file or directory"
    with refused(DataError, BROKEN.format(path=path, reason=reason)):
        decode_picture(path, 4)


def test_a_file_that_was_cut_off_is_named(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(draw(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: .*truncated"):
        decode_picture(path, 4)


def test_a_picture_that_is_gigantic_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(draw(9, 9)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: .*81 pixels"):
        decode_picture(path, 4)
