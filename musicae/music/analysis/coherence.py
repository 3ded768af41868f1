"""What a sequence of music is like, over its windows and over sixteen bars: does it keep a line, a key, its motifs?

A sequence is a whole song, or one step between two. Windows see neither the key of a sequence nor what repeats in it
(`musicae.music.analysis.attributes` is for these); here notes are counted from the first bar to the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from musicae.music.analysis.attributes import SCALES, intervals, measure
from musicae.music.analysis.note_table import Notes, ratio
from musicae.music.representations.base import Representation
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score

BARS = 16  # that keys and repeats are measured over
FEWEST_BARS = 8  # fewer, left at the end of a sequence, are not measured
LEAP, OCTAVE = 7, 12  # semitones: wider intervals are leaps, and leaps over an octave


@dataclass(frozen=True, eq=False)
class NoteSequence:
    """The notes of some bars, in the order of their first steps; each array of notes is int64 `[notes]`.

    Attributes:
        start: the first step of each note.
        pitch: its MIDI pitch, or key of a drum.
        part: which part plays it.
        pitched: whether that part is not drums, bool.
        bars: the steps of the bar lines, the last one ends the sequence, int64 `[bars + 1]`.
        windows: the first steps of the windows that it is cut into and, last, its end, int64 `[windows + 1]`.
    """

    start: np.ndarray
    pitch: np.ndarray
    part: np.ndarray
    pitched: np.ndarray
    bars: np.ndarray
    windows: np.ndarray

    @classmethod
    def of(cls, representation: Representation, array: np.ndarray, grid: Grid) -> NoteSequence:
        """The notes of an array of a representation on the bars of a grid."""
        start, _, code = representation.decode(array)
        order = np.argsort(start, kind="stable")
        start, part, pitch = start[order], code[order] // 128, code[order] % 128
        plan = grid.windows(representation.steps)
        windows = np.array([first for first, _ in plan] + [grid.total_steps])
        pitched = ~representation.is_drum_part(part).astype(bool)
        return cls(start, pitch, part, pitched, grid.bar_steps, windows)

    @cached_property
    def line(self) -> np.ndarray:
        """The intervals of the top lines, from each note to the next of its part: the first steps of the two notes, and
        the semitones up (down: below 0); int64 `[3, intervals]`."""
        found = [np.zeros((3, 0), np.int64)]
        for part in np.unique(self.part[self.pitched]):
            own = self.part == part
            start, first = np.unique(self.start[own], return_index=True)
            found.append(np.stack([start[:-1], start[1:], np.diff(np.maximum.reduceat(self.pitch[own], first))]))
        return np.concatenate(found, axis=1)


def array_of(representation: Representation, song: Score, ticks: int) -> tuple[np.ndarray, Grid]:
    """A song that a model rendered, as an array of its representation and the grid of its bars.

    Args:
        representation: of the model.
        song: with a track for each part, as `rendering.render` writes it.
        ticks: its length to its last bar line, which may lie after its last note.
    """
    grid = Grid.of(song, representation.steps_per_quarter)
    grid = grid.extended(grid.total_steps * -(-ticks // int(grid.bar_ticks[-1])))
    grid = grid.bars(1, int(np.searchsorted(grid.bar_ticks, ticks)))
    return representation.encode_parts(song.tracks, grid)[0], grid


def measures(sequence: NoteSequence) -> dict[str, float]:
    """The measures of a sequence by name; nan where it has none.

    * `notes_a_bar`: notes that begin, to a bar.
    * `interval`: the mean absolute interval from note to note of the top line, in semitones; `leaps`: the share of the
      intervals over 7 semitones; `leaps_octave`: over 12; `repeated_notes`: of 0.
    * `leaps_seams`: the share over 7 of those between notes of different windows; `leaps_inside`: of all others.
    * `range`: the highest minus the lowest pitch of a window, in semitones, the mean over windows.
    * `scale_window`, `scale_16`: the largest share of the notes that lie in one major scale, in a window, and in
      sixteen bars; means.
    * `rhythms_16`, `bars_16`: of the bars in which a note begins, but for the first, the share whose notes begin in the
      same places as those of an earlier one of the same sixteen bars; and have the same pitches too.
    """
    return {
        "notes_a_bar": len(sequence.start) / (len(sequence.bars) - 1),
        **_of_line(sequence),
        **_of_spans(sequence),
        **_repeats(sequence),
    }


def silent(sequence: NoteSequence) -> np.ndarray:
    """In which windows no note begins: bool `[windows]`."""
    return np.histogram(sequence.start, sequence.windows)[0] == 0


def window_statistics(representation: Representation, windows: np.ndarray) -> dict[str, np.ndarray]:
    """What windows `[n, *shape]` differ in: their attributes, and of their top lines the shares of leaps and of
    repeated notes and the widest interval; each float64 `[n]`, nan where there is none."""
    found = measure(representation, windows)
    if representation.has_pitches:
        window, semitones = intervals(Notes.of(representation, windows))
        wide, count = np.abs(semitones), np.bincount(window, minlength=len(windows))
        found |= {name: ratio(np.bincount(window, one, len(windows)), count) for name, one in _kinds(wide).items()}
        found["widest_interval"] = np.full(len(windows), np.nan)
        np.fmax.at(found["widest_interval"], window, wide.astype(float))
    return found


def _kinds(semitones: np.ndarray) -> dict[str, np.ndarray]:
    """Which intervals, in semitones from 0, are leaps, leaps over an octave, repeated notes."""
    return {"leaps": semitones > LEAP, "leaps_octave": semitones > OCTAVE, "repeated_notes": semitones == 0}


def _of_line(sequence: NoteSequence) -> dict[str, float]:
    """The measures of intervals."""
    before, after, semitones = sequence.line
    wide = np.abs(semitones)
    seam = np.diff(np.searchsorted(sequence.windows, [before, after], "right"), axis=0)[0] > 0
    return {
        "interval": _mean(wide),
        **{name: _mean(chosen) for name, chosen in _kinds(wide).items()},
        "leaps_seams": _mean(wide[seam] > LEAP),
        "leaps_inside": _mean(wide[~seam] > LEAP),
    }


def _of_spans(sequence: NoteSequence) -> dict[str, float]:
    """The range of windows, and the scale consistency of windows and of sixteen bars."""
    start, pitch = sequence.start[sequence.pitched], sequence.pitch[sequence.pitched]
    scales = {}
    for name, lines in (("window", sequence.windows), ("16", _sixteens(sequence.bars))):
        span = np.searchsorted(lines, start, "right") - 1
        own = span < len(lines) - 1
        counts = np.zeros((len(lines) - 1, 12))
        np.add.at(counts, (span[own], pitch[own] % 12), 1)
        scales[f"scale_{name}"] = _mean((counts @ SCALES.T).max(1) / counts.sum(1).clip(1), counts.sum(1) > 0)
    cuts = np.searchsorted(start, sequence.windows)
    ranges = [np.ptp(pitch[i:j]) for i, j in pairwise(cuts) if i < j]
    return {"range": _mean(np.array(ranges)), **scales}


def _sixteens(bars: np.ndarray) -> np.ndarray:
    """The steps of the lines between which keys and repeats are measured."""
    lines = bars[::BARS]
    rest = (len(bars) - 1) % BARS
    return np.append(lines, bars[-1]) if rest >= FEWEST_BARS or len(lines) == 1 else lines


def _repeats(sequence: NoteSequence) -> dict[str, float]:
    """The shares of bars whose rhythm, and whose notes, are those of an earlier bar."""
    lines = _sixteens(sequence.bars)
    cuts = np.searchsorted(sequence.start, sequence.bars)
    place = np.searchsorted(lines, sequence.bars, "right")
    found: dict[str, list[bool]] = {"rhythms_16": [], "bars_16": []}
    for name, rows in (("rhythms_16", (sequence.part,)), ("bars_16", (sequence.part, sequence.pitch))):
        known: set[bytes] = set()
        for bar, (i, j) in enumerate(pairwise(cuts)):
            if bar and place[bar] != place[bar - 1]:
                known = set()
            if i == j or place[bar] == len(lines):
                continue
            notes = np.stack([sequence.start[i:j] - sequence.bars[bar], *(row[i:j] for row in rows)])
            content = np.unique(notes, axis=1).tobytes()
            if known:
                found[name].append(content in known)
            known.add(content)
    return {name: _mean(np.array(repeated)) for name, repeated in found.items()}


def _mean(values: np.ndarray, chosen: np.ndarray | None = None) -> float:
    """The mean of those that are chosen; nan of none."""
    values = values if chosen is None else values[chosen]
    return float(np.mean(values)) if len(values) else float("nan")
