"""What every representation does before and after its tensors: choose a track and a passage, and say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from musicae.errors import ConfigError, NoWindows
from musicae.music.grid import Grid
from musicae.music.song import Song, Track

MELODY_NAMES = re.compile(
    r"(?<![a-z])(melod(y|ie|ia)|vocals?|voices?|lead|soprano|sing(er|ing)?|tune|canto|gesang)(?![a-z])"
)
BASS_PROGRAMS = range(32, 40)


@dataclass(frozen=True, eq=False)
class Hearing:
    """A passage of a song as a representation hears it.

    Attributes:
        array: the whole passage, [total_steps, ...], in the representation's own form.
        grid: the bars of the passage; its step 0 is the first step of `array`.
        song: the song, in ticks that divide into steps.
        track: the track that was heard (of several merged ones, the first).
        report: what was chosen, moved and left out, one sentence each.
    """

    array: np.ndarray
    grid: Grid
    song: Song
    track: Track
    report: tuple[str, ...] = ()


def refined(song: Song, steps_per_quarter: int) -> Song:
    """The song in ticks of which a step is a whole number: the same music, its ticks multiplied if need be."""
    factor = steps_per_quarter // gcd(song.ticks_per_quarter, steps_per_quarter)
    if factor == 1:
        return song

    def track(old: Track) -> Track:
        notes = old.notes.copy()
        notes["start"] *= factor
        notes["end"] *= factor
        return replace(old, notes=notes)

    def events(old: tuple) -> tuple:
        return tuple(event._replace(tick=event.tick * factor) for event in old)

    return replace(
        song,
        tracks=tuple(map(track, song.tracks)),
        ticks_per_quarter=song.ticks_per_quarter * factor,
        tempos=events(song.tempos),
        time_signatures=events(song.time_signatures),
        key_signatures=events(song.key_signatures),
    )


def pitched(song: Song) -> list[int]:
    """The indices of the tracks that have notes and are not drums.

    Raises:
        NoWindows: if there are none.
    """
    found = [i for i, track in enumerate(song.tracks) if len(track.notes) and not track.is_drum]
    if not found and any(len(track.notes) for track in song.tracks):
        raise NoWindows(
            f"{_name(song)} has only drums: a model of melodies hears pitched tracks; try a drum model"
        )
    if not found:
        raise NoWindows(f"{_name(song)} has no notes")
    return found


def choose_track(song: Song, wanted: int | str | None = None) -> tuple[int, str]:
    """The index of the track to hear, and why it was taken.

    Wanted tracks are named by their number in the file, counted from 1, or by a part of their name. Otherwise a track
    whose name says melody, vocal, voice, lead, soprano or the like is taken. Otherwise the track with the highest
    `melody_score`, among those with at least a quarter of the onsets of the busiest one.

    Raises:
        ConfigError: if no track is the wanted one; lists the tracks.
        NoWindows: if the song, or the wanted track, has no pitched notes.
    """
    found = pitched(song)
    if wanted is not None:
        index = _wanted(song, wanted)
        if index not in found:
            raise NoWindows(f"{describe(song, index)} has no pitched notes; {_list(song)}")
        return index, "as asked"
    if len(found) == 1:
        return found[0], "the only pitched one"
    named = [i for i in found if MELODY_NAMES.search(song.tracks[i].name.lower())]
    if named:
        return max(named, key=lambda i: melody_score(song.tracks[i])), "melody by name"
    onsets = {i: len(np.unique(song.tracks[i].notes["start"])) for i in found}
    enough = [i for i in found if 4 * onsets[i] >= max(onsets.values())]
    return max(enough, key=lambda i: melody_score(song.tracks[i])), "most like a melody"


def melody_score(track: Track) -> float:
    """How much a track looks like a melody, in semitones.

    The mean pitch of its top line (up to C6), and an octave times the share of onsets that strike a single note; two
    octaves less for a bass program or a top line below C3 on average.
    """
    onset, first = np.unique(track.notes["start"], return_index=True)
    top = np.maximum.reduceat(track.notes["pitch"], first).mean()
    alone = np.mean(np.diff(np.append(first, len(track.notes))) == 1)
    low = track.program in BASS_PROGRAMS or top < 48
    return float(min(top, 84) + 12 * alone - 24 * low)


def describe(song: Song, index: int) -> str:
    """A track in words: its number and, where it has one, its name."""
    name = song.tracks[index].name.strip()
    return f"track {index + 1} {name!r}" if name else f"track {index + 1}"


def passage(grid: Grid, notes: np.ndarray, bars: tuple[int, int] | None) -> tuple[Grid, list[str]]:
    """The bars asked for, or those from the first to the last bar in which `notes` sound; and what was left out.

    Raises:
        ConfigError: if the song does not have the bars asked for.
    """
    if bars is not None:
        return grid.bars(*bars), [f"took bars {bars[0]} to {bars[1]} of {len(grid)}"]
    first = int(np.searchsorted(grid.bar_steps, grid.steps(notes["start"].min()), "right"))
    last_step = max(int(grid.steps(notes["end"].max())), int(grid.steps(notes["start"].max())) + 1)
    last = int(np.searchsorted(grid.bar_steps, last_step, "left"))
    first, last = min(first, len(grid)), min(max(last, first), len(grid))
    said = [f"skipped {counted(first - 1, 'empty bar')} at the start"] if first > 1 else []
    said += [f"left out {counted(len(grid) - last, 'bar')} after the end"] if last < len(grid) else []
    return grid.bars(first, last), said


def counted(number: int, noun: str) -> str:
    """`number` with its noun: "1 note", "2 notes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def said(*counts: tuple[int, str, str]) -> Iterator[str]:
    """Sentences (number, noun, rest) of which the number is not 0: "12 lower notes left out"."""
    return (f"{counted(number, noun)} {rest}" for number, noun, rest in counts if number)


def gather(array: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    """The slices of `array` [total, ...] of `steps` steps that begin at `starts` [n]: [n, steps, ...]."""
    return array[np.asarray(starts, np.int64)[:, None] + np.arange(steps)]


def unique(windows: np.ndarray) -> np.ndarray:
    """The different windows of [n, ...], in the order of their first appearance."""
    if len(windows) < 2:
        return windows
    rows = np.ascontiguousarray(windows).reshape(len(windows), -1)
    _, first = np.unique(rows.view(np.dtype((np.void, rows.strides[0]))), return_index=True)
    return windows[np.sort(first)]


def _wanted(song: Song, wanted: int | str) -> int:
    """The index of the track with this number, or with this in its name."""
    text = str(wanted).strip().lower()
    if text.isdigit():
        if 1 <= int(text) <= len(song.tracks):
            return int(text) - 1
    else:
        for index, track in enumerate(song.tracks):
            if text in track.name.lower():
                return index
    raise ConfigError(f"no track {wanted!r} in {_name(song)}; {_list(song)}")


def _list(song: Song) -> str:
    """The tracks of a song, for an error."""
    return "tracks: " + ", ".join(
        f"{describe(song, i).removeprefix('track ')} ({counted(len(t.notes), 'drum note' if t.is_drum else 'note')})"
        for i, t in enumerate(song.tracks)
    )


def _name(song: Song) -> str:
    """The song's name, or a word for it."""
    return song.name or "the song"
