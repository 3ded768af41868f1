"""To and from music21 streams; MusicXML and kern, which music21 parses."""

from __future__ import annotations

import contextlib
import io
import warnings
from bisect import bisect_right
from fractions import Fraction

import numpy as np

from musicae.music.formats import bars as marks
from musicae.music.formats.bars import TICKS, Bar, WrittenNote, align, lay_out, together, upbeat
from musicae.music.formats.draft import Draft, note_array, track_bounds
from musicae.music.formats.musicxml import with_drum_pitches
from musicae.music.formats.repeats import PLAYED, played_order
from musicae.music.score.score import Score, Track

_JUMPS = {"Segno": marks.SEGNO, "Fine": marks.FINE} | {
    f"{name}{how}": mark
    for name, mark in (("DaCapo", marks.DA_CAPO), ("DalSegno", marks.DAL_SEGNO))
    for how in ("", "AlFine", "AlCoda")
}


def from_notation(text: str, format_name: str) -> Draft:
    """A score in MusicXML (`musicxml`) or kern (`humdrum`), parsed by music21 in this process.

    music21 can be made to run for hours by a small text, so those of others are parsed by `notation.from_notation`.
    """
    from music21 import converter

    warned = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(warned):
        warnings.simplefilter("ignore")
        try:
            text = with_drum_pitches(text) if format_name == "musicxml" else text
            score = converter.parseData(text, format=format_name)
        except Exception as error:  # music21 raises whatever its parsers meet
            raise ValueError(f"music21 cannot read it: {type(error).__name__}: {error}") from None
        draft = from_music21(score, is_ours=True)
    if count := len(warned.getvalue().splitlines()):
        draft.changes.append(f"music21 could not make sense of it in {count} place{'s' * (count > 1)}")
    return draft


