"""The events of a file are those that were written into it, with or without a status of their own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.making import END, GOOD, SCALE, chunk, file, header, meta, note, number
from musicae.music.formats.events import read_events

DELTA = st.one_of(st.integers(0, 3), st.integers(0, 2**21 - 1))
BYTE = st.integers(0, 127)
EVENT = st.one_of(
    st.tuples(st.integers(0x80, 0xBF) | st.integers(0xE0, 0xEF), BYTE, BYTE),
    st.tuples(st.integers(0xC0, 0xDF), BYTE),
    st.tuples(st.just(0xFF), st.integers(0, 127), st.binary(max_size=200)),
    st.tuples(st.just(0xF0), st.binary(max_size=5)),
)
TRACKS = st.lists(st.lists(st.tuples(DELTA, EVENT, st.booleans()), max_size=40), min_size=1, max_size=4)


def written(track: list) -> bytes:
    """A track; where it is wished for and allowed, events have the status of the one before."""
    out, last = b"", None
    for delta, (status, *data), running in track:
        out += number(delta)
        if status < 0xF0:
            out += bytes(data) if running and status == last else bytes([status, *data])
            last = status
        else:
            *kind, text = data
            out += bytes([status, *kind]) + number(len(text)) + text
            last = last if status == 0xFF else None
    return out + END


def expected(tracks: list) -> tuple[list, list]:
    """All events, and those that are not of channels."""
    found, others = [], []
    for i, track in enumerate(tracks):
        tick = 0
        for delta, (status, *data), _ in [*track, (0, (0xFF, 0x2F, b""), False)]:
            tick += delta
            if status >= 0xF0:
                others.append((i, tick, -1 if status == 0xF0 else data[0], data[-1], len(found)))
                data = [0, 0]
            found.append((i, tick, status, *data, *[0] * (2 - len(data))))
    return found, others


@given(tracks=TRACKS, more=st.binary(max_size=3))
def test_events_are_those_that_were_written(tracks, more):
    found = read_events(file(*map(written, tracks)) + more)
    events, others = expected(tracks)
    columns = found.track, found.tick, found.status, *found.data
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == events
    assert [tuple(one) for one in found.meta] == others
    assert found.ticks_per_quarter == 480


def test_no_time_passes_before_kinds_that_are_not_heeded():
    data = file(number(5) + meta(0x0A, b"x")[1:] + note(wait=3) + END)
    assert read_events(data).tick[1] == 8
    assert read_events(data, frozenset([0x0A])).tick[1] == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:10],
        b"RIFF" + GOOD,
        GOOD[:-1],
        file(),
        file(b""),
        file(b"\0\x3c\x40" + END),
        file(b"\0\xf4" + SCALE + END),
        file(b"\0\xf0\1\xf7\0\x3c\x40" + END),
        file(SCALE.replace(b"\x90\x3c\x40", b"\x90\xbc\x40") + END),
        file(b"\0\xff\1\x90\x90" + END),
        file(b"\x81" * 12 + b"\0\x90\x3c\x40" + END),
        header(2) + chunk(SCALE + END),
        header() + chunk(SCALE + END, tag=b"XFIH"),
        file(SCALE + END, division=0),
    ],
    ids=range(15),
)
def test_what_is_malformed_has_no_events(data):
    assert read_events(data) is None


@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_one_wrong_byte_does_no_harm(at, byte):
    found = read_events(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    assert found is None or (np.diff(found.tick) >= 0).all()
