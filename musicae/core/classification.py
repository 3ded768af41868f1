"""Classifiers of examples, by which what autoencoders generate is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from musicae.core.configuration import MaybeSize, Size
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional, Network
from musicae.core.objectives import Objective, Terms
from musicae.core.randomness import RandomSource
from musicae.core.settings import Training


class HasExampleSpec(Protocol):
    """A representation, as far as the core needs to know it.

    Attributes:
        example_spec: what one example is.
    """

    @property
    def example_spec(self) -> ExampleSpec:
        """What one example is."""


@dataclass(frozen=True)
class ClassifierSettings:
    """What a classifier is made from.

    Args:
        representation: how files become the examples that it reads.
        classes: how many there are.
        training: how it is trained.
        network: from examples to features.
        features: units of the last hidden layer.
        shift: training examples are moved by up to so many positions each way, drawn anew each time.
    """

    representation: HasExampleSpec
    classes: Size
    training: Training
    network: Network = Convolutional(widths=(32, 64), blocks=1, full_resolution=False)
    features: Size = 128
    shift: MaybeSize = 0


class Classifier(nn.Module):
    """Examples `[batch, ...]` to the unnormalised log probabilities of classes.

    Args:
        settings: what it is made from.
    """

    def __init__(self, settings: ClassifierSettings):
        super().__init__()
        self.encoder, features = settings.network.encoder(settings.representation.example_spec)
        self.hidden = nn.Linear(features, settings.features)
        self.head = nn.Linear(settings.features, settings.classes)
        self.latent = settings.features

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The last hidden layer, `[batch, features]`."""
        return functional.silu(self.hidden(self.encoder(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits `[batch, classes]`."""
        return self.head(self.features(x)).float()


@dataclass(frozen=True)
class Classification(Objective):
    """`−ln p(class | x)`: an objective of the one training loop (`musicae.core.objectives`)."""

    def __call__(
        self,
        model: Classifier,
        batch: Batch,
        corrupted: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """The terms of labelled examples: the distortion is −ln p(class | x)."""
        logits = model(corrupted)
        losses = functional.cross_entropy(logits, batch.labels, reduction="none")
        right = (logits.argmax(1) == batch.labels).float()
        return Terms(losses.mean(), losses, torch.zeros_like(losses), right, torch.zeros_like(losses))
