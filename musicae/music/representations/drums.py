"""Drums: which drums of a kit are hit in each step, as in MusicVAE, for any length and any metre."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from musicae.core.example_spec import ExampleSpec
from musicae.errors import ConfigError
from musicae.music.representations.base import Bars
from musicae.music.representations.beats import as_drums, beats
from musicae.music.representations.kits import KITS, NINE, Kit, kit
from musicae.music.representations.one_part import OnePart
from musicae.music.representations.planes import hit_metrics
from musicae.music.representations.report import counted, sentences
from musicae.music.representations.tracks import describe, drum_tracks, merged, requested, sounding
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track


@dataclass(frozen=True)
class Drums(OnePart):
    """A plane of zeros and ones: drum d is hit in step t.

    An array is uint8 [classes, total_steps], a window uint8 [classes, steps]. A hit has no length; what is written
    lasts a step. A network reads either the plane itself, or, with `labels`, one number a step: the sum of 2^d over the
    drums that are hit, 0 to 511.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        classes: 9 drums (kick, snare, closed and open hi-hat, low, mid and high tom, crash, ride), or the 61 of
            General MIDI 2, one for each key.
        kit: of 9 drums, which keys are which drum: "new", or "old" as MusicVAE had it before 2019-04-24, when its
            published models of drums and trios were trained (then 43 was a high tom and 52 a ride, and 22 and 26,
            the edge of the hi-hat on V-Drums, were none).
        labels: show a network one of 512 numbers a step; of 9 drums only.
        strict: make windows exactly as MusicVAE does (see `extraction.magenta.drum_windows`).
        gap_bars: strict only: a beat ends where so many bars are silent; 0 for never.
        max_bars: strict only: a beat is cut off after so many bars.

    Raises:
        ConfigError: a setting that cannot work.
    """

    kits: ClassVar[dict[str, Kit]] = {"new": KITS["new"], "old": KITS["old"]}

    classes: int = 9
    kit: str = "new"
    labels: bool = False
    strict: bool = False
    gap_bars: Bars = 1
    max_bars: Bars = 100

    def __post_init__(self):
        super().__post_init__()
        if self.classes not in (9, 61):
            raise ConfigError(f"{self.classes} classes of drums: there are kits of 9 and of 61")
        if self.classes == 61 and (self.labels or self.kit != "new"):
            raise ConfigError("61 classes of drums have one kit, and too many combinations for labels: leave both out")
        kit(self.kit, self.kits)

    @property
    def drums(self) -> Kit:
        """The keys of each drum."""
        return KITS["full"] if self.classes == 61 else kit(self.kit, self.kits)

    @property
    def instruments(self) -> tuple[Track, ...]:
        """A track on channel 10."""
        return (Track(is_drum=True, name="Drums"),)

    @property
    def shape(self) -> tuple[int, ...]:
        """(classes, steps)."""
        return (self.classes, self.steps)

    @property
    def example_spec(self) -> ExampleSpec:
        """One of 512 combinations in each step, or each drum hit or not; silence is marked apart for an encoder."""
        if self.labels:
            return ExampleSpec("categorical", 2**self.classes, (self.steps,), silence=True)
        return ExampleSpec("bernoulli", self.classes, (self.steps,), silence=True)

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, None]:
        """Windows [n, classes, steps] as they are, or as labels int64 [n, steps]."""
        if not self.labels:
            return windows, None
        return np.tensordot(windows.astype(np.int64), 1 << np.arange(self.classes), (1, 0)), None

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows uint8 [n, classes, steps] of values above one half, or of labels int [n, steps]."""
        if not self.labels:
            return (x > 0.5).astype(np.uint8)
        return (x[:, None, :].astype(np.int64) >> np.arange(self.classes)[:, None] & 1).astype(np.uint8)

    def select_track(self, song: Score, track: int | str | None) -> tuple[Track, str]:
        """The track of drums that is asked for, or all of them together."""
        return drum_part(song, track)

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """A NOTE array as a plane uint8 [classes, total_steps], and what was changed on the way."""
        step = grid.steps(notes["start"])
        notes, step = (values[(step >= 0) & (step < grid.total_steps)] for values in (notes, step))
        array = np.zeros((self.classes, grid.total_steps), np.uint8)
        array[self.drums.nearest[notes["pitch"]], step] = 1
        changes = sentences(
            (int(np.sum(grid.ticks(step) != notes["start"])), "hit", "moved to the grid"),
            (len(notes) - int(array.sum()), "hit", "merged with one of the same drum and step"),
        )
        return array, unknown_keys(self.drums, notes["pitch"]) + changes

    def held_as(self, pitches: np.ndarray) -> np.ndarray:
        """See `Representation.held_as`: the keys of the drums that they are played as."""
        return self.drums.written[self.drums.nearest[pitches]]

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The hits of a plane [classes, total_steps], a step long, each as the first key of its drum."""
        step, drum = np.nonzero(array.T)
        return step, step + 1, self.drums.written[drum]

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where drums are hit in windows [n, classes, steps]: bool [n, steps, classes]."""
        return windows.swapaxes(1, 2) > 0

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.part_view`."""
        return windows

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """The same windows: drums have no key."""
        return windows

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """`hit_precision` and `hit_recall`: see `planes.hit_metrics`."""
        return hit_metrics(windows > 0, truth > 0)


def drum_part(song: Score, track: int | str | None) -> tuple[Track, str]:
    """The track that is asked for, as drums, or all drums as one, and a sentence that says so.

    Where no drums are on channel 10, those are taken that look like drums.

    Raises:
        NoWindows: there are no drums.
    """
    if track is not None:
        index, why = requested(song, track, sounding)
        part, sentence = song.tracks[index], f"took {describe(song, index)} ({why})"
    elif not any(one.is_drum and len(one.notes) for one in song.tracks) and (found := beats(song)):
        part, sentence = merged(song, found, "drum")
        sentence += " as drums: not on channel 10, but it looks like drums"
    else:
        part, sentence = merged(song, drum_tracks(song), "drum")
    return without_lengths(as_drums(part)), sentence


def without_lengths(track: Track) -> Track:
    """A track of hits one tick long: what rings on reaches no further bar."""
    notes = track.notes.copy()
    notes["end"] = notes["start"] + 1
    return replace(track, notes=notes)


EXAMPLES = 4  # keys that are named


def unknown_keys(drums: Kit, pitches: np.ndarray) -> list[str]:
    """A sentence on keys [notes] that are no drum of a kit: which ones, how often, and what they are played as."""
    keys, counts = np.unique(pitches[drums.known[pitches] < 0], return_counts=True)
    if not len(keys):
        return []
    most = keys[np.argsort(-counts, kind="stable")][:EXAMPLES].tolist()
    like = ", ".join(f"{key} as {drums.written[drums.nearest[key]]}{_named(drums, key)}" for key in most)
    rest = ", ..." if len(keys) > EXAMPLES else ""
    return [f"{counted(int(counts.sum()), 'hit')} on keys that this kit lacks played as the nearest: {like}{rest}"]


def _named(drums: Kit, key: int) -> str:
    """The drum of a key by name, where the kit has names."""
    return f" ({NINE[drums.nearest[key]]})" if len(drums) == len(NINE) else ""
