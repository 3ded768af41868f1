"""Models by name and by folder, and everything that can be wrong with a folder."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch

import musicae
from musicae import CheckpointError, ConfigError
from musicae.core import checkpoints
from musicae.images.model import ImageModel
from musicae.loading import (
    PRETRAINED,
    build_network,
    find,
    here,
    load,
    load_images,
    load_music,
    presets_here,
    read_preset,
    write_settings,
)
from musicae.music.model import MusicModel
from musicae.presets import PRESETS


@pytest.fixture
def folder(tmp_path):
    return tiny.folder(tiny.MELODY, tmp_path / "model")


def edited(folder, change):
    """The folder with its settings changed by a function."""
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("preset", [*tiny.MUSIC, tiny.PICTURES], ids=lambda preset: preset.name)
def test_what_was_written_is_loaded(tmp_path, preset):
    model = load(tiny.folder(preset, tmp_path))
    assert type(model) is (MusicModel if preset.musical else ImageModel)
    assert model.preset == preset
    assert model.folder == tmp_path
    assert not model.network.training
    weights = tiny.model(preset).network.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in model.network.state_dict().items())


def test_the_package_offers_it(folder):
    assert musicae.load is load
    assert musicae.load(str(folder)).name == "tiny-melody"


def test_measured_figures_come_along(folder):
    assert load(folder).metrics == {}
    checkpoints.write_json(folder, checkpoints.METRICS, {"held_out": {"rate": 1.0}})
    assert load(folder).metrics["held_out"]["rate"] == 1


def test_the_default_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "melody-2bar").mkdir()  # is no model
    if (PRETRAINED / "melody-2bar" / "config.json").exists():
        assert find("melody-2bar") == PRETRAINED / "melody-2bar"
        assert here()["melody-2bar"] == PRETRAINED / "melody-2bar"
        assert here().keys() <= PRESETS.keys()


def test_what_was_trained_here_is_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.folder(tiny.MELODY, tmp_path / "runs" / "mine")
    (tmp_path / "runs" / "other").mkdir()
    assert [name for name in here() if "runs" in name] == ["runs/mine"]
    assert load("runs/mine").name == "tiny-melody"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("melody-2baar", r"unknown model or folder 'melody-2baar': did you mean 'melody-2bar'\?"),
        ("zzz", r"unknown model or folder 'zzz': known: melody-2bar"),
        ("cat-mel_2bar_big", r"train it with `python -m musicae.train cat-mel_2bar_big`, then give --model runs/cat"),
        ("empty", r"empty: no config.json in it"),
    ],
)
def test_names_that_are_not_known(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("musicae.loading.presets_here", lambda: {"melody-2bar": PRESETS["melody-2bar"]})
    with pytest.raises(CheckpointError, match=message):
        load(name)


@pytest.mark.parametrize("device", ["banana", "cuda:99", "meta", "xla", ""])
def test_devices_that_are_not_there(folder, device):
    with pytest.raises(ConfigError, match=r"device .* cannot be used here; try --device"):
        load(folder, device)


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no model.safetensors in it"):
        load(folder)


def test_damaged_weights(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load(folder)


def test_weights_of_another_network(folder):
    write_settings(folder, replace(tiny.MELODY, latent=5))
    with pytest.raises(CheckpointError, match="has shape"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda c: c.clear(), CheckpointError, "not a model of musicae"),
        (lambda c: c.update(preset=3), CheckpointError, "no settings of a model"),
        (lambda c: c["preset"].update(latents=3), ConfigError, "unknown setting of Preset 'latents': did you mean"),
        (lambda c: c["preset"].update(kind="Pre"), ConfigError, "unknown kind of settings 'Pre'"),
        (lambda c: c["preset"].pop("latent"), ConfigError, "Preset needs settings that are missing: latent"),
        (lambda c: c["preset"]["network"].update(kind="Nope"), ConfigError, "unknown kind of settings"),
    ],
)
def test_settings_that_make_no_sense_say_where_they_are(folder, change, error, message):
    with pytest.raises(error, match=message) as caught:
        read_preset(edited(folder, change))
    assert str(folder) in str(caught.value)
    assert not re.search(r"\n", str(caught.value))


def test_settings_that_are_not_json(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(folder)


@pytest.mark.parametrize("preset", [*tiny.MUSIC, tiny.PICTURES], ids=lambda preset: preset.name)
def test_loading_draws_no_random_numbers(tmp_path, preset):
    folder = tiny.folder(preset, tmp_path)
    before = torch.get_rng_state()
    network = load(folder).network
    assert torch.equal(before, torch.get_rng_state())
    other = build_network(preset)
    checkpoints.read_weights(folder, other)
    assert all(torch.equal(a, b) for a, b in zip(network.buffers(), other.buffers(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(("loader", "preset"), [(load_music, tiny.PICTURES), (load_images, tiny.MELODY)])
def test_a_model_of_the_other_kind_is_refused(tmp_path, loader, preset):
    tiny.folder(preset, tmp_path)
    with pytest.raises(ConfigError, match=r"is a model of \w+: load it with musicae.load_\w+"):
        loader(tmp_path)


def test_a_model_of_the_right_kind_is_loaded(tmp_path):
    assert type(load_music(tiny.folder(tiny.MELODY, tmp_path / "music"))) is MusicModel
    assert type(load_images(tiny.folder(tiny.PICTURES, tmp_path / "images"))) is ImageModel


def test_a_damaged_folder_in_runs_does_not_spoil_advice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("bad", "{"), ("worse", "[]"), ("other", '{"preset": {}}'), ("binary", "\0\xff")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.json").write_text(text)
    (tmp_path / "runs" / "folder" / "config.json").mkdir(parents=True)
    tiny.folder(tiny.MELODY, tmp_path / "runs" / "mine")
    assert [name for name in presets_here() if "runs" in name] == ["runs/mine"]
    with pytest.raises(CheckpointError, match="did you mean 'runs/mine'"):
        load("runs/mime")


def test_the_package_says_that_it_is_typed():
    assert Path(musicae.__file__).with_name("py.typed").exists()


def test_the_names_of_the_models_that_ship_are_those_of_the_overload():
    from typing import get_args

    from musicae.loading import PRETRAINED, Shipped

    assert {path.parent.name for path in PRETRAINED.glob("*/config.json")} == {*get_args(Shipped)}
