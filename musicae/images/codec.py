"""Pictures to latent vectors and back: what a model of pictures computes, and everything else builds on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicae.core.corruptions import Pixelation
from musicae.core.model import BATCH, Model
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.images.picture_set import PictureSet, one_hot
from musicae.images.pictures import ReadPicture, to_image

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageCodec(Model):
    """The encoder and the decoder of a model of pictures.

    A picture is whatever `Pictures.read` reads: a path, bytes, a `PIL.Image`, an array. Several are a list of
    these or an array `[n, channels, height, width]`.
    """

    def read(self, pictures) -> ReadPicture:
        """One picture or several as the encoder reads them, `[n, channels, height, width]`.

        A model of super-resolution reads them at its low resolution, each pixel enlarged to a block.

        Raises:
            ConfigError: there are no pictures.
            DataError: one is missing or not a picture.
        """
        if isinstance(pictures, ReadPicture) and pictures.array.ndim == 4:
            return pictures
        read = [self._read_one(picture) for picture in (pictures if _several(pictures) else [pictures])]
        if not read:
            raise ConfigError("no pictures given")
        report = dict.fromkeys(sentence for one in read for sentence in one.report)
        return ReadPicture(np.stack([one.array for one in read]), tuple(report))

    def _read_one(self, picture) -> ReadPicture:
        corruption = self.preset.corruption
        if not isinstance(corruption, Pixelation) or isinstance(picture, ReadPicture):
            return self.representation.read(picture)
        factor = corruption.factor
        low = self.representation.downscaled(factor).read(picture)
        return ReadPicture(low.array.repeat(factor, 1).repeat(factor, 2), low.report)

    def encode(self, pictures, labels=None) -> np.ndarray:
        """Latent vectors of one picture or several: posterior means `[n, latent]`.

        Args:
            pictures: what to encode.
            labels: of a conditional model, the class of each as an index, or one for all.

        Raises:
            ConfigError: labels that are missing, not wanted, or unknown: see `condition`.
        """
        array = self.read(pictures).array
        return self.to_latent(torch.from_numpy(array), condition=self.condition(labels, len(array)))

    def values(self, z: np.ndarray, labels=None) -> np.ndarray:
        """The expected picture of each vector `[n, latent]`, float32 `[n, channels, height, width]` in 0..1."""
        parts = [p.mean.cpu() for p in self.likelihoods(z, self.condition(labels, len(z)))]
        return torch.cat(parts).clamp(0, 1).numpy()

    def decode(self, z: np.ndarray, labels=None) -> list[Image]:
        """The expected picture of each vector `[n, latent]`; `labels` as in `encode`."""
        return [to_image(values) for values in self.values(z, labels)]

    def condition(self, labels, n: int) -> torch.Tensor | None:
        """The condition of `n` pictures of these classes, one-hot `[n, classes]`; None where the model has none.

        Args:
            labels: the class of each as an index, one for all, or None.
            n: how many pictures.

        Raises:
            ConfigError: labels that are missing, not wanted, or none that the model knows.
        """
        classes = self.preset.label_classes
        if not classes and labels is not None:
            raise ConfigError(f"{self.name} is not conditioned on labels: leave them out")
        if not classes:
            return None
        if labels is None:
            raise ConfigError(f"{self.name} is conditioned on the class of a picture: give labels, 0 to {classes - 1}")
        indices = np.broadcast_to(np.asarray(labels), n)
        if indices.dtype.kind not in "iu" or indices.min(initial=0) < 0 or indices.max(initial=0) >= classes:
            raise ConfigError(f"labels {labels}: {self.name} knows the classes 0 to {classes - 1}")
        return one_hot(indices, classes)

    def round_robin_labels(self, n: int) -> np.ndarray | None:
        """`n` labels, 0, 1, 2, ... again and again; None where the model is not conditioned on labels."""
        return np.arange(n) % self.preset.label_classes if self.preset.label_classes else None

    def means(self, examples: PictureSet, seed: int = 0) -> np.ndarray:
        """Posterior means of a set of pictures, `[n, latent]`; of corrupted pictures where the model encodes these."""
        return self._codes(examples, seed, sampled=False)

    def draws(self, examples: PictureSet, seed: int = 0) -> np.ndarray:
        """As `means`, but one draw from the posterior of each picture."""
        return self._codes(examples, seed, sampled=True)

    @torch.no_grad()
    def _codes(self, examples: PictureSet, seed: int, sampled: bool) -> np.ndarray:
        parts, corruption = [], self.preset.corruption
        for start in range(0, len(examples), BATCH):
            batch = examples.batch(np.arange(start, min(start + BATCH, len(examples)))).to(self.network.device)
            random = RandomSource(seed, start)
            x = batch.x if corruption is None else corruption(batch.x, random)
            posterior = self.network.conditioned_on(batch.condition).encode(x)
            parts.append((posterior.sample(random) if sampled else posterior.mean).cpu())
        return torch.cat(parts).numpy()


def _several(pictures) -> bool:
    many = isinstance(pictures, Sequence) and not isinstance(pictures, str | bytes | ReadPicture)
    return many or getattr(pictures, "ndim", 0) == 4
