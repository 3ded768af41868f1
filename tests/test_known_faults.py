"""Faults of well-known code, and of the lesson that the presets of pictures come from: one test for each that could be
ours and is not tested beside what it is about.
"""

from __future__ import annotations

import ast
import csv
import gzip
import importlib
import math
import pickle
import struct
from dataclasses import MISSING, FrozenInstanceError, fields, replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tiny
import torch
from sklearn.decomposition import PCA
from source_code import modules
from torch import distributions

from musicae.__main__ import COMMANDS
from musicae.cli.run import main
from musicae.core.bottlenecks import Gaussian
from musicae.core.configuration import to_data
from musicae.core.corruptions import GaussianNoise
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from musicae.core.networks.dense import DenseDecoder, DenseEncoder, Discriminator
from musicae.core.networks.recurrent import DecoderSettings, RecurrentDecoder
from musicae.core.networks.recurrent_encoders import RecurrentEncoder
from musicae.core.objectives import Elbo
from musicae.core.posteriors import PointPosterior, free_bits
from musicae.core.priors import PRIOR, Mixture
from musicae.core.randomness import RandomSource
from musicae.core.reports import METRICS_TABLE
from musicae.core.run_state import PREVIOUS, STATE
from musicae.core.training import Task
from musicae.datasets import open_data
from musicae.errors import CheckpointError
from musicae.fitting import fit, resume
from musicae.images.datasets import open_pictures
from musicae.images.metrics import pixel_errors
from musicae.images.picture_set import PictureSet
from musicae.images.pictures import Pictures
from musicae.loading import build_network, load
from musicae.overrides import changed
from musicae.presets import KINDS, PRESETS

# The divergence


def test_kl_of_a_log_deviation_taken_for_a_log_variance():
    """The lesson (both notebooks) and the Keras blog sample with exp(s) and charge as if s were ln variance: the
    deviation that is drawn with has to be the one that is charged for, from the network to the loss."""
    torch.manual_seed(0)
    bottleneck = Gaussian().layer(4, 3)
    with torch.no_grad():
        bottleneck.std.weight.normal_()  # deviations of many sizes
    q = bottleneck(torch.randn(2, 4))
    many = type(q)(q.mean.expand(20_000, 2, 3), q.std.expand(20_000, 2, 3))
    z = many.sample(RandomSource(0))
    normal = distributions.Normal(z.mean(0), z.std(0))
    assert (q.std.max() / q.std.min()) > 3
    expected = distributions.kl_divergence(normal, distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(), expected, rtol=0.05, atol=0.03)
    prior = distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(q.kl().sum(1), (q.log_prob(z) - prior).mean(0), rtol=0.05, atol=0.05)


def test_a_rate_that_is_logged_with_its_sign_turned(tmp_path):
    """AntixK logs −KL as KL."""
    fit(tiny.PICTURES, out=tmp_path / "run", device="cpu", say=None)
    rows = list(csv.DictReader((tmp_path / "run" / METRICS_TABLE).read_text().splitlines()))
    assert {row["split"] for row in rows} == {"train", "validation"}
    assert all(float(row["rate"]) > 0 and float(row["distortion"]) > 0 for row in rows)
    held_out = load(tmp_path / "run").metrics["held_out"]
    assert held_out["elbo"] == pytest.approx(-held_out["rate"] - held_out["distortion"])
    assert held_out["rate"] > 0


def test_a_divergence_of_points_on_another_device_and_of_one_shape():
    """diffusers sums over dimensions 1 to 3 alone, and of a point answers one 0 on the CPU."""
    for shape in ((5, 3), (1, 1)):
        kl = PointPosterior(torch.zeros(*shape, device="meta")).kl()
        assert kl.device.type == "meta"
        assert kl.shape == shape


def test_bits_for_the_whole_vector_and_bits_for_each_dimension():
    """A comment of MusicVAE says "per dimension" where the code takes them from the total."""
    kl = torch.tensor([[2.0, 0.1, 0.1, 0.1]])
    assert free_bits(kl, total=1.0).item() == pytest.approx(2.3 - math.log(2))
    assert free_bits(kl, per_group=1.0, groups=4).item() == pytest.approx(2.0 + 3 * math.log(2))


@pytest.mark.parametrize("name", [name for name, p in PRESETS.items() if name.startswith("digits-")])
def test_a_loss_whose_weights_hang_on_the_size_of_pictures_or_batches(name):
    """AntixK divides the squared error by the number of pixels and not the rate, which is a beta of 3; bolts both."""
    preset = replace(PRESETS[name], corruption=None)
    torch.manual_seed(0)
    network = build_network(preset)
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.zero_()
    x = torch.ones(4, *preset.representation.shape)
    task = Task(network, preset.objective)
    terms = task(Batch(x, torch.eye(10)[:4] if preset.label_classes else None), 10**6, RandomSource(0))
    squared = preset.representation.likelihood == "normal"
    pixel = 1 + math.log(math.pi) / 2 if squared else math.log(2)  # (1 − 0)² and a constant, or the toss of a coin
    torch.testing.assert_close(terms.distortion, torch.full((4,), 64 * pixel))
    if isinstance(preset.objective, Elbo):
        beta = preset.objective.beta(10**6)
        assert beta == {"digits-beta-vae": 4, "digits-conditional": 0.2}.get(name, 1)
        torch.testing.assert_close(terms.loss, (terms.distortion + beta * terms.rate).mean())


