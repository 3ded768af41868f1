"""Which track to take: the one that is asked for, the one most like a melody, all drums together."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from musicae.errors import ConfigError, NoWindows
from musicae.music.representations.beats import beats
from musicae.music.score.note_arrays import in_order
from musicae.music.score.score import Score, Track

MELODY_NAMES = re.compile(
    r"(?<![a-z])(melod(y|ie|ia)|vocals?|voices?|lead|soprano|sing(er|ing)?|tune|canto|gesang)(?![a-z])"
)
BASS_PROGRAMS = range(32, 40)
LOWEST_MELODY, HIGHEST_CREDIT = 48, 84  # C3, C6
_FIRST = np.zeros(1, np.int64)


def pitched(song: Score) -> list[int]:
    """The indices of the tracks that have notes and are not drums.

    Raises:
        NoWindows: there are none.
    """
    found = [i for i in sounding(song) if not song.tracks[i].is_drum]
    if not found:
        raise NoWindows(f"{title(song)}: only drums; try --model drums-2bar, or give a song with pitched notes")
    return found


def drum_tracks(song: Score) -> list[int]:
    """The indices of the tracks of drums that have notes.

    Raises:
        NoWindows: there are none.
    """
    found = [i for i in sounding(song) if song.tracks[i].is_drum]
    if not found:
        raise NoWindows(
            f"{title(song)}: no drums (channel 10), only pitched notes; try --model melody-2bar, "
            "or give a song with drums"
        )
    return found


def sounding(song: Score) -> list[int]:
    """The indices of the tracks that have notes.

    Raises:
        NoWindows: there are none.
    """
    found = [i for i, track in enumerate(song.tracks) if len(track.notes)]
    if not found:
        raise NoWindows(f"{title(song)}: no notes")
    return found


def tunes(song: Score) -> list[int]:
    """The indices of the pitched tracks, without those that look like drums.

    Raises:
        NoWindows: there are none.
    """
    found = pitched(song)
    percussion = beats(song)
    kept = [i for i in found if i not in percussion]
    if not kept:
        raise NoWindows(
            f"{title(song)}: {describe(song, found[0])} looks like drums, though it is not on channel 10; try --model "
            f"drums-2bar, or --track {label(song, found[0])} to take it as a tune"
        )
    return kept


def find(song: Score, wanted: int | str, among: Callable[[Score], list[int]] = pitched) -> int:
    """The index of the track that `requested` finds."""
    return requested(song, wanted, among)[0]


def requested(song: Score, wanted: int | str, among: Callable[[Score], list[int]] = pitched) -> tuple[int, str]:
    """The index of the track with this number in the file, counted from 1, or with this in its name; and a word on why,
    with the others that it might be.

    Of several parts of one track, the one with the most notes; of several tracks with this in their names, the one of
    just this name, or the first.

    Args:
        song: the song.
        wanted: number or name.
        among: what it must be: `pitched`, `drum_tracks` or `sounding`.

    Raises:
        ConfigError: there is none; lists the tracks.
        NoWindows: it is not what it must be.
    """
    text = str(wanted).strip().lower()
    every = range(len(song.tracks))
    numbered = [i for i in every if text in (label(song, i), str(_number(song, i)))]
    named = [i for i in every if text in song.tracks[i].name.lower()]
    found = numbered or named
    if not found or not text:
        raise ConfigError(f"{title(song)}: no track {wanted!r}; {_all(song)}")
    good = [i for i in found if i in among(song)]
    if not good:
        kind = {pitched: "pitched notes", drum_tracks: "drum notes"}.get(among, "notes")
        raise NoWindows(f"{title(song)}: {describe(song, found[0])} has no {kind}; {_all(song)}")
    if numbered:
        index = max(good, key=lambda i: len(song.tracks[i].notes))
    else:
        index = next((i for i in good if song.tracks[i].name.strip().lower() == text), good[0])
    others = [describe(song, i) for i in good if i != index]
    return index, "as asked" + f", not {' nor '.join(others)}" * bool(others)


def melody_track(song: Score) -> tuple[int, str]:
    """The index of the track that carries the melody, and why it was taken.

    A track whose name says melody, vocal, voice, lead, soprano or the like; without one, any track with at
    least a quarter of the onsets of the busiest. Of several the one with the highest `melody_score`.

    Raises:
        NoWindows: there are no pitched notes.
    """
    found = tunes(song)
    named = [i for i in found if MELODY_NAMES.search(song.tracks[i].name.lower())]
    why = "the only one with pitched notes" if len(found) == 1 else "most like a melody"
    candidates, why = (named, "melody by name") if named else (found, why)
    if len(candidates) == 1:
        return candidates[0], why
    onsets = {i: _onsets(song.tracks[i]) for i in candidates}
    enough = 0 if named else max(map(len, onsets.values())) / 4
    busy = (i for i in candidates if len(onsets[i]) >= enough)
    return max(busy, key=lambda i: melody_score(song.tracks[i], onsets[i])), why


def melody_score(track: Track, first: np.ndarray) -> float:
    """How much a track looks like a melody, in semitones.

    The mean pitch of its top line (counted up to C6), and an octave times the share of onsets that strike a
    single note; two octaves less for a bass program or a top line below C3 on average.

    Args:
        track: with notes.
        first: the indices of the first of the notes that begin together.
    """
    top = np.maximum.reduceat(track.notes["pitch"], first).mean()
    alone = (np.count_nonzero(first[1:] - first[:-1] == 1) + (first[-1] == len(track.notes) - 1)) / len(first)
    low = track.program in BASS_PROGRAMS or top < LOWEST_MELODY
    return float(min(top, HIGHEST_CREDIT) + 12 * alone - 24 * low)


def _onsets(track: Track) -> np.ndarray:
    """The indices of the first of the notes that begin together; of a track that has notes."""
    start = track.notes["start"].copy()
    return np.concatenate([_FIRST, np.flatnonzero(start[1:] != start[:-1]) + 1])


def label(song: Score, index: int) -> str:
    """The number of a track in the file; of several parts of it, with the number of the part: "2.1"."""
    number = _number(song, index)
    parts = [i for i in range(len(song.tracks)) if _number(song, i) == number]
    return f"{number}.{parts.index(index) + 1}" if len(parts) > 1 else str(number)


def _number(song: Score, index: int) -> int:
    return song.tracks[index].number or index + 1


def describe(song: Score, index: int) -> str:
    """A track in words: its number and, where it has one, its name."""
    name = song.tracks[index].name.strip()
    return f"track {label(song, index)} {name!r}" if name else f"track {label(song, index)}"


def title(song: Score) -> str:
    """The song's name, or a word for it."""
    return song.name or "the song"


def merged(song: Score, indices: list[int], kind: str) -> tuple[Track, str]:
    """Some tracks as one, under the program of the one with the most notes, and a sentence that says so.

    Args:
        song: the song.
        indices: of the tracks.
        kind: what they are, e.g. "drum": for the sentence.
    """
    if len(indices) == 1:
        return song.tracks[indices[0]], f"took {describe(song, indices[0])}"
    tracks = [song.tracks[i] for i in indices]
    notes = in_order(np.concatenate([one.notes for one in tracks]))
    most = max(tracks, key=lambda one: len(one.notes))  # the first may be a bass, and all would be played by it
    return replace(most, notes=notes, name=""), f"took all {len(tracks)} {kind} tracks together"


def _all(song: Score) -> str:
    """The tracks of a song, for an error."""
    kinds = ((describe(song, i).removeprefix("track "), t) for i, t in enumerate(song.tracks))
    tracks = (f"{name} ({len(t.notes)} {'drum ' * t.is_drum}notes)" for name, t in kinds)
    return f"tracks: {', '.join(tracks)}"
