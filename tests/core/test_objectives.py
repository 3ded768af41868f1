from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch

from core.linear_gaussian import LinearGaussian
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian
from musicae.core.bounds import draws, importance_weighted_bound
from musicae.core.conditioning import Conditioning
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Dense, Recurrent
from musicae.core.objectives import Elbo, ImportanceWeighted, Reconstruction
from musicae.core.penalties import L2
from musicae.core.posteriors import GaussianPosterior
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant, InverseSigmoid, Linear, Saturating

LN2 = math.log(2)
MODEL = LinearGaussian(shift=0.2)
X = MODEL.data(16)


def terms(objective, target: torch.Tensor = X, corrupted: torch.Tensor | None = None, step: int = 0):
    return objective(MODEL, Batch(target), target if corrupted is None else corrupted, step, RandomSource(1))


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


ALL = [Elbo(), Reconstruction(), ImportanceWeighted(Constant(1))]


@pytest.mark.parametrize("objective", ALL)
def test_the_target_is_reconstructed_from_corrupted_data(objective):
    corrupted = X + 1
    got = terms(objective, X, corrupted)
    z = MODEL.encode(corrupted).sample(RandomSource(1))
    torch.testing.assert_close(got.distortion, -MODEL.decode(z).log_prob(X))


@pytest.mark.parametrize("objective", ALL)
def test_the_distortion_is_summed_over_the_event(objective):
    """Not a mean over pixels, which would hide a beta of the number of pixels."""
    network = build(Dense(widths=(8,)), ExampleSpec("bernoulli", 2, (4, 4)), 3, Gaussian())
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.zero_()
    got = objective(network, Batch(torch.ones(5, 2, 4, 4)), torch.ones(5, 2, 4, 4), 0, RandomSource(0))
    torch.testing.assert_close(got.distortion, torch.full((5,), 2 * 4 * 4 * LN2))


def test_scheduled_sampling_follows_its_schedule():
    """At probability 0 the decoder reads the true steps alone; as it rises, its own samples."""
    torch.manual_seed(0)
    network = build(Recurrent((6,), (5,)), ExampleSpec("categorical", 4, (8,)), 3, Gaussian())
    x = RandomSource(2).integers(0, 3, 6, 8)

    def distortion(objective: Elbo, step: int = 0) -> torch.Tensor:
        with torch.no_grad():
            return objective(network, Batch(x), x, step, RandomSource(1)).distortion

    forced = distortion(Elbo())
    assert torch.equal(distortion(Elbo(scheduled_sampling=Constant(0.0))), forced)
    always = distortion(Elbo(scheduled_sampling=Constant(1.0)))
    assert not torch.allclose(always, forced)
    late = Elbo(scheduled_sampling=InverseSigmoid(1000.0))
    assert torch.equal(distortion(late, step=10**6), always)


# What a posterior charges and reports


@dataclass(frozen=True)
class Charging(GaussianPosterior):
    """A posterior that charges for the length of its mean."""

    def penalty(self) -> torch.Tensor:
        return self.mean.square().sum(1)

    def metrics(self) -> dict[str, torch.Tensor]:
        return {"mean_length": self.mean.norm(dim=1).mean()}


