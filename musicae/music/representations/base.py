"""What all representations share: from a song to a passage, from a passage to windows, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import gcd, lcm
from typing import Any, ClassVar

import numpy as np

from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.errors import ConfigError, NoWindows
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.tracks import title
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Score, Track

DEFAULT_VELOCITY = 80  # of notes that no heard track gives one, as in MusicVAE
Plan = list[tuple[int, int]]


@dataclass(frozen=True)
class Representation(ABC):
    """Notes to windows of steps, and back.

    A passage is one array, shaped like a window but of any length. Windows [n, *shape] are cut out of it by a
    plan of (first step, length), and joined to a passage again. What a network reads and writes is made of windows by
    `to_data`, and becomes windows by `from_data`.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.

    Raises:
        ConfigError: a setting that cannot work.
    """

    dtype: ClassVar[type] = np.uint8  # of windows in memory and on disk
    nothing_to_train_on: ClassVar[str] = "no windows"  # what is said of a song without any

    steps: int = 32
    steps_per_quarter: int = 4

    def __post_init__(self):
        if self.steps < 1 or self.steps_per_quarter < 1:
            raise ConfigError(f"steps {self.steps} and steps_per_quarter {self.steps_per_quarter} must be positive")

    @property
    def conditioning(self) -> Conditioning:
        """What a model of such windows is conditioned on at each step: chords, a key, hits; mostly nothing."""
        return Conditioning()

    @property
    def instruments(self) -> tuple[Track, ...]:
        """Silent tracks for each part, with the programs of what comes from no song."""
        return (Track(),)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of a window."""

    @property
    @abstractmethod
    def example_spec(self) -> ExampleSpec:
        """A window as the core sees it."""

    @abstractmethod
    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """What to hear, a track for each part, and a sentence that says so."""

    @abstractmethod
    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes of each part that begin on the grid as one passage, and what was changed on the way."""

    @abstractmethod
    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The notes of a passage: first step, step after the last, MIDI pitch; each int64 [notes].

        Of several parts, 128 times a part's number is added to its pitches: this tells notes apart, `render` makes
        music of them.
        """

    @abstractmethod
    def take(self, array: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The windows [n, *shape] of a passage that begin at steps `starts` [n]; silence beyond its end."""

    @abstractmethod
    def join(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The passage of which each window [n, *shape] holds its first `lengths` [n] steps; undoes `cut`."""

    @abstractmethod
    def onsets(self, windows: np.ndarray) -> np.ndarray:
        """Where notes begin in windows [n, *shape] of any length: bool [n, steps, pitches or kinds of notes]."""

    @abstractmethod
    def step_matches(self, windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """In which steps all is as in the truth; both [n, *shape] of any length: bool [n, steps]."""

    def has_onset(self, windows: np.ndarray) -> np.ndarray:
        """Whether a note begins in each window [n, *shape]: bool [n]."""
        return self.onsets(windows).any(axis=(1, 2))

    @abstractmethod
    def transpose(self, windows: np.ndarray, semitones: np.ndarray) -> np.ndarray:
        """Windows moved by `semitones` [n], each only as far as all its notes stay in the range."""

    def part_view(self, windows: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] part by part, a view [n, parts, ..., steps]: each drum, each player of a trio."""
        return windows[:, None]

    def to_data(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What a network reads and writes of windows [n, *shape], as `event` says; and what it is told beside it.

        Returns:
            The examples [n, ...]; and where there is a `conditioning`, float32 [n, steps, conditions].
        """
        return windows, None

    def enforce_condition(self, x: np.ndarray, condition: np.ndarray | None) -> np.ndarray:
        """What a network wrote [n, ...], where what it was told [n, steps, conditions] leaves it no choice: as told."""
        return x

    def from_data(self, x: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] of what a network wrote; what it was told beside it is not in them."""
        return x.astype(self.dtype)

    def repaired(self, windows: np.ndarray) -> np.ndarray:
        """Windows [n, *shape] that sound the same, without what breaks the grammar of all music (`metrics.faulty`)."""
        return windows

    def requested_conditions(self, **told: Any) -> dict[str, Any]:
        """What a model is asked to be told, without what is None.

        Raises:
            ConfigError: it is told no such thing.
        """
        asked = {name: value for name, value in told.items() if value is not None}
        for name, value in asked.items():
            if name not in self.conditioning.names:
                others = f", only {' and '.join(self.conditioning.names)}" if self.conditioning else ""
                raise ConfigError(f"{name} {value}: this model is not told {name}{others}; leave that out")
        return asked

    def with_condition(
        self, excerpt: Excerpt, *, chords: str | None = None, key: str | None = None, hits: Any = None, before: int = 0
    ) -> Excerpt:
        """An excerpt with something else told beside it; what is not asked for stays as it is.

        Args:
            excerpt: of a song, or silent (see `blank`).
            chords: symbols, e.g. "Dm F Am G", "N.C." for none: one a bar of the grid, again and again.
            key: e.g. "Am", for all of it.
            hits: a song, or what reads as one, whose drum hits are to be played. With it comes its own grid: what is
                played on it has its metre and tempo.
            before: how many bars of the progression have passed before.

        Raises:
            ConfigError: such a model is told no such thing.
        """
        self.requested_conditions(chords=chords, key=key, hits=hits)
        return excerpt

    def rejoin(self, windows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The passage of windows (see `join`) as windows to measure: one of any length, [1, ...]."""
        return self.join(windows, lengths)[None]

    def extra_metrics(self, windows: np.ndarray, truth: np.ndarray) -> dict[str, tuple[float, float]]:
        """Figures that only such windows have, as (numerator, denominator); see
        `musicae.music.analysis.similarity.score`."""
        return {}

    def training_tracks(self, song: Score) -> list[int | str | None]:
        """The tracks that training windows come from, one after another, where all are asked for."""
        return [None]

    def untrainable(self, song: Score, track: int | str | None) -> str:
        """Why a song has no windows to train on although it has notes; empty where it may have some."""
        return ""

    def worth_training(self, windows: np.ndarray) -> np.ndarray:
        """Which windows [n, *shape] a model can learn from: those in which a note begins. Bool [n]."""
        return self.has_onset(windows)

    def extract(self, song: Score, track: int | str | None = None, bars: tuple[int, int] | None = None) -> Excerpt:
        """A passage of a song.

        Args:
            song: the song.
            track: a track's number in the file, counted from 1, or part of its name; None chooses.
            bars: first and last bar, counted from 1; None for those from the first note to the last.

        Raises:
            NoWindows: there are no pitched notes there.
            ConfigError: there is no such track or bar.
        """
        song = _divisible(song, self.steps_per_quarter)
        tracks, choice = self.parts(song, track)
        whole = Grid.of(song, self.steps_per_quarter)
        grid, left_out = _sounding_bars(whole, tracks) if bars is None else _chosen_bars(song, whole, bars)
        array, changes = self.encode_parts(tracks, grid)
        if bars and not len(self.decode(array)[0]):
            raise NoWindows(f"{title(song)}: no note begins in bars {bars[0]} to {bars[1]} ({choice})")
        return Excerpt(array, grid, song, tracks, (choice, *left_out, *changes))

    def cut(self, array: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """A passage in windows [n, *shape], and how many steps of each are its own, int64 [n].

        After a window's own steps comes what follows them in the passage, and after its end silence.

        Args:
            array: the passage.
            plan: (first step, length) of each window: `grid.windows(steps)` of this passage, or of another
                one on whose bars it is laid.
        """
        starts, lengths = np.array(plan, np.int64).reshape(-1, 2).T
        return self.take(array, starts), lengths

    def render(self, array: np.ndarray, excerpt: Excerpt) -> Score:
        """A passage as a song on the grid of an excerpt, with its tempos, metres, programs and track names.

        Tick 0 is the first bar line of the grid.
        """
        grid = excerpt.grid
        empty = replace(excerpt.song, tracks=(), changes=())
        song = empty.slice(int(grid.bar_ticks[0]), int(grid.bar_ticks[-1]))
        return replace(song, tracks=self.tracks(array, excerpt))

    def tracks(self, array: np.ndarray, excerpt: Excerpt) -> tuple[Track, ...]:
        """The tracks of a passage on the grid of an excerpt: see `render`.

        All notes of a part are as loud as the middle one of those heard.
        """
        return (replace(excerpt.track, notes=placed(*self.decode(array), loudness(excerpt.track), excerpt.grid)),)

    def blank(self, bars: int | None = None) -> Excerpt:
        """A silent excerpt in 4/4 at 120 quarters a minute, to render what comes from no song.

        Args:
            bars: how many; None for the length of a window.
        """
        song = Score()
        bar = 4 * self.steps_per_quarter
        song = _divisible(song, self.steps_per_quarter)
        bars = -(-self.steps // bar) if bars is None else bars
        grid = Grid.regular(bars, 4 * song.ticks_per_quarter, bar)
        return Excerpt(self.encode_parts(self.instruments, grid)[0], grid, song, self.instruments)

    def along_bars(self, excerpt: Excerpt) -> np.ndarray:
        """The windows [n, *shape] of an excerpt that begin on a bar line and lie in it."""
        starts = excerpt.grid.bar_steps[:-1]
        starts = starts[(starts + self.steps <= excerpt.grid.total_steps) | (starts == 0)]
        return self.take(excerpt.array, starts)


class OnePart(Representation):
    """A representation that hears one track."""

    @abstractmethod
    def choose(self, song: Score, track: int | str | None) -> tuple[Track, str]:
        """What to hear, and a sentence that says so."""

    @abstractmethod
    def encode(self, notes: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
        """The notes (a NOTE array) that begin on the grid as a passage, and what was changed on the way."""

    def parts(self, song: Score, track: int | str | None) -> tuple[tuple[Track, ...], str]:
        """See `Representation.parts`."""
        one, choice = self.choose(song, track)
        return (one,), choice

    def encode_parts(self, tracks: tuple[Track, ...], grid: Grid) -> tuple[np.ndarray, list[str]]:
        """See `Representation.encode_parts`."""
        return self.encode(tracks[0].notes, grid)


@dataclass(frozen=True)
class Pitched(OnePart):
    """A representation of notes in a range of pitches.

    Args:
        steps: the length of a window.
        steps_per_quarter: steps to a quarter note.
        lowest_pitch: the lowest MIDI pitch; lower ones are moved up by octaves.
        highest_pitch: the highest MIDI pitch; higher ones are moved down by octaves.

    Raises:
        ConfigError: a setting that cannot work.
    """

    lowest_pitch: int = 21
    highest_pitch: int = 108

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.lowest_pitch <= self.highest_pitch - 11 <= 116:
            low, high = self.lowest_pitch, self.highest_pitch
            raise ConfigError(f"pitches {low} to {high} must hold an octave and lie in 0 to 127")

    @property
    def pitches(self) -> int:
        """The number of pitches in the range."""
        return self.highest_pitch - self.lowest_pitch + 1

    def in_range(self, pitches: np.ndarray) -> np.ndarray:
        """Pitches moved by octaves into the range, int64."""
        pitches = pitches.astype(np.int64)
        up = np.maximum(self.lowest_pitch - pitches + 11, 0) // 12
        down = np.maximum(pitches - self.highest_pitch + 11, 0) // 12
        return pitches + 12 * (up - down)


def placed(start: np.ndarray, end: np.ndarray, pitch: np.ndarray, velocity, grid: Grid) -> np.ndarray:
    """Notes in steps as a NOTE array in ticks from the first bar line of a grid, in order.

    Args:
        start: the first step of each note [n].
        end: the step after its last [n].
        pitch: its MIDI pitch [n].
        velocity: of all, or of each [n].
        grid: where the steps are.
    """
    notes = np.zeros(len(start), NOTE)
    notes["start"] = grid.ticks(start) - grid.bar_ticks[0]
    notes["end"] = grid.ticks(end) - grid.bar_ticks[0]
    notes["pitch"] = pitch
    notes["velocity"] = velocity
    return notes[np.lexsort((notes["pitch"], notes["start"]))]


def loudness(track: Track) -> float:
    """The velocity of the middle one of a track's notes; without any, 80."""
    return float(np.median(track.notes["velocity"])) if len(track.notes) else DEFAULT_VELOCITY


def slices(array: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    """Slices [n, steps, ...] of an array [total, ...] that begin at `starts` [n]; zeros beyond its end."""
    starts = np.asarray(starts, np.int64)
    missing = max(int(starts.max(initial=0)) + steps - len(array), 0)
    array = np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
    return array[starts[:, None] + np.arange(steps)]


def unique(windows: np.ndarray) -> np.ndarray:
    """The different windows of [n, ...], in the order of their first appearance."""
    if len(windows) < 2:
        return windows
    rows = np.ascontiguousarray(windows).reshape(len(windows), -1)
    different = dict.fromkeys(rows.view(np.dtype((np.void, rows.strides[0]))).ravel().tolist())
    return np.frombuffer(b"".join(different), windows.dtype).reshape(-1, *windows.shape[1:]).copy()


def sentences(*counts: tuple[int, str, str]) -> list[str]:
    """(number, noun, rest) as "12 lower notes left out"; nothing where the number is 0."""
    return [f"{counted(number, noun)} {rest}" for number, noun, rest in counts if number]


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 note", "2 notes"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _divisible(song: Score, steps_per_quarter: int) -> Score:
    """The same music in ticks of which steps and bars are whole numbers."""
    parts_of_a_quarter = (s.denominator // gcd(s.denominator, 4) for s in song.time_signatures)
    return song.resample(lcm(song.ticks_per_quarter, steps_per_quarter, *parts_of_a_quarter))


def _chosen_bars(song: Score, grid: Grid, bars: tuple[int, int]) -> tuple[Grid, list[str]]:
    """The grid of the bars asked for, and a sentence that says so."""
    if not 1 <= bars[0] <= bars[1] <= len(grid):
        raise ConfigError(f"{title(song)}: no bars {bars[0]} to {bars[1]}; it has bars 1 to {len(grid)}")
    return grid.bars(*bars), [f"took bars {bars[0]} to {bars[1]} of {len(grid)}"]


def _sounding_bars(grid: Grid, tracks: tuple[Track, ...]) -> tuple[Grid, list[str]]:
    """The grid of the bars from the first note to the end of the last, and what was left out."""
    heard = [one.notes for one in tracks if len(one.notes)]
    first, last = min(notes["start"][0] for notes in heard), max(notes["start"][-1] for notes in heard)
    earliest, latest, end = grid.steps([first, last, max(notes["end"].max() for notes in heard)]).tolist()
    first = int(np.searchsorted(grid.bar_steps, earliest, "right"))
    last = int(np.searchsorted(grid.bar_steps, max(end, latest + 1), "left"))
    first, last = min(first, len(grid)), min(last, len(grid))
    skipped = sentences(
        (first - 1, "empty bar", "skipped at the start"), (len(grid) - last, "bar", "left out at the end")
    )
    return grid.bars(first, last), skipped
