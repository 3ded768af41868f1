"""Songs that were played without a click, moved onto beats and bars of their own.

A live recording, or a transcription that always says 120 BPM, holds notes whose onsets do not sit on the beats that
the file states. To quantise it, its beats have to be found first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.errors import ConfigError
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Tempo, TimeSignature
from musicae.music.theory.beats import Onsets, find_beats, onsets

FEWEST_ONSETS = 32  # fewer say too little about where beats are
LONGEST = 1800.0  # seconds
EXACT_GRIDS, EXACT_SHARE = (24, 32), 0.6  # steps to a quarter; the share of onsets on them that notation has, ...
EXACT_BEATS = 0.03  # ... and the share of its onsets on quarters
LOOSE = ((4, 0.3), (3, 0.3), (2, 0.6))  # steps to a quarter, and how well onsets played to a click sit on them
TEMPO_HOLDS = (
    0.6  # concentration of onsets about some phase of the sixteenths that shows that the file's tempo is right
)
METRES = (4, 3)
TICKS = 480  # a beat, of what is moved


def played_without_click(song: Score) -> bool:
    """Whether the onsets of a song do not sit on the beats of its file.

    Those of notation lie exactly on a grid of notes and triplets; those that were played to a click lie about one:
    `Re mean exp(2πi n t)` over the onsets t, in quarters, is large for the grid of n steps. Songs of drums alone are
    taken to have been played to a click, and so are those of few notes.
    """
    ticks = [track.notes["start"] for track in song.tracks if len(track.notes)]
    if all(track.is_drum for track in song.tracks) or sum(map(len, ticks)) < FEWEST_ONSETS:
        return False
    ticks = np.unique(np.concatenate(ticks))
    if len(ticks) < FEWEST_ONSETS:
        return False
    quarters = ticks / song.ticks_per_quarter
    tolerance = max(1.0, 0.002 * song.ticks_per_quarter) / song.ticks_per_quarter
    on = {n: np.abs(quarters * n - np.round(quarters * n)) / n <= tolerance / 2 for n in (1, *EXACT_GRIDS)}
    if np.logical_or.reduce([on[n] for n in EXACT_GRIDS]).mean() > EXACT_SHARE and on[1].mean() > EXACT_BEATS:
        return False
    return all(_on_steps(quarters, n).real < enough for n, enough in LOOSE)


def _on_steps(quarters: np.ndarray, steps: int) -> complex:
    """How well onsets sit on a grid of `steps` a quarter: 1 exactly, 0 not at all; its angle is their delay."""
    return complex(np.exp(2j * np.pi * steps * quarters).mean())


def on_beats(song: Score, find: bool | None = None, tempo: float | None = None) -> Score:
    """The song as it is, or on beats found in its notes.

    Args:
        song: the song.
        find: whether to find beats; None to do so if it was played without a click.
        tempo: about what it is in BPM, if that is known; `find_beats` has bounds.

    Raises:
        ConfigError: it is longer than half an hour, and `find` is on.
    """
    if find is None:
        if not played_without_click(song) or song.seconds > LONGEST:
            return song
        reason = "its notes do not keep to the beats that its file states (--no-beats keeps these)"
        song = replace(song, changes=(*song.changes, reason))
    return on_found_beats(song, tempo) if find is not False else song


def on_found_beats(song: Score, tempo: float | None = None) -> Score:
    """The same music on the beats that its onsets suggest: a quarter note is a beat, and its tempo changes with each.

    Tick 0 is the first bar line at or before the first note. `changes` says what was found.

    Args:
        song: the song; one without notes stays as it is.
        tempo: about what it is in BPM; None for the file's where the onsets confirm it, or whatever they suggest.

    Raises:
        ConfigError: it is longer than half an hour.
    """
    found = onsets(song)
    if not len(found.seconds):
        return song
    if found.seconds[-1] - found.seconds[0] > LONGEST:
        raise ConfigError(f"{song.name or 'it'} is longer than {LONGEST / 60:.0f} minutes, too long to find beats")
    beats = find_beats(found, tempo or _confirmed_tempo(song))
    metre, first = _bars(song, beats, found)
    beats = np.append(beats[0] - np.arange(-first % metre, 0, -1) * (beats[1] - beats[0]), beats)
    stated, median = song.tempos[0].quarters_per_minute, 60 / float(np.median(np.diff(beats)))
    sentence = (
        f"beats were found in the notes, at about {median:.0f} BPM in bars of {metre} (the file states {stated:.0f})"
    )
    return replace(_moved(song, beats, metre), changes=(*song.changes, sentence))


def _confirmed_tempo(song: Score) -> float | None:
    """The tempo that a file states for most of its time, if the onsets keep one phase to it; else None."""
    quarters = np.unique(np.concatenate([track.notes["start"] for track in song.tracks])) / song.ticks_per_quarter
    if max(abs(_on_steps(quarters, 4)), abs(_on_steps(quarters, 3))) < TEMPO_HOLDS:
        return None
    changes = song.tick_to_seconds(np.array([*(tempo.tick for tempo in song.tempos), song.end]))
    return song.tempos[int(np.argmax(np.diff(changes)))].quarters_per_minute


def _bars(song: Score, beats: np.ndarray, found: Onsets) -> tuple[int, int]:
    """The number of beats in a bar, and which beat is the first to begin one: where strong onsets and new pitch
    classes are. A metre of three or four beats that the file states is kept, unless it is 4/4, which all files state
    that know of none."""
    known = song.time_signatures[0].numerator
    metres = (known,) if known == 3 else METRES
    beat = np.searchsorted(beats, found.seconds + (beats[1] - beats[0]) / 4, "right") - 1
    strengths = np.bincount(np.clip(beat, 0, len(beats) - 1), found.strengths, len(beats))
    strengths = np.minimum(strengths / max(strengths.mean(), 1e-9), 3)
    changes = np.append(0, 1 - _cosines(_pitch_classes(song, beats)))
    accents = sum(values / max(values.std(), 1e-9) for values in (strengths, changes))
    place = np.arange(len(beats))
    best = []
    for metre in metres:
        means = np.array([accents[place % metre == first].mean() for first in range(min(metre, len(beats)))])
        others = (means.sum() - means) / max(len(means) - 1, 1)
        contrasts = (means - others) * np.sqrt(metre - 1) / metre
        best += [(contrast, metre, first) for first, contrast in enumerate(contrasts.tolist())]
    return max(best)[1:]


def _cosines(rows: np.ndarray) -> np.ndarray:
    """The cosine of each row with the next, [rows - 1]."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return (unit[1:] * unit[:-1]).sum(1)


