from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from images.making import GREY, archived, idx, noise, sizes, write_mnist, write_pictures
from musicae.errors import DataError
from musicae.images.datasets import open_pictures
from musicae.images.formats import read_idx
from musicae.images.pictures import Pictures

# IDX ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zipped", "dot"), [(False, "-"), (True, "-"), (False, ".")])
@pytest.mark.parametrize("kind", ["", ".tar.gz", ".zip"])
def test_idx_files_keep_their_test_split_and_validate_on_the_end_of_training(tmp_path, zipped, dot, kind):
    arrays = write_mnist(tmp_path / "mnist", zipped, dot)
    splits = open_pictures(archived(tmp_path / "mnist", kind) if kind else tmp_path / "mnist", GREY)
    train = arrays[f"train-images{dot}idx3-ubyte"][:, None]
    assert np.array_equal(splits.train.levels, train[:90])
    assert np.array_equal(splits.validation.levels, train[90:])
    assert np.array_equal(splits.test.levels, arrays[f"t10k-images{dot}idx3-ubyte"][:, None])
    assert splits.validation.labels.tolist() == list(range(10))
    assert "90 train, 10 validation, 20 test; 10 classes" in splits.report()


def test_one_idx_file_is_enough_and_finds_its_labels(tmp_path):
    write_mnist(tmp_path)
    splits = open_pictures(tmp_path / "t10k-images-idx3-ubyte", GREY)
    assert sizes(splits) == (16, 2, 2)
    assert len(splits.classes) == 10
    assert sizes(open_pictures(tmp_path / "t10k-images-idx3-ubyte", GREY, fractions=(0, 0, 1))) == (0, 0, 20)


def test_idx_files_without_labels_are_read(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    splits = open_pictures(tmp_path, GREY)
    assert splits.test.labels is None
    assert "no labels" in splits.report()


WHOLE = idx(noise(10, 6, 5))

ABSURD = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)


ZIPPED = gzip.compress(WHOLE, mtime=0)
DAMAGED = {
    "empty": b"",
    "two zeros": b"\0\0",
    "words": b"words and more",
    "half a header": WHOLE[:9],
    "a byte less": WHOLE[:-1],
    "absurd sizes": ABSURD,
    "another type": b"\0\0\x0d" + WHOLE[3:],
    "zipped, cut": ZIPPED[:-9],
    "zipped, cut early": ZIPPED[:20],
    "zipped, less data": gzip.compress(WHOLE[:-40]),
    "zipped, damaged": b"\x1f\x8b\x08damaged",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_idx_files_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^[^\n]*train-images-idx3-ubyte: [^\n]+$"):
        open_pictures(tmp_path, GREY)


def test_an_idx_file_has_any_number_of_dimensions():
    for shape in [(3,), (3, 4), (2, 3, 4), (2, 3, 4, 3)]:
        array = noise(*shape)
        assert np.array_equal(read_idx(idx(array), "name"), array)


def test_labels_must_match(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match="7 labels for 100 pictures"):
        open_pictures(tmp_path, GREY)


# NumPy --------------------------------------------------------------------------------------------

TESTED = {"x_test": noise(9, 6, 5), "y_test": np.arange(9)}


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"images": noise(50, 6, 5), "labels": np.arange(50) % 10}, (40, 5, 5)),
        ({"x_train": noise(50, 6, 5), "y_train": np.arange(50), **TESTED}, (45, 5, 9)),
        ({"train": noise(50, 6, 5), "val_images": noise(8, 6, 5), "test_x": noise(9, 6, 5)}, (50, 8, 9)),
        ({"arr_0": noise(50, 6, 5, 1) / np.float64(255), "arr_1": np.arange(50)[:, None]}, (40, 5, 5)),
        ({"arr_0": noise(50, 3, 6, 5) > 128}, (40, 5, 5)),
        ({"data": noise(50, 12, 10, 3).astype(float)}, (40, 5, 5)),
    ],
)  # fmt: skip
def test_numpy_archives_are_read(tmp_path, arrays, expected):
    path = tmp_path / "pictures.npz"
    np.savez(path, **arrays)
    for source in (path, tmp_path):
        splits = open_pictures(source, GREY)
        assert sizes(splits) == expected
        assert splits.train.levels.dtype == np.uint8
        assert splits.train.levels.max() > 200
        assert (splits.test.labels is not None) == (len(arrays) in (2, 4))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.arange(9)}, "found labels"),
        ({"a": noise(9, 6, 5), "b": noise(9, 6, 5)}, "expected images and labels"),
        ({"images": np.full((9, 6, 5), -1.0)}, "0..255"),
        ({"images": np.full((9, 6, 5), np.nan)}, "0..255"),
        ({"images": np.array([[[None]]])}, "damaged"),
        ({"images": noise(0, 6, 5)}, "shape"),
        ({"images": noise(9, 6, 5), "labels": np.arange(8)}, "8 labels for 9"),
    ],
)
def test_numpy_archives_of_other_things_are_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "pictures.npz", **arrays)
    with pytest.raises(DataError) as caught:
        open_pictures(tmp_path, GREY)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# Folders of pictures ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["", ".tar.gz", ".zip"])
