"""Repair of the bytes of damaged MIDI files before they are parsed.

A file is a header chunk and track chunks: each a tag of four letters, a length and a body. `repair` finds the
tracks whatever the lengths claim; `rewrite` reads tracks event by event and keeps every event that is whole;
`pack` puts tracks back into a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from musicae.music.formats.draft import MOST_TRACKS

END_OF_TRACK = b"\xff\x2f\x00"
FOREVER = 0x0FFFFFFF  # ticks; the longest delta time that MIDI can write: a note this long was never ended
_MOST_EVENTS = 1_000_000


class Tracks(NamedTuple):
    """What a MIDI file holds, whatever its chunk lengths claim.

    `ticks_per_second` is 0 except in files that count frames of film (SMPTE).
    """

    bodies: list[bytes]
    ticks_per_quarter: int
    ticks_per_second: int
    changes: list[str]


def repair(data: bytes) -> Tracks:
    """The tracks of a MIDI file, and what had to be repaired.

    Raises:
        ValueError: there is no header, no track, too many tracks, or a resolution of 0.
    """
    start = data.find(b"MThd", 0, 4096)
    if start < 0:
        raise ValueError("is not a MIDI file: it has no MThd header")
    changes = ["the bytes before its header (RIFF, MacBinary or similar) were skipped"] * (start > 0)
    header = data[start + 8 : start + 14]
    if len(header) < 6:
        raise ValueError("ends inside its header")
    kind, count, division = (int.from_bytes(header[i : i + 2]) for i in (0, 2, 4))
    bodies = list(_bodies(data, _first_chunk(data, start, changes), changes))
    if not bodies:
        raise ValueError("holds no track")
    if len(bodies) < count:
        changes.append(f"tracks are missing: {len(bodies)} of the {count} that its header promises are there")
    if kind == 2:
        changes.append("its tracks are independent patterns (format 2); they are read as simultaneous")
    return Tracks(bodies, *_resolution(division, changes), changes)


def _first_chunk(data: bytes, start: int, changes: list[str]) -> int:
    """Where the chunks begin: 14 bytes on, unless the header has another length."""
    length = int.from_bytes(data[start + 4 : start + 8])
    if length != 6:
        changes.append(f"its header was {length} bytes long instead of 6")
    if 6 <= length < 4096 and _is_chunk(data, start + 8 + length):
        return start + 8 + length
    return start + 14


def _resolution(division: int, changes: list[str]) -> tuple[int, int]:
    """(ticks per quarter, ticks per second or 0)."""
    if division == 0:
        raise ValueError("says that a quarter note has 0 ticks")
    if division < 0x8000:
        return division, 0
    frames, ticks = 256 - (division >> 8), division & 255
    if not frames * ticks:
        raise ValueError("says that a frame of film has 0 ticks")
    changes.append(f"it counts {frames} frames a second (SMPTE); quarter notes of half a second were assumed")
    return max(frames * ticks // 2, 1), frames * ticks


def _bodies(data: bytes, position: int, changes: list[str]) -> Iterator[bytes]:
    """The track chunks from `position` on, each without its end-of-track event.

    A chunk of a wrong length lasts to the next track, or to the end of the file.
    """
    number = 0
    while position + 8 <= len(data):
        is_track = data[position : position + 4] == b"MTrk"
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8])
        if not _is_chunk(data, end) and not (is_track and data[end - 3 : end] == END_OF_TRACK):
            end = _next_track(data, position + 4)
            changes += ["{tracks} had a wrong length or was cut off"] * is_track
        if is_track:
            number += 1
            if number > MOST_TRACKS + 1:  # the first may have no notes
                raise ValueError(f"has more than {MOST_TRACKS} tracks, the limit")
            body = data[position + 8 : end]
            changes += ["{tracks} had no end"] * (not body.endswith(END_OF_TRACK))
            yield _without_end(body)
        elif data[position : position + 4].strip(b"\0"):
            changes.append("a chunk that is not a track was skipped")
        position = end if _is_chunk(data, end) else _next_track(data, end)


def _is_chunk(data: bytes, position: int) -> bool:
    """Whether a chunk, or the end of the file, is at `position`."""
    tag = data[position : position + 4]
    if tag == b"MTrk" or position == len(data):
        return True
    length = int.from_bytes(data[position + 4 : position + 8])
    return len(tag) == 4 and tag.isalnum() and position + 8 + length <= len(data)


def _next_track(data: bytes, position: int) -> int:
    found = data.find(b"MTrk", position)
    return found if found >= 0 else len(data)


def _without_end(body: bytes) -> bytes:
    """Events, and the delta time of what follows them."""
    return body[:-3] if body.endswith(END_OF_TRACK) else body + b"\0"


_PITCHES = b"\0".join(bytes([pitch, 0]) for pitch in range(128))
_ENDINGS = {0x90 | channel: bytes([0x80 | channel]) + _PITCHES + b"\0" for channel in range(16)}


def _marked(body: bytes, number: int, programs: list[int]) -> bytes:
    """A track with its number for a name and its channels for programs, and after `FOREVER` events that end every note
    of its channels: what they end is known by its length."""
    if programs:
        body = bytearray(body)
        for position in programs:
            body[position] |= 0x10  # a pressure, which is as long as a change of program
    endings = b"".join(ending for begin, ending in _ENDINGS.items() if begin in body)  # others have no note to end
    name = b"%d" % number
    return b"".join([_CHANNELS, body, b"\xff\x03", bytes([len(name)]), name, _FOREVER, endings, END_OF_TRACK])


_CHANNELS = b"".join(bytes([0, 0xC0 | channel, channel]) for channel in range(16))
_FOREVER = b"\xff\xff\xff\x7f"


def pack(bodies: list[bytes], programs: list[list[int]], ticks_per_quarter: int) -> bytes:
    """A MIDI file of type 1 in which every note ends, those left sounding `FOREVER` after the rest.

    The name of each track is its number from 0, its programs are the numbers of its channels from 0.

    Args:
        bodies: tracks without their end-of-track event.
        programs: the positions in each of its changes of program.
        ticks_per_quarter: the resolution.
    """
    numbers = (1, len(bodies), min(ticks_per_quarter, 0x7FFF))
    header = b"MThd\0\0\0\x06" + b"".join(number.to_bytes(2) for number in numbers)
    tracks = (_marked(body, i, positions) for i, (body, positions) in enumerate(zip(bodies, programs, strict=True)))
    return header + b"".join(b"MTrk" + len(track).to_bytes(4) + track for track in tracks)


_RHYTHM = re.compile(rb"\x41[\0-\x7f]\x42\x12\x40([\x10-\x1f])\x15([\0-\x02])", re.DOTALL)


def rhythm_channels(bodies: list[bytes]) -> dict[int, bool]:
    """The channels, from 0, that Roland's exclusive messages (GS) make drums, or make no drums."""
    found = (message for body in bodies if b"\xf0" in body for message in _RHYTHM.findall(body))
    return {(9, *range(9), *range(10, 16))[block[0] & 15]: switch != b"\0" for block, switch in found}


