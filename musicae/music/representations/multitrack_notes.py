"""The notes and chords of a band in one table, in steps: what `Multitrack` makes of an excerpt."""

from __future__ import annotations

import numpy as np

from musicae.music.representations.arrays import placed
from musicae.music.representations.performance import velocity_bin
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import tidy

NOTE_IN_STEPS = np.dtype([("part", "i2"), ("start", "i4"), ("end", "i4"), ("pitch", "i2"), ("velocity", "i2")])
CHORD = -1  # the part of entries that say from when on a chord is in force; their pitch is its triad
VELOCITY_WIDTH = 16  # MIDI velocities in one bin


def in_steps(notes: np.ndarray, part: int, grid: Grid) -> np.ndarray:
    """The notes (a NOTE array) that begin on the grid as those of a part."""
    notes = notes.copy()
    notes["start"], notes["end"] = grid.steps(notes["start"]), np.minimum(grid.steps(notes["end"]), grid.total_steps)
    notes = tidy(notes[(notes["start"] >= 0) & (notes["start"] < grid.total_steps)])
    table = np.zeros(len(notes), NOTE_IN_STEPS)
    table["part"], table["velocity"] = part, velocity_bin(notes["velocity"])
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


def ordered(*tables: np.ndarray) -> np.ndarray:
    """The notes of all tables by their time, then part and pitch."""
    notes = np.concatenate([np.zeros(0, NOTE_IN_STEPS), *tables])
    return notes[np.lexsort((notes["pitch"], notes["part"], notes["start"]))]


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
    first = np.searchsorted(np.maximum.accumulate(ends[order]), notes["start"], "right")
    last = np.searchsorted(starts[order], notes["end"], "left")
    count = np.maximum(last - first, 0)
    number = np.repeat(np.arange(len(notes)), count)
    window = order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[number]]
    inside = notes["start"][number] < ends[window]
    return window[inside], number[inside]
