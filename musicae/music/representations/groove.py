"""Grooves: drums as they are played, with how loud and how early or late each hit is, as in GrooVAE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.music.formats.reading import read
from musicae.music.representations.base import Bars
from musicae.music.representations.beats import as_drums, beats
from musicae.music.representations.drums import drum_part, unknown_keys, without_lengths
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.kits import KITS, Kit, kit
from musicae.music.representations.one_part import OnePart
from musicae.music.representations.planes import (
    DRUMS,
    LOUDEST,
    hit_metrics,
    loudest,
    offsets,
    onsets,
    performance,
    thirds,
)
from musicae.music.representations.report import sentences
from musicae.music.representations.tracks import merged, sounding, title
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Score, Track

FINE = 480  # ticks a quarter at least: of the files that are written
TEMPO = 120  # BPM at which an error of timing is also given in milliseconds


@dataclass(frozen=True)
class Groove(OnePart):
    """Three planes of nine drums: which are hit in each step, how loud, and how far from the grid.

    An array is float32 [27, total_steps], a window float32 [27, steps]. In step t of drum d:

    * row d: 1 if it is hit, else 0;
    * row 9 + d: velocity / 127;
    * row 18 + d: `2 · (grid time − onset) / step`, in −1..1: 1 is half a step early, −1 half a step late.

    Where nothing is hit, all three are 0. Of several hits of a drum in a step the loudest is kept. A window does not
    know the tempo. What is written lasts a step at most, begins at tick 0 or later, and nearest to its own step.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        kit: which keys are which drum: "reduced", that of nine drums in General MIDI, or "roland", that of the V-Drums
            on which the Groove MIDI Dataset was played.
        precise: whether a network is charged for how hits are played where there are hits, by the distance
            (`musicae.core.likelihoods.HVOLaplace`), or everywhere, squared, as GrooVAE's.
        condition_on_hits: whether a model is conditioned on the hits, and only has to play them.
        hop_bars: strict only: bars from one window to the next; 0 for the length of a window.
        strict: make windows exactly as GrooVAE does (see `extraction.magenta.groove_windows`), and play the hits that a
            network chose, whatever hits it is conditioned on.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype: ClassVar[type] = np.float32
    has_microtiming: ClassVar[bool] = True
    kits: ClassVar[dict[str, Kit]] = {"reduced": KITS["new"], "roland": KITS["roland"]}

    kit: str = "reduced"
    precise: bool = False
    condition_on_hits: bool = False
    hop_bars: Bars = 0
    strict: bool = False

    def __post_init__(self):
        super().__post_init__()
        kit(self.kit, self.kits)

    @property
    def drums(self) -> Kit:
        """The keys of each drum."""
        return kit(self.kit, self.kits)

    @property
    def conditioning(self) -> Conditioning:
        """Which of the nine drums are hit, or nothing."""
        return Conditioning(("hits",) * self.condition_on_hits, DRUMS * self.condition_on_hits, per_step=True)

    @property
    def instruments(self) -> tuple[Track, ...]:
        """A track on channel 10."""
        return (Track(is_drum=True, name="Drums"),)

    @property
    def shape(self) -> tuple[int, ...]:
        """(27, steps)."""
        return (3 * DRUMS, self.steps)

    @property
    def example_spec(self) -> ExampleSpec:
        """Nine switches in each step, each with a level and a shift."""
        return ExampleSpec("hvo_laplace" if self.precise else "hvo", 3 * DRUMS, (self.steps,))

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Windows [n, 27, steps] as they are; and, as a condition, the hits, float32 [n, steps, 9]."""
        hits = np.ascontiguousarray(windows[:, :DRUMS].swapaxes(1, 2), np.float32)
        return windows, hits if self.condition_on_hits else None

    @property
    def restores_known(self) -> bool:
        """See `Representation.restores_known`: where hits are kept to the distance."""
        return self.precise

    def enforce_condition(self, x: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """Performances [n, 27, steps] of the hits in the condition [n, steps, 9], and of no others.

        Where there are none at all in it, those stay that the network chose; and in strict mode, for the original
        plays what its network chose whatever it is conditioned on.
        """
        if self.strict or condition is None or not condition.any():
            return x
        return np.concatenate([condition.swapaxes(1, 2), x[:, DRUMS:]], 1)

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows float32 [n, 27, steps]: hits above one half; velocities and offsets only where there are hits."""
        hits, velocity, offset = thirds(x)
        hit = hits > 0.5
        marks = np.clip(velocity, 0, 1), np.clip(offset, -1, 1)
        return np.concatenate([hit, *(np.where(hit, mark, 0) for mark in marks)], 1, dtype=np.float32)

    def with_condition(self, excerpt: Excerpt, *, before: int = 0, **conditions: Any) -> Excerpt:
        """See `Representation.with_condition`: the excerpt of a song with these hits."""
        song = read(conditions["hits"])
        played = self.extract(song)
        sentence = f"plays the hits of {title(song)}: {'; '.join((*song.changes, *played.report))}"
        return replace(played, report=(*excerpt.report, sentence))

    def select_track(self, song: Score, track: int | str | None) -> tuple[Track, str]:
        """The track that is asked for, or all of drums together, or, where there are none, all tracks together."""
        if track is not None or any(song.tracks[i].is_drum for i in sounding(song)) or beats(song):
            return drum_part(song, track)
        part, sentence = merged(song, sounding(song), "sounding")
        taps = part.notes.copy()
        taps["pitch"] = self.drums.written[self.drums.nearest[taps["pitch"]]]  # nobody meant drums by these keys
        part = without_lengths(as_drums(replace(part, notes=taps)))
        return part, f"{sentence} as drums: none is on channel 10"

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """See `Representation.extract`; in ticks fine enough for what is written."""
        unit = song.ticks_per_quarter
        return super().extract(song.resample(unit * -(-FINE // unit)), track, bars)

    def untrainable(self, song: Score, track: int | str | None) -> str:
        """See `Representation.untrainable`: a song without drums, which nobody played on drums, unless a track is
        named."""
        drums = any(song.tracks[i].is_drum for i in sounding(song)) or beats(song)
        return (
            ""
            if drums or track is not None
            else "no drums (channel 10): was this tapped on other keys? try musicae.groove tap"
        )

    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """A NOTE array as planes float32 [27, total_steps], and what was changed on the way."""
        step = grid.steps(notes["start"])
        notes, step = (values[(step >= 0) & (step < grid.total_steps)] for values in (notes, step))
        drum = self.drums.nearest[notes["pitch"]]
        kept = loudest(step, drum, notes["velocity"])
        offset = offsets(notes["start"][kept], step[kept], grid)
        array = performance(step[kept], drum[kept], notes["velocity"][kept], offset, grid.total_steps)
        changes = sentences((len(notes) - len(kept), "hit", "left out beside a louder one of the same drum and step"))
        return array, unknown_keys(self.drums, notes["pitch"]) + changes

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The hits of planes [27, total_steps], a step long, each as the first key of its drum."""
        step, drum = np.nonzero(array[:DRUMS].T > 0.5)
        return step, step + 1, self.drums.written[drum]

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """One track: every hit as loud, early or late as it is in planes [27, total_steps]."""
        hits, velocity, offset = (rows.T for rows in thirds(array))
        hit, grid = hits > 0.5, excerpt.grid
        step, end, pitch = self.decode(array)
        notes = np.zeros(len(step), NOTE)
        notes["start"] = np.maximum(onsets(step, offset[hit], grid) - grid.bar_ticks[0], 0)
        notes["end"] = notes["start"] + grid.ticks(end) - grid.ticks(step)
        notes["pitch"] = pitch
        notes["velocity"] = np.clip(np.round(velocity[hit] * LOUDEST), 1, LOUDEST)
        return (replace(excerpt.track, notes=tidy(notes)),)

    def loudness(self, excerpt: Excerpt) -> tuple[()]:
        """See `Representation.loudness`."""
        return ()

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Which drums are hit in windows [n, 27, steps]: bool [n, steps, 9]."""
        return windows[:, :DRUMS].swapaxes(1, 2) > 0.5

    def compared(self, windows: np.ndarray) -> np.ndarray:
        """Which drums are hit in windows [n, 27, steps], however loud or late: bool [n, 9, steps]."""
        return windows[:, :DRUMS] > 0.5

    def lateness(self, array: np.ndarray) -> np.ndarray:
        """See `Representation.lateness`."""
        hits, _, offset = (rows.T for rows in thirds(array))
        return -offset[hits > 0.5].astype(float) / 2

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """See `Representation.part_view`."""
        return windows.reshape(len(windows), 3, DRUMS, self.steps).swapaxes(1, 2)

    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """The same windows: drums have no key."""
        return windows

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """How well it is played, besides `hit_precision` and `hit_recall` (see `planes.hit_metrics`).

        Over the hits that are in both, the means of

        * `timing_error_steps`: |difference of offsets| / 2, in steps;
        * `timing_error_ms`: the same in milliseconds at 120 BPM;
        * `velocity_error`: |difference of velocities|, as a share of 127.
        """
        (hits, *marks), (true_hits, *true_marks) = thirds(windows), thirds(truth)
        both = (hits > 0.5) & (true_hits > 0.5)
        errors = (np.abs(a[both] - b[both]) for a, b in zip(marks, true_marks, strict=True))
        velocity, offset = (float(values.sum(dtype=float)) for values in errors)
        milliseconds = 60_000 / (TEMPO * self.steps_per_quarter)  # a step
        number = float(both.sum())
        return {
            **hit_metrics(hits > 0.5, true_hits > 0.5),
            "timing_error_steps": (offset / 2, number),
            "timing_error_ms": (offset / 2 * milliseconds, number),
            "velocity_error": (velocity, number),
        }
