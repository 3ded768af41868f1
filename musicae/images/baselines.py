"""Baselines without a network: the figures that a model of pictures has to beat, by the same functions.

They are fitted to training pictures in closed form, and measured on the same pictures with the same corruption: it is
drawn as `musicae.core.evaluation.measure` draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from musicae.core.corruptions import Corruption, GaussianNoise, Masking, Pixelation
from musicae.core.randomness import RandomSource
from musicae.images.metrics import averages, neighbours, picture_errors, pixel_errors, with_signal_to_noise
from musicae.images.picture_set import PictureSet

BATCH = 512  # as in `measure`: the draws of corruption depend on it
MOST_VALUES = 45_000_000  # that are fitted to: 55,000 pictures of MNIST
RIDGE = 1.0  # the weight of |W|²
TRAIN = 1  # the random stream for corrupting training pictures, beside the seed

Restore = Callable[[torch.Tensor], torch.Tensor]


class CorruptedBatch(NamedTuple):
    """Pictures `[batch, channels, height, width]`, and the same ones corrupted."""

    target: torch.Tensor
    corrupted: torch.Tensor


def baselines(
    train: PictureSet, test: PictureSet, latent: int, corruption: Corruption | None = None, seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """The figures of each baseline, by name.

    * `mean picture`: the mean of the training pictures, the same for every input
    * without corruption `PCA-n`: principal components, as many as the model has latent dimensions, with `neighbours`
      of their codes
    * for noise and masks `as it is heard`: the corrupted pictures themselves; and `linear ridge`: the best linear map
      from corrupted pictures to their targets
    * for a low resolution `nearest`, `bicubic`, `Lanczos`: enlargements

    Restored values are clipped to 0..1. The reconstructions of binary pictures by principal components are no
    probabilities, so they have squared errors alone; and no figures of binary pictures have `ssim` and `psnr`.

    Args:
        train: pictures to fit to; at most 45 million values of them, drawn by the seed.
        test: pictures to measure on.
        latent: dimensions of the model's latent vector.
        corruption: of the pictures that the model encodes, if any.
        seed: of the corruption.
    """
    fitted_to = subsampled(train, seed)
    figures = {"mean picture": measured(mean_picture(fitted_to), test, corruption, seed)}
    if corruption is None:
        return figures | _components(fitted_to, train, test, latent, seed)
    if isinstance(corruption, Pixelation):
        restorers = {"nearest": _unchanged} | {name: enlargement(corruption.factor, name) for name in FILTERS}
    else:
        restorers = {"as it is heard": _unchanged}
        if isinstance(corruption, GaussianNoise | Masking):
            restorers["linear ridge"] = ridge(fitted_to, corruption, seed)
    return figures | {name: measured(restore, test, corruption, seed) for name, restore in restorers.items()}


def subsampled(pictures: PictureSet, seed: int) -> PictureSet:
    """At most as many pictures as can be fitted to quickly, drawn by the seed."""
    most = max(MOST_VALUES // pictures.levels[0].size, 1)
    if len(pictures) <= most:
        return pictures
    return pictures.subset(np.sort(np.random.default_rng(seed).permutation(len(pictures))[:most]))


def corrupted_batches(pictures: PictureSet, corruption: Corruption | None, *seed: int) -> Iterator[CorruptedBatch]:
    """All pictures in batches, beside the same ones corrupted."""
    for start in range(0, len(pictures), BATCH):
        x = pictures.batch(np.arange(start, min(start + BATCH, len(pictures)))).x
        yield CorruptedBatch(x, x if corruption is None else corruption(x, RandomSource(*seed, start)))


def flattened(pictures: PictureSet, corruption: Corruption | None, *seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All pictures, and the same ones corrupted, float32 `[n, values]`; without corruption both are one array."""
    targets = np.empty((len(pictures), pictures.levels[0].size), np.float32)
    corrupted = targets if corruption is None else np.empty_like(targets)
    batches = corrupted_batches(pictures, corruption, *seed)
    for start, batch in zip(range(0, len(targets), BATCH), batches, strict=True):
        targets[start : start + BATCH] = batch.target.flatten(1)
        corrupted[start : start + BATCH] = batch.corrupted.flatten(1)
    return targets, corrupted


