from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from images.making import SETTINGS, random_model
from musicae.core.networks import Convolutional, Dense
from musicae.core.reports import METRICS_TABLE
from musicae.core.training import Task, Trainer
from musicae.errors import ConfigError


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


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


@pytest.mark.parametrize("network", [Dense((32,)), Convolutional((4, 8), 1)], ids=["dense", "convolutional"])
def test_thirty_steps_lower_the_loss(network, digits, tmp_path):
    torch.manual_seed(0)
    model = random_model(network)
    kept = []
    trainer = Trainer(
        *(Task(model.network, SETTINGS.objective), (digits.train, digits.validation), SETTINGS.training, tmp_path),
        save=lambda network, row: kept.append(row),
        device="cpu",
        quiet=True,
    )
    trainer.run()
    rows = list(csv.DictReader((tmp_path / METRICS_TABLE).read_text().splitlines()))
    losses = [float(row["loss"]) for row in rows if row["split"] == "train"]
    assert losses[-1] < 0.9 * losses[0]
    assert kept[-1]["loss"] < 44  # nats a picture; a fair coin for each pixel is 44.4
