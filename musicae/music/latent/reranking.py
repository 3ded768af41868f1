"""Reranking of what a model generates by the odds that it is music (compare Azadi et al. 2019, "Discriminator Rejection
Sampling").

Some windows that are decoded from draws of the prior have wrong notes. A logistic regression on the attributes and
traits of windows (`musicae.music.analysis.attributes`, `traits`) is fitted to distinguish training windows from
generated ones; candidates are then taken with probabilities proportional to their odds `p(music) / p(generated)`. With
many candidates that is sampling from generated windows reweighted to the distribution of music in these numbers
(sampling-importance-resampling). Clips that are chosen together share their candidates, so that each needs fewer.

A window of fewer than `FEWEST_NOTES` notes may be music, but is no clip: it is taken only if there is no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicae.core.checkpoints import read_arrays, write_arrays
from musicae.core.directions import Values
from musicae.errors import CheckpointError
from musicae.music.analysis.traits import measure, names, note_counts
from musicae.music.codec import MusicCodec
from musicae.music.data.windows import to_batch
from musicae.music.representations.base import Representation

RERANKER = "choice.safetensors"
CANDIDATES = 32  # for each clip that is chosen alone
SHARED = 24  # for each of several clips that are chosen together
FEWEST_SHARED = 48  # for all of them
VARIED = 16  # for each window of a variation
FEWEST_NOTES = 4  # of a clip
LEAST = -50.0  # below the largest log odds: none is impossible
FITTED_TO = 12_000  # windows of music, and as many that the model generates
FEWEST = 100  # windows: fewer are too few to fit it
FARTHEST = 3.0  # standard deviations from the mean: values beyond are clipped, for there are few of them
PENALTY = 100.0  # of half the sum of the squares of the weights: bounds the odds of what is rare
RERANKING = 1  # the stream of random numbers of a seed; stream 0 draws from the prior


@dataclass(frozen=True, eq=False)
class Reranker:
    """The odds that windows are music rather than generated.

    Args:
        names: of the attributes and traits that it reads.
        means: over music, each in its own unit, `[names]`.
        spreads: standard deviations over music, `[names]`.
        weights: of 1, of the standardised numbers, and of their products, in this order (see `features`).
    """

    names: tuple[str, ...]
    means: np.ndarray
    spreads: np.ndarray
    weights: np.ndarray

    def log_odds(self, values: Values) -> np.ndarray:
        """ln p(music) / p(generated) of windows by their numbers, each `[n]`: float64 `[n]`."""
        return features(values, self.names, self.means, self.spreads) @ self.weights

    def of_windows(self, representation: Representation, windows: np.ndarray) -> np.ndarray:
        """The same of windows `[n, *shape]`."""
        return self.log_odds(measure(representation, windows, self.names))

    def of_clips(self, representation: Representation, windows: np.ndarray) -> np.ndarray:
        """The same, −inf for those that have too few notes for a clip."""
        enough = note_counts(representation, windows) >= FEWEST_NOTES
        return np.where(enough, self.of_windows(representation, windows), -np.inf)

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        arrays = {name: getattr(self, name).astype(np.float32) for name in ("means", "spreads", "weights")}
        write_arrays(folder / RERANKER, arrays, self.names)

    @classmethod
    def load(cls, folder: Path, representation: Representation) -> Reranker | None:
        """Read it from the folder of a model of a representation; None if there is none.

        Raises:
            CheckpointError: it is damaged, or of another model.
        """
        path = folder / RERANKER
        found = read_arrays(path, {"means": ("names",), "spreads": ("names",), "weights": ("features",)}, {})
        if found is None:
            return None
        read, arrays = found
        n = len(read)
        fits = set(read) <= set(names(representation)) and len(arrays["weights"]) == 1 + n + n * (n + 1) // 2
        if not (n and fits and (arrays["spreads"] > 0).all()):
            raise CheckpointError(f"{path}: damaged, or of another model; fit it again, or remove it")
        return cls(read, **arrays)


def rerank(log_odds: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """The indices of the windows taken, one of each n / taken consecutive candidates: int64 `[taken]`.

    Args:
        log_odds: of all candidates, `[n]`; the probability of each is proportional to its odds.
        chances: uniform random numbers on [0, 1), `[taken]`.
    """
    log_odds = log_odds.reshape(len(chances), -1)
    odds = relative(log_odds, log_odds.max(1, keepdims=True))
    bounds = np.cumsum(odds, 1)
    drawn = chances[:, None] * bounds[:, -1:]
    return odds.shape[1] * np.arange(len(odds)) + (drawn >= bounds[:, :-1]).sum(1)


def resample(log_odds: np.ndarray, n: int, chance: float) -> np.ndarray:
    """The indices of `n` different candidates, each taken with a probability proportional to its odds, but 1 at most
    (systematic resampling): int64 `[n]`, in ascending order.

    Args:
        log_odds: of all candidates, `n` or more.
        n: how many are taken.
        chance: a uniform random number on [0, 1).
    """
    bounds = np.cumsum(inclusion(relative(log_odds, log_odds.max()), n))
    return np.minimum(np.searchsorted(bounds, chance + np.arange(n), side="right"), len(bounds) - 1)


def relative(log_odds: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Odds divided by the largest, none of them 0; all are 1 where the largest is 0."""
    return np.exp(np.maximum(log_odds - np.where(np.isfinite(largest), largest, 0.0), LEAST))


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


