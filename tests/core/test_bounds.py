"""Bounds of the log-likelihood where it has a closed form."""

from __future__ import annotations

import pytest
import torch

from core.linear_gaussian import LinearGaussian
from musicae.core.bounds import AT_ONCE, importance_weighted_bound
from musicae.core.data import Batch
from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource

MISMATCHED = {"shift": 0.2, "factor": 1.5}
X = LinearGaussian().data(4)


def elbo(model: LinearGaussian, n: int = 20_000) -> torch.Tensor:
    """The ELBO of each of X, the mean over `n` draws of z, `[batch]`."""
    target = X.repeat_interleave(n, 0)
    with torch.no_grad():
        return Elbo()(model, Batch(target), target, 0, RandomSource(0)).elbo.view(len(X), n).mean(1)


def test_with_the_exact_posterior_the_elbo_is_the_log_likelihood():
    model = LinearGaussian()
    torch.testing.assert_close(elbo(model), model.log_likelihood(X), rtol=0.0, atol=0.05)


@pytest.mark.parametrize("other", [{"shift": 0.3}, {"factor": 2.0}, MISMATCHED])
def test_with_another_posterior_the_elbo_is_lower_by_exactly_their_divergence(other):
    model = LinearGaussian(**other)
    assert (model.gap(X) > 0.25).all()
    torch.testing.assert_close(elbo(model), model.log_likelihood(X) - model.gap(X), rtol=0.0, atol=0.07)


def test_with_the_exact_posterior_one_weighted_sample_is_the_log_likelihood():
    """p(x, z) / q(z | x) = p(x) for every z, so nothing is left to chance."""
    model = LinearGaussian()
    for k in (1, 5):
        bound = importance_weighted_bound(model, X, k, RandomSource(k))
        torch.testing.assert_close(bound, model.log_likelihood(X), rtol=0.0, atol=1e-5)


def test_the_importance_weighted_bound_rises_from_the_elbo_to_the_log_likelihood():
    model, n = LinearGaussian(**MISMATCHED), 2000
    target = X.repeat_interleave(n, 0)

    def bound(k: int) -> torch.Tensor:
        return importance_weighted_bound(model, target, k, RandomSource(k)).view(len(X), n).mean(1)

    bounds = torch.stack([bound(k) for k in (1, 2, 8, 64)])
    torch.testing.assert_close(bounds[0], elbo(model), rtol=0.0, atol=0.15)
    assert (bounds.diff(dim=0) > 0).all()
    assert (bounds < model.log_likelihood(X) + 0.01).all()
    torch.testing.assert_close(bounds[-1], model.log_likelihood(X), rtol=0.0, atol=0.03)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_measured_likelihood_is_the_closed_form(seed):
    """With more samples than are decoded at once, by an encoder that is not exact."""
    samples = 100 * AT_ONCE + 3
    bound = importance_weighted_bound(LinearGaussian(**MISMATCHED), X, samples, RandomSource(seed))
    torch.testing.assert_close(bound, LinearGaussian().log_likelihood(X), rtol=0.0, atol=0.1)
