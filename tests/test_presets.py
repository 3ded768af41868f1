"""Every named model can be stored, read back, built and trained."""

from __future__ import annotations

import json
import math

import pytest
import torch

from musicae.core.configuration import from_data, to_data
from musicae.core.data import Batch
from musicae.core.networks import Recurrent
from musicae.core.randomness import RandomSource
from musicae.core.training import Task
from musicae.loading import build_network, of
from musicae.presets import KINDS, PRESETS

EVERY = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)


@EVERY
def test_settings_survive_a_file(preset):
    assert from_data(json.loads(json.dumps(to_data(preset))), KINDS) == preset


@EVERY
def test_names_and_summaries_fit_in_a_line(preset):
    assert PRESETS[preset.name] is preset
    assert 10 < len(preset.summary) < 70
    assert not preset.summary.endswith(".")


@EVERY
def test_the_learning_rate_ends_with_the_training(preset):
    settings = preset.training
    rates = [settings.learning_rate(step) for step in (0, settings.steps // 2, settings.steps - 1)]
    assert all(0 < rate <= 0.01 for rate in rates)
    assert rates[1] > rates[2]


@EVERY
def test_it_can_be_built_and_its_loss_has_gradients(preset):
    torch.manual_seed(0)
    network = build_network(preset)
    model = of(preset, network)
    assert preset.name in repr(model)
    event = preset.representation.event
    shape = (2, *preset.representation.shape)
    x = torch.zeros(shape, dtype=torch.int64 if event.categorical else torch.float32)
    task = Task(network, preset.objective, preset.corruption)
    condition = torch.eye(preset.told)[:2] if preset.told else None
    terms = task(Batch(x, condition), 0, RandomSource(0))
    terms.loss.backward()
    assert math.isfinite(terms.loss.item())
    assert all(p.grad is not None for p in task.parameters() if p.requires_grad)
    norm = torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
    assert norm < preset.training.skip_above / 3, "its first steps would be skipped"
    assert len(model.draw(2)) == 2


def test_the_baseline_is_the_original_one():
    preset = PRESETS["cat-mel_2bar_small"]
    assert preset.network == Recurrent(encoder_units=(512,), decoder_units=(256, 256))
    assert (preset.latent, preset.training.batch_size) == (256, 512)
    assert preset.training.learning_rate(0) == 1e-3
    assert preset.training.learning_rate(10**6) == pytest.approx(1e-5)
    assert preset.objective.beta(10**6) == pytest.approx(0.2, rel=1e-3)
