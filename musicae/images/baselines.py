"""What needs no network: the figures that a model of pictures has to beat, on the same pictures, by the same functions.

They are fitted to training pictures in closed form, and measured on damage drawn as `musicae.core.evaluation.measure`
draws it, so that a model and its baseline hear the same noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from musicae.core.corruptions import Corruption, GaussianNoise, Masking, Pixelation
from musicae.core.randomness import RandomSource
from musicae.images.datasets import PictureSet
from musicae.images.metrics import averages, neighbours, picture_errors, pixel_errors, with_signal_to_noise

BATCH = 512  # as `measure` has it: the damage depends on it
MOST_VALUES = 45_000_000  # that are fitted to: 55,000 pictures of MNIST
RIDGE = 1.0
TRAIN = 1  # the name of the random stream of training damage beside the seed

Restore = Callable[[torch.Tensor], torch.Tensor]


class Heard(NamedTuple):
    """Pictures `[batch, channels, height, width]`, and what is heard of them, of the same shape."""

    x: torch.Tensor
    damaged: torch.Tensor


def baselines(
    train: PictureSet, test: PictureSet, latent: int, corruption: Corruption | None = None, seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """The figures of what there is to beat, by name.

    * `mean picture`: the mean of the training pictures, whatever is heard.
    * without damage `PCA-n`: principal components, as many as the model has latent dimensions, with `neighbours` of
      their codes.
    * of noise and masks `as it is heard`, and `linear ridge`: the best linear map from noisy pictures to clean ones.
    * of a low resolution `nearest`, `bicubic`, `Lanczos`: enlargements.

    Restored values are cut to 0..1. Of binary pictures components and similarities are not probabilities, so the
    components have squared errors alone, and nothing has `ssim` and `psnr`.

    Args:
        train: pictures to fit to; at most 45 million values of them, drawn by the seed.
        test: pictures to measure on.
        latent: dimensions of the model's latent vector.
        corruption: what the model hears in place of the pictures.
        seed: of the damage.
    """
    known = sampled(train, seed)
    figures = {"mean picture": measured(mean_picture(known), test, corruption, seed)}
    if corruption is None:
        return figures | _components(known, train, test, latent, seed)
    if isinstance(corruption, Pixelation):
        ways = {"nearest": lambda damaged: damaged} | {name: enlargement(corruption.factor, name) for name in FILTERS}
    else:
        ways = {"as it is heard": lambda damaged: damaged}
        if isinstance(corruption, GaussianNoise | Masking):
            ways["linear ridge"] = ridge(known, corruption, seed)
    return figures | {name: measured(way, test, corruption, seed) for name, way in ways.items()}


def sampled(pictures: PictureSet, seed: int) -> PictureSet:
    """As many pictures as can be fitted to quickly, drawn by the seed; all, if they are no more."""
    most = max(MOST_VALUES // pictures.levels[0].size, 1)
    if len(pictures) <= most:
        return pictures
    return pictures.subset(np.sort(np.random.default_rng(seed).permutation(len(pictures))[:most]))


def heard(pictures: PictureSet, corruption: Corruption | None, *seed: int) -> Iterator[Heard]:
    """All pictures in batches, with what is heard of them."""
    for start in range(0, len(pictures), BATCH):
        x = pictures.batch(np.arange(start, min(start + BATCH, len(pictures)))).x
        yield Heard(x, x if corruption is None else corruption(x, RandomSource(*seed, start)))


def flattened(pictures: PictureSet, corruption: Corruption | None, *seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All pictures, and what is heard of them, float32 `[n, values]`; without damage both are one array."""
    whole = np.empty((len(pictures), pictures.levels[0].size), np.float32)
    damaged = whole if corruption is None else np.empty_like(whole)
    for start, batch in zip(range(0, len(whole), BATCH), heard(pictures, corruption, *seed), strict=True):
        whole[start : start + BATCH] = batch.x.flatten(1)
        damaged[start : start + BATCH] = batch.damaged.flatten(1)
    return whole, damaged


def measured(restore: Restore, test: PictureSet, corruption: Corruption | None, seed: int) -> dict[str, float | None]:
    """`bce`, `bce_floor`, `mse`, `psnr` and `ssim` of a way to restore pictures; of binary ones without the last two.

    Args:
        restore: from what is heard, `[batch, channels, height, width]`, to pictures of that shape.
        test: the pictures.
        corruption: what happens to them.
        seed: of the damage.
    """
    errors = pixel_errors if test.binary else picture_errors
    found = averages(errors(restore(damaged).clamp(0, 1), x) for x, damaged in heard(test, corruption, seed))
    return found if test.binary else with_signal_to_noise(found)


# Ways to restore -----------------------------------------------------------------------------------


def mean_picture(known: PictureSet) -> Restore:
    """The mean of the training pictures for each."""
    total = sum(x.sum(0, dtype=torch.float64) for x, _ in heard(known, None))
    mean = (total / len(known)).float()
    return lambda damaged: mean.expand_as(damaged)


def ridge(known: PictureSet, corruption: Corruption, seed: int) -> Restore:
    """The linear map `x ≈ W d + b` of least squared error (and a little `|W|²`) from damaged pictures d to whole ones.

    The damage is fresh, and each picture is seen once.
    """
    from sklearn.linear_model import Ridge

    targets, inputs = flattened(known, corruption, seed, TRAIN)
    found = Ridge(RIDGE, copy_X=False).fit(inputs, targets)
    return lambda damaged: torch.from_numpy(found.predict(damaged.flatten(1).numpy())).float().view_as(damaged)


FILTERS = {"bicubic": "BICUBIC", "Lanczos": "LANCZOS"}  # of pillow


def enlargement(factor: int, name: str) -> Restore:
    """Pictures of low resolution, of which each pixel is a block, at full resolution again by a filter of `FILTERS`."""
    from PIL import Image

    resampling = Image.Resampling[FILTERS[name]]

    def enlarged(plane: np.ndarray) -> np.ndarray:
        size = plane.shape[1], plane.shape[0]
        return np.asarray(Image.fromarray(plane[::factor, ::factor].copy()).resize(size, resampling))

    def restore(damaged: torch.Tensor) -> torch.Tensor:
        planes = damaged.flatten(0, 1).numpy()
        return torch.from_numpy(np.stack([enlarged(plane) for plane in planes])).view_as(damaged)

    return restore


# Principal components ------------------------------------------------------------------------------


def _components(
    known: PictureSet, train: PictureSet, test: PictureSet, latent: int, seed: int
) -> dict[str, dict[str, float | None]]:
    """The figures of principal components fitted to `known`; neighbours are searched among all of `train`."""
    from sklearn.decomposition import PCA

    if len(known) < 2:
        return {}
    flat, _ = flattened(known, None)
    count = min(latent, *flat.shape)
    components = PCA(count, random_state=seed).fit(flat)

    def encode(pictures: PictureSet) -> np.ndarray:
        return np.concatenate([components.transform(x.flatten(1).numpy()) for x, _ in heard(pictures, None)])

    def restore(x: torch.Tensor) -> torch.Tensor:
        values = components.inverse_transform(components.transform(x.flatten(1).numpy()))
        return torch.from_numpy(values).float().view_as(x)

    errors = measured(restore, test, None, seed)
    kept = {"mse": errors["mse"]} if test.binary else errors
    return {f"PCA-{count}": kept | neighbours(encode, test, train)}
