from __future__ import annotations

import math

import pytest
import torch
from linear_gaussian import LinearGaussian

from musicae.core.autoencoder import build
from musicae.core.event import Event
from musicae.core.networks import Dense, Recurrent
from musicae.core.objectives import Elbo, Reconstruction
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant, InverseSigmoid, Saturating

LN2 = math.log(2)
MODEL = LinearGaussian(shift=0.2)
X = MODEL.data(16)


def terms(objective, clean: torch.Tensor = X, damaged: torch.Tensor | None = None, step: int = 0):
    return objective(MODEL, clean, clean if damaged is None else damaged, step, RandomSource(1))


def test_the_rate_is_the_divergence_from_the_prior_and_the_distortion_minus_the_log_likelihood():
    q = MODEL.encode(X)
    got = terms(Elbo())
    torch.testing.assert_close(got.rate, q.kl().sum(1))
    z = q.sample(RandomSource(1))
    torch.testing.assert_close(got.distortion, -MODEL.decode(z).log_prob(X))
    assert torch.equal(got.accuracy, MODEL.decode(z).accuracy(X))


def test_with_a_beta_of_1_the_loss_is_minus_the_elbo():
    got = terms(Elbo())
    torch.testing.assert_close(got.loss, -got.elbo.mean())


@pytest.mark.parametrize(
    "weighted", [Elbo(beta=Constant(0.1)), Elbo(free_bits=2.0), Elbo(free_bits_per_group=1.0, groups=3)]
)
def test_weights_change_the_loss_and_nothing_else(weighted):
    """What is called rate, distortion and ELBO never carries a weight."""
    plain, got = terms(Elbo()), terms(weighted)
    assert got.loss != plain.loss
    for name in ("rate", "distortion", "elbo", "accuracy"):
        assert torch.equal(getattr(got, name), getattr(plain, name))


def test_beta_follows_its_schedule():
    objective = Elbo(beta=Saturating(0.2, 0.999))
    for step in (0, 1, 1000):
        got = terms(objective, step=step)
        expected = got.distortion.mean() + 0.2 * (1 - 0.999**step) * got.rate.mean()
        torch.testing.assert_close(got.loss, expected)


def test_the_loss_of_musicvae():
    """`mean(distortion) + beta · mean(max(rate − bits · ln 2, 0))`; some are below the allowance, some above."""
    got = terms(Elbo(beta=Saturating(0.2, 0.0), free_bits=4.0), step=1)
    beyond = (got.rate - 4.0 * LN2).clamp(min=0)
    assert 0 < (beyond > 0).sum() < len(X)
    torch.testing.assert_close(got.loss, got.distortion.mean() + 0.2 * beyond.mean())


def test_a_rate_within_the_free_bits_costs_nothing():
    got = terms(Elbo(beta=Constant(1.0), free_bits=1000.0))
    assert got.loss == got.distortion.mean()


def test_reconstruction_is_the_distortion_alone():
    got, elbo = terms(Reconstruction()), terms(Elbo())
    assert got.loss == got.distortion.mean()
    assert torch.equal(got.distortion, elbo.distortion)
    assert torch.equal(got.rate, elbo.rate)


@pytest.mark.parametrize("objective", [Elbo(), Reconstruction()])
def test_the_clean_data_are_given_back_from_the_damaged(objective):
    damaged = X + 1
    got = terms(objective, X, damaged)
    z = MODEL.encode(damaged).sample(RandomSource(1))
    torch.testing.assert_close(got.distortion, -MODEL.decode(z).log_prob(X))


@pytest.mark.parametrize("objective", [Elbo(), Reconstruction()])
def test_the_distortion_is_summed_over_the_event(objective):
    """Not a mean over pixels, which would hide a beta of the number of pixels."""
    network = build(Dense(widths=(8,)), Event("bernoulli", 2, (4, 4)), 3, "gaussian")
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.zero_()
    got = objective(network, torch.ones(5, 2, 4, 4), torch.ones(5, 2, 4, 4), 0, RandomSource(0))
    torch.testing.assert_close(got.distortion, torch.full((5,), 2 * 4 * 4 * LN2))


def test_feedback_follows_its_schedule():
    """At probability 0 the decoder hears the truth alone; as it rises, its own samples."""
    torch.manual_seed(0)
    network = build(Recurrent((6,), (5,)), Event("categorical", 4, (8,)), 3, "gaussian")
    x = RandomSource(2).integers(0, 3, 6, 8)

    def distortion(objective: Elbo, step: int = 0) -> torch.Tensor:
        with torch.no_grad():
            return objective(network, x, x, step, RandomSource(1)).distortion

    forced = distortion(Elbo())
    assert torch.equal(distortion(Elbo(feedback=Constant(0.0))), forced)
    always = distortion(Elbo(feedback=Constant(1.0)))
    assert not torch.allclose(always, forced)
    late = Elbo(feedback=InverseSigmoid(1000.0))
    assert torch.equal(distortion(late, step=10**6), always)
