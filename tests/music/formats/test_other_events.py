"""What tracks hold besides notes, against mido."""

from __future__ import annotations

import io

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.making import END, ONE_NOTE, file, meta, number
from musicae.music.formats import other_events, repair
from musicae.music.formats.other_events import find_events
from musicae.music.score.controls import BEND, PRESSURE, PROGRAM

_byte = st.integers(0, 127)
_events = st.one_of(
    st.tuples(st.just("note_on"), st.fixed_dictionaries({"note": _byte, "velocity": _byte})),
    st.tuples(st.just("control_change"), st.fixed_dictionaries({"control": _byte, "value": _byte})),
    st.tuples(st.just("program_change"), st.fixed_dictionaries({"program": _byte})),
    st.tuples(st.just("aftertouch"), st.fixed_dictionaries({"value": _byte})),
    st.tuples(st.just("pitchwheel"), st.fixed_dictionaries({"pitch": st.integers(-8192, 8191)})),
    st.tuples(st.just("lyrics"), st.fixed_dictionaries({"text": st.text(max_size=4)})),
    st.tuples(st.just("sysex"), st.fixed_dictionaries({"data": st.lists(_byte, max_size=3).map(tuple)})),
)
_timed = st.tuples(_events, st.integers(0, 2) | st.integers(0, 40_000), st.integers(0, 15))


def message(kind: str, values: dict, time: int, channel: int):
    if kind == "lyrics":
        return mido.MetaMessage(kind, time=time, **values)
    return mido.Message(kind, time=time, **values, **({} if kind == "sysex" else {"channel": channel}))


@pytest.mark.parametrize("many", [-1, 1 << 30], ids=["at once", "one by one"])
@given(tracks=st.lists(st.lists(_timed, max_size=12), min_size=1, max_size=3))
def test_they_are_those_of_mido(many, tracks):
    written = mido.MidiFile(type=1, charset="utf-8")
    written.tracks.extend(
        mido.MidiTrack(message(*event, time, channel) for event, time, channel in track) for track in tracks
    )
    out = io.BytesIO()
    written.save(file=out)
    expected: dict = {}
    words = []
    for i, track in enumerate(written.tracks):
        tick = 0
        for one in track:
            tick += one.time
            if one.type == "lyrics":
                words.append((i, tick, 5, one.text.encode()))
            row = {"control_change": lambda m: (m.control, m.value), "program_change": lambda m: (PROGRAM, m.program)}
            row |= {"pitchwheel": lambda m: (BEND, m.pitch), "aftertouch": lambda m: (PRESSURE, m.value)}
            if one.type in row:
                expected.setdefault((i, one.channel), []).append((tick, *row[one.type](one)))
    kept, other_events._MANY = other_events._MANY, many
    try:
        found = find_events(repair.repair(out.getvalue()).bodies)
    finally:
        other_events._MANY = kept
    assert sorted(found.words) == sorted(words)
    for (track, channel), rows in expected.items():
        noted = channel in found.channels[track]
        wanted = [row for row in rows if not noted or row[1] in (PROGRAM, PRESSURE)]
        assert found.controls.get((track, channel), []) == wanted


def test_a_damaged_track_has_no_events():
    for body in (b"\0\xb0\x07", b"\0\xff\x05\x40la", b"\0\xf4\0\xb0\x07\x40"):
        assert find_events([body + b"\0"]) is None


def test_long_rests_are_no_events():
    """Bytes of delta times look like statuses."""
    for rest in (b"\xb1\x10", b"\xc2\x20", b"\xe0\x01", b"\xff\x7f"):
        body = ONE_NOTE[:-4] + rest + ONE_NOTE[1:-4] + b"\0"
        events = find_events([body])
        assert not events.controls
        assert events.programs == [[]]


def test_tempos_and_the_like_are_no_words():
    body = repair.repair(file(meta(0x51, b"\7\xa1\x20") + meta(6, b"A") + number(5) + b"\xff\x03\x01B" + END)).bodies
    assert find_events(body).words == [(0, 0, 6, b"A"), (0, 5, 3, b"B")]
