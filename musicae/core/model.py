"""A network with what it needs to be of use: settings, measured figures, and batches of any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from musicae.core.autoencoder import Autoencoder, Conditioned
from musicae.core.directions import Directions
from musicae.core.likelihoods import Likelihood
from musicae.core.priors import FittedMixture
from musicae.core.randomness import RandomSource

FEW_STEPS = 1000  # of training: fewer make a model that ends before it begins, and are said where it is silent
BATCH = 64  # at a time: larger ones are no faster on a CPU, and of piano rolls take more memory

BLOCKS = 2  # the stream of random numbers of a seed that all blocks of latent vectors but the first are drawn from


class Model:
    """What `musicae.load` gives: an autoencoder together with the representation that it was trained on.

    Args:
        preset: the settings that it was made from (`musicae.presets.Preset`).
        network: the autoencoder.
        metrics: what was measured on held-out data.
        folder: where it was loaded from.
        prior: what new latent vectors are drawn from; None for N(0, I).
        directions: along which attributes of its examples grow; None where none were fitted.
    """

    def __init__(
        self,
        preset: Any,
        network: Autoencoder,
        metrics: dict | None = None,
        folder: Path | None = None,
        prior: FittedMixture | None = None,
        directions: Directions | None = None,
    ):
        self.preset = preset
        self.network = network.eval()
        self.metrics = metrics or {}
        self.folder = folder
        self.prior = prior
        self.directions = directions

    def __repr__(self) -> str:
        size = self.network.size / 1e6
        return f"<{type(self).__name__} {self.preset.name}: {self.preset.summary}; {size:.1f} M parameters>"

    @property
    def name(self) -> str:
        """The name of its preset."""
        return self.preset.name

    @property
    def caveats(self) -> list[str]:
        """Sentences on what is not as its settings have it, as while a model is trained."""
        missing = self.preset.prior is not None and self.prior is None
        return ["no prior is fitted to this model yet: new latent vectors are drawn from N(0, I)"] if missing else []

    @property
    def little_training(self) -> str:
        """Why it was probably trained too little, in words; empty if its figures say nothing of the kind."""
        trained = self.metrics.get("trained")
        steps = trained.get("steps") if isinstance(trained, dict) else None
        if isinstance(steps, int) and steps < FEW_STEPS:
            return f"{steps:,} steps"
        return "" if self.metrics else "its training did not end"

    @property
    def representation(self) -> Any:
        """How files become its examples and back."""
        return self.preset.representation

    def to(self, device: str) -> Self:
        """The same model on a device, e.g. `"cuda"`."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def to_latent(self, x: torch.Tensor, seed: int | None = None, condition: torch.Tensor | None = None) -> np.ndarray:
        """Latent vectors `[n, latent]` of examples `[n, ...]`: posterior means, or with `seed` a draw from each.

        Args:
            x: the examples.
            seed: of the draws.
            condition: of a conditional model, that of each example, `[n, ..., size]`.
        """
        parts = []
        for start, chunk in zip(range(0, len(x), BATCH), x.split(BATCH), strict=True):
            posterior = self._conditioned(condition, start).encode(chunk.to(self.network.device))
            z = posterior.mean if seed is None else posterior.sample(RandomSource(seed, start))
            parts.append(z.cpu())
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def from_latent(
        self,
        z: np.ndarray,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        condition: torch.Tensor | None = None,
        first: int = 0,
    ) -> torch.Tensor:
        """Examples `[n, ...]` decoded from vectors `[n, latent]`; temperature 0 takes the most probable values.

        What is drawn depends on a vector's place. Of vectors decoded in parts, `first` is the place of a part's first
        one, a multiple of `BATCH`; then it is as if all were decoded at once.
        """
        return drawn(self.likelihoods(z, condition), temperature, top_p, seed, first)

    @torch.no_grad()
    def likelihoods(self, z: np.ndarray, condition: torch.Tensor | None = None) -> Iterator[Likelihood]:
        """p(x | z) of vectors `[n, latent]`, `BATCH` at a time; `condition` as `to_latent` has it."""
        vectors = torch.as_tensor(np.asarray(z, np.float32))
        for start, chunk in zip(range(0, len(vectors), BATCH), vectors.split(BATCH), strict=True):
            yield self._conditioned(condition, start).decode(chunk.to(self.network.device))

    def _conditioned(self, condition: torch.Tensor | None, start: int) -> Autoencoder | Conditioned:
        """The network, conditioned on what goes with the `BATCH` examples from `start` on."""
        part = None if condition is None else condition[start : start + BATCH].to(self.network.device)
        return self.network.conditioned_on(part)

    def draw(self, n: int, seed: int = 0, block: int = 0) -> np.ndarray:
        """`n` latent vectors from the prior, `[n, latent]`: the one fitted to the model's codes, or N(0, I).

        Of more than can be drawn at once, each `block` has random numbers of its own.
        """
        random = RandomSource(seed, BLOCKS, block) if block else RandomSource(seed)
        if self.prior is not None:
            return self.prior.sample(n, random)
        return random.normal(n, self.network.latent).numpy()


def drawn(
    likelihoods: Iterable[Likelihood], temperature: float = 0.0, top_p: float = 1.0, seed: int = 0, first: int = 0
) -> torch.Tensor:
    """Examples `[n, ...]` of likelihoods of `BATCH` each; for the rest see `Model.from_latent`."""
    parts = enumerate(likelihoods)
    draws = (p.sample(RandomSource(seed, first + i * BATCH), temperature, top_p) for i, p in parts)
    return torch.cat([x.cpu() for x in draws])
