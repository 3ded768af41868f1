"""Where new latent vectors are drawn from: N(0, I), or what was fitted to the codes of the training data afterwards.

A model whose codes are not spread like N(0, I) leaves holes under it; a mixture that is fitted to its codes does not
(Ghosh et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicae.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from musicae.core.randomness import RandomSource

PRIOR = "prior.safetensors"


@dataclass(frozen=True)
class Mixture:
    """Settings of a mixture of normal distributions, to be fitted to codes.

    Args:
        components: how many.
        covariance: `"full"` or `"diag"`, as scikit-learn's `GaussianMixture` names them.
        examples: at most so many training examples are encoded to fit it.
    """

    components: int = 32
    covariance: str = "full"
    examples: int = 20_000

    def fit(self, codes: np.ndarray, seed: int = 0) -> FittedMixture:
        """Fit it to codes `[n, latent]` by expectation-maximisation; of few codes it has fewer components.

        Raises:
            ConfigError: there are fewer than two codes, or they are not finite.
        """
        from sklearn.mixture import GaussianMixture

        if len(codes) < 2 or not np.isfinite(codes).all():
            raise ConfigError(f"no mixture can be fitted to {len(codes)} codes, or to such that are not finite")

        components = max(1, min(self.components, len(codes) // (2 * codes.shape[1])))
        options = {"covariance_type": self.covariance, "reg_covar": 1e-4, "random_state": seed}
        found = GaussianMixture(components, **options).fit(codes.astype(np.float64))
        covariances = found.covariances_
        if self.covariance == "diag":
            covariances = np.stack([np.diag(variances) for variances in covariances])
        arrays = found.weights_, found.means_, np.linalg.cholesky(covariances)
        return FittedMixture(*(array.astype(np.float32) for array in arrays))


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """A mixture of normal distributions, `Σ_k weights_k N(means_k, factors_k factors_kᵀ)`.

    Args:
        weights: `[components]`, positive, with a sum of 1.
        means: `[components, latent]`.
        factors: lower triangular, `[components, latent, latent]`.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def sample(self, n: int, random: RandomSource) -> np.ndarray:
        """`n` vectors `[n, latent]`."""
        places = np.searchsorted(np.cumsum(self.weights)[:-1], random.uniform(n).numpy(), side="right")
        noise = random.normal(n, self.means.shape[1]).numpy()
        return self.means[places] + np.einsum("nij,nj->ni", self.factors[places], noise)

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        from safetensors.numpy import save

        from musicae.files import write_atomically

        write_atomically(folder / PRIOR, save({k: np.ascontiguousarray(v) for k, v in vars(self).items()}), force=True)

    @classmethod
    def load(cls, folder: Path) -> FittedMixture:
        """Read it from a model folder.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        from safetensors.numpy import load

        try:
            return cls(**load((folder / PRIOR).read_bytes()))
        except FileNotFoundError:
            raise CheckpointError(f"{folder}: no {PRIOR} in it, which its settings ask for; train it again") from None
        except Exception as error:  # safetensors answers a damaged file with errors of its own
            raise CheckpointError(f"{folder}/{PRIOR}: damaged ({type(error).__name__})") from error


PRIORS = (Mixture,)
