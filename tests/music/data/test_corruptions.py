"""Partial inputs of performances: each setting by hand, in order, and the dropout by its probabilities."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from musicae.core.configuration import from_data, to_data
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.music.data.corruptions import GrooveCorruption, OneOf

KICK, SNARE, CLOSED, OPEN = range(4)


def performance(*hits, steps: int = 4) -> torch.Tensor:
    """(step, drum, velocity, offset) as `[1, 27, steps]`."""
    x = torch.zeros(1, 3, 9, steps)
    for step, drum, velocity, offset in hits:
        x[0, :, drum, step] = torch.tensor([1, velocity, offset])
    return x.flatten(1, 2)


def cells(x: torch.Tensor) -> dict:
    """(step, drum) of what is not 0: its hit, velocity and offset."""
    planes = x.view(3, 9, -1)
    found = planes.any(0).nonzero().tolist()
    return {(t, d): tuple(round(float(v), 4) for v in planes[:, d, t]) for d, t in found}


BEAT = performance((0, KICK, 0.8, 0.1), (0, CLOSED, 0.9, -0.2), (2, SNARE, 0.5, 0.3), (3, KICK, 0.3, -0.4))


def test_humanise_leaves_a_score():
    score = cells(GrooveCorruption(humanise=True).deterministic(BEAT))
    assert score == dict.fromkeys([(0, KICK), (0, CLOSED), (2, SNARE), (3, KICK)], (1, 0, 0))


def test_fixed_velocities_keep_the_timing():
    assert cells(GrooveCorruption(fixed_velocities=True).deterministic(BEAT))[2, SNARE] == (1, 0, 0.3)


def test_taps_are_the_loudest_of_each_step():
    expected = {(0, OPEN): (1, 0.9, -0.2), (2, OPEN): (1, 0.5, 0.3), (3, OPEN): (1, 0.3, -0.4)}
    assert cells(GrooveCorruption(tapify=True).deterministic(BEAT)) == expected
    flat = GrooveCorruption(tapify=True, fixed_velocities=True).deterministic(BEAT)
    assert cells(flat) == {place: (hit, 0, offset) for place, (hit, _, offset) in expected.items()}


def test_a_tap_without_velocity_is_a_tap():
    assert cells(GrooveCorruption(tapify=True).deterministic(performance((1, SNARE, 0, 0.5)))) == {
        (1, OPEN): (1, 0, 0.5)
    }


def test_instruments_to_add_are_left_out():
    assert (0, CLOSED) not in cells(GrooveCorruption(add_instruments=(CLOSED,)).deterministic(BEAT))
    assert len(cells(GrooveCorruption(add_instruments=(CLOSED,)).deterministic(BEAT))) == 3
    assert cells(GrooveCorruption(tapify=True, add_instruments=(OPEN,)).deterministic(BEAT)) == {}


@pytest.mark.parametrize(
    "settings", [{}, {"humanise": True}, {"tapify": True}, {"add_instruments": (2,)}, {"note_dropout": 1.0}]
)
def test_the_input_is_not_written_to(settings):
    before = BEAT.clone()
    GrooveCorruption(**settings)(BEAT, RandomSource(0))
    assert torch.equal(BEAT, before)
    assert torch.equal(GrooveCorruption().deterministic(BEAT), BEAT)


def test_a_step_whose_hits_are_all_dropped_is_silent():
    many = performance((0, KICK, 0.8, 0.1), (0, SNARE, 0.01, 0.1), (1, SNARE, 0.01, 0.2)).repeat(4000, 1, 1)
    dropped = GrooveCorruption(note_dropout=1.0)(many, RandomSource(3))
    tapped = GrooveCorruption(note_dropout=1.0, tapify=True)(many, RandomSource(3))
    left = dropped[:, :9].amax(1)
    assert (left == 0).any()
    assert torch.equal(tapped[:, OPEN], left)
    snare_only = (dropped[:, KICK, 0] == 0) & (dropped[:, SNARE, 0] == 1)
    assert snare_only.any()
    assert tapped[snare_only, 9 + OPEN, 0].eq(0.01).all()  # the original takes the velocity of the dropped kick


def test_soft_hits_are_dropped_first_and_a_dropped_hit_leaves_nothing():
    many = performance((0, KICK, 1.0, 0.5), (0, SNARE, 0.25, 0.5), (1, SNARE, 0.9, 0.5)).repeat(40_000, 1, 1)
    dropped = GrooveCorruption(note_dropout=0.8)(many, RandomSource(1)).view(-1, 3, 9, 4)
    gone = 1 - dropped[:, 0].mean(0)
    mean_p = 0.4
    shares = gone[KICK, 0], gone[SNARE, 0], gone[SNARE, 1]
    assert np.allclose(shares, [mean_p * 0.2, mean_p * 0.75, mean_p * 0.2], atol=0.01)
    assert not dropped[:, 1:].movedim(1, -1)[dropped[:, 0] == 0].any()
    both = ((dropped[:, 0, KICK, 0] == 0) & (dropped[:, 0, SNARE, 0] == 0)).float().mean()
    assert both > 1.2 * shares[0] * shares[1]  # one p for all hits of a window: E p² = 0.64 / 3, not 0.16


def test_few_taps_are_some_of_the_taps_and_how_few_differs_by_window():
    few = GrooveCorruption(tapify=True, tap_dropout=0.8)
    every = performance(*((step, SNARE, 0.5, 0.1) for step in range(32)), steps=32).repeat(4000, 1, 1)
    left = few(every, RandomSource(2))
    taps = GrooveCorruption(tapify=True).deterministic(every)
    kept = left[:, OPEN] > 0
    assert torch.equal(left, taps * kept.unsqueeze(1))
    assert kept.float().mean() == pytest.approx(0.6, abs=0.02)
    assert kept.float().mean(1).std() == pytest.approx(math.sqrt(0.8**2 / 12 + 0.187 / 32), abs=0.02)
    assert torch.equal(few.deterministic(every), taps)


def test_each_partial_input_has_a_name_of_its_own():
    assert len({kind.name for kind in OneOf().kinds}) == len(OneOf().kinds)


@pytest.mark.parametrize("dropout", ["note_dropout", "tap_dropout"])
def test_the_same_random_numbers_drop_the_same(dropout):
    settings = GrooveCorruption(**{dropout: 1.0})
    many = BEAT.repeat(50, 1, 1)
    first, again, other = (settings(many, RandomSource(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(settings.deterministic(many), many)


def test_settings_survive_json():
    settings = GrooveCorruption(note_dropout=0.8, tapify=True, fixed_velocities=True, add_instruments=(2,))
    assert from_data(json.loads(json.dumps(to_data(settings))), [GrooveCorruption]) == settings


@pytest.mark.parametrize("wrong", [{"note_dropout": 1.5}, {"note_dropout": -0.1}, {"add_instruments": (9,)}])
def test_settings_that_cannot_work(wrong):
    with pytest.raises(ConfigError):
        GrooveCorruption(**wrong)


def test_one_of_gives_each_example_one_of_its_kinds():
    corruption = OneOf((GrooveCorruption(), GrooveCorruption(humanise=True), GrooveCorruption(tapify=True)))
    x = BEAT.repeat(300, 1, 1)
    partial = corruption(x, RandomSource(0))
    kinds = [kind.deterministic(BEAT) for kind in corruption.kinds]
    counts = [int((partial == kind).all((1, 2)).sum()) for kind in kinds]
    assert sum(counts) == 300
    assert min(counts) > 60
    assert (corruption.deterministic(x) == x).all()


def test_one_of_finds_its_kinds_by_their_settings():
    assert OneOf().only("humanise") == GrooveCorruption(humanise=True)
    assert OneOf().only("tapify") == GrooveCorruption(tapify=True, fixed_velocities=True)
    assert OneOf().only("add_instruments") is None
    assert GrooveCorruption(tapify=True).only("tapify") == GrooveCorruption(tapify=True)
    assert GrooveCorruption(tapify=True).only("humanise") is None


def test_what_the_partial_input_holds_is_restored():
    decoded = performance((0, SNARE, 0.4, 0.6), (2, SNARE, 0.7, -0.1))
    score = cells(GrooveCorruption(humanise=True).restore_known(decoded, BEAT))
    assert {place for place, (hit, _, _) in score.items() if hit} == set(cells(BEAT))
    assert score[2, SNARE] == (1, 0.7, -0.1)
    part = cells(GrooveCorruption(add_instruments=(SNARE,)).restore_known(decoded, BEAT))
    assert part == {place: how for place, how in cells(BEAT).items() if place[1] != SNARE} | cells(decoded)
    assert cells(GrooveCorruption(tapify=True).restore_known(decoded, BEAT)) == cells(decoded)
    assert cells(GrooveCorruption().restore_known(decoded, BEAT)) == cells(BEAT)
