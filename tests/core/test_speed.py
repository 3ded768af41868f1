from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from musicae.core.speed import decoding, seconds, training_step
from musicae.loading import build_network
from musicae.music.windows import to_batch


def test_works_are_called_in_turn_and_each_has_its_median():
    now, calls = 0.0, []

    def work(name, *costs):
        left = list(costs)

        def call():
            nonlocal now
            calls.append(name)
            now += left.pop(0)

        return call

    a, b = seconds(work("a", 90, 1, 2, 6), work("b", 90, 5, 3, 4), repeats=3, clock=lambda: now)
    assert (a, b) == (2, 4)
    assert calls == ["a", "b"] * 4


@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.RECURRENT, tiny.GROOVE, tiny.HITS], ids=lambda p: p.name)
def test_a_training_step_changes_the_weights_and_a_decode_does_not(preset):
    torch.manual_seed(0)
    network, representation = build_network(preset), preset.representation
    batch = to_batch(np.ones((2, *representation.shape), representation.dtype), representation)

    def weights():
        return torch.cat([p.detach().flatten() for p in network.parameters()])

    before = weights().clone()
    decoding(network, 2, batch.condition)()
    assert not network.training
    assert torch.equal(weights(), before)
    training_step(network, preset.objective, batch, corruption=preset.corruption, bf16=False)()
    assert network.training
    assert not torch.equal(weights(), before)
