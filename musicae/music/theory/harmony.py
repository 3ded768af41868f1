"""Chords and keys of a song, inferred from its notes.

A hidden Markov model as in note-seq 0.0.5 (`chord_inference`): a state is a key and a chord, one of eight kinds on
twelve roots or none; it says which pitch classes sound for how long in a stretch of time, the frame. The likeliest
sequence of states is found by the Viterbi algorithm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, TimeSignature, Track
from musicae.music.theory.chords import NONE, key_number

KEY_CHANGE = 0.001  # probability that the key changes from frame to frame
CHORD_CHANGE = 0.5  # probability that the chord changes where the key does not
OUT_OF_KEY = 0.01  # probability that a tone of a chord is not in the key
CONCENTRATION = 100.0  # how strongly the sounding pitch classes must be those of the chord

MOST_CHORDS = 1000  # in a part, in MusicVAE
UNPITCHED_PROGRAMS = (*range(96, 104), *range(112, 128))  # sound effects and percussion
CHORDS_A_BAR = {(2, 2): 1, (2, 4): 1, (3, 4): 1, (4, 4): 2, (6, 8): 2}

MAJOR = (0, 2, 4, 5, 7, 9, 11)
_KINDS = (  # tones above the root, and the kind of triad
    ((0, 4, 7), 0),
    ((0, 3, 7), 1),
    ((0, 4, 8), 2),
    ((0, 3, 6), 3),
    ((0, 4, 7, 10), 0),
    ((0, 4, 7, 11), 0),
    ((0, 3, 7, 10), 1),
    ((0, 3, 6, 10), 3),
)
_CHORDS = [(root, *kind) for root in range(12) for kind in _KINDS]
_TRIAD = np.array([NONE, *(1 + 12 * triad + root for root, _, triad in _CHORDS)], np.uint8)


@dataclass(frozen=True, eq=False)
class Harmony:
    """What chord and key hold from when on.

    Attributes:
        starts: int64 [frames], ascending: the tick at which each frame begins.
        chords: uint8 [frames], triads of `musicae.music.theory.chords`.
        keys: uint8 [frames], the tonic of a major scale each.
        figures: uint8 [frames], numbers that tell the chords with a seventh from those without as well.
    """

    starts: np.ndarray
    chords: np.ndarray
    keys: np.ndarray
    figures: np.ndarray

    def at(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chord and the key in force at each tick; before the first frame those of the first."""
        frame = np.maximum(np.searchsorted(self.starts, ticks, "right") - 1, 0)
        return self.chords[frame], self.keys[frame]


def infer(notes: np.ndarray, lines: np.ndarray) -> Harmony:
    """The likeliest chord and key of each frame.

    Args:
        notes: a NOTE array of pitched notes, of any tracks together.
        lines: int64 [frames + 1], ascending: the ticks between which the frames lie.
    """
    keys, chords = _viterbi(CONCENTRATION * profiles(notes, lines) @ _model().tones.T)
    return Harmony(np.asarray(lines, np.int64)[:-1], _TRIAD[chords], keys.astype(np.uint8), chords.astype(np.uint8))


def of(song: Score) -> Harmony:
    """The harmony of a song, inferred for its own bars: one or two chords each, by `chords_a_bar`."""
    return infer(pitched_notes(song.tracks), frames(song, Grid.of(song).bar_ticks))


def of_part(tracks: Iterable[Track], start: int, end: int, song: Score) -> Harmony | None:
    """The harmony of a part of a song as MusicVAE infers it; None where it gives up, and so has no examples.

    It knows parts in 4/4, with two chords a bar, and in 2/2, with one, of at most 1000 chords.

    Args:
        tracks: with the notes that count.
        start: the first tick of the part, between changes of tempo and metre.
        end: where its last note ends, of those that do not count too.
        song: the song, for its metres and ticks.
    """
    _, *metre = [s for s in song.time_signatures if s.tick <= start][-1]
    quarters = {(4, 4): 2, (2, 2): 4}.get(tuple(metre))
    if quarters is None or not 0 < end - start <= MOST_CHORDS * quarters * song.ticks_per_quarter:
        return None
    notes = pitched_notes(tracks)
    notes = notes[(notes["start"] >= start) & (notes["start"] < end)]
    return infer(notes, np.append(np.arange(start, end, quarters * song.ticks_per_quarter), end))


def signed_keys(song: Score, ticks: np.ndarray, *, by_tonic: bool = False) -> np.ndarray | None:
    """The keys that the key signatures give at ticks [...], before the first one its own; None without any.

    Args:
        song: the song.
        ticks: where.
        by_tonic: see `musicae.music.theory.chords.key_number`.
    """
    if not song.key_signatures:
        return None
    keys = np.array([key_number(signature, by_tonic=by_tonic) for signature in song.key_signatures])
    at = np.searchsorted([signature.tick for signature in song.key_signatures], ticks, "right") - 1
    return keys[np.maximum(at, 0)]


def pitched_notes(tracks: Iterable[Track]) -> np.ndarray:
    """The notes of all tracks that have a pitch, one NOTE array."""
    pitched = (track.notes for track in tracks if not track.is_drum and track.program not in UNPITCHED_PROGRAMS)
    return np.concatenate([np.zeros(0, NOTE), *pitched])


