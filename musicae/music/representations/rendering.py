"""Arrays as songs, and the silence that what comes from no song is rendered on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.music.representations.bars import divisible
from musicae.music.representations.base import Representation
from musicae.music.representations.excerpt import Excerpt
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score


def render(representation: Representation, array: np.ndarray, excerpt: Excerpt) -> Score:
    """An array as a song on the grid of an excerpt, with its tempos, metres, words, programs, controls and track names.

    Tick 0 is the first bar line of the grid.
    """
    grid = excerpt.grid
    tracks = representation.tracks(array, excerpt)
    silent = (replace(one, notes=one.notes[:0], number=0) for one in tracks)
    empty = replace(excerpt.song, tracks=tuple(silent), changes=())
    song = empty.slice(int(grid.bar_ticks[0]), int(grid.bar_ticks[-1]))
    played = (replace(one, notes=each.notes) for one, each in zip(song.tracks, tracks, strict=True))
    return replace(song, tracks=tuple(played))


def blank(representation: Representation, bars: int | None = None) -> Excerpt:
    """A silent excerpt in 4/4 at 120 BPM, to render what comes from no song.

    Args:
        representation: whose array it has.
        bars: how many; None for the length of a window.
    """
    bar = 4 * representation.steps_per_quarter
    song = divisible(Score(), representation.steps_per_quarter)
    bars = -(-representation.steps // bar) if bars is None else bars
    grid = Grid.regular(bars, 4 * song.ticks_per_quarter, bar)
    tracks = representation.instruments
    return Excerpt(representation.encode_parts(tracks, grid)[0], grid, song, tracks)
