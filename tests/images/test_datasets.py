from __future__ import annotations

import gzip
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from musicae.core.randomness import RandomSource
from musicae.errors import DataError
from musicae.images.datasets import PictureSet, one_hot, open_pictures, read_idx
from musicae.images.pictures import Pictures

GREY = Pictures(6, 5)
MNIST = Path(__file__).parents[2] / ".." / "shared" / "data" / "mnist.tar.gz"
MNIST_PARTS = {"train": 100, "t10k": 20}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, zipped: bool = False, dot: str = "-") -> dict[str, np.ndarray]:
    arrays = {}
    for part, n in MNIST_PARTS.items():
        arrays[f"{part}-images{dot}idx3-ubyte"] = noise(n, 6, 5)
        arrays[f"{part}-labels{dot}idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        data = idx(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    return arrays


def write_pictures(folder: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(6, 5, seed=i)).save(path)


def sizes(splits) -> tuple[int, int, int]:
    return len(splits.train), len(splits.validation), len(splits.test)


def archived(folder: Path, kind: str) -> Path:
    path = folder.with_name(f"all{kind}")
    if kind == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, folder.name)
    return path


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


def test_a_batch_is_values_between_0_and_1(tmp_path):
    arrays = write_mnist(tmp_path)
    batch = open_pictures(tmp_path, GREY).train.batch(np.array([3, 1])).x
    assert batch.shape == (2, 1, 6, 5)
    assert np.allclose(batch[0, 0].numpy(), arrays["train-images-idx3-ubyte"][3] / 255)


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
TESTED = {"x_test": noise(9, 6, 5), "y_test": np.arange(9)}
ABSURD = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\0\0", b"words and more", WHOLE[:9], WHOLE[:-1], ABSURD, b"\0\0\x0d" + WHOLE[3:]),
        *(
            gzip.compress(WHOLE)[:-9],
            gzip.compress(WHOLE)[:20],
            gzip.compress(WHOLE[:-40]),
            b"\x1f\x8b\x08damaged",
        ),
    ],
)
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


