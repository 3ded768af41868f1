"""What windows of music are like, in numbers: how dense, how high, how diatonic, how syncopated.

Every attribute is one number a window, nan where it has none (the mean pitch of silence). They are what samples and
held-out music are compared by (`musicae.music.evaluation.two_sample`), and along which a model is steered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from musicae.music.analysis.note_table import Notes, ratio
from musicae.music.representations.base import Representation
from musicae.music.theory.harmony import MAJOR

SCALES = np.stack([np.bincount((np.array(MAJOR) + key) % 12, minlength=12) for key in range(12)])
HATS = (42, 44, 46)  # closed, by foot, open: how every kit writes them


@dataclass(frozen=True)
class Attribute:
    """One number of a window.

    Args:
        name: what a user types.
        summary: what it is, and its unit.
        measure: from notes to float64 `[windows]`, nan where it has none.
        lowest: the lowest value that histograms tell apart; lower ones are counted with it.
        highest: the highest; higher ones are counted with it.
        width: of a bin of a histogram.
        suits: whether windows of a representation have it.
    """

    name: str
    summary: str
    measure: Callable[[Notes], np.ndarray]
    lowest: float
    highest: float
    width: float
    suits: Callable[[Representation], bool]


def names(representation: Representation) -> tuple[str, ...]:
    """The attributes that windows of a representation have."""
    return tuple(name for name, one in ATTRIBUTES.items() if one.suits(representation))


def measure(representation: Representation, windows: np.ndarray) -> dict[str, np.ndarray]:
    """The attributes of windows `[n, *shape]` by name, each float64 `[n]`, nan where a window has none."""
    notes = Notes.of(representation, windows)
    return {name: ATTRIBUTES[name].measure(notes) for name in names(representation)}


def intervals(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    """From each note of the top line to the next one of its part: the window, and the semitones up (down: below 0)."""
    line = notes.line
    same = (np.diff(line.window) == 0) & (np.diff(line.part) == 0)
    return line.window[1:][same], np.diff(line.pitch)[same]


def density(notes: Notes) -> np.ndarray:
    """Notes that begin, of all parts, to a quarter note."""
    return notes.sum(np.ones(len(notes.window))) * notes.steps_per_quarter / notes.steps


def note_length(notes: Notes) -> np.ndarray:
    """The mean length of the pitched notes, as far as they lie in the window, in quarter notes."""
    return notes.pitched.mean((notes.pitched.end - notes.pitched.start) / notes.steps_per_quarter)


def register(notes: Notes) -> np.ndarray:
    """The mean MIDI pitch."""
    return notes.pitched.mean(notes.pitched.pitch)


def pitch_range(notes: Notes) -> np.ndarray:
    """The highest minus the lowest pitch, in semitones."""
    notes = notes.pitched
    low, high = np.full(notes.windows, np.inf), np.full(notes.windows, -np.inf)
    np.minimum.at(low, notes.window, notes.pitch)
    np.maximum.at(high, notes.window, notes.pitch)
    return np.where(high >= low, high - low, np.nan)


def pitch_class_entropy(notes: Notes) -> np.ndarray:
    """`−Σ p log2 p` in bits, p the share of the notes that each of the twelve pitch classes has."""
    counts = notes.pitched.pitch_classes()
    shares = ratio(counts, counts.sum(axis=1, keepdims=True))
    return -np.sum(shares * np.log2(np.where(shares == 0, 1, shares)), axis=1) + 0.0


def in_scales(notes: Notes) -> np.ndarray:
    """The share of the notes that lie in the major scale on each pitch class, from C up, `[windows, 12]`."""
    counts = notes.pitched.pitch_classes()
    return ratio(counts @ SCALES.T, counts.sum(axis=1, keepdims=True))


def scale_consistency(notes: Notes) -> np.ndarray:
    """The largest share of the notes that lie in one major scale, of twelve (Mogren 2016, muspy).

    A natural minor scale is that of its relative major.
    """
    return in_scales(notes).max(axis=1)


def interval(notes: Notes) -> np.ndarray:
    """The mean absolute interval from each note of the top line to the next, in semitones; nan of one note."""
    window, semitones = intervals(notes)
    count, total = (np.bincount(window, values, notes.windows) for values in (None, np.abs(semitones)))
    return ratio(total, count)


def syncopation_eighths(notes: Notes) -> np.ndarray:
    """The share of the onsets that are on an odd eighth (from 0) and follow no onset on the sixteenth or on the eighth
    before it (Roberts et al. 2018).

    Notes that a part begins in one step are one onset.
    """
    sixteenth = notes.steps_per_quarter // 4
    return _syncopation(notes.pitched, 2 * sixteenth, (sixteenth, 2 * sixteenth))


def syncopation_sixteenths(notes: Notes) -> np.ndarray:
    """The share of the onsets that are on an odd sixteenth (from 0) and follow no onset on the sixteenth before it
    (Roberts et al. 2018)."""
    sixteenth = notes.steps_per_quarter // 4
    return _syncopation(notes.pitched, sixteenth, (sixteenth,))


def syncopation(notes: Notes) -> np.ndarray:
    """Of drums, all of them together: `syncopation_sixteenths`."""
    sixteenth = notes.steps_per_quarter // 4
    return _syncopation(notes.drums, sixteenth, (sixteenth,))


def hat_activity(notes: Notes) -> np.ndarray:
    """Hits of the hi-hat, closed or open, to a quarter note."""
    return density(notes.drums.where(np.isin(notes.drums.pitch, HATS)))


def swing(notes: Notes) -> np.ndarray:
    """How much later the hits on odd steps come than those on even steps, on average, in steps.

    0 is straight; a third is the swing of sixteenths to triplets. nan where one of the two kinds is missing.
    """
    odd = notes.drums.start % 2 == 1
    return np.subtract(*(some.mean(some.late) for some in (notes.drums.where(odd), notes.drums.where(~odd))))


def repeated_bars(notes: Notes) -> np.ndarray:
    """Of the bars in which a note begins, but for the first bar, the share that are as an earlier one.

    A bar is four quarters from the first step on; two are the same if the same notes begin in the same steps.
    """
    bar = 4 * notes.steps_per_quarter
    bars = notes.steps // bar
    whole = notes.where(notes.start < bars * bar)
    content = np.zeros((notes.windows, bars), np.uint64)
    np.add.at(content, (whole.window, whole.start // bar), _scrambled(whole, bar))
    same = np.tril(content[:, :, None] == content[:, None, :], -1).any(axis=2)
    sounding = (content > 0) & (np.arange(bars) > 0)
    return ratio((same & sounding).sum(axis=1), sounding.sum(axis=1))


def _syncopation(notes: Notes, beat: int, before: tuple[int, ...]) -> np.ndarray:
    """The share of the onsets on odd multiples of `beat` steps that follow none by any of `before` steps."""
    rows = (notes.part.max(initial=0) + 1) * notes.window + notes.part
    places, first = np.unique(notes.steps * rows + notes.start, return_index=True)
    onsets = notes.where(first)
    alone = ~np.any([np.isin(places - gap, places) for gap in before], axis=0)
    return onsets.mean((onsets.start % (2 * beat) == beat) & alone)


def _scrambled(notes: Notes, bar: int) -> np.ndarray:
    """A number, not 0, for each note's place in its bar, pitch and part: uint64, the same for the same (splitmix64).

    Sums of them are the same for the same notes.
    """
    code = ((128 * notes.part + notes.pitch) * bar + notes.start % bar + 1).astype(np.uint64)
    code *= np.uint64(0x9E3779B97F4A7C15)
    code = (code ^ (code >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return code ^ (code >> np.uint64(27))


def _has_pitches(representation: Representation) -> bool:
    return representation.has_pitches


def _has_drums(representation: Representation) -> bool:
    return representation.has_drums


def _has_played_drums(representation: Representation) -> bool:
    return representation.has_drums and representation.has_microtiming


def _has_sixteenths(representation: Representation) -> bool:
    return representation.steps_per_quarter % 4 == 0


def _has_bars(representation: Representation) -> bool:
    return representation.steps >= 8 * representation.steps_per_quarter


def _both(*tests: Callable[[Representation], bool]) -> Callable[[Representation], bool]:
    return lambda representation: all(test(representation) for test in tests)


ATTRIBUTES = {
    one.name: one
    for one in (
        Attribute("density", "notes to a quarter", density, 0, 8, 0.25, lambda _: True),
        Attribute("note_length", "mean length, quarters", note_length, 0, 4, 0.125, _has_pitches),
        Attribute("register", "mean MIDI pitch", register, 21, 108, 2, _has_pitches),
        Attribute("pitch_range", "highest minus lowest pitch, semitones", pitch_range, 0, 60, 1, _has_pitches),
        Attribute("pitch_class_entropy", "of pitch classes, bits", pitch_class_entropy, 0, 3.6, 0.1, _has_pitches),
        Attribute(
            "scale_consistency", "most notes in one major scale, share", scale_consistency, 0, 1, 0.02, _has_pitches
        ),
        Attribute("interval", "mean interval, semitones", interval, 0, 12, 0.25, _has_pitches),
        Attribute(
            "syncopation_eighths",
            "onsets on odd eighths after none, share",
            syncopation_eighths,
            *(0, 1, 0.05),
            _both(_has_pitches, _has_sixteenths),
        ),
        Attribute(
            "syncopation_sixteenths",
            "onsets on odd sixteenths after none, share",
            syncopation_sixteenths,
            *(0, 1, 0.05),
            _both(_has_pitches, _has_sixteenths),
        ),
        Attribute("hat_activity", "hits of the hi-hat to a quarter", hat_activity, 0, 4, 0.25, _has_drums),
        Attribute("swing", "how late odd steps are, steps", swing, -1, 1, 0.05, _has_played_drums),
        Attribute(
            "syncopation",
            "hits on odd sixteenths after none, share",
            syncopation,
            *(0, 1, 0.05),
            _both(_has_drums, _has_sixteenths),
        ),
        Attribute("repeated_bars", "bars as an earlier one, share", repeated_bars, 0, 1, 0.05, _has_bars),
    )
}
