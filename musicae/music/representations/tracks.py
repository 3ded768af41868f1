"""Which track to take: the one that is asked for, the one most like a melody, all drums together."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from musicae.errors import ConfigError, NoWindows
from musicae.music.representations.beats import beats
from musicae.music.representations.likeness import likeness, reasons, traits
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import in_order
from musicae.music.score.score import Score, Track

MELODY_NAMES = re.compile(
    r"(?<![^\W\d_])(mel|melod(y|ie|ia|ía|i)|mélodie|vocals?|vox|voices?|voix|voz|voce|lead|solo|soprano|tune|canto|cantus"
    r"|chant|sing(er|ing|stimme)?|gesang|stimme|zang|sång)(?![^\W\d_])|мелоди|вокал|голос|旋律|メロディ|ボーカル|멜로디|보컬"
)
_ACCOMPANIMENT_NAMES = re.compile(
    r"(?<![^\W\d_])(bass?|basse|basso|pads?|chords?|comp|accomp\w*|rhythm|arp|arpeggio|back(up|ing)|harmony|strings?"
    r"|drums?|perc\w*|begleitung|akkorde?|left|lh)(?![^\W\d_])"
)
_PROGRAM_NAMES = re.compile(  # of General MIDI, which say nothing about the part
    r"(square|saw(tooth)?|calliope|chiff(er)?|charang|voice|fifths?|bass) lead|bass ?\+ ?lead|lead \d|solo vox"
    r"|(synth|space) voice|voice oohs"
)
_NAMED_ACCOMPANIMENT = 3.0  # off its likeness


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

    Of the tracks whose names say melody, vocal, voice, lead, soprano or the like the one with the highest `likeness`;
    without one, of those with at least a sixteenth of the onsets of the busiest. There a name that says bass, chords,
    pad or the like counts against it.

    Raises:
        NoWindows: there are no pitched notes.
    """
    found = tunes(song)
    named = [i for i in found if says_melody(song.tracks[i].name)]
    if len(found) == 1 or len(named) == 1:
        return (named or found)[0], "melody by name" if named else "the only one with pitched notes"
    candidates = named or _busy(song, found)
    bars = Grid.of(song).bar_ticks
    all_traits = {i: traits(song.tracks[i], bars, song.ticks_per_quarter) for i in candidates}
    if named:
        return max(named, key=lambda i: likeness(all_traits[i])), "melody by name"
    unlike = {i: _NAMED_ACCOMPANIMENT * _says_accompaniment(song.tracks[i].name) for i in candidates}
    best = max(candidates, key=lambda i: likeness(all_traits[i]) - unlike[i])
    why = reasons(all_traits[best], [all_traits[i] for i in candidates if i != best])
    return best, f"most like a melody: {why}" if why else "most like a melody"


def _busy(song: Score, indices: list[int]) -> list[int]:
    """The tracks with at least a sixteenth of the onsets of the busiest of them."""
    starts = (song.tracks[i].notes["start"] for i in indices)
    onsets = [1 + np.count_nonzero(start[1:] != start[:-1]) for start in starts]
    return [i for i, count in zip(indices, onsets, strict=True) if 16 * count >= max(onsets)]


def says_melody(name: str) -> bool:
    """Whether the name of a track says that it is a melody; that of a program, e.g. Square Lead, does not."""
    return bool(MELODY_NAMES.search(_PROGRAM_NAMES.sub("", name.lower())))


def _says_accompaniment(name: str) -> bool:
    return bool(_ACCOMPANIMENT_NAMES.search(name.lower()))


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
