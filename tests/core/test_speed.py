from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from musicae.core.speed import decoding, seconds, training_step
from musicae.loading import build_network
from musicae.music.data.windows import to_batch


def test_works_take_turns_and_each_has_the_median_of_its_warm_calls():
    now, calls = 0.0, []

    def work(name, costs):
        left = list(costs)

        def call():
            nonlocal now
            calls.append(name)
            now += left.pop(0)

        return call

    costs = {"a": (90, 1, 80, 2, 70, 6), "b": (90, 5, 90, 3, 90, 4)}
    assert seconds(*(work(*item) for item in costs.items()), rounds=3, clock=lambda: now) == [2, 4]
    assert calls == ["a", "a", "b", "b"] * 3


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
