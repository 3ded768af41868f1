"""What a preset is. Numbers only: no torch is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from musicae.core.bottlenecks import BOTTLENECKS, Bottleneck, Gaussian
from musicae.core.conditioning import Conditioning
from musicae.core.configuration import MaybeSize, Range, Size, check
from musicae.core.corruptions import CORRUPTIONS, GaussianNoise, Masking, Pixelation
from musicae.core.example_spec import Specified
from musicae.core.networks import NETWORKS, Network
from musicae.core.objectives import OBJECTIVES, Objective
from musicae.core.penalties import PENALTIES
from musicae.core.priors import PRIORS, Mixture
from musicae.core.schedules import SCHEDULES, WarmupCosine
from musicae.core.settings import Training
from musicae.images.pictures import Pictures
from musicae.music.data.augmentations import AUGMENTATIONS, DropParts, SpliceInTime, SwapParts
from musicae.music.data.corruptions import CORRUPTIONS as REMAINS
from musicae.music.data.corruptions import GrooveCorruption, OneOf
from musicae.music.representations import REPRESENTATIONS, Representation

Semitones = Annotated[int, Range(-127, 127)]


@dataclass(frozen=True)
class Preset:
    """A model by name.

    Args:
        name: what a user types.
        summary: what it is for, in one line.
        representation: what one example is, and how files become examples and back.
        network: an entry of `musicae.core.networks`.
        latent: dimensions of the latent vector.
        bottleneck: an entry of `musicae.core.bottlenecks`.
        objective: what training makes small.
        training: how it is trained.
        corruption: of the examples, which the encoder reads in their place.
        prior: what is fitted to the codes of the training data afterwards, to sample from; None for N(0, I).
        label_classes: of pictures: the number of classes, if the model is conditioned on labels; else 0.
        transpose: semitones by which training windows are moved at random, lowest and highest.
        augmentations: what else makes more of the training windows, in this order.
        track: which tracks training windows come from: None for the melody of each song, `"all"` for every track.
        data: what it is trained on when nothing is given: `"music21"`, `"digits"`, or None.

    Raises:
        ConfigError: a setting, here or within, is not what its annotation says; or the network cannot read what the
            model is conditioned on.
    """

    name: Annotated[str, Range(1, 200)]
    summary: str
    representation: Representation | Pictures | Specified
    network: Network
    latent: Size
    objective: Objective
    training: Training
    bottleneck: Bottleneck = Gaussian()
    corruption: GaussianNoise | Masking | Pixelation | GrooveCorruption | OneOf | None = None
    prior: Mixture | None = None
    label_classes: MaybeSize = 0
    transpose: tuple[Semitones, Semitones] = (0, 0)
    augmentations: tuple[SwapParts | DropParts | SpliceInTime, ...] = ()
    track: str | None = None
    data: str | None = None

    def __post_init__(self):
        check(self)
        self.conditioning.check_network(self.network)

    @property
    def conditioning(self) -> Conditioning:
        """What the model is conditioned on: of music what the representation has, of pictures their labels."""
        if self.musical:
            return self.representation.conditioning
        return Conditioning(("class",), self.label_classes) if self.label_classes else Conditioning()

    @property
    def musical(self) -> bool:
        """Whether it is a model of music; if not, it is one of pictures."""
        return not isinstance(self.representation, Pictures)


KINDS = (
    *(Preset, Training, *REPRESENTATIONS, Pictures, *NETWORKS),
    *(*BOTTLENECKS, *OBJECTIVES, *PENALTIES, *SCHEDULES, *CORRUPTIONS, *REMAINS, *AUGMENTATIONS, *PRIORS),
)


def cosine(steps: int, peak: float = 1e-3) -> WarmupCosine:
    """The learning rate of our own presets: a short rise, then half a cosine to a hundredth."""
    return WarmupCosine(peak, peak / 100, min(200, steps // 10), steps)


def training(steps: int, batch_size: int = 128, peak: float = 1e-3, **changes) -> Training:
    """How our own presets are trained."""
    return Training(steps=steps, batch_size=batch_size, learning_rate=cosine(steps, peak), **changes)
