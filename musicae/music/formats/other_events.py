"""The events of MIDI tracks other than notes: programs, names, words, and what sets up channels for other tracks.

Notes are parsed elsewhere, with the controls of their channels; most bytes are these. A track is read only up to its
last byte that may belong to another event: of most files, a few bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from musicae.music.formats.events import read_events
from musicae.music.formats.repair import END_OF_TRACK
from musicae.music.score.controls import BEND, PRESSURE, PROGRAM

TEXT, NAME, INSTRUMENT = 1, 3, 4  # kinds of words, as they are numbered in a file
Control = tuple[int, int, int]  # tick, number, value: see `musicae.music.score.controls`

_META, _EXCLUSIVE, _ESCAPE = 0xFF, 0xF0, 0xF7
_MARKER = 6
_WORDS = range(TEXT, 8)
_INTEREST = bytes(byte >= 0xB0 and not 0xF0 <= byte < _META for byte in range(256))
_LENGTH = bytes([2] * 128 + [3] * 64 + [2] * 32 + [3] * 16 + [2] * 16)  # of an event, by its status
_MANY = 6000  # bytes: from here on, if they are a quarter of all, it is faster to find all events at once, notes too
_WITH_LENGTH = b"\xff", b"\xf0", b"\xf7"
_LONGEST_TAIL = 64  # bytes behind the last change of program which are read to see whether it is one
_LONGEST_NUMBER = 8  # bytes


@dataclass
class Events:
    """What the tracks of a file hold besides notes.

    Attributes:
        controls: changes of program and pressures of each (track, channel), in their order; and all other controls of
            channels without notes in this track.
        words: (track, tick, kind, bytes) of all text events, their kind as in the file, 1 to 7.
        programs: for each track, the positions of the statuses of its changes of program.
        channels: for each track, the channels that may have notes.
        late: for tracks that were not read that far, the positions of the statuses of their last changes of program.
    """

    controls: dict[tuple[int, int], list[Control]] = field(default_factory=dict)
    words: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    programs: list[list[int]] = field(default_factory=list)
    channels: list[tuple[int, ...]] = field(default_factory=list)
    late: dict[int, list[int]] = field(default_factory=dict)

    def marked(self, bodies: list[bytes]) -> list[bytes]:
        """The tracks, with markers in place of the `late` changes of program."""
        bodies = list(bodies)
        for track, late in self.late.items():
            for at in reversed(late):  # those before stay where they are
                mark = b"%d %d" % (track, at)
                start, after = bodies[track][:at], bodies[track][at + 2 :]
                bodies[track] = b"".join([start, bytes([_META, _MARKER, len(mark)]), mark, after])
        return bodies

    def add_late(self, bodies: list[bytes], markers: Iterable) -> None:
        """Adds the `late` changes of program of tracks, which are where symusic found the markers for them."""
        if not self.late:
            return
        ticks = {}
        for marker in markers:
            with contextlib.suppress(UnicodeDecodeError):  # one of the file
                ticks[marker.text] = marker.time
        for track, late in self.late.items():
            for at in late:
                status, program = bodies[track][at : at + 2]
                tick = ticks.get(f"{track} {at}", 0)
                self.controls[track, status & 15].append((tick, PROGRAM, program))

    def _add(self, track: int, tick: int, status: int, data: list[int]) -> None:
        """Adds an event of a channel, unless it is found with its notes."""
        kind, channel = status >> 4, status & 15
        if kind in (0xC, 0xD):
            control = tick, PROGRAM if kind == 0xC else PRESSURE, data[0]
        elif channel in self.channels[track]:
            return
        else:
            control = (tick, *data) if kind == 0xB else (tick, BEND, (data[1] << 7 | data[0]) - 8192)
        self.controls.setdefault((track, channel), []).append(control)


def find_events(bodies: list[bytes], corrupted: bool = False) -> Events | None:
    """The events of tracks that are no notes; None where a track is damaged.

    Args:
        bodies: tracks without their end-of-track event, and with the delta time before it.
        corrupted: whether the file is known to be: then tracks are read up to their last change of program.
    """
    channels = [tuple(channel for channel in range(16) if 0x90 | channel in body) for body in bodies]
    spans = list(map(_span_of_interest, bodies, channels))
    events = Events(programs=[[] for _ in bodies], channels=channels)
    if sum(end for end, _ in spans) > max(_MANY, sum(map(len, bodies)) // 4) and _add_all(events, bodies):
        return events
    try:
        for track, (body, (end, late)) in enumerate(zip(bodies, spans, strict=True)):
            if corrupted and late:
                end, late = late[-1] + 1, []
            _add_some(events, track, body, end, late)
    except IndexError:
        return None
    return events


def _span_of_interest(body: bytes, channels: tuple[int, ...]) -> tuple[int, list[int]]:
    """Where the last byte that may be a status of interest ends, 0 without one; and where changes of program are after
    it, known from the bytes around them."""
    table = bytearray(_INTEREST)
    for channel in channels:  # what they set is found with their notes
        table[0xB0 | channel] = table[0xE0 | channel] = 0
    marks = body.translate(table)
    last = end = _last_mark(marks, body, len(body))
    late = []
    while end >= 0 and _is_program(body[end : end + 4]):
        late.append(end)
        end = _last_mark(marks, body, end)
    if not late:
        return end + 1, late
    may_be_words = any(body.find(status, end + 1, last) >= 0 for status in _WITH_LENGTH)
    if may_be_words or len(body) - last > _LONGEST_TAIL or not _ends_well(body[last:]):
        return last + 1, []
    return end + 1, late[::-1]


def _ends_well(events: bytes) -> bool:
    """Whether events are whole up to the end of their track: many that are not were cut off."""
    try:
        _walked(b"\0" + events, len(events) + 1)
    except IndexError:
        return False
    return True


def _last_mark(marks: bytes, body: bytes, end: int) -> int:
    """The last byte before `end` that may be a status of interest; -1 without one.

    Before a status a delta time ends, with a byte below 128.
    """
    at = marks.rfind(1, 0, end)
    while at >= 0 and ((at and body[at - 1] > 127) or _is_delta(body[at : at + 5])):
        at = marks.rfind(1, 0, at)
    return at


def _is_program(first: bytes) -> bool:
    """Whether four bytes, or three that end a track, are a change of program and the time up to a status.

    If the first belonged to a time, notes and controls would go on after the second with two bytes of data. Changes of
    program without a status would not, but there are none where all before it have one.
    """
    if len(first) < 3 or first[0] >> 4 != 0xC or max(first[1:3]) > 127:
        return False
    return len(first) == 3 or 127 < first[3] < _EXCLUSIVE


def _is_delta(first: bytes) -> bool:
    """Whether a byte that looks like a status, with four more, is surely part of a delta time, or a meta event that is
    no words."""
    status, *data = first
    if max(data[: _LENGTH[status] - 1], default=0) > 127:
        return True
    if status == _META:
        return data[:1] != [] and data[0] not in _WORDS
    # A status follows the second byte, and two data bytes this; behind a program they would be a time and a status.
    return 0xC0 <= status < 0xE0 and len(data) == 4 and data[1] > 127 and max(data[2:]) < 128


def _add_all(events: Events, bodies: list[bytes]) -> bool:
    """Adds the events of all tracks, if they are well-formed; whether they are."""
    tracks = [len(body + END_OF_TRACK).to_bytes(4) + body + END_OF_TRACK for body in bodies]
    header = b"MThd\0\0\0\x06\0\1" + len(bodies).to_bytes(2) + b"\1\xe0"
    found = read_events(header + b"".join(b"MTrk" + track for track in tracks))
    if found is None:
        return False
    starts = 14 + np.cumsum([8, *(4 + len(track) for track in tracks)])
    kind, channel = found.status >> 4, found.status & 15
    own = np.array([[channel in channels for channel in range(16)] for channels in events.channels])
    program = (kind == 0xC) & found.own_status
    wanted = np.flatnonzero((kind >= 0xB) & (kind < 0xF) & ((kind == 0xC) | (kind == 0xD) | ~own[found.track, channel]))
    columns = found.track[wanted], found.tick[wanted], found.status[wanted], found.data.T[wanted]
    for row in zip(*(column.tolist() for column in columns), strict=True):
        events._add(*row)
    for track, at in zip(found.track[program].tolist(), found.start[program].tolist(), strict=True):
        events.programs[track].append(at - int(starts[track]))
    events.words += [(one.track, one.tick, one.kind, one.data) for one in found.meta if one.kind in _WORDS]
    return True


def _add_some(events: Events, track: int, body: bytes, end: int, late: list[int]) -> None:
    """Adds the events of a track up to `end`, and the `late` changes of program unless they belong to one of these.

    Raises:
        IndexError: the track is damaged.
    """
    found, stop = _walked(body, end) if end else ([], 0)
    if late and stop > late[0]:
        found, _ = _walked(body, late[-1] + 1)
        late = []
    for tick, status, at in found:
        if status == _META:
            if body[at] in _WORDS:
                start, after = _span(body, at + 1)
                events.words.append((track, tick, body[at], body[start:after]))
            continue
        data = [body[at], 0 if 0xC0 <= status < 0xE0 else body[at + 1]]
        if max(data) > 127:
            raise IndexError
        events.programs[track] += [at - 1] * (status >> 4 == 0xC and body[at - 1] == status)
        events._add(track, tick, status, data)
    if late:
        events.late[track] = late
        for at in late:
            events.controls.setdefault((track, body[at] & 15), [])


def _walked(body: bytes, end: int) -> tuple[list[tuple[int, int, int]], int]:
    """(tick, status, where its data begin) of the events of a track that are no notes: up to `end`, and of those
    without a status after it; and where what follows begins.

    Raises:
        IndexError: the track is damaged.
    """
    found, size = [], len(body)
    position = tick = status = 0
    while position < size:  # a track ends with the time until its end, or it is damaged
        begin, byte = position, 128
        delta = 0
        while byte > 127 and position < size:
            byte = body[position]
            delta = delta << 7 | byte & 127
            position += 1
        tick += delta
        if position == size:
            return found, size
        first = body[position]
        position += first > 127
        if first >= 0xF0:
            if first == _META:
                found.append((tick, first, position))
            position = _after(body, first, position)
            continue
        status = first if first > 127 else status
        if not status or position - begin > _LONGEST_NUMBER:
            raise IndexError
        if begin >= end and (first > 127 or status < 0xB0):
            return found, begin
        if status >= 0xB0:
            found.append((tick, status, position))
        position += 1 if 0xC0 <= status < 0xE0 else 2
    raise IndexError


def _after(body: bytes, first: int, position: int) -> int:
    """Where the event after a meta or exclusive one begins, the data of which begin at `position`."""
    if first not in (_META, _EXCLUSIVE, _ESCAPE):
        raise IndexError
    return _span(body, position + (first == _META))[1]


def _span(body: bytes, position: int) -> tuple[int, int]:
    """Where what follows its length begins and ends; the length is at `position`."""
    value = 0
    for i in range(position, position + _LONGEST_NUMBER):
        value = value << 7 | body[i] & 127
        if body[i] < 128:
            return i + 1, i + 1 + value
    raise IndexError
