"""B aligned with A before an interpolation: one interval takes it into A's key and register, shares of it back.

Half way between two keys decodes have notes of both, and half way between two registers they hop from one to the other.
So the path leads from A to B moved onto A; what is decoded on it is moved as a whole, by octaves evenly and from key to
key along the circle of fifths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from musicae.errors import ConfigError
from musicae.music.analysis.attributes import SCALES
from musicae.music.analysis.note_table import Notes
from musicae.music.representations import Representation
from musicae.music.representations.excerpt import Windowed

Keys = Literal["gradual", "a", "b", "none"]
FIFTH, OCTAVE = 7, 12
MOST_OCTAVES = 10  # between two MIDI pitches
PITCHES = np.arange(128)
BACK = {
    "gradual": "and back in steps",
    "a": "and back by octaves: all steps are in the first song's key",
    "b": "and back: all steps are in its own key",
}


@dataclass(frozen=True)
class Alignment:
    """How B lies on A while the path is gone.

    Args:
        keys: of what lies between: "gradual" from A's to B's, all in A's "a" or B's "b"; "none" does not align.
        semitones: by which all of B is moved.
        scale: the major scale of A, and of B so moved, 0 for C; None if they are not aligned.
        once: whether the key changes once, in the middle, as within one song.
    """

    keys: Keys
    semitones: int = 0
    scale: int | None = None
    once: bool = False

    def moves(self, places: np.ndarray) -> np.ndarray:
        """By how many semitones the decode at each place is moved from A's key and register: int64, as `places`.

        The register goes evenly from A's to B's, by octaves. The key is B's from the place 1 on and A's at 0, and in
        between each is as many fifths from A's as its share of them, on the shorter way around the circle of fifths; or
        it changes `once`. With "a" or "b" all of it is in one key.
        """
        back = -self.semitones
        fifths = (back * FIFTH + 5) % OCTAVE - 5
        done = {"a": np.zeros_like(places), "b": np.ones_like(places)}.get(self.keys, places)
        key = FIFTH * np.round(fifths * (done > 0.5 if self.once else done))
        return (key + OCTAVE * np.round((back * places - key) / OCTAVE)).astype(np.int64)

    @property
    def report(self) -> list[str]:
        """What is done to B, in a sentence, if anything is."""
        plural = "s" * (abs(self.semitones) > 1)
        sentence = f"moved by {self.semitones:+d} semitone{plural} to the first song's key and register on the way"
        return [f"{sentence}, {BACK[self.keys]}"] if self.semitones else []


def align(
    representation: Representation, a: Windowed, b: Windowed, keys: Keys = "gradual", once: bool = False
) -> Alignment:
    """How B is moved onto A: by the interval that takes the major scale of most of its notes to that of A, and its
    median pitch nearest to A's.

    It is chosen once, from all notes, such that all of them stay in the range. What is conditioned on chords or a key
    is not aligned, since these say the key; nor are songs of which one has no pitches.

    Raises:
        ConfigError: unknown `keys`.
    """
    if keys not in get_args(Keys):
        raise ConfigError.unknown("keys", keys, get_args(Keys))
    both = _pitches(representation, a), _pitches(representation, b)
    if keys == "none" or representation.conditioning or not all(map(len, both)):
        return Alignment(keys)
    fits = [_shares(pitches) @ SCALES.T for pitches in both]
    scales = [np.flatnonzero(fit > fit.max() - 1e-9) for fit in fits]
    between = np.unique(np.subtract.outer(*scales) % OCTAVE)
    possible = np.add.outer(OCTAVE * np.arange(-MOST_OCTAVES, MOST_OCTAVES), between).ravel()
    apart = np.median(both[0]) - np.median(both[1])
    for semitones in possible[np.abs(possible - apart).argsort(kind="stable")].tolist():
        if moved(representation, b.windows, semitones) is not None:
            scale = int((fits[0] + np.roll(fits[1], semitones)).argmax())
            return Alignment(keys, semitones, scale, once)
    return Alignment(keys)


def moved(representation: Representation, windows: np.ndarray, semitones: int) -> np.ndarray | None:
    """Windows `[n, *shape]` all moved by `semitones`; None if a note would leave the range."""
    found = representation.transpose(windows, np.full(len(windows), semitones))
    before, after = (Notes.of(representation, one).pitched.pitch for one in (windows, found))
    return found if np.array_equal(after, before + semitones) else None


def moved_back(representation: Representation, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
    """Windows `[n, *shape]` moved by `semitones` `[n]`, those with the same ones together: if a note would leave the
    range, all of them by octaves less."""
    windows = windows.copy()
    for wanted in np.unique(semitones[semitones != 0]).tolist():
        some = semitones == wanted
        nearest = sorted(range(wanted % OCTAVE - 10 * OCTAVE, 128, OCTAVE), key=lambda one: abs(one - wanted))
        tried = (moved(representation, windows[some], one) for one in nearest)
        windows[some] = next((one for one in tried if one is not None), windows[some])
    return windows


def in_scale(
    representation: Representation, windows: np.ndarray, scale: int, ends: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Windows `[n, *shape]` between two ends, with their notes in the scale, but pitch classes of either end stay; and
    by octaves in the range of both ends, of an octave at least.

    Args:
        representation: of the windows.
        windows: decodes.
        scale: the major scale, 0 for C.
        ends: the windows of A and of B moved onto A, each `[n, *shape]`.
    """
    low, high = np.full((2, len(windows), 1), [[[128.0]], [[-1.0]]])
    classes = np.tile(SCALES[scale] > 0, (len(windows), 1))
    for notes in (Notes.of(representation, end).pitched for end in ends):
        classes |= notes.pitch_classes() > 0
        np.minimum.at(low[:, 0], notes.window, notes.pitch)
        np.maximum.at(high[:, 0], notes.window, notes.pitch)
    missing = np.ceil(np.maximum(OCTAVE - (high - low), 0) / 2)
    near = (low - missing <= PITCHES) & (high + missing >= PITCHES) | (high < low)
    return representation.in_pitches(windows, near & classes[:, PITCHES % OCTAVE])


def _pitches(representation: Representation, source: Windowed) -> np.ndarray:
    """The MIDI pitches of all notes of an excerpt that are not of drums."""
    _, _, code = representation.decode(representation.join(source.windows, source.lengths))
    return code[~representation.is_drum_part(code // 128)] % 128


def _shares(pitches: np.ndarray) -> np.ndarray:
    """The share of each pitch class, `[12]`."""
    return np.bincount(pitches % OCTAVE, minlength=OCTAVE) / len(pitches)
