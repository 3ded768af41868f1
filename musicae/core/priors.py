"""Where new latent vectors are drawn from: N(0, I), or what was fitted to the codes of the training data afterwards.

A model whose codes are not spread like N(0, I) leaves holes under it; a mixture that is fitted to its codes does not
(Ghosh et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from musicae.core.configuration import Count, Range, Share, Size
from musicae.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from musicae.core.randomness import RandomSource

PRIOR = "prior.safetensors"
SHAPES = {
    "center": ("latent",),
    "directions": ("directions", "latent"),
    "weights": ("components",),
    "means": ("components", "directions"),
    "factors": ("components", "triangle"),
    "deviations": ("components", "others"),
}
FEWEST = 2  # codes
ROUNDED = 0.02  # how far from 1 the sum of the weights may be: they are float16
SMALLEST = 0.01  # of a component's deviations: one that holds a single code keeps some width


@dataclass(frozen=True)
class Mixture:
    """Settings of a mixture of normal distributions, to be fitted to codes.

    It is fitted in the codes' principal directions, each scaled to variance 1: of a model with many latent dimensions
    a few hold all of the variance, and the others then cost nothing.

    Args:
        components: how many.
        covariance: `"full"` or `"diag"`, as scikit-learn's `GaussianMixture` names them.
        examples: at most so many training examples are encoded to fit it.
        variance: the share of the codes' variance that the directions hold; the rest is left out.
        correlated: at most so many of the first directions have full covariances; the others have variances.
    """

    components: Annotated[int, Range(1, 4096)] = 32
    covariance: Literal["full", "diag"] = "full"
    examples: Count = 20_000
    variance: Share = 0.999
    correlated: Size = 96

    def fit(self, codes: np.ndarray, seed: int = 0) -> FittedMixture:
        """Fit it to codes `[n, latent]` by expectation-maximisation; of few codes it has fewer components.

        Raises:
            ConfigError: there are fewer than two codes, or they are not finite.
        """
        from sklearn.mixture import GaussianMixture

        if len(codes) < FEWEST or not np.isfinite(codes).all():
            raise ConfigError(f"no mixture can be fitted to {len(codes)} codes, or to such that are not finite")
        codes = codes.astype(np.float64)
        directions = principal_directions(codes, self.variance)
        coordinates = (codes - codes.mean(0)) @ np.linalg.pinv(directions)
        first, others = np.split(coordinates, [self.correlated], axis=1)
        components = max(1, min(self.components, len(codes) // (2 * first.shape[1])))
        options = {"covariance_type": self.covariance, "reg_covar": 1e-4, "tol": 0.01, "random_state": seed}
        first = first.astype(np.float32)  # twice as fast, and of variance 1 in every direction
        found = GaussianMixture(components, **options).fit(first)
        covariances = found.covariances_
        if self.covariance == "diag":
            covariances = np.stack([np.diag(variances) for variances in covariances])
        other_means, other_variances = weighted_moments(others, found.predict_proba(first))
        return FittedMixture.of(
            center=codes.mean(0),
            directions=directions,
            weights=found.weights_,
            means=np.concatenate([found.means_, other_means], 1),
            factors=np.linalg.cholesky(covariances.astype(np.float64))[:, *np.tril_indices(first.shape[1])],
            deviations=np.maximum(np.sqrt(other_variances), SMALLEST),
        )


def principal_directions(codes: np.ndarray, variance: float) -> np.ndarray:
    """The fewest principal directions of codes `[n, latent]` that hold a share of their variance.

    Returns:
        `[directions, latent]`, each as long as the codes' standard deviation along it, the longest first.
    """
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(codes.T)))
    variances, axes = np.maximum(variances[::-1], 1e-12), axes.T[::-1]
    kept = 1 + int(np.searchsorted(np.cumsum(variances)[:-1], variance * variances.sum()))
    return np.sqrt(variances[:kept, None]) * axes[:kept]


def weighted_moments(values: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances `[components, d]` of values `[n, d]`, weighted with the shares `[n, components]`."""
    shares = shares / shares.sum(0)
    means = shares.T @ values
    return means, np.maximum(shares.T @ values**2 - means**2, 0.0)


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """A mixture of normal distributions in some directions of latent space:

    `z = center + y · directions`, `y ~ Σ_k weights_k N(means_k, factors_k factors_kᵀ)`.

    Its numbers are float16, as they are saved: a megabyte for 512 latent dimensions.

    Args:
        center: the mean of the codes, `[latent]`.
        directions: at right angles, each as long as the codes' standard deviation along it, `[directions, latent]`.
        weights: `[components]`, positive, with a sum of 1.
        means: `[components, directions]`.
        factors: lower triangles, row by row, of the first directions, `[components, n (n + 1) / 2]`.
        deviations: of the other directions, `[components, directions - n]`.
    """

    center: np.ndarray
    directions: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    deviations: np.ndarray

    @classmethod
    def of(cls, **arrays: np.ndarray) -> FittedMixture:
        """From arrays of any precision."""
        return cls(**{name: np.ascontiguousarray(array, np.float16) for name, array in arrays.items()})

    def sample(self, n: int, random: RandomSource) -> np.ndarray:
        """`n` vectors `[n, latent]`, float32."""
        chances = np.cumsum(self.weights.astype(np.float64))
        places = np.searchsorted(chances[:-1] / chances[-1], random.uniform(n).numpy(), side="right")
        y = random.normal(n, self.means.shape[1]).numpy()
        for component in np.unique(places):  # one triangle at a time: all of them together take hundreds of megabytes
            drawn = places == component
            y[drawn] = self.means[component] + y[drawn] @ self.factor(component).T
        return self.codes(y)

    def codes(self, coordinates: np.ndarray) -> np.ndarray:
        """The latent vectors `[..., latent]` at coordinates `[..., directions]`, float32."""
        return self.center.astype(np.float32) + coordinates.astype(np.float32) @ self.directions.astype(np.float32)

    def coordinates(self, codes: np.ndarray) -> np.ndarray:
        """Where latent vectors `[..., latent]` lie along the directions, float32 `[..., directions]`.

        Of the codes that it was fitted to they have mean 0 and variance 1, and are uncorrelated.
        """
        directions = self.directions.astype(np.float32)
        return (codes - self.center) @ (directions / np.square(directions).sum(1, keepdims=True)).T

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """ln of the density at the coordinates of codes `[n, latent]`, in nats, `[n]`."""
        import torch

        y, means = torch.from_numpy(self.coordinates(codes)), torch.from_numpy(self.means.astype(np.float32))
        factors = [torch.from_numpy(self.factor(k)) for k in range(len(means))]
        parts = zip(means, factors, strict=True)
        densities = [torch.distributions.MultivariateNormal(mean, scale_tril=f).log_prob(y) for mean, f in parts]
        weights = torch.from_numpy(self.weights.astype(np.float32)).log()
        return torch.logsumexp(torch.stack(densities) + weights[:, None], 0).numpy()

    def factor(self, component: int) -> np.ndarray:
        """The lower triangle whose square is a component's covariance, float32 `[directions, directions]`."""
        others = self.deviations[component].astype(np.float32)
        first = self.means.shape[1] - len(others)
        factor = np.diag(np.concatenate([np.zeros(first, np.float32), others]))
        factor[np.tril_indices(first)] = self.factors[component]
        return factor

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        from safetensors.numpy import save

        from musicae.files import write_atomically

        write_atomically(folder / PRIOR, save(dict(vars(self))), force=True)

    @classmethod
    def load(cls, folder: Path, latent: int) -> FittedMixture | None:
        """Read it from the folder of a model with so many latent dimensions; None where there is none, as in one that
        is being trained.

        Raises:
            CheckpointError: it is damaged, or of another model.
        """
        from musicae.core.checkpoints import read_arrays  # which loads torch

        found = read_arrays(folder / PRIOR, SHAPES, {"latent": latent})
        if found is None:
            return None
        prior = cls(**found[1])
        correlated = prior.means.shape[1] - prior.deviations.shape[1]
        fits = correlated >= 0 and prior.factors.shape[1] == correlated * (correlated + 1) // 2
        weights = prior.weights.astype(np.float64)
        if not (fits and (weights >= 0).all() and abs(weights.sum() - 1) < ROUNDED and (prior.deviations > 0).all()):
            raise CheckpointError(f"{folder}/{PRIOR}: damaged; fit it again with scripts/refit.py, or remove it")
        return prior


PRIORS = (Mixture,)
