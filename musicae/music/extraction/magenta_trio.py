"""Windows of trios exactly as MusicVAE makes them (TrioConverter of magenta, note-seq 0.0.5).

A song is cut wherever its tempo or metre changes, and parts in four quarters a bar count. Programs 0 to 31 are
melodies, 32 to 39 are basses; every melody is put together with every bass and every track of drums, and all windows
are taken, a bar apart, in which each of the three has a note in every bar, or at most `gap_bars` bars away.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from musicae.music.extraction import magenta
from musicae.music.representations.arrays import slices
from musicae.music.representations.likeness import BASS_PROGRAMS
from musicae.music.representations.tokens import FIRST_NOTE, highest, line
from musicae.music.representations.tracks import find
from musicae.music.representations.trio import Trio
from musicae.music.score.score import Score, Track

MELODY_PROGRAMS = range(32)
Part = tuple[int, int]


def windows(trio: Trio, song: Score, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The windows of a song: int16 [n, 3, steps], repeats among them; and, if there are none, why.

    Args:
        trio: the settings.
        song: from `magenta.read`, for the original's set of windows.
        track: the only melody to take, by number, counted from 1, or part of its name; None for every one.
    """
    melodies = range(len(song.tracks)) if track is None else [find(song, track)]
    tracks_by_part = (
        [song.tracks[i] for i in melodies if _plays(song.tracks[i], MELODY_PROGRAMS)],
        [one for one in song.tracks if _plays(one, BASS_PROGRAMS)],
        [one for one in song.tracks if one.is_drum],
    )
    found = [window for part in magenta.parts(song) for window in _of_part(trio, song, tracks_by_part, part)]
    found = np.concatenate([np.zeros((0, *trio.shape), trio.dtype), *found])
    why = f"no melody, bass and drums (programs 0-31, 32-39, channel 10) for {trio.steps} steps of a part in 4/4"
    return found, [] if len(found) else [why]


def _plays(track: Track, programs: range) -> bool:
    """Whether it is a pitched track on one of these programs."""
    return not track.is_drum and track.program in programs


def _of_part(trio: Trio, song: Score, tracks_by_part: tuple[list[Track], ...], part: Part) -> list[np.ndarray]:
    """The windows between two ticks, of each melody with each bass with all drums: [n, 3, steps] each."""
    bars = _bars(trio, song, part)
    parts = [[_encoded(trio, song, one, part, bars) for one in tracks] for tracks in tracks_by_part]
    parts = [[one for one in some if one is not None] for some in parts]
    return [_combined(trio, some, bars) for some in product(*parts)]


def _bars(trio: Trio, song: Score, part: Part) -> int:
    """How many bars the notes of all tracks reach."""
    tracks = [magenta.within(one.notes, part) for one in song.tracks]
    ends = [_steps(trio, song, notes, part)[1].max() for notes in tracks if len(notes)]
    return min(-(-int(max(ends, default=0)) // magenta.steps_per_bar(trio)), trio.max_bars)


def _steps(trio: Trio, song: Score, notes: np.ndarray, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """The first step of each note, and the step after its last."""
    start = magenta.nearest_step(notes["start"] - part[0], trio, song)
    return start, np.maximum(magenta.nearest_step(np.minimum(notes["end"], part[1]) - part[0], trio, song), start + 1)


def _encoded(trio: Trio, song: Score, track: Track, part: Part, bars: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A track as tokens or combinations of drums [total_steps]; and in which bars it counts as playing, bool [bars].

    None if no note of it can be encoded.
    """
    notes = magenta.within(track.notes, part)
    start, end = _steps(trio, song, notes, part)
    encode = _drums if track.is_drum else _line
    tokens = encode(trio, notes["pitch"], start, end, bars * magenta.steps_per_bar(trio))
    return None if tokens is None else (tokens, _covered(trio, start, end, bars))


def _line(trio: Trio, pitch: np.ndarray, start: np.ndarray, end: np.ndarray, total: int) -> np.ndarray | None:
    """The top line of notes as tokens [total]."""
    melody = trio.kinds[0]
    kept = (pitch >= melody.lowest_pitch) & (pitch <= melody.highest_pitch) & (start < total)
    pitch, start, end = pitch[kept], start[kept], end[kept]
    top = highest(start, pitch)
    return line(start[top], end[top], FIRST_NOTE + pitch[top] - melody.lowest_pitch, total) if len(top) else None


def _drums(trio: Trio, pitch: np.ndarray, start: np.ndarray, end: np.ndarray, total: int) -> np.ndarray | None:
    """Hits as combinations of drums [total]."""
    drum = trio.kinds[2].drums.known[pitch]
    kept = (drum >= 0) & (start < total)
    labels = np.zeros(total, np.int16)
    np.bitwise_or.at(labels, start[kept], (1 << drum[kept]).astype(np.int16))
    return labels if kept.any() else None


def _covered(trio: Trio, start: np.ndarray, end: np.ndarray, bars: int) -> np.ndarray:
    """Which bars a note reaches, or are at most `gap_bars` away from one that a note reaches: bool [bars]."""
    bar = magenta.steps_per_bar(trio)
    first, after = start // bar - trio.gap_bars, -(-end // bar) + trio.gap_bars
    edges = np.zeros(bars + 1, np.int64)
    inside = start // bar < bars
    np.add.at(edges, np.clip(first[inside], 0, bars), 1)
    np.add.at(edges, np.clip(after[inside], 0, bars), -1)
    return np.cumsum(edges)[:-1] > 0


def _combined(trio: Trio, parts: tuple, bars: int) -> np.ndarray:
    """The windows of a melody, a bass and drums: int16 [n, 3, steps].

    At the first and the last `gap_bars` bars it is enough that one of the three plays.
    """
    cover = np.stack([covered for _, covered in parts])
    playing = cover.all(axis=0)
    for end in (slice(None, trio.gap_bars), slice(-trio.gap_bars, None)) if trio.gap_bars else ():
        playing[end] = cover[:, end].any()
    bar = magenta.steps_per_bar(trio)
    length = -(-trio.steps // bar)
    gaps = np.append(0, np.cumsum(~playing))
    starts = np.flatnonzero(gaps[length:] == gaps[: max(len(gaps) - length, 0)]) * bar
    array = np.stack([tokens for tokens, _ in parts], axis=1).astype(np.int16)
    return slices(array, starts, trio.steps).swapaxes(1, 2)
