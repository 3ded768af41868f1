"""A trained model of pictures: the verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from musicae.core.corruptions import Pixelation
from musicae.core.evaluation import measure
from musicae.core.geometry import lerp, slerp
from musicae.core.model import BATCH, Model
from musicae.errors import ConfigError
from musicae.images.datasets import PictureSet, one_hot
from musicae.images.pictures import Seen, to_image

if TYPE_CHECKING:
    from PIL.Image import Image

NEIGHBOURS = 10


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
        return np.arange(n) % self.network.conditions if self.network.conditions else None

    def condition(self, labels, n: int) -> torch.Tensor | None:
        """What the network is told of `n` pictures of these classes: one-hot `[n, conditions]`.

        Args:
            labels: the class of each as an index, one for all, or None.
            n: how many pictures.

        Raises:
            ConfigError: labels that are missing, not wanted, or none that the model knows.
        """
        classes = self.network.conditions
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

    def evaluate(self, examples: PictureSet, known: PictureSet | None = None, *, seed: int = 0, progress=None) -> dict:
        """Figures on held-out pictures (`musicae.core.evaluation.measure`); "greedy" is the expected picture.

        Args:
            examples: what the model has not seen.
            known: labelled pictures by which others are classified; None for the other ones of `examples`.
            seed: of the draws of z.
            progress: called with the number of pictures done after every batch.

        Returns:
            As `measure`, with `bce` (binary cross-entropy in nats a value), `bce_floor` (what it would be if
            the originals came back exactly: grey is never certain) and `mse` (squared error a value, full
            range 1); of labelled pictures also `neighbours`, the share whose class is that of most of the 10
            nearest latent means.
        """
        ways = {"greedy": lambda likelihood, random: likelihood.mean.clamp(0, 1)}
        options = {"ways": ways, "corruption": self.preset.corruption, "seed": seed, "progress": progress}
        figures = measure(self.network, examples, pixel_errors, **options)
        known = known if known is not None and known.labels is not None else None
        if examples.labels is not None:
            reference = None if known is None else (self.means(known), known.labels)
            figures["neighbours"] = neighbour_accuracy(self.means(examples), examples.labels, reference)
        return figures

    def means(self, examples: PictureSet) -> np.ndarray:
        """Latent means of a set, `[n, latent]`."""
        starts = range(0, len(examples), BATCH)
        ranges = (np.arange(start, min(start + BATCH, len(examples))) for start in starts)
        batches = (examples.batch(indices) for indices in ranges)
        return np.concatenate([self.to_latent(batch.x, condition=batch.condition) for batch in batches])


def pixel_errors(decoded: torch.Tensor, x: torch.Tensor) -> dict[str, tuple[float, float]]:
    """Sums over all values of all pictures, and how many: binary cross-entropy, its floor, squared error."""
    sums = {
        "bce": functional.binary_cross_entropy(decoded, x, reduction="sum"),
        "bce_floor": functional.binary_cross_entropy(x, x, reduction="sum"),
        "mse": functional.mse_loss(decoded, x, reduction="sum"),
    }
    return {name: (value.item(), x.numel()) for name, value in sums.items()}


def neighbour_accuracy(
    codes: np.ndarray, labels: np.ndarray, reference: tuple[np.ndarray, np.ndarray] | None = None
) -> float:
    """Share of codes `[n, latent]` whose class is the most frequent one among the 10 nearest codes.

    Args:
        codes: the codes to classify.
        labels: their classes, int64 `[n]`.
        reference: codes and classes to search; None for the other ones of `codes`.
    """
    from sklearn.neighbors import NearestNeighbors

    known_codes, known_labels = reference or (codes, labels)
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(known_codes) - (reference is None))).fit(known_codes)
    nearest = search.kneighbors(codes if reference else None, return_distance=False)
    votes = known_labels[nearest][:, :, None] == np.unique(known_labels)
    return float((np.unique(known_labels)[votes.sum(1).argmax(1)] == labels).mean())


def _several(pictures) -> bool:
    many = isinstance(pictures, Sequence) and not isinstance(pictures, str | bytes | Seen)
    return many or getattr(pictures, "ndim", 0) == 4
