"""The notes of a MIDI file as pretty_midi reads them, and so MusicVAE, from the arrays of its events.

An instrument is what one program plays on one channel of one track; the program is the one in force where a note ends,
and instruments are in the order in which their first notes end. The end of a note ends every open note of its pitch,
channel and track that began at an earlier tick. Those that began at the same tick stay open if there was an earlier
one; else they are lost, as are notes that never end. Tempos, metres and keys are those of the first track.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musicae.music.extraction.pedal import HALF, MOVE, SUSTAIN
from musicae.music.formats.draft import Draft, note_array
from musicae.music.formats.events import BEND, CONTROL, NOTE_ON, PROGRAM, Events, read_events
from musicae.music.formats.pretty_midi_ import enharmonic
from musicae.music.score.score import Track

_NUMBER, _NAME, _TEMPO, _FRAMES, _METRE, _KEY = 0x00, 0x03, 0x51, 0x54, 0x58, 0x59
_INEXACT = 29  # of 2 to this power, the denominator of a metre, mido says that it is no power of 2
# Of some meta events mido wants so many bytes; of those that it does not know it forgets the delta time.
_LEAST_DATA = {0x20: 1, _TEMPO: 3, _FRAMES: 5, _METRE: 4, _KEY: 2}
_UNKNOWN = frozenset(range(256)) - {0x00, *range(0x01, 0x08), 0x09, 0x20, 0x21, 0x2F, 0x51, 0x54, 0x58, 0x59, 0x7F}
_DRUM_CHANNEL = 9


class Instruments(NamedTuple):
    """What pretty_midi finds in a file.

    Attributes:
        draft: the instruments as tracks, the notes of each by start, and of those by their end in the file.
        pedals: how the pedal of each instrument is moved, MOVE records in the order of the file.
    """

    draft: Draft
    pedals: list[np.ndarray]


def read_instruments(file: bytes) -> Instruments | None:
    """The instruments of a MIDI file; None if pretty_midi may refuse it, or if it is odd in a very rare way."""
    events = read_events(file, _UNKNOWN)
    if events is None or not all(map(_is_plain, events.meta)):
        return None
    voices = _Voices(events)
    notes = _Notes(events, voices)
    names = [(one.number, one.track, one.data.decode("latin1")) for one in events.meta if one.kind == _NAME]
    tracks = []
    for number, program, first in notes.instruments:
        track, channel = divmod(number, 16)
        name = next((text for n, t, text in reversed(names) if t == track and n <= first), "")
        tracks.append(Track(program=program, is_drum=channel == _DRUM_CHANNEL, name=name))
    draft = Draft(events.ticks_per_quarter, notes.notes, notes.bounds, tracks, *_conductor(events))
    return Instruments(draft, _pedals(events, voices, notes))


def _is_plain(one) -> bool:
    """Whether mido and pretty_midi surely read what is no event of a channel."""
    kind, data = one.kind, one.data
    if len(data) < _LEAST_DATA.get(kind, 0):
        return False
    if kind == -1:
        return data.removeprefix(b"\xf0").removesuffix(b"\xf7").isascii()
    if kind == _TEMPO:
        return any(data[:3])
    if kind == _METRE:
        return data[0] > 0 and data[1] < _INEXACT
    if kind == _KEY:
        return data[1] < 2 and (data[0] <= 7 or data[0] >= 256 - 7)
    if kind == _FRAMES:
        return data[0] >> 5 < 4
    return kind != _NUMBER or len(data) != 1


def _conductor(events: Events) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """Tempos, metres and keys, as a draft has them."""
    unit = events.ticks_per_quarter
    paces, metres, keys = [(0, 60.0 / (120.0 * unit))], [], []  # seconds a tick, in pretty_midi's arithmetic
    for track, tick, kind, data, _ in events.meta:
        if track:
            break
        if kind == _TEMPO:
            pace = 60.0 / (6e7 / int.from_bytes(data[:3]) * unit)
            if tick == 0:
                paces = [(0, pace)]
            elif pace != paces[-1][1]:
                paces.append((tick, pace))
        elif kind == _METRE:
            metres.append((tick, data[0], 2 ** data[1]))
        elif kind == _KEY:
            keys.append((tick, *enharmonic((data[0] + 128) % 256 - 128, bool(data[1]))))
    return [(tick, 60 / (pace * unit)) for tick, pace in paces], metres, keys


class _Voices:
    """The channels of tracks, and their programs.

    Attributes:
        numbers: 16 times the track plus the channel of each.
        of: the voice of each event.
    """

    def __init__(self, events: Events):
        number = events.track * 16 + (events.status & 15)
        present = np.bincount(number) > 0
        self.numbers = np.flatnonzero(present)
        self.of = (np.cumsum(present) - 1).take(number)
        self.events = len(number)
        changes = np.flatnonzero(events.status & 0xF0 == PROGRAM)
        places = self.of[changes] * self.events + changes
        order = np.argsort(places)
        self._places = places[order]
        self._voice = np.append(-1, self.of[changes][order])
        self._program = np.append(0, events.data[0][changes][order])

    def program(self, at: np.ndarray) -> np.ndarray:
        """The program in force at some events, which are no changes of it."""
        voice = self.of.take(at)
        last = np.searchsorted(self._places, voice * self.events + at)
        return self._program.take(last) * (self._voice.take(last) == voice)

    def instrument(self, at: np.ndarray) -> np.ndarray:
        """The number of the instrument that some events belong to: 128 times the voice, plus the program."""
        return self.of.take(at) * 128 + self.program(at)


class _Notes:
    """The notes of all instruments.

    Attributes:
        notes: NOTE records, one instrument after the other.
        bounds: where those of each begin, and the last end.
        instruments: 16 times the track plus the channel, the program, and the event that ends the first note, of each.
        created: that event by the number of an instrument (see `_Voices.instrument`); of those that there are not, the
            number of events.
    """

    def __init__(self, events: Events, voices: _Voices):
        begin, end = _note_events(events, voices)
        instrument = voices.instrument(end)
        self.created = np.full(len(voices.numbers) * 128, voices.events)
        np.minimum.at(self.created, instrument, end)
        self.used = np.flatnonzero(self.created < voices.events)
        self.used = self.used[np.argsort(self.created[self.used])]
        place = np.zeros(len(self.created), np.int64)
        place[self.used] = np.arange(len(self.used))
        place = place.take(instrument)
        order = np.argsort(events.tick.take(begin) * voices.events + end, kind="stable")
        order = order.take(np.argsort(place.take(order), kind="stable"))
        begin, end = begin.take(order), end.take(order)
        pitch, velocity = events.data.take(begin, axis=1)
        self.notes = note_array(events.tick.take(begin), events.tick.take(end), pitch, velocity)
        self.bounds = np.append(0, np.cumsum(np.bincount(place, minlength=len(self.used)))).tolist()
        voice, program = np.divmod(self.used, 128)
        columns = voices.numbers[voice], program, self.created[self.used]
        self.instruments = list(zip(*(column.tolist() for column in columns), strict=True))


def _note_events(events: Events, voices: _Voices) -> tuple[np.ndarray, np.ndarray]:
    """The events at which notes begin and end, in the order in which they begin."""
    found = np.flatnonzero(events.status < 0xA0)
    status, (pitch, velocity) = events.status.take(found), events.data.take(found, axis=1)
    key = voices.of.take(found) * 128 + pitch
    begins = (status >= NOTE_ON) & (velocity > 0)
    begin, end = _pairs(key.astype(np.uint16) if len(voices.numbers) <= 512 else key, begins, events.tick.take(found))
    ends = np.full(len(found), -1)
    ends[begin] = end
    begin = np.flatnonzero(ends >= 0)
    return found.take(begin), found.take(ends.take(begin))


def _pairs(key: np.ndarray, begins: np.ndarray, tick: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of some events begin and end notes; the others end nothing, or begin what is lost.

    Args:
        key: voice and pitch of each event, in the order of the file.
        begins: whether a note begins there; else open ones end.
        tick: its time.
    """
    order = np.argsort(key, kind="stable")
    key, begins, tick = key.take(order), begins.take(order), tick.take(order)
    numbers = np.arange(len(order))
    next_end = np.minimum.accumulate(np.where(begins, len(order), numbers)[::-1])[::-1]
    begin = np.flatnonzero(begins)
    begin = begin[next_end.take(begin) < len(order)]
    end = next_end.take(begin)
    own = key.take(end) == key.take(begin)
    begin, end = begin[own], end[own]
    later = tick.take(end) > tick.take(begin)
    if not later.all():
        kept = _kept_open(key, tick, next_end, end, later)
        begin, end = begin[kept], end[kept]
    return order.take(begin), order.take(end)


