"""To and from what other libraries make of music: symusic, pretty_midi, music21, and notation in text."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import warnings
import webbrowser
from collections.abc import Iterable, Sized
from fractions import Fraction
from itertools import accumulate
from math import inf
from pathlib import Path

import numpy as np

from musicae.music.reading import MOST_QUARTERS, Draft, check_changes
from musicae.music.song import NOTE, Song, Track

_FINE = 10_080  # ticks a quarter that hold 32nds, triplets, quintuplets and septuplets of notation


def note_array(start, end, pitch, velocity) -> np.ndarray:
    """Columns as a NOTE array, unsorted, with velocities of 1 to 127.

    Raises:
        ValueError: a pitch is not a MIDI pitch.
    """
    if len(pitch) and not 0 <= pitch.min() <= pitch.max() <= 127:
        raise ValueError("has a note with a pitch outside 0 to 127")
    notes = np.empty(len(pitch), NOTE)
    notes["start"], notes["end"], notes["pitch"] = start, end, pitch
    notes["velocity"] = np.minimum(np.maximum(velocity, 1), 127)
    return notes


def _bounds(tracks: Iterable[Sized]) -> list[int]:
    """See `Draft`, of the notes of each track."""
    return [0, *accumulate(map(len, tracks))]


# symusic ----------------------------------------------------------------------------------------


def from_symusic(score) -> Draft:
    """The records of a `symusic.Score` in ticks."""
    if not score.tracks:
        raise ValueError("has no notes")
    check_changes(len(score.tempos) + len(score.time_signatures) + len(score.key_signatures))
    return Draft(
        score.ticks_per_quarter,
        _from_symusic_notes(score),
        _bounds(track.notes for track in score.tracks),
        [Track(program=track.program & 127, is_drum=track.is_drum, name=track.name) for track in score.tracks],
        [(tempo.time, 6e7 / tempo.mspq if tempo.mspq else inf) for tempo in score.tempos],
        [(metre.time, metre.numerator, metre.denominator) for metre in score.time_signatures],
        [(key.time, key.key, key.tonality) for key in score.key_signatures],
    )


def _from_symusic_notes(score) -> np.ndarray:
    """The notes of all tracks, one track after the other."""
    tracks = [track.notes.numpy() for track in score.tracks]
    columns = ([a[name] for a in tracks] for name in ("time", "duration", "pitch", "velocity"))
    start, length, pitch, velocity = map(np.concatenate, columns)
    start = start.astype(np.int64)
    return note_array(start, start + length, pitch, velocity)


def to_symusic(song: Song):
    """See `Song.to_symusic`."""
    import symusic

    score = symusic.Score(song.ticks_per_quarter)
    for track in song.tracks:
        score.tracks.append(symusic.Track(track.name, track.program, track.is_drum))
        score.tracks[-1].notes = _symusic_notes(track.notes)
    score.tempos = [symusic.Tempo(tick, rate) for tick, rate in song.tempos]
    score.time_signatures = [symusic.TimeSignature(*signature) for signature in song.time_signatures]
    score.key_signatures = [symusic.KeySignature(tick, key, int(minor)) for tick, key, minor in song.key_signatures]
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
    """The first tune of a text in ABC, with its repeats and chord symbols played."""
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
    """Sends to nowhere what a program behind a library writes on the terminal."""
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


# pretty_midi ------------------------------------------------------------------------------------


def from_pretty_midi(music) -> Draft:
    """The records of a `pretty_midi.PrettyMIDI`, its seconds put back on its ticks."""
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
    tracks = [Track(program=int(i.program), is_drum=bool(i.is_drum), name=i.name) for i in music.instruments]
    metres = [(int(ticks(m.time)), m.numerator, m.denominator) for m in music.time_signature_changes]
    keys = [(int(ticks(k.time)), *_sharps(k.key_number)) for k in music.key_signature_changes]
    tempos = list(zip(starts.astype(int).tolist(), (60 / (pace * unit)).tolist(), strict=True))
    bounds = _bounds(instrument.notes for instrument in music.instruments)
    return Draft(unit, notes, bounds, tracks, tempos, metres, keys)


def _sharps(key_number: int) -> tuple[int, bool]:
    """(sharps, minor) of pretty_midi's key: 0 to 11 major by tonic, 12 to 23 minor."""
    minor = key_number >= 12
    tonic = key_number % 12 + 3 * minor  # of the relative major
    return (tonic * 7 + 5) % 12 - 5, minor


def to_pretty_midi(song: Song):
    """See `Song.to_pretty_midi`."""
    import mido
    import pretty_midi

    file = mido.MidiFile(file=io.BytesIO(song.to_bytes()), charset="utf-8")
    return pretty_midi.PrettyMIDI(mido_object=file)


# music21 ----------------------------------------------------------------------------------------


def from_notation(text: str, format_name: str) -> Draft:
    """A score in MusicXML (`musicxml`) or kern (`humdrum`), parsed by music21."""
    from music21 import converter

    doubts = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(doubts):
        warnings.simplefilter("ignore")
        try:
            score = converter.parseData(text, format=format_name)
        except Exception as error:  # music21 raises whatever its parsers meet
            raise ValueError(f"music21 cannot read it: {type(error).__name__}: {error}") from None
    draft = from_music21(score)
    if count := len(doubts.getvalue().splitlines()):
        draft.changes.append(f"music21 could not make sense of it in {count} place{'s' * (count > 1)}")
    return draft


