"""Bars that repeat earlier ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.analysis.repeats import repeated
from musicae.music.representations.tokens import FIRST_NOTE

MOTIFS = np.array([[40, 0, 42, 0], [40, 0, 45, 0], [0, 40, 0, 0], [0, 0, 0, 0]])


RHYTHMS = [(motif >= FIRST_NOTE).tobytes() for motif in MOTIFS]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_each_bar_repeats_the_latest_one_like_it(order):
    tokens, lines = MOTIFS[order].ravel(), 4 * np.arange(len(order) + 1)
    notes, rhythms = repeated(tokens, lines)
    for bar, motif in enumerate(order):
        same = [i for i in range(bar) if order[i] == motif and motif != 3]
        alike = [i for i in range(bar) if motif != 3 and RHYTHMS[order[i]] == RHYTHMS[motif]]
        assert notes[bar] == (same[-1] if same else -1)
        assert rhythms[bar] == (alike[-1] if alike else -1)


def test_bars_of_other_lengths_are_not_repeats():
    notes, rhythms = repeated(np.array([40, 0, 40, 0, 0]), np.array([0, 2, 5]))
    assert (notes == -1).all()
    assert (rhythms == -1).all()
