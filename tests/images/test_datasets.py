from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from images.making import GREY, sizes, write_pictures
from musicae.errors import DataError
from musicae.images.datasets import open_pictures
from musicae.images.pictures import Pictures

MNIST = Path(__file__).parents[2] / ".." / "shared" / "data" / "mnist.tar.gz"


def test_splits_depend_on_the_seed_only_and_share_nothing():
    first, again, other = (open_pictures("digits", Pictures(), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.test.levels, again.test.levels)
    assert not np.array_equal(first.test.levels, other.test.levels)
    parts = (first.train, first.validation, first.test)
    together = np.sort(np.concatenate([part.levels.sum((1, 2, 3)) for part in parts]))
    assert np.array_equal(
        together, np.sort(open_pictures("digits", Pictures(), fractions=(0, 0, 1)).test.levels.sum((1, 2, 3)))
    )


def test_errors_say_what_is_missing(tmp_path):
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


def test_a_source_without_training_pictures_is_refused(tmp_path):
    write_pictures(tmp_path, [f"{s}/{i}.png" for s in ("val", "test") for i in range(3)])
    with pytest.raises(DataError, match="none to train on"):
        open_pictures(tmp_path, GREY)


@pytest.mark.skipif(not MNIST.exists(), reason="MNIST is not in ../shared/data")
def test_mnist_is_read_from_its_archive():
    splits = open_pictures(MNIST, Pictures(28, 28))
    assert sizes(splits) == (55_000, 5_000, 10_000)
    assert splits.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert splits.train.levels.mean() == pytest.approx(33.3, abs=0.2)
