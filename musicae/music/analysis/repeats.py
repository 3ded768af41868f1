"""Which bars of a line repeat earlier ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from musicae.music.representations.tokens import FIRST_NOTE


def repeated(tokens: np.ndarray, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The latest earlier bar with the notes of each bar, and the latest with its rhythm: int64 `[bars]` each, -1 where
    there is none.

    Equal notes begin and end alike; in equal rhythms notes begin alike. Bars in which none begins repeat nothing.

    Args:
        tokens: of the line, `[steps]`.
        lines: the steps of the bar lines, `[bars + 1]`.
    """
    bars = [tokens[start:end] for start, end in pairwise(lines)]
    sounding = [bool((bar >= FIRST_NOTE).any()) for bar in bars]
    notes = _latest([bar.tobytes() for bar in bars], sounding)
    return notes, _latest([(bar >= FIRST_NOTE).tobytes() for bar in bars], sounding)


def _latest(contents: list[bytes], sounding: list[bool]) -> np.ndarray:
    """The number of the latest earlier one with the same content, among those that sound."""
    known: dict[bytes, int] = {}
    found = np.full(len(contents), -1)
    for i in np.flatnonzero(sounding).tolist():
        found[i] = known.get(contents[i], -1)
        known[contents[i]] = i
    return found
