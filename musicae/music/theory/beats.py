"""Beats of a song that was played without a click, inferred from its onsets.

A semi-Markov model in the manner of bar-pointer models (Whiteley, Cemgil and Godsill 2006; Krebs, Böck and Widmer
2015): a state is a beat and its period; periods change little from beat to beat; within a beat, onsets are a Poisson
process that is dense on the beat and on its halves and quarters, the more so for strong onsets: long, low and thick
ones. The likeliest sequence of beats is found by the Viterbi algorithm, then smoothed by least squares.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musicae.music.score.score import Score

FRAME = 1 / 75  # seconds
PERIODS = 0.30, 1.25  # seconds of a beat: 200 to 48 BPM
USUAL, WIDTH = 0.52, 0.40  # the usual period in seconds, and the spread of periods in octaves
KNOWN_WIDTH = 0.08  # octaves, where the tempo is known
USUAL_WEIGHT, KNOWN_WEIGHT = 0.8, 1.0  # of the prior, a beat
FLEXIBILITY = 0.035  # spread of the logarithm of the ratio of two neighbouring periods
TOGETHER = 0.045  # seconds within which onsets are one chord
SPREAD = 0.022  # seconds by which onsets miss their place
STRAY = 0.1  # onsets a beat that are anywhere
LEVELS = 3  # of strength
# Place in the beat, and the onsets there a beat: of weak ones, of strong ones.
PLACES = (
    (0, 0.3, 1.1),
    (1 / 2, 0.35, 0.25),
    (1 / 4, 0.2, 0.05),
    (3 / 4, 0.2, 0.05),
    (1 / 3, 0.03, 0.01),
    (2 / 3, 0.03, 0.01),
)
ON_A_PLACE = 0.06  # seconds: farther ones say nothing about where the beat is
STIFFNESS = 3.0  # of the beats against changes of the period, in smoothing
_SECOND = (1, -2, 1)  # the second difference
KICKS, SNARES, CRASHES = (35, 36), (37, 38, 39, 40), (49, 52, 55, 57)


class Onsets(NamedTuple):
    """Where something begins: float64 [onsets] each, notes that begin together being one.

    Attributes:
        seconds: when, ascending.
        strengths: how strongly: by number, length, depth and loudness of the notes.
    """

    seconds: np.ndarray
    strengths: np.ndarray


def onsets(song: Score) -> Onsets:
    """The onsets of a song; empty if it has no notes."""
    columns = [_weighted(song, track) for track in song.tracks if len(track.notes)]
    if not columns:
        return Onsets(np.zeros(0), np.zeros(0))
    seconds, weights, drums = map(np.concatenate, zip(*columns, strict=True))
    order = np.argsort(seconds, kind="stable")
    seconds, weights, drums = seconds[order], weights[order], drums[order]
    first = _first_of_chords(seconds)
    pitched, drummed = (np.add.reduceat(weights * part, first) for part in (~drums, drums))
    if drums.any() and (pitched > 0).any():
        pitched /= np.median(pitched[pitched > 0])
    centres = np.add.reduceat(weights * seconds, first) / np.add.reduceat(weights, first)
    return Onsets(centres, pitched + drummed)


def _weighted(song: Score, track) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, weight, and whether it is a drum, of each note of a track."""
    notes = track.notes
    start, end = (song.tick_to_seconds(notes[name]) for name in ("start", "end"))
    pitch = notes["pitch"].astype(float)
    if track.is_drum:
        weights = np.select([np.isin(pitch, KICKS), np.isin(pitch, SNARES + CRASHES)], [1.0, 2.0], 0.1)
    else:
        weights = (0.1 + np.minimum(end - start, 1)) * (1 + 3 * np.clip((57 - pitch) / 12, 0, 1))
    return start, weights * (0.3 + 0.7 * notes["velocity"] / 127), np.full(len(notes), track.is_drum)


def _first_of_chords(seconds: np.ndarray) -> np.ndarray:
    """The index of the first note of each chord: one that begins `TOGETHER` after the first of the chord before."""
    first, at = [0], 0
    apart = np.searchsorted(seconds, seconds + TOGETHER, "right").tolist()
    while (at := apart[at]) < len(seconds):
        first.append(at)
    return np.array(first)


def find_beats(found: Onsets, tempo: float | None = None) -> np.ndarray:
    """The beats of a song in seconds, float64 [beats]: the first at or before its first onset, the last after its last.

    Args:
        found: its onsets, at least one.
        tempo: in beats a minute, about, where it is known.
    """
    periods = np.arange(round(PERIODS[0] / FRAME), round(PERIODS[1] / FRAME) + 1)
    lead = int(periods[-1])  # frames before the first onset
    frames = np.round((found.seconds - found.seconds[0]) / FRAME).astype(int) + lead
    gains = _gains(found, frames, periods) + _prior(periods, tempo)[:, None]
    beats = _viterbi(gains.astype(np.float32), periods, lead, int(frames[-1]) + 1)
    return _smoothed((beats - lead) * FRAME + found.seconds[0], found.seconds)


