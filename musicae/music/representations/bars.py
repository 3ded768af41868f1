"""Which bars of a song are taken: those that are asked for, or those in which something sounds."""

from __future__ import annotations

from collections import Counter
from math import gcd, lcm

import numpy as np

from musicae.errors import ConfigError
from musicae.music.representations.report import sentences
from musicae.music.representations.tracks import title
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track


def divisible(song: Score, steps_per_quarter: int) -> Score:
    """The same music in ticks of which steps and bars are whole numbers."""
    parts_of_a_quarter = (s.denominator // gcd(s.denominator, 4) for s in song.time_signatures)
    return song.resample(lcm(song.ticks_per_quarter, steps_per_quarter, *parts_of_a_quarter))


def selected_bars(song: Score, grid: Grid, bars: tuple[int, int]) -> tuple[Grid, list[str]]:
    """The grid of the bars that are asked for, and a sentence that says so.

    Raises:
        ConfigError: the song has no such bars.
    """
    if not 1 <= bars[0] <= bars[1] <= len(grid):
        raise ConfigError(f"{title(song)}: no bars {bars[0]} to {bars[1]}; it has bars 1 to {len(grid)}")
    return grid.bars(*bars), [f"took bars {bars[0]} to {bars[1]} of {len(grid)}"]


def sounding_bars(grid: Grid, tracks: tuple[Track, ...]) -> tuple[Grid, list[str]]:
    """The grid of the bars from the first note to the end of the last, and what was left out."""
    parts = [one.notes for one in tracks if len(one.notes)]
    first, last = min(notes["start"][0] for notes in parts), max(notes["start"][-1] for notes in parts)
    earliest, latest, end = grid.steps([first, last, max(notes["end"].max() for notes in parts)]).tolist()
    first = int(np.searchsorted(grid.bar_steps, earliest, "right"))
    last = int(np.searchsorted(grid.bar_steps, max(end, latest + 1), "left"))
    first, last = min(first, len(grid)), min(last, len(grid))
    left_out = sentences(
        (first - 1, "empty bar", "skipped at the start"), (len(grid) - last, "bar", "left out at the end")
    )
    return grid.bars(first, last), left_out


def words_left_out(song: Score, grid: Grid) -> list[str]:
    """Sentences on the lyrics, markers and other words of a song outside a grid."""
    outside = [text for text in song.texts if not grid.bar_ticks[0] <= text.tick < grid.bar_ticks[-1]]
    kinds = Counter(_NOUNS[text.kind] for text in outside)
    return sentences(*((number, noun, "outside these bars left out") for noun, number in kinds.items()))


_NOUNS = {
    "lyrics": "lyric",
    "marker": "marker",
    "cue_marker": "cue",
    "text": "line of text",
    "copyright": "copyright line",
}