class ChargingModel(LinearGaussian):
    def encode(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> Charging:
        posterior = super().encode(x, condition)
        return Charging(posterior.mean, posterior.std)


@pytest.mark.parametrize("objective", [*ALL, Reconstruction(L2(0.5))])
def test_every_objective_charges_and_reports_what_the_posterior_does(objective):
    plain = objective(LinearGaussian(), Batch(X), X, 0, RandomSource(1))
    got = objective(ChargingModel(), Batch(X), X, 0, RandomSource(1))
    charged = ChargingModel().encode(X).penalty()
    torch.testing.assert_close(got.loss, plain.loss + charged.mean())
    torch.testing.assert_close(got.penalty, plain.penalty + charged)
    assert torch.equal(got.distortion, plain.distortion)
    assert plain.metrics == {}
    assert got.metrics == {"mean_length": ChargingModel().encode(X).mean.norm(dim=1).mean()}


# Importance weights


MISMATCHED = LinearGaussian(shift=0.2, factor=1.5)


def weighted(samples: int, model=MISMATCHED, x: torch.Tensor = X, seed: int = 1):
    return ImportanceWeighted(Constant(samples))(model, Batch(x), x, 0, RandomSource(seed))


@pytest.mark.parametrize("samples", [1, 5])
def test_the_bound_that_is_trained_is_the_bound_that_is_measured(samples):
    got = weighted(samples)
    torch.testing.assert_close(got.loss, -importance_weighted_bound(MISMATCHED, X, samples, RandomSource(1)).mean())


def test_with_one_sample_the_bound_is_the_elbo_on_average():
    """The rate is measured by the same z, not in closed form, so a single draw differs."""
    x = MODEL.data(4).repeat_interleave(20_000, 0)
    got = weighted(1, x=x)
    assert got.loss.item() == pytest.approx(-got.elbo.mean().item(), abs=0.02)
    assert got.loss.item() == pytest.approx(Elbo()(MISMATCHED, Batch(x), x, 0, RandomSource(2)).loss.item(), abs=0.05)


def test_more_samples_make_the_bound_tighter_up_to_the_likelihood():
    x = MODEL.data(4)
    many = x.repeat_interleave(1000, 0)
    losses = [weighted(k, x=many).loss.item() for k in (1, 2, 8, 64)]
    assert losses == sorted(losses, reverse=True)
    exact = -MISMATCHED.log_likelihood(x).mean().item()
    assert losses[0] > exact + 0.25
    assert losses[-1] == pytest.approx(exact, abs=0.03)


def test_with_the_exact_posterior_every_bound_is_the_likelihood():
    exact = LinearGaussian()
    for samples in (1, 3):
        assert weighted(samples, exact).loss.item() == pytest.approx(-exact.log_likelihood(X).mean().item(), abs=1e-5)


def test_rate_and_distortion_carry_no_importance():
    """They are those of the ELBO, the distortion a mean over the z of each example."""
    got = weighted(3)
    posterior = MISMATCHED.encode(X)
    z = draws(posterior, 3, RandomSource(1))
    expected = torch.stack([MISMATCHED.decode(part).log_prob(X) for part in z]).mean(0)
    torch.testing.assert_close(got.distortion, -expected)
    torch.testing.assert_close(got.rate, posterior.kl().sum(1))
    assert not got.penalty.any()


def test_gradients_of_the_bound_reach_encoder_and_decoder():
    model = LinearGaussian(shift=0.2, factor=1.5)
    weighted(5, model).loss.backward()
    for part in (model.bottleneck, model.decoder):
        assert all(p.grad is not None and p.grad.abs().sum() > 1e-3 for p in part.parameters())


def test_the_number_of_samples_follows_its_schedule():
    decoded = []

    class Spy(LinearGaussian):
        def decode(self, z):
            decoded.append(len(z))
            return super().decode(z)

    model, objective = Spy(), ImportanceWeighted(Linear(1, 50, 0, 1000))
    for step, samples in ((0, 1), (500, 26), (5000, 50)):
        decoded.clear()
        objective(model, Batch(X), X, step, RandomSource(0))
        assert max(decoded) == samples * len(X)


def test_each_sample_is_decoded_with_the_condition_of_its_own_example():
    torch.manual_seed(0)
    model = build(Dense((8,)), ExampleSpec("bernoulli", 1, (6,)), 2, Gaussian(), conditioning=Conditioning(size=4))
    x, condition = RandomSource(2).uniform(4, 1, 6), torch.eye(4)
    got = ImportanceWeighted(Constant(3))(model, Batch(x, condition), x, 0, RandomSource(1))
    z, total = draws(model.conditioned_on(condition).encode(x), 3, RandomSource(1)), 0.0
    for i in range(4):
        own = model.conditioned_on(condition[i : i + 1])
        posterior = own.encode(x[i : i + 1])
        prior = torch.distributions.Normal(0.0, 1.0).log_prob(z[:, i]).sum(-1)
        log_weights = [
            own.decode(z[k, i : i + 1]).log_prob(x[i : i + 1]) + prior[k] - posterior.log_prob(z[k, i : i + 1])
            for k in range(3)
        ]
        total = total + torch.stack(log_weights).exp().mean().log()
    torch.testing.assert_close(got.loss, -total / 4)
    torch.testing.assert_close(
        got.loss, -importance_weighted_bound(model.conditioned_on(condition), x, 3, RandomSource(1)).mean()
    )
