from __future__ import annotations

import numpy as np
import pytest

from images.making import GREY, sizes
from musicae.errors import DataError
from musicae.images.datasets import open_pictures
from musicae.images.pictures import Pictures

CIFAR = Pictures(32, 32, 3)


def test_the_digits_of_scikit_learn():
    splits = open_pictures("digits", Pictures())
    assert sizes(splits) == (1437, 180, 180)
    assert len(splits.classes) == 10
    assert np.array_equal(np.unique(splits.train.batch(np.arange(100)).x), np.arange(17) / 16)
    larger = open_pictures("digits", Pictures(16, 12, 3))
    assert larger.test.levels.shape == (180, 3, 16, 12)


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
