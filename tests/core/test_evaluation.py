from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from core.linear_gaussian import SIZES, STD, LinearGaussian
from musicae.core import evaluation
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Point
from musicae.core.conditioning import Conditioning
from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.data import Batch
from musicae.core.evaluation import ACTIVE, measure
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Dense
from musicae.core.posteriors import GaussianPosterior
from musicae.core.randomness import RandomSource


class Fixed:
    """Examples that are there already."""

    def __init__(self, data: torch.Tensor):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        return Batch(self.data[torch.from_numpy(indices)])


def score(decoded: torch.Tensor, truth: torch.Tensor) -> dict[str, tuple[float, float]]:
    """Near values among the positive ones: the denominator differs from batch to batch."""
    positive = truth > 0
    near = ((decoded - truth).abs() < STD) & positive
    return {"near": (near.sum().item(), positive.sum().item()), "never": (0, 0)}


def in_batches(size: int, *arguments, **options) -> dict:
    """As `measure`, with so many examples at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "BATCH_SIZE", size)
        return measure(*arguments, **options)


def figures(batch_size: int, n: int = 300, **options) -> dict:
    return in_batches(batch_size, LinearGaussian(), Fixed(LinearGaussian().data(n)), score, **options)


def test_the_size_of_batches_does_not_matter():
    """Ratios are summed before they are divided; only the draws depend on how examples are grouped."""
    whole, parts = figures(300), figures(7)
    assert whole["examples"] == parts["examples"] == 300
    assert parts["mean"]["greedy"] == whole["mean"]["greedy"]
    assert parts["rate"] == pytest.approx(whole["rate"])
    assert parts["active_units"] == whole["active_units"]
    assert parts["elbo"] == pytest.approx(whole["elbo"], abs=0.3)


def test_ratios_are_those_of_all_examples_at_once():
    data, model = LinearGaussian().data(300), LinearGaussian()
    with torch.no_grad():
        near, positive = score(model.reconstruct(data), data)["near"]
    assert figures(32)["mean"]["greedy"] == {"near": near / positive, "never": None}


def test_the_figures_are_those_of_the_objective():
    measured = figures(64, n=4000)
    assert measured["elbo"] == pytest.approx(-measured["rate"] - measured["distortion"])
    expected = LinearGaussian().log_likelihood(LinearGaussian().data(4000)).mean().item()
    assert measured["elbo"] == pytest.approx(expected, abs=0.1)


def test_the_same_seed_measures_the_same_and_others_differ():
    assert figures(50, seed=1) == figures(50, seed=1)
    assert figures(50, seed=1)["distortion"] != figures(50, seed=2)["distortion"]


def test_active_units_are_those_whose_means_move_with_the_data():
    """The third column of W is so short that its posterior hardly moves."""
    moved = LinearGaussian().encode(LinearGaussian().data(300)).mean.var(0)
    assert (moved > ACTIVE).tolist() == (SIZES > 0.1).tolist()
    assert figures(64)["active_units"] == 2


def test_every_way_of_decoding_is_measured_for_mean_and_sample():
    ways: dict[str, Callable] = {"twice": lambda likelihood, random: 2 * likelihood.mode()}
    measured = figures(64, ways=ways)
    assert list(measured["mean"]) == list(measured["sample"]) == ["twice"]
    assert measured["mean"]["twice"] != measured["sample"]["twice"]
    assert set(figures(64)["mean"]) == {"greedy", "temperature_1"}


@dataclass(frozen=True)
class Reporting(GaussianPosterior):
    def metrics(self) -> dict[str, torch.Tensor]:
        return {"mean_length": self.mean.norm(dim=1).mean()}


class ReportingModel(LinearGaussian):
    def encode(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> Reporting:
        posterior = super().encode(x, condition)
        return Reporting(posterior.mean, posterior.std)


@pytest.mark.parametrize("batch_size", [300, 7])
def test_what_a_posterior_reports_is_averaged_over_the_examples(batch_size):
    data = LinearGaussian().data(300)
    measured = in_batches(batch_size, ReportingModel(), Fixed(data), score)
    expected = LinearGaussian().encode(data).mean.norm(dim=1).mean().item()
    assert measured["posterior"] == {"mean_length": pytest.approx(expected)}
    assert "posterior" not in figures(300)


def test_progress_counts_the_examples():
    done: list[int] = []
    figures(128, progress=done.append)
    assert done == [128, 128, 44]


class Labelled(Fixed):
    """Pictures with a condition: classes in turn."""

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        return Batch(self.data[torch.from_numpy(indices)], torch.eye(3)[torch.from_numpy(indices) % 3])


PICTURES = RandomSource(4).uniform(10, 1, 4, 4)


def conditional():
    torch.manual_seed(0)
    return build(Dense((8,)), ExampleSpec("bernoulli", 1, (4, 4)), 2, Point(), conditioning=Conditioning(size=3)).eval()


@pytest.mark.parametrize("batch_size", [4, 100])
def test_a_conditional_model_is_measured_with_the_condition_of_each_example(batch_size):
    measured = in_batches(batch_size, conditional(), Labelled(PICTURES), score)
    conditioned = conditional().conditioned_on(torch.eye(3)[torch.arange(10) % 3])
    expected = -conditioned.decode(conditioned.encode(PICTURES).mean).log_prob(PICTURES).mean().item()
    assert measured["distortion"] == pytest.approx(expected)
    assert "elbo" not in measured


@pytest.mark.parametrize("corruption", [Pixelation(2), GaussianNoise(std=0.5)], ids=["pixelation", "noise"])
def test_with_a_corruption_the_encoder_reads_corrupted_data_and_the_target_is_the_whole(corruption):
    torch.manual_seed(0)
    model = build(Dense((8,)), ExampleSpec("bernoulli", 1, (4, 4)), 2, Point()).eval()
    measured = measure(model, Fixed(PICTURES), score, corruption=corruption)
    corrupted = corruption(PICTURES, RandomSource(0, 0))
    expected = -model.decode(model.encode(corrupted).mean).log_prob(PICTURES).mean().item()
    assert measured["distortion"] == pytest.approx(expected)
    assert measured["distortion"] != measure(model, Fixed(PICTURES), score)["distortion"]
    assert measured == measure(model, Fixed(PICTURES), score, corruption=corruption)
