from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save
from scipy.stats import multivariate_normal

from musicae.core.priors import PRIOR, FittedMixture, Mixture
from musicae.core.randomness import RandomSource
from musicae.errors import CheckpointError, ConfigError

TRIANGLES = np.array([[[1.0, 0.0], [0.8, 0.4]], [[0.5, 0.0], [-1.0, 1.5]]])
KNOWN = FittedMixture.of(
    center=np.zeros(2),
    directions=np.eye(2),
    weights=np.array([0.3, 0.7]),
    means=np.array([[-4.0, 0.0], [3.0, 5.0]]),
    factors=TRIANGLES[:, *np.tril_indices(2)],
    deviations=np.zeros((2, 0)),
)


def codes(n: int = 4000, seed: int = 0) -> np.ndarray:
    return KNOWN.sample(n, RandomSource(seed))


def means(mixture: FittedMixture) -> np.ndarray:
    """In the latent space."""
    return mixture.codes(mixture.means)


def covariances(mixture: FittedMixture) -> np.ndarray:
    """In the latent space, `[components, latent, latent]`."""
    factors = [mixture.directions.astype(np.float32).T @ mixture.factor(k) for k in range(len(mixture.weights))]
    return np.stack([factor @ factor.T for factor in factors])


def deep(n: int, latent: int = 40, directions: int = 6, seed: int = 0) -> np.ndarray:
    """Codes of many dimensions on few directions, in two heaps."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(latent, directions)))[0].T
    heaps = 4 * rng.integers(0, 2, (n, 1)) * np.eye(directions)[0]
    return ((heaps + rng.normal(size=(n, directions))) @ axes + 1.0).astype(np.float32)


def test_draws_of_a_mixture_have_its_weights_means_and_covariances():
    drawn = codes(40_000)
    low = drawn[:, 0] + drawn[:, 1] < 2  # well between the two
    assert low.mean() == pytest.approx(0.3, abs=0.01)
    for part, mean, covariance in zip((drawn[low], drawn[~low]), means(KNOWN), covariances(KNOWN), strict=True):
        assert np.allclose(part.mean(0), mean, atol=0.05)
        assert np.allclose(np.cov(part.T), covariance, atol=0.1)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_was_fitted_to_draws_of_a_mixture_is_that_mixture(seed):
    fitted = Mixture(components=2).fit(codes(), seed)
    order = fitted.weights.argsort()
    assert np.allclose(fitted.weights[order], KNOWN.weights, atol=0.02)
    assert np.allclose(means(fitted)[order], means(KNOWN), atol=0.15)
    assert np.allclose(covariances(fitted)[order], covariances(KNOWN), atol=0.2)
    drawn = fitted.sample(20_000, RandomSource(3))
    assert np.allclose(drawn.mean(0), codes().mean(0), atol=0.1)
    assert np.allclose(np.cov(drawn.T), np.cov(codes().T), atol=0.4)


def test_of_few_codes_a_mixture_has_fewer_components():
    """At least twice as many codes as dimensions for each."""
    for n, components in ((4, 1), (8, 2), (40, 10), (1000, 32)):
        fitted = Mixture().fit(codes(n))
        assert fitted.means.shape == (components, 2)
        assert fitted.weights.sum() == pytest.approx(1, abs=0.01)
        assert np.isfinite(fitted.sample(5, RandomSource(0))).all()


def test_covariances_without_correlation_are_fitted_alike_in_full_and_by_their_diagonal():
    rng = np.random.default_rng(0)
    straight = (rng.normal(size=(4000, 3)) * [1.0, 3.0, 0.2] + [1.0, 0.0, -1.0]).astype(np.float32)
    full, diagonal = (Mixture(components=1, covariance=kind).fit(straight) for kind in ("full", "diag"))
    assert np.allclose(means(full), means(diagonal), atol=1e-3)
    assert np.allclose(covariances(full), covariances(diagonal), atol=0.1)
    assert not diagonal.factor(0)[~np.eye(3, dtype=bool)].any()


def test_the_seed_decides_the_fit_and_the_draws():
    first, again = (Mixture(components=3).fit(codes(200), seed=4) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(vars(first).values(), vars(again).values(), strict=True))
    drawn, same, other = (first.sample(9, RandomSource(seed)) for seed in (0, 0, 1))
    assert drawn.dtype == np.float32
    assert np.array_equal(drawn, same)
    assert not np.array_equal(drawn, other)


def test_codes_are_not_changed_by_a_fit():
    before = codes(100)
    given = before.copy()
    Mixture(components=2).fit(given)
    assert np.array_equal(given, before)


def test_a_fitted_mixture_is_read_as_it_was_written_to_the_bit(tmp_path):
    fitted = Mixture(components=3).fit(codes(300))
    fitted.save(tmp_path)
    loaded = FittedMixture.load(tmp_path, 2)
    for name, array in vars(fitted).items():
        assert getattr(loaded, name).dtype == array.dtype == np.float16
        assert np.array_equal(getattr(loaded, name), array)
    assert np.array_equal(loaded.sample(50, RandomSource(1)), fitted.sample(50, RandomSource(1)))


@pytest.mark.parametrize(
    "content",
    [b"", b"words", save(dict(vars(KNOWN)))[:-20], save({"weights": KNOWN.weights})],
    ids=["empty", "words", "truncated", "incomplete"],
)
def test_a_damaged_prior_is_refused_in_one_line(tmp_path, content):
    (tmp_path / PRIOR).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"^[^\n]*prior\.safetensors[^\n]+$"):
        FittedMixture.load(tmp_path, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"center": np.zeros(3)},
        {"center": np.array([np.nan, 0])},
        {"directions": np.full((2, 2), np.inf)},
        {"directions": np.eye(3)[:2]},
        {"weights": np.array([0.3, 0.3])},
        {"weights": np.array([-0.3, 1.3])},
        {"weights": np.ones(1)},
        {"means": np.zeros((2, 3))},
        {"factors": np.zeros((2, 2))},
        {"deviations": np.zeros((2, 1))},
        {"deviations": np.ones((2, 3))},
    ],
    ids=str,
)
def test_a_prior_that_does_not_fit_the_model_or_is_none_is_refused(tmp_path, changes):
    replace(KNOWN, **{name: np.float16(array) for name, array in changes.items()}).save(tmp_path)
    with pytest.raises(CheckpointError, match=r"^[^\n]*prior\.safetensors: damaged[^\n]+$"):
        FittedMixture.load(tmp_path, 2)


def test_a_model_in_training_has_no_prior_yet(tmp_path):
    assert FittedMixture.load(tmp_path, 2) is None


@pytest.mark.parametrize("codes", [np.zeros((1, 2)), np.full((50, 2), np.nan)], ids=["one", "not numbers"])
def test_codes_that_nothing_can_be_fitted_to_are_refused(codes):
    with pytest.raises(ConfigError, match="no mixture"):
        Mixture().fit(codes)


def test_dimensions_in_which_codes_do_not_differ_cost_nothing():
    fitted = Mixture(components=2).fit(deep(2000))
    assert fitted.directions.shape == (6, 40)
    assert fitted.means.shape == (2, 6)
    drawn, given = fitted.sample(4000, RandomSource(0)), deep(4000, seed=0)
    assert np.allclose(drawn.mean(0), given.mean(0), atol=0.1)
    assert np.allclose(np.cov(drawn.T), np.cov(given.T), atol=0.15)


def test_directions_beyond_the_correlated_ones_keep_their_means_and_variances_in_each_component():
    """Two heaps, one narrow and one wide along a direction of little variance."""
    rng = np.random.default_rng(0)
    right = rng.random(6000) < 0.5
    second = np.where(right, 0.3, -0.3) + np.where(right, 0.1, 0.4) * rng.normal(size=6000)
    given = np.stack([np.where(right, 5.0, -5.0) + rng.normal(size=6000), second], 1)
    fitted = Mixture(components=2, correlated=1).fit(given)
    assert fitted.factors.shape == (2, 1)
    drawn = fitted.sample(6000, RandomSource(0))
    for heap, side in ((given[right], drawn[:, 0] > 0), (given[~right], drawn[:, 0] < 0)):
        assert np.allclose(drawn[side].mean(0), heap.mean(0), atol=0.1)
        assert np.allclose(drawn[side].std(0), heap.std(0), atol=0.1)


def test_coordinates_of_the_codes_are_standardised_and_go_back():
    given = deep(1000)
    fitted = Mixture(components=1).fit(given)
    y = fitted.coordinates(given)
    assert np.allclose(y.mean(0), 0, atol=0.01)
    assert np.allclose(np.cov(y.T), np.eye(6), atol=0.01)
    assert np.allclose(fitted.codes(y), given, atol=0.02)


def test_the_density_is_that_of_the_mixture_and_its_mean_over_draws_is_minus_its_entropy():
    """Of one component the entropy is known: n / 2 ln(2 π e) + ln |factor|."""
    drawn = codes(200)
    expected = sum(
        weight * multivariate_normal(mean, covariance).pdf(drawn)
        for weight, mean, covariance in zip((0.3, 0.7), means(KNOWN), covariances(KNOWN), strict=True)
    )
    assert np.allclose(KNOWN.log_prob(drawn), np.log(expected), atol=1e-2)
    one = Mixture(components=1, correlated=3).fit(deep(2000))
    entropy = 3 * np.log(2 * np.pi * np.e) + np.log(np.diag(one.factor(0))).sum()
    assert one.log_prob(one.sample(4000, RandomSource(1))).mean() == pytest.approx(-entropy, abs=0.15)


def test_codes_that_are_all_the_same_are_reconstructed():
    fitted = Mixture().fit(np.ones((3, 3)))
    assert np.allclose(fitted.sample(4, RandomSource(0)), 1, atol=1e-3)


def test_a_mixture_of_many_dimensions_is_small(tmp_path):
    """A tenth of what whole covariances in float32 would take: 33 MB."""
    given = np.random.default_rng(0).normal(size=(2048, 512)).astype(np.float32)
    Mixture(components=8).fit(given).save(tmp_path)
    assert (tmp_path / PRIOR).stat().st_size < 1_000_000
