"""What a reader found in a file, unchecked, and the `Score` with all its promises that is made of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

import numpy as np

from musicae.music.score.note_arrays import NOTE, tidied
from musicae.music.score.score import KeySignature, Score, Tempo, Text, TimeSignature, Track, steady

# What is read is within these limits, and so what is written is read again: writing adds nothing to what they count.
MOST_QUARTERS = 20_000  # in which notes begin; they end a quarter later at most
MOST_NOTES = 200_000
MOST_TRACKS = 1000  # with notes
MOST_CHANGES = 100_000  # of tempo, metre and key
MOST_CONTROLS = 500_000
MOST_TEXTS = 100_000
MOST_CHARACTERS = 500_000  # of all texts
LONGEST_NAME = 500  # characters
_AFTER = 32  # quarters after the last note in which controls and words are kept


@dataclass
class Draft:
    """What a reader found, before it is checked: a score whose records may hold anything.

    Attributes:
        notes: NOTE records of all tracks, one track after the other.
        bounds: where the notes of each track begin, and where those of the last end.
        tracks: each still without its notes, its controls in order.
        texts: lyrics, markers and other words, by tick.
    """

    ticks_per_quarter: int
    notes: np.ndarray = field(default_factory=lambda: np.zeros(0, NOTE))
    bounds: list[int] = field(default_factory=lambda: [0])
    tracks: list[Track] = field(default_factory=list)
    tempos: list[tuple] = field(default_factory=list)
    time_signatures: list[tuple] = field(default_factory=list)
    key_signatures: list[tuple] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


def check_note_count(notes: int) -> None:
    """Refuses absurdly many notes with a ValueError."""
    if notes > MOST_NOTES:
        raise ValueError(f"has {notes:,} notes; the limit is {MOST_NOTES:,}")


def check_changes(count: int) -> None:
    """Refuses absurdly many changes of tempo, metre and key with a ValueError."""
    if count > MOST_CHANGES:
        raise ValueError(f"has {count:,} changes of tempo, metre or key; the limit is {MOST_CHANGES:,}")


def check_tracks(count: int) -> None:
    """Refuses absurdly many tracks with a ValueError."""
    if count > MOST_TRACKS:
        raise ValueError(f"has {count:,} tracks; the limit is {MOST_TRACKS:,}")


def check_score(score: Score) -> None:
    """Refuses a score that could not be read again from a file with a ValueError."""
    check_tracks(len(score.tracks))
    check_note_count(sum(len(track.notes) for track in score.tracks))
    check_changes(len(score.tempos) + len(score.time_signatures) + len(score.key_signatures))
    if (controls := sum(len(track.controls) for track in score.tracks)) > MOST_CONTROLS:
        raise ValueError(f"has {controls:,} controls (volume, pedal, bends); the limit is {MOST_CONTROLS:,}")
    for track in score.tracks:
        if len(track.notes):
            _check_times(track.notes, score.ticks_per_quarter)


def finish(draft: Draft, name: str = "") -> Score:
    """A score that keeps every promise of `Score`; what had to be changed for that is in its `changes`.

    Raises:
        ValueError: it has no notes, or absurdly many or late ones.
    """
    check(draft)
    changes = list(draft.changes)
    tracks = _tracks(draft, changes)
    end = max(int(track.notes["end"].max()) for track in tracks)
    times = (
        _tempos(draft.tempos, end, changes),
        _time_signatures(draft.time_signatures, end, changes),
        key_signatures(draft.key_signatures, end, changes),
    )
    check_tracks(len(tracks))
    check_changes(sum(map(len, times)))
    texts = _texts(draft.texts, end + _AFTER * draft.ticks_per_quarter, changes)
    return Score(tracks, draft.ticks_per_quarter, *times, name, _counted(changes), texts)


def check(draft: Draft) -> None:
    """Refuses music without notes, or with absurdly many or late ones, with a ValueError."""
    if not len(draft.notes):
        raise ValueError("has no notes")
    if draft.ticks_per_quarter < 1:
        raise ValueError(f"says that a quarter note has {draft.ticks_per_quarter} ticks")
    check_note_count(len(draft.notes))
    _check_times(draft.notes, draft.ticks_per_quarter)


def _check_times(notes: np.ndarray, ticks_per_quarter: int) -> None:
    first, last, end = int(notes["start"].min()), int(notes["start"].max()), int(notes["end"].max())
    if first < 0:
        raise ValueError(f"has a note before the beginning, at tick {first}")
    if last > MOST_QUARTERS * ticks_per_quarter or end > (MOST_QUARTERS + 1) * ticks_per_quarter:
        beats = end / ticks_per_quarter
        raise ValueError(f"has a note {beats:,.0f} beats from the beginning; the limit is {MOST_QUARTERS:,}")


def _tracks(draft: Draft, changes: list[str]) -> tuple[Track, ...]:
    """The tracks that have notes, with these tidy; what that changed is added to `changes`."""
    found = tidied(draft.notes, draft.bounds)
    changes += ["{notes} without length made one tick long"] * found.empty
    changes += ["{notes} doubled by another left out"] * found.doubled
    changes += ["{notes} cut where the pitch begins again"] * found.cut
    last = int(found.notes["end"].max()) + _AFTER * draft.ticks_per_quarter
    tracks = with_notes(draft.tracks, found.notes, found.bounds)
    return tuple(_named(_without_late_controls(track, last), changes) for track in tracks if len(track.notes))


def _named(track: Track, changes: list[str]) -> Track:
    """The track, with no more of its name than a file may have."""
    if len(track.name) <= LONGEST_NAME:
        return track
    changes.append(f"the names of {{tracks}} cut to {LONGEST_NAME} characters")
    return replace(track, name=track.name[:LONGEST_NAME])


def _texts(texts: list[Text], last: int, changes: list[str]) -> tuple[Text, ...]:
    """The words up to a tick, as many as a file may have."""
    kept = [text for text in texts if 0 <= text.tick <= last]
    ends = list(accumulate(len(text.text) for text in kept))
    most = min(bisect_right(ends, MOST_CHARACTERS), MOST_TEXTS)
    if most < len(kept):
        changes.append(f"the last {len(kept) - most:,} of {len(kept):,} words and markers were left out")
    return tuple(kept[:most])


def _without_late_controls(track: Track, last: int) -> Track:
    """The track, without controls that come long after the music."""
    if not len(track.controls) or track.controls["tick"][-1] <= last:
        return track
    return replace(track, controls=track.controls[track.controls["tick"] <= last])


def with_notes(tracks: list[Track], notes: np.ndarray, bounds: list[int]) -> Iterator[Track]:
    """The tracks of a `Draft` with their notes."""
    return (replace(track, notes=notes[i:j]) for track, (i, j) in zip(tracks, pairwise(bounds), strict=True))


def _counted(changes: list[str]) -> tuple[str, ...]:
    """Each sentence once, with the number of notes or tracks that it counts."""
    counts = Counter(changes).items()
    return tuple(text.format(notes=_number(n, "note"), tracks=_number(n, "track")) for text, n in counts)


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" + "s" * (count != 1)


def _within(changes: list[tuple], end: int) -> list[tuple]:
    """Those before the last note ends."""
    return [change for change in changes if 0 <= change[0] < end]


def _tempos(tempos: list[tuple], end: int, changes: list[str]) -> tuple[Tempo, ...]:
    good, bad = [Tempo(0, 120.0)], set()
    for tick, rate in _within(tempos, end):
        if 3 <= rate <= 1000:
            good.append(Tempo(tick, rate))
        else:
            bad.add(f"an impossible tempo ({rate:.4g} BPM) was ignored")
    changes += sorted(bad)
    return steady(good)


def _time_signatures(signatures: list[tuple], end: int, changes: list[str]) -> tuple[TimeSignature, ...]:
    good, bad = [TimeSignature(0, 4, 4)], set()
    for tick, numerator, denominator in _within(signatures, end):
        if 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32, 64):
            good.append(TimeSignature(tick, numerator, denominator))
        else:
            bad.add(f"an impossible time signature ({numerator}/{denominator}) was ignored")
    changes += sorted(bad)
    return steady(good)


def key_signatures(keys: list[tuple], end: int, changes: list[str]) -> tuple[KeySignature, ...]:
    """The keys before the last note ends; that others were ignored is added to `changes`."""
    keys = _within(keys, end)
    good = [KeySignature(tick, sharps, bool(minor)) for tick, sharps, minor in keys if abs(sharps) <= 7]
    changes += ["a key signature that does not exist was ignored"] * (len(good) < len(keys))
    return steady(good)


def note_array(start, end, pitch, velocity) -> np.ndarray:
    """Columns as a NOTE array, unsorted, with velocities of 1 to 127.

    Raises:
        ValueError: a pitch is not a MIDI pitch.
    """
    if len(pitch) and not 0 <= pitch.min() <= pitch.max() <= 127:
        raise ValueError("has a note with a pitch outside 0 to 127")
    notes = np.empty(len(pitch), NOTE)
    notes["start"], notes["end"], notes["pitch"] = start, end, pitch
    notes["velocity"] = np.minimum(np.maximum(velocity, 1), 127)
    return notes


def track_bounds(tracks: Iterable[Sized]) -> list[int]:
    """See `Draft`, of the notes of each track."""
    return [0, *accumulate(map(len, tracks))]
