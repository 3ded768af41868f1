"""To and from music21 streams; MusicXML and kern, which music21 parses."""

from __future__ import annotations

import contextlib
import io
import warnings
from fractions import Fraction

import numpy as np

from musicae.music.formats.draft import Draft, note_array, track_bounds
from musicae.music.score.score import Score, Track

_FINE = 10_080  # ticks a quarter that hold 32nds, triplets, quintuplets and septuplets of notation


def from_notation(text: str, format_name: str) -> Draft:
    """A score in MusicXML (`musicxml`) or kern (`humdrum`), parsed by music21."""
    from music21 import converter

    warned = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(warned):
        warnings.simplefilter("ignore")
        try:
            score = converter.parseData(text, format=format_name)
        except Exception as error:  # music21 raises whatever its parsers meet
            raise ValueError(f"music21 cannot read it: {type(error).__name__}: {error}") from None
    draft = from_music21(score)
    if count := len(warned.getvalue().splitlines()):
        draft.changes.append(f"music21 could not make sense of it in {count} place{'s' * (count > 1)}")
    return draft


def from_music21(stream) -> Draft:
    """The sounding notes of a music21 stream: at concert pitch, ties joined, repeats not played out.

    An upbeat is moved to the end of a whole bar, so that bar lines are kept.
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
            draft.bounds, draft.tracks = track_bounds(rows), list(map(_music21_track, parts))
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


def to_music21(song: Score):
    """See `Song.to_music21`."""
    from music21 import stream

    score = stream.Score()
    for number, track in enumerate(song.tracks):
        part = stream.Part(id=f"track {number + 1}")
        for offset, element in _music21_elements(song, track, number == 0):
            part.insert(offset, element)
        score.insert(0, part)
    return score


def _music21_elements(song: Score, track: Track, first: bool) -> list:
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
        element = note.Note(notes[0][0]) if len(notes) == 1 else chord.Chord(sorted(pitch for pitch, _ in notes))
        element.quarterLength, element.volume.velocity = end - start, max(velocity for _, velocity in notes)
        elements.append((start, element))
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