def test_a_damaged_archive_is_refused(tmp_path):
    write_mnist(tmp_path / "mnist", zipped=True)
    for kind in (".tar.gz", ".zip"):
        path = archived(tmp_path / "mnist", kind)
        path.write_bytes(path.read_bytes()[:-1200])
        with pytest.raises(DataError, match="truncated or damaged"):
            open_pictures(path, GREY)
    (tmp_path / "pictures.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DataError, match="truncated or damaged"):
        open_pictures(tmp_path / "pictures.npz", GREY)


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


def test_the_digits_of_scikit_learn():
    splits = open_pictures("digits", Pictures())
    assert sizes(splits) == (1437, 180, 180)
    assert len(splits.classes) == 10
    assert np.array_equal(np.unique(splits.train.batch(np.arange(100)).x), np.arange(17) / 16)
    larger = open_pictures("digits", Pictures(16, 12, 3))
    assert larger.test.levels.shape == (180, 3, 16, 12)


def test_splits_depend_on_the_seed_only_and_share_nothing():
    first, again, other = (open_pictures("digits", Pictures(), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.test.levels, again.test.levels)
    assert not np.array_equal(first.test.levels, other.test.levels)
    parts = (first.train, first.validation, first.test)
    together = np.sort(np.concatenate([part.levels.sum((1, 2, 3)) for part in parts]))
    assert np.array_equal(
        together, np.sort(open_pictures("digits", Pictures(), fractions=(0, 0, 1)).test.levels.sum((1, 2, 3)))
    )


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match=r"--data FOLDER with MNIST's train-images-idx3-ubyte\.gz"):
        open_pictures(None, GREY)
    with pytest.raises(DataError, match=r"nowhere: no such file or folder; expected: --data"):
        open_pictures(tmp_path / "nowhere", GREY)
    with pytest.raises(DataError, match=r"no set of pictures \(0 files\); expected: --data"):
        open_pictures(tmp_path, GREY)
    write_pictures(tmp_path, ["one.png"])
    with pytest.raises(DataError, match=r"one\.png: no set of pictures"):
        open_pictures(tmp_path / "one.png", GREY)
    (tmp_path / "words.png").write_bytes(b"words")
    (tmp_path / "one.png").write_bytes(b"words")
    with pytest.raises(DataError, match=r"one\.png: not a picture"):
        open_pictures(tmp_path, GREY)


def test_only_held_out_pictures_are_refused(tmp_path):
    write_pictures(tmp_path, [f"{s}/{i}.png" for s in ("val", "test") for i in range(3)])
    with pytest.raises(DataError, match="none to train on"):
        open_pictures(tmp_path, GREY)


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


@pytest.mark.parametrize("pictures", [GREY, CIFAR, Pictures(8, 8, binary=True)])
def test_noise_is_all_test_and_uniform(pictures):
    first, again, other = (open_pictures("noise", pictures, seed=seed) for seed in (0, 0, 1))
    assert sizes(first) == (0, 0, 1000)
    assert first.test.levels.shape[1:] == pictures.shape
    assert np.array_equal(first.test.levels, again.test.levels)
    assert not np.array_equal(first.test.levels, other.test.levels)
    assert first.test.levels.mean() == pytest.approx(127.5, abs=2)
    assert np.corrcoef(first.test.levels[:, 0, 0, 0], first.test.levels[:, 0, 0, 1])[0, 1] < 0.1
    assert first.test.labels is None
    assert "no labels" in first.report()


def test_photographs_are_cut_where_the_parts_share_nothing():
    from sklearn.datasets import load_sample_images

    first, again, other = (open_pictures("photos", CIFAR, seed=seed) for seed in (0, 0, 1))
    assert sizes(first) == (8000, 1000, 1000)
    assert first.classes == ("china", "flower")
    assert np.array_equal(first.train.levels, again.train.levels)
    assert not np.array_equal(first.train.levels, other.train.levels)
    photographs = [np.moveaxis(photograph, -1, 0) for photograph in load_sample_images().images]
    bands = {"train": (0, 2, 4), "validation": (1,), "test": (3,)}
    for part, own in bands.items():
        pictures = getattr(first, part)
        for picture, label in zip(pictures.levels[:3], pictures.labels[:3], strict=True):
            windows = np.lib.stride_tricks.sliding_window_view(photographs[label][0], (32, 32))
            y, x = np.argwhere(
                (windows[:, :, 0] == picture[0, 0]).all(-1) & (windows[:, :, 9] == picture[0, 9]).all(-1)
            )[0]
            assert np.array_equal(photographs[label][:, y : y + 32, x : x + 32], picture)
            assert x // 128 == (x + 31) // 128
            assert x // 128 in own


def test_photographs_are_made_grey_and_are_not_endless():
    assert open_pictures("photos", Pictures(28, 28)).test.levels.shape == (1000, 1, 28, 28)
    with pytest.raises(DataError, match="at most 128 by 427"):
        open_pictures("photos", Pictures(32, 129))


@pytest.mark.skipif(not MNIST.exists(), reason="MNIST is not in ../shared/data")
def test_mnist_is_read_from_its_archive():
    splits = open_pictures(MNIST, Pictures(28, 28))
    assert sizes(splits) == (55_000, 5_000, 10_000)
    assert splits.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert splits.train.levels.mean() == pytest.approx(33.3, abs=0.2)


# Black and white


LEVELS = np.array([0, 51, 128, 204, 255], np.uint8).reshape(1, 1, 1, 5)


def binary(n: int = 4000, full: int = 255) -> PictureSet:
    return PictureSet(LEVELS.repeat(n, 0), full=full, binary=True)


@pytest.mark.parametrize("random", [None, 0], ids=["evaluation", "training"])
def test_binary_values_are_0_or_1_as_often_as_the_grey_says(random):
    x = binary().batch(np.arange(4000), None if random is None else RandomSource(random)).x
    assert x.dtype == torch.float32
    assert set(x.unique().tolist()) == {0.0, 1.0}
    shares = x.mean(0).flatten()
    assert torch.allclose(shares, torch.from_numpy(LEVELS.flatten() / np.float32(255)), atol=0.03)
    assert shares[0] == 0
    assert shares[4] == 1


def test_binary_digits_are_drawn_from_their_own_range_of_levels():
    """scikit-learn's have 16 for white."""
    splits = open_pictures("digits", Pictures(binary=True))
    grey = open_pictures("digits", Pictures()).train.batch(np.arange(1437)).x
    for random in (None, RandomSource(0)):
        drawn = splits.train.batch(np.arange(1437), random).x
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        assert not drawn[grey == 0].any()
        assert drawn[grey == 1].all()
        assert drawn.mean().item() == pytest.approx(grey.mean().item(), abs=0.003)
    assert splits.validation.binary
    assert splits.test.binary


def test_a_picture_is_drawn_anew_every_time_it_is_trained_on():
    """Dynamic binarisation: another draw at another step, so in another epoch."""
    grey = PictureSet(np.full((3, 1, 8, 8), 128, np.uint8), binary=True)
    first, again, later = (grey.batch(np.arange(3), RandomSource(0, 0, step)).x for step in (5, 5, 6))
    assert torch.equal(first, again)
    assert 0.3 < (first != later).float().mean() < 0.7
    assert 0.3 < (first[0] != first[1]).float().mean() < 0.7


def test_what_is_measured_is_drawn_once():
    grey = PictureSet(np.full((3, 1, 8, 8), 128, np.uint8), binary=True)
    whole = grey.batch(np.arange(3)).x
    assert torch.equal(whole[[2, 0]], grey.batch(np.array([2, 0])).x)
    assert torch.equal(whole, PictureSet(grey.levels, binary=True).batch(np.arange(3)).x)
    assert 0.3 < (whole[0] != whole[1]).float().mean() < 0.7


def test_grey_pictures_stay_grey_in_training():
    grey = PictureSet(LEVELS)
    assert torch.equal(grey.batch(np.array([0]), RandomSource(0)).x, grey.batch(np.array([0])).x)


# Labels told


def test_labels_are_told_as_indicators(tmp_path):
    write_mnist(tmp_path)
    splits = open_pictures(tmp_path, GREY)
    assert splits.train.batch(np.arange(4)).condition is None
    told = splits.with_labels_told(12)
    for part in (told.train, told.validation, told.test):
        condition = part.batch(np.array([1, 0])).condition
        assert condition.shape == (2, 12)
        assert condition.argmax(1).tolist() == part.labels[[1, 0]].tolist()
        assert condition.sum() == 2
    assert torch.equal(told.test.batch(np.arange(2)).x, splits.test.batch(np.arange(2)).x)
    assert torch.equal(one_hot(np.array([2, 0]), 3), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))


def test_labels_that_cannot_be_told_are_refused_in_one_line(tmp_path):
    write_mnist(tmp_path)
    with pytest.raises(DataError, match=r"^[^\n]*told one of 9 classes, but these pictures have 10 classes$"):
        open_pictures(tmp_path, GREY).with_labels_told(9)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"^[^\n]*have no labels$"):
        open_pictures(tmp_path, GREY).with_labels_told(10)
