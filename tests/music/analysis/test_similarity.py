"""How much of some music is right, and how alike windows are, on such as are small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musicae.music.analysis.accuracy import notes_right, score
from musicae.music.analysis.attributes import ATTRIBUTES, names
from musicae.music.analysis.similarity import interval_overlap, nearest, overlap, overlaps
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Drums, Groove, Melody, Pianoroll, Trio
from musicae.music.representations.rendering import blank

MELODY = Melody(steps=8)
MELODY_2BAR = Melody()
TUNES = training_windows(MELODY_2BAR, tiny.song(12))[0]
TRUTH = np.array([[41, 0, 43, 0, 1, 0, 45, 0], [1, 0, 41, 0, 0, 0, 0, 0]], np.uint8)


def ratio(decoded, name: str) -> float:
    right, of = score(MELODY)(np.array(decoded, np.uint8), TRUTH)[name]
    return right / of


def test_what_is_decoded_whole_is_wholly_right():
    found = score(MELODY)(TRUTH, TRUTH)
    assert {"step_accuracy", "onset_f1", "whole_windows"} <= set(found)
    assert all(right == of > 0 for right, of in found.values())


def test_each_figure_counts_its_own_thing():
    decoded = TRUTH.copy()
    decoded[0, 2], decoded[0, 5] = 44, 43  # one wrong pitch, one note too many
    assert ratio(decoded, "step_accuracy") == 14 / 16
    assert ratio(decoded, "onset_f1") == 2 * 3 / (5 + 4)
    assert ratio(decoded, "whole_windows") == 1 / 2


def test_silence_finds_no_onsets():
    silent = np.array([[1] + [0] * 7] * 2)
    assert ratio(silent, "onset_f1") == 0
    assert score(MELODY)(silent, silent)["onset_f1"] == (0, 0)


def test_batches_add_up():
    decoded = np.roll(TRUTH, 1, axis=1)
    parts = [score(MELODY)(decoded[i : i + 1], TRUTH[i : i + 1]) for i in range(2)]
    whole_figures = score(MELODY)(decoded, TRUTH)
    assert whole_figures.keys() == parts[0].keys() >= {"step_accuracy"}
    for name, whole in whole_figures.items():
        assert np.array_equal(np.sum([part[name] for part in parts], axis=0), whole)


@pytest.mark.parametrize(
    ("decoded", "share"),
    [
        ([41, 0, 43, 0, 1, 0, 45, 0], 1),
        ([41, 0, 43, 0, 0, 0, 45, 0], 2 / 3),  # one too long
        ([41, 0, 44, 0, 1, 0, 45, 0], 2 / 3),  # one of another pitch
        ([41, 0, 43, 0, 1, 45, 0, 0], 2 / 3),  # one too early
        ([1, 0, 0, 0, 0, 0, 0, 0], 0),
    ],
)
def test_a_note_is_right_with_its_pitch_onset_and_length(decoded, share):
    assert notes_right(MELODY, np.array(decoded, np.uint8), TRUTH[0]) == share


def test_rolls_are_scored_by_the_same_rules():
    roll = Pianoroll(steps=4)
    truth = np.zeros((1, *roll.shape), np.uint8)
    truth[0, 0, 0, [39, 43]] = 1
    decoded = truth.copy()
    decoded[0, 0, 0, 43] = 0
    figures = {name: a / b for name, (a, b) in score(roll)(decoded, truth).items()}
    assert figures == {"step_accuracy": 3 / 4, "onset_f1": 2 / 3, "whole_windows": 0}
    assert notes_right(roll, decoded[0], truth[0]) == 1 / 2


DENSITY = ATTRIBUTES["density"]


@given(hnp.arrays(float, st.integers(1, 40), elements=st.floats(0, 9)))
def test_a_distribution_overlaps_with_itself_whole(values):
    assert overlap(values, np.repeat(values, 3), DENSITY) == pytest.approx(1)


@given(*[hnp.arrays(float, st.integers(1, 40), elements=st.floats(0, 9) | st.just(np.nan))] * 2)
def test_an_overlap_is_a_share_and_has_no_direction(a, b):
    assert 0 <= overlap(a, b, DENSITY) <= 1 + 1e-12
    assert overlap(a, b, DENSITY) == overlap(b, a, DENSITY)


def test_an_overlap_by_hand():
    share = ATTRIBUTES["scale_consistency"]
    assert overlap(np.array([0.5, 1, 1, 1]), np.array([1, 0.985]), share) == 1 / 2  # 1 has a bin of its own
    assert overlap(np.array([np.nan, 1]), np.array([np.nan, np.nan]), share) == 1 / 2
    assert overlap(np.array([20.0, 8]), np.array([9.0]), DENSITY) == 1  # what lies beyond is counted with the last
    assert interval_overlap(np.array([2, -2, 2, 40]), np.array([2, 30])) == 3 / 4
    assert interval_overlap(np.array([2]), np.zeros(0, int)) == 0


def test_windows_overlap_with_themselves_in_everything():
    found = overlaps(MELODY_2BAR, TUNES, TUNES)
    assert set(found) == {*names(MELODY_2BAR), "interval_histogram"}
    assert all(value == pytest.approx(1) for value in found.values())


def test_the_nearest_window_is_found_in_any_key():
    moved = MELODY_2BAR.transpose(TUNES, np.full(len(TUNES), 5))
    assert nearest(MELODY_2BAR, moved, TUNES).tolist() == [0] * len(TUNES)
    wrong = moved.copy()
    wrong[:, np.flatnonzero(moved[0] >= 2)[0]] = 10  # far below: the highest notes still lie together
    assert nearest(MELODY_2BAR, wrong, TUNES)[0] == 1 / 32


@given(
    hnp.arrays(np.uint8, (5, 32), elements=st.integers(0, 89)),
    hnp.arrays(np.uint8, (4, 32), elements=st.integers(0, 89)),
)
def test_the_nearest_window_by_a_plain_loop(windows, known):
    def lowest(one, edge):
        return MELODY_2BAR.transpose(one, np.full(len(one), edge))

    apart = [
        [min(np.mean(lowest(a[None], e) != lowest(b[None], e)) for e in (-128, 128)) for b in known] for a in windows
    ]
    np.testing.assert_allclose(nearest(MELODY_2BAR, windows, known), np.min(apart, axis=1))


@pytest.mark.parametrize("kind", [Pianoroll(), Drums(), Groove(), Trio()], ids=lambda kind: type(kind).__name__)
def test_distances_of_other_windows_are_shares_of_steps(kind):
    excerpt = kind.extract(tiny.band(40))
    windows, _ = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    assert nearest(kind, windows, windows[:1])[0] == 0
    silent = kind.take(blank(kind).array, np.zeros(1, int))
    assert nearest(kind, windows[:1], silent)[0] == 1 - kind.step_matches(windows[:1], silent).mean()


@pytest.mark.parametrize("precise", [False, True])
def test_only_the_hits_of_a_performance_count(precise):
    kind = Groove(precise=precise)
    excerpt = kind.extract(tiny.band(40))
    windows, _ = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    softer = windows.copy()
    softer[:, 9:18] /= 2
    assert nearest(kind, softer, windows).tolist() == [0] * len(windows)


@pytest.mark.parametrize(
    "kind",
    [Melody(32), Trio(32), Trio(32, multi_hot_drums=True), Drums(32), Pianoroll(32)],
    ids=lambda kind: type(kind).__name__,
)
def test_what_is_repaired_has_no_faults_and_the_same_notes(kind):
    random = np.random.default_rng(0)
    if isinstance(kind, Melody | Trio):
        windows = random.choice([0, 0, 0, 1, 1, 40, 45], (50, *kind.shape)).astype(kind.dtype)
    else:
        windows = (random.random((50, *kind.shape)) < 0.1).astype(kind.dtype)
    assert isinstance(kind, Drums) or kind.faults(windows).any()
    repaired = kind.repaired(windows)
    assert not kind.faults(repaired).any()
    lengths = np.full(50, kind.steps)
    for before, after in zip(*(kind.decode(kind.join(one, lengths)) for one in (windows, repaired)), strict=True):
        assert np.array_equal(before, after) if isinstance(before, np.ndarray) else str(before) == str(after)
    np.testing.assert_array_equal(kind.repaired(repaired), repaired)
