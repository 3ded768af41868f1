"""Arrays of notes without overlaps at one pitch: united, cut where a pitch begins again, in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOTE = np.dtype([("start", "i8"), ("end", "i8"), ("pitch", "u1"), ("velocity", "u1")])

_TICK_BITS = 40  # more than any tick has


class Tidied(NamedTuple):
    """The notes of some tracks as a `Track` wants them, and what was done to them.

    Attributes:
        notes: NOTE records, one track after the other, each by start, then pitch.
        bounds: where the notes of each track begin, and where those of the last end.
        empty: how many had no length, and were made one tick long.
        doubled: how many began together with another at their pitch, and were made one with it: as loud as the loudest,
            as long as the longest.
        cut: how many were cut where their pitch begins again.
    """

    notes: np.ndarray
    bounds: list[int]
    empty: int
    doubled: int
    cut: int


def tidy(notes: np.ndarray) -> np.ndarray:
    """A NOTE array as a `Track` wants it: united, cut and in order."""
    return tidied(notes, [0, len(notes)]).notes


def tidied(notes: np.ndarray, bounds: list[int]) -> Tidied:
    """The notes of some tracks, one after the other, tidied in one pass (see `Tidied`)."""
    if not len(notes):
        return Tidied(notes, bounds, 0, 0, 0)
    number = 0 if len(bounds) == 2 else np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    start, end = notes["start"].copy(), notes["end"].copy()  # contiguous: each use is several times as fast
    pitch, given = notes["pitch"].astype(np.int64), len(notes)
    place = ((number << _TICK_BITS) + start) * 128 + pitch  # what to sort by: track, start, pitch
    empty = np.count_nonzero(end <= start)
    if not (place[1:] > place[:-1]).all():
        order = place.argsort(kind="stable")
        place, notes = place.take(order), notes.take(order)
        doubled = place[1:] == place[:-1]
        if doubled.any():
            first = np.flatnonzero(np.append(True, ~doubled))
            notes, place = _united(notes, first), place.take(first)
            number = place >> _TICK_BITS + 7
            bounds = [0, *number.searchsorted(np.arange(1, len(bounds))).tolist()]
        start, end, pitch = notes["start"].copy(), notes["end"].copy(), place & 127
    if empty:
        end = np.maximum(end, start + 1)
    late, again = _late(number * 128 + pitch, start, end)
    if empty or len(late):
        notes = notes.copy()
        end[late] = again
        notes["end"] = end
    return Tidied(notes, bounds, empty, given - len(notes), len(late))


def _united(notes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """One note for those from each of the indices `first` to the next, with their greatest velocity and latest end."""
    united = notes.take(first)
    for name in ("end", "velocity"):
        united[name] = np.maximum.reduceat(notes[name], first)
    return united


def _late(voice: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which notes end after the next of their voice begins, and when that is.

    Args:
        voice: the track and pitch of each note, in one number.
        start: when it begins, ascending for each track.
        end: when it ends.
    """
    few = len(voice) and voice[-1] < 2**16 - 128  # tracks ascend
    order = (voice.astype(np.uint16) if few else voice).argsort(kind="stable")
    voice, start = voice.take(order), start.take(order)
    late = np.flatnonzero((voice[1:] == voice[:-1]) & (end.take(order)[:-1] > start[1:]))
    return order.take(late), start.take(late + 1)


def in_order(notes: np.ndarray) -> np.ndarray:
    """Notes sorted by start, then pitch."""
    return notes.take((notes["start"] * 128 + notes["pitch"]).argsort(kind="stable"))
