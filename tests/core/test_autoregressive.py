"""The decoder of a sequence as a distribution."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.networks.recurrent_models import FAMILIES, MODEL, X, Z, condition, lively, step_by_step
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import ScheduledSampling, choose
from musicae.core.networks import Recurrent
from musicae.core.randomness import RandomSource


def test_the_teacher_forced_log_prob_is_the_sum_over_steps():
    steps = torch.log_softmax(step_by_step(lambda t, _: X[:, t]), -1)
    expected = steps.gather(-1, X.unsqueeze(-1)).squeeze(-1).sum(1)
    torch.testing.assert_close(MODEL.decode(Z).log_prob(X), expected)


def test_probabilities_of_all_sequences_sum_to_one():
    torch.manual_seed(0)
    model = build(Recurrent((3,), (4,)), ExampleSpec("categorical", 3, (4,)), 2, Gaussian()).eval()
    everything = torch.cartesian_prod(*[torch.arange(3)] * 4)
    z = RandomSource(3).normal(1, 2).expand(len(everything), -1)
    torch.testing.assert_close(model.decode(z).log_prob(everything).exp().sum(), torch.tensor(1.0))


def test_no_step_depends_on_later_ones():
    changed = X.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 6
    before, after = (MODEL.decode(Z).teacher_forced(x).logits for x in (X, changed))
    assert torch.equal(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6], after[:, 6])


def test_greedy_is_the_most_probable_class_after_its_own():
    mode = MODEL.decode(Z).mode()
    assert torch.equal(mode, step_by_step(lambda t, logits: logits.argmax(-1)).argmax(-1))
    assert torch.equal(mode, MODEL.decode(Z).mode())
    assert torch.equal(mode, MODEL.decode(Z).sample(RandomSource(5), temperature=0.0))
    assert torch.equal(MODEL.decode(Z).accuracy(mode), torch.ones(64))


def test_samples_run_freely_and_depend_on_the_source_alone():
    likelihood, uniform = MODEL.decode(Z), RandomSource(5).uniform(64, 9)
    sample = likelihood.sample(RandomSource(5), 0.8, 0.9)
    free = step_by_step(lambda t, logits: choose(logits, uniform[:, t], 0.8, 0.9))
    assert torch.equal(sample, choose(free, uniform, 0.8, 0.9))
    assert torch.equal(sample, likelihood.sample(RandomSource(5), 0.8, 0.9))
    assert not torch.equal(sample, likelihood.sample(RandomSource(6), 0.8, 0.9))


def test_samples_are_as_frequent_as_they_are_probable():
    torch.manual_seed(0)
    model = build(Recurrent((3,), (4,)), ExampleSpec("categorical", 2, (3,)), 2, Gaussian()).eval()
    z = RandomSource(3).normal(1, 2).expand(20_000, -1)
    numbers = model.decode(z).sample(RandomSource(0)) @ torch.tensor([4, 2, 1])
    everything = torch.cartesian_prod(*[torch.arange(2)] * 3)
    expected = model.decode(z[:8]).log_prob(everything).exp().detach()
    torch.testing.assert_close(numbers.bincount(minlength=8) / 20_000, expected, rtol=0.0, atol=0.015)


BOTH = [(name, size) for name in FAMILIES for size in (0, 2)]


@pytest.mark.parametrize(("name", "size"), BOTH)
def test_the_greedy_decode_is_the_most_probable_after_itself(name, size):
    """Free running step by step, and teacher forcing of all steps and segments at once, are one model."""
    model = lively(name, size)
    likelihood = model.decode(Z, condition(size))
    decoded = likelihood.mode()
    again = likelihood.teacher_forced(decoded).mode()
    there = decoded < 4 if name == "ending" else torch.ones_like(decoded, dtype=torch.bool)
    torch.testing.assert_close(again[there], decoded[there], rtol=1e-4, atol=1e-5)
    assert torch.equal(likelihood.sample(RandomSource(0), temperature=0.0), decoded)
    assert len({bytes(one.numpy()) for one in decoded.detach()}) > 5, "nearly the same whatever z is"


# Scheduled sampling


def scheduled(probability: float, x: torch.Tensor = X, seed: int = 5) -> torch.Tensor:
    return MODEL.decode(Z).teacher_forced(x, ScheduledSampling(probability, RandomSource(seed))).logits


def test_scheduled_sampling_of_0_is_teacher_forcing():
    assert torch.equal(scheduled(0.0), MODEL.decode(Z).teacher_forced(X).logits)


def test_scheduled_sampling_of_nearly_0_computes_what_teacher_forcing_computes():
    torch.testing.assert_close(scheduled(1e-9), MODEL.decode(Z).teacher_forced(X).logits)


def test_scheduled_sampling_of_1_reads_its_own_samples_alone():
    """The truth makes no difference; the samples are drawn at temperature 1 from the same source."""
    assert torch.equal(scheduled(1.0), scheduled(1.0, (X + 1) % 6))
    draws = RandomSource(5).uniform(64, 2, 9)[:, 1]
    torch.testing.assert_close(scheduled(1.0), step_by_step(lambda t, logits: choose(logits, draws[:, t])))


def test_scheduled_sampling_of_one_half_reads_its_own_samples_after_heads():
    coins, draws = RandomSource(5).uniform(64, 2, 9).unbind(1)
    own = choose(MODEL.decode(Z).teacher_forced(X).logits[:, 0], draws[:, 0])
    mixed = torch.where(coins[:, 0] < 0.5, own, X[:, 0]).unsqueeze(1).expand(-1, 9)
    torch.testing.assert_close(scheduled(0.5)[:, 1], MODEL.decode(Z).teacher_forced(mixed).logits[:, 1])
    assert 0.3 < (coins[:, 0] < 0.5).float().mean() < 0.7


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_of_nearly_0_is_teacher_forcing_for_every_kind_of_step(name):
    model = lively(name)
    x = model.decode(Z).sample(RandomSource(1))
    mixed = model.decode(Z).teacher_forced(x, ScheduledSampling(1e-9, RandomSource(5)))
    torch.testing.assert_close(mixed.log_prob(x), model.decode(Z).log_prob(x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_of_1_never_reads_the_truth(name):
    model = lively(name)
    x, other = (model.decode(Z).sample(RandomSource(seed)) for seed in (1, 2))
    always = [ScheduledSampling(1.0, RandomSource(5)) for _ in range(2)]
    likelihoods = [model.decode(Z).teacher_forced(*one) for one in zip((x, other), always, strict=True)]
    torch.testing.assert_close(*(likelihood.log_prob(x) for likelihood in likelihoods))


# Ends


def test_after_the_end_of_a_segment_there_is_nothing_until_the_next_begins():
    decoded = lively("ending").decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4))
    over = ((decoded == 3).cumsum(-1) - (decoded == 3).long()) > 0
    assert over.any()
    assert torch.equal(decoded == 4, over)


def test_a_decoder_that_feeds_after_an_end_reads_what_it_does_not_show():
    """What it shows is what it generates without any end, up to the end of each segment."""
    model, endless = lively("ending"), lively("ending")
    model.decoder.settings = replace(model.decoder.settings, feed_after_end=True)
    endless.decoder.example_spec = replace(endless.decoder.example_spec, end=None)
    shown, endlessly = (one.decode(Z).sample(RandomSource(2)).unflatten(1, (3, 4)) for one in (model, endless))
    over = ((endlessly == 3).cumsum(-1) - (endlessly == 3).long()) > 0
    assert over.any()
    assert torch.equal(shown, endlessly.masked_fill(over, 4))
    assert not torch.equal(shown.flatten(1), lively("ending").decode(Z).sample(RandomSource(2)))


@pytest.mark.parametrize("name", FAMILIES)
def test_scheduled_sampling_is_teacher_forcing_of_truth_and_samples(name):
    """Whatever it is computed with, and for samples no gradient is kept."""
    model = lively(name)
    x = model.decode(Z).sample(RandomSource(1))
    z = Z.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        model.decode(z).teacher_forced(x, ScheduledSampling(0.5, RandomSource(5))).log_prob(x).sum().backward()
    assert z.grad.abs().sum() > 0
    first, second = (
        model.decode(Z).teacher_forced(x, ScheduledSampling(1.0, RandomSource(seed))).log_prob(x) for seed in (5, 6)
    )
    assert not torch.equal(first, second)
