"""Beats on other channels than drums have: what a drum machine or a player's pads wrote, told by names and keys."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from musicae.music.score.controls import BANK, FINE_BANK, PROGRAM
from musicae.music.score.score import Score, Track

_NAMES = re.compile(
    r"drum|percus|\bperc\b|\bkit\b|\bbeats?\b|\bhi-?hats?\b|snare|\bkick|cymbal|bongo|conga|schlagzeug|trommel|batter(ie|ia)"
    r"|bater[ií]a|ударн|ドラム|鼓"
)
_PITCHED_NAMES = re.compile(r"steel|kettle|timp|pauke|melod|organ|bass(?! ?drum)")
_PITCHED_PROGRAMS = {47, *range(112, 120)}  # timpani, steel drums, taiko, ...: one sound at many pitches
_KEYS = range(22, 88)  # that are drums in General MIDI 2, and 22 and 26 on V-Drums
_KICKS, _SNARES = (35, 36), (37, 38, 39, 40)
_CYMBALS = (22, 26, 42, 44, 46, 49, 51, 52, 53, 55, 57, 59)
_OTHERS = (41, 43, 45, 47, 48, 50, 54, 56, 58, *range(60, 65), 69, 70, 75, 82)  # toms, congas, tambourine, ...
_FEWEST = 8  # notes of a beat that is recognised by its keys alone
_NEARLY_ALL, _MOSTLY = 0.9, 0.6


def looks_like_drums(track: Track, ticks_per_quarter: int) -> bool:
    """Whether the notes of a track are a beat, although it is not on channel 10.

    Its name says so and its notes are keys of drums; or, where no program was chosen, nearly all of them are kick,
    snare, toms and cymbals, and kick or snare is hit together with a cymbal again and again.
    """
    if track.is_drum or not len(track.notes) or track.program in _PITCHED_PROGRAMS:
        return False
    pitches, name = track.notes["pitch"], track.name.lower()
    if _PITCHED_NAMES.search(name):
        return False
    if not _NAMES.search(name):
        return track.program == 0 and _are_keys_of_a_kit(track.notes, ticks_per_quarter // 4)
    return bool(np.mean((pitches >= _KEYS.start) & (pitches < _KEYS.stop)) > _NEARLY_ALL)


def _are_keys_of_a_kit(notes: np.ndarray, sixteenth: int) -> bool:
    count = len(notes)
    if count < _FEWEST or notes["pitch"].min() > _KICKS[-1]:  # of nearly all tracks there are
        return False
    kick, snare, cymbal, other = (np.isin(notes["pitch"], keys) for keys in (_KICKS, _SNARES, _CYMBALS, _OTHERS))
    if not kick.any() or not snare.any() or cymbal.sum() < 0.15 * count:
        return False
    if (kick | snare | cymbal | other).sum() < _NEARLY_ALL * count or other.sum() > 0.5 * count:
        return False
    most = np.argsort(-np.bincount(notes["pitch"], minlength=128), kind="stable")[:3]
    if not np.isin(most, (*_KICKS, *_SNARES, *_CYMBALS)).all() or np.isin(notes["pitch"], most).sum() < _MOSTLY * count:
        return False
    step = (notes["start"] + sixteenth // 2) // max(sixteenth, 1)
    steps = [set(step[one].tolist()) for one in (kick | snare, cymbal)]
    return len(steps[0] & steps[1]) >= max(2, 0.1 * len(steps[0] | steps[1]))


def beats(song: Score) -> list[int]:
    """The indices of the tracks that look like drums and are on another channel."""
    return [i for i, track in enumerate(song.tracks) if looks_like_drums(track, song.ticks_per_quarter)]


def as_drums(track: Track) -> Track:
    """A track on channel 10; the programs of another instrument would choose a kit there."""
    if track.is_drum:
        return track
    chooses = np.isin(track.controls["number"], (BANK, FINE_BANK, PROGRAM))
    return replace(track, is_drum=True, program=0, controls=track.controls[~chooses])