def features(values: Values, chosen: tuple[str, ...], means: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """The features of the logistic regression: 1, the standardised numbers, and their products, squares included.

    A missing one is replaced by the mean.

    Returns:
        float64 `[n, 1 + names + names (names + 1) / 2]`.
    """
    columns = np.stack([values[name] for name in chosen], 1)
    a = np.clip(np.nan_to_num((columns - means) / spreads), -FARTHEST, FARTHEST)
    first, second = np.triu_indices(len(chosen))
    return np.concatenate([np.ones((len(a), 1)), a, a[:, first] * a[:, second]], 1)


def fit(music: Values, generated: Values) -> Reranker | None:
    """A reranker fitted to the numbers of music and of generated windows, each by name, `[n]`.

    Returns:
        None if none of them varies over music.
    """
    from sklearn.linear_model import LogisticRegression

    varied = {name: column for name, column in music.items() if np.unique(column[np.isfinite(column)]).size > 1}
    if not varied:
        return None
    kept = tuple(varied)
    means, spreads = (np.array([reduce(column) for column in varied.values()]) for reduce in (np.nanmean, np.nanstd))
    both = [features(values, kept, means, spreads) for values in (music, generated)]
    labels = np.repeat([1, 0], [len(one) for one in both])
    found = LogisticRegression(C=1 / PENALTY, fit_intercept=False, max_iter=1000).fit(np.concatenate(both), labels)
    return Reranker(kept, means, spreads, found.coef_[0])


def fitted(model: MusicCodec, windows: np.ndarray, seed: int = 0) -> Reranker | None:
    """A reranker fitted to training windows `[n, *shape]` and as many that a model generates, greedily; those with too
    few notes for a clip are left out of both.

    A conditional model has the conditions of these windows.

    Args:
        model: the model, with the prior that it draws from.
        windows: what it was trained on.
        seed: of the choice of windows, and of the draws from the prior.

    Returns:
        None if there are too few windows, or nothing varies over them.
    """
    chosen = np.random.default_rng(seed).permutation(len(windows))[:FITTED_TO]
    music = with_notes(model.representation, np.asarray(windows[np.sort(chosen)]))
    if len(music) < FEWEST:
        return None
    generated = model.decode_windows(model.draw(len(music), seed), to_batch(music, model.representation).condition)
    generated = with_notes(model.representation, generated)
    if len(generated) < FEWEST:
        return None
    return fit(measure(model.representation, music), measure(model.representation, generated))


def with_notes(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """Those windows that have enough notes for a clip."""
    return windows[note_counts(representation, windows) >= FEWEST_NOTES]
