"""What a step of a melody depends on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.language.context import LAGS, Bars, latest, profiles
from musicae.music.representations.tokens import FIRST_NOTE, OFF, canonical

NONE = 90


def melody(seed: int, steps: int) -> np.ndarray:
    """Random tokens of a line."""
    random = np.random.default_rng(seed)
    tokens = np.where(random.random(steps) < 0.4, random.integers(30, 60, steps), 0)
    return canonical(np.where(random.random(steps) < 0.1, OFF, tokens)).astype(np.int64)


METRES = st.lists(st.sampled_from([8, 12, 16, 24]), min_size=1, max_size=12)


def bars_of(lengths: list[int]) -> Bars:
    return Bars(np.concatenate([[0], np.cumsum(lengths)]))


@given(METRES, st.integers(0, 100))
def test_features_of_all_steps_are_those_of_each_step_after_the_ones_before(lengths, seed):
    """What is learnt with all steps there is what is read while they are written one after another."""
    bars = bars_of(lengths)
    tokens = melody(seed, bars.steps)[None]
    at_once = bars.features(tokens, latest(tokens), slice(None), NONE)
    for t in range(bars.steps):
        so_far = np.where(np.arange(bars.steps) < t, tokens, 77)  # what comes later is not read
        one = bars.features(so_far, latest(tokens)[:, t : t + 1], slice(t, t + 1), NONE)
        assert np.array_equal(one[0, 0], at_once[0, t])


@given(METRES)
def test_earlier_steps_are_at_the_same_place_of_their_bars(lengths):
    bars = bars_of(lengths)
    there = bars.earlier >= 0
    step = np.broadcast_to(np.arange(bars.steps)[:, None], there.shape)
    assert (bars.place[bars.earlier[there]] == bars.place[step[there]]).all()
    apart = bars.of_step[step] - bars.of_step[bars.earlier]
    assert (apart == np.array(LAGS))[there].all()


@given(st.integers(0, 100), st.integers(-12, 12))
def test_a_transposed_melody_has_its_profile_with_the_pitch_classes_turned(seed, semitones):
    bars = bars_of([16] * 8)
    tokens = melody(seed, bars.steps)
    moved = np.where(tokens >= FIRST_NOTE, tokens + semitones, tokens)
    before, after = (profiles(one, bars, 21)[0] for one in (tokens, moved))
    assert np.allclose(np.roll(before[:12], semitones), after[:12])
    assert after[28] - before[28] == pytest.approx(semitones / 12, abs=1e-5)
    rest = np.delete(np.arange(len(before)), [*range(12), 28])
    assert np.allclose(before[rest], after[rest], atol=1e-5)


def test_each_sixteen_bars_have_their_own_profile():
    bars = bars_of([16] * 20)
    tokens = melody(0, bars.steps)
    found = profiles(tokens, bars, 21)
    assert (found[: 16 * 16] == found[0]).all()
    assert (found[16 * 16 :] == found[-1]).all()
    assert np.array_equal(found[-1], profiles(tokens[16 * 16 :], bars_of([16] * 4), 21)[0])


def test_silence_has_a_finite_profile():
    assert np.isfinite(profiles(canonical(np.zeros(64)), bars_of([16] * 4), 21)).all()
