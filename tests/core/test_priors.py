from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from musicae.core.priors import PRIOR, FittedMixture, Mixture
from musicae.core.randomness import RandomSource
from musicae.errors import CheckpointError, ConfigError

KNOWN = FittedMixture(
    np.float32([0.3, 0.7]),
    np.float32([[-4.0, 0.0], [3.0, 5.0]]),
    np.float32([[[1.0, 0.0], [0.8, 0.4]], [[0.5, 0.0], [-1.0, 1.5]]]),
)


def codes(n: int = 4000, seed: int = 0) -> np.ndarray:
    return KNOWN.sample(n, RandomSource(seed))


def covariances(mixture: FittedMixture) -> np.ndarray:
    return mixture.factors @ mixture.factors.transpose(0, 2, 1)


def test_draws_of_a_mixture_have_its_weights_means_and_covariances():
    drawn = codes(40_000)
    low = drawn[:, 0] + drawn[:, 1] < 2  # well between the two
    assert low.mean() == pytest.approx(0.3, abs=0.01)
    for part, mean, covariance in zip((drawn[low], drawn[~low]), KNOWN.means, covariances(KNOWN), strict=True):
        assert np.allclose(part.mean(0), mean, atol=0.05)
        assert np.allclose(np.cov(part.T), covariance, atol=0.1)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_was_fitted_to_draws_of_a_mixture_is_that_mixture(seed):
    fitted = Mixture(components=2).fit(codes(), seed)
    order = fitted.weights.argsort()
    assert np.allclose(fitted.weights[order], KNOWN.weights, atol=0.02)
    assert np.allclose(fitted.means[order], KNOWN.means, atol=0.15)
    assert np.allclose(covariances(fitted)[order], covariances(KNOWN), atol=0.2)
    drawn = fitted.sample(20_000, RandomSource(3))
    assert np.allclose(drawn.mean(0), codes().mean(0), atol=0.1)
    assert np.allclose(np.cov(drawn.T), np.cov(codes().T), atol=0.4)


def test_of_few_codes_a_mixture_has_fewer_components():
    """At least twice as many codes as dimensions for each."""
    for n, components in ((4, 1), (8, 2), (40, 10), (1000, 32)):
        fitted = Mixture().fit(codes(n))
        assert fitted.means.shape == (components, 2)
        assert fitted.weights.sum() == pytest.approx(1)
        assert np.isfinite(fitted.sample(5, RandomSource(0))).all()


def test_covariances_without_correlation_are_fitted_alike_in_full_and_by_their_diagonal():
    rng = np.random.default_rng(0)
    straight = (rng.normal(size=(4000, 3)) * [1.0, 3.0, 0.2] + [1.0, 0.0, -1.0]).astype(np.float32)
    full, diagonal = (Mixture(components=1, covariance=kind).fit(straight) for kind in ("full", "diag"))
    assert np.allclose(full.means, diagonal.means, atol=1e-5)
    assert np.allclose(covariances(full), covariances(diagonal), atol=0.1)
    assert not covariances(diagonal)[0][~np.eye(3, dtype=bool)].any()


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


def test_a_fitted_mixture_comes_back_from_its_file_to_the_bit(tmp_path):
    fitted = Mixture(components=3).fit(codes(300))
    fitted.save(tmp_path)
    loaded = FittedMixture.load(tmp_path)
    for name, array in vars(fitted).items():
        assert getattr(loaded, name).dtype == array.dtype == np.float32
        assert np.array_equal(getattr(loaded, name), array)
    assert np.array_equal(loaded.sample(50, RandomSource(1)), fitted.sample(50, RandomSource(1)))


@pytest.mark.parametrize(
    "content",
    [None, b"", b"words", save(vars(KNOWN))[:-20], save({"weights": KNOWN.weights})],
    ids=["missing", "empty", "words", "truncated", "incomplete"],
)
def test_a_missing_or_damaged_prior_is_refused_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / PRIOR).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"^[^\n]*prior\.safetensors[^\n]+$"):
        FittedMixture.load(tmp_path)


@pytest.mark.parametrize("codes", [np.zeros((1, 2)), np.full((50, 2), np.nan)], ids=["one", "not numbers"])
def test_codes_that_nothing_can_be_fitted_to_are_refused(codes):
    with pytest.raises(ConfigError, match="no mixture"):
        Mixture().fit(codes)
