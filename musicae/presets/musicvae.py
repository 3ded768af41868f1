"""The 23 configurations of MusicVAE, by the original's names (magenta.models.music_vae.configs at 526d3eb1).

Networks, sizes of the latent vector, objectives, batch sizes, learning rate and gradient rules are the original's. What
is ours: the representations take any metre and length (`strict` ones are the original's), all transpositions are drawn
afresh every time, and the weights that are kept are a running average, of the moment that validates best; of the last
moment where beta rises throughout.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from musicae.core.bottlenecks import BROAD_GAUSSIAN
from musicae.core.networks import Recurrent
from musicae.core.objectives import Elbo
from musicae.core.schedules import Decay, InverseSigmoid, Saturating
from musicae.core.settings import Training
from musicae.music.data.corruptions import GrooveCorruption
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Trio
from musicae.presets.preset import Preset

SAMPLED = InverseSigmoid(1000.0)  # how often a decoder reads its own samples in training
FIVE, THREE, NONE = (-5, 5), (-3, 3), (0, 0)  # semitones by which windows are moved at random


def objective(maximum: float = 1.0, rate: float = 0.0, free_bits: float = 0.0, scheduled_sampling=None) -> Elbo:
    """The original's loss: beta rises as `(1 − rate^step) · maximum`, free bits are of the whole latent vector."""
    return Elbo(beta=Saturating(maximum, rate), free_bits=free_bits, scheduled_sampling=scheduled_sampling)


def original(name: str, summary: str, representation, network: Recurrent, latent: int, loss: Elbo, **changes) -> Preset:
    """A preset that trains as the original does."""
    settings = Training(
        steps=200_000,
        batch_size=changes.pop("batch_size", 512),
        learning_rate=Decay(1e-3, 1e-5, 0.9999),
        weight_decay=0.0,
        betas=(0.9, 0.999),
        skip_above=1e4,
        momentum_on_skip=True,
        keep="last" if loss.beta.rate else "best",  # while beta rises, a loss with its last weight chooses too early
    )
    return Preset(
        name=name,
        summary=summary,
        representation=representation,
        network=network,
        latent=latent,
        objective=loss,
        training=settings,
        bottleneck=BROAD_GAUSSIAN,
        **changes,
    )


def sizes(units: int, *layers: int, **changes) -> Recurrent:
    """A bidirectional layer and the layers of a decoder."""
    return Recurrent(encoder_units=(units,), decoder_units=layers, **changes)


MELODIES = {"track": "all", "data": "music21"}
BIG = (2048, 2048, 2048)
TWO_BARS = (
    original(
        "cat-mel_2bar_small",
        "two-bar melodies, small: the baseline",
        Melody(steps=32),
        sizes(512, 256, 256),
        256,
        objective(0.2, 0.99999, scheduled_sampling=SAMPLED),
        transpose=FIVE,
        **MELODIES,
    ),
    original(
        "cat-mel_2bar_big",
        "two-bar melodies, big",
        Melody(steps=32),
        sizes(2048, *BIG),
        512,
        objective(0.5, 0.99999, scheduled_sampling=SAMPLED),
        transpose=FIVE,
        **MELODIES,
    ),
    original(
        "cat-mel_2bar_med_chords",
        "two-bar melodies over given chords",
        Melody(steps=32, chords=True),
        sizes(1024, 512, 512, 512),
        256,
        objective(),
        transpose=THREE,
        **MELODIES,
    ),
    original(
        "cat-drums_2bar_small",
        "two bars of nine drums, small",
        Drums(steps=32, labels=True),
        sizes(512, 256, 256),
        256,
        objective(0.2, free_bits=48, scheduled_sampling=SAMPLED),
    ),
    original(
        "cat-drums_2bar_big",
        "two bars of nine drums, big",
        Drums(steps=32, labels=True),
        sizes(2048, *BIG),
        512,
        objective(0.2, free_bits=48, scheduled_sampling=SAMPLED),
    ),
    original(
        "nade-drums_2bar_reduced",
        "two bars of nine drums, each after those before it",
        Drums(steps=32),
        sizes(1024, 512, 512, nade=128),
        256,
        objective(0.2, free_bits=48, scheduled_sampling=SAMPLED),
    ),
    original(
        "nade-drums_2bar_full",
        "two bars of 61 drums, each after those before it",
        Drums(steps=32, classes=61),
        sizes(1024, 512, 512, nade=128),
        256,
        objective(0.2, free_bits=48, scheduled_sampling=SAMPLED),
    ),
)

