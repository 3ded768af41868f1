from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.core.networks import Convolutional
from musicae.core.randomness import RandomSource
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.images.classifier import SETTINGS, ImageClassifier, Shifted, settings_for, train
from musicae.images.datasets import open_pictures
from musicae.images.picture_set import PictureSet
from musicae.images.pictures import Pictures

PICTURES = Pictures(8, 8)


@pytest.fixture(scope="module")
def digits():
    return open_pictures("digits", PICTURES)


def small(splits, steps: int = 120):
    settings = settings_for(splits, PICTURES, steps)
    return replace(settings, network=Convolutional(widths=(16, 32), blocks=1, full_resolution=False), features=16)


@pytest.fixture(scope="module")
def folder(digits, tmp_path_factory):
    """A classifier that was trained for a few steps."""
    made = tmp_path_factory.mktemp("classifiers") / "judge"
    train(small(digits), digits, made, device="cpu", quiet=True)
    return made


def values(pictures: PictureSet, n: int) -> np.ndarray:
    return pictures.batch(np.arange(n)).x.numpy()


def test_a_few_steps_classify_digits(folder, digits):
    classifier = ImageClassifier.load(folder)
    assert classifier.metrics["accuracy"] == classifier.accuracy(digits.test) > 0.7
    assert classifier.metrics["examples"] == len(digits.test)
    assert classifier.metrics["trained"]["steps"] == 120


def test_probabilities_and_features(folder, digits):
    classifier = ImageClassifier.load(folder)
    x = values(digits.test, 180)
    probabilities, features = classifier.probabilities(x), classifier.features(x)
    assert probabilities.shape == (180, 10)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities >= 0).all()
    assert features.shape == (180, 16)
    logits = classifier.network.head(torch.from_numpy(features)).detach()
    assert np.allclose(torch.softmax(logits, 1), probabilities, atol=1e-6)
    assert float((probabilities.argmax(1) == digits.test.labels).mean()) == classifier.metrics["accuracy"]
    assert np.allclose(classifier.probabilities(x[:3]), probabilities[:3], atol=1e-6)


def test_a_classifier_is_loaded_without_a_pickle(folder):
    first = ImageClassifier.load(folder)
    (folder / "state.pt").rename(folder.parent / "state.pt")
    again = ImageClassifier.load(folder)
    (folder.parent / "state.pt").rename(folder / "state.pt")
    assert again.settings == first.settings
    x = RandomSource(0).uniform(5, 1, 8, 8).numpy()
    assert np.array_equal(first.probabilities(x), again.probabilities(x))


def test_settings_under_their_former_name_are_read(folder, tmp_path):
    for name in ("model.safetensors", SETTINGS):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    written = (folder / SETTINGS).read_text()
    former = (
        written.replace('"format": 2', '"format": 1')
        .replace('"ClassifierSettings"', '"JudgeSettings"')
        .replace('"representation"', '"pictures"')
    )
    (tmp_path / SETTINGS).write_text(former)
    assert former != written
    assert ImageClassifier.load(tmp_path).settings == ImageClassifier.load(folder).settings


def test_the_same_seed_trains_the_same_classifier_and_a_finished_one_resumes_to_itself(digits, tmp_path):
    settings = small(digits, steps=4)
    for name in "ab":
        train(settings, digits, tmp_path / name, device="cpu", quiet=True)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in "ab")
    assert first == second
    train(settings, digits, tmp_path / "a", resume=True, device="cpu", quiet=True)
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == first


def test_folders_without_a_classifier_are_refused(folder, tmp_path):
    with pytest.raises(CheckpointError, match=r"no judge.json in it: train a classifier with python -m musicae.judge"):
        ImageClassifier.load(tmp_path)
    (tmp_path / SETTINGS).write_text(json.dumps({"format": 1, "judge": [1]}))
    with pytest.raises(CheckpointError, match="no settings of a classifier"):
        ImageClassifier.load(tmp_path)
    (tmp_path / SETTINGS).write_text((folder / SETTINGS).read_text())
    with pytest.raises(CheckpointError, match=r"no model.safetensors"):
        ImageClassifier.load(tmp_path)


def test_a_classifier_is_not_overwritten(folder, digits):
    with pytest.raises(Error, match="holds a classifier: go on with --resume, start anew with --force"):
        train(small(digits), digits, folder, device="cpu", quiet=True)


def test_nothing_of_an_older_classifier_is_left_and_autoencoders_are_left_alone(digits, tmp_path):
    for name in (SETTINGS, "metrics.json", "model.safetensors"):
        (tmp_path / name).write_text("old")
    settings = small(digits, steps=2)
    train(settings, digits, tmp_path, force=True, device="cpu", quiet=True)
    assert ImageClassifier.load(tmp_path).settings == settings
    (tmp_path / "config.json").write_text("an autoencoder")
    with pytest.raises(Error, match="something else than a classifier"):
        train(settings, digits, tmp_path, force=True, device="cpu", quiet=True)


def test_a_classifier_needs_labels_and_pictures_in_each_part(digits):
    unlabelled = replace(digits, classes=())
    with pytest.raises(DataError, match="needs labels"):
        settings_for(unlabelled, PICTURES)
    nothing = replace(digits, validation=digits.validation.subset(np.arange(0)))
    with pytest.raises(DataError, match="too few pictures"):
        settings_for(nothing, PICTURES)


def test_pictures_whose_sides_halve_once_have_a_classifier_too(digits):
    assert settings_for(digits, Pictures(30, 28)).network.widths == (64,)
    with pytest.raises(ConfigError, match="27 by 28 is odd"):
        settings_for(digits, Pictures(27, 28))


def test_resuming_needs_an_earlier_run(digits, tmp_path):
    with pytest.raises(CheckpointError, match="no classifier to go on with"):
        train(small(digits), digits, tmp_path / "new", resume=True, device="cpu", quiet=True)
    assert not (tmp_path / "new").exists()


def test_pictures_are_moved_in_training_and_not_in_evaluation(digits):
    labelled = digits.with_label_conditions(10).train
    shifted, indices = Shifted(labelled, 2), np.arange(50)
    as_it_is = labelled.batch(indices)
    assert torch.equal(shifted.batch(indices).x, as_it_is.x)
    moved = shifted.batch(indices, RandomSource(0))
    assert torch.equal(moved.labels, as_it_is.labels)
    assert not torch.equal(moved.x, as_it_is.x)
    assert torch.equal(moved.x, shifted.batch(indices, RandomSource(0)).x)
    assert not torch.equal(moved.x, shifted.batch(indices, RandomSource(1)).x)


def test_a_move_is_by_whole_pixels_of_all_channels_and_in_every_direction():
    levels = np.zeros((500, 3, 7, 9), np.uint8)
    levels[:, :, 3, 4] = [10, 20, 30]
    moved = Shifted(PictureSet(levels), 2).batch(np.arange(500), RandomSource(0)).x
    assert torch.allclose(moved.sum((2, 3)) * 255, torch.tensor([10.0, 20.0, 30.0]).expand(500, 3), atol=1e-3)
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places == {(y, x) for y in range(1, 6) for x in range(2, 7)}
