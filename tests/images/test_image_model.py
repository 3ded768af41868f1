from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Point
from musicae.core.networks import Convolutional, Dense
from musicae.core.objectives import Elbo
from musicae.core.reports import METRICS_TABLE
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.core.training import Trainer
from musicae.errors import ConfigError, DataError
from musicae.images.datasets import PictureSet, open_pictures
from musicae.images.metrics import neighbour_accuracy
from musicae.images.model import ImageModel
from musicae.images.pictures import Pictures, to_image
from musicae.presets import Preset

SETTINGS = Preset(
    name="tiny",
    summary="for tests",
    representation=Pictures(8, 8),
    network=Dense((16,)),
    latent=2,
    objective=Elbo(),
    training=Training(steps=30, batch_size=64, learning_rate=Constant(3e-3), validate_every=30, log_every=10),
)


def made(network=SETTINGS.network, latent: int = 2, bottleneck: str = "gaussian") -> ImageModel:
    torch.manual_seed(0)
    return ImageModel(SETTINGS, build(network, SETTINGS.representation.event, latent, bottleneck))


@pytest.fixture(scope="module")
def digits():
    return open_pictures("digits", SETTINGS.representation)


@pytest.fixture(scope="module")
def pictures(digits) -> list[Image.Image]:
    return [to_image(values) for values in digits.test.batch(np.arange(3)).x.numpy()]


@pytest.fixture(params=[(Dense((16,)), 2, "gaussian"), (Convolutional((4, 8), 1), 5, "point")], ids=["vae", "ae"])
def model(request) -> ImageModel:
    return made(*request.param)


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_one_picture_or_many_are_encoded_alike(model, pictures, tmp_path):
    path = tmp_path / "picture.png"
    pictures[0].save(path)
    z = model.encode(pictures)
    assert z.shape == (3, model.network.latent)
    for one in (
        pictures[0],
        path,
        str(path),
        path.read_bytes(),
        np.asarray(pictures[0]),
        model.see(pictures[0]),
    ):
        assert np.allclose(model.encode(one), z[:1], atol=1e-6)
    assert np.allclose(model.encode(model.see(pictures)), z)
    assert np.allclose(model.encode(model.see(pictures).array), z)


def test_decodes_are_expected_pictures(model):
    z = model.draw(3)
    expected = torch.sigmoid(model.network.decode(torch.from_numpy(z)).logits).detach()
    assert np.allclose(model.values(z), expected, atol=1e-6)
    images = model.decode(z)
    assert [(image.mode, image.size) for image in images] == [("L", (8, 8))] * 3
    assert np.abs(np.asarray(images[1]) / 255 - expected[1, 0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_reconstruction_is_decode_after_encode(model, pictures):
    assert same(model.reconstruct(pictures), model.decode(model.encode(pictures)))
    assert len(model.reconstruct(pictures[0])) == 1


@pytest.mark.parametrize("linear", [False, True])
def test_both_ends_of_an_interpolation_are_reconstructions(model, pictures, linear):
    a, b, _ = pictures
    images = model.interpolate(a, b, steps=5, linear=linear)
    assert len(images) == 5
    assert same([images[0], images[-1]], [*model.reconstruct(a), *model.reconstruct(b)])
    assert not same(images[:-1], images[1:])


def test_between_a_picture_and_itself_nothing_changes(model, pictures):
    images = model.interpolate(pictures[0], pictures[0], steps=4)
    assert same(images, model.reconstruct(pictures[0]) * 4)


def test_an_interpolation_needs_both_ends(model, pictures):
    with pytest.raises(ConfigError, match="2 or more"):
        model.interpolate(*pictures[:2], steps=1)


def test_the_seed_decides_samples_and_variations(model, pictures):
    for verb in (model.sample, lambda **given: model.vary(pictures[0], n=8, **given)):
        assert len(verb(seed=1)) == 8
        assert same(verb(seed=1), verb(seed=1))
        assert not same(verb(seed=1), verb(seed=2))


def test_variations_go_from_the_reconstruction_to_new_samples(model, pictures):
    assert same(model.vary(pictures[0], strength=0, n=3), model.reconstruct(pictures[0]) * 3)
    assert same(model.vary(pictures[0], strength=1, n=3), model.sample(3))
    with pytest.raises(ConfigError, match="between 0 and 1"):
        model.vary(pictures[0], strength=1.5)


def test_bad_pictures_are_named(model):
    with pytest.raises(DataError, match=r"nowhere\.png"):
        model.encode(["nowhere.png"])
    with pytest.raises(ConfigError, match="no pictures"):
        model.encode([])


def test_figures_are_those_of_the_mean_picture(model, digits):
    figures = model.evaluate(digits.test, digits.train)
    x = digits.test.batch(np.arange(len(digits.test))).x
    values = torch.from_numpy(model.values(model.means(digits.test)))
    at_mean = figures["mean"]["greedy"]
    assert at_mean["mse"] == pytest.approx((values - x).square().mean().item(), rel=1e-4)
    assert at_mean["bce"] == pytest.approx(torch.nn.functional.binary_cross_entropy(values, x).item(), rel=1e-4)
    assert at_mean["bce_floor"] < at_mean["bce"]
    assert figures["examples"] == 180
    if isinstance(model.network.bottleneck, Point):
        assert "elbo" not in figures
    else:
        assert figures["elbo"] == pytest.approx(-figures["rate"] - figures["distortion"])
    assert figures["sample"]["greedy"]["bce"] * 64 == pytest.approx(figures["distortion"], rel=0.01)
    assert 0 < figures["neighbours"] < 1
    assert figures == model.evaluate(digits.test, digits.train)


def test_without_labels_there_are_no_neighbours(digits):
    unlabelled = PictureSet(digits.test.levels, None, digits.test.full)
    assert "neighbours" not in made().evaluate(unlabelled, digits.train)
    assert "neighbours" in made().evaluate(digits.test, unlabelled)


def test_neighbours_of_separate_classes_are_right():
    labels = np.repeat([0, 3], 20)
    codes = np.random.default_rng(0).normal(size=(40, 2)) + 100 * labels[:, None]
    assert neighbour_accuracy(codes, labels) == 1
    assert neighbour_accuracy(codes, labels, (codes[::-1], labels[::-1])) == 1
    assert neighbour_accuracy(codes, 3 - labels, (codes, labels)) == 0


@pytest.mark.parametrize("network", [Dense((32,)), Convolutional((4, 8), 1)], ids=["dense", "convolutional"])
def test_thirty_steps_lower_the_loss(network, digits, tmp_path):
    torch.manual_seed(0)
    model = made(network)
    kept = []
    trainer = Trainer(
        *(model.network, SETTINGS.objective, digits.train, digits.validation, SETTINGS.training, tmp_path),
        save=lambda network, row: kept.append(row),
        device="cpu",
        quiet=True,
    )
    trainer.run()
    rows = list(csv.DictReader((tmp_path / METRICS_TABLE).read_text().splitlines()))
    losses = [float(row["loss"]) for row in rows if row["split"] == "train"]
    assert losses[-1] < 0.9 * losses[0]
    assert kept[-1]["loss"] < 44  # nats a picture; a fair coin for each pixel is 44.4
