from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from images.making import SETTINGS, conditional, random_model, restoring
from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.networks import Dense
from musicae.core.priors import Mixture
from musicae.errors import ConfigError
from musicae.images.classifier import ImageClassifier
from musicae.images.model import ImageModel
from musicae.images.picture_set import PictureSet
from musicae.images.pictures import Pictures


def test_figures_are_those_of_the_mean_picture(model, digits):
    figures = model.evaluate(digits.test, digits.train)
    x = digits.test.batch(np.arange(len(digits.test))).x
    values = torch.from_numpy(model.values(model.means(digits.test)))
    at_mean = figures["mean"]["greedy"]
    assert at_mean["mse"] == pytest.approx((values - x).square().mean().item(), rel=1e-4)
    assert at_mean["bce"] == pytest.approx(torch.nn.functional.binary_cross_entropy(values, x).item(), rel=1e-4)
    assert at_mean["bce_floor"] < at_mean["bce"]
    assert figures["examples"] == 180
    if not model.network.bottleneck.has_density:
        assert "elbo" not in figures
    else:
        assert figures["elbo"] == pytest.approx(-figures["rate"] - figures["distortion"])
    assert figures["sample"]["greedy"]["bce"] * 64 == pytest.approx(figures["distortion"], rel=0.01)
    assert 0 < figures["neighbours"] < 1
    assert figures == model.evaluate(digits.test, digits.train)


def test_without_labels_there_are_no_neighbours(digits):
    unlabelled = PictureSet(digits.test.levels, None, digits.test.full)
    assert "neighbours" not in random_model().evaluate(unlabelled, digits.train)
    assert "neighbours" in random_model().evaluate(digits.test, unlabelled)


def test_likelihoods_are_bounded_more_tightly_by_more_samples(digits):
    model = random_model()
    figures = [model.evaluate(digits.test, samples=k) for k in (1, 10, 100)]
    bounds = [found["nll"] for found in figures]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] == pytest.approx(-figures[0]["elbo"], rel=0.02)
    assert [found["nll_samples"] for found in figures] == [1, 10, 100]
    assert {found["nll_examples"] for found in figures} == {180}
    assert model.evaluate(digits.test)["nll_samples"] == 50
    assert "nll" not in model.evaluate(digits.test, samples=0)


def test_the_likelihood_of_some_is_near_that_of_all(digits):
    some, everything = (random_model().evaluate(digits.test, samples=5, most=most) for most in (90, None))
    assert some["nll_examples"] == 90
    assert some["nll"] == pytest.approx(everything["nll"], rel=0.02)
    assert some["nll"] != everything["nll"]


def test_the_likelihood_of_a_conditional_model_is_that_given_the_class(digits):
    test = digits.with_label_conditions(10).test
    wrong = replace(test, labels=(test.labels + 1) % 10)
    right, otherwise = (conditional().evaluate(pictures, samples=3) for pictures in (test, wrong))
    assert right["nll"] != otherwise["nll"]
    assert right["nll"] == pytest.approx(-right["elbo"], rel=0.05)


def test_the_protocol_follows_from_the_likelihood(digits):
    words = {"grey levels": {}, "binarised by": {"binary": True}, "squared": {"likelihood": "normal"}}
    for word, changes in words.items():
        pictures = replace(SETTINGS.representation, **changes)
        network = build(Dense((4,)), pictures.example_spec, 2, Gaussian())
        model = ImageModel(replace(SETTINGS, representation=pictures), network)
        test = replace(digits.test, binary=pictures.binary)
        found = model.evaluate(test, samples=2)
        assert word in found["protocol"]
        assert ("psnr" in found["mean"]["greedy"]) == ("ssim" in found["mean"]["greedy"]) == (not pictures.binary)


def test_only_models_with_a_density_of_whole_pictures_have_a_likelihood(digits):
    for model in (random_model(bottleneck=Point()), restoring(GaussianNoise())):
        assert "nll" not in model.evaluate(digits.test)
        with pytest.raises(ConfigError, match="gives pictures no likelihood: leave --samples out"):
            model.evaluate(digits.test, samples=5)
    with pytest.raises(ConfigError, match="-1 samples"):
        random_model().evaluate(digits.test, samples=-1)


def test_progress_counts_decodes(digits):
    done = []
    random_model().evaluate(digits.test, samples=3, progress=done.append)
    assert sum(done) == 180 * (1 + 3)


def test_baselines_need_training_pictures(digits):
    assert "baselines" not in random_model().evaluate(digits.test, samples=0)
    assert "baselines" not in random_model().evaluate(digits.test, digits.train.subset(np.arange(0)), samples=0)
    found = random_model(latent=3).evaluate(digits.test, digits.train, samples=0)["baselines"]
    assert set(found) == {"mean picture", "PCA-3"}
    found = restoring(Pixelation(2)).evaluate(digits.test, digits.train)["baselines"]
    assert set(found) == {"mean picture", "nearest", "bicubic", "Lanczos"}


def test_generated_pictures_are_classified(digits, classifier):
    found = random_model().evaluate(digits.test, digits.train, samples=0, classifier=classifier)["generated"]
    assert found["examples"] == 180
    assert found["judge_accuracy"] == 0.1
    assert 0 <= found["doubt"] <= found["coverage"] <= np.log(10)
    assert found["frechet"] > found["frechet_floor"] > 0
    assert "agreement" not in found
    assert "frechet_standard_normal" not in found
    assert "frechet_floor" not in random_model().evaluate(digits.test, samples=0, classifier=classifier)["generated"]


def test_a_conditional_model_generates_all_classes_equally_often(digits, classifier):
    splits, model = digits.with_label_conditions(10), conditional()
    found = model.evaluate(splits.test, splits.train, samples=0, classifier=classifier)["generated"]
    classes = classifier.probabilities(model.values(model.draw(180), np.arange(180) % 10)).argmax(1)
    assert found["agreement"] == pytest.approx((classes == np.arange(180) % 10).mean())


def test_a_fitted_prior_is_compared_with_the_standard_normal(digits, classifier):
    model = random_model()
    plain = model.evaluate(digits.test, samples=0, classifier=classifier)["generated"]["frechet"]
    model.prior = Mixture(components=2).fit(model.means(digits.train))
    found = model.evaluate(digits.test, samples=0, classifier=classifier)["generated"]
    assert found["frechet_standard_normal"] == pytest.approx(plain)
    assert found["frechet"] != pytest.approx(plain)


def test_a_classifier_of_other_pictures_is_refused(digits, classifier):
    other = replace(SETTINGS, representation=Pictures(16, 16))
    model = ImageModel(other, build(other.network, other.representation.example_spec, 2, Gaussian()))
    with pytest.raises(ConfigError, match=r"classifier reads pictures \(1, 8, 8\)"):
        model.evaluate(digits.test, classifier=classifier)
    few = ImageClassifier(replace(classifier.settings, classes=3), classifier.network)
    with pytest.raises(ConfigError, match="knows 3 classes, tiny is conditioned on 10"):
        conditional().evaluate(digits.with_label_conditions(10).test, classifier=few)
