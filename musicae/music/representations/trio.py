"""Trios: a melody, a bass and drums together, as in MusicVAE, for any length and any metre."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from musicae.core.example_spec import ExampleSpec
from musicae.music.representations.arrays import slices
from musicae.music.representations.base import Bars, Representation, Steps
from musicae.music.representations.beats import beats
from musicae.music.representations.drums import Drums, drum_part
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.likeness import BASS_PROGRAMS
from musicae.music.representations.loudness import Loudness
from musicae.music.representations.melody import Melody
from musicae.music.representations.tokens import HOLD, OFF, canonical
from musicae.music.representations.tracks import describe, melody_track, requested, sounding, title
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track

NAMES = MELODY, BASS, DRUMS = "melody", "bass", "drums"
BASS_NAMES = re.compile(r"(?<![a-z])((contra|kontra|double)?bass|basso|basse|bajo)(?![a-z])")
HIGHEST_BASS = 60  # C4, of the mean pitch


@dataclass(frozen=True)
class Trio(Representation):
    """Three rows: tokens of a melody, tokens of a bass (both as in `Melody`), and combinations of nine drums.

    A combination is the sum of 2^d over the drums that are hit (see `Drums`), 0 to 511. An array is int16
    [3, total_steps], a window int16 [3, steps].

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        kit: which keys are which drum, "new" or "old" (see `Drums`).
        multi_hot_drums: whether a network reads nine drums that are hit or not in place of their combinations.
        strict: make windows exactly as MusicVAE does (see `extraction.magenta_trio`). Then a note held into a window is
            lost when windows are joined.
        gap_bars: strict only: for how many bars a part may be silent.
        max_bars: strict only: a song is cut off after so many bars.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype = np.int16
    nothing_to_train_on = "its three parts are never in one window"

    steps: Steps = 256
    kit: str = "new"
    multi_hot_drums: bool = False
    strict: bool = False
    gap_bars: Bars = 2
    max_bars: Bars = 1024

    def __post_init__(self):
        super().__post_init__()
        self.kinds[2].__post_init__()

    @cached_property
    def kinds(self) -> tuple[Melody, Melody, Drums]:
        """The representation of each part."""
        common = {"steps": self.steps, "steps_per_quarter": self.steps_per_quarter, "strict": self.strict}
        return Melody(**common), Melody(**common), Drums(kit=self.kit, labels=True, **common)

    @property
    def instruments(self) -> tuple[Track, ...]:
        """A piano, an electric bass and drums."""
        return Track(name="Melody"), Track(program=33, name="Bass"), Track(is_drum=True, name="Drums")

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, steps)."""
        return (3, self.steps)

    @property
    def example_spec(self) -> ExampleSpec:
        """In each step a token of the melody, one of the bass, and a combination of drums."""
        classes = tuple(kind.example_spec.channels for kind in self.kinds)
        return ExampleSpec("categorical", classes, (self.steps,), bitmask_streams=(2,) if self.multi_hot_drums else ())

    # Parts and excerpts --------------------------------------------------------------------------

    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """Melody (or the track that is asked for), bass and all drums of a song; silent ones for what it lacks.

        The bass is the track with a bass program (32 to 39); without one the one that is called bass; of several the
        one with the most notes. The melody is, of the other tracks, the one that `tracks.melody_track` picks. If there
        is no bass yet, it is the lowest of the others, if that lies below the melody and below C4 on average.
        """
        sounding(song)
        index, asked = (None, "") if track is None else requested(song, track)
        chosen = _pitched_parts(song, index, asked)
        taken = [f"took {describe(song, i)} as {part} ({why})" for part, (i, why) in chosen.items()]
        tracks = dict(zip(NAMES, self.instruments, strict=True)) | {p: song.tracks[i] for p, (i, _) in chosen.items()}
        if any(one.is_drum and len(one.notes) for one in song.tracks) or set(beats(song)) - {index}:
            tracks[DRUMS], sentence = drum_part(song, None)
            taken.append(sentence + " as drums" * sentence.startswith("took track") * ("as drums" not in sentence))
        missing = _silent(tracks.values())
        return tuple(tracks.values()), "; ".join(
            taken + [f"no {' and no '.join(missing)}: left silent"] * bool(missing)
        )

    def untrainable(self, song: Score, track: int | str | None) -> str:
        """See `Representation.untrainable`: a song that lacks one of the parts."""
        if not any(len(one.notes) for one in song.tracks):
            return ""
        missing = _silent(self.parts(song, track)[0])
        return f"{title(song)}: no {' and no '.join(missing)}" if missing else ""

    def worth_training(self, windows: np.ndarray) -> np.ndarray:
        """Which windows [n, 3, steps] all three parts play in: bool [n]."""
        return self._has_onset(windows).all(axis=0)

    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes of the three parts that begin on the grid, and what was changed on the way."""
        found = [kind.encode(one.notes, grid) for kind, one in zip(self.kinds, tracks, strict=True)]
        changes = [f"{name}: {change}" for name, (_, some) in zip(NAMES, found, strict=True) for change in some]
        return self._stack([array for array, _ in found]), changes

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of an array: first step, step after the last, pitch plus 0, 128 or 256 for the part."""
        found = [kind.decode(part) for kind, part in self._split(array)]
        start, end, pitch = (np.concatenate(columns) for columns in zip(*found, strict=True))
        return start, end, pitch + 128 * np.repeat(np.arange(3), [len(one) for one, _, _ in found])

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """See `Representation.tracks`; those of the parts that a song lacks are a piano, an electric bass, drums."""
        loudness = excerpt.loudness or self.loudness(excerpt)
        parts = zip(self._split(array), excerpt.tracks, loudness, strict=True)
        return tuple(
            kind.tracks(part, replace(excerpt, tracks=(one,), loudness=(its,)))[0] for (kind, part), one, its in parts
        )

    def loudness(self, excerpt: Excerpt) -> tuple[Loudness, ...]:
        """See `Representation.loudness`."""
        parts = zip(self._split(excerpt.array), excerpt.tracks, strict=True)
        return tuple(kind.loudness(replace(excerpt, array=part, tracks=(one,)))[0] for (kind, part), one in parts)

    # Windows -------------------------------------------------------------------------------------

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, 3, steps] of an array that begin at `starts` [n]; silence beyond the end."""
        if self.strict:
            return slices(_unbroken(array).T, starts, self.steps).swapaxes(1, 2)
        return self._stack([kind.take(part, starts) for kind, part in self._split(array)])

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The array of which each window [n, 3, steps] holds its first `lengths` [n] steps; undoes `cut`."""
        return self._stack([kind.join(part, lengths) for kind, part in self._split(windows)])

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in any part of each window [n, 3, steps]: bool [n]."""
        return self._has_onset(windows).any(axis=0)

    def faults(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.faults`, of the melody or the bass."""
        return np.logical_or(*(kind.faults(windows[:, i]) for i, kind in enumerate(self.kinds[:2])))

    def repaired(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.repaired`, of each part."""
        return self._stack([kind.repaired(part) for kind, part in self._split(windows)])

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, 3, steps]: bool [n, steps, pitches of the melody, of the bass, drums]."""
        return np.concatenate([kind.onsets(part) for kind, part in self._split(windows)], axis=2)

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """`melody_accuracy`, `bass_accuracy`, `drums_accuracy`: the share of the steps at which this part is right."""
        right = windows == truth
        return {f"{part}_accuracy": (float(right[:, i].sum()), right[:, i].size) for i, part in enumerate(NAMES)}

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.part_view`."""
        return windows

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows moved by `semitones` [n], melody and bass together, as far as both stay in the range; not drums."""
        both = windows[:, :2].reshape(len(windows), 2 * self.steps)
        moved = self.kinds[0].transpose(both, semitones).reshape(-1, 2, self.steps)
        return np.concatenate([moved.astype(self.dtype), windows[:, 2:]], axis=1)

    def in_pitches(self, windows: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """See `Representation.in_pitches`, of melody and bass."""
        both = windows[:, :2].reshape(-1, self.steps)
        found = self.kinds[0].in_pitches(both, allowed.repeat(2, 0)).reshape(-1, 2, self.steps)
        return np.concatenate([found.astype(self.dtype), windows[:, 2:]], axis=1)

    def _split(self, array: np.ndarray) -> list[tuple[Melody | Drums, np.ndarray]]:
        """Each part's representation, with its own array or windows of those of a trio [..., 3, steps]."""
        melody, bass, labels = (array[..., i, :] for i in range(3))
        drums = self.kinds[2].from_data(labels.reshape(-1, labels.shape[-1]))
        arrays = melody.astype(np.uint8), bass.astype(np.uint8), drums if array.ndim == 3 else drums[0]
        return list(zip(self.kinds, arrays, strict=True))

    def _stack(self, parts: list[np.ndarray]) -> np.ndarray:
        """Arrays or windows of the three parts as those of a trio: undoes `_split`."""
        melody, bass, drums = parts
        labels = self.kinds[2].to_data(drums.reshape(-1, *drums.shape[-2:]))[0]
        return np.stack([melody, bass, labels.reshape(melody.shape)], axis=-2).astype(self.dtype)

    def _has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each part of windows: bool [3, n]."""
        return np.stack([kind.has_onset(part) for kind, part in self._split(windows)])


def _pitched_parts(song: Score, melody: int | None, why: str) -> dict[str, tuple[int, str]]:
    """The tracks of the melody and of the bass, and why they were taken; without those that a song lacks.

    Args:
        song: the song.
        melody: the track of the melody, if one is asked for.
        why: it is taken.
    """
    percussion = beats(song)
    chosen = {} if melody is None else {MELODY: (melody, why)}
    free = [i for i, one in enumerate(song.tracks) if len(one.notes) and not one.is_drum]
    free = [i for i in free if i != melody and i not in percussion]
    programs = [i for i in free if song.tracks[i].program in BASS_PROGRAMS]
    named = [i for i in free if BASS_NAMES.search(song.tracks[i].name.lower())]
    if programs or named:
        busiest = max(programs or named, key=lambda i: len(song.tracks[i].notes))
        chosen[BASS] = busiest, "bass by program" if programs else "bass by name"
        free.remove(busiest)
    if melody is None and free:
        melody, why = melody_track(_only(song, free))
        chosen[MELODY] = melody, "the only other one" if len(free) == 1 and BASS in chosen else why
        free.remove(melody)
    if BASS not in chosen and free:
        lowest = min(free, key=lambda i: _height(song.tracks[i]))
        if _height(song.tracks[lowest]) < min(HIGHEST_BASS, _height(song.tracks[chosen[MELODY][0]])):
            chosen[BASS] = lowest, "the lowest of the others"
    return {part: chosen[part] for part in (MELODY, BASS) if part in chosen}


def _unbroken(array: np.ndarray) -> np.ndarray:
    """An array that begins without a note-off and ends with a silent step, from which strict windows are cut."""
    melody, bass = (canonical(np.append(row, OFF)) for row in array[:2])
    tokens = np.stack([melody, bass, np.append(array[2], 0)]).astype(array.dtype)
    tokens[:2, :1][tokens[:2, :1] == OFF] = HOLD
    return tokens


def _only(song: Score, indices: list[int]) -> Score:
    """A song with all other tracks silent."""
    tracks = (one if i in indices else Track(name=one.name) for i, one in enumerate(song.tracks))
    return replace(song, tracks=tuple(tracks))


def _height(track: Track) -> float:
    """The mean pitch of a track's notes."""
    return float(track.notes["pitch"].mean())


def _silent(tracks) -> list[str]:
    """The parts that have no notes."""
    return [name for name, one in zip(NAMES, tracks, strict=True) if not len(one.notes)]
