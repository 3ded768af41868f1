"""Ticks to bars and steps: the one place where music is quantised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from musicae.errors import ConfigError
from musicae.music.score.score import Score, TimeSignature


@dataclass(frozen=True, eq=False)
class Grid:
    """The bars of a song, or of some bars of it, as a grid of steps.

    A bar has as many steps as `steps_per_quarter` gives for its length in quarters, rounded, and at least
    one; within the bar they are equally long. So every bar line is on a step, in any metre. Step 0 is the first
    bar line.

    Attributes:
        bar_ticks: int64 [bars + 1], the tick of every bar line; the last one ends the last bar.
        bar_steps: int64 [bars + 1], the step of every bar line, beginning with 0.
        before: ticks and steps of the bar before the first, whose last notes may be nearest to step 0; None if there is
            none.
        equal: the ticks and steps of a bar, if all, that before the first included, are known to be equal; else None.
    """

    bar_ticks: np.ndarray
    bar_steps: np.ndarray
    before: tuple[int, int] | None = None
    equal: tuple[int, int] | None = None

    @classmethod
    def of(cls, song: Score, steps_per_quarter: int = 4, bars: tuple[int, int] | None = None) -> Grid:
        """The grid of a song, from tick 0 to the end of the last bar that a note reaches.

        Bars follow the time signatures; one that changes in the middle of a bar cuts that bar short.

        Args:
            song: the song.
            steps_per_quarter: steps to a quarter note.
            bars: first and last bar, counted from 1; None for all.

        Raises:
            ConfigError: if the song does not have these bars.
        """
        notes = [track.notes for track in song.tracks if len(track.notes)]
        end = max((int(n["end"].max()) for n in notes), default=1)
        grid = cls._until(end, song, steps_per_quarter)
        last = max((int(n["start"][-1]) for n in notes), default=0)
        if grid.steps(last) == grid.total_steps:  # rounded into a bar that nothing else reaches
            grid = cls._until(int(grid.bar_ticks[-1]) + 1, song, steps_per_quarter)
        return grid if bars is None else grid.bars(*bars)

    @classmethod
    def _until(cls, end: int, song: Score, steps_per_quarter: int) -> Grid:
        """The grid of the bars that begin before tick `end`."""
        quarter = song.ticks_per_quarter
        metre, *others = metres = _metres(song, end)
        length, rest = divmod(4 * quarter * metre.numerator, metre.denominator)
        if length and not (rest or others):
            return cls.regular(-(-end // length), length, max(_rounded(length * steps_per_quarter, quarter), 1))
        ticks = _bar_lines(metres, quarter, end)
        steps = np.maximum(_rounded(np.diff(ticks) * steps_per_quarter, quarter), 1)
        return cls(ticks, np.append(0, np.cumsum(steps)))

    @classmethod
    def regular(cls, bars: int, ticks_per_bar: int, steps_per_bar: int) -> Grid:
        """A grid of equal bars."""
        lines = np.arange(bars + 1, dtype=np.int64)
        return cls(lines * ticks_per_bar, lines * steps_per_bar, equal=(ticks_per_bar, steps_per_bar))

    def __len__(self) -> int:
        return len(self.bar_ticks) - 1

    @property
    def total_steps(self) -> int:
        """The steps of all bars together."""
        return int(self.bar_steps[-1])

    def bars(self, first: int, last: int) -> Grid:
        """The grid of bars `first` to `last`, both counted from 1 and both included.

        Raises:
            ConfigError: if there are no such bars.
        """
        if not 1 <= first <= last <= len(self):
            raise ConfigError(f"bars {first} to {last} do not exist: the song has bars 1 to {len(self)}")
        both = self.bar_ticks, self.bar_steps
        ticks, steps = (lines[first - 1 : last + 1] for lines in both)
        before = tuple(int(lines[first - 1] - lines[first - 2]) for lines in both) if first > 1 else self.before
        return Grid(ticks, steps - steps[0], before, self.equal)

    def extended(self, steps: int) -> Grid:
        """The grid with its last bar repeated until it has at least `steps` steps."""
        ticks, length = (int(lines[-1] - lines[-2]) for lines in (self.bar_ticks, self.bar_steps))
        more = np.arange(1, max(-(-(steps - self.total_steps) // length), 0) + 1)
        bar_ticks = np.append(self.bar_ticks, self.bar_ticks[-1] + more * ticks)
        return replace(self, bar_ticks=bar_ticks, bar_steps=np.append(self.bar_steps, self.total_steps + more * length))

    def reaching(self, steps: int) -> Grid:
        """The grid of the first bars that hold `steps` steps, its last bar repeated if there are too few."""
        grid = self.extended(steps)
        return grid.bars(1, int(np.searchsorted(grid.bar_steps, steps)))

    def steps(self, ticks: np.ndarray) -> np.ndarray:
        """The step nearest to each tick within its bar, halves going up; int64, shaped like `ticks`.

        Ticks outside the grid continue its first and last bar.
        """
        ticks = np.asarray(ticks, np.int64)
        if self.equal is not None:
            return _rounded((ticks - self.bar_ticks[0]) * self.equal[1], self.equal[0])
        return _across(ticks, *self._lines)

    def ticks(self, steps: np.ndarray) -> np.ndarray:
        """The tick of each step; int64, shaped like `steps`.

        `grid.steps(grid.ticks(s)) == s` if a quarter has at least as many ticks as steps.
        """
        steps = np.asarray(steps, np.int64)
        if self.equal is not None:
            return self.bar_ticks[0] + _rounded(steps * self.equal[0], self.equal[1])
        return _across(steps, *self._lines[::-1])

    def windows(self, size: int) -> list[tuple[int, int]]:
        """How the bars are cut into windows of at most `size` steps: (first step, length) of each.

        Each takes as many whole bars as fit, at least one; a bar longer than `size` is cut into pieces.
        """
        plan, start = [], 0
        while start < self.total_steps:
            line = int(self.bar_steps[np.searchsorted(self.bar_steps, start + size, "right") - 1])
            end = line if line > start else start + size
            plan.append((start, end - start))
            start = end
        return plan

    @cached_property
    def _lines(self) -> tuple[np.ndarray, np.ndarray]:
        """The ticks and the steps of all bar lines, that of the bar before among them."""
        if self.before is None:
            return self.bar_ticks, self.bar_steps
        both = zip((self.bar_ticks, self.bar_steps), self.before, strict=True)
        return tuple(np.append(lines[0] - length, lines) for lines, length in both)


def _across(positions: np.ndarray, lines: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Positions among bar lines in one unit (ticks or steps), converted to the other and rounded."""
    bar = np.searchsorted(lines[1:-1], positions, "right")
    return others[bar] + _rounded((positions - lines[bar]) * np.diff(others)[bar], np.diff(lines)[bar])


def _rounded(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, halves going up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _metres(song: Score, end: int) -> list[TimeSignature]:
    """The time signatures before tick `end`, the first of them at tick 0."""
    metres = {0: TimeSignature(0, 4, 4)} | {s.tick: s for s in sorted(song.time_signatures) if s.tick < end}
    return list(metres.values())


def _bar_lines(metres: list[TimeSignature], quarter: int, end: int) -> np.ndarray:
    """The ticks of all bar lines from 0 to the first one that is not before `end`; a quarter has `quarter` of them."""
    lines = []
    for signature, following in zip(metres, [*metres[1:], None], strict=True):
        until = following and following.tick
        length = max(quarter * 4 * signature.numerator / signature.denominator, 1)
        count = -(-((end if until is None else until) - signature.tick) // length)
        lines.append(signature.tick + np.round(np.arange(count + (until is None)) * length).astype(np.int64))
    lines = np.concatenate(lines)
    lines = lines[np.diff(lines, prepend=-1) > 0]  # rounding may move the last one of a metre to where the next begins
    return lines[: np.searchsorted(lines, end) + 1]
