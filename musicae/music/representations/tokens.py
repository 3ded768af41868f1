"""Melody tokens: 0 nothing happens, 1 the note ends, 2 and up a note begins."""

from __future__ import annotations

import numpy as np

from musicae.music.representations.arrays import nearest_pitches

HOLD, OFF, FIRST_NOTE = 0, 1, 2
_TICK_BITS = 33  # more than any tick has


def highest(step: np.ndarray, pitch: np.ndarray, end: np.ndarray | None = None) -> np.ndarray:
    """The index of the highest note in each step, in the order of the steps.

    Of equals it is the one with the latest `end`, if that is given, and then the first.
    """
    place = step * 128 + (127 - pitch.astype(np.int64))
    order = np.argsort(place if end is None else (place << _TICK_BITS) - end, kind="stable")
    step = step.take(order)
    return order[np.append(True, step[1:] > step[:-1])[: len(step)]]


def line(start: np.ndarray, end: np.ndarray, notes: np.ndarray, total: int) -> np.ndarray:
    """Notes as tokens uint8 [total].

    Args:
        start: the step of each note [n], ascending, no two the same.
        end: the step where it ends, if none begins earlier [n].
        notes: its token [n].
        total: the number of steps.
    """
    tokens = np.zeros(total, np.uint8)
    tokens[end[end < np.append(start[1:], total)]] = OFF
    tokens[start] = notes
    return tokens


def sounding(tokens: np.ndarray) -> np.ndarray:
    """Whether a note sounds in each step of [total]; bool, of the same shape."""
    last = np.maximum.accumulate(np.where(tokens != HOLD, np.arange(len(tokens)), 0))
    return tokens[last] >= FIRST_NOTE


def canonical(tokens: np.ndarray, sounds: np.ndarray | None = None) -> np.ndarray:
    """The same music, uint8 [total], with a 1 only where a note ends and at a silent beginning.

    Args:
        tokens: [total].
        sounds: `sounding(tokens)`, if it is known.
    """
    tokens = np.asarray(tokens, np.uint8)
    sounds, off = sounding(tokens) if sounds is None else sounds, tokens == OFF
    off[1:] &= ~sounds[:-1]
    tokens = np.where(off, HOLD, tokens)
    tokens[:1] = np.maximum(tokens[:1], OFF)
    return tokens


def ends_nothing(windows: np.ndarray, alone: bool = False) -> np.ndarray:
    """Where in windows [n, steps], after the first step, a 1 ends no note: bool [n, steps].

    Args:
        windows: tokens.
        alone: no note sounds into a window; else one does that begins with 0.
    """
    places = np.maximum.accumulate(np.where(windows != HOLD, np.arange(windows.shape[1]), 0), axis=1)
    last = np.take_along_axis(windows, places, axis=1)
    silent = (last == OFF) | ((last == HOLD) & alone)
    return (windows == OFF) & np.pad(silent[:, :-1], ((0, 0), (1, 0)))


def without_leading_offs(windows: np.ndarray) -> np.ndarray:
    """Windows [n, steps] without the 1s before their first note."""
    begun = np.logical_or.accumulate(windows >= FIRST_NOTE, axis=1)
    return np.where(begun, windows, HOLD).astype(np.uint8)


def in_pitches(windows: np.ndarray, allowed: np.ndarray, lowest: int, notes: int) -> np.ndarray:
    """Windows [n, steps] with each note outside the allowed pitches moved by octaves, then to the nearest of them, of
    two as near to the one that does not repeat the note before it.

    Args:
        windows: tokens.
        allowed: bool [n, 128], of MIDI pitches.
        lowest: the lowest MIDI pitch.
        notes: how many pitches there are.
    """
    tables = nearest_pitches(allowed, lowest, notes)
    found, row, before = windows.copy(), np.arange(len(windows)), np.full(len(windows), -1)
    for tokens in found.T:
        note, pitch = tokens >= FIRST_NOTE, np.maximum(tokens.astype(np.int64) - FIRST_NOTE, 0)
        folded, below, above = (table[row, pitch] for table in tables)
        lower = np.sign(above + below - 2 * folded) + 0.5 * np.where(before == above, 1, -1)
        pitch = np.where(lower > 0, below, above)
        tokens[note] = pitch[note] + FIRST_NOTE
        before = np.where(note, pitch, before)
    return found