# What is measured


@pytest.fixture(scope="module")
def digits():
    splits = open_pictures("digits", Pictures())
    return tuple(part.batch(np.arange(len(part))).x.flatten(1).numpy() for part in (splits.train, splits.test))


def squared_error(name: str, steps: int, folder: Path) -> float:
    preset = changed(PRESETS[name], steps=steps, validate_every=steps)
    trained = fit(preset, out=folder / "run", device="cpu", say=None)
    return trained.metrics["held_out"]["mean"]["greedy"]["mse"]


def test_a_convolutional_autoencoder_that_loses_to_principal_components(digits, tmp_path):
    """The lesson's, with 128 dimensions: 0.0953 nats a pixel, of PCA 0.0802. Ours wins early in training."""
    train, test = digits
    components = PCA(PRESETS["digits-ae"].latent).fit(train)
    back = components.inverse_transform(components.transform(test)).clip(0, 1)
    assert squared_error("digits-ae", 120, tmp_path) < 0.9 * np.square(back - test).mean()


def test_a_super_resolution_that_loses_to_lanczos(digits, tmp_path):
    """The lesson's: 0.0955 nats a pixel, Lanczos 0.0946."""
    from PIL import Image

    _, test = digits
    low = test.reshape(-1, 4, 2, 4, 2).mean((2, 4))
    high = [np.asarray(Image.fromarray(picture).resize((8, 8), Image.Resampling.LANCZOS)) for picture in low]
    error = np.square(np.stack(high).clip(0, 1).reshape(len(test), -1) - test).mean()
    assert squared_error("digits-superres-2x", 60, tmp_path) < 0.8 * error


def test_a_cross_entropy_of_greys_reported_without_its_floor():
    """An exact reconstruction still costs the entropy of the greys: 0.0581 nats a pixel of MNIST."""
    grey = RandomSource(0).uniform(5, 1, 8, 8)
    exact = pixel_errors(grey, grey)
    assert exact["bce"] == pytest.approx(exact["bce_floor"])
    assert exact["mse"][0] == 0
    entropy = distributions.Bernoulli(grey).entropy().sum().item()
    assert exact["bce_floor"] == (pytest.approx(entropy, rel=1e-4), grey.numel())
    assert pixel_errors(grey, (grey > 0.5).float())["bce_floor"][0] == pytest.approx(0, abs=1e-3)


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def mnist(tmp_path) -> Path:
    """Files like those of MNIST, in which every picture has a level of its own: below 200 in the training file."""
    for part, first, n in (("train", 0, 200), ("t10k", 200, 50)):
        levels = np.arange(first, first + n, dtype=np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(levels.repeat(28 * 28).reshape(-1, 28, 28)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(levels % 10))
    return tmp_path


@pytest.mark.parametrize("held_out", [False, True], ids=["training", "evaluation"])
def test_a_test_set_that_is_cut_from_the_training_file(mnist, tmp_path, held_out):
    """The lesson in PyTorch tests on a tenth of the training file; the 146.95 of keras-io is of both files together."""
    splits = open_data(PRESETS["mnist-ae"], [str(mnist)], tmp_path, quiet=True, held_out=held_out)
    train, validation, test = (set(part.levels[:, 0, 0, 0].tolist()) for part in splits[:3])
    assert test == set(range(200, 250))
    assert train | validation == set(range(200))
    assert not train & validation


def test_pixels_that_are_scaled_twice(tmp_path):
    """Running the lesson's cell again divides by 255 again, and the loss looks like 0.0037."""
    levels = np.arange(256, dtype=np.uint8).repeat(64).reshape(256, 8, 8)
    for name, array in (("bytes", levels), ("scaled", levels / 255), ("large", levels.astype(float))):
        np.savez(tmp_path / f"{name}.npz", images=array)
    sources = [tmp_path / f"{name}.npz" for name in ("bytes", "scaled", "large")]
    read = [open_pictures(source, Pictures(), fractions=(0, 0, 1)).test for source in sources]
    first = read[0].batch(np.arange(256)).x
    assert (first.min(), first.max()) == (0, 1)
    for pictures in (*read, read[0]):  # and the same ones again
        assert torch.equal(pictures.batch(np.arange(256)).x, first)


# What belongs to the caller


def test_settings_and_lists_that_are_changed_under_the_callers_hands():
    """AntixK reverses the caller's list of widths; pythae's models write into their configuration."""
    widths = [8, 4]
    made = [
        *(DenseEncoder(1, [8, 8], widths), DenseDecoder(1, [8, 8], widths, 3), Discriminator(3, widths)),
        *(ConvolutionalEncoder(1, [8, 8], widths, 1), ConvolutionalDecoder(1, [8, 8], widths, 1, 3)),
        *(
            RecurrentEncoder(3, widths),
            RecurrentDecoder(DecoderSettings(widths), ExampleSpec("categorical", 3, (8,)), 3),
        ),
    ]
    assert widths == [8, 4]
    assert all(list(module.parameters()) for module in made)


def test_settings_are_frozen_and_training_leaves_them_alone(tmp_path):
    for kind in KINDS:
        assert kind.__dataclass_params__.frozen, kind
    before = to_data(tiny.PICTURES)
    fit(tiny.PICTURES, out=tmp_path / "run", device="cpu", say=None)
    assert to_data(tiny.PICTURES) == before
    with pytest.raises(FrozenInstanceError):
        tiny.PICTURES.latent = 3


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("digits-")])
def test_data_that_a_training_step_changes(name):
    preset = PRESETS[name]
    levels = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), np.uint8)
    given = levels.copy()
    options = {"binary": preset.representation.binary, "label_classes": preset.label_classes}
    batch = PictureSet(levels, np.arange(4), **options).batch(np.arange(4))
    x = batch.x.clone()
    Task(build_network(preset), preset.objective, preset.corruption)(batch, 0, RandomSource(0)).loss.backward()
    assert torch.equal(batch.x, x)
    assert np.array_equal(levels, given)


