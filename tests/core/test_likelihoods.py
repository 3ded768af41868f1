from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributions

from musicae.core.likelihoods import (
    HVO,
    Bernoulli,
    BitmaskBernoulli,
    Categorical,
    HVOLaplace,
    Normal,
    apportioned,
    choose,
)
from musicae.core.outputs import LIKELIHOODS
from musicae.core.randomness import RandomSource

CELL_BY_CELL = [name for name in LIKELIHOODS if name != "spans"]  # which are decoded together: test_spans
BELOW_ONE = 1 - 2**-24  # the largest number that a uniform source can give


def logits(*shape: int) -> torch.Tensor:
    return 2 * RandomSource(7).normal(*shape)


def likelihood(name: str):
    return LIKELIHOODS[name].of(logits(4, 3, 5))


def test_log_prob_of_classes_is_that_of_torch():
    x = RandomSource(1).integers(0, 2, 4, 5)
    expected = distributions.Categorical(logits=logits(4, 3, 5).movedim(1, -1)).log_prob(x).sum(1)
    torch.testing.assert_close(likelihood("categorical").log_prob(x), expected)


def test_log_prob_of_binary_units_is_that_of_torch():
    x = RandomSource(1).integers(0, 1, 4, 3, 5).float()
    expected = distributions.Bernoulli(logits=logits(4, 3, 5)).log_prob(x).sum((1, 2))
    torch.testing.assert_close(likelihood("bernoulli").log_prob(x), expected)


def test_log_prob_of_grey_values_is_minus_the_cross_entropy():
    x, p = RandomSource(1).uniform(4, 3, 5), torch.sigmoid(logits(4, 3, 5))
    expected = (x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2))
    torch.testing.assert_close(likelihood("bernoulli").log_prob(x), expected)


@pytest.mark.parametrize("std", [0.5**0.5, 0.1, 3.0])
def test_log_prob_of_real_values_is_that_of_torch(std):
    mean, x = logits(4, 3, 5), RandomSource(1).normal(4, 3, 5)
    expected = distributions.Normal(mean, std).log_prob(x).sum((1, 2))
    torch.testing.assert_close(Normal(mean, std).log_prob(x), expected)


def test_the_default_normal_is_the_summed_squared_error_and_a_constant():
    mean, x = logits(4, 6), RandomSource(1).normal(4, 6)
    constant = Normal(mean).log_prob(mean)
    torch.testing.assert_close(constant - Normal(mean).log_prob(x), (x - mean).square().sum(1))


def test_bitmasks_are_of_the_units_that_are_on():
    p, units = BitmaskBernoulli.of(logits(4, 3, 5)), Bernoulli(logits(4, 3, 5))
    x = RandomSource(1).integers(0, 7, 4, 5)
    on = torch.stack([x & 1, x >> 1 & 1, x >> 2], 1)
    torch.testing.assert_close(p.log_prob(x), units.log_prob(on))
    named = (units.mode() * torch.tensor([1, 2, 4]).view(3, 1)).sum(1).long()
    assert torch.equal(p.mode(), named)
    assert torch.equal(p.accuracy(named), torch.ones(4))
    assert torch.equal(p.sample(RandomSource(2), 0.0), named)


def test_probabilities_of_all_bitmasks_of_one_part_sum_to_one():
    p = BitmaskBernoulli.of(logits(4, 3, 1))
    everything = torch.stack([p.log_prob(torch.full((4, 1), n)) for n in range(8)])
    torch.testing.assert_close(everything.exp().sum(0), torch.ones(4))


def test_what_is_played_is_charged_by_its_distance_where_it_is_played():
    p, x = likelihood("hvo_laplace"), likelihood("hvo_laplace").mode()
    hit = x[:, 0] > 0
    off, moved = x.clone(), x.clone()
    off[:, 1:][~hit.unsqueeze(1).expand(-1, 2, -1)] = 0.9
    moved[:, 1] += 0.2
    torch.testing.assert_close(p.log_prob(off), p.log_prob(x))
    torch.testing.assert_close(p.log_prob(x) - p.log_prob(moved), 2.0 * hit.sum(1))
    units = distributions.Bernoulli(logits=logits(4, 3, 5)[:, 0]).log_prob(x[:, 0]).sum(1)
    torch.testing.assert_close(p.log_prob(x), units)


