from __future__ import annotations

import pytest
import torch

from musicae.core.geometry import grid, lerp, slerp
from musicae.core.randomness import RandomSource

PATHS = pytest.mark.parametrize("path", [lerp, slerp])
PLACES = torch.linspace(0, 1, 7)


def vector(seed: int, *shape: int) -> torch.Tensor:
    return RandomSource(seed).normal(*(shape or (16,)))


@PATHS
@pytest.mark.parametrize("shape", [(16,), (3, 16), (2, 3, 16)])
def test_the_ends_are_the_inputs_to_the_bit(path, shape):
    for seed in range(20):
        a, b = vector(seed, *shape), 100 * vector(seed + 1000, *shape)
        way = path(a, b, PLACES)
        assert way.shape == (7, *shape)
        assert torch.equal(way[0], a)
        assert torch.equal(way[-1], b)


@PATHS
def test_identical_inputs_stay_identical_in_every_step(path):
    for seed in range(20):
        a = vector(seed)
        assert all(torch.equal(step, a) for step in path(a, a.clone(), torch.linspace(0, 1, 11)))


@PATHS
@pytest.mark.parametrize("factor", [-1.0, -3.0, 0.0, 2.0, 1 + 1e-6, -1 - 1e-6, 1e-30, 1e10])
def test_parallel_opposite_and_zero_vectors_give_no_nonsense(path, factor):
    a = vector(0)
    for way in (path(a, factor * a, PLACES), path(factor * a, a, PLACES)):
        assert way.isfinite().all()
        assert (way.norm(dim=-1) <= a.norm() * max(1.0, abs(factor)) * (1 + 1e-5)).all()
    assert torch.equal(path(torch.zeros(4), torch.zeros(4), PLACES), torch.zeros(7, 4))


def test_slerp_keeps_the_length():
    a, b = vector(1), vector(2)
    b = b * a.norm() / b.norm()
    lengths = slerp(a, b, torch.linspace(0, 1, 50)).norm(dim=-1)
    torch.testing.assert_close(lengths, a.norm().expand(50))
    assert lerp(a, b, torch.tensor([0.5])).norm() < 0.9 * a.norm()


def test_slerp_between_vectors_of_one_length_turns_by_equal_angles():
    a, b = vector(1), vector(2)
    way = slerp(a, b * a.norm() / b.norm(), PLACES)
    cosines = (way[1:] * way[:-1]).sum(-1) / a.square().sum()
    torch.testing.assert_close(cosines, cosines[:1].expand(6))


def test_slerp_of_a_quarter_circle():
    way = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([1 / 3]))
    torch.testing.assert_close(way, torch.tensor([[3**0.5 / 2, 0.5]]))


def test_slerp_goes_its_own_way_for_every_row_of_a_batch():
    a, b = vector(3, 4, 8), vector(4, 4, 8)
    b[1], b[2] = a[1], -a[2]
    together = slerp(a, b, PLACES)
    for row in range(4):
        torch.testing.assert_close(together[:, row], slerp(a[row], b[row], PLACES))


@PATHS
def test_every_row_of_a_batch_may_have_places_of_its_own(path):
    a, b = vector(3, 4, 8), vector(4, 4, 8)
    places = torch.rand(7, 4, generator=torch.Generator().manual_seed(0))
    found = path(a, b, places)
    for row in range(4):
        torch.testing.assert_close(found[:, row], path(a[row], b[row], places[:, row]))
    assert torch.equal(path(a, b, PLACES[:, None].expand(7, 4)), path(a, b, PLACES))


def test_lerp_is_a_straight_line():
    a, b = vector(1), vector(2)
    torch.testing.assert_close(lerp(a, b, PLACES), torch.stack([(1 - t) * a + t * b for t in PLACES]))


def test_a_grid_gives_each_cell_the_same_share_of_the_prior():
    plane = grid(5)
    assert plane.shape == (5, 5, 2)
    shares = torch.distributions.Normal(0.0, 1.0).cdf(plane[0, :, 0])
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]))
    torch.testing.assert_close(plane[:, 0, 1], -plane[0, :, 0])
    torch.testing.assert_close(plane[2, 2], torch.zeros(2))
    assert (plane[:, :, 0] == plane[:1, :, 0]).all()
    assert (plane[:, :, 1] == plane[:, :1, 1]).all()


def test_only_a_plane_can_be_laid_out():
    with pytest.raises(ValueError, match="3"):
        grid(5, dimensions=3)
