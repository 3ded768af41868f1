"""The sustain pedal: notes as long as they sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.music.score.controls import PEDAL, PEDAL_DOWN
from musicae.music.score.note_arrays import tidy
from musicae.music.score.score import Score, Track


def sustained(song: Score) -> tuple[Score, int]:
    """A song whose notes last as long as the pedals of their tracks hold them, and how many are longer for it.

    A note that ends while the pedal is down goes on until it is up, or until its pitch begins again; where it is never
    up again, to the last event of the song. Drums are left as they are. The pedals are then up throughout.
    """
    if not any(_pedalled(track) for track in song.tracks):
        return song, 0
    last = max([song.end, *(int(track.controls["tick"].max()) for track in song.tracks if len(track.controls))])
    held = [_held(track, last) if _pedalled(track) else track for track in song.tracks]
    longer = sum(int(np.sum(a.notes["end"] > b.notes["end"])) for a, b in zip(held, song.tracks, strict=True))
    return replace(song, tracks=tuple(held)), longer


def _pedalled(track: Track) -> bool:
    return not track.is_drum and bool((track.controls["number"] == PEDAL).any())


def _held(track: Track, last: int) -> Track:
    """A track without its pedal, its notes as long as they sound."""
    is_pedal = track.controls["number"] == PEDAL
    moves = track.controls[is_pedal]
    down = moves["value"] >= PEDAL_DOWN
    rises = np.append(moves["tick"][~down], last)
    notes = track.notes.copy()
    end = notes["end"]
    is_down = np.append(False, down)[np.searchsorted(moves["tick"], end, "right")]
    rise = rises[np.minimum(np.searchsorted(rises[:-1], end, "right"), len(rises) - 1)]
    notes["end"] = np.where(is_down, np.maximum(rise, end), end)
    return replace(track, notes=tidy(notes), controls=track.controls[~is_pedal])