def from_music21(stream) -> Draft:
    """The sounding notes of a music21 stream: at concert pitch, ties joined, repeats not played out.

    An upbeat is moved to the end of a whole bar, so that bar lines stay where they were.
    """
    draft = Draft(_FINE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sounding = stream.toSoundingPitch().stripTies()
            parts = list(getattr(sounding, "parts", [])) or [sounding]
            delay = max(_upbeat(part) for part in parts)
            parts = [part.flatten() for part in parts]
            rows = [_music21_notes(part, delay) for part in parts]
            draft.notes = note_array(*np.array([row for some in rows for row in some], np.int64).reshape(-1, 4).T)
            draft.bounds, draft.tracks = _bounds(rows), list(map(_music21_track, parts))
            _add_music21_signs(draft, sounding.flatten(), delay)
        except Exception as error:  # as above
            raise ValueError(f"music21 cannot make notes of it: {type(error).__name__}: {error}") from None
    return draft


def _upbeat(part) -> Fraction:
    """Quarters that the first measure of `part` lacks."""
    first = part.getElementsByClass("Measure").first()
    return Fraction(first.paddingLeft) if first is not None else Fraction(0)


def _music21_ticks(quarters) -> int:
    return round(Fraction(quarters) * _FINE)


def _music21_notes(part, delay: Fraction) -> list[tuple[int, int, int, int]]:
    """(start, end, pitch, velocity) of each note."""
    rows = []
    for element in part.notes:
        if element.duration.isGrace or "Harmony" in element.classes:
            continue
        start = _music21_ticks(element.offset + delay)
        end = start + _music21_ticks(element.quarterLength)
        velocity = element.volume.velocity or round(127 * element.volume.realized)
        rows += [(start, end, pitch.midi, velocity) for pitch in element.pitches]
    return rows


def _music21_track(part) -> Track:
    """The instrument of a part."""
    instrument = part.getElementsByClass("Instrument").first()
    program = getattr(instrument, "midiProgram", None) or 0
    is_drum = getattr(instrument, "midiChannel", None) == 9
    name = getattr(instrument, "partName", None) or getattr(instrument, "instrumentName", None) or ""
    return Track(program=program, is_drum=is_drum, name=name)


def _add_music21_signs(draft: Draft, score, delay: Fraction) -> None:
    """Tempos, metres and keys; those of the beginning hold from tick 0."""

    def place(sign):
        return _music21_ticks(sign.offset + delay) if sign.offset else 0

    for mark in score.getElementsByClass("MetronomeMark"):
        if rate := mark.getQuarterBPM():
            draft.tempos.append((place(mark), float(rate)))
    for sign in score.getElementsByClass("TimeSignature"):
        draft.time_signatures.append((place(sign), sign.numerator, sign.denominator))
    for sign in score.getElementsByClass("KeySignature"):
        draft.key_signatures.append((place(sign), sign.sharps, getattr(sign, "mode", None) == "minor"))


def to_music21(song: Song):
    """See `Song.to_music21`."""
    from music21 import stream

    score = stream.Score()
    for number, track in enumerate(song.tracks):
        part = stream.Part(id=f"track {number + 1}")
        for offset, element in _music21_elements(song, track, number == 0):
            part.insert(offset, element)
        score.insert(0, part)
    return score


def _music21_elements(song: Song, track: Track, first: bool) -> list:
    """(quarters, element) of a track; the first one carries the tempos."""
    from music21 import chord, instrument, key, meter, note, tempo

    unit = song.ticks_per_quarter
    sound = instrument.Woodblock() if track.is_drum else instrument.instrumentFromMidiProgram(track.program)
    sound.partName = track.name or None
    elements = [(0, sound)]
    elements += [(_notated(t, unit), meter.TimeSignature(f"{n}/{d}")) for t, n, d in song.time_signatures]
    elements += [(_notated(t, unit), key.KeySignature(sharps)) for t, sharps, _ in song.key_signatures]
    if first:
        elements += [(_notated(t, unit), tempo.MetronomeMark(number=round(r, 2))) for t, r in song.tempos]
    for (start, end), notes in _chords(track, unit).items():
        made = note.Note(notes[0][0]) if len(notes) == 1 else chord.Chord(sorted(pitch for pitch, _ in notes))
        made.quarterLength, made.volume.velocity = end - start, max(velocity for _, velocity in notes)
        elements.append((start, made))
    return elements


def _chords(track: Track, unit: int) -> dict:
    """(start, end) in quarters: the (pitch, velocity) that sound together."""
    chords: dict = {}
    for start, end, pitch, velocity in track.notes.tolist():
        start, end = _notated(start, unit), _notated(end, unit)
        chords.setdefault((start, max(end, start + Fraction(1, 12))), []).append((pitch, velocity))
    return chords


def _notated(tick: int, unit: int) -> Fraction:
    """`tick` in quarters, on the nearest sixteenth or triplet eighth."""
    quarters = Fraction(tick, unit)
    return min((Fraction(round(quarters * n), n) for n in (4, 3)), key=lambda near: abs(near - quarters))


# Listening --------------------------------------------------------------------------------------


def play(song: Song):
    """See `Song.play`."""
    from musicae.music import audio

    sound = audio.render(song)
    if _in_notebook():
        from IPython.display import Audio

        return Audio(sound)
    with tempfile.NamedTemporaryFile(prefix="musicae-", suffix=".wav", delete=False) as file:
        file.write(sound)
    webbrowser.open(Path(file.name).as_uri())
    return None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None
