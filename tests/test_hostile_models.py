"""Model folders that are damaged or made to do harm: each is loaded, or refused in one line, soon, in little memory."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import islice

import hostile
import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from musicae import CheckpointError, ConfigError, Error
from musicae.core.bottlenecks import Point
from musicae.core.corruptions import Masking
from musicae.core.objectives import Elbo, ImportanceWeighted, Reconstruction
from musicae.core.penalties import AdversarialPenalty
from musicae.core.priors import PRIOR, Mixture
from musicae.core.schedules import InverseSigmoid, Linear, Saturating
from musicae.loading import build_network, load, presets_here
from musicae.music.data.augmentations import SpliceInTime
from musicae.music.representations import Melody

SCHEDULES = Elbo(Saturating(1.0, 0.9), scheduled_sampling=InverseSigmoid(10.0))
ADVERSARIAL = replace(
    tiny.PICTURES,
    name="adversarial",
    prior=Mixture(components=1),
    corruption=Masking(),
    objective=Reconstruction(AdversarialPenalty()),
    bottleneck=Point(),
    label_classes=10,
)
COLOUR = replace(
    tiny.PICTURES,
    name="colour",
    representation=replace(tiny.PICTURES.representation, channels=3),
    network=tiny.MELODY.network,
    objective=ImportanceWeighted(Linear(1, 5, 0, 4)),
)
AUGMENTED = replace(tiny.MELODY, name="augmented", augmentations=(SpliceInTime(),), objective=SCHEDULES)
PRESETS = (*tiny.MUSIC, AUGMENTED, ADVERSARIAL, COLOUR, *tiny.FAMILY)
STRIDE = 97  # of the changes of a preset's settings that are tried here; scripts and CI try others
FILES = ("config.json", "model.safetensors", "metrics.json", PRIOR, "directions.safetensors", "choice.safetensors")


@pytest.fixture
def folder(tmp_path):
    return tiny.folder(tiny.MELODY, tmp_path / "model")


def settings(folder) -> dict:
    return json.loads((folder / "config.json").read_text())


@pytest.mark.parametrize(("first", "preset"), list(enumerate(PRESETS)), ids=[preset.name for preset in PRESETS])
def test_settings_with_one_thing_changed_make_a_model_or_one_line(tmp_path, first, preset):
    folder = tiny.folder(preset, tmp_path)
    for words, changed in islice(hostile.changed_settings(settings(folder)), first, None, STRIDE):
        hostile.write(folder, changed)
        answer = ""
        try:
            model = load(folder)
        except Error as error:
            answer = str(error)
            assert answer.startswith(str(folder)), words
        else:
            if model.preset.musical and not model.preset.conditioning:
                model.sample(1)
        assert "\n" not in answer, words
        assert len(answer) < 1000, words


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("latent",), "4", r"latent of Preset is '4': it must be a whole number \(1 to 65,536\)"),
        (("latent",), True, "latent of Preset is True"),
        (("latent",), 0, "latent of Preset is 0"),
        (("latent",), 10**400, "latent of Preset is 10+…"),
        (("network", "blocks"), 10**9, r"blocks of Convolutional is 1000000000: it must be a whole number \(0 to 64\)"),
        (("network", "widths"), [], r"widths of Convolutional is \(\): it must be a list, .* \(1 to 32 of them\)"),
        (("network", "widths"), [8, -1], r"widths of Convolutional is \(8, -1\)"),
        (("network",), None, "network of Preset is None: it must be Network"),
        (("network",), {"kind": "Melody"}, r"network of Preset is Melody\("),
        (("objective", "free_bits"), float("nan"), "free_bits of Elbo is nan: it must be a number"),
        (("objective", "beta"), 1.0, "beta of Elbo is 1.0: it must be Constant or Linear or"),
        (("training", "betas"), [0.9], "betas of Training"),
        (("training", "keep"), "first", "keep of Training is 'first': it must be one of 'best', 'last'"),
        (("representation", "steps"), 1.0, "steps of Melody is 1.0"),
        (("name",), "\x1b[31mred", "name of Preset"),
        (("transpose",), [5, 1000], "transpose of Preset"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(folder, place, value, message):
    changed = settings(folder)
    inner = changed["preset"]
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(Error, match=message) as caught:
        load(hostile.write(folder, changed))
    assert str(folder / "config.json") in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b'{"preset":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"preset":' + b'{"kind":' * 200 + b"1" + b"}" * 201,
        b'{"preset": {"kind": "Preset"}, "preset": 3}',
        b'{"preset": "\xff"}',
        b"\xff\xfe{}",
        b'{"preset": NaN}',
        b"3",
        b"null",
        b"",
        b" " * (16 * 2**20 + 1),
        b'{"preset": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda text: str(text[:20]),
)
def test_json_that_is_none_or_too_much_is_one_line(folder, text):
    (folder / "config.json").write_bytes(text)
    with pytest.raises(CheckpointError, match=r"config\.json[^\n]+$") as caught:
        load(folder)
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", ["fifo", "link to one", "device", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, name, what):
    folder = tiny.folder(replace(tiny.MELODY, prior=Mixture(components=1)), tmp_path / "model")
    (folder / name).unlink(missing_ok=True)
    if what == "folder":
        (folder / name).mkdir()
    elif what == "device":
        (folder / name).symlink_to("/dev/zero")
    else:
        os.mkfifo(fifo := folder / (name if what == "fifo" else "fifo"))
        if what != "fifo":
            (folder / name).symlink_to(fifo)
    if name == "metrics.json":
        assert load(folder).metrics == {}
    else:
        with pytest.raises(CheckpointError, match=name):
            load(folder)


@pytest.mark.parametrize("widths", [[65536], [60000, 60000], [65536] * 32], ids=str)
def test_more_weights_than_are_stored_are_never_asked_for(folder, widths):
    changed = settings(folder)
    changed["preset"]["network"] = {"kind": "Dense", "widths": widths}
    changed["preset"]["representation"] = {"kind": "Pictures", "height": 4096, "width": 4096}
    with pytest.raises(Error, match="more weights than are stored"):
        load(hostile.write(folder, changed))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_weights_that_are_not_finite_are_refused(folder, wrong, dtype):
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    load(folder)
    name = sorted(tensors)[3]
    tensors[name].flatten()[-1] = wrong
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=f"model.safetensors: {name} holds numbers that are not finite"):
        load(folder)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int32, torch.uint8, torch.bool], ids=str)
def test_weights_of_another_kind_of_numbers_are_refused(folder, dtype):
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not F32 or F16 or BF16"):
        load(folder)


@pytest.mark.parametrize(
    "metrics",
    [
        *("[]", "3", "{", "", '{"held_out": 3}', '{"held_out": {"mean": []}}', "[" * 10_000),
        *('{"held_out": {"mean": {"greedy": "good"}}}', '{"held_out": {"mean": {"greedy": {"step_accuracy": "x"}}}}'),
    ],
    ids=lambda text: text[:40],
)
def test_figures_of_any_form_spoil_nothing(tmp_path, monkeypatch, run, metrics):
    folder = tiny.folder(tiny.MELODY, tmp_path / "runs" / "mine")
    (folder / "metrics.json").write_text(metrics)
    assert load(folder).name == "tiny-melody"
    monkeypatch.chdir(tmp_path)
    status, out, err = run("models")
    assert status == 0
    assert "runs/mine" in out
    assert "Traceback" not in err


def test_settings_made_in_python_are_checked_too():
    with pytest.raises(ConfigError, match="latent of Preset is '4'"):
        replace(tiny.MELODY, latent="4")
    with pytest.raises(ConfigError, match="latent of Preset is a number of thousands of digits"):
        replace(tiny.MELODY, latent=10**5000)
    with pytest.raises(ConfigError, match="widths of Convolutional is 8"):
        replace(tiny.MELODY, network=replace(tiny.MELODY.network, widths=8))
    with pytest.raises(ConfigError, match="clip of Training is inf"):
        replace(tiny.MELODY, training=replace(tiny.MELODY.training, clip=np.inf))
    with pytest.raises(ConfigError, match=r"steps of Melody is 32\.5"):
        Melody(steps=32.5)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match="32 steps cannot be cut into 3 equal segments"):
        build_network(replace(tiny.TRIO, network=replace(tiny.TRIO.network, segments=3)))


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "\ud800", "", "."], ids=ascii)
def test_names_that_no_folder_can_have_are_unknown_models(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError):
        load(name)


def test_a_folder_that_is_broken_in_any_way_does_not_spoil_advice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.folder(tiny.MELODY, tmp_path / "runs" / "mine")
    for i, (_, changed) in enumerate(islice(hostile.changed_settings(settings(tmp_path / "runs/mine")), 0, None, 61)):
        (tmp_path / f"runs/{i}").mkdir()
        hostile.write(tmp_path / f"runs/{i}", changed)
    (tmp_path / "runs/loop").symlink_to(tmp_path / "runs/loop")
    (tmp_path / "runs/gone").symlink_to(tmp_path / "nowhere")
    if hasattr(os, "mkfifo"):
        (tmp_path / "runs/fifo").mkdir()
        os.mkfifo(tmp_path / "runs/fifo/config.json")
    assert "runs/mine" in presets_here()
    with pytest.raises(CheckpointError, match="unknown model or folder 'runs/mime'"):
        load("runs/mime")