def _prior(periods: np.ndarray, tempo: float | None) -> np.ndarray:
    """The logarithm of how usual each period (frames) is."""
    usual, width, weight = (USUAL, WIDTH, USUAL_WEIGHT) if tempo is None else (60 / tempo, KNOWN_WIDTH, KNOWN_WEIGHT)
    return -0.5 * weight * (np.log2(periods * FRAME / usual) / width) ** 2


def _gains(found: Onsets, frames: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """The log-likelihood of what begins in a beat of each period from each frame on, [periods, frames]."""
    relative = found.strengths / max(float(np.median(found.strengths)), 1e-9)
    levels = np.round(np.clip((np.log2(np.maximum(relative, 1e-3)) + 1) / 2, 0, 1) * (LEVELS - 1)).astype(int)
    counts = np.zeros((LEVELS, int(frames[-1]) + 2 * int(periods[-1]) + 2))
    np.add.at(counts, (levels, frames), 1)
    expected = sum(weak + strong for _, weak, strong in PLACES) / 2
    gains = np.full((len(periods), counts.shape[1]), -np.inf)
    for row, period in zip(gains, periods.tolist(), strict=True):
        inside = sum(np.correlate(counts[i], _log_rates(period, i), "valid") for i in range(LEVELS))
        row[: len(inside)] = inside - expected
    return gains


@lru_cache(maxsize=512)
def _log_rates(period: int, level: int) -> np.ndarray:
    """The logarithm of onsets a second in each frame of a beat of `period` frames, [period]."""
    strength = level / (LEVELS - 1)
    seconds, length = np.arange(period) * FRAME, period * FRAME
    rates = np.full(period, STRAY / length * (1 - 0.7 * strength))
    for place, weak, strong in PLACES:
        for beat in (-1, 0, 1):
            off = (seconds - (place + beat) * length) / SPREAD
            rates += (weak + (strong - weak) * strength) * np.exp(-0.5 * off**2) / (SPREAD * np.sqrt(2 * np.pi))
    return np.log(rates)


def _viterbi(gains: np.ndarray, periods: np.ndarray, lead: int, last: int) -> np.ndarray:
    """The frames of the likeliest beats, of which the first is one of the first `lead`, the last after `last`."""
    log_periods = np.log(periods)
    changes = (-0.5 * ((log_periods[:, None] - log_periods) / FLEXIBILITY) ** 2).astype(np.float32)
    total = gains.shape[1]
    best = np.full((total, len(periods)), -np.inf, np.float32)
    before = np.zeros(best.shape, np.int8)
    best[: lead + 1] = 0
    rows = np.arange(len(periods))
    for frame in range(lead + 1, total):
        begun = frame - periods  # the frame of the beat before, for each period
        paths = best[begun] + changes
        before[frame] = chosen = paths.argmax(1)
        best[frame] = paths[rows, chosen] + gains[rows, begun]
    ends = best[last : last + int(periods[-1])]
    frame, state = (int(i) for i in np.unravel_index(ends.argmax(), ends.shape))
    beats = [frame := frame + last]
    while frame > lead:
        frame, state = frame - int(periods[state]), int(before[frame, state])
        beats.append(frame)
    return np.array(beats[::-1])


def _smoothed(beats: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Beats moved to where the onsets near their halves, quarters and thirds say that they are, by least squares.

    The smallest `Σ w (t - T(place))² + STIFFNESS Σ (T'')²` over the beat times T, linear between the beats.
    """
    from scipy.linalg import solveh_banded

    beat = np.clip(np.searchsorted(beats, seconds, "right") - 1, 0, len(beats) - 2)
    length = np.diff(beats)[beat]
    places = np.array([0, *sorted(place for place, _, _ in PLACES[1:]), 1])
    share = places[np.abs(((seconds - beats[beat]) / length)[:, None] - places).argmin(1)]
    near = np.abs(beats[beat] + share * length - seconds) < ON_A_PLACE
    weights = np.where(np.isin(share, (0, 0.5, 1)), 1.0, 0.4) * near
    bands, right = np.zeros((3, len(beats))), 1e-6 * beats  # upper form: the last row is the diagonal
    bands[2] = 1e-6
    for at, factor in ((beat, 1 - share), (beat + 1, share)):
        np.add.at(bands[2], at, weights * factor**2)
        np.add.at(right, at, weights * factor * seconds)
    np.add.at(bands[1], beat + 1, weights * share * (1 - share))
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        bands[2 + i - j, j : len(beats) - 2 + j] += STIFFNESS * _SECOND[i] * _SECOND[j]
    return np.maximum.accumulate(solveh_banded(bands, right))
