"""Melodies that are written step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.music.language.context import PROFILE, Bars
from musicae.music.language.model import LanguageModel
from musicae.music.language.writing import Sketches, write
from musicae.music.options import Decoding
from musicae.music.representations.tokens import FIRST_NOTE, HOLD, OFF, ends_nothing

BARS = 6
STEPS = 16 * BARS


@pytest.fixture(scope="module")
def language() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel().eval()


def sketches(melodies: int = 2) -> Sketches:
    """Of which nothing is known."""
    none = np.full((melodies, BARS), -1)
    return Sketches(
        bars=Bars(16 * np.arange(BARS + 1)),
        draft=torch.full((melodies, STEPS, 90), 1 / 90),
        shares=torch.full((90,), 1 / 90),
        profile=np.zeros((melodies, STEPS, PROFILE), np.float32),
        notes_a_step=np.full((melodies, STEPS), 0.25, np.float32),
        longest=STEPS,
        rests=np.zeros(STEPS, bool),
        fixed=np.full((melodies, STEPS), -1),
        notes=none,
        rhythms=none.copy(),
    )


def test_the_same_seed_writes_the_same_melodies_and_another_one_others(language):
    first, again, other = (write(language, sketches(), Decoding(seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_ends_where_nothing_sounds(language):
    tokens = write(language, sketches(4), Decoding(temperature=3.0))
    assert not ends_nothing(tokens, alone=True).any()
    assert (tokens[:, 0] != HOLD).all()


def test_known_steps_are_kept(language):
    plan = sketches()
    plan.fixed[0, 20:30] = [50, 0, 0, 1, 0, 60, 0, 61, 0, 0]
    assert np.array_equal(write(language, plan, Decoding())[0, 20:30], plan.fixed[0, 20:30])


def test_a_sure_decoder_is_followed(language):
    plan = sketches()
    wanted = np.zeros((2, STEPS), np.int64)
    wanted[:, ::8] = 50 + np.arange(0, STEPS, 8) // 8
    draft = np.where(wanted[:, :, None] == np.arange(90), 1.0, 1e-20).astype(np.float32)
    density = np.full((2, STEPS), 1 / 8, np.float32)
    found = write(language, replace(plan, draft=torch.from_numpy(draft), notes_a_step=density), Decoding())
    assert np.array_equal(found, wanted)


def test_bars_repeat_the_notes_or_the_rhythm_that_they_should(language):
    plan = sketches()
    plan.notes[:, 3], plan.rhythms[:, 5] = 1, 0
    bars = write(language, plan, Decoding(temperature=2.0)).reshape(2, BARS, 16)
    assert np.array_equal(bars[:, 3], bars[:, 1])
    assert np.array_equal(bars[:, 5] >= FIRST_NOTE, bars[:, 0] >= FIRST_NOTE)


def test_notes_end_where_there_is_rest_and_are_not_too_long(language):
    plan = replace(sketches(), longest=3)
    plan.rests[40:44] = True
    plan.draft[:, :, HOLD] = 0.99
    for row in write(language, plan, Decoding()):
        events = np.append(np.flatnonzero(row != HOLD), STEPS)
        lengths = np.diff(events)[row[events[:-1]] >= FIRST_NOTE]
        assert lengths.max() <= 3
        assert (row[40:44] != HOLD).any() or row[events[events < 40][-1]] == OFF


def test_a_repeated_bar_in_whose_place_nothing_sounds_stays_silent(language):
    """In bar 1 a note of bar 0 ends; bar 3 repeats it after silence, where nothing can end, and none begins instead."""
    plan = sketches()
    plan.fixed[:, :48] = 0
    plan.fixed[:, [0, 20]] = [50, OFF]
    plan.notes[:, 3], plan.rhythms[:, 3] = 1, 0
    assert (write(language, plan, Decoding())[:, 48:64] == HOLD).all()


def test_what_has_no_share_is_not_written(language):
    plan = sketches()
    plan.shares[60:] = 0
    assert write(language, plan, Decoding(temperature=3.0)).max() < 60


def test_as_many_notes_begin_as_should(language):
    """But for the few too many that hold the rest back."""
    plan = sketches(8)
    plan.draft[:, :, HOLD] = 0.8
    found = []
    for density in (0.05, 0.2, 0.5):
        dense = replace(plan, notes_a_step=np.full_like(plan.notes_a_step, density))
        found.append((write(language, dense, Decoding()) >= FIRST_NOTE).mean())
    assert found == pytest.approx([0.05, 0.2, 0.5], abs=0.12)
    assert found == sorted(found)


def test_after_silence_both_tokens_that_are_no_notes_mean_silence(language):
    """A window that begins in silence begins with a note-off; in a melody the silence goes on."""
    plan = sketches(1)
    draft = np.full((1, STEPS, 90), 1e-20, np.float32)
    draft[:, :, OFF] = 1.0
    still = replace(plan, draft=torch.from_numpy(draft), notes_a_step=np.zeros((1, STEPS), np.float32))
    found = write(language, still, Decoding())
    assert (found[:, 0] == OFF).all()
    assert (found[:, 1:] == HOLD).all()
