from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Point
from musicae.core.corruptions import CORRUPTIONS, Corruption, GaussianNoise, Masking, Pixelation
from musicae.core.data import Batch, shuffled
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Dense
from musicae.core.objectives import Objective, Reconstruction
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.core.training import Task, Trainer
from musicae.errors import ConfigError

EVERY = pytest.mark.parametrize("corruption", [kind() for kind in CORRUPTIONS], ids=lambda c: type(c).__name__)


@EVERY
def test_any_corruption_keeps_the_shape_and_the_range_and_leaves_the_data_alone(corruption):
    for shape in ((5, 1, 8), (5, 3, 8, 4)):
        x = RandomSource(0).uniform(*shape)
        before = x.clone()
        corrupted = corruption(x, RandomSource(1))
        assert corrupted.shape == x.shape
        assert corrupted.dtype == x.dtype
        assert corrupted.min() >= 0
        assert corrupted.max() <= 1
        assert not torch.equal(corrupted, x)
        assert torch.equal(x, before)


def test_values_stay_in_their_range_and_the_data_are_not_changed():
    x = RandomSource(0).uniform(50, 8, 8)
    before = x.clone()
    noisy = GaussianNoise(mean=0.2, std=2.0)(x, RandomSource(1))
    assert noisy.shape == x.shape
    assert noisy.min() == 0
    assert noisy.max() == 1
    assert torch.equal(x, before)


def test_the_noise_is_fresh_for_every_example_and_every_step():
    x = torch.full((3, 16), 0.5)
    noise = GaussianNoise(std=0.1)
    first, second = (noise(x, RandomSource(0, step)) for step in (0, 1))
    assert not torch.equal(first, second)
    assert len({tuple(row.tolist()) for row in first}) == 3
    assert torch.equal(first, noise(x, RandomSource(0, 0)))


def test_the_noise_has_its_mean_and_deviation():
    noise = GaussianNoise(mean=0.05, std=0.1)(torch.full((20_000, 1), 0.5), RandomSource(0)) - 0.5
    assert abs(noise.mean() - 0.05) < 0.005
    assert abs(noise.std() - 0.1) < 0.005


def test_a_mask_hides_its_share_and_is_another_every_time():
    x = torch.ones(200, 64)
    first, second, again = (Masking(0.75)(x, RandomSource(0, step)) for step in (0, 1, 0))
    assert first.unique().tolist() == [0, 1]
    assert abs(first.mean() - 0.25) < 0.02
    assert not torch.equal(first, second)
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(Masking(0.0)(x, RandomSource(0)), x)


# Noise in training


class Greys:
    """Pictures that can be recognised, and of which every value is near the middle, so that nothing is clipped."""

    def __len__(self) -> int:
        return 6

    def batch(self, indices, random=None) -> Batch:
        return Batch(0.4 + torch.from_numpy(indices).float().view(-1, 1, 1) * 0.01 + torch.zeros(1, 1, 4))


def corrupted_in_training(folder, corruption: Corruption, epochs: int = 3) -> list[dict[int, torch.Tensor]]:
    """What the encoder read of each picture, by epoch; two steps are an epoch."""
    read = []

    class Spy(Objective):
        def __call__(self, model, batch, corrupted, step, random, discriminator=None):
            read.append(corrupted)
            return Reconstruction()(model, batch, corrupted, step, random)

    torch.manual_seed(0)
    model = build(Dense((4,)), ExampleSpec("bernoulli", 1, (4,)), 2, Point())
    settings = Training(steps=2 * epochs, batch_size=3, learning_rate=Constant(1e-3), precision="float32")
    options = {"save": lambda *_: None, "device": "cpu", "quiet": True}
    running = Trainer(Task(model, Spy(), corruption), (Greys(), Greys()), settings, folder, **options)
    for _ in range(2 * epochs):
        running.step(*running.prepare(running.state.step))
    order = [shuffled(6, 3, settings.seed, step).tolist() for step in range(2 * epochs)]
    seen = [dict(zip(indices, batch, strict=True)) for indices, batch in zip(order, read, strict=True)]
    return [first | second for first, second in zip(seen[::2], seen[1::2], strict=True)]


def test_the_noise_on_a_picture_is_another_in_every_epoch_and_on_every_picture(tmp_path):
    """Never a fixed set of noises that is used again, which a network could learn."""
    epochs = corrupted_in_training(tmp_path, GaussianNoise(std=0.02))
    noises = [noisy - Greys().batch(torch.tensor([i]).numpy()).x[0] for epoch in epochs for i, noisy in epoch.items()]
    assert len(noises) == 18
    assert len({tuple((1e4 * noise).round().flatten().tolist()) for noise in noises}) == 18
    together = torch.stack(noises).flatten(1)
    assert (torch.corrcoef(together) - torch.eye(18)).min() < 0  # of all signs, so of no common part


# Blocks


@st.composite
def grids(draw) -> tuple[torch.Tensor, int]:
    """Values `[batch, channels, *size]`, of one dimension or two, and a factor that divides each."""
    factor = draw(st.integers(1, 4))
    sides = draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))
    return RandomSource(draw(st.integers(0, 9))).uniform(2, 3, *(factor * side for side in sides)), factor


@given(grids())
def test_blocks_keep_the_shape_and_the_mean_and_nothing_is_left_to_take(grid):
    x, factor = grid
    blocks = Pixelation(factor)(x, RandomSource(0))
    assert blocks.shape == x.shape
    torch.testing.assert_close(blocks.flatten(1).mean(1), x.flatten(1).mean(1))
    torch.testing.assert_close(Pixelation(factor)(blocks, RandomSource(0)), blocks)
    if factor == 1:
        assert torch.equal(blocks, x)


@given(grids())
def test_a_block_has_one_value_the_mean_of_what_was_in_it(grid):
    x, factor = grid
    blocks = Pixelation(factor)(x, RandomSource(0))
    for dimension in range(2, x.dim()):
        x = x.unflatten(dimension, (-1, factor)).mean(dimension + 1)
        first = torch.arange(0, blocks.shape[dimension], factor)
        parts = [blocks.index_select(dimension, first + i) for i in range(factor)]
        assert all(torch.equal(part, parts[0]) for part in parts)
        blocks = parts[0]
    torch.testing.assert_close(blocks, x)


def test_blocks_of_pictures_are_those_of_torch():
    x = RandomSource(0).uniform(3, 1, 8, 8)
    torch.testing.assert_close(Pixelation(4)(x, RandomSource(0))[:, :, ::4, ::4], avg_pool2d(x, 4))


@pytest.mark.parametrize(("factor", "size"), [(3, (8, 8)), (2, (8, 7)), (4, (6,)), (9, (8,))])
def test_a_factor_that_does_not_divide_is_refused_in_one_line(factor, size):
    with pytest.raises(ConfigError, match=rf"^a size of {' by '.join(map(str, size))} has no whole blocks of {factor}"):
        Pixelation(factor)(torch.zeros(1, 1, *size), RandomSource(0))


@EVERY
def test_a_users_own_data_are_what_they_are(corruption):
    """Corruptions are for training and measuring: what a user gives to a model that restores is not corrupted again."""
    x = RandomSource(0).uniform(2, 3, 4, 4)
    assert torch.equal(corruption.deterministic(x), x)
