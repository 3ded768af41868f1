"""MIDI files to a `Draft`: notes by symusic, everything else as `other_events` finds it."""

from __future__ import annotations

import numpy as np

from musicae.music.formats import channels, repair
from musicae.music.formats.draft import Draft, check_note_count
from musicae.music.formats.other_events import Events, find_events
from musicae.music.formats.symusic_ import from_symusic

_LONGEST_UNENDED = 4  # quarters: the length of a note which was never ended
_UNENDED = f"{{notes}} never ended: cut where the pitch begins again, or after {_LONGEST_UNENDED} beats"


def from_midi(data: bytes) -> Draft:
    """A MIDI file; what symusic refuses is rewritten event by event first.

    Raises:
        ValueError: it is damaged beyond repair.
    """
    tracks = repair.repair(data)
    bodies, events = _followed(tracks.bodies, bool(tracks.changes))
    score = None if events is None else _parsed(bodies, events, tracks.ticks_per_quarter)
    if score is None:
        bodies, damaged = repair.rewrite(tracks.bodies)
        tracks.changes.extend(["damaged events were repaired or left out"] * damaged)
        events = find_events(bodies)
        score = None if events is None else _parsed(bodies, events, tracks.ticks_per_quarter)
        if score and damaged and not score.note_num():
            raise ValueError("is damaged beyond repair: no whole note is left")
    if score is None:
        raise ValueError("is damaged beyond repair: its events make no sense")
    draft = from_symusic(score)
    if (unended := _unended(draft.notes)).any():
        tracks.changes.extend([_UNENDED] * np.count_nonzero(unended))
        bodies = _ended(bodies, draft, unended)
        events = find_events(bodies) or events
        draft = from_symusic(_parsed(bodies, events, tracks.ticks_per_quarter) or score)
        still = _unended(draft.notes)
        draft.notes["end"][still] = draft.notes["start"][still] + _LONGEST_UNENDED * draft.ticks_per_quarter
    draft.changes = tracks.changes
    _undo_overflow(draft.notes)
    if tracks.ticks_per_second:
        draft.tempos = [(0, 60 * tracks.ticks_per_second / draft.ticks_per_quarter)]
    channels.restore(draft, events, repair.rhythm_channels(bodies))
    return draft


def _followed(bodies: list[bytes], corrupted: bool) -> tuple[list[bytes], Events | None]:
    """Tracks with their events.

    One that begins with a longer delta time than there is, is written anew: symusic reads that differently there.
    """
    bodies = [_written_out(body) if min(body[:4], default=0) > 127 else body for body in bodies]
    return bodies, find_events(bodies, corrupted)


def _written_out(body: bytes) -> bytes:
    """A track with every status written out; as it is if that would lose anything."""
    (written,), lossy = repair.rewrite([body])
    return body if lossy else written


def _parsed(bodies: list[bytes], events: Events, ticks_per_quarter: int):
    """symusic's score, or None where it finds none.

    Raises:
        ValueError: it holds far too many notes.
    """
    import symusic

    try:
        score = symusic.Score.from_midi(repair.pack(events.marked(bodies), events.programs, ticks_per_quarter))
    except (RuntimeError, OverflowError, MemoryError, ValueError):
        return None
    check_note_count(score.note_num())
    channels = {str(i): channels for i, channels in enumerate(events.channels)}
    good = all(track.program in channels.get(track.name, ()) for track in score.tracks if track.notes)
    if not good:
        return None  # an event goes on where the track ends, or is not what it seems
    events.add_late(bodies, score.markers)
    return score


def _ended(bodies: list[bytes], draft: Draft, unended: np.ndarray) -> list[bytes]:
    """Tracks in which a note ends where its pitch begins again: those of which some are `unended`."""
    parts = np.searchsorted(draft.bounds[1:], np.flatnonzero(unended), "right")
    tracks = {int(draft.tracks[part].name) for part in parts.tolist()}
    return [repair.rewrite([body], end_repeated=True)[0][0] if i in tracks else body for i, body in enumerate(bodies)]


def _unended(notes: np.ndarray) -> np.ndarray:
    """Which notes were only ended by `repair.pack`: bool, one for each."""
    return notes["end"] - notes["start"] >= repair.FOREVER


def _undo_overflow(notes: np.ndarray) -> None:
    """Undo the 32-bit overflow of times, which makes them negative; in place."""
    if notes["start"].min(initial=0) >= 0:
        return
    lost = notes["start"] & 1 << 32
    notes["start"] += lost
    notes["end"] += lost
