"""A trained model of pictures: the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from musicae.core.corruptions import Pixelation
from musicae.core.geometry import lerp, slerp
from musicae.core.model import BATCH, Model
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.images.datasets import PictureSet, one_hot
from musicae.images.evaluation import evaluate
from musicae.images.pictures import Seen, to_image

if TYPE_CHECKING:
    from PIL.Image import Image

    from musicae.images.judge import Judge


class ImageModel(Model):
    """Pictures to latent vectors and back.

    A picture is whatever `Pictures.read` reads: a path, bytes, a `PIL.Image`, an array. Several are a list of
    these or an array `[n, channels, height, width]`.
    """

    def see(self, pictures) -> Seen:
        """Pictures as the model sees them, `[n, channels, height, width]`, and what was done to them.

        A model of super-resolution sees them at its low resolution, each pixel enlarged to a block.
        """
        if isinstance(pictures, Seen) and pictures.array.ndim == 4:
            return pictures
        seen = [self._look(picture) for picture in (pictures if _several(pictures) else [pictures])]
        if not seen:
            raise ConfigError("no pictures given")
        return Seen(np.stack([s.array for s in seen]), tuple(dict.fromkeys(line for s in seen for line in s.report)))

    def _look(self, picture) -> Seen:
        """One picture."""
        corruption = self.preset.corruption
        if not isinstance(corruption, Pixelation) or isinstance(picture, Seen):
            return self.representation.read(picture)
        factor = corruption.factor
        low = self.representation.shrunk(factor).read(picture)
        return Seen(low.array.repeat(factor, 1).repeat(factor, 2), low.report)

    def encode(self, pictures, labels=None) -> np.ndarray:
        """Latent vectors of one picture or several: posterior means `[n, latent]`.

        Args:
            pictures: what to encode.
            labels: of a conditional model, the class of each as an index, or one for all.

        Raises:
            ConfigError: a conditional model is told no class, or another one is told one.
        """
        array = self.see(pictures).array
        return self.to_latent(torch.from_numpy(array), condition=self.condition(labels, len(array)))

    def values(self, z: np.ndarray, labels=None) -> np.ndarray:
        """`decode` in numbers: `[n, latent]` to float32 `[n, channels, height, width]` in 0..1."""
        parts = [p.mean.cpu() for p in self.likelihoods(z, self.condition(labels, len(z)))]
        return torch.cat(parts).clamp(0, 1).numpy()

    def decode(self, z: np.ndarray, labels=None) -> list[Image]:
        """The expected picture of each latent vector `[n, latent]`; `labels` as `encode` has it."""
        return [to_image(values) for values in self.values(z, labels)]

    def reconstruct(self, pictures, labels=None) -> list[Image]:
        """What the model gives back of one picture or several; `labels` as `encode` has it.

        Of a model that restores (denoising, super-resolution) these are the restored pictures.
        """
        return self.decode(self.encode(pictures, labels), labels)

    def sample(self, n: int = 8, seed: int = 0, labels=None) -> list[Image]:
        """`n` new pictures: decodes of draws from the prior.

        Args:
            n: how many.
            seed: of the draws.
            labels: of a conditional model, the class of each, or one for all; None for all classes in turn.
        """
        return self.decode(self.draw(n, seed), self.in_turn(n) if labels is None else labels)

    def in_turn(self, n: int) -> np.ndarray | None:
        """`n` labels, 0, 1, 2, ... again and again; None where the model is told none."""
        return np.arange(n) % self.network.conditioning.size if self.network.conditioning.size else None

    def condition(self, labels, n: int) -> torch.Tensor | None:
        """What the network is told of `n` pictures of these classes: one-hot `[n, conditions]`.

        Args:
            labels: the class of each as an index, one for all, or None.
            n: how many pictures.

        Raises:
            ConfigError: labels that are missing, not wanted, or none that the model knows.
        """
        classes = self.network.conditioning.size
        if not classes and labels is not None:
            raise ConfigError(f"{self.name} is not told labels: leave them out")
        if not classes:
            return None
        if labels is None:
            raise ConfigError(f"{self.name} has to be told the class of each picture: give labels, 0 to {classes - 1}")
        indices = np.broadcast_to(np.asarray(labels), n)
        if indices.dtype.kind not in "iu" or indices.min(initial=0) < 0 or indices.max(initial=0) >= classes:
            raise ConfigError(f"labels {labels}: {self.name} knows the classes 0 to {classes - 1}")
        return one_hot(indices, classes)

    def interpolate(self, a, b, steps: int = 7, linear: bool = False, label: int | None = None) -> list[Image]:
        """Pictures from one to another, both ends (as the model gives them back) included.

        Args:
            a: a picture.
            b: a picture.
            steps: how many, at least 2.
            linear: along a straight line instead of a great circle.
            label: of a conditional model, the class of all.

        Raises:
            ConfigError: fewer than 2 steps, or a label as `condition` refuses it.
        """
        if steps < 2:
            raise ConfigError(f"{steps} steps cannot hold both ends: give 2 or more")
        start, end = (torch.from_numpy(self.encode(picture, label)[0]) for picture in (a, b))
        path = (lerp if linear else slerp)(start, end, torch.linspace(0, 1, steps))
        return self.decode(path.numpy(), label)

    def vary(
        self, picture, n: int = 4, *, strength: float = 0.3, seed: int = 0, label: int | None = None
    ) -> list[Image]:
        """`n` pictures like one: decodes on the way from its latent vector to draws from the prior.

        Args:
            picture: what to vary.
            n: how many.
            strength: how far on the way: 0 gives the reconstruction, 1 new samples.
            seed: of the others.
            label: of a conditional model, the class of all.

        Raises:
            ConfigError: a strength outside 0..1, or a label as `condition` refuses it.
        """
        if not 0 <= strength <= 1:
            raise ConfigError(f"strength {strength}: it must lie between 0 and 1")
        others = torch.from_numpy(self.draw(n, seed))
        z = torch.from_numpy(self.encode(picture, label)).expand_as(others)
        return self.decode(slerp(z, others, torch.tensor([strength]))[0].numpy(), label)

    def evaluate(
        self,
        examples: PictureSet,
        known: PictureSet | None = None,
        *,
        samples: int | None = None,
        most: int | None = None,
        judge: Judge | None = None,
        seed: int = 0,
        progress=None,
    ) -> dict:
        """Figures on held-out pictures, and of what there is to beat on the same ones: see
        `musicae.images.evaluation.evaluate`, which says what it is given and what it answers."""
        options = {"samples": samples, "most": most, "judge": judge, "seed": seed, "progress": progress}
        return evaluate(self, examples, known, **options)

    def means(self, examples: PictureSet, seed: int = 0) -> np.ndarray:
        """Latent means of a set, `[n, latent]`; of damaged pictures where that is what the model hears."""
        return self._codes(examples, seed, drawn=False)

    def draws(self, examples: PictureSet, seed: int = 0) -> np.ndarray:
        """As `means`, but a draw from the posterior of each."""
        return self._codes(examples, seed, drawn=True)

    @torch.no_grad()
    def _codes(self, examples: PictureSet, seed: int, drawn: bool) -> np.ndarray:
        parts, corruption = [], self.preset.corruption
        for start in range(0, len(examples), BATCH):
            batch = examples.batch(np.arange(start, min(start + BATCH, len(examples)))).to(self.network.device)
            random = RandomSource(seed, start)
            x = batch.x if corruption is None else corruption(batch.x, random)
            posterior = self.network.conditioned_on(batch.condition).encode(x)
            parts.append((posterior.sample(random) if drawn else posterior.mean).cpu())
        return torch.cat(parts).numpy()


def _several(pictures) -> bool:
    many = isinstance(pictures, Sequence) and not isinstance(pictures, str | bytes | Seen)
    return many or getattr(pictures, "ndim", 0) == 4
