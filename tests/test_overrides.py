"""Settings of a preset that the options of `train` change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiny

from musicae.core.objectives import Reconstruction
from musicae.core.schedules import Constant, Decay, Linear, Saturating, WarmupCosine
from musicae.errors import ConfigError
from musicae.overrides import changed
from musicae.presets import PRESETS


def with_rate(schedule):
    return replace(tiny.MELODY, training=replace(tiny.MELODY.training, learning_rate=schedule))


def with_beta(schedule):
    return replace(tiny.MELODY, objective=replace(tiny.MELODY.objective, beta=schedule))


def test_nothing_given_changes_nothing():
    for preset in PRESETS.values():
        assert changed(preset) == preset
        assert changed(preset, steps=None, beta=None) == preset


def test_the_learning_rate_follows_the_number_of_steps():
    settings = changed(PRESETS["melody-2bar"], steps=500).training
    assert settings.learning_rate == WarmupCosine(1e-3, 1e-5, 50, 500)
    peaked = changed(PRESETS["melody-2bar"], steps=500, learning_rate=0.5).training
    assert peaked.learning_rate == WarmupCosine(0.5, 0.005, 50, 500)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Constant(1e-3), Constant(0.5)),
        (Decay(1e-3, 1e-5, 0.9), Decay(0.5, 0.005, 0.9)),
        (Linear(1e-3, 1e-5, 0, 9), Linear(0.5, 1e-5, 0, 9)),
        (WarmupCosine(1e-3, 1e-5, 0, 4), WarmupCosine(0.5, 0.005, 0, 4)),
    ],
)
def test_the_peak_of_any_schedule(before, after):
    assert changed(with_rate(before), learning_rate=0.5).training.learning_rate == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Constant(1.0), Constant(0.5)),
        (Linear(0.0, 0.1, 200, 2000), Linear(0.0, 0.5, 200, 2000)),
        (Saturating(0.2, 0.99), Saturating(0.5, 0.99)),
    ],
)
def test_the_final_weight_of_the_rate(before, after):
    assert changed(with_beta(before), beta=0.5).objective.beta == after
    assert changed(with_beta(before), beta=0.0).objective.beta(10**6) == 0


def test_the_rest_is_set_as_it_is():
    settings = changed(tiny.MELODY, batch_size=7, seed=5, precision="float32", validate_every=3).training
    assert (settings.batch_size, settings.seed, settings.precision, settings.validate_every) == (7, 5, "float32", 3)


def test_a_warm_up_of_beta_keeps_its_share_of_the_steps():
    preset = with_beta(Linear(0.0, 0.1, 10, 50))
    steps = preset.training.steps
    assert changed(preset, steps=2 * steps).objective.beta == Linear(0.0, 0.1, 20, 100)
    assert changed(preset, beta=0.2).objective.beta == Linear(0.0, 0.2, 10, 50)


@pytest.mark.parametrize("name", ["steps", "batch_size", "validate_every", "seed", "learning_rate", "beta"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_impossible_values(name, value):
    with pytest.raises(ConfigError, match=f"{name} .*: it must lie between"):
        changed(tiny.MELODY, **{name: value})


def test_a_model_without_a_rate_has_no_weight_of_it():
    with pytest.raises(ConfigError, match="has no rate to weigh"):
        changed(replace(tiny.MELODY, objective=Reconstruction()), beta=1.0)


def test_another_grid_keeps_the_length_of_windows():
    finer = changed(PRESETS["melody-2bar"], steps_per_quarter=12).representation
    assert (finer.steps, finer.steps_per_quarter) == (96, 12)
    with pytest.raises(ConfigError, match="no whole number"):
        changed(with_steps(33), steps_per_quarter=3)
    with pytest.raises(ConfigError, match="is for music"):
        changed(PRESETS["mnist-vae"], steps_per_quarter=12)


def with_steps(steps: int):
    return replace(tiny.MELODY, representation=replace(tiny.MELODY.representation, steps=steps))
