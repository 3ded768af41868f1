"""The path between two songs, on models whose decodes are defined by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from musicae.core.geometry import lerp, slerp
from musicae.core.randomness import RandomSource
from musicae.music.latent.alignment import Alignment
from musicae.music.latent.interpolation import (
    conditioned_stages,
    equal_change_positions,
    latents_at,
    path,
    places_of_steps,
)

# Positions ---------------------------------------------------------------------------------------


@pytest.fixture
def abrupt(monkeypatch):
    """A model that changes its 32 steps one after another while the first latent number goes from 0.4 to 0.6."""
    member, every = tiny.model(tiny.MELODY), np.arange(32)

    def decode(z: np.ndarray) -> np.ndarray:
        return np.where(every < 32 * (z[:, :1] - 0.4) / 0.2, 50, 40).astype(np.uint8)

    monkeypatch.setattr(member, "decode_windows", decode)
    return member


def ends(n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(n, 4), torch.tensor([1.0, 0, 0, 0]).expand(n, 4)


def test_as_much_changes_from_each_position_to_the_next(abrupt):
    positions = equal_change_positions(abrupt, *ends(), torch.linspace(0, 1, 6))
    assert positions[[0, -1]].tolist() == [0, 1]
    np.testing.assert_allclose(positions[1:-1], [0.44, 0.48, 0.52, 0.56], atol=0.02)


def test_the_path_back_has_the_same_positions(abrupt):
    there, back = (equal_change_positions(abrupt, *pair, torch.linspace(0, 1, 7)) for pair in (ends(), ends()[::-1]))
    np.testing.assert_allclose(back, 1 - there.flip(0), atol=1e-5)


def test_positions_are_even_where_nothing_changes(abrupt):
    a, _ = ends()
    assert torch.equal(equal_change_positions(abrupt, a, a, torch.linspace(0, 1, 5)), torch.linspace(0, 1, 5))


@pytest.mark.parametrize("preset", [tiny.RECURRENT, tiny.HITS], ids=["recurrent", "conditional"])
def test_models_that_do_not_decode_ahead_follow_great_circles(preset):
    a, b = (RandomSource(seed).normal(3, 4) for seed in (1, 2))
    torch.testing.assert_close(
        latents_at(tiny.model(preset), a, b, torch.linspace(0, 1, 5)), slerp(a, b, torch.linspace(0, 1, 5))
    )


def test_the_path_is_straight_and_its_ends_are_the_ends(abrupt):
    a, b = ends()
    positions = latents_at(abrupt, a, b, torch.linspace(0, 1, 5))
    assert torch.equal(positions[0], a)
    assert torch.equal(positions[-1], b)
    torch.testing.assert_close(positions, lerp(a, b, equal_change_positions(abrupt, a, b, torch.linspace(0, 1, 5))))


def test_one_step_may_lead_from_a_to_b():
    model = tiny.model(tiny.MELODY)
    pair = tuple(model.extract(tiny.song(8, pitch=pitch)) for pitch in (60, 67))
    a, b = (model.encode_windows(one.windows) for one in pair)
    places = np.concatenate([places_of_steps(5, 4), np.linspace(0, 1, 4)[None]])
    found = path(model, pair, places, conditioned_stages(model, pair, places, {}), Alignment("none"))
    np.testing.assert_array_equal(found.latents[-1, [0, -1]], [a[0], b[-1]])
    np.testing.assert_array_equal(found.latents[[0, 4]], [a, b])
    assert len(found.stages) == len(found.latents) == 6


def test_notes_of_a_piano_roll_are_as_many_and_as_long_as_on_the_line_between_the_ends():
    model = tiny.model(tiny.PIANOROLL)
    pair = tuple(model.extract(tiny.song(4, pitch=pitch)) for pitch in (55, 67))
    a, b = (model.expected_counts(model.encode_windows(one.windows)) for one in pair)
    places = places_of_steps(5, 2)
    found = path(model, pair, places, conditioned_stages(model, pair, places, {}), Alignment("none"))
    np.testing.assert_allclose(found.counts[[0, 2, 4]], [a, (a + b) / 2, b], rtol=1e-5)
    windows = model.decode_windows(found.latents[2], counts=np.float32([[40, 60]] * 2))
    assert (np.abs(windows[:, 0].sum((1, 2)) - 40.0) <= 16).all()  # a rounding a step
    assert model.decode_windows(found.latents[2], counts=np.zeros((2, 2), np.float32)).sum() == 0
    assert tiny.model(tiny.MELODY).expected_counts(a) is None