@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_the_mode_is_more_probable_than_any_draw_and_is_the_sample_at_temperature_0(name):
    p = likelihood(name)
    assert torch.equal(p.sample(RandomSource(0), temperature=0.0), p.mode())
    for seed in range(10):
        assert (p.log_prob(p.mode()) >= p.log_prob(p.sample(RandomSource(seed)))).all()


@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_draws_depend_on_the_source_alone_and_have_the_shape_of_the_data(name):
    p = likelihood(name)
    draw = p.sample(RandomSource(5), 1.0)
    assert torch.equal(draw, p.sample(RandomSource(5), 1.0))
    assert not torch.equal(draw, p.sample(RandomSource(6), 1.0))
    assert draw.shape == p.mode().shape == ((4, 5) if name == "categorical" else (4, 3, 5))
    assert p.teacher_forced(draw) is p
    assert p.log_prob(draw).shape == p.accuracy(draw).shape == (4,)
    assert torch.equal(p.accuracy(p.mode()), torch.ones(4))


@pytest.mark.parametrize("name", CELL_BY_CELL)
def test_parameters_are_float32_even_where_the_network_computes_in_half(name):
    p = LIKELIHOODS[name].of(logits(4, 3, 5).bfloat16())
    assert p.log_prob(p.mode()).dtype == torch.float32


def test_classes_are_drawn_as_often_as_they_are_probable():
    row = torch.tensor([0.5, 0.3, 0.15, 0.05])
    for temperature in (1.0, 0.5, 2.0):
        expected = torch.softmax(row.log() / temperature, 0)
        draws = Categorical(row.log().expand(40_000, 4)).sample(RandomSource(0), temperature)
        torch.testing.assert_close(draws.bincount(minlength=4) / 40_000, expected, rtol=0.0, atol=0.01)


def test_units_are_on_as_often_as_is_probable():
    p = Bernoulli(torch.tensor([-2.0, 0.0, 1.0]).expand(40_000, 3))
    for temperature in (1.0, 0.5):
        expected = torch.sigmoid(torch.tensor([-2.0, 0.0, 1.0]) / temperature)
        torch.testing.assert_close(p.sample(RandomSource(0), temperature).mean(0), expected, rtol=0.0, atol=0.01)
    torch.testing.assert_close(p.mean[0], torch.sigmoid(torch.tensor([-2.0, 0.0, 1.0])))


def test_real_values_spread_with_the_temperature():
    p = Normal(torch.full((40_000, 1), 1.0), 0.5)
    for temperature in (1.0, 0.25):
        draws = p.sample(RandomSource(0), temperature)
        assert abs(draws.mean().item() - 1.0) < 0.01
        assert abs(draws.std().item() - 0.5 * temperature) < 0.01


def test_top_p_leaves_the_most_probable_classes_that_reach_it():
    row = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
    for top_p, kept in ((0.0, {1}), (0.4, {1}), (0.6, {1, 3}), (0.85, {1, 3, 2}), (0.95, {0, 1, 2, 3})):
        draws = Categorical(row.expand(5000, 4)).sample(RandomSource(0), 1.0, top_p)
        assert set(draws.tolist()) == kept
    draws = Categorical(row.expand(40_000, 4)).sample(RandomSource(0), 1.0, 0.6)
    assert abs((draws == 1).float().mean().item() - 0.5 / 0.75) < 0.01


rows = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=12)


@settings(max_examples=300)
@given(
    rows,
    st.floats(0, BELOW_ONE, width=32) | st.just(BELOW_ONE) | st.just(0.0),
    st.floats(0.05, 4),
    st.floats(0, 1) | st.just(1.0),
)
def test_no_class_outside_the_nucleus_is_ever_chosen(row, uniform, temperature, top_p):
    """The nucleus: the fewest of the most probable classes whose probabilities reach top_p, at least one."""
    chosen = int(choose(torch.tensor(row), torch.tensor(uniform), temperature, top_p))
    probabilities = torch.softmax(torch.tensor(row, dtype=torch.float64) / temperature, -1)
    assert 0 <= chosen < len(row)
    more_probable = probabilities[probabilities > probabilities[chosen] * (1 + 1e-5)].sum()
    assert more_probable < top_p + 1e-5 or more_probable == 0
    assert torch.softmax(torch.tensor(row) / temperature, -1)[chosen] > 0


