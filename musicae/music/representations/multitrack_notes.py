"""The notes and chords of a band in one table, in steps: what `Multitrack` makes of an excerpt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musicae.music.representations.arrays import placed
from musicae.music.representations.performance import velocity_bin
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidied
from musicae.music.score.score import Track

NOTE_IN_STEPS = np.dtype([("part", "i2"), ("start", "i4"), ("end", "i4"), ("pitch", "i2"), ("velocity", "i2")])
CHORD = -1  # the part of entries that say from when on a chord is in force; their pitch is its triad
VELOCITY_WIDTH = 16  # MIDI velocities in one bin


def in_steps(tracks: Sequence[Track], parts: list[int], grid: Grid) -> np.ndarray:
    """The notes of tracks that begin on the grid, as those of parts; in the order of the tracks."""
    notes = np.concatenate([np.zeros(0, NOTE), *(one.notes for one in tracks)])
    number = np.repeat(np.arange(len(tracks)), [len(one.notes) for one in tracks])
    notes["start"], notes["end"] = grid.steps(notes["start"]), np.minimum(grid.steps(notes["end"]), grid.total_steps)
    inside = np.flatnonzero((notes["start"] >= 0) & (notes["start"] < grid.total_steps))
    bounds = number.take(inside).searchsorted(np.arange(len(tracks) + 1)).tolist()
    notes, bounds = tidied(notes.take(inside), bounds)[:2]
    table = np.zeros(len(notes), NOTE_IN_STEPS)
    table["part"], table["velocity"] = np.repeat(parts, np.diff(bounds)), velocity_bin(notes["velocity"])
    for name in ("start", "end", "pitch"):
        table[name] = notes[name]
    return table


def in_ticks(table: np.ndarray, part: int, grid: Grid, lowest_velocity: bool) -> np.ndarray:
    """The notes of a part as a NOTE array, each at the middle of its bin of velocities, or at the lowest of it."""
    notes = table[table["part"] == part]
    within = 1 if lowest_velocity else VELOCITY_WIDTH // 2
    velocity = VELOCITY_WIDTH * (notes["velocity"].astype(np.int64) - 1) + within
    return placed(notes["start"], notes["end"], notes["pitch"], velocity, grid)


def chord_entries(starts: np.ndarray, triads: np.ndarray) -> np.ndarray:
    """The entries of a table that say from which step on which triad is in force."""
    entries = np.zeros(len(starts), NOTE_IN_STEPS)
    entries["part"], entries["start"], entries["pitch"] = CHORD, starts, triads
    return entries


def without_chords(table: np.ndarray) -> np.ndarray:
    """The notes of a table."""
    return table[table["part"] != CHORD]


def chords_of(table: np.ndarray) -> np.ndarray:
    """The entries of a table that are chords."""
    return table[table["part"] == CHORD]


def ordered(notes: np.ndarray) -> np.ndarray:
    """The notes of a table by their time, then part and pitch."""
    start, part = (notes[name].astype(np.int64) for name in ("start", "part"))
    return notes.take(np.argsort((start << 32) + (part << 16) + notes["pitch"], kind="stable"))


def tied(notes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Notes of which one that is held is one with the next of its part and pitch, if that begins where it ends."""
    order = np.lexsort((notes["start"], notes["pitch"], notes["part"]))
    notes, held = notes[order], held[order]
    one, two = notes[:-1], notes[1:]
    tie = held[:-1] & (one["end"] == two["start"]) & (one["part"] == two["part"]) & (one["pitch"] == two["pitch"])
    first = np.flatnonzero(np.append(True, ~tie)[: len(notes)])
    whole = notes[first]
    whole["end"] = notes["end"][np.append(first[1:], len(notes))[: len(first)] - 1]
    return ordered(whole)


def overlaps(notes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which windows from `starts` to `ends` [n] have which notes in them: two arrays of indices."""
    order = np.argsort(starts, kind="stable")
    begin, end = notes["start"].astype(np.int64), notes["end"].astype(np.int64)
    first = np.searchsorted(np.maximum.accumulate(ends[order]), begin, "right")
    last = np.searchsorted(starts[order], end, "left")
    count = np.maximum(last - first, 0)
    number = np.repeat(np.arange(len(notes)), count)
    window = order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[number]]
    inside = begin[number] < ends[window]
    return window[inside], number[inside]
