"""Things to test with: MIDI files written byte by byte, so that they can be wrong, and random songs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tiny
from hypothesis import strategies as st

from musicae.music.data.windows import Windows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations.base import Representation
from musicae.music.representations.tokens import FIRST_NOTE
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import KeySignature, Tempo, TimeSignature, Track
from musicae.music.song import Song

END = b"\0\xff\x2f\0"
WILD = {"temperature": 1.0, "seed": 3}  # random weights say little when greedy


def number(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(reversed(out))


def note(pitch: int = 60, wait: int = 0, length: int = 480, velocity: int = 64, channel: int = 0) -> bytes:
    on = number(wait) + bytes([0x90 | channel, pitch, velocity])
    return on + number(length) + bytes([0x80 | channel, pitch, 0])


def meta(kind: int, payload: bytes) -> bytes:
    return b"\0\xff" + bytes([kind]) + number(len(payload)) + payload


def chunk(body: bytes, length: int | None = None, tag: bytes = b"MTrk") -> bytes:
    return tag + (len(body) if length is None else length).to_bytes(4) + body


def header(tracks: int = 1, division: int = 480, kind: int = 1) -> bytes:
    return chunk(b"".join(n.to_bytes(2) for n in (kind, tracks, division)), tag=b"MThd")


def file(*bodies: bytes, division: int = 480, kind: int = 1) -> bytes:
    return header(len(bodies), division, kind) + b"".join(map(chunk, bodies))


ONE_NOTE = note() + END
SCALE = b"".join(note(60 + i) for i in range(8))
GOOD = file(SCALE + END)


# Songs --------------------------------------------------------------------------------------------


def pitches(song: Song) -> list[int]:
    return [int(pitch) for track in song.tracks for pitch in track.notes["pitch"]]


def sounding(song: Song) -> list:
    """What sounds when, track by track, whatever the tracks are called and however loud they are."""
    return [(t.program, t.is_drum, t.notes[["start", "end", "pitch"]].tolist()) for t in song.tracks if len(t.notes)]


def same(a: Song, b: Song) -> bool:
    """Whether two songs have equal notes, names, programs and changes: their files would be equal."""
    return everything(a) == everything(b)


def everything(song: Song) -> tuple:
    tracks = [(t.program, t.is_drum, t.name, t.notes.tolist()) for t in song.tracks]
    return tracks, song.ticks_per_quarter, song.tempos, song.time_signatures, song.key_signatures, song.name


def eighths(seed: int, transpose: int = 0) -> Song:
    """Eight bars of random eighths."""
    pitches = np.random.default_rng(seed).integers(60, 72, 64) + transpose
    return Song((Track(notes(*((240 * i, 240 * i + 240, pitch, 80) for i, pitch in enumerate(pitches)))),))


def band_windows(
    representation: Representation = tiny.MELODY.representation, songs: int = 10, pitch: int = 60
) -> Windows:
    """The windows of some songs."""
    cut = [training_windows(representation, tiny.band(6, pitch=pitch + i, stride=i + 1))[0] for i in range(songs)]
    return Windows(np.concatenate(cut), representation, songs=np.repeat(np.arange(songs), [len(one) for one in cut]))


def notes(*rows) -> np.ndarray:
    return np.array(list(rows), NOTE)


@st.composite
def songs(draw) -> Song:
    """Songs at 480 ticks a quarter whose notes, names and changes have every right to survive a file."""
    name = st.text(st.characters(exclude_categories=["C"]), max_size=12) | st.sampled_from(["Скрипка", "ピアノ"])
    row = st.tuples(st.integers(0, 20_000), st.integers(1, 3000), st.integers(0, 127), st.integers(1, 127))
    tracks = []
    for _ in range(draw(st.integers(1, 4))):
        rows = [(start, start + length, p, v) for start, length, p, v in draw(st.lists(row, min_size=1, max_size=20))]
        is_drum = draw(st.booleans())
        tracks.append(Track(tidy(notes(*rows)), draw(st.integers(0, 127)), is_drum, draw(name)))
    song = Song(tuple(tracks))
    metre = st.tuples(st.integers(1, 12), st.sampled_from([2, 4, 8, 16]))
    tick = st.integers(1, max(song.end - 1, 1))
    tempos, metres = ({0: draw(kind), draw(tick): draw(kind)} for kind in (st.floats(20, 400), metre))
    keys = {draw(tick): draw(st.tuples(st.integers(-5, 6), st.booleans()))}
    return replace(
        song,
        tempos=tuple(Tempo(t, rate) for t, rate in tempos.items() if t < song.end),
        time_signatures=tuple(TimeSignature(t, *m) for t, m in metres.items() if t < song.end),
        key_signatures=tuple(KeySignature(t, *k) for t, k in keys.items() if t < song.end),
    )


def distinct(changes) -> list[tuple]:
    """(tick, value ...) without repeats, which files and readers leave out."""
    return [change for i, change in enumerate(changes) if not i or change[1:] != changes[i - 1][1:]]


def assert_same_music(a: Song, b: Song, names: bool = True):
    assert len(a.tracks) == len(b.tracks)
    for one, other in zip(a.tracks, b.tracks, strict=True):
        assert one.notes.tolist() == other.notes.tolist()
        assert (one.program, one.is_drum) == (other.program, other.is_drum)
        assert (one.name if one.name.strip() else "") == other.name or not names  # a blank name is none
    assert distinct(a.time_signatures) == distinct(b.time_signatures)
    assert distinct(a.key_signatures) == distinct(b.key_signatures)
    ticks = np.linspace(0, a.end, 7)
    assert np.allclose(a.tick_to_seconds(ticks), b.tick_to_seconds(ticks), rtol=1e-4)


C_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12])


def melodies(pitches: np.ndarray) -> np.ndarray:
    """Two-bar windows of notes `[n, notes]`, in semitones from middle C, a step each: tokens of `tiny.MELODY`."""
    tokens = np.zeros((len(pitches), 32), np.uint8)
    tokens[:, : pitches.shape[1]] = pitches + 60 - tiny.MELODY.representation.lowest_pitch + FIRST_NOTE
    return tokens


def melody_window(*events: tuple[int, int]) -> np.ndarray:
    """One window: at these steps these pitches, 0 for the end of a note."""
    window = np.zeros((1, 32), np.uint8)
    window[0, 0] = 1
    for step, pitch in events:
        window[0, step] = pitch + FIRST_NOTE if pitch else 1
    return window
