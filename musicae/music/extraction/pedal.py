"""The sustain pedal as MusicVAE plays it in bars of many tracks (note-seq 0.0.5: apply_sustain_control_changes)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from musicae.music.score.score import Score, Track

SUSTAIN = 64  # the controller
HALF = 64  # from this value on it is down
MOVE = np.dtype([("tick", "i8"), ("down", "?")])


@dataclass(frozen=True, eq=False)
class PedalledTrack(Track):
    """A track that knows how its pedal is moved: MOVE records by tick; at one tick it goes down before it goes up."""

    pedal: np.ndarray = field(default_factory=lambda: np.zeros(0, MOVE))


def with_pedal(track: Track, moves: np.ndarray) -> Track:
    """A track with MOVE records as its pedal, if there are any."""
    if not len(moves):
        return track
    pedal = moves[np.lexsort((~moves["down"], moves["tick"]))]
    return PedalledTrack(track.notes, track.program, track.is_drum, track.name, pedal)


def sustained(song: Score, start: int, end: int) -> Score:
    """The notes that begin from one tick up to another, as long as their pedals hold them; none beyond the end.

    A note whose pedal is down when it ends goes on until the pedal is up, or to the last event of any track. While the
    pedal is down a note ends every other of its pitch. Drums are left as they are.
    """
    if not any(len(_pedal(one)) for one in song.tracks):
        return song
    tracks = [replace(one, notes=_cut(one.notes, start, end)) for one in song.tracks]
    pedals = [_within(_pedal(one), start, end) for one in tracks]
    ends = [one.notes["end"].max() for one in tracks if len(one.notes) and not one.is_drum]
    last = max([start, *ends, *(pedal["tick"].max() for pedal in pedals if len(pedal))])
    held = (
        one if one.is_drum or not len(pedal) else replace(one, notes=_held(one.notes, pedal, last))
        for one, pedal in zip(tracks, pedals, strict=True)
    )
    return replace(song, tracks=tuple(held))


def _pedal(track: Track) -> np.ndarray:
    """How the pedal of a track is moved."""
    return getattr(track, "pedal", np.zeros(0, MOVE))


def _cut(notes: np.ndarray, start: int, end: int) -> np.ndarray:
    """The notes that begin between two ticks, cut at the second."""
    notes = notes[(notes["start"] >= start) & (notes["start"] < end)].copy()
    notes["end"] = np.minimum(notes["end"], end)
    return notes


def _within(pedal: np.ndarray, start: int, end: int) -> np.ndarray:
    """What a pedal does between two ticks, beginning with where it is."""
    before = pedal[pedal["tick"] <= start][-1:].copy()
    before["tick"] = start
    return np.concatenate([before, pedal[(pedal["tick"] > start) & (pedal["tick"] < end)]])


def _held(notes: np.ndarray, pedal: np.ndarray, last: int) -> np.ndarray:
    """Notes of a track, in the order of their starts, as long as its pedal holds them."""
    rises = np.append(pedal["tick"][~pedal["down"]], last)
    rise = rises[np.minimum(np.searchsorted(rises[:-1], notes["end"], "right"), len(rises) - 1)]
    again = _next_onset(notes, _down(pedal, notes["start"]))
    held = notes.copy()
    held["end"] = np.minimum(np.where(_down(pedal, notes["end"]), rise, notes["end"]), again)
    return held[again > notes["start"]]


def _down(pedal: np.ndarray, ticks: np.ndarray) -> np.ndarray:
    """Whether the pedal is down at ticks, after all that happens to it there."""
    return np.append(False, pedal["down"])[np.searchsorted(pedal["tick"], ticks, "right")]


def _next_onset(notes: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The tick of the next onset at the pitch of each note while the pedal is `down`; far away if there is none."""
    order = np.lexsort((notes["start"], notes["pitch"]))
    onsets = np.append(np.flatnonzero(down[order]), len(notes))
    following = onsets[np.searchsorted(onsets[:-1], np.arange(len(notes)), "right")]
    pitch = np.append(notes["pitch"][order].astype(np.int64), -1)
    ticks = np.append(notes["start"][order], 0)
    found = np.empty(len(notes), np.int64)
    found[order] = np.where(pitch[following] == pitch[:-1], ticks[following], np.iinfo(np.int64).max)
    return found
