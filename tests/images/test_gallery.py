from __future__ import annotations

import numpy as np
import pytest
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Point
from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.networks import Dense
from musicae.core.objectives import Elbo
from musicae.core.randomness import RandomSource
from musicae.core.settings import Training
from musicae.errors import ConfigError, DataError
from musicae.images import gallery
from musicae.images.datasets import open_pictures
from musicae.images.gallery import SCALES, View, round_robin
from musicae.images.model import ImageModel
from musicae.images.picture_set import PictureSet
from musicae.images.pictures import Pictures
from musicae.presets import Preset

DIGITS = open_pictures("digits", Pictures())


def model(latent: int = 4, label_classes: int = 0, **settings) -> ImageModel:
    torch.manual_seed(0)
    preset = Preset(
        "tiny",
        "for tests",
        Pictures(),
        Dense((16,)),
        latent,
        Elbo(),
        Training(),
        label_classes=label_classes,
        **settings,
    )
    return ImageModel(
        preset,
        build(preset.network, preset.representation.example_spec, latent, preset.bottleneck, preset.conditioning),
    )


class Bright:
    """A classifier of bright and dark pictures."""

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        assert values.dtype == np.float32
        assert values.shape[1:] == (1, 8, 8)
        bright = (values.mean((1, 2, 3)) > 0.3).astype(float)
        return np.stack([1 - bright, bright], 1)


def test_classes_take_turns():
    labels = np.array([2, 2, 2, 2, 0, 1, 1])
    order = round_robin(7, labels, 0)
    assert sorted(order) == list(range(7))
    assert labels[order].tolist() == [0, 1, 2, 1, 2, 2, 2]
    assert np.array_equal(order, round_robin(7, labels, 0))
    assert not np.array_equal(round_robin(100, None, 0), round_robin(100, None, 1))


def test_noise_of_scale_0_changes_nothing_and_more_of_it_is_worse():
    own = model()
    effect = gallery.draw("noise", own, DIGITS.test, number=2, classifier=Bright()).data
    x = DIGITS.test.batch(np.arange(180)).x.numpy()
    plain = own.values(own.means(DIGITS.test))
    assert effect["pictures"] == 180
    assert effect["scales"] == list(SCALES)
    assert effect["mse"][0] == pytest.approx(np.square(plain - x).mean(), rel=1e-4)
    alike = Bright().probabilities(plain).argmax(1) == Bright().probabilities(x).argmax(1)
    assert effect["kept"][0] == pytest.approx(alike.mean())
    assert np.all(np.diff(effect["mse"]) > 0)
    assert "kept" not in gallery.draw("noise", own, DIGITS.test, number=2).data


def test_noise_is_in_standard_deviations_of_every_dimension(monkeypatch):
    view = View(model(), 4, DIGITS.test)
    monkeypatch.setattr(View, "values", lambda self, z, indices: z)
    codes = view.codes(np.arange(180))
    for scale, noisy in zip(SCALES, gallery.with_noise(view, np.arange(180)), strict=True):
        assert np.allclose((noisy - codes).std(0) / codes.std(0), scale, rtol=0.15)


@pytest.mark.parametrize("corruption", [GaussianNoise(0.0, 0.5), Pixelation(4)])
def test_a_model_that_restores_is_given_corrupted_pictures(corruption):
    restoring = model(corruption=corruption)
    view = View(restoring, 3, DIGITS.test)
    indices = view.chosen(3)
    corrupted = corruption(view.pictures(indices), RandomSource(0))
    assert np.allclose(view.codes(indices), restoring.to_latent(corrupted))
    drawing = gallery.draw("restored", restoring, DIGITS.test, number=3)
    restored = restoring.values(restoring.to_latent(corrupted))
    expected = np.square(restored - view.pictures(indices).numpy()).mean()
    assert drawing.data["mse"]["restored"] == pytest.approx(expected, rel=1e-4)


def test_ends_are_of_different_classes_or_of_one_if_the_model_is_conditional():
    labels = DIGITS.test.labels
    starts, ends = gallery._pairs(View(model(), 40, DIGITS.test))
    assert np.all(labels[starts] != labels[ends])
    labelled = DIGITS.with_label_conditions(10).test
    starts, ends = gallery._pairs(View(model(label_classes=10), 40, labelled))
    assert np.array_equal(labels[starts], labels[ends])
    assert np.all(starts != ends)
    with pytest.raises(DataError, match="two or more"):
        gallery.draw("interpolation", model(), DIGITS.test.subset(np.array([0])))


def test_styles_are_one_z_in_all_classes():
    conditional = model(label_classes=10)
    drawing = gallery.draw("styles", conditional, number=3)
    sheet = np.asarray(drawing.image)
    z = conditional.draw(3)
    left = sheet.shape[1] - (4 + 3 * 68)
    for label in (0, 9):
        row = np.asarray(conditional.decode(z, label)[2])
        top, side = 4 + 68 * label, left + 4 + 2 * 68
        assert np.array_equal(sheet[top : top + 64 : 8, side : side + 64 : 8], row)


def test_a_plane_without_a_prior_is_laid_out_over_its_codes():
    assert not gallery.needs_pictures("manifold", model(2))
    assert gallery.needs_pictures("manifold", model(2, bottleneck=Point()))
    with pytest.raises(DataError, match="--data"):
        gallery.draw("manifold", model(2, bottleneck=Point()))


def test_unknown_figures_are_named():
    with pytest.raises(ConfigError, match="did you mean 'restored'"):
        gallery.draw("restore", model())


def test_unlabelled_pictures_are_drawn_too():
    unlabelled = PictureSet(DIGITS.test.levels, None, DIGITS.test.full)
    for name in ("reconstructions", "scatter", "interpolation", "noise"):
        assert gallery.draw(name, model(), unlabelled, number=3).image.width > 100
