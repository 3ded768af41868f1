from __future__ import annotations

import numpy as np
import pytest
import torch

from images.making import random_model, restoring
from musicae.core.corruptions import GaussianNoise
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError, DataError


def test_one_picture_or_many_are_encoded_alike(model, pictures, tmp_path):
    path = tmp_path / "picture.png"
    pictures[0].save(path)
    z = model.encode(pictures)
    assert z.shape == (3, model.network.latent)
    for one in (
        pictures[0],
        path,
        str(path),
        path.read_bytes(),
        np.asarray(pictures[0]),
        model.read(pictures[0]),
    ):
        assert np.allclose(model.encode(one), z[:1], atol=1e-6)
    assert np.allclose(model.encode(model.read(pictures)), z)
    assert np.allclose(model.encode(model.read(pictures).array), z)


def test_decodes_are_expected_pictures(model):
    z = model.draw(3)
    expected = torch.sigmoid(model.network.decode(torch.from_numpy(z)).logits).detach()
    assert np.allclose(model.values(z), expected, atol=1e-6)
    images = model.decode(z)
    assert [(image.mode, image.size) for image in images] == [("L", (8, 8))] * 3
    assert np.abs(np.asarray(images[1]) / 255 - expected[1, 0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_bad_pictures_are_named(model):
    with pytest.raises(DataError, match=r"nowhere\.png"):
        model.encode(["nowhere.png"])
    with pytest.raises(ConfigError, match="no pictures"):
        model.encode([])


def test_codes_are_those_of_corrupted_pictures_if_the_model_restores(digits):
    plain, noisy = random_model().means(digits.test), restoring(GaussianNoise()).means(digits.test)
    assert not np.allclose(plain, noisy)
    corrupted = [GaussianNoise()(digits.test.batch(np.arange(64)).x, RandomSource(0, 0))]
    assert np.allclose(noisy[:64], random_model().to_latent(corrupted[0]), atol=1e-6)


def test_posterior_samples_are_around_their_means(digits):
    model = random_model()
    means, draws = model.means(digits.test), model.draws(digits.test)
    assert not np.allclose(means, draws)
    deviations = (draws - means).std(0)
    assert np.allclose(deviations, 0.1, rtol=0.3)  # as an untrained bottleneck has them
    assert np.array_equal(draws, model.draws(digits.test))
    assert not np.array_equal(draws, model.draws(digits.test, seed=1))
