"""Every named model: what it reads, its networks, its objective, its training. Numbers only: no torch is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.core.corruptions import CORRUPTIONS, GaussianNoise
from musicae.core.networks import NETWORKS, Convolutional, Network, Recurrent
from musicae.core.objectives import OBJECTIVES, Elbo, Reconstruction
from musicae.core.schedules import (
    SCHEDULES,
    Decay,
    InverseSigmoid,
    Linear,
    Saturating,
    WarmupCosine,
)
from musicae.core.settings import Training
from musicae.images.pictures import Pictures
from musicae.music.representations import REPRESENTATIONS, Melody, Pianoroll


@dataclass(frozen=True)
class Preset:
    """A model by name.

    Args:
        name: what a user types.
        summary: what it is for, in one line.
        representation: what one example is, and how files become examples and back.
        network: an entry of `musicae.core.networks`.
        latent: dimensions of the latent vector.
        bottleneck: a name among `musicae.core.bottlenecks.BOTTLENECKS`.
        objective: what training makes small.
        training: how it is trained.
        corruption: what the model hears in place of the data.
        transpose: semitones by which training windows are moved at random, lowest and highest.
        track: which tracks training windows come from: None for the melody of each song, `"all"` for every track.
        data: what it is trained on when nothing is given: `"music21"`, `"digits"`, or None.
    """

    name: str
    summary: str
    representation: Melody | Pianoroll | Pictures
    network: Network
    latent: int
    objective: Elbo | Reconstruction
    training: Training
    bottleneck: str = "gaussian"
    corruption: GaussianNoise | None = None
    transpose: tuple[int, int] = (0, 0)
    track: str | None = None
    data: str | None = None

    @property
    def musical(self) -> bool:
        """Whether it hears music; if not, it sees pictures."""
        return not isinstance(self.representation, Pictures)


KINDS = (Preset, Training, *REPRESENTATIONS, Pictures, *NETWORKS, *OBJECTIVES, *SCHEDULES, *CORRUPTIONS)


def cosine(steps: int, peak: float = 1e-3) -> WarmupCosine:
    """The learning rate of our own presets: a short rise, then half a cosine to a hundredth."""
    return WarmupCosine(peak, peak / 100, min(200, steps // 10), steps)


def training(steps: int, batch_size: int = 128, peak: float = 1e-3, **changes) -> Training:
    """How our own presets are trained."""
    return Training(steps=steps, batch_size=batch_size, learning_rate=cosine(steps, peak), **changes)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="melody-2bar",
            summary="melodies, two bars at a time: the default",
            representation=Melody(steps=32),
            network=Convolutional(widths=(192, 256, 256), blocks=2, fine=False),
            latent=256,
            objective=Elbo(beta=Linear(0.0, 0.1, 200, 2000)),
            training=training(14_000),
            transpose=(-6, 6),
            track="all",
            data="music21",
        ),
        Preset(
            name="cat-mel_2bar_small",
            summary="MusicVAE's small two-bar melody model, recurrent: the baseline",
            representation=Melody(steps=32),
            network=Recurrent(encoder_units=(512,), decoder_units=(256, 256)),
            latent=256,
            bottleneck="broad gaussian",
            objective=Elbo(beta=Saturating(0.2, 0.99999), feedback=InverseSigmoid(1000.0)),
            training=Training(
                steps=200_000,
                batch_size=512,
                learning_rate=Decay(1e-3, 1e-5, 0.9999),
                weight_decay=0.0,
                betas=(0.9, 0.999),
                skip_above=1e4,
            ),
            transpose=(-5, 5),
            track="all",
            data="music21",
        ),
        Preset(
            name="pianoroll-2bar",
            summary="all notes of two bars, any instrument but drums",
            representation=Pianoroll(steps=32),
            network=Convolutional(widths=(32, 96, 192), blocks=2, fine=False),
            latent=256,
            objective=Elbo(beta=Linear(0.0, 0.1, 200, 2000)),
            training=training(10_000),
            transpose=(-6, 6),
            data="music21",
        ),
        Preset(
            name="digits-ae",
            summary="a plain autoencoder of scikit-learn's small digits",
            representation=Pictures(8, 8),
            network=Convolutional(widths=(32, 64), blocks=1, fine=False),
            latent=16,
            bottleneck="point",
            objective=Reconstruction(),
            training=training(1000, peak=2e-3, validate_every=200),
            data="digits",
        ),
        Preset(
            name="digits-vae",
            summary="scikit-learn's small digits on a plane",
            representation=Pictures(8, 8),
            network=Convolutional(widths=(32, 64), blocks=1, fine=False),
            latent=2,
            objective=Elbo(),
            training=training(1500, peak=2e-3, validate_every=300),
            data="digits",
        ),
        Preset(
            name="mnist-vae",
            summary="MNIST digits on a plane",
            representation=Pictures(28, 28),
            network=Convolutional(widths=(32, 64), blocks=1, fine=False),
            latent=2,
            objective=Elbo(),
            training=training(7000, peak=2e-3, validate_every=1000),
        ),
    )
}