def test_folders_are_classes(tmp_path, kind):
    write_pictures(tmp_path / "pets", [f"{name}/{i}.png" for name in ("10", "9") for i in range(10)])
    (tmp_path / "pets" / "9" / "notes.txt").write_text("no picture")
    splits = open_pictures(archived(tmp_path / "pets", kind) if kind else tmp_path / "pets", GREY)
    assert sizes(splits) == (16, 2, 2)
    assert splits.classes == ("9", "10")
    labels = np.concatenate([part.labels for part in (splits.train, splits.validation, splits.test)])
    assert np.bincount(labels).tolist() == [10, 10]


def test_folders_named_train_and_test_are_splits(tmp_path):
    write_pictures(tmp_path, [f"{s}/{c}/{i}.jpg" for s in ("Train", "val", "test") for c in "ab" for i in range(3)])
    splits = open_pictures(tmp_path, GREY)
    assert sizes(splits) == (6, 6, 6)
    assert splits.classes == ("a", "b")
    assert splits.test.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_flat_folder_has_no_labels_and_unreadable_files_are_reported(tmp_path):
    write_pictures(tmp_path, [f"{i}.png" for i in range(10)])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    splits = open_pictures(tmp_path, Pictures(4, 4))
    assert sizes(splits) == (8, 1, 1)
    assert splits.train.labels is None
    assert "1 files skipped, the first because broken.png: not a picture" in splits.report()
    assert "10 resized from 5 by 5 to 4 by 4 pixels" in splits.report()


# CIFAR-10 -----------------------------------------------------------------------------------------

CIFAR = Pictures(32, 32, 3)


def write_cifar(folder: Path, named: bool = True) -> dict[str, np.ndarray]:
    """CIFAR-10's binary version in small: the records of each file."""
    folder.mkdir(exist_ok=True)
    records = {}
    for i, name in enumerate(("data_batch_1", "data_batch_2", "test_batch")):
        records[name] = noise(20, 3073, seed=i)
        records[name][:, 0] = (np.arange(20) + i) % 10
        (folder / f"{name}.bin").write_bytes(records[name].tobytes())
    if named:
        (folder / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    return records


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["", ".tar.gz"])
def test_records_of_cifar_are_read(tmp_path, kind, named):
    records = write_cifar(tmp_path / "cifar-10-batches-bin", named)
    folder = tmp_path / "cifar-10-batches-bin"
    splits = open_pictures(archived(folder, kind) if kind else folder, CIFAR)
    assert sizes(splits) == (36, 4, 20)
    test = records["test_batch"]
    assert np.array_equal(splits.test.levels, test[:, 1:].reshape(-1, 3, 32, 32))
    assert np.array_equal(splits.test.levels[3, 1, 0], test[3, 1 + 1024 : 1 + 1024 + 32])  # the first row of green
    assert np.array_equal(splits.test.labels, test[:, 0])
    assert splits.classes == tuple("abcdefghij" if named else "0123456789")


def test_records_of_cifar_are_fitted_to_grey_and_refused_when_they_are_cut_off(tmp_path):
    write_cifar(tmp_path)
    assert open_pictures(tmp_path, GREY).train.levels.shape == (36, 1, 6, 5)
    for content in (b"", (tmp_path / "test_batch.bin").read_bytes()[:-1]):
        (tmp_path / "test_batch.bin").write_bytes(content)
        with pytest.raises(DataError, match=r"^test_batch\.bin: truncated: [^\n]+$"):
            open_pictures(tmp_path, CIFAR)


# What is skipped ----------------------------------------------------------------------------------


def test_everything_that_is_skipped_is_listed(tmp_path):
    folder = tmp_path / "pictures"
    write_pictures(folder, [f"{i}.png" for i in range(10)])
    (folder / "a.png").write_bytes(b"no picture")
    os.mkfifo(folder / "b.png")
    (folder / "c.png").write_bytes(bytes(17 * 2**20))
    splits = open_pictures(folder, GREY)
    assert sizes(splits) == (8, 1, 1)
    reasons = dict(splits.skipped)
    assert set(reasons) == {"a.png", "b.png", "c.png"}
    assert "not a picture" in reasons["a.png"]
    assert "pipe" in reasons["b.png"]
    assert "limit" in reasons["c.png"]
    assert "3 files skipped" in splits.report()
    assert all(name in splits.report() for name in reasons)


def test_encrypted_pictures_are_skipped(tmp_path):
    write_pictures(tmp_path / "pictures", [f"{i}.png" for i in range(10)])
    data = bytearray(archived(tmp_path / "pictures", ".zip").read_bytes())
    data[6] = 1  # the flag of encryption, of the first file
    data[data.index(b"PK\1\2") + 8] = 1
    (tmp_path / "all.zip").write_bytes(data)
    splits = open_pictures(tmp_path / "all.zip", GREY)
    assert sum(sizes(splits)) == 9
    assert splits.skipped == (("pictures/0.png", "is encrypted; unpack the archive first"),)
