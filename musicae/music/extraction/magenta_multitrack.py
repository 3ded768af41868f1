"""Bars of many tracks exactly as MusicVAE makes them (MultiInstrumentPerformanceConverter of magenta, note-seq 0.0.5).

A song is cut wherever its tempo or metre changes, and each part in four quarters a bar into bars. A note belongs to the
bar that it begins in, and ends at its end; one that begins less than half a step before that is lost. Notes are held
by the sustain pedal, which only songs from `magenta.read` have.
"""

from __future__ import annotations

import numpy as np

from musicae.music.extraction import magenta
from musicae.music.extraction.pedal import sustained
from musicae.music.representations.multitrack import Multitrack
from musicae.music.representations.multitrack_notes import chord_entries
from musicae.music.representations.performance import DRUMS, PIECE, velocity_bin
from musicae.music.representations.tracks import find, sounding
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Track
from musicae.music.theory import harmony

FEWEST_TRACKS, FEWEST_EVENTS = 2, 8  # of a bar
Part = tuple[int, int]


def windows(kind: Multitrack, song: Score, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The bars of a song: int16 [n, *shape], repeats among them; and, if there are none, why.

    A bar counts if it has 2 to 8 tracks, at least 8 events in all, and room for those of each track. Where chords are
    a condition, parts for which the original infers none (see `harmony.of_part`) have no bars.

    Args:
        kind: the settings.
        song: from `magenta.read`, for the original's set of windows.
        track: a track's number, counted from 1, or part of its name; None or "all" for every track.
    """
    chosen = range(len(song.tracks)) if track in (None, "all") else [find(song, track, sounding)]
    chosen = sorted(chosen, key=lambda i: (song.tracks[i].is_drum, song.tracks[i].program))
    found = [_bars(kind, sustained(song, *part), chosen, part) for part in magenta.parts(song)]
    found = np.concatenate([np.zeros((0, *kind.shape), np.int16), *found])
    return found, [] if len(found) else ["no bar of 2 to 8 tracks with room for their notes, in a part in 4/4"]


def _bars(kind: Multitrack, song: Score, chosen: list[int], part: Part) -> np.ndarray:
    """The bars between two ticks."""
    tracks = [song.tracks[i] for i in chosen]
    bars_of_notes, number, pieces = _pieces(kind, song, tracks, part)
    good, kinds, rows = _rows(kind, tracks, bars_of_notes, number)
    kept = (pieces["start"] < kind.steps) & (rows >= 0)
    pieces["row"] = rows
    _drums_instead(kinds, rows, kept)
    tokens, counts = kind.rows.write(pieces[kept], kinds, np.full(len(good), kind.steps))
    counts = counts.reshape(-1, kind.most_tracks)
    enough = (counts <= kind.tokens - 2).all(axis=1) & (counts.sum(axis=1) >= FEWEST_EVENTS)
    bars = tokens.reshape(-1, kind.most_tracks * kind.tokens)
    if not kind.chords:
        return bars[enough]
    ends = np.zeros(1 + bars_of_notes.max(initial=-1), np.int64)
    np.maximum.at(ends, bars_of_notes, pieces["end"])
    chords, kept = _chords(kind, song, tokens, good, ends[good], part)
    return np.stack([bars, chords], 1)[enough & kept]


def _pieces(
    kind: Multitrack, song: Score, tracks: list[Track], part: Part
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The notes between two ticks: the bar of each, the number of its track, and the piece."""
    notes_of = [magenta.within(one.notes, part) for one in tracks]
    number = np.repeat(np.arange(len(tracks)), [len(one) for one in notes_of])
    notes = np.concatenate([np.zeros(0, NOTE), *notes_of])
    bar = magenta.BAR_QUARTERS * song.ticks_per_quarter
    bars = (notes["start"] - part[0]) // bar
    begin = part[0] + bars * bar
    pieces = np.zeros(len(notes), PIECE)
    pieces["pitch"], pieces["velocity"] = notes["pitch"], velocity_bin(notes["velocity"])
    pieces["start"] = magenta.nearest_step(notes["start"] - begin, kind, song)
    end = np.minimum(np.minimum(notes["end"], begin + bar), part[1])
    pieces["end"] = np.maximum(magenta.nearest_step(end - begin, kind, song), pieces["start"] + 1)
    return bars, number, pieces


def _rows(
    kind: Multitrack, tracks: list[Track], bars: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bars with enough tracks and not too many; the kind of each of their rows, -1 for none; the row of each note.

    Args:
        kind: the settings.
        tracks: in the order of rows.
        bars: the bar of each note.
        number: its track.
    """
    present = np.zeros((1 + bars.max(initial=-1), len(tracks)), bool)
    present[bars, number] = True
    many = present.sum(axis=1)
    good = np.flatnonzero((many >= FEWEST_TRACKS) & (many <= kind.most_tracks))
    rows = np.full(present.shape, -1)
    rows[good] = kind.most_tracks * np.arange(len(good))[:, None] + np.cumsum(present[good], axis=1) - 1
    kinds = np.full(kind.most_tracks * len(good), -1)
    bar, column = np.nonzero(present[good])
    kinds[rows[good][bar, column]] = np.array([DRUMS if one.is_drum else one.program for one in tracks])[column]
    return good, kinds, rows[bars, number]


def _drums_instead(kinds: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> None:
    """Makes drums of the rows that are left without notes, in place: the original takes nothing for drums."""
    left = np.zeros(len(kinds), bool)
    left[rows[kept]] = True
    kinds[(kinds >= 0) & ~left] = DRUMS


def _chords(
    kind: Multitrack, song: Score, tokens: np.ndarray, bars: np.ndarray, ends: np.ndarray, part: Part
) -> tuple[np.ndarray, np.ndarray]:
    """The triad at each token of bars [n, most_tracks * tokens]; and which bars the original does not drop, bool [n].

    In each bar it knows the chords before the end of the last note, and later events have the last of these. It has
    the moments of chords and of bar lines as float64 seconds, computed in two ways. Where a chord that changes on a bar
    line is late by the last bit, the bar has two chords at its beginning and is dropped; where it is early, it counts
    as one of the bar before as well, if that has a note at its very end.

    Args:
        kind: the settings.
        song: the song.
        tokens: rows, as `Rows.write` gives them.
        bars: the numbers of the bars within the part.
        ends: the step at which the last note of each ends, those that are lost among them.
        part: the first tick and the last.
    """
    found = _harmony(song, part)
    if found is None:
        return np.zeros((len(bars), kind.most_tracks * kind.tokens), np.int16), np.zeros(len(bars), bool)
    steps = (found.starts - part[0]) * kind.steps_per_quarter // song.ticks_per_quarter
    early, late = _unpunctual(kind, song, found, part)
    known = np.where(ends <= kind.steps, ends, kind.steps + early[bars + 1])
    return kind.rows.chords_at_tokens(tokens, chord_entries(steps, found.chords), bars * kind.steps, known), ~late[bars]


def _harmony(song: Score, part: Part) -> harmony.Harmony | None:
    """The chords between two ticks."""
    ends = [int(notes["end"].max()) for one in song.tracks if len(notes := magenta.within(one.notes, part))]
    return harmony.of_part(song.tracks, part[0], min(max(ends, default=part[0]), part[1]), song)


def _unpunctual(kind: Multitrack, song: Score, found: harmony.Harmony, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Whether the chord changes too early, and too late, for each bar line: two arrays, bool [bars + 1] or more."""
    bar = magenta.BAR_QUARTERS * song.ticks_per_quarter
    tempo = [one.quarters_per_minute for one in song.tempos if one.tick <= part[0]][-1]
    line, inside = np.divmod(found.starts - part[0], bar)
    changes = (inside == 0) & (np.diff(found.figures.astype(np.int64), prepend=found.figures[:1]) != 0)
    lines, frame = line[changes], np.flatnonzero(changes)
    spacing = int(np.diff(found.starts, append=found.starts[-1] + bar)[0]) * kind.steps_per_quarter
    seconds_a_chord = spacing // song.ticks_per_quarter / (kind.steps_per_quarter * tempo / 60.0)
    seconds_a_bar = 60.0 * magenta.BAR_QUARTERS / tempo
    cuts = np.arange(seconds_a_bar, seconds_a_bar * (line[-1] + 2.5), seconds_a_bar)
    early, late = np.zeros((2, int(line[-1]) + 2), bool)
    moments = frame * seconds_a_chord
    early[lines], late[lines] = moments < cuts[lines - 1], moments > cuts[lines - 1]
    return early, late
