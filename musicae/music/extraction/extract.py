"""From a song to the windows that a model trains on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from musicae.errors import NoWindows
from musicae.music.extraction import magenta, magenta_multitrack, magenta_trio
from musicae.music.formats import reading
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Representation, Trio
from musicae.music.representations.arrays import unique
from musicae.music.representations.bars import divisible
from musicae.music.representations.tracks import title
from musicae.music.score.score import Score
from musicae.music.score.sustain import sustained

Extraction = tuple[np.ndarray, list[str]]

# How the original makes windows, by the representation whose setting `strict` asks for it.
MAGENTA: dict[type, Callable[..., Extraction]] = {
    Melody: magenta.melody_windows,
    Drums: magenta.drum_windows,
    Groove: magenta.groove_windows,
    Trio: magenta_trio.windows,
    Multitrack: magenta_multitrack.windows,
}


def is_strict(representation: Representation) -> bool:
    """Whether windows are made exactly as MusicVAE makes them."""
    return getattr(representation, "strict", False)


def read(representation: Representation, source: str | Path | bytes, trusted: bool = False) -> Score:
    """A file as the training windows of a representation want it: read as the original reads it for strict ones.

    Args:
        representation: what cuts the song.
        source: the file.
        trusted: it comes with a dependency of this package (see `reading.read_trusted`).

    Raises:
        MidiError: it cannot be read.
    """
    if is_strict(representation):
        return magenta.read(source)
    return reading.read_trusted(source) if trusted else reading.read(source)


def training_windows(representation: Representation, song: Score, track: int | str | None = None) -> Extraction:
    """The windows of a song to train on: [n, *shape], all different; and, if there are none, why.

    Every window that begins on a bar line, lies in the excerpt, and is worth training on (a note begins in it: see
    `Representation.worth_training`). An excerpt shorter than a window is padded with silence.

    Args:
        representation: what cuts the song.
        song: from `read`.
        track: as for `Representation.extract`; "all" for each of `Representation.training_tracks`, of which only those
            count that are as long as a window, if there are any. Strict ones come from all tracks unless one is named.
    """
    if is_strict(representation):
        return MAGENTA[type(representation)](representation, song, None if track == "all" else track)
    problem = representation.untrainable(song, None if track == "all" else track)
    if problem:
        return np.zeros((0, *representation.shape), representation.dtype), [problem]
    song, _ = sustained(divisible(song, representation.steps_per_quarter))  # once for all tracks
    try:
        tracks = representation.training_tracks(song) if track == "all" else [track]
        excerpts = [representation.extract(song, one) for one in tracks]
    except NoWindows as error:
        return np.zeros((0, *representation.shape), representation.dtype), [str(error)]
    long = [one for one in excerpts if one.grid.total_steps >= representation.steps]
    windows = np.concatenate([representation.along_bars(one) for one in long or excerpts[:1]])
    windows = unique(windows[representation.worth_training(windows)])
    return windows, [] if len(windows) else [f"{title(song)}: {representation.nothing_to_train_on}"]
