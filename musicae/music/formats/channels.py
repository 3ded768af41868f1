"""What the channels of a MIDI file set, given to the tracks whose notes it is for.

`repair.pack` has marked the tracks: the name of each is the number of its track in the file, from 0, and its program
is its channel.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter

import numpy as np

from musicae.music.formats.draft import Draft
from musicae.music.formats.encodings import decode
from musicae.music.formats.other_events import INSTRUMENT, NAME, Events
from musicae.music.score.controls import BANK, CONTROL, FINE_BANK, PROGRAM, settled
from musicae.music.score.score import Text, Track

DRUMS = 9  # channel 10
MOST_CONTROLS = 500_000
_DRUM_BANK = 120  # of General MIDI 2
_KINDS = {1: "text", 2: "copyright", 5: "lyrics", 6: "marker", 7: "cue_marker"}
_BANKS = {BANK, FINE_BANK}
_SHARED = "{tracks} not on channel 10 played as drums, as the file asks for"


Place = tuple[int, int]  # track and channel, from 0


def restore(draft: Draft, events: Events, rhythm: dict[int, bool]) -> None:
    """Gives the tracks of a draft their names, numbers, programs and all controls, and the draft its words; in place.

    A channel that is set up in tracks without notes of it is set up for its notes wherever they are; where several
    tracks of one program play on it, what one of them sets holds for the others too, unless they set it themselves.

    Args:
        draft: with tracks as `repair.pack` marks them.
        events: of the same file.
        rhythm: the channels that the file says are drums, or are not.

    Raises:
        ValueError: there are absurdly many controls.
    """
    places = [(int(track.name), track.program) for track in draft.tracks]
    names, draft.texts = _words(events)
    set_up = [_set_up(draft, events, places, part) for part in range(len(places))]
    for part, (place, number) in enumerate(zip(places, _numbers(places), strict=True)):
        program, _ = set_up[part]
        controls = _with_partners(part, places, set_up)
        is_drum = rhythm.get(place[1], place[1] == DRUMS) or _in_drum_bank(controls)
        draft.changes += [_SHARED] * (is_drum and place[1] != DRUMS)
        draft.tracks[part] = Track(
            draft.tracks[part].notes, program, is_drum, names.get(place[0], ""), controls=controls, number=number
        )
    if (count := sum(len(track.controls) for track in draft.tracks)) > MOST_CONTROLS:
        raise ValueError(f"has {count:,} controls (volume, pedal, bends); the limit is {MOST_CONTROLS:,}")


def _numbers(places: list[tuple[int, int]]) -> list[int]:
    """The number of each part's track in the file; a first track without notes is not counted.

    Where one track holds all parts, theirs are 1, 2, ...
    """
    tracks = {track for track, _ in places}
    if len(tracks) == 1 and len(places) > 1:
        return list(range(1, len(places) + 1))
    return [track + (0 in tracks) for track, _ in places]


def _set_up(draft: Draft, events: Events, places: list[Place], part: int) -> tuple[int, np.ndarray]:
    """The program at the first note of a part, and its controls: its own, after those of tracks that set up its
    channel."""
    place, controls = places[part], draft.tracks[part].controls
    found = events.controls.get(place, [])
    others = [one for key, one in events.controls.items() if key[1] == place[1] and key not in places]
    if not found and not others:
        return 0, controls
    if not _BANKS.isdisjoint(controls["number"].tolist()):
        banks = (controls["number"] == BANK) | (controls["number"] == FINE_BANK)
        others, controls = [*others, controls[banks].tolist()], controls[~banks]
    if others:
        found = sorted(chain(*others, found), key=itemgetter(0))
    first = 0
    if any(number == PROGRAM and tick for tick, number, _ in found):
        first = int(draft.notes["start"][draft.bounds[part] : draft.bounds[part + 1]].min())
    program, found = settled(0, found, first)
    return program, _merged(np.array(found, CONTROL), controls) if found else controls


def _with_partners(part: int, places: list[Place], set_up: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """The controls of a part, with what other parts of its channel and program set that it does not set itself."""
    channel, (program, controls) = places[part][1], set_up[part]
    partners = [
        others
        for i, (place, (other, others)) in enumerate(zip(places, set_up, strict=True))
        if i != part and place[1] == channel and other == program and len(others)
    ]
    if not partners:
        return controls
    own = [BANK, FINE_BANK, PROGRAM, *set(controls["number"].tolist())]
    more = np.concatenate(partners)
    return _merged(more[~np.isin(more["number"], own)], controls)


def _merged(*parts: np.ndarray) -> np.ndarray:
    """Controls together, by tick; at one tick those of the first part first."""
    controls = np.concatenate(parts)
    return controls[np.argsort(controls["tick"], kind="stable")]


def _in_drum_bank(controls: np.ndarray) -> bool:
    return len(controls) > 0 and _DRUM_BANK in controls["value"][controls["number"] == BANK][:1]


def _words(events: Events) -> tuple[dict[int, str], list[Text]]:
    """The name of each track, and the other words of a file."""
    texts = decode(text for *_, text in events.words)
    names: dict[int, str] = {}
    for wanted in (INSTRUMENT, NAME):
        names |= {
            track: text
            for (track, _, kind, _), text in zip(events.words, texts, strict=True)
            if kind == wanted and text.strip()
        }
    words = [
        Text(tick, _KINDS[kind], text)
        for (_, tick, kind, _), text in zip(events.words, texts, strict=True)
        if kind in _KINDS and text
    ]
    return names, sorted(words, key=lambda word: word.tick)
