"""The events of a MIDI file in arrays, in the order of the file: its bytes read as they are, nothing mended.

An event begins where the one before it ends, so that they are found one after another. For every byte it is worked
out at once how far it would be to the next event, to the one after that, and so on, if an event began there: a walk
through a track takes `2 ** _DOUBLINGS` events at a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0  # on channel 1
_EXCLUSIVE, _ESCAPE, _META = 0xF0, 0xF7, 0xFF
_DOUBLINGS = 4
_LONGEST = 1_000_000  # bytes of a meta event or a system exclusive message
_PADDING = bytes(8)


def _bytes_of(first: int) -> int:
    """How many bytes an event has that begins with this one; 0 if its length is written in it."""
    if first < 0x80:
        return 2  # it has the status of the event before, of which nearly all have two more bytes
    return 0 if first >= _EXCLUSIVE else 2 if PROGRAM <= first < BEND else 3


_BYTES_OF = bytes(map(_bytes_of, range(256)))


class Meta(NamedTuple):
    """A meta event (a tempo, a name, ...) or a system exclusive message.

    Attributes:
        track: the number of its track, from 0.
        tick: its time from the beginning.
        kind: what it is; -1 for system exclusive messages.
        data: what it says.
        before: how many events of channels come before it in the file.
    """

    track: int
    tick: int
    kind: int
    data: bytes
    before: int


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a file. Those of channels are in arrays, in the order of the file.

    Attributes:
        ticks_per_quarter: the resolution.
        track: the number of the track, from 0, int64 [n].
        tick: the time from the beginning, int64 [n].
        status: what it is, and its channel, uint8 [n].
        start: where it begins in the file, behind its delta time, int64 [n].
        own_status: whether its status is written, and is not that of the event before, bool [n].
        data: its data bytes, the second 0 where it has only one: uint8 [2, n].
        meta: the other events, in the order of the file.
    """

    ticks_per_quarter: int
    track: np.ndarray
    tick: np.ndarray
    status: np.ndarray
    start: np.ndarray
    own_status: np.ndarray
    data: np.ndarray
    meta: list[Meta]


class _Special(NamedTuple):
    """An event whose length is written in it: where it begins, and where its data do and end, in bytes."""

    start: int
    data: int
    end: int


class _Malformed(Exception):
    """Not a MIDI file as it should be."""


def read_events(file: bytes, without_delta: frozenset[int] = frozenset()) -> Events | None:
    """The events of a MIDI file; None if it is malformed, or well-formed in a way that is very rare.

    Args:
        file: its bytes.
        without_delta: the kinds of meta events before which no time passes, whatever the file says.
    """
    data = file + _PADDING
    for walk in (_walk, _walk_one_by_one):
        try:
            bodies = list(_bodies(file))
            table = _Table(data, bodies, *walk(data, bodies))
            if walk is _walk_one_by_one or not table.has_short_runs:
                return table.events(without_delta)
        except _Malformed:
            continue
    return None


def _bodies(file: bytes) -> Iterator[tuple[int, int]]:
    """Where each track begins and ends."""
    size, count, division = (int.from_bytes(file[i:j]) for i, j in ((4, 8), (10, 12), (12, 14)))
    if not file.startswith(b"MThd") or size < 6 or not 0 < division < 0x8000 or not 0 < count < 0x8000:
        raise _Malformed
    end = 8 + size
    for _ in range(count):
        start = end + 8
        end = start + int.from_bytes(file[start - 4 : start])
        if file[start - 8 : start - 4] != b"MTrk" or not start < end <= len(file):
            raise _Malformed
        yield start, end


def _steps(data: bytes) -> tuple[np.ndarray, list[np.ndarray]]:
    """The bytes of a delta time that began at each byte; and how far it would be from an event there to the next, the
    second, the fourth, ... behind their delta times: uint8 [bytes] each.

    They reach no further than an event whose length is written in it. Those without a status are taken to have two
    bytes of data.
    """
    more = np.frombuffer(data, np.uint8) >> 7
    size = len(data) - len(_PADDING)
    delta = 1 + more[:-2] * (1 + more[1:-1] * (1 + more[2:]))
    length = np.frombuffer(data[:size].translate(_BYTES_OF), np.uint8)
    step = length + np.where(length == 3, delta[3 : size + 3], delta[2 : size + 2])
    step *= length > 0
    powers, position = [step], np.arange(size)
    for _ in range(_DOUBLINGS):
        step = step + step.take(position + step, mode="clip")
        powers.append(step)
    return delta, powers


def _walk(data: bytes, bodies: list[tuple[int, int]]) -> tuple[np.ndarray, list[_Special]]:
    """Where each event begins, behind its delta time, int64 [events]; and those whose length is written in them."""
    delta, powers = _steps(data)
    jump, anchors, special = powers[-1].tobytes(), [], []
    for end, limit in bodies:
        while end < limit:
            position = end + int(delta[end])
            while position < limit:
                anchors.append(position)
                hop = jump[position]
                if not hop:
                    break
                position += hop
            special.append(_special(data, position, limit))
            end = special[-1].end
    places = np.array(anchors)[:, None]
    for step in powers[-2::-1]:
        places = np.stack([places, places + step.take(places, mode="clip")], axis=2).reshape(len(places), -1)
    places = places.ravel()
    return places[np.diff(places, prepend=-1) > 0], special


