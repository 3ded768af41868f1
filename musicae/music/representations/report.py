"""Sentences on what was chosen, moved and left out."""

from __future__ import annotations

import numpy as np

from musicae.music.score.grid import Grid
from musicae.music.score.score import Track


def sentences(*counts: tuple[int, str, str]) -> list[str]:
    """(number, noun, rest) as "12 lower notes left out"; nothing where the number is 0."""
    return [f"{counted(number, noun)} {rest}" for number, noun, rest in counts if number]


def counted(number: float, noun: str) -> str:
    """A number with its noun: "1 note", "1,200 notes", "1.5 beats"."""
    number = int(number) if number == int(number) else round(number, 2)
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def off_grid(tracks: tuple[Track, ...], grid: Grid, steps_per_quarter: int) -> list[str]:
    """A sentence on the onsets of an excerpt that do not lie on its grid: which share of all, how far they are moved,
    and whether triplets would keep them."""
    start = np.concatenate([one.notes["start"] for one in tracks])
    start = start[(start >= grid.bar_ticks[0]) & (start < grid.bar_ticks[-1])]
    far = np.abs(grid.ticks(grid.steps(start)) - start)
    if not far.any():
        return []
    beat = steps_per_quarter * (grid.bar_ticks[-1] - grid.bar_ticks[0]) / grid.total_steps
    thirds = 3 * ((start - grid.bar_ticks[0]) / beat % 1)
    are_thirds = np.abs(thirds - np.round(thirds)) < _TOLERANCE
    sentence = f"that is {np.mean(far > 0):.0%} of them, by {far.max() / beat:.2f} beats at most"
    if steps_per_quarter % 3 and are_thirds[far > 0].mean() > _MOSTLY:
        sentence += f": triplets or swing, which a grid of {steps_per_quarter} steps a beat lacks and one of 12 has"
    return [sentence]


_TOLERANCE, _MOSTLY = 0.06, 0.5  # in thirds of a beat; share of the onsets that are moved