FLAT = Recurrent((2048, 2048), BIG)
CONDUCTED = Recurrent((2048, 2048), (1024, 1024), segments=16, conductor_units=(1024, 1024))
HIERARCHICAL = replace(CONDUCTED, encoder_units=(1024,), hierarchical_encoder=True)
SIXTEEN_BARS = chain.from_iterable(
    (
        original(
            f"{name}-trio_16bar",
            f"sixteen bars of melody, bass and drums: {words}",
            Trio(steps=256),
            replace(network, separate_decoders=bool(network.conductor_units)),
            512,
            objective() if network is FLAT else objective(0.2, free_bits=256),
            batch_size=256,
        ),
        original(
            f"{name}-mel_16bar",
            f"sixteen bars of melody: {words}",
            Melody(steps=256),
            network,
            512,
            objective(0.2, free_bits=256),
            **MELODIES,
        ),
    )
    for name, words, network in (
        ("flat", "one decoder", FLAT),
        ("hierdec", "a conductor", CONDUCTED),
        ("hier", "a conductor, bars read apart", HIERARCHICAL),
    )
)

TRACKS = chain.from_iterable(
    (
        original(
            f"hier-multiperf_vel_1bar_{size}{chords}",
            f"a bar of up to eight tracks{' over a given chord' * bool(chords)}, {word}",
            Multitrack(chords=bool(chords)),
            Recurrent(
                (units,), layers, segments=8, hierarchical_encoder=True, conductor_units=layers, feed_after_end=True
            ),
            512,
            objective(),
            batch_size=256,
            transpose=THREE,
        )
        for chords in ("", "_chords")
    )
    for size, word, units, layers in (("med", "medium", 1024, (512,) * 3), ("big", "big", 2048, (1024,) * 3))
)


def groove(name: str, summary: str, representation: Groove, corruption: GrooveCorruption | None = None) -> Preset:
    """A GrooVAE."""
    network = sizes(512, 256, 256, dropout=0.7)
    return original(name, summary, representation, network, 256, objective(0.2, free_bits=48), corruption=corruption)


PERFORMED = Groove(steps=32, kit="roland")
TAPPED = GrooveCorruption(tapify=True, fixed_velocities=True)
GROOVES = (
    groove("groovae_4bar", "four bars of drums as they are played", Groove(steps=64, kit="roland")),
    groove(
        "groovae_2bar_humanize", "from a drum score to how it is played", PERFORMED, GrooveCorruption(humanise=True)
    ),
    groove("groovae_2bar_tap_fixed_velocity", "from taps to a played beat", PERFORMED, TAPPED),
    groove(
        "groovae_2bar_tap_fixed_velocity_note_dropout",
        "from few taps to a played beat",
        PERFORMED,
        replace(TAPPED, note_dropout=0.8),
    ),
    groove(
        "groovae_2bar_add_closed_hh",
        "adds a closed hi-hat to a played beat",
        PERFORMED,
        GrooveCorruption(add_instruments=(2,)),
    ),
    groove(
        "groovae_2bar_hits_control_tfds",
        "how given drum hits are played",
        replace(PERFORMED, condition_on_hits=True),
    ),
)

MUSICVAE = (*TWO_BARS, *SIXTEEN_BARS, *TRACKS, *GROOVES)
