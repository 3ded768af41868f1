"""The layout of piano rolls, for SVG and PNG alike: a row for each semitone, below them rows for the drums; time in
quarter notes, with the bar lines of the song.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Track

# Hues that differ on white and on black, also to most colour-blind readers.
COLOURS = "#4269d0", "#ff725c", "#3ca951", "#efb118", "#a463f2", "#6cc5b0", "#ff8ab7", "#9c6b4e"
MOST_NOTES = 4000  # in one picture
MOST_BARS = 256
_NAMES = "C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"
_BLACK = 1, 3, 6, 8, 10
_DRUMS = {  # of General MIDI 2, and 22 and 26 of Roland's V-Drums; as short as they are legible
    22: "hat edge", 26: "open edge", 27: "high Q", 28: "slap", 29: "scratch", 30: "scratch 2", 31: "sticks",
    32: "click", 33: "metronome", 34: "bell", 35: "kick 2", 36: "kick", 37: "rim", 38: "snare", 39: "clap",
    40: "snare 2", 41: "deep tom", 42: "hi-hat", 43: "floor tom", 44: "pedal hat", 45: "low tom", 46: "open hat",
    47: "mid tom", 48: "mid tom 2", 49: "crash", 50: "high tom", 51: "ride", 52: "china", 53: "ride bell",
    54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash 2", 58: "vibraslap", 59: "ride 2", 60: "bongo",
    61: "low bongo", 62: "mute conga", 63: "conga", 64: "low conga", 65: "timbale", 66: "timbale 2", 67: "agogo",
    68: "low agogo", 69: "cabasa", 70: "maracas", 71: "whistle", 72: "whistle 2", 73: "guiro", 74: "long guiro",
    75: "claves", 76: "block", 77: "low block", 78: "mute cuica", 79: "cuica", 80: "mute tri.", 81: "triangle",
    82: "shaker", 83: "jingle bell", 84: "bell tree", 85: "castanets", 86: "mute surdo", 87: "surdo",
}  # fmt: skip


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch; 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True)
class Rows:
    """The rows of a picture from the top: semitones from `high` to `low`, a gap, two for each of `drums`."""

    low: int
    high: int
    drums: tuple[int, ...]

    @classmethod
    def of(cls, songs: Iterable[Score], spare: int = 2) -> Rows:
        """Rows for all notes of all songs, with `spare` semitones on both sides, and at least an octave."""
        tracks = [track for song in songs for track in song.tracks]
        drums = np.unique(_pitches(track for track in tracks if track.is_drum)).tolist()
        pitches = _pitches(track for track in tracks if not track.is_drum)
        if not len(pitches) and drums:
            return cls(0, -1, tuple(drums))
        low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 71)
        spare = max((12 - high + low) // 2, spare)
        return cls(max(low - spare, 0), min(high + spare, 127), tuple(drums))

    def with_drums(self, drums: tuple[int, ...]) -> Rows:
        """The same with rows for these drums, if it has any."""
        return replace(self, drums=drums) if self.drums else self

    @property
    def semitones(self) -> int:
        """Rows of pitched notes."""
        return self.high - self.low + 1

    @property
    def count(self) -> int:
        """All rows with the gap."""
        gap = bool(self.semitones and self.drums)
        return self.semitones + gap + 2 * len(self.drums)

    def of_notes(self, pitches: np.ndarray, is_drum: bool) -> np.ndarray:
        """The row of each pitch of a track, counted from the top; drums are in the middle of their two rows."""
        if not is_drum:
            return self.high - pitches.astype(float)
        return self.count - 1.5 - 2 * np.searchsorted(self.drums, pitches)

    @property
    def labels(self) -> list[tuple[float, str]]:
        """(top of the row, name) of every drum and every C; of every G too if there are at most 24 semitones."""
        labelled = (0,) if self.semitones > 24 else (0, 7)
        named = [pitch for pitch in range(self.low, self.high + 1) if pitch % 12 in labelled]
        drums = np.array(self.drums, int)
        rows = zip(self.of_notes(drums, True).tolist(), self.drums, strict=True)
        return [(self.high - pitch, pitch_name(pitch)) for pitch in named] + [
            (row, _DRUMS.get(drum, f"drum {drum}")) for row, drum in rows
        ]

    @property
    def dark(self) -> list[int]:
        """The rows of the black keys."""
        return [self.high - pitch for pitch in range(self.low, self.high + 1) if pitch % 12 in _BLACK]


def _pitches(tracks: Iterable[Track]) -> np.ndarray:
    return np.concatenate([np.zeros(0, "u1"), *(track.notes["pitch"] for track in tracks)])


@dataclass(frozen=True, eq=False)
class Roll:
    """The part of a song that is drawn.

    Attributes:
        bars: the bar lines in quarter notes; the picture ends at the last one.
        tracks: those with notes.
        notes: of each of them the NOTE array that is drawn, in ticks.
        ticks: a quarter.
        left_out: what is not drawn, in words; empty if everything is.
    """

    bars: np.ndarray
    tracks: list[Track]
    notes: list[np.ndarray]
    ticks: int
    left_out: str

    @classmethod
    def of(cls, song: Score, most_notes: int = MOST_NOTES, most_bars: int = MOST_BARS) -> Roll:
        """The beginning of a song, of at most `most_notes` notes and `most_bars` bars."""
        tracks = [track for track in song.tracks if len(track.notes)]
        lines = Grid.of(song).bar_ticks
        everything = np.concatenate([np.zeros(0, NOTE), *(track.notes for track in tracks)])
        drawn = lines[: most_bars + 1]
        order = np.argsort(everything["start"], kind="stable")
        order = order[everything["start"][order] < drawn[-1]][:most_notes]
        last = everything["start"][order[-1]] if len(order) < len(everything) and len(order) else drawn[-1] - 1
        drawn = drawn[: np.searchsorted(drawn, last, "right") + 1]
        which = np.repeat(np.arange(len(tracks)), [len(track.notes) for track in tracks])[order]
        notes = [_cut(everything[order[which == i]], drawn[-1]) for i in range(len(tracks))]
        left_out = _left_out(len(order), len(everything), len(drawn) - 1, len(lines) - 1)
        return cls(drawn / song.ticks_per_quarter, tracks, notes, song.ticks_per_quarter, left_out)

    @property
    def quarters(self) -> float:
        """The length in quarter notes."""
        return float(self.bars[-1])

    def boxes(self, rows: Rows) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Of each track (start, end, row, velocity) of its notes, the times in quarter notes."""
        for track, notes in zip(self.tracks, self.notes, strict=True):
            row = rows.of_notes(notes["pitch"], track.is_drum)
            yield notes["start"] / self.ticks, notes["end"] / self.ticks, row, notes["velocity"] / 127

    def numbered_bars(self, most: int) -> list[tuple[int, float]]:
        """(number, start in quarter notes) of at most `most` bars, evenly spaced from the first on."""
        stride = next(2**k for k in range(30) if 2**k * most >= len(self.bars) - 1)
        return [(bar + 1, float(self.bars[bar])) for bar in range(0, len(self.bars) - 1, stride)]


def _cut(notes: np.ndarray, end: int) -> np.ndarray:
    notes["end"] = np.minimum(notes["end"], end)
    return notes


def _left_out(notes: int, all_notes: int, bars: int, all_bars: int) -> str:
    """A sentence on what of a song is not drawn."""
    if notes == all_notes:
        return ""
    return f"The picture shows {notes} of {all_notes} notes, in bars 1 to {bars} of {all_bars}."


def printable(text: str) -> str:
    """`text` in one line, without what XML and UTF-8 cannot hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
