"""How much a track looks like a melody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicae.music.score.score import Track

BASS_PROGRAMS = range(32, 40)
_PERCUSSIVE_PROGRAMS = (47, 55, *range(112, 128))  # timpani, orchestra hit, percussion, noises
_HIGHEST_CREDIT = 71  # B4, the middle line of the treble staff: above it, higher is not more of a melody
_LARGEST_LEAP = 12
_MOST_RHYTHMS = 8
_MOST_VOICES = 3
_USUAL_PACE = 1.5  # onsets to a quarter note
_LAST_STEP = 63  # in a bar: the steps of longer bars fall together


class Traits(NamedTuple):
    """What tells a melody from an accompaniment; of one track, whatever the others are."""

    height: float  # mean pitch of the top line, counted up to B4, in octaves
    overlap: float  # square root of the voices that sound beside the first, on average
    variety: float  # log2 of the number of different rhythms of bars, counted up to 8
    presence: float  # log2 of the number of bars with onsets
    leaps: float  # mean interval of the top line in semitones, counted up to an octave
    loudness: float  # mean velocity, in sixteens
    pace: float  # octaves from 1.5 onsets to a quarter note
    repetition: float  # share of the bars that are as the bar before
    backing: float  # 1 of a bass or a percussive program, else 0


# Fitted by scripts/fit_melody_track.py
WEIGHTS = Traits(2.92, -2.25, 1.49, 0.65, -0.44, 0.87, -0.44, -4.26, -2.86)

# of each trait
WORDS = (
    "its register", "one voice", "varied rhythm", "hardly rests", "small intervals", "loud", "a singer's pace",
    "repeats little", "its instrument",
)  # fmt: skip


def traits(track: Track, bars: np.ndarray, ticks_per_quarter: int) -> Traits:
    """The traits of a track.

    Args:
        track: with notes.
        bars: the ticks of the bar lines of its song, [bars + 1].
        ticks_per_quarter: of its song.
    """
    notes = track.notes
    start = notes["start"].astype(np.int64)
    first = np.flatnonzero(np.append(True, start[1:] != start[:-1]))
    top = np.maximum.reduceat(notes["pitch"], first).astype(np.int64)
    bar, patterns = _patterns(start[first], top, bars, ticks_per_quarter)
    rhythms = len({pattern.tobytes() for pattern in patterns > 0})
    again = (patterns[1:] == patterns[:-1]).all(1) & (bar[1:] == bar[:-1] + 1)
    leaps = np.abs(np.diff(top)).mean() if len(top) > 1 else 0.0
    quarters = (bars[bar + 1] - bars[bar]).sum() / ticks_per_quarter
    return Traits(
        height=min(top.mean(), _HIGHEST_CREDIT) / 12,
        overlap=np.sqrt(min(_voices(notes), _MOST_VOICES) - 1),
        variety=np.log2(min(rhythms, _MOST_RHYTHMS)),
        presence=np.log2(len(bar)),
        leaps=min(leaps, _LARGEST_LEAP),
        loudness=notes["velocity"].mean() / 16,
        pace=abs(np.log2(len(first) / quarters / _USUAL_PACE)),
        repetition=again.sum() / len(bar),
        backing=track.program in BASS_PROGRAMS or track.program in _PERCUSSIVE_PROGRAMS,
    )


def likeness(found: Traits) -> float:
    """How much a track of these traits looks like a melody: their sum, weighted.

    Two tracks whose likeness differs by d are the melody with odds of e^d to 1.
    """
    return float(np.dot(found, WEIGHTS))


def reasons(chosen: Traits, others: Sequence[Traits]) -> str:
    """The two traits that most set a track apart from the one that is next most like a melody, in words.

    Args:
        chosen: the traits of the track.
        others: those of the other tracks.
    """
    less = [one for one in others if likeness(one) < likeness(chosen)]
    if not less:
        return ""
    gain = (np.array(chosen) - np.array(max(less, key=likeness))) * np.array(WEIGHTS)
    return " and ".join(WORDS[i] for i in np.argsort(-gain, kind="stable")[:2] if gain[i] > 0)


def _patterns(start: np.ndarray, top: np.ndarray, bars: np.ndarray, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """The bars in which a line begins notes, and the pitches that begin in each sixteenth of them.

    Args:
        start: ticks of the notes of the line.
        top: their pitches.
        bars: ticks of the bar lines.
        quarter: ticks of a quarter note.

    Returns:
        [n] numbers of bars, [n, 64] pitches plus 1, 0 where no note begins.
    """
    of_note = np.searchsorted(bars, start, side="right") - 1
    bar, row = np.unique(of_note, return_inverse=True)
    step = np.minimum((8 * (start - bars[of_note]) + quarter) // (2 * quarter), _LAST_STEP)
    patterns = np.zeros((len(bar), _LAST_STEP + 1), np.uint8)
    patterns[row, step] = top + 1
    return bar, patterns


def _voices(notes: np.ndarray) -> float:
    """The mean number of notes that sound at once, where any sounds."""
    start, end = notes["start"].astype(np.int64), notes["end"].astype(np.int64)
    heard = np.maximum.accumulate(end)
    silent = np.maximum(start[1:] - heard[:-1], 0).sum()
    return (end - start).sum() / max(heard[-1] - start[0] - silent, 1)
