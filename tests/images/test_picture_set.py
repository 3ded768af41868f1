from __future__ import annotations

import numpy as np
import pytest
import torch

from images.making import GREY, write_mnist
from musicae.core.randomness import RandomSource
from musicae.errors import DataError
from musicae.images.datasets import open_pictures
from musicae.images.picture_set import PictureSet, one_hot
from musicae.images.pictures import Pictures

LEVELS = np.array([0, 51, 128, 204, 255], np.uint8).reshape(1, 1, 1, 5)


def binary(n: int = 4000, full: int = 255) -> PictureSet:
    return PictureSet(LEVELS.repeat(n, 0), full=full, binary=True)


def test_a_batch_is_values_between_0_and_1(tmp_path):
    arrays = write_mnist(tmp_path)
    batch = open_pictures(tmp_path, GREY).train.batch(np.array([3, 1])).x
    assert batch.shape == (2, 1, 6, 5)
    assert np.allclose(batch[0, 0].numpy(), arrays["train-images-idx3-ubyte"][3] / 255)


# Black and white ----------------------------------------------------------------------------------


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


def test_in_training_a_picture_is_drawn_anew_every_time():
    """Dynamic binarisation: another draw at another step, so in another epoch."""
    grey = PictureSet(np.full((3, 1, 8, 8), 128, np.uint8), binary=True)
    first, again, later = (grey.batch(np.arange(3), RandomSource(0, 0, step)).x for step in (5, 5, 6))
    assert torch.equal(first, again)
    assert 0.3 < (first != later).float().mean() < 0.7
    assert 0.3 < (first[0] != first[1]).float().mean() < 0.7


def test_in_evaluation_a_picture_is_drawn_once():
    grey = PictureSet(np.full((3, 1, 8, 8), 128, np.uint8), binary=True)
    whole = grey.batch(np.arange(3)).x
    assert torch.equal(whole[[2, 0]], grey.batch(np.array([2, 0])).x)
    assert torch.equal(whole, PictureSet(grey.levels, binary=True).batch(np.arange(3)).x)
    assert 0.3 < (whole[0] != whole[1]).float().mean() < 0.7


def test_grey_pictures_stay_grey_in_training():
    grey = PictureSet(LEVELS)
    assert torch.equal(grey.batch(np.array([0]), RandomSource(0)).x, grey.batch(np.array([0])).x)


# Labels as conditions -----------------------------------------------------------------------------


def test_label_conditions_are_one_hot(tmp_path):
    write_mnist(tmp_path)
    splits = open_pictures(tmp_path, GREY)
    assert splits.train.batch(np.arange(4)).condition is None
    labelled = splits.with_label_conditions(12)
    for part in (labelled.train, labelled.validation, labelled.test):
        condition = part.batch(np.array([1, 0])).condition
        assert condition.shape == (2, 12)
        assert condition.argmax(1).tolist() == part.labels[[1, 0]].tolist()
        assert condition.sum() == 2
    assert torch.equal(labelled.test.batch(np.arange(2)).x, splits.test.batch(np.arange(2)).x)
    assert torch.equal(one_hot(np.array([2, 0]), 3), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))


def test_labels_that_cannot_be_conditions_are_refused_in_one_line(tmp_path):
    write_mnist(tmp_path)
    with pytest.raises(DataError, match=r"^[^\n]*conditioned on one of 9 classes, but these pictures have 10 classes$"):
        open_pictures(tmp_path, GREY).with_label_conditions(9)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"^[^\n]*have no labels$"):
        open_pictures(tmp_path, GREY).with_label_conditions(10)
