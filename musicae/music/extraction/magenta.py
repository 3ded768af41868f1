"""Windows exactly as MusicVAE makes them (OneHotMelodyConverter and its like in magenta, note-seq 0.0.5).

A song is cut wherever its tempo or metre changes; only parts in four quarters a bar count. In each part every
track (all drums together) is cut into melodies or beats at silences, and each into windows, a bar apart. Positions are
rounded in exact arithmetic, halves going up, and a note exactly at a cut belongs to the later part. Grooves are not
cut: their song must be in one tempo and metre.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np

from musicae.errors import FileError, MidiError, NoWindows
from musicae.files import read_file
from musicae.music.extraction import instruments
from musicae.music.extraction.pedal import HALF, MOVE, SUSTAIN, with_pedal
from musicae.music.formats.draft import Draft, check, key_signatures, with_notes
from musicae.music.formats.pretty_midi_ import from_pretty_midi
from musicae.music.representations.arrays import slices, unique
from musicae.music.representations.planes import loudest, performance
from musicae.music.representations.tokens import FIRST_NOTE, highest, line, without_leading_offs
from musicae.music.representations.tracks import drum_tracks, find, sounding
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Tempo, TimeSignature, Track, steady
from musicae.music.theory.harmony import of_part, signed_keys

BAR_QUARTERS = 4
MOST_BYTES = 4 << 20  # of a file; 200,000 notes, the limit, take less than half of it


def read(source) -> Score:
    """A MIDI file as the original reads it: by the rules of `pretty_midi` (see `instruments`), nothing mended.

    pretty_midi lets one note-off end every open note of its pitch, and takes tempos and metres from the first
    track only. Unlike in any other song, notes of one pitch may overlap, and tracks may know their sustain pedal
    (`pedal.PedalledTrack`), which bars of many tracks alone are played with.

    Args:
        source: a path, bytes, or a `pretty_midi.PrettyMIDI`.

    Raises:
        MidiError: it cannot be read.
    """
    where = source if isinstance(source, str | Path) else f"<{type(source).__name__}>"
    try:
        if isinstance(source, str | Path):
            source = read_file(source)
        found = _by_rules(source) if isinstance(source, bytes) else None
        return _score(*(found or _slowly(source)))
    except FileError as error:
        raise MidiError(where, error.reason) from None
    except ValueError as error:
        raise MidiError(where, str(error)) from None


def _by_rules(file: bytes) -> instruments.Instruments | None:
    """What pretty_midi would make of a file; None if only itself can say it."""
    if len(file) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MB, the limit for windows exactly as the original's")
    return instruments.read_instruments(file)


def _slowly(source) -> instruments.Instruments:
    """What `pretty_midi` makes of bytes, or has made of a file.

    Raises:
        ValueError: it makes nothing of them.
    """
    music = _pretty_midi(source) if isinstance(source, bytes) else source
    draft = from_pretty_midi(music)
    for i, j in pairwise(draft.bounds):
        draft.notes[i:j] = draft.notes[i:j][np.argsort(draft.notes["start"][i:j], kind="stable")]
    return instruments.Instruments(draft, [_moves(one, music.time_to_tick) for one in music.instruments])


def _moves(instrument, tick_of) -> np.ndarray:
    """How the pedal of a `pretty_midi.Instrument` is moved (`pedal.MOVE`); `tick_of` makes ticks of seconds."""
    moves = [(tick_of(c.time), c.value >= HALF) for c in instrument.control_changes if c.number == SUSTAIN]
    return np.array(moves, MOVE)


def _pretty_midi(file: bytes):
    """A file as a `pretty_midi.PrettyMIDI`."""
    import pretty_midi

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Tempo, Key or Time signature change events found")
            return pretty_midi.PrettyMIDI(BytesIO(file))
    except Exception as error:  # mido and pretty_midi raise anything at all
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None


def _score(draft: Draft, pedals: list[np.ndarray]) -> Score:
    """The score of instruments (see `instruments.Instruments`), with the first tempo and metre at its beginning."""
    check(draft)
    tracks = with_notes(draft.tracks, draft.notes, draft.bounds)
    tracks = tuple(with_pedal(*pair) for pair in zip(tracks, pedals, strict=True) if len(pair[0].notes))
    end = int(draft.notes["end"].max())
    return Score(
        tracks,
        draft.ticks_per_quarter,
        steady((Tempo(0, 120.0), *(Tempo(*change) for change in draft.tempos))),
        steady((TimeSignature(0, 4, 4), *(TimeSignature(*change) for change in draft.time_signatures))),
        key_signatures(draft.key_signatures, end, []),
    )


def melody_windows(melody, song: Score, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The windows of a song: uint8 [n, *shape], different within each part; and, if there are none, why.

    A part for which the original infers no chords (see `harmony.of_part`) has no windows where they are a condition.
    For the original's set of windows the song must come from `read`.

    Args:
        melody: the settings, a `Melody`.
        song: the song.
        track: a track's number, counted from 1, or part of its name; None or "all" for every track.
    """
    chosen = range(len(song.tracks)) if track in (None, "all") else [find(song, track)]
    kept = [_kept(melody, one) for one in song.tracks]

    def of_one_part(part: tuple[int, int]) -> Iterator[np.ndarray]:
        conditions = _conditions(melody, song, kept, part)
        for i in chosen if conditions else ():
            yield from _melody_windows(melody, song, kept[i].notes, part, conditions)

    found = _of_parts(melody, song, of_one_part)
    return found, [] if len(found) else [f"no melody of {melody.steps} steps in a part in 4/4 at one tempo"]


