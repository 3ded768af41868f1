"""What the channels of a MIDI file set, given to the tracks whose notes it is for.

`repair.pack` has marked the tracks: the name of each is the number of its track in the file, from 0, and its program
is its channel.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter

import numpy as np

from musicae.music.formats.draft import MOST_CONTROLS, Draft, check_tracks
from musicae.music.formats.encodings import decode
from musicae.music.formats.other_events import INSTRUMENT, NAME, Control, Events
from musicae.music.score.controls import BANK, CONTROL, FINE_BANK, PROGRAM, settled
from musicae.music.score.score import Text, Track

DRUMS = 9  # channel 10
_MOST_WORK = 4 * MOST_CONTROLS  # before changes of program that change nothing are left out
_DRUM_BANK = 120  # of General MIDI 2
_KINDS = {1: "text", 2: "copyright", 5: "lyrics", 6: "marker", 7: "cue_marker"}
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
    check_tracks(len(draft.tracks))
    places = [(int(track.name), track.program) for track in draft.tracks]
    names, draft.texts = _words(events)
    set_up = _all_set_up(draft, events, places)
    sharing: dict[Place, list[int]] = {}  # parts that set something, by channel and program
    for part, (place, (program, controls)) in enumerate(zip(places, set_up, strict=True)):
        if len(controls):
            sharing.setdefault((place[1], program), []).append(part)
    count = sum(len(controls) for _, controls in set_up)
    for part, (place, number) in enumerate(zip(places, _numbers(places), strict=True)):
        program, own = set_up[part]
        partners = [set_up[i][1] for i in sharing.get((place[1], program), ()) if i != part]
        controls = _with_partners(own, partners) if count + sum(map(len, partners)) <= MOST_CONTROLS else own
        count += len(controls) - len(own)
        is_drum = rhythm.get(place[1], place[1] == DRUMS) or _in_drum_bank(controls)
        draft.changes += [_SHARED] * (is_drum and place[1] != DRUMS)
        draft.tracks[part] = Track(
            draft.tracks[part].notes, program, is_drum, names.get(place[0], ""), controls=controls, number=number
        )


def _numbers(places: list[tuple[int, int]]) -> list[int]:
    """The number of each part's track in the file; a first track without notes is not counted.

    Where one track holds all parts, theirs are 1, 2, ...
    """
    tracks = {track for track, _ in places}
    if len(tracks) == 1 and len(places) > 1:
        return list(range(1, len(places) + 1))
    return [track + (0 in tracks) for track, _ in places]


def _all_set_up(draft: Draft, events: Events, places: list[Place]) -> list[tuple[int, np.ndarray]]:
    """The program at the first note of each part, and its controls, without those of other parts.

    Raises:
        ValueError: there are absurdly many controls.
    """
    others: dict[int, list[list[Control]]] = {}
    known = set(places)
    for key, controls in events.controls.items():
        if key not in known:
            others.setdefault(key[1], []).append(controls)
    found, count, work = [], 0, 0
    for part, place in enumerate(places):
        work += sum(map(len, others.get(place[1], ()))) + len(events.controls.get(place, ()))
        if work <= _MOST_WORK:
            found.append(_set_up(draft, events.controls.get(place, []), others.get(place[1], []), part))
            count += len(found[-1][1])
        if count > MOST_CONTROLS or work > _MOST_WORK:
            raise ValueError(f"has more than {MOST_CONTROLS:,} controls (volume, pedal, bends), the limit")
    return found


def _set_up(draft: Draft, found: list[Control], others: list[list[Control]], part: int) -> tuple[int, np.ndarray]:
    """The program at the first note of a part, and its controls: its own, those `found` among them, after the others,
    of tracks that set up its channel."""
    controls = draft.tracks[part].controls
    if not found and not others:
        return 0, controls
    banks = controls["number"] & ~FINE_BANK == BANK  # either of the two
    if np.count_nonzero(banks):
        others, controls = [*others, controls[banks].tolist()], controls[~banks]
    if others:
        found = sorted(chain(*others, found), key=itemgetter(0))
    first = 0
    if any(number == PROGRAM and tick for tick, number, _ in found):
        first = int(draft.notes["start"][draft.bounds[part] : draft.bounds[part + 1]].min())
    program, found = settled(0, found, first)
    return program, _merged(np.array(found, CONTROL), controls) if found else controls


def _with_partners(controls: np.ndarray, partners: list[np.ndarray]) -> np.ndarray:
    """The controls of a part, with what other parts of its channel and program set that it does not set itself."""
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
    banks = (controls["number"] == BANK).nonzero()[0]
    return len(banks) > 0 and bool(controls["value"][banks[0]] == _DRUM_BANK)


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
