from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.data import shuffled


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 3))
def test_each_epoch_is_a_permutation(examples, batch_size, seed):
    """Whatever divides what: batches may be larger than the set, and reach over the ends of epochs."""
    steps = -(-3 * examples // batch_size)
    stream = np.concatenate([shuffled(examples, batch_size, seed, step) for step in range(steps)])
    for epoch in range(3):
        whole = stream[epoch * examples : (epoch + 1) * examples]
        assert sorted(whole) == list(range(examples))


def test_epochs_and_seeds_have_their_own_orders():
    first, second = (shuffled(100, 100, 0, step).tolist() for step in (0, 1))
    assert first != second
    assert first != shuffled(100, 100, 1, 0).tolist()
    assert first != list(range(100))


def test_any_step_can_be_asked_for_at_any_time():
    forwards = [shuffled(30, 7, 5, step).tolist() for step in range(20)]
    backwards = [shuffled(30, 7, 5, step).tolist() for step in reversed(range(20))]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("step", [10**6, 10**9])
def test_late_steps_cost_no_more(step):
    assert shuffled(10, 4, 0, step).shape == (4,)
