"""Our own models of music."""

from __future__ import annotations

from musicae.core.bottlenecks import Point
from musicae.core.networks import Convolutional, Recurrent
from musicae.core.objectives import Elbo, Reconstruction
from musicae.core.priors import Mixture
from musicae.core.schedules import Linear
from musicae.music.data.augmentations import DropParts, SpliceInTime, SwapParts
from musicae.music.data.corruptions import OneOf
from musicae.music.representations import Drums, Groove, Melody, Pianoroll, Trio
from musicae.presets.preset import Preset, training

MUSIC = (
    Preset(
        name="melody-2bar",
        summary="melodies, two bars at a time: the default",
        representation=Melody(steps=32),
        network=Convolutional(widths=(192, 256, 256), blocks=2, full_resolution=False),
        latent=256,
        objective=Elbo(beta=Linear(0.0, 0.1, 200, 2000)),
        training=training(14_000),
        prior=Mixture(examples=40_000),
        transpose=(-6, 6),
        track="all",
        data="music21",
    ),
    Preset(
        name="melody-16bar",
        summary="melodies, sixteen bars in one vector",
        representation=Melody(steps=256),
        network=Convolutional(widths=(128, 160, 192, 192, 192), blocks=2, full_resolution=False, z_summary=64),
        latent=512,
        objective=Elbo(beta=Linear(0.0, 0.05, 200, 1500)),
        prior=Mixture(examples=40_000),
        training=training(7500, peak=1.5e-3),
        transpose=(-6, 6),
        track="all",
        data="music21",
    ),
    Preset(
        name="pianoroll-2bar",
        summary="all notes of two bars, any instrument but drums",
        representation=Pianoroll(steps=32),
        network=Convolutional(widths=(256, 256, 256), blocks=2, full_resolution=False),
        latent=256,
        objective=Elbo(beta=Linear(0.0, 0.05, 0, 2000)),
        prior=Mixture(examples=40_000),
        training=training(9000),
        transpose=(-6, 6),
        data="music21",
    ),
    Preset(
        name="drums-2bar",
        summary="two bars of nine drums",
        representation=Drums(steps=32),
        network=Convolutional(widths=(96, 128, 160), blocks=2),
        latent=192,
        objective=Elbo(beta=Linear(0.0, 0.1, 0, 2000)),
        prior=Mixture(examples=40_000),
        training=training(3500, peak=1.5e-3),
        augmentations=(SwapParts(0.2), DropParts(0.1), SpliceInTime(0.3)),
    ),
    Preset(
        name="trio-16bar",
        summary="melody, bass and drums, sixteen bars in one vector",
        representation=Trio(steps=256, multi_hot_drums=True),
        network=Convolutional(widths=(128, 128, 128, 128, 128), blocks=1, full_resolution=False, z_summary=64),
        latent=512,
        objective=Elbo(beta=Linear(0.0, 0.05, 0, 1500)),
        prior=Mixture(components=8),
        training=training(4000, peak=1.5e-3),
        transpose=(-6, 6),
        augmentations=(SwapParts(0.15), SpliceInTime(0.2)),
    ),
    Preset(
        name="groove-2bar",
        summary="two bars of drums as they are played, of a score, of taps",
        representation=Groove(steps=32, kit="roland", precise=True),
        network=Convolutional(widths=(96, 128, 160), blocks=2),
        latent=128,
        objective=Elbo(beta=Linear(0.0, 0.05, 0, 2000)),
        prior=Mixture(examples=40_000),
        training=training(4500, peak=1.5e-3),
        corruption=OneOf(),
        augmentations=(DropParts(0.1), SpliceInTime(0.2)),
    ),
    Preset(
        name="melody-2bar-lstm",
        summary="sequence to sequence: two LSTMs and a code between them",
        representation=Melody(steps=32),
        network=Recurrent(encoder_units=(256,), decoder_units=(256,), autoregressive=False),
        latent=128,
        bottleneck=Point(),
        objective=Reconstruction(),
        training=training(3000, peak=4e-3),
        transpose=(-6, 6),
        track="all",
        data="music21",
    ),
)
