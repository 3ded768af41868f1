"""What tracks hold besides notes, against mido."""

from __future__ import annotations

import io
import itertools

import mido
import pytest
import symusic
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
    bodies = repair.repair(out.getvalue()).bodies
    try:
        found = find_events(bodies)
    finally:
        other_events._MANY = kept
    found.add_late(bodies, _markers(found, bodies))
    assert sorted(found.words) == sorted(words)
    for (track, channel), rows in expected.items():
        noted = channel in found.channels[track]
        wanted = [row for row in rows if not noted or row[1] in (PROGRAM, PRESSURE)]
        assert found.controls.get((track, channel), []) == wanted


def _markers(found, bodies):
    return symusic.Score.from_midi(repair.pack(found.marked(bodies), found.programs, 480)).markers


def test_programs_behind_the_notes_have_their_times():
    """They are found without reading the notes, as are those between them."""
    music = ONE_NOTE[:-4] * 50
    body = music + b"\x05\xc0\x07\x05" + music[1:] + b"\x05\xc0\x08\0\xb0\7\x64\x83\0\xc3\x09\0"
    found = find_events([body])
    assert len(found.late[0]) > 1
    found.add_late([body], _markers(found, [body]))
    read = mido.MidiFile(file=io.BytesIO(repair.pack([body], [[]], 480))).tracks[0]
    ticks = itertools.accumulate(message.time for message in read)
    programs = [(tick, message) for tick, message in zip(ticks, read, strict=True) if message.type == "program_change"]
    expected = [(tick, PROGRAM, message.program) for tick, message in programs[16:]]  # behind those of `pack`
    assert found.controls[0, 0] + found.controls[0, 3] == expected


def test_a_text_that_looks_like_a_program_is_none():
    for text in (b"\xc0\x07\0\x90", b"\xc0\x07"):
        body = ONE_NOTE[:-4] + b"\0\xff\x01" + bytes([len(text)]) + text + b"\0"
        found = find_events([body])
        assert not found.late
        assert not found.controls
        assert found.words == [(0, found.words[0][1], 1, text)]


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