def from_music21(stream, is_ours: bool = False) -> Draft:
    """The sounding notes of a music21 stream: at concert pitch, ties joined, repeats played.

    An upbeat is moved to the end of a whole bar, so that bar lines are kept.

    Args:
        stream: the stream.
        is_ours: whether it may be changed; else a copy is, if need be.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _draft(stream.toSoundingPitch(inPlace=is_ours) or stream)
        except Exception as error:  # as above
            raise ValueError(f"music21 cannot make notes of it: {type(error).__name__}: {error}") from None


def _draft(score) -> Draft:
    parts = list(getattr(score, "parts", [])) or [score]
    flat = [part.flatten() for part in parts]
    bars = [_bars(*both) for both in zip(parts, flat, strict=True)]
    conductor = together(bars)
    draft = Draft(TICKS)
    order = _order(bars, conductor, draft.changes)
    delay = max(map(upbeat, bars))
    laid = [lay_out(some, [i for i in order if i < len(some)], delay) for some in [conductor, *bars]]
    rows = [row for one in laid for row in one.notes]
    draft.notes = note_array(*np.array(rows, np.int64).reshape(-1, 4).T)
    draft.bounds, draft.tracks = track_bounds(one.notes for one in laid[1:]), list(map(_music21_track, flat))
    sounds = (note for one in flat for element in one.notes for note in getattr(element, "notes", None) or [element])
    unpitched = sum("Unpitched" in sound.classes for sound in sounds)
    draft.changes += ["{notes} without a pitch left out"] * unpitched
    draft.tempos, draft.time_signatures, draft.key_signatures = laid[0].tempos, laid[0].metres, laid[0].keys
    return draft


def _order(bars: list[list[Bar]], conductor: list[Bar], changes: list[str]) -> list[int]:
    """The indices of bars as they are played, after which all parts have bars of one length; or as they are written."""
    written = list(range(len(conductor)))
    try:
        order = played_order(conductor)
        if order != written:
            align(bars)
            conductor[:] = together(bars)
            changes.append(PLAYED)
        return order
    except ValueError as error:
        changes.append(f"its repeats are not played: it {error}")
        return written


def _bars(part, flat) -> list[Bar]:
    """The bars of a part: its measures, or what stands between its signs if it has none."""
    measures = list(part.getElementsByClass("Measure"))
    signs = list(flat.getElementsByClass(("TimeSignature", "KeySignature", "MetronomeMark", "Dynamic")))
    starts = [m.offset for m in measures] or sorted({0.0, *(sign.offset for sign in signs)})
    ends = [*starts[1:], max(flat.highestTime, starts[-1] if starts else 0)]
    bars = [Bar(length=Fraction(end) - Fraction(start)) for start, end in zip(starts, ends, strict=True)]

    def place(element) -> tuple[Bar, Fraction]:
        i = max(bisect_right(starts, element.offset) - 1, 0)
        return bars[i], Fraction(element.offset) - Fraction(starts[i])

    _add_signs(bars, place, signs)
    _add_repeats(part, measures, bars)
    _add_jumps(measures, bars)
    loudness = [(sign.offset, sign.volumeScalar) for sign in signs if "Dynamic" in sign.classes]
    for element in flat.notes:
        if not element.duration.isGrace and "Harmony" not in element.classes:
            bar, offset = place(element)
            bar.notes += _notes(element, offset, loudness)
    return bars


def _add_signs(bars: list[Bar], place, signs: list) -> None:
    """Adds tempos, metres and keys, each of which holds until the next."""
    tempo = metre = key = None
    found: dict[int, list] = {}
    for sign in signs:
        bar, offset = place(sign)
        found.setdefault(id(bar), []).append((offset, sign))
    for bar in bars:
        changes = []
        for offset, sign in found.get(id(bar), []):
            if "MetronomeMark" in sign.classes and (rate := sign.getQuarterBPM()):
                changes.append((offset, float(rate)))
            elif "TimeSignature" in sign.classes:
                metre = (sign.numerator, sign.denominator)
            elif "KeySignature" in sign.classes:
                key = (sign.sharps, getattr(sign, "mode", None) == "minor")
        bar.tempo = next((rate for offset, rate in changes if not offset), tempo)
        bar.metre, bar.key = metre, key
        bar.tempo_changes = [change for change in changes if change[0]]
        tempo = changes[-1][1] if changes else bar.tempo


def _add_repeats(part, measures: list, bars: list[Bar]) -> None:
    """Adds repeats and their endings."""
    numbers = {id(measure): i for i, measure in enumerate(measures)}
    for measure, bar in zip(measures, bars, strict=False):
        left, right = measure.leftBarline, measure.rightBarline
        bar.begins_repeat = getattr(left, "direction", "") == "start"
        if getattr(right, "direction", "") == "end":
            bar.plays = max(right.times or 2, 2)
    for bracket in part.getElementsByClass("RepeatBracket"):
        if (i := numbers.get(id(bracket.getFirst()))) is not None:
            bars[i].endings = tuple(bracket.numberRange)


def _add_jumps(measures: list, bars: list[Bar]) -> None:
    """Adds what leads to other bars. The first of several coda signs is where one leaves, the last where one goes."""
    codas = []
    for i, (measure, bar) in enumerate(zip(measures, bars, strict=False)):
        for sign in measure.getElementsByClass("RepeatExpression"):
            bar.marks |= {mark for name, mark in _JUMPS.items() if name in sign.classes}
            if "Coda" in sign.classes:
                codas.append(i if sign.offset else max(i - 1, 0))
                last = bar
    if len(codas) > 1:
        bars[codas[0]].marks |= {marks.TO_CODA}
        last.marks |= {marks.CODA}


def _notes(element, offset: Fraction, loudness: list[tuple]) -> list[WrittenNote]:
    """What a note or a chord is in its bar."""
    before = bisect_right(loudness, (element.offset, 2.0)) - 1
    level = 180 * loudness[before][1] if before >= 0 else 90  # as music21's `Volume.realized` has it
    level += 127 * sum(mark.volumeShift for mark in element.articulations)
    found = []
    for note in getattr(element, "notes", None) or [element]:
        velocity = note.volume.velocity or element.volume.velocity or round(level)
        tied = note.tie is not None and note.tie.type in ("start", "continue")
        if note.pitches:
            found.append(WrittenNote(offset, Fraction(element.quarterLength), note.pitches[0].midi, velocity, tied))
    return found


def _music21_track(part) -> Track:
    """The instrument of a part."""
    instrument = part.getElementsByClass("Instrument").first()
    program = getattr(instrument, "midiProgram", None) or 0
    is_drum = getattr(instrument, "midiChannel", None) == 9
    name = getattr(instrument, "partName", None) or getattr(instrument, "instrumentName", None) or ""
    return Track(program=program, is_drum=is_drum, name=name)


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