def drum_windows(drums, song: Score, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The windows of the drums of a song (DrumsConverter): uint8 [n, classes, steps], different within each part; and,
    if there are none, why.

    Keys that the kit lacks are left out. For the original's set of windows the song must come from `read`.

    Args:
        drums: the settings, a `Drums`.
        song: the song.
        track: a track's number, counted from 1, or part of its name; None for all tracks of drums together.
    """
    try:
        chosen = drum_tracks(song) if track is None else [find(song, track, sounding)]
    except NoWindows as error:
        return np.zeros((0, *drums.shape), np.uint8), [str(error)]
    notes = np.concatenate([song.tracks[i].notes for i in chosen])
    notes = notes[drums.drums.known[notes["pitch"]] >= 0]
    found = _of_parts(drums, song, lambda part: _drum_windows(drums, song, notes, part))
    return found, [] if len(found) else [f"no drums for {drums.steps} steps in a part in 4/4 at one tempo"]


def groove_windows(groove, song: Score, track: int | str | None = None) -> tuple[np.ndarray, list[str]]:
    """The windows of a performance on drums (GrooveConverter): float32 [n, 27, steps], in time; and, if there are none,
    why.

    All notes count, of drums or not. A song with a key that the kit lacks has none, where the original raises a
    KeyError. For the original's windows the song must come from `read`.

    Args:
        groove: the settings, a `Groove`.
        song: the song.
        track: a track's number, counted from 1, or part of its name; None for all tracks together.
    """
    chosen = range(len(song.tracks)) if track is None else [find(song, track, sounding)]
    notes = np.concatenate([np.zeros(0, NOTE), *(_by_end(song.tracks[i].notes) for i in chosen)])
    missing = np.unique(notes["pitch"][groove.drums.known[notes["pitch"]] < 0])
    bar = steps_per_bar(groove)
    if len(song.tempos) > 1 or len(song.time_signatures) > 1 or not _four_quarters(*song.time_signatures[0][1:]):
        return _no_groove(groove, "not in 4/4 at one tempo throughout")
    if len(missing):
        return _no_groove(groove, f"keys that the kit lacks: {', '.join(map(str, missing.tolist()))}")
    played = _performance(groove, song, notes)
    starts = np.arange(0, len(played) - groove.steps + 1, groove.hop_bars * bar or groove.steps)
    if not len(starts):
        return _no_groove(groove, f"shorter than {groove.steps} steps")
    return slices(played, starts, groove.steps).swapaxes(1, 2), []


def _by_end(notes: np.ndarray) -> np.ndarray:
    """Notes in the order in which pretty_midi adds them to an instrument; of equally loud ones the first counts."""
    return notes[np.argsort(notes["end"], kind="stable")]


def _no_groove(groove, why: str) -> tuple[np.ndarray, list[str]]:
    return np.zeros((0, *groove.shape), groove.dtype), [why]


def _performance(groove, song: Score, notes: np.ndarray) -> np.ndarray:
    """Notes as hits, velocities and offsets in whole bars, float32 [total, 27]."""
    step, drum = nearest_step(notes["start"], groove, song), groove.drums.known[notes["pitch"]]
    kept = loudest(step, drum, notes["velocity"])
    offset = 2 * (step - notes["start"] * groove.steps_per_quarter / song.ticks_per_quarter)
    bar = steps_per_bar(groove)
    total = -(-(int(step.max(initial=-1)) + 1) // bar) * bar
    return performance(step[kept], drum[kept], notes["velocity"][kept], offset[kept], total).T


def _of_parts(kind, song: Score, windows_of: Callable[[tuple[int, int]], Iterable[np.ndarray]]) -> np.ndarray:
    """The windows [n, *shape] of all parts of a song, different within each."""
    nothing = np.zeros((0, *kind.shape), kind.dtype)
    found = [unique(np.concatenate([nothing, *windows_of(part)])) for part in parts(song)]
    return np.concatenate([nothing, *found])


def parts(song: Score) -> Iterator[tuple[int, int]]:
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
        if _four_quarters(numerator, denominator):
            yield start, end


def _four_quarters(numerator: int, denominator: int) -> bool:
    """Whether a bar of this metre is as long as four quarters."""
    return numerator * 4 == denominator * BAR_QUARTERS


def _kept(melody, track: Track) -> Track:
    """A track with the notes that the settings let in."""
    first, last = melody.programs or (0, 127)
    if track.is_drum or not first <= track.program <= last:
        return replace(track, notes=track.notes[:0])
    pitch = track.notes["pitch"]
    inside = (pitch >= melody.lowest_pitch) & (pitch <= melody.highest_pitch)
    return track if inside.all() else replace(track, notes=track.notes[inside])


def within(notes: np.ndarray, part: tuple[int, int]) -> np.ndarray:
    """The notes that begin between two ticks."""
    if not len(notes):
        return notes
    start = notes["start"]
    return notes.take(np.flatnonzero((start >= part[0]) & (start < part[1])))


def nearest_step(ticks: np.ndarray, kind, song: Score) -> np.ndarray:
    """The step nearest to each tick, halves going up."""
    return (2 * ticks * kind.steps_per_quarter + song.ticks_per_quarter) // (2 * song.ticks_per_quarter)


def steps_per_bar(kind) -> int:
    """The steps of a bar of four quarters."""
    return BAR_QUARTERS * kind.steps_per_quarter


def pieces(kind, start: np.ndarray, end: np.ndarray) -> Iterator[tuple[slice, int, int]]:
    """Notes in pieces, cut at silences: which notes, the step of the bar line before them, and how many steps of whole
    bars they take.

    Args:
        kind: the settings: `gap_bars` of silence end a piece, 0 never does.
        start: the step where each note begins [n], ascending.
        end: the step where it ends [n].
    """
    bar = steps_per_bar(kind)
    silent = start[1:] - end[:-1] >= kind.gap_bars * bar
    cuts = (np.flatnonzero(silent) + 1).tolist() if kind.gap_bars else []
    for i, j in pairwise([0, *cuts, len(start)]):
        if i < j:
            first = int(start[i]) // bar * bar
            yield slice(i, j), first, -(-(int(end[j - 1]) - first) // bar) * bar


def _along_bars(kind, array: np.ndarray) -> np.ndarray:
    """The windows [n, steps, ...] of an array [total, ...], a bar apart; none of one that is shorter."""
    array = array[: kind.max_bars * steps_per_bar(kind)]
    return slices(array, np.arange(0, len(array) - kind.steps + 1, steps_per_bar(kind)), kind.steps)


def _melody_windows(melody, song: Score, notes: np.ndarray, part: tuple[int, int], conditions) -> Iterator[np.ndarray]:
    """The windows of each melody of a track between two ticks, with the conditions (see `_conditions`)."""
    notes = within(notes, part)
    if not len(notes):
        return
    start = nearest_step(notes["start"] - part[0], melody, song)
    end = np.maximum(nearest_step(np.minimum(notes["end"], part[1]) - part[0], melody, song), start + 1)
    top = highest(start, notes["pitch"])
    start, end, token = start[top], end[top], FIRST_NOTE + notes["pitch"][top] - melody.lowest_pitch
    for piece, first, steps in pieces(melody, start, end):
        tokens = line(start[piece] - first, end[piece] - first, token[piece], steps)
        found = without_leading_offs(_along_bars(melody, tokens))
        starts = first + steps_per_bar(melody) * np.arange(len(found))
        yield melody.with_rows(found, conditions(starts[:, None] + np.arange(melody.steps)))


Conditions = Callable[[np.ndarray], np.ndarray | None]


def _conditions(melody, song: Score, kept: list[Track], part: tuple[int, int]) -> Conditions | None:
    """The conditions in a part: from steps [n, steps] to rows [n, rows - 1, steps]; None where the original infers
    nothing.

    Chords and keys are inferred from the notes that the settings let in. Key signatures count only where the key is the
    only condition. After the last note its chord goes on.
    """
    if melody.rows == 1:
        return lambda steps: None
    start, end = part
    last = max((int(notes["end"].max()) for t in song.tracks if len(notes := within(t.notes, part))), default=start)
    signed = not melody.chords and any(signature.tick < end for signature in song.key_signatures)
    found = None if signed else of_part(kept, start, min(last, end), song)
    if found is None and not signed:
        return None
    final = _last_step(melody, song, kept, part, min(last, end))

    def conditions(steps: np.ndarray) -> np.ndarray:
        ticks, sounding = (
            start + at * song.ticks_per_quarter // melody.steps_per_quarter for at in (steps, np.minimum(steps, final))
        )
        keys = signed_keys(song, ticks, by_tonic=True) if signed else found.at(ticks)[1]
        return np.moveaxis(melody.condition_rows(None if signed else found.at(sounding)[0], keys), 0, 1)

    return conditions


def _last_step(melody, song: Score, kept: list[Track], part: tuple[int, int], last: int) -> int:
    """The last step of a part in which something sounds: before tick `last`, or where rounding moves a note to."""
    notes = within(np.concatenate([track.notes for track in kept]), part)
    starts, ends = (
        nearest_step(ticks - part[0], melody, song) for ticks in (notes["start"], np.minimum(notes["end"], last))
    )
    total = nearest_step(np.array(last - part[0]), melody, song)
    return int(max(total, ends.max(initial=0), starts.max(initial=0) + 1)) - 1


def _drum_windows(drums, song: Score, notes: np.ndarray, part: tuple[int, int]) -> Iterator[np.ndarray]:
    """The windows of each beat between two ticks, [n, classes, steps]."""
    notes = within(notes, part)
    notes = notes.take(notes["start"].argsort(kind="stable"))
    start, drum = nearest_step(notes["start"] - part[0], drums, song), drums.drums.known[notes["pitch"]]
    for piece, first, steps in pieces(drums, start, start + 1):
        roll = np.zeros((steps, drums.classes), np.uint8)
        roll[start[piece] - first, drum[piece]] = 1
        yield _along_bars(drums, roll).swapaxes(1, 2)