def _kept_open(key, tick, next_end, end: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Which notes are not lost; those that end where they begin, but stay open there, are given their real `end`."""
    kept = later.copy()
    closing = set(end[later].tolist())  # the ends that end a note which began earlier
    for i in np.flatnonzero(~later).tolist():
        at = int(end[i])
        following = int(next_end[at + 1]) if at + 1 < len(key) else len(key)
        if at in closing and following < len(key) and key[following] == key[at] and tick[following] > tick[at]:
            kept[i], end[i] = True, following
            closing.add(following)
    return kept


def _pedals(events: Events, voices: _Voices, notes: _Notes) -> list[np.ndarray]:
    """How the pedal of each instrument is moved.

    What happens on a channel before its first instrument is there belongs to none, and then to each that comes later,
    together with what happens to any of these.
    """
    kind = events.status & 0xF0
    moves = np.flatnonzero((kind == CONTROL) & (events.data[0] == SUSTAIN))
    if not len(moves):
        return [np.zeros(0, MOVE)] * len(notes.used)
    others = np.flatnonzero((kind == CONTROL) | (kind == BEND))
    homeless = others[notes.created.take(voices.instrument(others)) > others]
    waiting = np.full(len(voices.numbers), voices.events)  # since which event a voice has such
    np.minimum.at(waiting, voices.of.take(homeless), homeless)
    shares = waiting.take(np.arange(len(notes.created)) // 128) < notes.created
    owner = voices.instrument(moves)
    common = (notes.created.take(owner) > moves) | shares.take(owner)
    found = np.zeros(len(moves), MOVE)
    found["tick"], found["down"] = events.tick.take(moves), events.data[1].take(moves) >= HALF
    voice = voices.of.take(moves)
    own = notes.used.tolist()
    return [found[(voice == i // 128) & common if shares[i] else (owner == i) & ~common] for i in own]
