"""Writing MIDI files that every program opens: type 1, a conductor track (tempo, metre, key) first, names in UTF-8."""

from __future__ import annotations

import io
from collections import Counter
from operator import itemgetter

import numpy as np

from musicae.errors import Error
from musicae.music.formats.draft import LONGEST_NAME, check_score
from musicae.music.score.controls import BEND, PROGRAM

TICKS_PER_QUARTER = 480
_DRUMS = 9
_MELODIC = [channel for channel in range(16) if channel != _DRUMS]
_KEYS = "Cb Gb Db Ab Eb Bb F C G D A E B F# C#", "Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m G#m D#m A#m"


def write(song) -> bytes:
    """A MIDI file of type 1: 480 ticks a quarter, a conductor track, drums on channel 10, UTF-8 names.

    Every track lasts to the end of the last bar. Equal songs give equal bytes.

    Raises:
        Error: the song is so large that its file could not be read again.
    """
    import mido

    try:
        check_score(song)
    except ValueError as error:
        raise Error(f"{song.name or 'the song'} cannot be written: it {error}") from None
    song = song.resample(TICKS_PER_QUARTER)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    timed = [_conductor(song)]
    channels = _channels(song)
    programs = {(channel, track.program) for track, channel in zip(song.tracks, channels, strict=True)}
    shared = Counter(channel for channel, _ in programs)
    timed += [_events(track, c, shared[c] > 1) for track, c in zip(song.tracks, channels, strict=True)]
    end = max(song.bars_end, *(events[-1][0] for events in timed if events), 0)
    file.tracks.extend(_track(events, end) for events in timed)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _track(events: list, end: int):
    """Events of absolute times as a mido track."""
    import mido

    times = [time for time, _ in events] + [end]
    messages = [message for _, message in events] + [mido.MetaMessage("end_of_track")]
    deltas = np.diff(times, prepend=0).tolist()
    return mido.MidiTrack(m.copy(time=delta) for m, delta in zip(messages, deltas, strict=True))


def _conductor(song) -> list:
    """(tick, message) of the name, tempos, time signatures, keys and words."""
    from mido import MetaMessage

    events = [(0, MetaMessage("track_name", name=_plain(song.name[:LONGEST_NAME])))] * bool(song.name)
    for tick, numerator, denominator in song.time_signatures:
        message = MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        events.append((tick, message))
    for tick, sharps, minor in song.key_signatures:
        events.append((tick, MetaMessage("key_signature", key=_KEYS[minor].split()[sharps + 7])))
    for tick, quarters_per_minute in song.tempos:
        microseconds = min(max(round(6e7 / quarters_per_minute), 1), 0xFFFFFF)
        events.append((tick, MetaMessage("set_tempo", tempo=microseconds)))
    for tick, kind, text in song.texts:
        events.append((tick, MetaMessage(kind, text=_plain(text))))
    return sorted(events, key=itemgetter(0))


_OFF, _CONTROL, _AGAIN, _ON = range(4)  # the order at one tick


def _events(track, channel: int, shared: bool) -> list:
    """(tick, message) of a track; at one tick notes end, then controls are moved, then others begin.

    Where several programs share its channel, its own is set again whenever notes begin.
    """
    from mido import Message, MetaMessage

    notes, controls = track.notes.tolist(), track.controls.tolist()
    events = [(0, MetaMessage("track_name", name=_plain(track.name[:LONGEST_NAME])))] * bool(track.name)
    program = _control(channel, PROGRAM, track.program)
    events.append((0, program))
    changes = [(end, _OFF, pitch, 0) for _, end, pitch, _ in notes]
    changes += [(start, _ON, pitch, velocity) for start, _, pitch, velocity in notes]
    changes += [(tick, _CONTROL, i, 0) for i, (tick, _, _) in enumerate(controls)]
    changes += [(start, _AGAIN, 0, 0) for start in {note[0] for note in notes}] * shared
    for tick, order, number, velocity in sorted(changes):
        if order == _CONTROL:
            event = _control(channel, *controls[number][1:])
            program = event if event.type == "program_change" else program
        elif order == _AGAIN:
            event = program
        else:
            kind = "note_on" if order == _ON else "note_off"
            event = Message(kind, channel=channel, note=number, velocity=velocity)
        events.append((tick, event))
    return events


def _control(channel: int, number: int, value: int):
    """A control as a message."""
    from mido import Message

    if number < BEND:
        return Message("control_change", channel=channel, control=number, value=value)
    kind, name = {BEND: ("pitchwheel", "pitch"), PROGRAM: ("program_change", "program")}.get(
        number, ("aftertouch", "value")
    )
    return Message(kind, channel=channel, **{name: value})


def _channels(song) -> list[int]:
    """A channel for each track: 10 for drums; of others one for each, or, of more than 15, one for each program.

    Of more than 15 programs each shares a channel with those that begin the fewest notes at the same time.
    """
    melodic = [track for track in song.tracks if not track.is_drum]
    keys = range(len(melodic)) if len(melodic) <= len(_MELODIC) else [track.program for track in melodic]
    starts: dict[int, set[int]] = {key: {-1} for key in keys}
    for key, track in zip(keys, melodic, strict=True):
        starts[key].update(track.notes["start"].tolist())
    taken: dict[int, set[int]] = {channel: set() for channel in _MELODIC}
    chosen = {}
    for key, ticks in starts.items():
        chosen[key] = min(taken, key=lambda channel: (len(taken[channel] & ticks), len(taken[channel])))
        taken[chosen[key]] |= ticks
    numbers = iter(chosen[key] for key in keys)
    return [_DRUMS if track.is_drum else next(numbers) for track in song.tracks]


def _plain(name: str) -> str:
    """`name` without what UTF-8 cannot hold."""
    return name.encode("utf-8", "replace").decode()
