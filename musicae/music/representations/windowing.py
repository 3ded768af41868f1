"""Excerpts in windows: one alone, cut as another is, or two on the same bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.errors import ConfigError
from musicae.music.representations.base import Representation
from musicae.music.representations.excerpt import Excerpt, Windowed
from musicae.music.representations.report import counted
from musicae.music.score.grid import Grid
from musicae.music.score.score import Tempo

SLOWEST, FASTEST = 5, 1000  # BPM


def windowed(representation: Representation, excerpt: Excerpt) -> Windowed:
    """An excerpt in windows; its last bars are repeated in silence if they do not fill one."""
    excerpt = _until_its_end(excerpt)
    grid = _filled(excerpt.grid, representation.steps)
    added = len(grid) - len(excerpt.grid)
    report = (f"padded with {counted(added, 'bar')} of silence",) if added else ()
    excerpt = replace(excerpt, grid=grid, report=(*excerpt.report, *report))
    return Windowed(excerpt, *representation.cut(excerpt.array, grid.windows(representation.steps)))


def without_words(source: Windowed) -> Windowed:
    """The same without lyrics, markers and other words, for music with which they do not go; the report says so."""
    excerpt, grid = source.excerpt, source.excerpt.grid
    within = [text for text in excerpt.song.texts if grid.bar_ticks[0] <= text.tick < grid.bar_ticks[-1]]
    if not within:
        return source
    report = (*excerpt.report, f"{counted(len(within), 'word')} (lyrics, markers, text) left out")
    return replace(source, excerpt=replace(excerpt, song=replace(excerpt.song, texts=()), report=report))


def at_tempo(source: Windowed, tempo: float | None) -> Windowed:
    """The same in one tempo throughout, in BPM (quarters); as it is where that is None.

    Raises:
        ConfigError: no music is so slow or so fast.
    """
    if tempo is None:
        return source
    if not SLOWEST <= tempo <= FASTEST:
        raise ConfigError(f"tempo {tempo:g}: give one of {SLOWEST} to {FASTEST} BPM")
    song = replace(source.excerpt.song, tempos=(Tempo(0, float(tempo)),))
    return replace(source, excerpt=replace(source.excerpt, song=song))


def recut(representation: Representation, excerpt: Excerpt, lengths: np.ndarray) -> Windowed:
    """An excerpt in windows that have so many steps of their own, int64 [windows]."""
    starts = np.cumsum(lengths) - lengths
    plan = list(zip(starts.tolist(), lengths.tolist(), strict=True))
    return Windowed(excerpt, *representation.cut(excerpt.array, plan))


def aligned_pair(
    representation: Representation, a: Windowed, b: Windowed, ending: bool = False
) -> tuple[tuple[Windowed, Windowed], tuple[list[str], list[str]]]:
    """Two excerpts in windows of the same number and lengths, on A's bars; and what was done to each.

    Of a longer one the end is left out; with `ending`, of B the beginning, so that they end as B does.
    """
    grid = a.excerpt.grid.reaching(min(a.excerpt.grid.total_steps, b.excerpt.grid.total_steps))
    plan, steps = grid.windows(representation.steps), grid.total_steps
    if ending:
        b = _last_bars(representation, b, steps)
    excerpts = [replace(one.excerpt, grid=one.excerpt.grid.reaching(steps)) for one in (a, b)]
    pair = tuple(Windowed(one, *representation.cut(one.array, plan)) for one in excerpts)
    beats = [(one.excerpt.grid.total_steps - steps) / representation.steps_per_quarter for one in (a, b)]
    reports = [*a.excerpt.report, *_fitted("first", beats[0])], [*b.excerpt.report, *_fitted("second", beats[1])]
    if a.metre != b.metre:
        reports[1].append(f"laid from {b.metre} on bars of {a.metre}")
    return pair, reports


def as_loud_as(
    representation: Representation, pair: tuple[Windowed, Windowed], like: Windowed, share: np.ndarray
) -> Windowed:
    """`like`, to render what is as loud as lies between a pair on the same bars, with the share of the second in each
    window of `like` [windows]."""
    share = np.repeat(share, like.lengths)
    loudness = zip(*(representation.loudness(one.excerpt) for one in pair), strict=True)
    loudness = tuple(one.toward(other, share) for one, other in loudness)
    return replace(like, excerpt=replace(like.excerpt, loudness=loudness))


def whole_windows(representation: Representation, windows: np.ndarray, target: Windowed) -> tuple[float, float]:
    """How many windows match the target in all of its own steps, and how many there are."""
    right = representation.step_matches(windows, target.windows)
    beyond = np.arange(right.shape[1]) >= target.lengths[:, None]
    return float((right | beyond).all(1).sum()), float(len(right))


def from_step(representation: Representation, window: np.ndarray, step: int) -> np.ndarray:
    """A window `[*shape]` from one of its steps on, with silence after its end."""
    if step == 0:
        return window
    return representation.take(representation.join(window[None], np.array([representation.steps])), np.array([step]))[0]


def _last_bars(representation: Representation, source: Windowed, steps: int) -> Windowed:
    """The last bars of an excerpt, as many as fit into `steps` steps; the report says what is left out before."""
    excerpt, lines = source.excerpt, source.excerpt.grid.bar_steps
    first = int(np.searchsorted(lines, lines[-1] - steps)) + 1
    if first <= 1:
        return source
    grid, skipped = excerpt.grid.bars(first, len(excerpt.grid)), int(lines[first - 1])
    plan = [(skipped + start, length) for start, length in grid.windows(representation.steps)]
    array = representation.join(*representation.cut(excerpt.array, plan))
    beats = counted(skipped / representation.steps_per_quarter, "beat")
    report = (*excerpt.report, f"its first {beats} left out, so that it is heard to its end")
    return replace(source, excerpt=replace(excerpt, array=array, grid=grid, report=report))


def _fitted(which: str, beats: float) -> list[str]:
    """What is done to the first or the second song, which is so many beats (quarters) too long, below 0 too short."""
    number = counted(abs(beats), "beat")
    if beats > 0:
        return [f"the {which} song is {number} longer; its end was left out"]
    return [f"{number} of silence added at the end of the {which} song"] if beats else []


def _filled(grid: Grid, steps: int) -> Grid:
    """A grid with its last bar repeated as often as a window of `steps` steps has room."""
    bar = int(grid.bar_steps[-1] - grid.bar_steps[-2])
    return grid.extended(grid.total_steps + max(steps - grid.total_steps, 0) // bar * bar)


def _until_its_end(excerpt: Excerpt) -> Excerpt:
    """An excerpt whose song changes neither tempo, metre nor key after it: what is added to it is like its last bar."""
    names = ("tempos", "time_signatures", "key_signatures")
    end = excerpt.grid.bar_ticks[-1]
    kept = {name: tuple(c for c in getattr(excerpt.song, name) if c.tick < end) for name in names}
    return replace(excerpt, song=replace(excerpt.song, **kept))
