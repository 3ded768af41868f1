from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Point
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Dense
from musicae.core.objectives import Reconstruction
from musicae.core.penalties import L1, L2, MMD, AdversarialPenalty, discrepancy
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.core.training import STATE, Task, Trainer

Z = torch.tensor([[1.0, -2.0, 0.0], [0.5, 0.0, 0.0]])
EVENT = ExampleSpec("bernoulli", 1, (4, 4))
ADVERSARY = AdversarialPenalty(weight=2.0, widths=(16, 8))


def small(latent: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    return build(Dense((8,)), EVENT, latent, Point())


# In closed form


@pytest.mark.parametrize(
    ("penalty", "expected"), [(L1(2.0), [6.0, 1.0]), (L2(2.0), [5.0, 0.25])], ids=["absolute", "square"]
)
def test_penalties_of_each_code_are_what_they_say(penalty, expected):
    assert penalty(Z, RandomSource(0)).tolist() == expected


@given(st.floats(0.01, 10), st.sampled_from([L1, L2]))
def test_a_code_at_the_origin_costs_nothing_and_the_weight_is_a_factor(weight, kind):
    assert not kind(weight)(torch.zeros(2, 3), RandomSource(0)).any()
    torch.testing.assert_close(kind(weight)(Z, RandomSource(0)), weight * kind(1.0)(Z, RandomSource(0)))


@pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3), MMD(5.0)], ids=lambda p: type(p).__name__)
def test_the_loss_is_the_distortion_and_the_penalty(penalty):
    """The distortion itself never carries it."""
    model, x = small(), RandomSource(1).uniform(9, 1, 4, 4)
    plain = Reconstruction()(model, Batch(x), x, 0, RandomSource(2))
    got = Reconstruction(penalty)(model, Batch(x), x, 0, RandomSource(2))
    assert torch.equal(got.distortion, plain.distortion)
    torch.testing.assert_close(got.loss, plain.loss + penalty(model.encode(x).mean, RandomSource(2)).mean())
    torch.testing.assert_close(got.loss, (got.distortion + got.penalty).mean())
    assert got.penalty.shape == (9,)
    assert not plain.penalty.any()


# The discrepancy


def of_draws(draw, seeds: int = 200, n: int = 32, latent: int = 4) -> torch.Tensor:
    """Discrepancies of `n` codes made by `draw` from normal ones, one for each seed."""
    sources = (RandomSource(5, seed) for seed in range(seeds))
    return torch.stack([MMD(1.0)(draw(RandomSource(6, i).normal(n, latent)), s) for i, s in enumerate(sources)])


def test_the_discrepancy_of_normal_codes_is_zero_on_average():
    """It is unbiased, so it is below 0 about as often as above; with i = j counted it would never be."""
    values = of_draws(lambda z: z)
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(len(values))
    assert 0.3 < (values < 0).float().mean() < 0.8


@pytest.mark.parametrize(
    "draws",
    [
        [lambda z, s=s: z + s for s in (0.0, 0.5, 1.0, 3.0)],
        [lambda z, s=s: z * s for s in (1.0, 1.5, 3.0, 10.0)],
        [lambda z, s=s: z * s for s in (1.0, 0.7, 0.3, 0.0)],
        [lambda z, s=s: torch.where(z > 0, z + s, z - s) for s in (0.0, 1.0, 2.0, 4.0)],
    ],
    ids=["shift", "wider", "narrower", "two lumps"],
)
def test_the_discrepancy_grows_as_codes_leave_the_prior(draws):
    means = [of_draws(draw, seeds=20, n=64).mean().item() for draw in draws]
    assert means == sorted(means)
    assert means[1] > 0.02


