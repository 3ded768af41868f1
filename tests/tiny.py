"""Models so small that they are made in no time, and songs and pictures to give to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from musicae.core import checkpoints
from musicae.core.bottlenecks import BROAD_GAUSSIAN
from musicae.core.networks import Convolutional, Dense, Recurrent
from musicae.core.objectives import Elbo
from musicae.core.settings import Training
from musicae.images.pictures import Pictures
from musicae.loading import build_network, of, write_settings
from musicae.music.data.corruptions import GrooveCorruption
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Pianoroll, Trio
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song
from musicae.presets import Preset

torch.set_num_threads(1)

MELODY = Preset(
    name="tiny-melody",
    summary="for tests",
    representation=Melody(steps=32),
    network=Convolutional(widths=(8,), blocks=1, full_resolution=False),
    latent=4,
    objective=Elbo(),
    training=Training(steps=4, batch_size=4, validate_every=2),
    transpose=(-2, 2),
    track="all",
)
RECURRENT = replace(MELODY, name="tiny-recurrent", network=Recurrent(encoder_units=(8,), decoder_units=(8,)))
PIANOROLL = replace(
    MELODY,
    name="tiny-pianoroll",
    representation=Pianoroll(steps=32, lowest_pitch=48, highest_pitch=79),
    network=Convolutional(widths=(4,), blocks=1, full_resolution=False),
    track=None,
)
PICTURES = replace(
    MELODY,
    name="tiny-pictures",
    representation=Pictures(8, 8),
    network=Dense(widths=(8,)),
    transpose=(0, 0),
    track=None,
    data="digits",
)
MUSIC = (MELODY, RECURRENT, PIANOROLL)


def recurrent(name: str, representation, **changes) -> Preset:
    """A model of the MusicVAE family."""
    corruption, track = changes.pop("corruption", None), changes.pop("track", None)
    network = replace(RECURRENT.network, **changes)
    one = replace(RECURRENT, name=f"tiny-{name}", representation=representation, network=network)
    return replace(one, bottleneck=BROAD_GAUSSIAN, corruption=corruption, track=track, transpose=(0, 0))


CONDUCTED = {"segments": 2, "conductor_units": (8,)}
CHORDS = recurrent("chords", Melody(steps=32, chords=True, key=True))
DRUMS = recurrent("drums", Drums(steps=32, labels=True))
NADE = recurrent("nade", Drums(steps=32), nade=4)
TRIO = recurrent("trio", Trio(steps=32), separate_decoders=True, **CONDUCTED)
GROOVE = recurrent("groove", Groove(steps=32), corruption=GrooveCorruption(humanise=True))
HITS = recurrent("hits", Groove(steps=32, condition_on_hits=True))
TRACKS = recurrent(
    "tracks", Multitrack(tokens=16, most_tracks=4), hierarchical_encoder=True, conductor_units=(8,), segments=4
)
BAND = replace(TRACKS, name="tiny-band", representation=replace(TRACKS.representation, chords=True))
FAMILY = (CHORDS, DRUMS, NADE, TRIO, GROOVE, HITS, TRACKS, BAND)


def model(preset: Preset):
    """A model with random weights, the same every time; one of the family with large ones, so that all it hears and is
    told makes a difference."""
    torch.manual_seed(0)
    network = build_network(preset)
    if preset.bottleneck == BROAD_GAUSSIAN:
        with torch.no_grad():
            for weights in network.parameters():
                weights.normal_(0, 0.7 if weights.dim() > 1 else 0.1)
    return of(preset, network)


def folder(preset: Preset, path: Path) -> Path:
    """A model folder as training writes it."""
    write_settings(path, preset)
    checkpoints.write_weights(path, model(preset).network)
    return path


def song(bars: int = 4, metre: str = "4/4", pitch: int = 60, stride: int = 5, **changes) -> Song:
    """A tune of one note a beat, of another shape for another stride."""
    numerator, denominator = map(int, metre.split("/"))
    beat = 4 * 480 // denominator
    rows = [(i * beat, (i + 1) * beat, pitch + (stride * i + i // 4) % 12, 90) for i in range(bars * numerator)]
    tune = Track(np.array(rows, NOTE), program=73, name="Flöte")
    whole = Song((tune,), tempos=(Tempo(0, 90.0),), time_signatures=(TimeSignature(0, numerator, denominator),))
    return replace(whole, **{"name": "song", **changes})


def band(bars: int = 4, metre: str = "4/4", pitch: int = 60, stride: int = 5, **changes) -> Song:
    """A tune over a bass and drums, which every model hears a part of."""
    whole = song(bars, metre, pitch, stride, **changes)
    tune = replace(whole.tracks[0], program=0, name="Melody")
    low, drums = tune.notes.copy(), tune.notes.copy()
    low["pitch"] -= 24
    drums["pitch"] = np.array([36, 38, 42, 46])[(stride * np.arange(len(drums))) % 4]
    drums["start"] += 7
    drums["velocity"] = 40 + 10 * stride
    others = Track(low, program=33, name="Bass"), Track(drums, is_drum=True, name="Kit")
    return replace(whole, tracks=(tune, *others))


def midi(path: Path, *args, **kwargs) -> Path:
    """A tune in a file."""
    return song(*args, **kwargs).save(path)


def picture(path: Path, level: int = 200, size: tuple[int, int] = (8, 8)) -> Path:
    """A grey picture in a file."""
    from PIL import Image

    Image.new("L", size, level).save(path)
    return path
