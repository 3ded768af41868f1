"""Every named model of music."""

from __future__ import annotations

from musicae.core.networks import Convolutional, Recurrent
from musicae.core.objectives import Elbo, Reconstruction
from musicae.core.schedules import Decay, InverseSigmoid, Linear, Saturating
from musicae.core.settings import Training
from musicae.music.representations import Melody, Pianoroll
from musicae.presets.preset import Preset, training

MUSIC = (
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
        name="melody-2bar-lstm",
        summary="sequence to sequence: two LSTMs and a code between them",
        representation=Melody(steps=32),
        network=Recurrent(encoder_units=(256,), decoder_units=(256,), autoregressive=False),
        latent=128,
        bottleneck="point",
        objective=Reconstruction(),
        training=training(3000, peak=4e-3),
        transpose=(-6, 6),
        track="all",
        data="music21",
    ),
)