def frames(song: Score, bar_ticks: np.ndarray) -> np.ndarray:
    """The ticks between which chords are inferred: bar lines, and the middle of bars that have two chords."""
    starts = [signature.tick for signature in song.time_signatures]
    metre = np.searchsorted(starts, bar_ticks[:-1], "right") - 1
    two = np.array([chords_a_bar(signature) == 2 for signature in song.time_signatures])[metre]
    middles = (bar_ticks[:-1] + bar_ticks[1:]) // 2
    return np.unique(np.concatenate([bar_ticks, middles[two]]))


def chords_a_bar(signature: TimeSignature) -> int:
    """One or two: as in MusicVAE for the metres that it knows; in others two if the beats can be halved."""
    _, numerator, denominator = signature
    compound = denominator >= 8 and numerator % 3 == 0 and numerator > 3
    beats = numerator // 3 if compound else numerator
    return CHORDS_A_BAR.get((numerator, denominator), 1 + (beats % 2 == 0))


def profiles(notes: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """How long each pitch class sounds in each frame, scaled to a vector of length 1: [frames, 12]; silence is 0."""
    classes = notes["pitch"] % 12
    sounding = [_sounding_before(notes[classes == c], np.asarray(lines, np.int64)) for c in range(12)]
    ticks = np.diff(sounding, axis=1).T.astype(float)
    length = np.linalg.norm(ticks, axis=1, keepdims=True)
    return ticks / np.where(length > 0, length, 1)


def _sounding_before(notes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The ticks that notes sound before each time, all together."""
    return _passed(notes["start"], times) - _passed(notes["end"], times)


def _passed(moments: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The time that has passed since each of the moments before each time, summed over them."""
    moments = np.sort(moments)
    before = np.searchsorted(moments, times)
    return before * times - np.append(0, np.cumsum(moments))[before]


class _Model(NamedTuple):
    """Logarithms of probabilities; keys [12] and chords [97] are numbered as in note-seq."""

    chord: np.ndarray  # [key, chord]
    stay: np.ndarray  # [key, chord after, chord before]
    tones: np.ndarray  # [chord, pitch class], vectors of length 1; silence for none
    modulate: np.ndarray  # [key after, chord after]


@cache
def _model() -> _Model:
    """The model, which depends on nothing."""
    holds = np.zeros((1 + len(_CHORDS), 12), bool)
    for i, (root, tones, _) in enumerate(_CHORDS):
        holds[i + 1, [(root + tone) % 12 for tone in tones]] = True
    scales = np.zeros((12, 12), bool)
    for tonic in range(12):
        scales[tonic, [(tonic + step) % 12 for step in MAJOR]] = True
    inside, outside = (holds[None] & scales[:, None]).sum(2), (holds[None] & ~scales[:, None]).sum(2)
    chord = (1 - OUT_OF_KEY) ** inside * OUT_OF_KEY**outside
    chord /= chord.sum(axis=1, keepdims=True)
    # what a chord that is left would have had is shared among all others
    stay = (1 - KEY_CHANGE) * (CHORD_CHANGE * (chord[:, :, None] + chord[:, None, :] / len(_CHORDS)))
    stay[:, np.eye(len(holds), dtype=bool)] = (1 - KEY_CHANGE) * (1 - CHORD_CHANGE)
    tones = holds / np.maximum(np.linalg.norm(holds, axis=1, keepdims=True), 1)
    return _Model(np.log(chord), np.log(stay), tones, np.log(KEY_CHANGE / 11 * chord))


def _viterbi(likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest keys and chords [frames], from log p(frame | chord) [frames, chords]; the first of equals."""
    model, states = _model(), 12 * len(_TRIAD)
    score = -np.log(12) + model.chord + likelihood[0]
    before = np.zeros((len(likelihood), states), np.int64)
    for frame in range(1, len(likelihood)):
        same, origin = _best_of_same_key(score, model)
        other, foreign = _best_of_other_keys(score, model)
        moves = (other > same) | ((other == same) & (foreign < origin))
        before[frame] = np.where(moves, foreign, origin).ravel()
        score = np.where(moves, other, same) + likelihood[frame]
    path = [int(score.argmax())]
    for frame in range(len(likelihood) - 1, 0, -1):
        path.append(int(before[frame, path[-1]]))
    return np.divmod(np.array(path[::-1], np.int64), len(_TRIAD))


def _best_of_same_key(score: np.ndarray, model: _Model) -> tuple[np.ndarray, np.ndarray]:
    """For each key and chord the best score with the key kept, and the state that it comes from; both [12, chords]."""
    scores = score[:, None, :] + model.stay
    chord = scores.argmax(axis=2)
    best = np.take_along_axis(scores, chord[..., None], 2)[..., 0]
    return best, chord + len(_TRIAD) * np.arange(12)[:, None]


def _best_of_other_keys(score: np.ndarray, model: _Model) -> tuple[np.ndarray, np.ndarray]:
    """For each key and chord the best score with the key changed, and the state that it comes from."""
    best = np.where(np.eye(12, dtype=bool), -np.inf, score.max(axis=1))
    key = best.argmax(axis=1)
    origin = key * len(_TRIAD) + score.argmax(axis=1)[key]
    return best.max(axis=1)[:, None] + model.modulate, np.broadcast_to(origin[:, None], model.modulate.shape)