@settings(max_examples=100)
@given(rows, st.floats(0.05, 4), st.floats(0, 1))
def test_the_shares_of_a_fine_comb_are_the_probabilities(row, temperature, top_p):
    comb = (torch.arange(2000) + 0.5) / 2000
    chosen = choose(torch.tensor(row).expand(2000, -1), comb, temperature, top_p)
    shares = chosen.bincount(minlength=len(row)) / 2000
    probabilities = torch.softmax(torch.tensor(row) / temperature, -1)
    kept = torch.where(shares > 0, probabilities, 0.0)
    torch.testing.assert_close(shares, kept / kept.sum(), rtol=0.0, atol=0.01)


@given(st.integers(0, 2**32))
def test_the_largest_uniform_number_stays_on_classes_of_some_probability(seed):
    """Rounding must not carry a draw past the last class that has a probability."""
    row = torch.cat([3 * RandomSource(seed).normal(7), torch.full((3,), -torch.inf)])
    assert int(choose(row, torch.tensor(BELOW_ONE))) < 7


@given(rows, st.floats(0, BELOW_ONE, width=32))
def test_tiny_temperatures_are_the_mode_and_never_overflow(row, uniform):
    row = torch.tensor(row)
    chosen = choose(row, torch.tensor(uniform), 1e-38)
    assert row[chosen] == row.max()


def test_choosing_takes_batches_of_any_shape():
    p, uniform = logits(2, 3, 5), RandomSource(2).uniform(2, 3)
    chosen = choose(p, uniform, 0.7, 0.9)
    assert chosen.shape == (2, 3)
    assert chosen.dtype == torch.int64
    for i in range(2):
        for j in range(3):
            assert chosen[i, j] == choose(p[i, j], uniform[i, j], 0.7, 0.9)


def test_as_many_drums_are_hit_as_are_expected_and_the_most_probable_ones():
    p = torch.tensor([0.4, 0.3, 0.35, 0.02]).view(1, 4, 1)  # something is played, but each on its own is rather not
    decoded = HVOLaplace.of(torch.cat([p.logit(), torch.zeros(1, 8, 1)], 1)).mode()
    assert decoded[0, :4, 0].tolist() == [1, 0, 0, 0]


def test_where_more_than_one_drum_is_expected_of_each_step_some_have_two():
    p = torch.tensor([0.6, 0.5, 0.3]).view(1, 3, 1).repeat(1, 1, 10)
    p[:, 1, 7] = 0.55
    decoded = HVOLaplace.of(torch.cat([p.logit(), torch.zeros(1, 6, 10)], 1)).mode()[0, :3]
    assert decoded.sum(0).tolist() == [2, 2, 2, 1, 1, 1, 1, 2, 1, 1]
    assert decoded[0].all()
    assert not decoded[2].any()


def test_expected_numbers_are_rounded_so_that_less_than_one_is_missing_in_all():
    expected = 3 * RandomSource(4).uniform(50, 20)
    whole = apportioned(expected)
    assert torch.equal(whole, whole.round())
    assert ((whole - expected).abs() < 1).all()
    assert ((whole.sum(1) - expected.sum(1)).abs() < 1 + 1e-4).all()
    assert torch.equal(apportioned(whole), whole)
    assert torch.equal(apportioned(torch.tensor([[0.4, 0.9, 0.4, 0.4]])), torch.tensor([[1.0, 1, 0, 0]]))
    assert torch.equal(apportioned(torch.tensor([[0.3, 0.9, 1.1, 0.4]])), torch.tensor([[0.0, 1, 1, 0]]))


def test_hits_of_probability_one_are_decoded_as_they_are():
    units = RandomSource(3).integers(0, 1, 8, 9, 16).float()
    decoded = HVOLaplace.of(torch.cat([12 * (2 * units - 1), logits(8, 18, 16)], 1)).mode()
    assert torch.equal(decoded[:, :9], units)


def test_hits_velocities_and_offsets_are_as_probable_as_in_the_equation():
    output = RandomSource(1).normal(2, 6, 3)
    x = torch.cat([(RandomSource(2).uniform(2, 2, 3) < 0.5).float(), RandomSource(3).uniform(2, 4, 3)], 1)
    p, level, shift = torch.sigmoid(output[:, :2]), torch.sigmoid(output[:, 2:4]), torch.tanh(output[:, 4:])
    t, marks = x[:, :2], x[:, 2:]
    squares = (torch.cat([level, shift], 1) - marks).square() + 0.5 * math.log(math.pi)
    expected = (t * p.log() + (1 - t) * (1 - p).log()).sum((1, 2)) - squares.sum((1, 2))
    torch.testing.assert_close(HVO.of(output).log_prob(x), expected, rtol=1e-5, atol=1e-5)
