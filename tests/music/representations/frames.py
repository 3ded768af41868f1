"""Random frames to put notes in: how long a quarter is, and which metres follow each other."""

from __future__ import annotations

from hypothesis import strategies as st

from musicae.music.score.score import TimeSignature

METRES = [(2, 4), (3, 4), (4, 4), (5, 4), (5, 8), (6, 8), (7, 8), (12, 8), (3, 16)]


@st.composite
def frames(draw, most_metres: int = 3) -> tuple[int, tuple[TimeSignature, ...], int]:
    """The ticks of a quarter, up to so many metres of one to four bars each, and the tick where the last bar ends."""
    quarter = draw(st.sampled_from([24, 96, 220, 480, 5]))
    tick, signatures = 0, []
    for bars in draw(st.lists(st.integers(1, 4), min_size=1, max_size=most_metres)):
        numerator, denominator = draw(st.sampled_from(METRES))
        signatures.append(TimeSignature(tick, numerator, denominator))
        tick += round(bars * 4 * quarter * numerator / denominator)
    return quarter, tuple(signatures), tick
