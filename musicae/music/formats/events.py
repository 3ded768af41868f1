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
_POSITIONS = np.arange(2**16)


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
        number: of all events of the file, from 0.
    """

    track: int
    tick: int
    kind: int
    data: bytes
    number: int


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a file, in its order. In the arrays are those that are not of channels as well.

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
    powers = [step]
    position = _POSITIONS[:size] if size <= len(_POSITIONS) else np.arange(size)
    following = np.empty(size, np.int64)  # one for all: new memory costs more than what is done with it
    for _ in range(_DOUBLINGS):
        np.add(position, step, out=following)
        step = step + step.take(following, mode="clip")
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
    """All events of a file.

    Attributes:
        has_short_runs: whether events of one byte of data are without a status, which only the slow walk foresees.
    """

    def __init__(self, data: bytes, bodies: list, starts: np.ndarray, special: list[_Special]):
        self.data, self.starts, self.special = data, starts, special
        self.codes = np.frombuffer(data, np.uint8)
        self.code = self.codes.take(starts)
        self.begins = [start for start, _ in bodies]
        self.first = starts.searchsorted(self.begins)  # of each track
        self.counts = np.diff(self.first, append=len(starts))
        self.at_special = np.flatnonzero(self.code >= _EXCLUSIVE)
        self.running = self.code < 0x80
        self.status = self._status()
        self.short = (self.status >= PROGRAM) & (self.status < BEND)
        self.has_short_runs = bool((self.running & self.short).any())

    def _status(self) -> np.ndarray:
        """The status of each event, if need be that of the last that has one; meta events do not count."""
        runs = np.flatnonzero(self.running)
        if not len(runs):
            return self.code
        carriers = np.flatnonzero(~self.running & (self.code != _META))
        after = (np.append(one, len(self.code)) for one in (runs, carriers))  # in each track one has to come first
        run, carrier = (one[one.searchsorted(self.first)] for one in after)
        if (run < carrier).any():
            raise _Malformed
        status = self.code.copy()
        status[carriers[0] :] = np.repeat(self.code[carriers], np.diff(carriers, append=len(self.code)))
        if (status[runs] >= _EXCLUSIVE).any():
            raise _Malformed
        status[self.at_special] = self.code[self.at_special]
        return status

    def _delta(self) -> np.ndarray:
        """The time that passes before each event, int64 [events]."""
        before = np.empty_like(self.starts)
        np.subtract(self.starts[:-1] + 3, self.short[:-1], out=before[1:])
        before[1:] -= self.running[:-1]
        after = self.at_special[self.at_special < len(before) - 1] + 1
        before[after] = [one.end for one in self.special[: len(after)]]
        before[self.first] = self.begins
        size = self.starts - before
        delta = self.codes.take(self.starts - 1).astype(np.int64)
        if size.max() > 3 or delta.max() > 127:
            raise _Malformed
        longer = np.flatnonzero(size > 1)
        for more in (1, 2):
            delta[longer] |= (self.codes.take(self.starts[longer] - 1 - more) & 127).astype(np.int64) << 7 * more
            longer = longer[size[longer] > 2]
        return delta

    def _times(self, unheeded: list[int]) -> np.ndarray:
        """The time of each event from the beginning, int64 [events]; that before some special ones does not count."""
        delta = self._delta()
        delta[self.at_special[unheeded]] = 0
        time = np.cumsum(delta)
        return time - np.repeat((time - delta)[self.first], self.counts)

    def _channel_data(self) -> np.ndarray:
        """The data of all events, uint8 [2, events]; those of special ones mean nothing."""
        at = self.starts + ~self.running
        data = np.empty((2, len(at)), np.uint8)
        self.codes.take(at, out=data[0], mode="clip")
        at += 1
        self.codes.take(at, out=data[1], mode="clip")
        data[1] *= ~self.short
        data[:, self.at_special] = 0
        if data.max() > 127:
            raise _Malformed
        return data

    def events(self, without_delta: frozenset[int]) -> Events:
        """See `read_events`."""
        kinds = [self.data[one.start + 1] if self.data[one.start] == _META else -1 for one in self.special]
        tick = self._times([i for i, kind in enumerate(kinds) if kind in without_delta])
        track = np.repeat(np.arange(len(self.first)), self.counts)
        columns = (column.tolist() for column in (track[self.at_special], tick[self.at_special], self.at_special))
        rows = zip(self.special, kinds, *columns, strict=True)
        meta = [Meta(number, time, kind, self.data[one.data : one.end], at) for one, kind, number, time, at in rows]
        unit = int.from_bytes(self.data[12:14])
        return Events(unit, track, tick, self.status, self.starts, ~self.running, self._channel_data(), meta)