def _walk_one_by_one(data: bytes, bodies: list[tuple[int, int]]) -> tuple[np.ndarray, list[_Special]]:
    """The same for any file, but slowly."""
    starts, special = [], []
    for at, limit in bodies:
        size = 0  # of the last event with a status of its own
        while at < limit:
            while data[at] > 127:
                at += 1
            at += 1
            starts.append(at)
            if data[at] >= _EXCLUSIVE:
                special.append(_special(data, at, limit))
                at = special[-1].end
                continue
            own = data[at] > 127
            size = _BYTES_OF[data[at]] if own else size
            at += size if own else max(size - 1, 1)
        if at != limit:
            raise _Malformed
    return np.array(starts), special


def _special(data: bytes, position: int, limit: int) -> _Special:
    """The event at a position, whose length is written in it."""
    if position >= limit or data[position] not in (_META, _EXCLUSIVE, _ESCAPE):
        raise _Malformed
    at = position + 1 + (data[position] == _META)
    length = data[at] & 127
    while data[at] > 127 and length < _LONGEST:
        at += 1
        length = length << 7 | data[at] & 127
    end = at + 1 + length
    if length > _LONGEST or end > limit:
        raise _Malformed
    return _Special(position, at + 1, end)


class _Table:
    """All events of a file, those of channels and others.

    Attributes:
        has_short_runs: whether events of one byte of data are without a status, which only the slow walk foresees.
    """

    def __init__(self, data: bytes, bodies: list, starts: np.ndarray, special: list[_Special]):
        self.data, self.starts, self.special = data, starts, special
        self.codes = np.frombuffer(data, np.uint8)
        self.code = self.codes.take(starts)
        self.first = np.searchsorted(starts, [start for start, _ in bodies])  # of each track
        self.counts = np.diff(self.first, append=len(starts))
        self.at_special = np.flatnonzero(self.code >= _EXCLUSIVE)
        self.running = self.code < 0x80
        self.status = self._status()
        self.short = (self.status >= PROGRAM) & (self.status < BEND)
        self.has_short_runs = bool((self.running & self.short).any())
        self.begins = [start for start, _ in bodies]

    def _status(self) -> np.ndarray:
        """The status of each event, if need be that of the last that has one; meta events do not count."""
        carries = ~self.running & (self.code != _META)
        last = np.maximum.accumulate(np.where(carries, np.arange(len(carries)), -1))
        status = self.code.take(last)
        lacking = (last < np.repeat(self.first, self.counts)) | (status >= _EXCLUSIVE)
        if (lacking & self.running).any():
            raise _Malformed
        return status

    def _delta(self) -> np.ndarray:
        """The time that passes before each event, int64 [events]."""
        end = self.starts + 3 - self.short - self.running
        end[self.at_special] = [one.end for one in self.special]
        before = np.roll(end, 1)
        before[self.first] = self.begins
        size = self.starts - before
        delta = self.codes.take(self.starts - 1).astype(np.int64)
        if (size > 3).any() or delta.max() > 127:
            raise _Malformed
        for more in (1, 2):
            longer = np.flatnonzero(size > more)
            delta[longer] |= (self.codes.take(self.starts[longer] - 1 - more) & 127).astype(np.int64) << 7 * more
        return delta

    def _times(self, unheeded: np.ndarray) -> np.ndarray:
        """The time of each event from the beginning, int64 [events]; that before some special ones does not count."""
        delta = self._delta()
        delta[self.at_special[unheeded]] = 0
        time = np.cumsum(delta)
        return time - np.repeat((time - delta)[self.first], self.counts)

    def _channel_data(self, chosen: np.ndarray) -> np.ndarray:
        """The data of chosen events of channels, uint8 [2, n]."""
        at = self.starts.take(chosen) + ~self.running.take(chosen)
        data = np.stack([self.codes.take(at), self.codes.take(at + 1) * ~self.short.take(chosen)])
        if data.size and data.max() > 127:
            raise _Malformed
        return data

    def events(self, without_delta: frozenset[int]) -> Events:
        """See `read_events`."""
        kinds = [self.data[one.start + 1] if self.data[one.start] == _META else -1 for one in self.special]
        tick = self._times(np.array([kind in without_delta for kind in kinds], bool))
        track = np.repeat(np.arange(len(self.first)), self.counts)
        columns = track[self.at_special], tick[self.at_special], self.at_special - np.arange(len(kinds))
        rows = zip(self.special, kinds, *(column.tolist() for column in columns), strict=True)
        meta = [Meta(number, time, kind, self.data[one.data : one.end], n) for one, kind, number, time, n in rows]
        chosen = np.flatnonzero(self.code < _EXCLUSIVE)
        return Events(
            int.from_bytes(self.data[12:14]),
            track.take(chosen),
            tick.take(chosen),
            self.status.take(chosen),
            self.starts.take(chosen),
            ~self.running.take(chosen),
            self._channel_data(chosen),
            meta,
        )
