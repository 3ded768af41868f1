"""To and from `symusic.Score`; trusted ABC, which symusic reads too."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from itertools import pairwise
from math import inf

import numpy as np

from musicae.music.formats.draft import Draft, check_changes, note_array, track_bounds
from musicae.music.score.controls import BEND, checked, no_controls
from musicae.music.score.score import Score, Text, Track


def from_symusic(score) -> Draft:
    """The records of a `symusic.Score` in ticks."""
    found = [track for track in score.tracks if track.notes]
    if not found:
        raise ValueError("has no notes")
    tempos, metres, keys = score.tempos, score.time_signatures, score.key_signatures
    check_changes(len(tempos) + len(metres) + len(keys))
    columns = [track.notes.numpy() for track in found]
    return Draft(
        score.ticks_per_quarter,
        _notes(columns),
        track_bounds(column["time"] for column in columns),
        _tracks(found),
        [(tempo.time, 6e7 / tempo.mspq if tempo.mspq else inf) for tempo in tempos],
        [(metre.time, metre.numerator, metre.denominator) for metre in metres],
        [(key.time, key.key, key.tonality) for key in keys],
    )


def with_words(score) -> Draft:
    """The same with its markers and lyrics, which no file in another encoding than UTF-8 may have."""
    draft = from_symusic(score)
    draft.texts = sorted(
        [Text(one.time, "marker", one.text) for one in score.markers]
        + [Text(one.time, "lyrics", one.text) for track in score.tracks for one in track.lyrics]
    )
    return draft


def _tracks(found: list) -> list[Track]:
    """symusic tracks without their notes."""
    return [
        Track(program=track.program & 127, is_drum=track.is_drum, name=track.name, controls=controls)
        for track, controls in zip(found, _controls(found), strict=True)
    ]


def _controls(tracks: list) -> list[np.ndarray]:
    """The control changes and bends of each symusic track, by tick; what is out of range is brought into it."""
    columns, sizes = [], []
    for track in tracks:
        before = len(columns)
        if track.controls:
            moves = track.controls.numpy()
            columns.append((moves["time"], moves["number"], moves["value"]))
        if track.pitch_bends:
            bends = track.pitch_bends.numpy()
            columns.append((bends["time"], np.full(len(bends["time"]), BEND, np.int16), bends["value"]))
        sizes.append(sum(len(times) for times, *_ in columns[before:]))
    if not columns:
        return [no_controls()] * len(tracks)
    part = np.repeat(np.arange(len(tracks)), sizes)
    controls, part = checked(*map(np.concatenate, zip(*columns, strict=True)), part)
    return [controls[i:j] for i, j in pairwise(part.searchsorted(np.arange(len(tracks) + 1)).tolist())]


def _notes(columns: list[dict[str, np.ndarray]]) -> np.ndarray:
    """The notes of all tracks, one track after the other."""
    names = ("time", "duration", "pitch", "velocity")
    start, length, pitch, velocity = (np.concatenate([one[name] for one in columns]) for name in names)
    start = start.astype(np.int64)
    return note_array(start, start + length, pitch, velocity)


def to_symusic(song: Score):
    """See `Song.to_symusic`."""
    import symusic

    score = symusic.Score(song.ticks_per_quarter)
    for track in song.tracks:
        score.tracks.append(symusic.Track(track.name, track.program, track.is_drum))
        score.tracks[-1].notes = _symusic_notes(track.notes)
        for tick, number, value in track.controls.tolist():
            if number < BEND:
                score.tracks[-1].controls.append(symusic.ControlChange(tick, number, value))
            elif number == BEND:
                score.tracks[-1].pitch_bends.append(symusic.PitchBend(tick, value))
    score.tempos = [symusic.Tempo(tick, rate) for tick, rate in song.tempos]
    score.time_signatures = [symusic.TimeSignature(*signature) for signature in song.time_signatures]
    score.key_signatures = [symusic.KeySignature(tick, key, int(minor)) for tick, key, minor in song.key_signatures]
    score.markers = [symusic.TextMeta(tick, text) for tick, kind, text in song.texts if kind == "marker"]
    return score


def _symusic_notes(notes: np.ndarray):
    import symusic

    return symusic.Note.from_numpy(
        notes["start"].astype(np.int32),
        (notes["end"] - notes["start"]).astype(np.int32),
        notes["pitch"].astype(np.int8),
        notes["velocity"].astype(np.int8),
    )


def from_abc(text: str) -> Draft:
    """The first tune of a text in ABC, with its repeats and chord symbols played.

    For texts of a dependency of this package only: the converter is native code, reads any file that a directive
    names, and can be made to run for ever or to corrupt memory.
    """
    import symusic

    straight = re.sub(r"^(K:.*\n)", r"\1%%MIDI chordattack 0\n", text, count=1, flags=re.MULTILINE)
    with _silence():
        try:
            score = symusic.Score.from_abc(straight)
        except RuntimeError:
            raise ValueError("abc2midi cannot make music of it; check its ABC") from None
    draft = from_symusic(score)
    draft.notes["start"] -= 1  # abc2midi begins every note a tick late
    return draft


@contextlib.contextmanager
def _silence():
    """Discards what C code behind a library writes to stdout and stderr."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in enumerate(kept, 1):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
