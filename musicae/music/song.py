"""A score in integer ticks: what every file becomes when it is read, and what every result is until it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

NOTE = np.dtype([("start", "i8"), ("end", "i8"), ("pitch", "u1"), ("velocity", "u1")])


class Tempo(NamedTuple):
    """From `tick` on, `quarters_per_minute` quarter notes a minute."""

    tick: int
    quarters_per_minute: float


class TimeSignature(NamedTuple):
    """From `tick` on, bars of `numerator`/`denominator`."""

    tick: int
    numerator: int
    denominator: int


class KeySignature(NamedTuple):
    """From `tick` on, `sharps` sharps (negative: flats), major or `minor`."""

    tick: int
    sharps: int
    minor: bool = False


@dataclass(frozen=True, eq=False)
class Track:
    """The notes of one instrument: a NOTE array (ticks, MIDI pitch, velocity 1..127) sorted by start, then pitch."""

    notes: np.ndarray = field(default_factory=lambda: np.zeros(0, NOTE))
    program: int = 0
    is_drum: bool = False
    name: str = ""


@dataclass(frozen=True, eq=False)
class Song:
    """A score: tracks of notes in ticks, with tempo map, time signatures and keys."""

    tracks: tuple[Track, ...] = ()
    ticks_per_quarter: int = 480
    tempos: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    time_signatures: tuple[TimeSignature, ...] = (TimeSignature(0, 4, 4),)
    key_signatures: tuple[KeySignature, ...] = ()
    name: str = ""
    changes: tuple[str, ...] = ()

    @classmethod
    def read(cls, source) -> Song:
        """Placeholder happy path (symusic), to be replaced by the real reader."""
        import symusic

        if isinstance(source, cls):
            return source
        score = symusic.Score(str(source))
        tracks = []
        for track in score.tracks:
            a = track.notes.numpy()
            notes = np.zeros(len(a["time"]), NOTE)
            notes["start"], notes["end"] = a["time"], a["time"] + np.maximum(a["duration"], 1)
            notes["pitch"], notes["velocity"] = a["pitch"], a["velocity"]
            notes = notes[np.lexsort((notes["pitch"], notes["start"]))]
            tracks.append(Track(notes, track.program, track.is_drum, track.name))
        return cls(
            tuple(tracks),
            score.ticks_per_quarter,
            tuple(Tempo(t.time, t.qpm) for t in score.tempos) or (Tempo(0, 120.0),),
            tuple(TimeSignature(t.time, t.numerator, t.denominator) for t in score.time_signatures)
            or (TimeSignature(0, 4, 4),),
            name=str(source).rsplit("/", 1)[-1],
        )
