"""What windows of music are like in more numbers than a user would steer by: their intervals one by one, how their
rhythm sits in the bar and comes again, which pitch classes lie beside each other, where a phrase begins and ends.

New clips are chosen by them and by the attributes (`musicae.music.latent.reranking`). Each trait is one number a
window, nan where it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from musicae.music.analysis import attributes
from musicae.music.analysis.note_table import Notes, ratio
from musicae.music.representations.base import Representation

INTERVALS = {  # the least and the largest, in semitones, up or down
    "repeated_notes": (0, 0),
    "semitones": (1, 1),
    "whole_tones": (2, 2),
    "thirds": (3, 4),
    "fourths": (5, 5),
    "tritones": (6, 6),
    "fifths": (7, 7),
    "wide_intervals": (8, 12),
    "over_an_octave": (13, 127),
}


def names(representation: Representation) -> tuple[str, ...]:
    """The attributes and traits that windows of a representation have."""
    return (*attributes.names(representation), *RHYTHMIC, *(PITCHED if representation.has_pitches else ()))


def measure(
    representation: Representation, windows: np.ndarray, chosen: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Attributes and traits of windows `[n, *shape]` by name, each float64 `[n]`, nan where a window has none.

    Args:
        representation: what the windows are of.
        windows: the windows.
        chosen: which, of `names`; None for all.
    """
    notes = Notes.of(representation, windows)
    return {name: _measure(name)(notes) for name in (names(representation) if chosen is None else chosen)}


def note_counts(representation: Representation, windows: np.ndarray) -> np.ndarray:
    """How many notes begin in each window `[n, *shape]`: int64 `[n]`."""
    return np.bincount(Notes.of(representation, windows).window, minlength=len(windows))


def _measure(name: str) -> Callable[[Notes], np.ndarray]:
    return attributes.ATTRIBUTES[name].measure if name in attributes.ATTRIBUTES else (RHYTHMIC | PITCHED)[name]


# Rhythm -------------------------------------------------------------------------------------------


def on_beats(notes: Notes) -> np.ndarray:
    """The share of the notes that begin on a quarter."""
    return notes.mean(notes.start % notes.steps_per_quarter == 0)


def on_half_beats(notes: Notes) -> np.ndarray:
    """The share of the notes that begin half way between two quarters."""
    return notes.mean(2 * notes.start % (2 * notes.steps_per_quarter) == notes.steps_per_quarter)


def on_bars(notes: Notes) -> np.ndarray:
    """The share of the notes that begin with a bar of four quarters."""
    return notes.mean(notes.start % (4 * notes.steps_per_quarter) == 0)


def rhythm_kept(notes: Notes) -> np.ndarray:
    """The share of the steps with onsets that the next bar, or the one before, has too: `Σ |A ∩ B| / Σ max(|A|, |B|)`
    over neighbouring bars of four quarters."""
    bars = _onsets_of_bars(notes)
    counts = bars.sum(2)
    both = (bars[:, 1:] & bars[:, :-1]).sum((1, 2))
    return ratio(both.astype(float), np.maximum(counts[:, 1:], counts[:, :-1]).sum(1))


def repeated_rhythms(notes: Notes) -> np.ndarray:
    """Of the bars in which a note begins, but for the first bar, the share whose onsets are those of an earlier one."""
    bars = np.packbits(_onsets_of_bars(notes), axis=2)
    same = np.tril((bars[:, :, None] == bars[:, None]).all(3), -1).any(2)
    sounding = bars.any(2)
    sounding[:, :1] = False
    return ratio((same & sounding).sum(1).astype(float), sounding.sum(1))


def lengths(notes: Notes) -> np.ndarray:
    """How many different lengths the notes have."""
    return _different(notes, notes.end - notes.start, notes.steps + 1)


def longest(notes: Notes) -> np.ndarray:
    """The length of the longest note, in steps."""
    return _extreme(notes, notes.end - notes.start, np.fmax)


def shortest(notes: Notes) -> np.ndarray:
    """The length of the shortest note, in steps."""
    return _extreme(notes, notes.end - notes.start, np.fmin)


def sounding(notes: Notes) -> np.ndarray:
    """The lengths of all notes together, in steps."""
    return notes.sum((notes.end - notes.start).astype(float))


def first_onset(notes: Notes) -> np.ndarray:
    """The step in which the first note begins."""
    return _extreme(notes, notes.start, np.fmin)


def last_onset(notes: Notes) -> np.ndarray:
    """The step in which the last note begins."""
    return _extreme(notes, notes.start, np.fmax)


# Pitch --------------------------------------------------------------------------------------------


def share_of_intervals(least: int, largest: int) -> Callable[[Notes], np.ndarray]:
    """The share of the intervals of the top lines that have so many semitones, up or down."""

    def share(notes: Notes) -> np.ndarray:
        window, semitones = attributes.intervals(notes)
        chosen = (np.abs(semitones) >= least) & (np.abs(semitones) <= largest)
        return ratio(*(np.bincount(window, values, notes.windows) for values in (chosen.astype(float), None)))

    return share


def widest_interval(notes: Notes) -> np.ndarray:
    """The widest interval of a top line, in semitones."""
    window, semitones = attributes.intervals(notes)
    found = np.full(notes.windows, np.nan)
    np.fmax.at(found, window, np.abs(semitones).astype(float))
    return found