def measured(restore: Restore, test: PictureSet, corruption: Corruption | None, seed: int) -> dict[str, float | None]:
    """`bce`, `bce_floor`, `mse`, `psnr` and `ssim` of restored pictures; of binary ones without the last two.

    Args:
        restore: from corrupted pictures `[batch, channels, height, width]` to restored ones of that shape.
        test: the pictures.
        corruption: of these; None for none.
        seed: of the corruption.
    """
    errors = pixel_errors if test.binary else picture_errors
    batches = corrupted_batches(test, corruption, seed)
    found = averages(errors(restore(corrupted).clamp(0, 1), target) for target, corrupted in batches)
    return found if test.binary else with_signal_to_noise(found)


# Restorers -----------------------------------------------------------------------------------------


def _unchanged(corrupted: torch.Tensor) -> torch.Tensor:
    return corrupted


def mean_picture(train: PictureSet) -> Restore:
    """The mean of the training pictures in place of every picture."""
    total = sum(target.sum(0, dtype=torch.float64) for target, _ in corrupted_batches(train, None))
    mean = (total / len(train)).float()
    return lambda corrupted: mean.expand_as(corrupted)


def ridge(train: PictureSet, corruption: Corruption, seed: int) -> Restore:
    """The linear map from corrupted pictures c to their targets x that minimises `|x − (W c + b)|² + |W|²`, summed over
    the training pictures, each of which is corrupted once."""
    from sklearn.linear_model import Ridge

    targets, inputs = flattened(train, corruption, seed, TRAIN)
    found = Ridge(RIDGE, copy_X=False).fit(inputs, targets)
    return lambda corrupted: torch.from_numpy(found.predict(corrupted.flatten(1).numpy())).float().view_as(corrupted)


FILTERS = {"bicubic": "BICUBIC", "Lanczos": "LANCZOS"}  # of pillow


def enlargement(factor: int, name: str) -> Restore:
    """Pictures of low resolution, each pixel of which is a block of `factor` by `factor`, enlarged by the filter `name`
    of `FILTERS`."""
    from PIL import Image

    resampling = Image.Resampling[FILTERS[name]]

    def enlarged(plane: np.ndarray) -> np.ndarray:
        size = plane.shape[1], plane.shape[0]
        return np.asarray(Image.fromarray(plane[::factor, ::factor].copy()).resize(size, resampling))

    def restore(corrupted: torch.Tensor) -> torch.Tensor:
        planes = corrupted.flatten(0, 1).numpy()
        return torch.from_numpy(np.stack([enlarged(plane) for plane in planes])).view_as(corrupted)

    return restore


# Principal components ------------------------------------------------------------------------------


def _components(
    fitted_to: PictureSet, train: PictureSet, test: PictureSet, latent: int, seed: int
) -> dict[str, dict[str, float | None]]:
    """The figures of principal components; neighbours are searched among all of `train`."""
    from sklearn.decomposition import PCA

    if len(fitted_to) < 2:
        return {}
    flat, _ = flattened(fitted_to, None)
    count = min(latent, *flat.shape)
    components = PCA(count, random_state=seed).fit(flat)

    def encode(pictures: PictureSet) -> np.ndarray:
        batches = corrupted_batches(pictures, None)
        return np.concatenate([components.transform(x.flatten(1).numpy()) for x, _ in batches])

    def restore(x: torch.Tensor) -> torch.Tensor:
        values = components.inverse_transform(components.transform(x.flatten(1).numpy()))
        return torch.from_numpy(values).float().view_as(x)

    errors = measured(restore, test, None, seed)
    kept = {"mse": errors["mse"]} if test.binary else errors
    return {f"PCA-{count}": kept | neighbours(encode, test, train)}
