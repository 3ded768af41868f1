from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.errors import ConfigError
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song

METRES = [(2, 4), (3, 4), (4, 4), (5, 4), (5, 8), (6, 8), (7, 8), (12, 8), (3, 2), (1, 16), (3, 32)]


def song(end: int, *metres: tuple[int, int, int], ticks_per_quarter: int = 480) -> Song:
    """A song of one note that ends at `end`, with metres (tick, numerator, denominator)."""
    notes = np.array([(0, end, 60, 80)], NOTE)
    signatures = tuple(TimeSignature(*metre) for metre in metres)
    return Song((Track(notes),), ticks_per_quarter, time_signatures=signatures)


@st.composite
def grids(draw) -> Grid:
    ticks_per_quarter = draw(st.sampled_from([16, 96, 100, 384, 480, 1023]))
    changes = draw(st.lists(st.tuples(st.integers(1, 9000), st.sampled_from(METRES)), max_size=3))
    metres = [(0, *draw(st.sampled_from(METRES))), *((tick, *metre) for tick, metre in changes)]
    return Grid.of(song(draw(st.integers(1, 20_000)), *metres, ticks_per_quarter=ticks_per_quarter))


@given(grids())
def test_steps_undo_ticks(grid):
    steps = np.arange(grid.total_steps + 1)
    assert np.array_equal(grid.steps(grid.ticks(steps)), steps)
    assert np.array_equal(grid.steps(grid.bar_ticks), grid.bar_steps)
    assert np.array_equal(grid.ticks(grid.bar_steps), grid.bar_ticks)


@given(st.integers(1, 9), st.sampled_from(METRES), st.sampled_from([16, 96, 100, 480, 1023]), st.booleans())
def test_equal_bars_are_like_bars_among_others(bars, metre, ticks_per_quarter, later):
    """They take one division; the same bars before a longer one are looked up."""
    length = max(round(ticks_per_quarter * 4 * metre[0] / metre[1]), 1)
    equal = Grid.regular(bars + later, length, max(4 * 4 * metre[0] // metre[1], 1)).bars(1 + later, bars + later)
    ends = (lines[-1] + 5 for lines in (equal.bar_ticks, equal.bar_steps))
    ticks, steps = (np.append(line, end) for line, end in zip((equal.bar_ticks, equal.bar_steps), ends, strict=True))
    other = replace(equal, bar_ticks=ticks, bar_steps=steps, equal=None)
    inside = np.arange(equal.bar_ticks[0] - length * later, equal.bar_ticks[-1] + 1)
    assert np.array_equal(equal.steps(inside), other.steps(inside))
    steps = np.unique(equal.steps(inside))
    assert np.array_equal(equal.ticks(steps), other.ticks(steps))


@given(grids(), st.data())
def test_some_bars_have_the_steps_of_the_whole(grid, data):
    """Also for what comes a moment before them: in a bar of other steps it may be nearest to their first one."""
    first = data.draw(st.integers(1, len(grid)))
    last = data.draw(st.integers(first, len(grid)))
    begin = max(first - 2, 0)
    part = grid.bars(begin + 1, last).bars(first - begin, last - begin)
    ticks = np.arange(grid.bar_ticks[begin], grid.bar_ticks[last])
    assert np.array_equal(part.steps(ticks), grid.steps(ticks) - grid.bar_steps[first - 1])
    steps = np.arange(grid.bar_steps[begin], grid.bar_steps[last])
    assert np.array_equal(part.ticks(steps - grid.bar_steps[first - 1]), grid.ticks(steps))


@given(grids(), st.integers(1, 64))
def test_windows_cover_the_grid_in_whole_bars(grid, size):
    plan = grid.windows(size)
    starts, lengths = np.array(plan).T
    assert starts[0] == 0
    assert np.array_equal(starts[1:], (starts + lengths)[:-1])
    assert (starts + lengths)[-1] == grid.total_steps
    assert lengths.max() <= size
    longest = np.diff(grid.bar_steps).max()
    assert longest > size or np.isin(starts, grid.bar_steps).all()


@pytest.mark.parametrize(
    ("metre", "steps"), [((4, 4), 16), ((3, 4), 12), ((6, 8), 12), ((5, 8), 10), ((7, 16), 7), ((1, 32), 1)]
)
def test_a_bar_has_the_steps_of_its_quarters(metre, steps):
    assert np.diff(Grid.of(song(5000, (0, *metre))).bar_steps)[0] == steps


def test_a_metre_that_changes_within_a_bar_cuts_it_short():
    grid = Grid.of(song(5000, (0, 4, 4), (2880, 3, 4)))
    assert grid.bar_ticks.tolist() == [0, 1920, 2880, 4320, 5760]
    assert grid.bar_steps.tolist() == [0, 16, 24, 36, 48]


def test_halves_go_up():
    assert Grid.of(song(5000, (0, 4, 4))).steps([59, 60, 179, 180]).tolist() == [0, 1, 1, 2]


def test_a_late_first_metre_and_none_at_all_begin_in_four_four():
    assert Grid.of(song(1000)).bar_ticks.tolist() == [0, 1920]
    assert Grid.of(song(4000, (1920, 3, 4))).bar_ticks.tolist() == [0, 1920, 3360, 4800]


def test_some_bars_begin_at_step_0():
    grid = Grid.of(song(8000, (0, 4, 4)), bars=(2, 3))
    assert grid.bar_ticks.tolist() == [1920, 3840, 5760]
    assert grid.bar_steps.tolist() == [0, 16, 32]
    assert grid.steps([1920, 0]).tolist() == [0, -16]


@pytest.mark.parametrize("bars", [(0, 1), (3, 2), (2, 6)])
def test_bars_that_do_not_exist(bars):
    with pytest.raises(ConfigError, match="bars 1 to 5"):
        Grid.of(song(8000, (0, 4, 4)), bars=bars)


def test_a_grid_reaches_as_far_as_asked():
    grid = Grid.of(song(3000, (0, 3, 4)))
    assert grid.total_steps == 36
    assert grid.extended(50).bar_steps.tolist() == [0, 12, 24, 36, 48, 60]
    assert grid.reaching(20).bar_steps.tolist() == [0, 12, 24]
    assert grid.reaching(37).bar_ticks.tolist() == [0, 1440, 2880, 4320, 5760]