def turns(notes: Notes) -> np.ndarray:
    """The share of two successive intervals of which one goes up and the other down."""
    window, first, second = _successive(notes)
    turned = (np.sign(first) * np.sign(second) < 0).astype(float)
    return ratio(*(np.bincount(window, values, notes.windows) for values in (turned, None)))


def bends(notes: Notes) -> np.ndarray:
    """How much two successive intervals differ on average, in semitones."""
    window, first, second = _successive(notes)
    differences = np.abs(second - first).astype(float)
    return ratio(*(np.bincount(window, values, notes.windows) for values in (differences, None)))


def leaps_after_leaps(notes: Notes) -> np.ndarray:
    """How many times two intervals of more than a third follow each other."""
    window, first, second = _successive(notes)
    return np.bincount(window, ((np.abs(first) > 4) & (np.abs(second) > 4)).astype(float), notes.windows)


def pitches(notes: Notes) -> np.ndarray:
    """How many different pitches there are."""
    return _different(notes.pitched, notes.pitched.pitch, 128)


def pitch_classes(notes: Notes) -> np.ndarray:
    """How many of the twelve pitch classes there are."""
    return (notes.pitched.pitch_classes() > 0).sum(1).astype(float)


def outside_scale(notes: Notes) -> np.ndarray:
    """How many notes lie outside the major scale that most of them lie in."""
    counts = notes.pitched.pitch_classes()
    return (counts.sum(1) - (counts @ attributes.SCALES.T).max(1)).astype(float)


def time_in_scale(notes: Notes) -> np.ndarray:
    """The largest share of the time, summed over notes, that one major scale has."""
    notes = notes.pitched
    lengths = (notes.end - notes.start).astype(float)
    times = np.bincount(12 * notes.window + notes.pitch % 12, lengths, 12 * notes.windows).reshape(-1, 12)
    return ratio((times @ attributes.SCALES.T).max(1), times.sum(1))


def undecided_key(notes: Notes) -> np.ndarray:
    """The share of the notes in the major scale that is third, of those with the most notes."""
    return np.sort(attributes.in_scales(notes.pitched), axis=1)[:, -3]


def neighbours(notes: Notes) -> np.ndarray:
    """How many pairs of pitch classes a semitone apart there are."""
    found = notes.pitched.pitch_classes() > 0
    return (found & np.roll(found, 1, axis=1)).sum(1).astype(float)


def clusters(notes: Notes) -> np.ndarray:
    """How many triples of pitch classes a semitone apart there are."""
    found = notes.pitched.pitch_classes() > 0
    return (found & np.roll(found, 1, axis=1) & np.roll(found, 2, axis=1)).sum(1).astype(float)


def tritone_pairs(notes: Notes) -> np.ndarray:
    """How many pairs of pitch classes a tritone apart there are."""
    found = notes.pitched.pitch_classes() > 0
    return (found[:, :6] & found[:, 6:]).sum(1).astype(float)


def first_to_last(notes: Notes) -> np.ndarray:
    """How far the last note of the top line lies from its first, in semitones; of several parts, that of the last."""
    line = notes.line
    ends = np.full((2, notes.windows), np.nan)
    ends[0, line.window[::-1]] = line.pitch[::-1]
    ends[1, line.window] = line.pitch
    return np.abs(ends[1] - ends[0])


# Helpers ------------------------------------------------------------------------------------------


def _onsets_of_bars(notes: Notes) -> np.ndarray:
    """Whether any note begins in each step of each whole bar of four quarters: bool `[windows, bars, steps]`."""
    bar = 4 * notes.steps_per_quarter
    onsets = np.zeros((notes.windows, notes.steps), bool)
    onsets[notes.window, notes.start] = True
    bars = notes.steps // bar
    return onsets[:, : bars * bar].reshape(notes.windows, bars, bar)


def _different(notes: Notes, values: np.ndarray, limit: int) -> np.ndarray:
    """How many different values the notes of each window have, all below a limit."""
    window = np.unique(limit * notes.window + values) // limit
    return np.bincount(window, minlength=notes.windows).astype(float)


def _extreme(notes: Notes, values: np.ndarray, of: np.ufunc) -> np.ndarray:
    """The largest (`np.fmax`) or smallest (`np.fmin`) value of the notes of each window; nan of none."""
    found = np.full(notes.windows, np.nan)
    of.at(found, notes.window, values.astype(float))
    return found


def _successive(notes: Notes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two intervals of a top line that follow each other: the window, the first and the second, in semitones."""
    line = notes.line
    same = (line.window[2:] == line.window[:-2]) & (line.part[2:] == line.part[:-2])
    steps = np.diff(line.pitch)
    return line.window[2:][same], steps[:-1][same], steps[1:][same]


def _by_name(*functions: Callable[[Notes], np.ndarray]) -> dict[str, Callable[[Notes], np.ndarray]]:
    return {one.__name__: one for one in functions}


RHYTHMIC = _by_name(
    *(on_beats, on_half_beats, on_bars, rhythm_kept, repeated_rhythms, lengths, longest, shortest, sounding),
    *(first_onset, last_onset),
)
PITCHED = {name: share_of_intervals(*bounds) for name, bounds in INTERVALS.items()} | _by_name(
    *(widest_interval, turns, bends, leaps_after_leaps, pitches, pitch_classes, outside_scale, time_in_scale),
    *(undecided_key, neighbours, clusters, tritone_pairs, first_to_last),
)
