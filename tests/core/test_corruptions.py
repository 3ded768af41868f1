from __future__ import annotations

import torch

from musicae.core.corruptions import GaussianNoise
from musicae.core.randomness import RandomSource


def test_values_stay_in_their_range_and_the_clean_data_stay_clean():
    clean = RandomSource(0).uniform(50, 8, 8)
    before = clean.clone()
    noisy = GaussianNoise(mean=0.2, std=2.0)(clean, RandomSource(1))
    assert noisy.shape == clean.shape
    assert noisy.min() == 0
    assert noisy.max() == 1
    assert torch.equal(clean, before)


def test_the_damage_is_fresh_for_every_example_and_every_step():
    clean = torch.full((3, 16), 0.5)
    noise = GaussianNoise(std=0.1)
    first, second = (noise(clean, RandomSource(0, step)) for step in (0, 1))
    assert not torch.equal(first, second)
    assert len({tuple(row.tolist()) for row in first}) == 3
    assert torch.equal(first, noise(clean, RandomSource(0, 0)))


def test_the_noise_has_its_mean_and_deviation():
    damage = GaussianNoise(mean=0.05, std=0.1)(torch.full((20_000, 1), 0.5), RandomSource(0)) - 0.5
    assert abs(damage.mean() - 0.05) < 0.005
    assert abs(damage.std() - 0.1) < 0.005
