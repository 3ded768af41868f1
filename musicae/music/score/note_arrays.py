"""Arrays of notes without overlaps at one pitch: merged, cut where a pitch begins again, in order."""

from __future__ import annotations

import numpy as np

NOTE = np.dtype([("start", "i8"), ("end", "i8"), ("pitch", "u1"), ("velocity", "u1")])


def tidy(notes: np.ndarray) -> np.ndarray:
    """A NOTE array as a `Track` wants it: merged, cut and in order."""
    return in_order(cut_repeated(merge(notes)))


def merge(notes: np.ndarray) -> np.ndarray:
    """Notes of at least one tick, by pitch and start; those that begin together at one pitch become one.

    It is as loud as the loudest of them and as long as the longest.
    """
    if not len(notes):
        return notes
    notes = notes.take(np.lexsort((notes["start"], notes["pitch"])))  # ten times as fast as indexing
    same = (notes["pitch"][1:] == notes["pitch"][:-1]) & (notes["start"][1:] == notes["start"][:-1])
    merged = _united(notes, np.flatnonzero(np.append(True, ~same))) if same.any() else notes
    merged["end"] = np.maximum(merged["end"], merged["start"] + 1)
    return merged


def _united(notes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One note for those from each of the indices `first` to the next, with their greatest velocity and latest end."""
    united = notes.take(first)
    for name in ("end", "velocity"):
        united[name] = np.maximum.reduceat(notes[name], first)
    return united


def cut_repeated(notes: np.ndarray) -> np.ndarray:
    """Merged notes, each cut where its pitch begins again."""
    again, start = notes["pitch"][1:] == notes["pitch"][:-1], notes["start"][1:]
    late = np.flatnonzero(again & (notes["end"][:-1] > start))
    if len(late):
        notes = notes.copy()
        notes["end"][late] = start[late]
    return notes


def in_order(notes: np.ndarray) -> np.ndarray:
    """Notes sorted by start, then pitch."""
    return notes.take(np.lexsort((notes["pitch"], notes["start"])))
