"""Reranking what a model generates by the odds that it is music (Azadi et al. 2019, "Discriminator Rejection
Sampling").

A decoder rounds what the prior draws to notes, and some of these are wrong. How far its windows differ from training
windows in each attribute (`musicae.music.analysis.attributes`) is learnt by a logistic regression; of several
candidates one is then taken with a chance in proportion to its odds `p(music) / p(generated)`. As there are more
candidates, that comes to drawing from the windows reweighted to be like music in these attributes
(sampling-importance-resampling).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicae.core.checkpoints import read_arrays, write_arrays
from musicae.core.directions import Values
from musicae.music.analysis.attributes import measure
from musicae.music.codec import MusicCodec
from musicae.music.data.windows import to_batch

RERANKER = "choice.safetensors"
CANDIDATES = 16  # for each clip
LEARNT_FROM = 4000  # windows of music, and as many that the model generates
FEWEST = 100  # windows: fewer are too few to fit it
FARTHEST = 3.0  # spreads from the mean: what lies beyond is taken to lie there, for little is known of it
PENALTY = 100.0  # of half the sum of the squares of the weights: keeps the odds of what is rare within bounds
RERANKING = 1  # the stream of random numbers, beside that of a seed's draws from the prior


@dataclass(frozen=True, eq=False)
class Reranker:
    """A reranker: the odds that windows are music and not generated.

    Args:
        names: of the attributes.
        means: of each over music, in its own unit, `[attributes]`.
        spreads: their standard deviations, `[attributes]`.
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
        """The places of the chosen windows, one of each n / chosen candidates in a row: int64 `[chosen]`.

        Args:
            values: the attributes of all candidates, each `[n]`; one is chosen with a chance in proportion to its odds.
            chances: what decides, uniform on [0, 1), `[chosen]`.
        """
        log_odds = self.log_odds(values).reshape(len(chances), -1)
        odds = np.exp(log_odds - log_odds.max(1, keepdims=True))
        bounds = np.cumsum(odds, 1)
        drawn = chances[:, None] * bounds[:, -1:]
        return odds.shape[1] * np.arange(len(odds)) + (drawn >= bounds[:, :-1]).sum(1)

    def save(self, folder: Path) -> None:
        """Write it into a model folder."""
        arrays = {name: getattr(self, name).astype(np.float32) for name in ("means", "spreads", "weights")}
        write_arrays(folder / RERANKER, arrays, self.names)

    @classmethod
    def load(cls, folder: Path) -> Reranker | None:
        """Read it from a model folder; None where there is none.

        Raises:
            CheckpointError: it is damaged.
        """
        found = read_arrays(folder / RERANKER)
        return found and cls(found[0], **found[1])


def features(values: Values, names: tuple[str, ...], means: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """What odds are linear in: 1, the standardised attributes, and the products of each two and their squares.

    An attribute that a window does not have is taken as the mean.

    Returns:
        float64 `[n, 1 + attributes + attributes (attributes + 1) / 2]`.
    """
    columns = np.stack([values[name] for name in names], 1)
    a = np.clip(np.nan_to_num((columns - means) / spreads), -FARTHEST, FARTHEST)
    first, second = np.triu_indices(len(names))
    return np.concatenate([np.ones((len(a), 1)), a, a[:, first] * a[:, second]], 1)


def fit(music: Values, generated: Values) -> Reranker | None:
    """The reranker of music and generated windows, each the attributes of windows by name, `[n]`.

    Returns:
        None where no attribute varies over music.
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
    """The reranker of training windows `[n, *shape]` and as many that a model generates, greedily.

    A conditional model is conditioned as these windows are.

    Args:
        model: the model, with the prior that it draws from.
        windows: what it was trained on.
        seed: of which of them are looked at, and of the draws.

    Returns:
        None where there are too few windows, or none has an attribute that varies.
    """
    if len(windows) < FEWEST:
        return None
    chosen = np.random.default_rng(seed).permutation(len(windows))[:LEARNT_FROM]
    music = np.asarray(windows[np.sort(chosen)])
    generated = model.decode_windows(model.draw(len(music), seed), to_batch(music, model.representation).condition)
    return fit(measure(model.representation, music), measure(model.representation, generated))
