from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.evaluation import measure
from musicae.images import baselines as module
from musicae.images.baselines import (
    baselines,
    corrupted_batches,
    enlargement,
    mean_picture,
    measured,
    ridge,
    subsampled,
)
from musicae.images.datasets import open_pictures
from musicae.images.metrics import picture_errors
from musicae.images.picture_set import PictureSet
from musicae.images.pictures import Pictures

NOISE = GaussianNoise(0.5, 0.3)


@pytest.fixture(scope="module")
def digits():
    return open_pictures("digits", Pictures(8, 8))


def colours(n: int, side: int = 8, seed: int = 0) -> PictureSet:
    levels = np.random.default_rng(seed).integers(0, 256, (n, 3, side, side), np.uint8)
    return PictureSet(levels)


def test_more_components_have_smaller_errors(digits):
    found = [baselines(digits.train, digits.test, n)[f"PCA-{n}"] for n in (1, 4, 16, 64)]
    errors = [figures["mse"] for figures in found]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(0, abs=1e-6)
    assert found[-1]["bce"] == pytest.approx(found[-1]["bce_floor"], rel=1e-3)
    assert found[-1]["ssim"] == pytest.approx(1, abs=1e-3)
    assert found[2]["neighbours"] > 0.95 > found[0]["neighbours"] > 0.1


def test_there_are_at_most_as_many_components_as_values_or_pictures(digits):
    assert "PCA-64" in baselines(digits.train, digits.test, 1000)
    few = digits.train.subset(np.arange(5))
    assert "PCA-5" in baselines(few, digits.test, 16)
    assert set(baselines(few.subset(np.arange(1)), digits.test, 16)) == {"mean picture"}


def test_the_error_of_the_mean_picture_is_the_variance_of_the_pictures(digits):
    figures = measured(mean_picture(digits.test), digits.test, None, 0)
    x = digits.test.batch(np.arange(len(digits.test))).x
    assert figures["mse"] == pytest.approx(x.var(0, correction=0).mean().item(), rel=1e-4)
    assert figures["psnr"] == pytest.approx(-10 * np.log10(figures["mse"]))


def test_ridge_is_no_worse_than_any_other_linear_map(digits):
    """On the pictures that it was fitted to, before clipping to 0..1."""
    fitted = ridge(digits.train, NOISE, 0)
    batches = list(corrupted_batches(digits.train, NOISE, 0, module.TRAIN))
    targets, corrupted = (torch.cat(part) for part in zip(*batches, strict=True))
    error = (fitted(corrupted) - targets).square().mean()
    found = fitted(corrupted)
    others = [corrupted - 0.5, mean_picture(digits.train)(corrupted), 1.01 * found, found + 0.01]
    assert all((other - targets).square().mean() > error for other in others)


def test_ridge_beats_the_noise_and_the_mean_picture_on_new_ones(digits):
    found = baselines(digits.train, digits.test, 16, NOISE)
    assert set(found) == {"mean picture", "as it is heard", "linear ridge"}
    worse = min(found["mean picture"]["mse"], found["as it is heard"]["mse"])
    assert found["linear ridge"]["mse"] < worse
    assert found["linear ridge"]["bce"] < found["mean picture"]["bce"]


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", ["bicubic", "Lanczos"])
def test_enlargement_uses_only_the_low_resolution(factor, name):
    pictures = colours(5, side=16)
    (batch,) = corrupted_batches(pictures, Pixelation(factor), 0)
    enlarged = enlargement(factor, name)(batch.corrupted)
    assert enlarged.shape == batch.target.shape
    flat = torch.full_like(batch.target, 0.3)
    assert torch.allclose(enlargement(factor, name)(flat), flat, atol=1e-6)
    one = enlargement(factor, name)(batch.corrupted[2:3, 1:2])
    assert torch.equal(one[0, 0], enlarged[2, 1])


def test_enlargement_of_a_slope_beats_blocks():
    slope = np.linspace(0, 255, 16).astype(np.uint8)
    pictures = PictureSet(np.broadcast_to(slope, (4, 1, 16, 16)).copy())
    found = baselines(pictures, pictures, 4, Pixelation(2))
    assert set(found) == {"mean picture", "nearest", "bicubic", "Lanczos"}
    assert found["bicubic"]["mse"] < found["nearest"]["mse"]
    assert found["Lanczos"]["mse"] < found["nearest"]["mse"]
    assert found["nearest"]["psnr"] < found["bicubic"]["psnr"]


def test_models_and_baselines_are_measured_with_the_same_noise(digits):
    """A model that decodes exactly what it encodes has the figures of `as it is heard`, to the bit."""

    class Likelihood:
        def __init__(self, z):
            self.mean = z.view(-1, 1, 8, 8)

        def log_prob(self, x):
            return torch.zeros(len(x))

    class Echo:
        device = "cpu"

        def conditioned_on(self, condition):
            return self

        def encode(self, x):
            from musicae.core.posteriors import PointPosterior

            return PointPosterior(x.flatten(1))

        def decode(self, z):
            return Likelihood(z)

    many = PictureSet(np.tile(digits.test.levels, (4, 1, 1, 1)), full=16)  # more than one batch
    ways = {"greedy": lambda likelihood, random: likelihood.mean}
    echoed = measure(Echo(), many, picture_errors, ways=ways, corruption=NOISE, seed=3)["mean"]["greedy"]
    same = baselines(digits.train, many, 4, NOISE, seed=3)["as it is heard"]
    assert echoed == {name: same[name] for name in echoed}
    assert echoed != baselines(digits.train, many, 4, NOISE, seed=4)["as it is heard"]


def test_the_noise_of_training_is_not_that_of_the_test(digits):
    first = next(iter(corrupted_batches(digits.test, NOISE, 0))).corrupted
    assert not torch.equal(first, next(iter(corrupted_batches(digits.test, NOISE, 0, module.TRAIN))).corrupted)


def test_components_of_binary_pictures_have_squared_errors_alone(digits):
    train, test = (replace(part, binary=True) for part in (digits.train, digits.test))
    found = baselines(train, test, 4)
    assert set(found["mean picture"]) == {"bce", "bce_floor", "mse"}
    assert found["mean picture"]["bce_floor"] == 0
    assert set(found["PCA-4"]) == {"mse", "neighbours"}


def test_colours_without_labels():
    found = baselines(colours(40), colours(9, seed=1), 4)
    assert set(found) == {"mean picture", "PCA-4"}
    assert "neighbours" not in found["PCA-4"]
    assert set(baselines(colours(40), colours(9, seed=1), 4, NOISE)) == {
        "mean picture",
        "as it is heard",
        "linear ridge",
    }


def test_baselines_are_fitted_to_a_part_of_very_many_pictures(monkeypatch, digits):
    monkeypatch.setattr(module, "MOST_VALUES", 100 * 64 + 1)
    some = subsampled(digits.train, 0)
    assert len(some) == len(some.labels) == 100
    assert np.array_equal(some.levels, subsampled(digits.train, 0).levels)
    assert not np.array_equal(some.levels, subsampled(digits.train, 1).levels)
    assert baselines(digits.train, digits.test, 2)["PCA-2"]["neighbours"] > 0.3


def test_the_same_seed_gives_the_same_figures(digits):
    for corruption in (None, NOISE, Pixelation(2)):
        assert baselines(digits.train, digits.test, 4, corruption) == baselines(
            digits.train, digits.test, 4, corruption
        )
