"""A score in integer ticks: what every file is read as, and what every result is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from musicae.music.score.controls import CONTROL, cut, joined, no_controls, settled
from musicae.music.score.note_arrays import NOTE, tidy


class Tempo(NamedTuple):
    """From `tick` on, a tempo of `quarters_per_minute`: BPM, where a beat is a quarter note."""

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


class Text(NamedTuple):
    """Words at `tick`: "text", "copyright", "lyrics", "marker" or "cue_marker"."""

    tick: int
    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Track:
    """The notes of one instrument: NOTE records (ticks, MIDI pitch, velocity 1..127) by start, then pitch.

    `program` is the one that it begins with. `controls` are CONTROL records by tick (`musicae.music.score.controls`):
    volume, pan, pedal, bends, later programs. `number` is that of its track in the file it comes from, counted from 1;
    0 where it comes from no file.
    """

    notes: np.ndarray = field(default_factory=lambda: np.zeros(0, NOTE))
    program: int = 0
    is_drum: bool = False
    name: str = ""
    controls: np.ndarray = field(default_factory=no_controls, kw_only=True)
    number: int = field(default=0, kw_only=True)

    def within(self, start: int, end: int) -> Track:
        """This track with the program and the controls that hold from one tick up to another, in the same ticks."""
        if not len(self.controls):
            return self
        program, controls = settled(self.program, cut(self.controls, start, end).tolist(), start)
        return replace(self, program=program, controls=np.array(controls, CONTROL))


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """A score: tracks of notes in ticks, with tempo map, time signatures and keys.

    Tempos, time signatures and keys are sorted; a tempo and a time signature are at tick 0. `texts` are lyrics,
    markers and other words, by tick. `changes` says in sentences what was repaired while reading.
    """

    tracks: tuple[Track, ...] = ()
    ticks_per_quarter: int = 480
    tempos: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    time_signatures: tuple[TimeSignature, ...] = (TimeSignature(0, 4, 4),)
    key_signatures: tuple[KeySignature, ...] = ()
    name: str = ""
    changes: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def end(self) -> int:
        """The tick at which the last note ends; 0 without notes."""
        return int(max((track.notes["end"].max() for track in self.tracks if len(track.notes)), default=0))

    @property
    def bars_end(self) -> int:
        """The tick of the bar line at or after the end of the last note; without notes, the second."""
        last = [signature for signature in self.time_signatures if signature.tick < max(self.end, 1)][-1]
        numerator, denominator = 4 * self.ticks_per_quarter * last.numerator, last.denominator
        bars = -(-(max(self.end, 1) - last.tick) * denominator // numerator)
        return last.tick + round(bars * numerator / denominator)

    @property
    def seconds(self) -> float:
        """The time at which the last note ends."""
        return float(self.tick_to_seconds(self.end))

    def tick_to_seconds(self, ticks) -> np.ndarray:
        """Seconds from the beginning at `ticks`, an array of any shape."""
        starts, rate = (np.array(column, float) for column in zip(*self.tempos, strict=True))
        tick = 60 / (rate * self.ticks_per_quarter)  # in seconds
        seconds = np.concatenate([[0.0], np.cumsum(np.diff(starts) * tick[:-1])])
        at = np.maximum(np.searchsorted(starts, ticks, side="right") - 1, 0)
        return seconds[at] + (np.asarray(ticks) - starts[at]) * tick[at]

    def resample(self, ticks_per_quarter: int) -> Score:
        """The same music in other ticks, rounded to the nearest; every note lasts at least one.

        A change of tempo, metre or key that rounding moves to the end of the music is left out: nothing follows it.
        """
        if ticks_per_quarter == self.ticks_per_quarter:
            return self

        def scaled(ticks):
            return np.floor_divide(2 * ticks * ticks_per_quarter + self.ticks_per_quarter, 2 * self.ticks_per_quarter)

        end = max(int(scaled(self.end)), 1)

        def moved(changes):
            kept = (c for c in changes if c.tick >= self.end or scaled(c.tick) < end)
            return steady(c._replace(tick=int(scaled(c.tick))) for c in kept)

        return self._with_times(scaled, moved, ticks_per_quarter=ticks_per_quarter)

    def slice(self, start: int, end: int) -> Score:
        """The notes that begin in ticks `start` <= t < `end`, cut at `end`, with `start` moved to 0.

        The tempo, metre, key, programs and controls at `start` hold from tick 0; notes that already sound there are
        left out, and so are words outside.
        """

        def moved(changes):
            return steady(c._replace(tick=max(c.tick - start, 0)) for c in changes if c.tick < max(end, start + 1))

        def sliced(track):
            notes = track.notes[(track.notes["start"] >= start) & (track.notes["start"] < end)].copy()
            notes["end"] = np.minimum(notes["end"], end)
            return replace(track.within(start, end), notes=notes)

        texts = tuple(text for text in self.texts if start <= text.tick < end)
        song = replace(self, tracks=tuple(sliced(track) for track in self.tracks), texts=texts)
        return song._with_times(lambda ticks: ticks - start, moved)

    def warped(
        self,
        warp: Callable[[np.ndarray], np.ndarray],
        ticks_per_quarter: int,
        metres: Iterable[TimeSignature],
        tempos: Iterable[Tempo],
    ) -> Score:
        """The same music with every tick moved.

        Args:
            warp: from ticks of this score to ticks of the result, ascending.
            ticks_per_quarter: of the result.
            metres: its time signatures, in its ticks.
            tempos: its tempos, in its ticks.
        """

        def moved(changes):
            return steady(change._replace(tick=int(warp(change.tick))) for change in changes)

        song = self._with_times(warp, moved, ticks_per_quarter=ticks_per_quarter)
        return replace(song, time_signatures=steady(metres), tempos=steady(tempos))

    def _with_times(self, scaled, moved, **changes) -> Score:
        return replace(
            self,
            tracks=tuple(_retimed(track, scaled) for track in self.tracks),
            texts=tuple(text._replace(tick=int(scaled(text.tick))) for text in self.texts),
            tempos=moved(self.tempos),
            time_signatures=moved(self.time_signatures),
            key_signatures=moved(self.key_signatures),
            **changes,
        )

    @classmethod
    def concatenate(cls, songs: Iterable[Score], lengths: Sequence[int] | None = None) -> Score:
        """One song after another, in the ticks of the first, which also gives the name.

        The n-th tracks of one program (or of drums) in all become one, with the name of the first. Tempos, metres
        and keys are repeated where they change.

        Args:
            songs: at least one.
            lengths: the length of each, in its own ticks; without them each lasts to its last bar line.
        """
        songs = list(songs)
        lengths = lengths if lengths is not None else [song.bars_end for song in songs]
        unit = songs[0].ticks_per_quarter
        lengths = [round(n * unit / song.ticks_per_quarter) for n, song in zip(lengths, songs, strict=True)]
        starts = np.concatenate([[0], np.cumsum(lengths)])[:-1].tolist()
        parts = [song.resample(unit)._delayed(start) for song, start in zip(songs, starts, strict=True)]

        def joined(name):
            return steady(change for part in parts for change in getattr(part, name))

        numbered = [_numbered(part.tracks) for part in parts]
        names = list(dict.fromkeys(name for tracks in numbered for name in tracks))

        def track(name):
            return _joined([(i, tracks[name]) for i, tracks in zip(starts, numbered, strict=True) if name in tracks])

        return replace(
            songs[0],
            tracks=tuple(map(track, names)),
            texts=tuple(text for part in parts for text in part.texts),
            tempos=joined("tempos"),
            time_signatures=joined("time_signatures"),
            key_signatures=joined("key_signatures"),
            changes=tuple(dict.fromkeys(change for song in songs for change in song.changes)),
        )

    def _delayed(self, ticks: int) -> Score:
        def moved(changes):
            return tuple(change._replace(tick=change.tick + ticks) for change in changes)

        return self._with_times(lambda times: times + ticks, moved)

    def __repr__(self) -> str:
        notes = sum(len(track.notes) for track in self.tracks)
        name = f"{self.name!r}, " if self.name else ""
        bars = "/".join(map(str, self.time_signatures[0][1:]))
        return f"{type(self).__name__}({name}{len(self.tracks)} tracks, {notes} notes, {bars}, {self.seconds:.1f} s)"


def _numbered(tracks: Iterable[Track]) -> dict[tuple[int, bool, int], Track]:
    """Tracks by program, whether they are drums, and how many of that kind come before."""
    found: dict[tuple[int, bool, int], Track] = {}
    for track in tracks:
        number = sum(kind[:2] == (track.program, track.is_drum) for kind in found)
        found[track.program, track.is_drum, number] = track
    return found


def _joined(parts: list[tuple[int, Track]]) -> Track:
    """Tracks that follow each other as one, with the tick at which each begins."""
    notes = tidy(np.concatenate([track.notes for _, track in parts]))
    controls = joined((start, track.program, track.controls) for start, track in parts)
    return replace(parts[0][1], notes=notes, controls=controls)


def _retimed(track: Track, scaled) -> Track:
    notes, controls = track.notes.copy(), track.controls
    notes["start"], notes["end"] = scaled(notes["start"]), scaled(notes["end"])
    if len(controls):
        controls = controls.copy()
        controls["tick"] = scaled(controls["tick"])
    return replace(track, notes=tidy(notes), controls=controls)


def steady(changes: Iterable) -> tuple:
    """Tempos, time signatures or keys in order: the last of those at one tick, and only real changes."""
    latest = {change.tick: change for change in sorted(changes, key=lambda change: change.tick)}
    kept: list = []
    for change in latest.values():
        if not kept or change[1:] != kept[-1][1:]:
            kept.append(change)
    return tuple(kept)