def rewrite(bodies: list[bytes], end_repeated: bool = False) -> tuple[list[bytes], bool]:
    """Every whole event of each track, with data bytes of 7 bits.

    Args:
        bodies: tracks without their end-of-track event.
        end_repeated: also end a sounding note where it begins again.

    Returns:
        The tracks, and whether anything was lost.

    Raises:
        ValueError: the file is too large for this.
    """
    if sum(map(len, bodies)) > 3 * _MOST_EVENTS:
        raise ValueError("is damaged, and too large to be repaired")
    walks = [_Walk(body, end_repeated) for body in bodies]
    return [walk.written() for walk in walks], any(walk.lossy for walk in walks)


class _Walk:
    """One pass over the events of a track."""

    def __init__(self, body: bytes, end_repeated: bool):
        self.body, self.end_repeated = body, end_repeated
        self.position, self.status = 0, 0
        self.lossy = False
        self.sounding: set[tuple[int, int]] = set()

    def written(self) -> bytes:
        """The delta times and events that are whole, then one delta time of 0."""
        out, delta = bytearray(), 0
        while self.position + 1 < len(self.body):
            try:
                delta += self._variable_length()
                if self.position == len(self.body):  # the time until the end of the track
                    break
                event = self._event()
            except (IndexError, ValueError):
                self.lossy = True
                break
            if event:
                out += _as_variable_length(delta) + event
                delta = 0
        return bytes(out) + b"\0"

    def _byte(self) -> int:
        self.position += 1
        return self.body[self.position - 1]

    def _bytes(self, count: int) -> bytes:
        self.position += count
        if self.position > len(self.body):
            raise IndexError
        return self.body[self.position - count : self.position]

    def _variable_length(self) -> int:
        value = 0
        while value <= FOREVER:
            byte = self._byte()
            value = value << 7 | byte & 127
            if byte < 128:
                return value
        raise ValueError("a number is too large")

    def _event(self) -> bytes:
        """The next event; empty if it does not belong in a file."""
        first = self._byte()
        if first == 0xFF:
            return self._meta()
        if first in (0xF0, 0xF7):
            return self._exclusive()
        if first > 0xF0:
            self.lossy = True
            self._bytes({0xF1: 1, 0xF2: 2, 0xF3: 1}.get(first, 0))
            return b""
        if first < 128:
            self.position -= 1
        else:
            self.status = first
        return self._channel()

    def _meta(self) -> bytes:
        kind = self._byte()
        payload = self._bytes(self._variable_length())
        if kind == 0x2F:
            return b""
        return bytes([0xFF, kind & 127]) + _as_variable_length(len(payload)) + payload

    def _exclusive(self) -> bytes:
        self._bytes(self._variable_length())
        return b""

    def _channel(self) -> bytes:
        if not self.status:
            raise ValueError("data without a status")
        data = self._bytes(1 if 0xC0 <= self.status < 0xE0 else 2)
        if max(data) > 127:
            self.lossy = True
            data = bytes(byte & 127 for byte in data)
        return self._ended(data) + bytes([self.status]) + data

    def _ended(self, data: bytes) -> bytes:
        """The event that ends a note which begins again while it sounds; empty for any other event."""
        note = self.status & 15, data[0]
        if not self.end_repeated or not 0x80 <= self.status < 0xA0:
            return b""
        if self.status < 0x90 or not data[1]:
            self.sounding.discard(note)
        elif note in self.sounding:
            return bytes([0x80 | note[0], note[1], 0, 0])
        else:
            self.sounding.add(note)
        return b""


def _as_variable_length(number: int) -> bytes:
    number = min(number, FOREVER)
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))
