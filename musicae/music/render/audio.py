"""From notes to sound: a song as a WAV file, by midirenderer with the soundfont of pretty_midi."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from musicae.errors import Error
from musicae.music.formats import midi
from musicae.music.score.controls import VOLUME
from musicae.music.score.score import Score, TimeSignature, Track
from musicae.music.score.sustain import sustained

RATE = 48_000  # frames a second, the only rate of midirenderer
SMALL_RATE = 22_050
TAIL = 2.0  # seconds for the last notes to die away
LONGEST = 1200.0  # seconds that are rendered; 1200 take 230 MB
_PEAK = 10 ** (-1 / 20) * 32767  # -1 dB
_PART = 30.0  # seconds that are rendered at once, to bound the renderer's memory
_LONGEST_NOTE = 120.0
_FADE = 0.25
_VOLUMES = 100, 50, 25, 12, 6, 3  # MIDI channel volumes, tried until nothing is clipped


def render(
    song: Score, soundfont: str | Path | None = None, small: bool = False, seconds: float | None = None
) -> bytes:
    """The sound of `song` as a 16-bit WAV file, two seconds longer than the song, its peak at -1 dB.

    Equal songs and soundfonts give equal bytes. A note sounds for at most two minutes.

    Args:
        song: the song.
        soundfont: an .sf2 file; None for the one that the variable SOUNDFONT names, else pretty_midi's.
        small: mono at 22.05 kHz (44 kB a second) instead of stereo at 48 kHz (192 kB a second).
        seconds: stop after so many.

    Raises:
        Error: there is no such soundfont, it is damaged, or the song is longer than 20 minutes and `seconds`
            does not stop it before.
    """
    length = sustained(song)[0].seconds + TAIL
    length = length if seconds is None else min(length, seconds)
    if length > LONGEST + TAIL:
        raise Error(f"the song lasts {clock(song.seconds)}; at most {clock(LONGEST)} are rendered: choose fewer bars")
    sound = _mixed(song.resample(480), find_soundfont(soundfont), round(length * RATE))
    rate = SMALL_RATE if small else RATE
    sound = _smaller(sound) if small else sound
    return _wave(_finished(sound, rate), rate)


def left_out(song: Score, seconds: float) -> str:
    """A sentence on what is missing of the sound of a song that stops after so many seconds; empty if nothing is."""
    return f"the sound stops after {clock(seconds)} of {clock(song.seconds)}" if song.seconds > seconds else ""


def clock(seconds: float) -> str:
    """A duration in minutes and seconds: `3:07`."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"


def find_soundfont(soundfont: str | Path | None = None) -> Path:
    """The soundfont to render with: the one named, else that of the variable SOUNDFONT, else pretty_midi's.

    Raises:
        Error: there is no such file, or it is not a soundfont.
    """
    path = Path(soundfont or os.environ.get("SOUNDFONT") or _shipped_soundfont())
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise Error(f"soundfont {path} cannot be opened: {error.strerror}") from None
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise Error(f"{path} is not a soundfont: choose an .sf2 file with --soundfont or SOUNDFONT")
    return path


def _shipped_soundfont() -> Path:
    package = find_spec("pretty_midi")
    if package is None or package.origin is None:
        raise Error("no soundfont: install pretty_midi, which has one, or choose one with --soundfont")
    return Path(package.origin).parent / "TimGM6mb.sf2"


# Rendering ----------------------------------------------------------------------------------------


def _mixed(song: Score, soundfont: Path, frames: int) -> np.ndarray:
    """The sound at the highest volume that is not clipped; int16 [frames, 2]."""
    font = soundfont.read_bytes()
    try:
        for volume in _VOLUMES:
            sound = np.zeros((frames, 2), np.int16)
            if not _mix_parts(sound, song, font, volume):
                break
    except (RuntimeError, ValueError) as error:  # midirenderer's
        raise Error(f"nothing can be rendered with the soundfont {soundfont}: {error}") from None
    return sound


def _mix_parts(sound: np.ndarray, song: Score, font: bytes, volume: int) -> bool:
    """Adds every part of the song to `sound`; whether anything was clipped."""
    for first, part in _parts(song):
        start = round(first * RATE)
        if start >= len(sound):
            break
        wave = _rendered(part, font, volume)[: len(sound) - start]
        mixed = sound[start : start + len(wave)] + wave.astype(np.int32)
        if max(mixed.max(initial=0), -mixed.min(initial=0)) >= 32767:
            np.clip(mixed, -32768, 32767, out=mixed)
            sound[start : start + len(wave)] = mixed
            return True
        sound[start : start + len(wave)] = mixed
    return False


def _parts(song: Score) -> Iterator[tuple[float, Score]]:
    """(second at which it begins, song) of the notes that begin in each half minute, whole."""
    starts = np.sort(np.concatenate([np.zeros(0, np.int64), *(track.notes["start"] for track in song.tracks)]))
    part_of = np.floor(song.tick_to_seconds(starts) / _PART)
    firsts = starts[np.flatnonzero(np.diff(part_of, prepend=-1))].tolist()
    for first, until in zip(firsts, [*firsts, song.end + 1][1:], strict=True):
        yield float(song.tick_to_seconds(first)), _part(song, first, until)


