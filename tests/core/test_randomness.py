from __future__ import annotations

import numpy as np
import pytest
import torch

from musicae.core.randomness import RandomSource, SharedSource

SOURCES = pytest.mark.parametrize("source", [RandomSource, SharedSource])
KINDS = pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])


def draw(source: RandomSource, kind: str, *shape: int) -> torch.Tensor:
    return source.integers(-6, 6, *shape) if kind == "integers" else getattr(source, kind)(*shape)


def test_a_process_makes_no_numbers_for_the_others(monkeypatch):
    made = []

    class Counting(np.random.Philox):
        def random_raw(self, size):
            made.append(2 * size)
            return super().random_raw(size)

    monkeypatch.setattr("numpy.random.Philox", Counting)
    SharedSource(0, rank=3, processes=8).normal(100, 7)
    assert 700 <= sum(made) <= 700 + 2 * SharedSource.BLOCK


@KINDS
@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize("rest", [(), (5,), (2, 3)])
def test_the_shares_of_processes_together_are_the_draw_of_one(kind, processes, rest):
    """And they stay so from draw to draw."""
    alone = SharedSource(1, 2)
    sources = [SharedSource(1, 2, rank=rank, processes=processes) for rank in range(processes)]
    for _ in range(3):
        shares = [draw(source, kind, 12 // processes, *rest) for source in sources]
        assert torch.equal(torch.cat(shares), draw(alone, kind, 12, *rest))


@SOURCES
@KINDS
def test_the_same_name_gives_the_same_numbers(kind, source):
    assert torch.equal(draw(source(5, 7), kind, 100), draw(source(5, 7), kind, 100))


@SOURCES
def test_different_names_give_different_numbers(source):
    """Also where one is the beginning of the other, and for seeds beyond 32 bits and below 0."""
    names = [(0,), (1,), (0, 0), (0, 1), (1, 0), (1, 0, 0), (2**32,), (2**40 + 1,), (-1,), (2**32 - 1,), (7, 2**32)]
    draws = {tuple(source(*name).uniform(4).tolist()) for name in names}
    assert len(draws) == len(names)


@SOURCES
def test_successive_draws_differ(source):
    drawn = source(0)
    assert not torch.equal(drawn.normal(10), drawn.normal(10))


@SOURCES
def test_nothing_touches_the_global_generator(source):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    source(8).normal(100)
    assert torch.equal(torch.rand(4), expected)


@SOURCES
def test_normal_and_uniform_numbers_have_their_moments(source):
    normal, uniform = source(0).normal(50_000), source(1).uniform(50_000)
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    assert abs(normal.pow(4).mean() - 3) < 0.15
    assert abs((normal[1:] * normal[:-1]).mean()) < 0.02
    assert abs(uniform.mean() - 0.5) < 0.01
    assert uniform.min() >= 0
    assert uniform.max() < 1


@SOURCES
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-6, 6), (-5, -2), (3, 3), (1, 7)])
def test_integers_are_equally_probable_from_end_to_end(low, high, source):
    """Negative ones too: numbers must not be drawn towards 0."""
    numbers = source(0).integers(low, high, 50_000)
    count = high - low + 1
    assert numbers.min() == low
    assert numbers.max() == high
    shares = (numbers - low).bincount(minlength=count) / 50_000
    torch.testing.assert_close(shares, torch.full((count,), 1 / count), rtol=0.0, atol=0.01)