def _pitch_classes(song: Score, beats: np.ndarray) -> np.ndarray:
    """For how much of each beat each pitch class sounds, [beats, 12]."""
    notes = np.concatenate([track.notes for track in song.tracks if not track.is_drum] or [np.zeros(0, NOTE)])
    start, end = (_place(song.tick_to_seconds(notes[name]), beats) for name in ("start", "end"))
    own, later = np.zeros((len(beats), 12)), np.zeros((len(beats) + 1, 12))  # of the beat of an event; of all after it
    for places, sign in ((start, 1), (end, -1)):
        beat = np.clip(np.floor(places).astype(int), 0, len(beats) - 1)
        np.add.at(own, (beat, notes["pitch"] % 12), sign * (beat + 1 - places))
        np.add.at(later, (beat + 1, notes["pitch"] % 12), sign)
    return own + np.cumsum(later, 0)[:-1]


def _place(seconds: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """At which beat, counted from 0, each time is; beyond the last, beats go on as they were."""
    inside = np.interp(seconds, beats, np.arange(len(beats)))
    return inside + np.maximum(seconds - beats[-1], 0) / (beats[-1] - beats[-2])


def _moved(song: Score, beats: np.ndarray, metre: int) -> Score:
    """The song on beats in seconds, each of which is a quarter note, in bars of `metre` beats."""
    tempos = (Tempo(i * TICKS, 60 / length) for i, length in enumerate(np.diff(beats).tolist()))
    return song.warped(
        lambda ticks: np.round(TICKS * _place(song.tick_to_seconds(ticks), beats)).astype(np.int64),
        TICKS,
        (TimeSignature(0, metre, 4),),
        tempos,
    )
