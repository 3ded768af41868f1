from __future__ import annotations

import json

import numpy as np
import pytest
from bundles import shrunk
from shared import PARITY, needs_parity

from musicae.converting import published
from musicae.errors import CheckpointError
from musicae.music.magenta import Checkpoint, open_checkpoint, weights
from musicae.music.magenta.recognition import kit, recognise, resized

PUBLISHED = published()


def checkpoint(shapes, source: str = "somewhere/model.ckpt-0", settings=None) -> Checkpoint:
    return Checkpoint(source, shapes, lambda name: np.zeros(shapes[name], np.float32), None, settings or {})


def recognised(shapes, source: str = "somewhere/model.ckpt-0"):
    return recognise(checkpoint(shapes, source), PUBLISHED.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_configuration_in_its_own_size(name):
    found = recognised(weights.shapes(PUBLISHED[name]))
    assert name in (found.preset.name, *found.others)
    alike = {one for one in PUBLISHED if weights.shapes(PUBLISHED[one]) == weights.shapes(PUBLISHED[name])}
    assert {found.preset.name, *found.others} == alike
    assert found.preset == PUBLISHED[found.preset.name]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("size", [lambda preset: preset, shrunk], ids=["full", "small"])
def test_a_name_tells_those_apart_that_are_alike(name, size):
    preset = size(PUBLISHED[name])
    for source in (f"models/{name}.tar: {name}/model.ckpt", f"runs/{name}/train/model.ckpt-100", name):
        found = recognised(weights.shapes(preset), source)
        assert (found.preset, found.others) == (preset, ())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/data/groovae_2bar_hits_control.tar: model.ckpt", "groovae_2bar_hits_control_tfds"),
        ("/data/groovae_2bar_tap_fixed_velocity.tar: x.ckpt-3", "groovae_2bar_tap_fixed_velocity"),
        ("/data/groovae_tap2drum/model", "groovae_2bar_humanize"),
        ("/data/drums_2bar_small.lokl.ckpt", "cat-drums_2bar_small"),
        ("/data/drums_2bar_nade.full.ckpt", "nade-drums_2bar_full"),
        ("/data/mel_2bar_big.ckpt", "cat-mel_2bar_big"),
        ("/data/trio_16bar_hierdec.ckpt", "hierdec-trio_16bar"),
    ],
)
def test_names_under_which_they_were_published(source, name):
    assert recognised(weights.shapes(PUBLISHED[name]), source).preset.name == name


def test_models_of_grooves_are_taken_to_humanise():
    found = recognised(weights.shapes(PUBLISHED["groovae_4bar"]))
    assert found.preset.name == "groovae_2bar_humanize"
    assert "groovae_4bar" in found.others
    assert "groovae_2bar_hits_control_tfds" not in found.others


@needs_parity
@pytest.mark.parametrize("family", ["mel2", "drums", "groove", "hierdec_mel", "hierdec_trio"])
def test_the_parity_checkpoints(family):
    said = json.loads((PARITY / family / "config.json").read_text())
    preset = recognise(open_checkpoint(PARITY / family), PUBLISHED.values()).preset
    sizes = (preset.network.encoder_units, preset.network.decoder_units, preset.latent)
    expected = [tuple(said["hparams"][key]) for key in ("enc_rnn_size", "dec_rnn_size")]
    assert preset.name == said["config"]
    assert sizes == (*expected, said["hparams"]["z_size"])


def test_settings_of_magenta_js_say_how_long_examples_are():
    shapes = weights.shapes(shrunk(PUBLISHED["cat-mel_2bar_small"]))
    settings = {"type": "MusicVAE", "dataConverter": {"type": "MelodyConverter", "args": {"numSteps": 64}}}
    four_bars = checkpoint(shapes, "models/mel_4bar_small_q2", settings)
    assert recognise(four_bars, PUBLISHED.values()).preset.representation.steps == 64


# What does not fit


def failure(shapes) -> str:
    with pytest.raises(CheckpointError) as error:
        recognised(shapes)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_foreign_and_mismatched_checkpoints():
    shapes = weights.shapes(shrunk(PUBLISHED["cat-mel_2bar_small"]))
    assert "tensor resnet/conv1/kernel is none of MusicVAE" in failure({"resnet/conv1/kernel": (3, 3)})
    assert "there are none of MusicVAE" in failure({})
    mu = "encoder/mu/kernel"
    assert f"tensor {mu} is missing" in failure({k: v for k, v in shapes.items() if k != mu})
    assert "tensor more is too many" in failure(shapes | {"more": (1,)})
    assert f"tensor {mu} has shape (11, 2)" in failure(shapes | {mu: (11, 2)})
    read = "encoder/cell_0/bidirectional_rnn/fw/multi_rnn_cell/cell_0/lstm_cell/kernel"
    assert f"tensor {read} has shape (50, 20)" in failure(shapes | {read: (50, 20)})


@pytest.mark.parametrize("name", ["encoder/mu/bias", "decoder/multi_rnn_cell/cell_1/lstm_cell/bias"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 2)])
def test_shapes_that_cannot_be(name, shape):
    assert "tensor " in failure(weights.shapes(shrunk(PUBLISHED["cat-mel_2bar_small"])) | {name: shape})


def test_a_configuration_that_was_asked_for_must_fit():
    small = checkpoint(weights.shapes(PUBLISHED["cat-mel_2bar_small"]))
    with pytest.raises(CheckpointError, match=r"cell_2/lstm_cell/kernel is missing, which cat-mel_2bar_big has"):
        resized(PUBLISHED["cat-mel_2bar_big"], small)


# Maps of drums


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/x/cat-drums_2bar_small.lokl.tar: cat-drums_2bar_small.lokl.ckpt", "old"),
        ("/x/drums_2bar_small.hikl.ckpt", "old"),
        ("/x/hierdec-trio_16bar.tar: model", "old"),
        ("/x/trio_16bar_flat.ckpt", "old"),
        ("/x/drums_2bar_nade.reduced.ckpt", "old"),
        ("runs/cat-drums_2bar_small/train/model.ckpt-300", "new"),
        ("/parity/drums/model.ckpt-0", "new"),
    ],
)
def test_published_checkpoints_of_drums_have_the_old_map(source, expected):
    assert kit(checkpoint({}, source)) == expected


@pytest.mark.parametrize(("low_tom", "expected"), [(None, "old"), ([45, 29, 43], "new"), ([45, 29], "old")])
def test_settings_of_magenta_js_say_which_map(low_tom, expected):
    """Without one the client's own, which is the old."""
    classes = {} if low_tom is None else {"pitchClasses": [[36], [38], low_tom]}
    for arguments in (classes, {"drumsArgs": classes}):
        settings = {"type": "MusicVAE", "dataConverter": {"type": "DrumsConverter", "args": arguments}}
        assert kit(checkpoint({}, "anything", settings)) == expected
