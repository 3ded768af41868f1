"""To and from `pretty_midi.PrettyMIDI`."""

from __future__ import annotations

import io

import numpy as np

from musicae.music.formats import midi
from musicae.music.formats.draft import MOST_QUARTERS, Draft, note_array, track_bounds
from musicae.music.score.controls import BEND, checked, no_controls
from musicae.music.score.score import Score, Text, Track


def from_pretty_midi(music) -> Draft:
    """The records of a `pretty_midi.PrettyMIDI`, its seconds converted to its ticks."""
    unit = music.resolution
    starts, pace = np.array(music._tick_scales, float).T  # tick, seconds per tick
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(starts) * pace[:-1])])

    def ticks(times):
        at = np.maximum(np.searchsorted(seconds, times, side="right") - 1, 0)
        found = starts[at] + (np.asarray(times, float) - seconds[at]) / pace[at]
        if not np.isfinite(found).all():
            raise ValueError("has a time that is not a number")
        return np.rint(np.clip(found, -unit, 2 * MOST_QUARTERS * unit)).astype(np.int64)

    rows = [(n.start, n.end, n.pitch, n.velocity) for i in music.instruments for n in i.notes]
    start, end, pitch, velocity = np.array(rows, float).reshape(-1, 4).T
    notes = note_array(ticks(start), ticks(end), pitch.astype(np.int64), velocity.astype(np.int64))
    tracks = [
        Track(program=int(i.program), is_drum=bool(i.is_drum), name=i.name, controls=_controls(i, ticks))
        for i in music.instruments
    ]
    texts = [Text(int(ticks(word.time)), "lyrics", word.text) for word in music.lyrics]
    metres = [(int(ticks(m.time)), m.numerator, m.denominator) for m in music.time_signature_changes]
    keys = [(int(ticks(k.time)), *_sharps(k.key_number)) for k in music.key_signature_changes]
    tempos = list(zip(starts.astype(int).tolist(), (60 / (pace * unit)).tolist(), strict=True))
    bounds = track_bounds(instrument.notes for instrument in music.instruments)
    return Draft(unit, notes, bounds, tracks, tempos, metres, keys, texts=texts)


def _controls(instrument, ticks) -> np.ndarray:
    """The control changes and bends of a `pretty_midi.Instrument`; `ticks` makes ticks of seconds."""
    moves = [(c.time, c.number, c.value) for c in instrument.control_changes]
    moves += [(bend.time, BEND, bend.pitch) for bend in instrument.pitch_bends]
    if not moves:
        return no_controls()
    time, number, value = np.array(moves, float).T
    columns = ticks(time), number.astype(np.int64), value.astype(np.int64)
    return checked(*columns, np.zeros(len(moves), np.int64))[0]


def _sharps(key_number: int) -> tuple[int, bool]:
    """(sharps, minor) of pretty_midi's key: 0 to 11 major by tonic, 12 to 23 minor."""
    minor = key_number >= 12
    tonic = key_number % 12 + 3 * minor  # of the relative major
    return (tonic * 7 + 5) % 12 - 5, minor


def enharmonic(sharps: int, minor: bool) -> tuple[int, bool]:
    """(sharps, minor) of the key as pretty_midi spells it, which knows one name for each tonic."""
    return _sharps((7 * sharps + 9 * minor) % 12 + 12 * minor)


def to_pretty_midi(song: Score):
    """See `Song.to_pretty_midi`."""
    import mido
    import pretty_midi

    file = mido.MidiFile(file=io.BytesIO(midi.write(song)), charset="utf-8")
    return pretty_midi.PrettyMIDI(mido_object=file)
