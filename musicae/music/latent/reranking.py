"""Reranking of what a model generates by the odds that it is music (compare Azadi et al. 2019, "Discriminator Rejection
Sampling").

Some windows that are decoded from draws of the prior have wrong notes. A logistic regression on the attributes of
windows (`musicae.music.analysis.attributes`) is fitted to distinguish training windows from generated ones; candidates
are then taken with probabilities proportional to their odds `p(music) / p(generated)`. With many candidates
that is sampling from generated windows reweighted to the distribution of music in these attributes
(sampling-importance-resampling). Clips that are chosen together share their candidates, so that each needs fewer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicae.core.checkpoints import read_arrays, write_arrays
from musicae.core.directions import Values
from musicae.errors import CheckpointError
from musicae.music.analysis.attributes import measure
from musicae.music.codec import MusicCodec
from musicae.music.data.windows import to_batch

RERANKER = "choice.safetensors"
CANDIDATES = 16  # for each clip that is chosen alone
SHARED = 6  # for each of several clips that are chosen together
FEWEST_SHARED = 24  # for all of them
LEAST = -50.0  # below the largest log odds: none is impossible
FITTED_TO = 4000  # windows of music, and as many that the model generates
FEWEST = 100  # windows: fewer are too few to fit it
FARTHEST = 3.0  # standard deviations from the mean: values beyond are clipped, for there are few of them
PENALTY = 100.0  # of half the sum of the squares of the weights: bounds the odds of what is rare
RERANKING = 1  # the stream of random numbers of a seed; stream 0 draws from the prior


@dataclass(frozen=True, eq=False)
class Reranker:
    """The odds that windows are music rather than generated.

    Args:
        names: of the attributes.
        means: over music, each in the attribute's unit, `[attributes]`.
        spreads: standard deviations over music, `[attributes]`.
        weights: of 1, of the standardised attributes, and of their products, in this order (see `features`).
    """

    names: tuple[str, ...]
    means: np.ndarray
    spreads: np.ndarray
    weights: np.ndarray

    def log_odds(self, values: Values) -> np.ndarray:
        """ln p(music) / p(generated) of windows by their attributes, each `[n]`: float64 `[n]`."""
        return features(values, self.names, self.means, self.spreads) @ self.weights

    def rerank(self, values: Values, chances: np.ndarray) -> np.ndarray:
        """The indices of the windows taken, one of each n / taken consecutive candidates: int64 `[taken]`.

        Args:
            values: the attributes of all candidates, each `[n]`; the probability of each is proportional to its odds.
            chances: uniform random numbers on [0, 1), `[taken]`.
        """
        log_odds = self.log_odds(values).reshape(len(chances), -1)
        odds = np.exp(log_odds - log_odds.max(1, keepdims=True))
        bounds = np.cumsum(odds, 1)
        drawn = chances[:, None] * bounds[:, -1:]
        return odds.shape[1] * np.arange(len(odds)) + (drawn >= bounds[:, :-1]).sum(1)

    def resample(self, values: Values, n: int, chance: float) -> np.ndarray:
        """The indices of `n` different candidates, each taken with a probability proportional to its odds, but 1 at
        most (systematic resampling): int64 `[n]`, in ascending order.

        Args:
            values: the attributes of all candidates, `n` or more.
            n: how many are taken.
            chance: a uniform random number on [0, 1).
        """
        log_odds = self.log_odds(values)
        bounds = np.cumsum(inclusion(np.exp(np.maximum(log_odds - log_odds.max(), LEAST)), n))
        return np.minimum(np.searchsorted(bounds, chance + np.arange(n), side="right"), len(bounds) - 1)

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        arrays = {name: getattr(self, name).astype(np.float32) for name in ("means", "spreads", "weights")}
        write_arrays(folder / RERANKER, arrays, self.names)

    @classmethod
    def load(cls, folder: Path, known: Iterable[str]) -> Reranker | None:
        """Read it from a model folder; None if there is none.

        Args:
            folder: of the model.
            known: the attributes that its windows have.

        Raises:
            CheckpointError: it is damaged, or of another model.
        """
        path = folder / RERANKER
        found = read_arrays(path, {"means": ("names",), "spreads": ("names",), "weights": ("features",)}, {})
        if found is None:
            return None
        names, arrays = found
        n = len(names)
        fits = set(names) <= set(known) and len(arrays["weights"]) == 1 + n + n * (n + 1) // 2
        if not (n and fits and (arrays["spreads"] > 0).all()):
            raise CheckpointError(f"{path}: damaged, or of another model; fit it again, or remove it")
        return cls(names, **arrays)


def inclusion(weights: np.ndarray, n: int) -> np.ndarray:
    """The probability with which each is among `n`: `min(1, c weights)` with a sum of `n`.

    Args:
        weights: above 0, `n` or more.
        n: how many are taken.
    """
    order = np.argsort(-weights, kind="stable")
    falling = weights[order]
    rest = np.cumsum(falling[::-1])[::-1]
    certain = int(np.argmax((n - np.arange(len(weights))) * falling <= rest))
    shares = (n - certain) * weights / rest[certain]
    shares[order[:certain]] = 1
    return shares


def shared_candidates(n: int) -> int:
    """How many candidates `n` clips share that are chosen together."""
    return max(n * SHARED, FEWEST_SHARED)


def features(values: Values, names: tuple[str, ...], means: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """The features of the logistic regression: 1, the standardised attributes, and their products, squares included.

    A missing attribute is replaced by the mean.

    Returns:
        float64 `[n, 1 + attributes + attributes (attributes + 1) / 2]`.
    """
    columns = np.stack([values[name] for name in names], 1)
    a = np.clip(np.nan_to_num((columns - means) / spreads), -FARTHEST, FARTHEST)
    first, second = np.triu_indices(len(names))
    return np.concatenate([np.ones((len(a), 1)), a, a[:, first] * a[:, second]], 1)


def fit(music: Values, generated: Values) -> Reranker | None:
    """A reranker fitted to the attributes of music and of generated windows, each by name, `[n]`.

    Returns:
        None if no attribute varies over music.
    """
    from sklearn.linear_model import LogisticRegression

    varied = {name: column for name, column in music.items() if np.unique(column[np.isfinite(column)]).size > 1}
    if not varied:
        return None
    names = tuple(varied)
    means, spreads = (np.array([reduce(column) for column in varied.values()]) for reduce in (np.nanmean, np.nanstd))
    both = [features(values, names, means, spreads) for values in (music, generated)]
    labels = np.repeat([1, 0], [len(one) for one in both])
    found = LogisticRegression(C=1 / PENALTY, fit_intercept=False, max_iter=1000).fit(np.concatenate(both), labels)
    return Reranker(names, means, spreads, found.coef_[0])


def fitted(model: MusicCodec, windows: np.ndarray, seed: int = 0) -> Reranker | None:
    """A reranker fitted to training windows `[n, *shape]` and as many that a model generates, greedily.

    A conditional model has the conditions of these windows.

    Args:
        model: the model, with the prior that it draws from.
        windows: what it was trained on.
        seed: of the choice of windows, and of the draws from the prior.

    Returns:
        None if there are too few windows, or no attribute varies over them.
    """
    if len(windows) < FEWEST:
        return None
    chosen = np.random.default_rng(seed).permutation(len(windows))[:FITTED_TO]
    music = np.asarray(windows[np.sort(chosen)])
    generated = model.decode_windows(model.draw(len(music), seed), to_batch(music, model.representation).condition)
    return fit(measure(model.representation, music), measure(model.representation, generated))