def test_the_discrepancy_is_the_sum_over_pairs():
    a, b = RandomSource(1).normal(4, 2), RandomSource(2).normal(5, 2) + 1

    def kernel(x, y) -> float:
        sizes = [2 * 2 * scale for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        return sum(size / (size + float((x - y).square().sum())) for size in sizes)

    def mean(pairs) -> float:
        return np.mean([kernel(x, y) for x, y in pairs])

    near = mean([(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    far = mean([(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    between = mean([(x, y) for x in a for y in b])
    assert discrepancy(a, b).item() == pytest.approx(near + far - 2 * between, abs=1e-5)
    torch.testing.assert_close(discrepancy(a, b), discrepancy(b, a))


def test_a_single_code_has_a_finite_discrepancy():
    z = torch.zeros(1, 3, requires_grad=True)
    MMD(1.0)(z, RandomSource(0)).backward()
    assert z.grad.isfinite().all()


def test_gradients_of_the_discrepancy_pull_codes_to_the_prior():
    z = (0.2 * RandomSource(0).normal(256, 2) + 2).requires_grad_()
    optimizer = torch.optim.Adam([z], 0.05)
    for step in range(80):
        optimizer.zero_grad()
        MMD(100.0)(z, RandomSource(1, step)).backward()
        optimizer.step()
    middle, spread = z.detach().quantile(torch.tensor([0.5]), 0), z.detach().std(0)
    assert middle.abs().max() < 0.5  # from 2
    assert (spread > 0.6).all()  # from 0.2
    assert (spread < 1.6).all()


# The adversary


def sides(weight: float, smoothness: float = 1.0) -> tuple[torch.nn.Module, Task, torch.Tensor]:
    """A model with a discriminator, and pictures."""
    model = small()
    torch.manual_seed(1)
    return (
        model,
        Task(model, Reconstruction(replace(ADVERSARY, weight=weight, smoothness=smoothness))),
        RandomSource(1).uniform(9, 1, 4, 4),
    )


@pytest.mark.parametrize(("weight", "smoothness"), [(1.0, 0.0), (2.5, 1.5)])
def test_each_side_of_the_adversary_gets_the_gradient_of_its_own_loss(weight, smoothness):
    """The discriminator that of `−ln D(draw) − ln (1 − D(code))` and of its slope at the draws, the model that of
    `distortion − weight · ln D(code)`: neither a trace of the other's."""
    model, task, x = sides(weight, smoothness)
    task(Batch(x), 0, RandomSource(3)).loss.backward()
    discriminator = task.discriminator

    z, draws = model.encode(x).mean, RandomSource(3).normal(9, 3).requires_grad_()
    detected, fooled = discriminator(z.detach()), discriminator(z)
    detection = cross_entropy(discriminator(draws), torch.ones(9)) + cross_entropy(detected, torch.zeros(9))
    slope = torch.autograd.grad(discriminator(draws).sum(), draws, create_graph=True)[0]
    detection = detection + smoothness / 2 * slope.square().sum(1).mean()
    for weights, gradient in zip(
        discriminator.parameters(), torch.autograd.grad(detection, list(discriminator.parameters())), strict=True
    ):
        assert gradient.any()
        torch.testing.assert_close(weights.grad, gradient)

    loss = -model.decode(z).log_prob(x).mean() + weight * cross_entropy(fooled, torch.ones(9))
    for weights, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True):
        torch.testing.assert_close(weights.grad, gradient)


def test_the_value_of_the_adversary_is_the_deception_alone():
    model, task, x = sides(2.0)
    got = task(Batch(x), 0, RandomSource(3))
    logits = task.discriminator(model.encode(x).mean)
    torch.testing.assert_close(got.penalty, 2.0 * cross_entropy(logits, torch.ones(9), reduction="none"))
    torch.testing.assert_close(got.loss, (got.distortion + got.penalty).mean())
    with torch.no_grad():
        assert torch.equal(task(Batch(x), 0, RandomSource(3)).penalty, got.penalty)


def test_the_discriminator_answers_one_number_for_each_code():
    discriminator = ADVERSARY.discriminator(3)
    assert discriminator(torch.randn(7, 3)).shape == (7,)
    torch.testing.assert_close(discriminator.frozen(Z), discriminator(Z))
    assert len(list(discriminator.parameters())) == 6


def test_only_the_adversarial_penalty_has_a_discriminator():
    assert Reconstruction(ADVERSARY).discriminator(3) is not None
    for penalty in (None, L2(1.0), MMD(1.0)):
        assert Task(small(), Reconstruction(penalty)).discriminator is None


# The adversary, trained


class Digits:
    """The digits of scikit-learn at 4 by 4 pixels."""

    def __init__(self):
        from sklearn.datasets import load_digits

        whole = torch.from_numpy(load_digits().images).float()[:, None] / 16
        self.x = torch.nn.functional.avg_pool2d(whole, 2)

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices, random=None) -> Batch:
        return Batch(self.x[torch.from_numpy(indices)])


DIGITS = Digits()
SETTINGS = Training(
    steps=20,
    batch_size=64,
    learning_rate=Constant(3e-3),
    validate_every=10,
    validation_examples=64,
    precision="float32",
)


def trainer(folder, steps: int = 20, frozen: bool = False) -> Trainer:
    torch.manual_seed(0)
    model = build(Dense((8,)), EVENT, 3, Point())
    for parameter in (*model.encoder.parameters(), *model.bottleneck.parameters()):
        parameter.requires_grad_(not frozen)
    settings, options = replace(SETTINGS, steps=steps), {"save": lambda *_: None, "device": "cpu", "quiet": True}
    return Trainer(Task(model, Reconstruction(ADVERSARY)), (DIGITS, DIGITS), settings, folder, **options)


def test_training_changes_the_discriminator_and_a_resumed_run_goes_on_with_it_to_the_bit(tmp_path):
    running = trainer(tmp_path / "whole")
    before = {name: weights.clone() for name, weights in running.state.task.discriminator.state_dict().items()}
    whole = running.run().task.state_dict()
    assert all(not torch.equal(whole[f"discriminator.{name}"], weights) for name, weights in before.items())

    trainer(tmp_path / "parts", steps=10).run()
    saved = torch.load(tmp_path / "parts" / STATE, weights_only=True)["task"]
    assert saved.keys() == whole.keys()
    assert not torch.equal(saved["discriminator.layers.1.weight"], whole["discriminator.layers.1.weight"])
    content = torch.load(tmp_path / "parts" / STATE, weights_only=True)
    content["task"] = {name.replace("discriminator.", "learner."): one for name, one in content["task"].items()}
    torch.save(content, tmp_path / "parts" / STATE)  # as older versions named it
    resumed = trainer(tmp_path / "parts").run(resume=True).task.state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_discriminator_tells_codes_from_draws_while_the_encoder_stands_still(tmp_path):
    """Its loss ends well below the 2 ln 2 of a coin."""
    state = trainer(tmp_path, steps=150, frozen=True).run()
    with torch.no_grad():
        codes = state.task.discriminator(state.task.model.encode(DIGITS.x).mean)
        draws = state.task.discriminator(RandomSource(9).normal(len(codes), 3))
    right = torch.cat([codes < 0, draws > 0]).float().mean()
    loss = cross_entropy(codes, torch.zeros(len(codes))) + cross_entropy(draws, torch.ones(len(draws)))
    assert right > 0.8
    assert loss < 2 * math.log(2) - 0.25
