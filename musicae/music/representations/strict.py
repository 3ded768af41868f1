"""Windows of melody exactly as MusicVAE makes them (OneHotMelodyConverter of magenta, note-seq 0.0.5).

A song is cut wherever its tempo or metre changes; only parts in four quarters a bar count. In each part every
track is cut into melodies at silences, and each melody into windows, a bar apart. Positions are rounded in
exact arithmetic, halves going up, and a note exactly at a cut belongs to the later part.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np

from musicae.errors import MidiError
from musicae.music.representations.base import slices, unique
from musicae.music.representations.tokens import FIRST_NOTE, highest, line, without_leading_offs
from musicae.music.representations.tracks import find
from musicae.music.song import Song, Tempo, TimeSignature

BAR_QUARTERS = 4


def read(source) -> Song:
    """A MIDI file as the original reads it: through `pretty_midi`, nothing mended.

    pretty_midi lets one note-off end every open note of its pitch, and takes tempos and metres from the first
    track only. Unlike in any other song, notes of one pitch may overlap.

    Args:
        source: a path, bytes, or a `pretty_midi.PrettyMIDI`.

    Raises:
        MidiError: it cannot be read.
    """
    import pretty_midi

    from musicae.music.exchange import from_pretty_midi

    music = source if isinstance(source, pretty_midi.PrettyMIDI) else _pretty_midi(source)
    song = Song.read(music)
    tracks = (track for track in from_pretty_midi(music).tracks if len(track.notes))
    tracks = (replace(track, notes=np.sort(track.notes, order="start", kind="stable")) for track in tracks)
    return replace(song, tracks=tuple(tracks), changes=())


def _pretty_midi(source):
    """A path or bytes as a `pretty_midi.PrettyMIDI`."""
    import pretty_midi

    where = "<bytes>" if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Tempo, Key or Time signature change events found")
            return pretty_midi.PrettyMIDI(BytesIO(source) if isinstance(source, bytes) else str(source))
    except Exception as error:  # mido and pretty_midi raise anything at all
        raise MidiError(where, " ".join(str(error).split()) or type(error).__name__) from None


def windows(melody, song: Song, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The windows of a song: uint8 [n, steps], different within each part; and, if there are none, why.

    For the original's set of windows the song must come from `read`.

    Args:
        melody: the settings, a `Melody`.
        song: the song.
        track: a track's number, counted from 1, or part of its name; None or "all" for every track.
    """
    heard = range(len(song.tracks)) if track in (None, "all") else [find(song, track)]
    tracks = [song.tracks[i] for i in heard]
    notes = [_in_range(melody, t.notes) for t in tracks if not t.is_drum and _heard(melody, t.program)]
    found = [
        unique(np.concatenate([np.zeros((0, melody.steps), np.uint8), *_part_windows(melody, song, notes, part)]))
        for part in parts(song)
    ]
    found = np.concatenate([np.zeros((0, melody.steps), np.uint8), *found])
    return found, [] if len(found) else [f"no melody of {melody.steps} steps in a part in 4/4 at one tempo"]


def parts(song: Song) -> Iterator[tuple[int, int]]:
    """First and last tick of the parts in four quarters a bar, between changes of tempo or metre."""
    tempo, metre, cuts, metres = 120.0, (4, 4), [0], [(4, 4)]
    for change in sorted((*song.tempos, *song.time_signatures), key=lambda change: change.tick):
        if change.tick >= song.end or tuple(change[1:]) in ((tempo,), metre):
            continue
        if isinstance(change, Tempo):
            tempo = change.quarters_per_minute
        elif isinstance(change, TimeSignature):
            metre = tuple(change[1:])
        if change.tick > cuts[-1]:
            cuts.append(change.tick)
            metres.append(metre)
        metres[-1] = metre
    for start, end, (numerator, denominator) in zip(cuts, [*cuts[1:], song.end], metres, strict=True):
        if numerator * 4 == denominator * BAR_QUARTERS:
            yield start, end


def _heard(melody, program: int) -> bool:
    """Whether the settings let this program in."""
    return melody.programs is None or melody.programs[0] <= program <= melody.programs[1]


def _in_range(melody, notes: np.ndarray) -> np.ndarray:
    """The notes that the settings let in."""
    return notes[(notes["pitch"] >= melody.lowest_pitch) & (notes["pitch"] <= melody.highest_pitch)]


def _part_windows(melody, song: Song, tracks: list[np.ndarray], part: tuple[int, int]) -> Iterator[np.ndarray]:
    """The windows of each melody of each track between two ticks."""
    for notes in tracks:
        notes = notes[(notes["start"] >= part[0]) & (notes["start"] < part[1])]
        start = _step(notes["start"] - part[0], melody, song)
        end = np.maximum(_step(np.minimum(notes["end"], part[1]) - part[0], melody, song), start + 1)
        top = highest(start, notes["pitch"])
        for tokens in _melodies(melody, start[top], end[top], notes["pitch"][top]):
            bar = BAR_QUARTERS * melody.steps_per_quarter
            starts = np.arange(0, len(tokens) - melody.steps + 1, bar)
            yield without_leading_offs(slices(tokens, starts, melody.steps))


def _melodies(melody, start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> Iterator[np.ndarray]:
    """A top line in pieces, tokens [steps] each: cut at silences, from bar line to bar line."""
    bar = BAR_QUARTERS * melody.steps_per_quarter
    silent = start[1:] - end[:-1] >= melody.gap_bars * bar
    pieces = np.flatnonzero(silent) + 1 if melody.gap_bars else []
    for s, e, p in zip(*(np.split(values, pieces) for values in (start, end, pitch)), strict=True):
        if len(s):
            first = s[0] // bar * bar
            steps = -(-(e[-1] - first) // bar) * bar
            tokens = line(s - first, e - first, FIRST_NOTE + p - melody.lowest_pitch, steps)
            yield tokens[: melody.max_bars * bar]


def _step(ticks: np.ndarray, melody, song: Song) -> np.ndarray:
    """The step nearest to each tick, halves going up."""
    return (2 * ticks * melody.steps_per_quarter + song.ticks_per_quarter) // (2 * song.ticks_per_quarter)
