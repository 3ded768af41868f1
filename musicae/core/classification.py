"""Networks that tell classes of examples apart: judges of what autoencoders make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Network
from musicae.core.objectives import Terms
from musicae.core.randomness import RandomSource


class Settings(Protocol):
    """What a classifier is made from.

    Attributes:
        example_spec: what it sees.
        network: from that to features.
        features: units of the last hidden layer.
        classes: how many it tells apart.
    """

    example_spec: ExampleSpec
    network: Network
    features: int
    classes: int


class Classifier(nn.Module):
    """Examples `[batch, ...]` to the unnormalised log probabilities of classes.

    Args:
        settings: what it is made from.
    """

    def __init__(self, settings: Settings):
        super().__init__()
        self.encoder, features = settings.network.encoder(settings.example_spec)
        self.hidden = nn.Linear(features, settings.features)
        self.head = nn.Linear(settings.features, settings.classes)
        self.latent = settings.features

    def given(self, condition: torch.Tensor) -> Told:
        """This classifier beside the true classes, one-hot `[batch, classes]`, as the training loop hands them on."""
        return Told(self, condition.argmax(1))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The last hidden layer, `[batch, features]`."""
        return functional.silu(self.hidden(self.encoder(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits `[batch, classes]`."""
        return self.head(self.features(x)).float()


@dataclass(frozen=True)
class Told:
    """A classifier and the true classes `[batch]` of the examples that it is about to see."""

    model: Classifier
    labels: torch.Tensor


@dataclass(frozen=True)
class Classification:
    """`−ln p(class | x)`: an objective of the one training loop (`musicae.core.objectives`)."""

    def __call__(self, told: Told, clean: torch.Tensor, seen: torch.Tensor, step: int, random: RandomSource) -> Terms:
        """The terms of examples `[batch, ...]`: the distortion is −ln p(class | x)."""
        logits = told.model(seen)
        losses = functional.cross_entropy(logits, told.labels, reduction="none")
        right = (logits.argmax(1) == told.labels).float()
        return Terms(losses.mean(), losses, torch.zeros_like(losses), right, torch.zeros_like(losses))
