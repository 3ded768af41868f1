"""One model of grooves for performances, scores and taps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from musicae.core.networks import Convolutional
from musicae.errors import ConfigError
from musicae.music.data.corruptions import GrooveCorruption, OneOf
from musicae.music.data.windows import Windows
from musicae.music.representations import Groove

KIND = Groove(steps=32, precise=True)
PRESET = replace(tiny.MELODY, name="tiny-groove", representation=KIND, corruption=OneOf(), transpose=(0, 0), track=None)


@pytest.fixture(scope="module")
def model():
    return tiny.model(replace(PRESET, network=Convolutional(widths=(8,), blocks=1)))


@pytest.fixture(scope="module")
def windows():
    """Forty random performances."""
    generator = np.random.default_rng(0)
    hits = generator.random((40, 9, 32)) < 0.1
    marks = generator.random((40, 9, 32)), generator.uniform(-1, 1, (40, 9, 32))
    return np.concatenate([hits, *(np.where(hits, mark, 0) for mark in marks)], 1).astype(np.float32)


def test_decodes_of_each_partial_input_are_measured(model, windows):
    figures = model.evaluate(Windows(windows, KIND))
    assert set(figures["remains"]) == {"a score", "taps", "few taps", "few taps on the grid"}
    assert figures["mean"]["greedy"]["hit_recall"] < 1
    assert figures["remains"]["a score"]["hit_recall"] == figures["remains"]["a score"]["hit_precision"] == 1
    assert figures["remains"]["taps"]["hit_recall"] < 1


def test_a_model_for_one_task_reads_its_partial_input_and_keeps_what_that_holds(model, windows):
    humanising = model.for_task("humanise")
    assert humanising.preset.corruption == GrooveCorruption(humanise=True)
    assert model.preset.corruption == OneOf()
    assert {**vars(humanising), "preset": model.preset} == vars(model)
    quiet = windows.copy()
    quiet[:, 9:18] *= 0.5
    assert (humanising.encode_windows(windows) == humanising.encode_windows(quiet)).all()
    assert (model.encode_windows(windows) != model.encode_windows(quiet)).any()
    decoded = humanising.decode_windows(humanising.encode_windows(windows), known=windows)
    assert (decoded[:, :9] == windows[:, :9]).all()
    assert (decoded[:, 9:] != windows[:, 9:]).any()


def test_only_partial_inputs_that_it_was_trained_on(model):
    with pytest.raises(ConfigError, match="was not trained"):
        model.for_task("add_instruments")
    with pytest.raises(ConfigError, match="was not trained"):
        tiny.model(tiny.MELODY).for_task("humanise")
