"""What all representations share: from a song to an array of steps, from an array to windows, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.configuration import Range, check
from musicae.core.example_spec import ExampleSpec
from musicae.errors import NoWindows
from musicae.music.representations.arrays import first_steps, placed, slices
from musicae.music.representations.bars import divisible, selected_bars, sounding_bars, words_left_out
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.loudness import Loudness
from musicae.music.representations.report import off_grid, sentences
from musicae.music.representations.tracks import title
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score, Track
from musicae.music.score.sustain import sustained

Plan = list[tuple[int, int]]
Steps = Annotated[int, Range(1, 2**13)]
StepsPerQuarter = Annotated[int, Range(1, 192)]
Bars = Annotated[int, Range(0, 10**6)]


@dataclass(frozen=True)
class Representation(ABC):
    """Notes to windows of steps, and back.

    An excerpt of a song is one array, shaped like a window but of any length. Windows [n, *shape] are cut out of it by
    a plan of (first step, length), and joined to an array again. What a network reads and writes is made of windows by
    `to_data`, and becomes windows by `from_data`.

    A new representation defines the members of the inverse pair, which come first and are all that is abstract. Of one
    part it is a `musicae.music.representations.one_part.OnePart`, which asks for still less. All other members have
    defaults for arrays that are 0 where nothing sounds, and whose windows mean the same wherever they stand.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype: ClassVar[type] = np.uint8  # of windows in memory and on disk
    time_axis: ClassVar[int] = -1  # of the steps in an array and in windows

    steps: Steps = 32
    steps_per_quarter: StepsPerQuarter = 4

    def __post_init__(self):
        check(self)

    # The inverse pair: tracks to an array, and an array to notes ------------------------------------

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of a window."""

    @property
    @abstractmethod
    def example_spec(self) -> ExampleSpec:
        """What a network reads and writes of a window (see `to_data`)."""

    @abstractmethod
    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """A track of the song for each part, and a sentence that says which were taken.

        Args:
            song: the song.
            track: as for `extract`; `musicae.music.representations.tracks` finds tracks.

        Raises:
            NoWindows: the song lacks what is needed.
            ConfigError: there is no such track.
        """

    @abstractmethod
    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes of each part that begin on the grid as one array of `grid.total_steps`, and what was changed on
        the way, a sentence each."""

    @abstractmethod
    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of an array: first step, step after the last, MIDI pitch; each int64 [notes].

        Any array means some notes, also what a network wrote. Of several parts, 128 times a part's number is added to
        its pitches: this tells notes apart, `tracks` makes music of them.
        """

    @abstractmethod
    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] moved by `semitones` [n], each only as far as all its notes stay in the range; drums
        stay."""

    # Parts: what plays ------------------------------------------------------------------------------

    @property
    def instruments(self) -> tuple[Track, ...]:
        """Silent tracks, one for each part: the programs that play what comes from no song."""
        return (Track(),)

    @property
    def has_pitches(self) -> bool:
        """Whether any part has pitched notes."""
        return any(not one.is_drum for one in self.instruments)

    @property
    def has_drums(self) -> bool:
        """Whether any part is drums."""
        return any(one.is_drum for one in self.instruments)

    def is_drum_part(self, part: np.ndarray) -> np.ndarray:
        """Which parts, by their numbers as in `decode`, are drums: bool, of the same shape."""
        return np.array([one.is_drum for one in self.instruments])[part]

    # Excerpts: from a song, and to tracks -----------------------------------------------------------

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """An excerpt of a song.

        Args:
            song: the song.
            track: a track's number in the file, counted from 1, or part of its name; None chooses.
            bars: first and last bar, counted from 1; None for those from the first note to the last.

        Raises:
            NoWindows: there are no notes of the kind there.
            ConfigError: there is no such track or bar.
        """
        song, held = sustained(divisible(song, self.steps_per_quarter))
        tracks, sentence = self.parts(song, track)
        whole = Grid.of(song, self.steps_per_quarter)
        grid, left_out = sounding_bars(whole, tracks) if bars is None else selected_bars(song, whole, bars)
        array, changes = self.encode_parts(tracks, grid)
        if bars and not len(self.decode(array)[0]):
            raise NoWindows(f"{title(song)}: no note begins in bars {bars[0]} to {bars[1]} ({sentence})")
        pedal = sentences((held, "note", "of the song lengthened by the pedal, as they sound"))
        words = words_left_out(song, grid)
        if any("moved to the grid" in change for change in changes):
            changes = [*changes, *off_grid(tracks, grid, self.steps_per_quarter)]
        return Excerpt(array, grid, song, tracks, (sentence, *left_out, *pedal, *words, *changes))

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """The tracks of an array on the grid of an excerpt, with its programs and names: see `rendering.render`.

        They are as loud as `excerpt.loudness`, or as the excerpt itself, unless an array says how loud its notes are.
        """
        start, end, pitch = self.decode(array)
        (loudness,) = excerpt.loudness or self.loudness(excerpt)
        notes = placed(start, end, pitch, loudness.at(start, pitch), excerpt.grid)
        return (replace(excerpt.track, notes=notes),)

    def loudness(self, excerpt: Excerpt) -> tuple[Loudness, ...]:
        """The loudness of each part of an excerpt; nothing where arrays say how loud their notes are."""
        start, _, pitch = self.decode(excerpt.array)
        notes, is_drum = excerpt.track.notes, excerpt.track.is_drum
        return (Loudness.of((start, pitch), notes, self.held_as(notes["pitch"]), excerpt.grid, is_drum),)

    def held_as(self, pitches: np.ndarray) -> np.ndarray:
        """The pitches that notes of a song have in an array, after all that is moved."""
        return pitches

    # Windows of an array ----------------------------------------------------------------------------

    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, *shape] of an array that begin at steps `starts` [n]; silence beyond its end."""
        windows = slices(np.moveaxis(array, self.time_axis, 0), starts, self.steps)
        return np.moveaxis(windows, 1, self.time_axis)

    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The array of which each window [n, *shape] holds its first `lengths` [n] steps; undoes `cut`."""
        return first_steps(windows, lengths, self.time_axis)

    def cut(self, array: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """An array in windows [n, *shape], and how many steps of each are its own, int64 [n].

        After a window's own steps comes what follows them in the array, and after its end silence.

        Args:
            array: of an excerpt.
            plan: (first step, length) of each window: `grid.windows(steps)` of this excerpt, or of another one on
                whose bars it is laid.
        """
        starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
        return self.take(array, starts), lengths

    def rejoin(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The own `lengths` [n] steps of windows as windows to measure: one of any length, [1, ...]."""
        return self.join(windows, lengths)[None]

    def along_bars(self, excerpt: Excerpt) -> np.ndarray:
        """The windows [n, *shape] of an excerpt that begin on a bar line and lie in it."""
        starts = excerpt.grid.bar_steps[:-1]
        starts = starts[(starts + self.steps <= excerpt.grid.total_steps) | (starts == 0)]
        return self.take(excerpt.array, starts)

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] part by part, a view [n, parts, ..., steps]: each drum, each player of a trio."""
        return windows[:, None]

    def in_pitches(self, windows: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] with each note outside the allowed MIDI pitches, bool [n, 128], moved by octaves between
        the lowest and the highest of them, then to the nearest; drums stay, and windows of kinds that do not define
        it."""
        return windows

    # What a network reads and writes of windows -----------------------------------------------------

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The examples [n, ...] of windows [n, *shape], as `example_spec` says; and where there is a `conditioning`,
        the conditions at each step, float32 [n, steps, conditions]."""
        return windows, None

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] of what a network wrote; the conditions are not in them."""
        return x.astype(self.dtype)

    def repaired(self, windows: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] that sound the same, without `faults`."""
        return windows

    # Conditions: chords, a key, hits ----------------------------------------------------------------

    @property
    def conditioning(self) -> Conditioning:
        """What a model of such windows is conditioned on at each step: chords, a key, hits; mostly nothing."""
        return Conditioning()

    def with_condition(self, excerpt: Excerpt, *, before: int = 0, **conditions: Any) -> Excerpt:
        """An excerpt with other conditions than its own; those that are not requested stay.

        Args:
            excerpt: of a song, or silent (see `rendering.blank`).
            before: how many bars of a progression of chords have passed before.
            conditions: of the names in `conditioning`. `chords`: symbols, e.g. "Dm F Am G", "N.C." for none: one a bar
                of the grid, again and again. `key`: e.g. "Am", for all of it. `hits`: a song, or what reads as one,
                whose drum hits are to be played; with it comes its own grid, so that what is played has its metre and
                tempo.

        Raises:
            ConfigError: conditions that cannot be read.
        """
        raise NotImplementedError(f"{type(self).__name__} has no conditions")

    def enforce_condition(self, x: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """What a network wrote [n, ...], changed to what the condition [n, steps, conditions] leaves no choice in."""
        return x

    @property
    def restores_known(self) -> bool:
        """Whether what a partial input holds (`GrooveCorruption`) replaces what a network wrote of it."""
        return False

    # Measures of windows ----------------------------------------------------------------------------

    has_microtiming: ClassVar[bool] = False  # whether notes may begin off their steps

    def lateness(self, array: np.ndarray) -> np.ndarray:
        """How far each note of an array begins behind its step, in steps, in the order of `decode`: float [notes]."""
        return np.zeros(len(self.decode(array)[0]))

    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, *shape] of any length: bool [n, steps, pitches or kinds of notes]."""
        steps = windows.shape[self.time_axis]
        found = np.zeros((len(windows), steps, 128 * len(self.instruments)), bool)
        for one, window in zip(found, windows, strict=True):
            start, _, pitch = self.decode(self.join(window[None], np.array([steps])))
            one[start, pitch] = True
        return found

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window [n, *shape]: bool [n]."""
        return self.onsets(windows).any(axis=(1, 2))

    def compared(self, windows: np.ndarray) -> np.ndarray:
        """What must be the same for windows [n, *shape] of any length to be equal: [n, steps] or [n, values, steps]."""
        return self.to_data(windows)[0]

    def step_matches(self, windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """In which steps all is as in the truth; both [n, *shape] of any length: bool [n, steps]."""
        same = self.compared(windows) == self.compared(truth)
        return same if same.ndim == 2 else same.all(axis=1)

    def faults(self, windows: np.ndarray) -> np.ndarray:
        """Which windows [n, *shape] break the grammar that all music keeps, if there is one to break: bool [n]."""
        return np.zeros(len(windows), bool)

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """Figures that only such windows have, as (numerator, denominator): see
        `musicae.music.analysis.accuracy.score`."""
        return {}

    # Training: which songs and windows a model learns from ------------------------------------------

    nothing_to_train_on: ClassVar[str] = "no windows"  # the reason where a song has none

    def training_tracks(self, song: Score) -> list[int | str | None]:
        """The tracks that training windows come from, one after another, where all are asked for."""
        return [None]

    def untrainable(self, song: Score, track: int | str | None) -> str:
        """Why a song has no windows to train on although it has notes; empty where it may have some."""
        return ""

    def worth_training(self, windows: np.ndarray) -> np.ndarray:
        """Which windows [n, *shape] a model can learn from: those in which a note begins. Bool [n]."""
        return self.has_onset(windows)