def _part(song: Score, first: int, until: int) -> Score:
    """The notes that begin in ticks `first` <= t < `until`, moved to 0, with the tempos there."""
    part = song.slice(first, sustained(song)[0].end + 1)
    tracks = tuple(replace(track, notes=track.notes[track.notes["start"] < until - first]) for track in part.tracks)
    part = replace(part, tracks=tracks, time_signatures=(TimeSignature(0, 1, 4),))
    end = sustained(part)[0].end
    return replace(part, tempos=tuple(tempo for tempo in part.tempos if tempo.tick <= end))


def _rendered(part: Score, font: bytes, volume: int) -> np.ndarray:
    """int16 [frames, 2], until every note has died away."""
    import midirenderer

    wave = midirenderer.render_wave_from(font, _midi(part, _PART + _LONGEST_NOTE, volume))
    return np.frombuffer(wave, "<i2", offset=44).reshape(-1, 2)


def _midi(part: Score, seconds: float, volume: int) -> bytes:
    """A MIDI file of the first `seconds` of the part, that lasts until its notes have died away."""
    end = sustained(part)[0].end
    if part.tick_to_seconds(end) > seconds:
        end = _tick_at(part, seconds, end)
        part = part.slice(0, end)
        part = replace(part, tempos=tuple(tempo for tempo in part.tempos if tempo.tick <= end))
    quarters = 2 * TAIL * part.tempos[-1].quarters_per_minute / 60
    last = end + int(480 * quarters)
    tracks = tuple(_softened(track.within(0, last), volume / _VOLUMES[0]) for track in part.tracks)
    part = replace(part, tracks=tracks, texts=())
    return _with_track(midi.write(part), _controls(last, volume))


def _softened(track: Track, share: float) -> Track:
    """A track with so much of its volume, as MIDI counts it."""
    controls = track.controls.copy()
    loud = controls["number"] == VOLUME
    controls["value"][loud] = np.round(controls["value"][loud] * share)
    return replace(track, controls=controls)


def _tick_at(song: Score, seconds: float, end: int) -> int:
    """The last tick up to `end` that is not after `seconds`, by bisection."""
    low, high = 0, end
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if song.tick_to_seconds(middle) <= seconds else (low, middle - 1)
    return low


def _controls(end: int, volume: int) -> bytes:
    """The events of a track that sets the volume of every channel and lasts until the tick `end`.

    The renderer stops at the last event of a file: this is what lets the last notes die away.
    """
    volumes = b"".join(bytes([0, 0xB0 | channel, 7, volume]) for channel in range(16))
    delta = [0x80 | end >> shift & 0x7F for shift in (21, 14, 7)] + [end & 0x7F]
    return volumes + bytes(delta) + b"\xff\x2f\x00"


def _with_track(data: bytes, events: bytes) -> bytes:
    """A MIDI file with another track, before all others."""
    count = int.from_bytes(data[10:12]) + 1
    track = b"MTrk" + len(events).to_bytes(4) + events
    return data[:10] + count.to_bytes(2) + data[12:14] + track + data[14:]


# Finishing ----------------------------------------------------------------------------------------


def _smaller(sound: np.ndarray) -> np.ndarray:
    """Mono at 22.05 kHz; float32 [frames, 1].

    Each second is resampled by its spectrum, together with a tenth of a second on both sides that is cut off.
    """
    margin, seconds = RATE // 10, -(-len(sound) // RATE)
    mono = np.zeros(seconds * RATE + 2 * margin, np.float32)
    mono[margin : margin + len(sound)] = sound.mean(axis=1, dtype=np.float32)
    blocks = np.lib.stride_tricks.sliding_window_view(mono, RATE + 2 * margin)[::RATE]
    small = np.concatenate([_resampled(block) for block in blocks])
    return small[: round(len(sound) * SMALL_RATE / RATE), None]


def _resampled(block: np.ndarray) -> np.ndarray:
    """The middle second of 1.2 seconds, with what is above 10.5 kHz faded out."""
    length = len(block) * SMALL_RATE // RATE
    spectrum = np.fft.rfft(block)[: length // 2 + 1]
    spectrum[-length // 40 :] *= np.linspace(1, 0, len(spectrum[-length // 40 :]))
    block = np.fft.irfft(spectrum, length) * (SMALL_RATE / RATE)
    return block[length // 12 : length // 12 + SMALL_RATE].astype(np.float32)


def _finished(sound: np.ndarray, rate: int) -> np.ndarray:
    """`sound` with its peak at -1 dB and a short fade at its end; int16."""
    peak = max(float(sound.max(initial=0)), -float(sound.min(initial=0)), 1.0)
    np.multiply(sound, _PEAK / peak, out=sound, casting="unsafe")
    fade = sound[-round(_FADE * rate) :]
    np.multiply(fade, np.linspace(1, 0, len(fade))[:, None], out=fade, casting="unsafe")
    return sound.astype("<i2", copy=False)


def _wave(sound: np.ndarray, rate: int) -> bytes:
    """A WAV file of 16-bit samples [frames, channels]."""
    channels = sound.shape[1]
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + sound.nbytes, b"WAVE")
    return b"".join([head, form, struct.pack("<4sI", b"data", sound.nbytes), memoryview(np.ascontiguousarray(sound))])
