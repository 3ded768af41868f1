from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Bottleneck, Gaussian, Point
from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.networks import Convolutional, Dense
from musicae.core.objectives import Elbo
from musicae.core.priors import Mixture
from musicae.core.randomness import RandomSource
from musicae.core.reports import METRICS_TABLE
from musicae.core.schedules import Constant
from musicae.core.settings import Training
from musicae.core.training import Trainer
from musicae.errors import ConfigError, DataError
from musicae.images.datasets import PictureSet, open_pictures
from musicae.images.judge import Classifier, ClassifierSettings, Judge
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


def made(network=SETTINGS.network, latent: int = 2, bottleneck: Bottleneck = SETTINGS.bottleneck) -> ImageModel:
    torch.manual_seed(0)
    return ImageModel(SETTINGS, build(network, SETTINGS.representation.example_spec, latent, bottleneck))


@pytest.fixture(scope="module")
def digits():
    return open_pictures("digits", SETTINGS.representation)


@pytest.fixture(scope="module")
def pictures(digits) -> list[Image.Image]:
    return [to_image(values) for values in digits.test.batch(np.arange(3)).x.numpy()]


@pytest.fixture(params=[(Dense((16,)), 2, Gaussian()), (Convolutional((4, 8), 1), 5, Point())], ids=["vae", "ae"])
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
    if not model.network.bottleneck.has_density:
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


def told(digits):
    return digits.with_labels_told(10)


@pytest.fixture(scope="module")
def judge() -> Judge:
    """One that knows nothing: its figures are as good as any to be counted."""
    settings = ClassifierSettings(SETTINGS.representation, 10, SETTINGS.training, features=6)
    torch.manual_seed(0)
    return Judge(settings, Classifier(settings), {"accuracy": 0.1})


def conditional() -> ImageModel:
    torch.manual_seed(0)
    preset = replace(SETTINGS, label_classes=10)
    return ImageModel(
        preset, build(preset.network, preset.representation.example_spec, 2, Gaussian(), preset.conditioning)
    )


def restoring(corruption) -> ImageModel:
    return ImageModel(replace(SETTINGS, corruption=corruption), made().network)


def test_likelihoods_are_bounded_more_tightly_by_more_samples(digits):
    model = made()
    figures = [model.evaluate(digits.test, samples=k) for k in (1, 10, 100)]
    bounds = [found["nll"] for found in figures]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] == pytest.approx(-figures[0]["elbo"], rel=0.02)
    assert [found["nll_samples"] for found in figures] == [1, 10, 100]
    assert {found["nll_examples"] for found in figures} == {180}
    assert model.evaluate(digits.test)["nll_samples"] == 50
    assert "nll" not in model.evaluate(digits.test, samples=0)


def test_the_likelihood_of_some_is_near_that_of_all(digits):
    some, everything = (made().evaluate(digits.test, samples=5, most=most) for most in (90, None))
    assert some["nll_examples"] == 90
    assert some["nll"] == pytest.approx(everything["nll"], rel=0.02)
    assert some["nll"] != everything["nll"]


def test_the_likelihood_of_a_conditional_model_is_that_given_the_class(digits):
    test = told(digits).test
    wrong = replace(test, labels=(test.labels + 1) % 10)
    right, otherwise = (conditional().evaluate(pictures, samples=3) for pictures in (test, wrong))
    assert right["nll"] != otherwise["nll"]
    assert right["nll"] == pytest.approx(-right["elbo"], rel=0.05)


def test_the_protocol_goes_with_the_likelihood(digits):
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
    for model in (made(bottleneck=Point()), restoring(GaussianNoise())):
        assert "nll" not in model.evaluate(digits.test)
        with pytest.raises(ConfigError, match="gives pictures no likelihood: leave --samples out"):
            model.evaluate(digits.test, samples=5)
    with pytest.raises(ConfigError, match="-1 samples"):
        made().evaluate(digits.test, samples=-1)


def test_progress_counts_decodes(digits):
    done = []
    made().evaluate(digits.test, samples=3, progress=done.append)
    assert sum(done) == 180 * (1 + 3)


def test_baselines_stand_beside_what_training_pictures_are_known_for(digits):
    assert "baselines" not in made().evaluate(digits.test, samples=0)
    assert "baselines" not in made().evaluate(digits.test, digits.train.subset(np.arange(0)), samples=0)
    found = made(latent=3).evaluate(digits.test, digits.train, samples=0)["baselines"]
    assert set(found) == {"mean picture", "PCA-3"}
    found = restoring(Pixelation(2)).evaluate(digits.test, digits.train)["baselines"]
    assert set(found) == {"mean picture", "nearest", "bicubic", "Lanczos"}


def test_codes_are_of_what_the_model_hears(digits):
    clean, noisy = made().means(digits.test), restoring(GaussianNoise()).means(digits.test)
    assert not np.allclose(clean, noisy)
    damaged = [GaussianNoise()(digits.test.batch(np.arange(64)).x, RandomSource(0, 0))]
    assert np.allclose(noisy[:64], made().to_latent(damaged[0]), atol=1e-6)


def test_draws_of_codes_are_around_their_means(digits):
    model = made()
    means, draws = model.means(digits.test), model.draws(digits.test)
    assert not np.allclose(means, draws)
    deviations = (draws - means).std(0)
    assert np.allclose(deviations, 0.1, rtol=0.3)  # as an untrained bottleneck has them
    assert np.array_equal(draws, model.draws(digits.test))
    assert not np.array_equal(draws, model.draws(digits.test, seed=1))


def test_generated_pictures_are_judged(digits, judge):
    found = made().evaluate(digits.test, digits.train, samples=0, judge=judge)["generated"]
    assert found["examples"] == 180
    assert found["judge_accuracy"] == 0.1
    assert 0 <= found["doubt"] <= found["coverage"] <= np.log(10)
    assert found["frechet"] > found["frechet_floor"] > 0
    assert "agreement" not in found
    assert "frechet_standard_normal" not in found
    assert "frechet_floor" not in made().evaluate(digits.test, samples=0, judge=judge)["generated"]


def test_a_conditional_model_is_asked_for_all_classes_alike(digits, judge):
    splits, model = told(digits), conditional()
    found = model.evaluate(splits.test, splits.train, samples=0, judge=judge)["generated"]
    verdicts = judge.probabilities(model.values(model.draw(180), np.arange(180) % 10)).argmax(1)
    assert found["agreement"] == pytest.approx((verdicts == np.arange(180) % 10).mean())


def test_a_fitted_prior_is_compared_with_the_standard_normal(digits, judge):
    model = made()
    plain = model.evaluate(digits.test, samples=0, judge=judge)["generated"]["frechet"]
    model.prior = Mixture(components=2).fit(model.means(digits.train))
    found = model.evaluate(digits.test, samples=0, judge=judge)["generated"]
    assert found["frechet_standard_normal"] == pytest.approx(plain)
    assert found["frechet"] != pytest.approx(plain)


def test_a_judge_of_other_pictures_is_refused(digits, judge):
    other = replace(SETTINGS, representation=Pictures(16, 16))
    model = ImageModel(other, build(other.network, other.representation.example_spec, 2, Gaussian()))
    with pytest.raises(ConfigError, match=r"judge sees pictures \(1, 8, 8\)"):
        model.evaluate(digits.test, judge=judge)
    few = Judge(replace(judge.settings, classes=3), judge.network)
    with pytest.raises(ConfigError, match="knows 3 classes, tiny is asked for 10"):
        conditional().evaluate(told(digits).test, judge=few)


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
