"""What follows the training of a network: what is fitted to its codes, and what is measured on held-out data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from musicae.core.data import Examples, shuffled
from musicae.core.directions import DIRECTIONS
from musicae.core.model import Model
from musicae.core.priors import FEWEST
from musicae.datasets import Splits

if TYPE_CHECKING:
    from musicae.music.model import MusicModel


def fit_prior(model: Model, examples: Examples, say: Callable[[str], object]) -> None:
    """Fit the prior that a preset asks for to the codes of training examples, and write it into the model's folder.

    Where none can be fitted, new latent vectors come from N(0, I), and `say` is called with a sentence on it.
    """
    settings, seed = model.preset.prior, model.preset.training.seed
    codes = encoded(model, examples, settings.examples)
    if len(codes) < FEWEST:
        say(f"too few training examples to fit a prior to ({len(codes)}): new clips come from N(0, I)")
        return
    model.prior = settings.fit(codes, seed)
    model.prior.save(model.folder)


def fit_directions(model: MusicModel, examples: Examples) -> None:
    """Fit the directions of a model of music to training examples, and write them into its folder.

    Where none can be fitted, those of an earlier training are removed.
    """
    from musicae.music.latent.steering import fitted

    (model.folder / DIRECTIONS).unlink(missing_ok=True)
    model.directions = fitted(model, examples.array, examples.songs, model.preset.training.seed)
    if model.directions:
        model.directions.save(model.folder)


def fit_reranker(model: MusicModel, examples: Examples) -> None:
    """Fit the reranker of a model of music to training examples, and write it into its folder.

    Where it cannot be fitted, that of an earlier training is removed.
    """
    from musicae.music.latent.reranking import RERANKER, fitted

    (model.folder / RERANKER).unlink(missing_ok=True)
    model.reranker = fitted(model, examples.array, model.preset.training.seed)
    if model.reranker:
        model.reranker.save(model.folder)


def encoded(model: Model, examples: Examples, most: int) -> np.ndarray:
    """The posterior means `[n, latent]` of at most `most` examples, chosen by the seed of the model's training."""
    chosen = shuffled(len(examples), min(most, len(examples)), model.preset.training.seed, 0)
    batches = (examples.batch(part) for part in np.array_split(chosen, -(-len(chosen) // 512)))
    return np.concatenate([model.to_latent(batch.x, condition=batch.condition) for batch in batches])


def figures(model: Model, splits: Splits, part: str = "test", **options: Any) -> dict:
    """The content of `metrics.json`: the figures of a part of the data, and which data these are.

    Args:
        model: the model.
        splits: the data; the baselines of pictures are fitted to the training part, if there is any.
        part: which part is measured: `"train"`, `"validation"`, `"test"`.
        options: of the model's `evaluate`.
    """
    known = {} if model.preset.musical or part == "train" or not len(splits.train) else {"known": splits.train}
    return {"data": splits.report, "held_out": model.evaluate(getattr(splits, part), **known, **options)}
