from __future__ import annotations

import math

import pytest
import torch

from musicae.core.bottlenecks import BROAD_GAUSSIAN, Gaussian, Point
from musicae.core.randomness import RandomSource

LN2 = math.log(2)


@pytest.mark.parametrize("bottleneck", [Gaussian(), BROAD_GAUSSIAN, Point(), Point(rectified=True)], ids=str)
def test_a_bottleneck_gives_a_posterior_in_float32(bottleneck):
    module = bottleneck.layer(6, 4)
    q = module(torch.randn(3, 6))
    assert module.latent == 4
    assert q.mean.shape == q.kl().shape == q.sample(RandomSource(0)).shape == (3, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert module(torch.randn(3, 6)).mean.dtype == torch.float32
    assert q.penalty() is None
    assert q.metrics() == {}
    assert hasattr(q, "log_prob") == module.has_density == q.has_rate


def test_a_point_samples_its_code_and_is_charged_nothing():
    q = Point().layer(6, 4)(torch.randn(3, 6))
    assert torch.equal(q.sample(RandomSource(0)), q.mean)
    assert torch.equal(q.kl(), torch.zeros(3, 4))


def test_a_rectified_point_is_a_point_without_negative_values():
    features = torch.randn(200, 6, requires_grad=True)
    module = Point(rectified=True).layer(6, 4)
    affine, q = module.mean(features), module(features)
    assert torch.equal(q.mean, affine.clamp(min=0))
    assert 0.2 < (q.mean == 0).float().mean() < 0.8
    assert torch.equal(q.sample(RandomSource(0)), q.mean)
    assert not q.kl().any()
    q.mean.sum().backward()
    absent = (q.mean == 0).all(1)
    assert absent.any()
    assert not features.grad[absent].any()
    assert features.grad[~absent].any(1).all()


def test_a_gaussian_starts_narrow_whatever_the_features():
    q = Gaussian().layer(64, 8)(torch.randn(32, 64))
    torch.testing.assert_close(q.std, torch.full((32, 8), 0.1), rtol=0.05, atol=0.0)


def test_the_broad_gaussian_starts_where_musicvae_does():
    q = BROAD_GAUSSIAN.layer(64, 8)(torch.randn(256, 64))
    assert abs(q.kl().mean().item() - 0.107) < 0.001
    torch.testing.assert_close(q.std, torch.full((256, 8), LN2), rtol=0.05, atol=0.0)
    assert q.mean.abs().max() < 0.05
