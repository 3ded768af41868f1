from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.randomness import RandomSource
from musicae.images.metrics import (
    agreement,
    averages,
    class_entropies,
    code_statistics,
    frechet_distance,
    neighbour_accuracy,
    neighbours,
    picture_errors,
    pixel_errors,
    similarity,
    with_signal_to_noise,
)
from musicae.images.picture_set import PictureSet

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 20), st.integers(1, 20))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return RandomSource(seed).uniform(*shape)


# Pictures -----------------------------------------------------------------------------------------


def test_a_wrong_value_costs_at_most_16_nats():
    surely, truth = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 1.0]]]])
    cost, count = pixel_errors(surely, truth)["bce"]
    assert cost / count == pytest.approx(-math.log(1e-7), rel=0.02)
    assert pixel_errors(truth, truth)["bce"][0] == pytest.approx(0, abs=1e-6)


def test_the_floor_is_the_entropy_of_the_pictures():
    x = noise(3, 1, 6, 5)
    errors = averages([pixel_errors(x, x)])
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).mean().item()
    assert errors["bce"] == pytest.approx(entropy, rel=1e-5)
    assert errors["bce_floor"] == pytest.approx(entropy, rel=1e-5)
    assert errors["mse"] == 0


def test_figures_do_not_depend_on_how_pictures_are_batched():
    a, b = noise(7, 3, 12, 13), noise(7, 3, 12, 13, seed=1)
    parts = averages(picture_errors(x, y) for x, y in zip(a.split(3), b.split(3), strict=True))
    assert parts == pytest.approx(averages([picture_errors(a, b)]), rel=1e-5)


def test_decibels_follow_the_squared_error():
    assert with_signal_to_noise({"mse": 0.01}) == {"mse": 0.01, "psnr": pytest.approx(20)}
    assert with_signal_to_noise({"mse": 1.0})["psnr"] == 0
    assert with_signal_to_noise({"mse": 0.0})["psnr"] is None


@given(SIZES)
def test_similarity_is_1_of_the_same_symmetric_and_never_more(shape):
    a, b = noise(*shape), noise(*shape, seed=1)
    assert torch.allclose(similarity(a, a), torch.ones(shape[0]), atol=1e-4)
    assert torch.allclose(similarity(a, b), similarity(b, a), atol=1e-5)
    assert (similarity(a, b).abs() <= 1 + 1e-4).all()


def test_similarity_is_of_each_picture_alone():
    a, b = noise(4, 3, 16, 16), noise(4, 3, 16, 16, seed=1)
    each = torch.cat([similarity(x[None], y[None]) for x, y in zip(a, b, strict=True)])
    assert torch.allclose(similarity(a, b), each, atol=1e-6)
    turned = similarity(a.transpose(2, 3), b.transpose(2, 3))
    assert torch.allclose(similarity(a, b), turned, atol=1e-6)


def test_similarity_of_flat_pictures_is_that_of_their_light():
    a, b = torch.full((1, 1, 16, 16), 0.2), torch.full((1, 1, 16, 16), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert similarity(a, b).item() == pytest.approx(expected, rel=1e-3)


def test_similarity_by_its_definition_in_one_window():
    """Over 11 by 11 pixels there is one place for the window."""
    a, b = noise(1, 1, 11, 11).double(), noise(1, 1, 11, 11, seed=1).double()
    places = np.arange(11) - 5
    weights = np.exp(-(places[:, None] ** 2 + places**2) / (2 * 1.5**2))
    weights = torch.from_numpy(weights / weights.sum())
    mean = lambda x: (weights * x).sum().item()  # noqa: E731
    ma, mb = mean(a), mean(b)
    va, vb, cov = (mean((x - mean(x)) * (y - mean(y))) for x, y in ((a, a), (b, b), (a, b)))
    expected = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    assert similarity(a, b).item() == pytest.approx(expected, rel=1e-9)


def test_more_noise_is_less_similar():
    x = noise(1, 1, 28, 28)
    noisy = [(x + std * RandomSource(1).normal(1, 1, 28, 28)).clamp(0, 1) for std in (0.0, 0.1, 0.3, 1.0)]
    found = [similarity(x, y).item() for y in noisy]
    assert found == sorted(found, reverse=True)


# Codes --------------------------------------------------------------------------------------------


def test_neighbours_of_separate_classes_are_right():
    labels = np.repeat([0, 3], 20)
    codes = np.random.default_rng(0).normal(size=(40, 2)) + 100 * labels[:, None]
    assert neighbour_accuracy(codes, labels) == 1
    assert neighbour_accuracy(codes, labels, (codes[::-1], labels[::-1])) == 1
    assert neighbour_accuracy(codes, 3 - labels, (codes, labels)) == 0


def test_neighbours_are_searched_among_what_has_labels():
    labels = np.repeat([0, 1], 10)
    levels = np.repeat(labels.astype(np.uint8), 4).reshape(20, 1, 2, 2)
    some, wrong = PictureSet(levels, labels), PictureSet(levels, 1 - labels)
    encode = lambda pictures: pictures.levels.reshape(-1, 4).astype(float)  # noqa: E731
    assert neighbours(encode, some, wrong) == {"neighbours": 0}
    assert neighbours(encode, some, None) == neighbours(encode, some, PictureSet(levels)) == {"neighbours": 1}
    assert neighbours(encode, PictureSet(levels), some) == {}
    assert neighbours(encode, some.subset(np.arange(1)), None) == {}


def test_code_statistics_tell_draws_from_the_prior_from_others():
    normal = RandomSource(1).normal(3000, 4).numpy()
    like = code_statistics(normal)
    assert np.allclose(like["mean"], 0, atol=0.1)
    assert np.allclose(like["variance"], 1, atol=0.1)
    assert like["absolute"] == pytest.approx(math.sqrt(2 / math.pi), abs=0.02)
    assert abs(like["discrepancy"]) < 0.01
    assert like == code_statistics(normal)
    for other in (3 * normal[:500], normal[:500] + 2, 0.3 * normal[:500]):
        assert code_statistics(other)["discrepancy"] > 0.05


# Classified pictures ------------------------------------------------------------------------------


def test_the_distance_of_normal_distributions_in_closed_form():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))
    shift = np.arange(6)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(x, x + shift) == pytest.approx((shift**2).sum(), rel=1e-9)
    # N(m, C) and N(3 m, 9 C): |2 m|² + tr(C + 9 C − 2 · 3 C)
    expected = 4 * (x.mean(0) ** 2).sum() + 4 * np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, 3 * x) == pytest.approx(expected, rel=1e-9)


def test_the_distance_is_symmetric_and_bears_few_examples():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 20)).astype(np.float32), 2 * rng.normal(size=(7, 20)).astype(np.float32) + 1
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-6)
    assert frechet_distance(a, b) > frechet_distance(a, a) >= 0
    turn = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-4)


def test_entropies_and_agreement_of_classified_pictures():
    sure = np.eye(10)[np.arange(100) % 10]
    assert class_entropies(sure) == (pytest.approx(0), pytest.approx(math.log(10)))
    assert class_entropies(sure[:1].repeat(5, 0)) == (0, 0)
    unsure = np.full((3, 10), 0.1)
    assert class_entropies(unsure) == (pytest.approx(math.log(10)), pytest.approx(math.log(10)))
    assert agreement(sure, np.arange(100) % 10) == 1
    assert agreement(sure, np.zeros(100)) == 0.1