def test_a_decoder_that_needs_what_the_encoder_left_behind():
    """FIGARO's forward names the encoder's output where a latent vector was given in its place."""
    for preset in (*tiny.MUSIC, tiny.PICTURES):
        model = tiny.model(preset)
        model.network.encoder = model.network.bottleneck.mean = None
        assert len(model.from_latent(model.draw(2))) == 2
        assert len(model.network.sample(2, RandomSource(0))) == 2


# Files and commands


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("file", ["model.safetensors", PRIOR, "config.json", "metrics.json"])
@pytest.mark.parametrize("packed", ["pickle", "torch"])
def test_a_model_whose_loading_runs_code(tmp_path, file, packed):
    """pythae pickles encoders into what it shares."""
    trap, folder = tmp_path / "sprung", tiny.folder(replace(tiny.PICTURES, prior=Mixture()), tmp_path / "model")
    Mixture(components=1).fit(RandomSource(0).normal(20, 4).numpy()).save(folder)
    load(folder)
    if packed == "pickle":
        (folder / file).write_bytes(pickle.dumps(Trap(trap)))
    else:
        torch.save(Trap(trap), folder / file)
    if file == "metrics.json":  # on which nothing depends
        assert load(folder).metrics == {}
    else:
        with pytest.raises(CheckpointError):
            load(folder)
    assert not trap.exists()


def test_a_state_whose_resuming_runs_code(tmp_path):
    fit(tiny.PICTURES, out=tmp_path / "run", device="cpu", say=None)
    for name in (STATE, PREVIOUS):
        torch.save(Trap(tmp_path / "sprung"), tmp_path / "run" / name)
    with pytest.raises(CheckpointError):
        resume(tiny.PICTURES, tmp_path / "run", device="cpu", say=None)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_switch_that_cannot_be_turned_off(name, monkeypatch):
    """basic-pitch has one that is on by default and whose option turns it on."""
    kind = getattr(importlib.import_module(f"musicae.{name}"), name.capitalize())
    parsed = []
    monkeypatch.setattr(kind, "run", lambda options: parsed.append(options))
    required = [field for field in fields(kind) if field.default is field.default_factory is MISSING]
    hints = get_type_hints(kind)
    values = {f.name: str(next(iter(get_args(hints[f.name])), "x")) for f in required}  # of a choice its first
    needed = [word for f in required for word in ([] if "Positional" in f.type else [f"--{f.name}"]) + [values[f.name]]]
    flags = [field for field, hint in hints.items() if hint is bool]
    assert {"json", "quiet", "debug"} <= set(flags)
    main(kind, name, needed)
    for flag in flags:
        usual = getattr(parsed[0], flag)
        option = flag.replace("_", "-")
        main(kind, name, [*needed, f"--no-{option}" if usual else f"--{option}"])
        assert getattr(parsed[-1], flag) is not usual
        others = [other for other in flags if other != flag]
        assert [getattr(parsed[-1], o) for o in others] == [getattr(parsed[0], o) for o in others]


def test_errors_that_are_swallowed():
    """AntixK's experiment passes over whatever goes wrong."""
    swallowed = []
    for name, tree in modules().items():
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
            anything = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            reported = any(
                isinstance(n, ast.Raise) or (isinstance(n, ast.Name) and n.id == node.name) for n in ast.walk(node)
            )
            if anything and not reported:
                swallowed.append(f"{name}:{node.lineno}")
    assert swallowed == []


def test_noise_has_a_mean_of_its_own_in_each_preset():
    """The lesson's noise is mean 0.5 in both notebooks, deviation 0.5 or 0.3; the blog's has mean 0."""
    noises = [PRESETS[f"mnist-denoising{suffix}"].corruption for suffix in ("", "-light", "-centred")]
    assert noises == [GaussianNoise(0.5, 0.5), GaussianNoise(0.5, 0.3), GaussianNoise(0.0, 0.5)]
