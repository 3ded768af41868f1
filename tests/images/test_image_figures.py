from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from musicae.core.autoencoder import build
from musicae.core.networks import Dense
from musicae.core.objectives import Elbo
from musicae.core.settings import Training
from musicae.errors import ConfigError, Error
from musicae.images import figures
from musicae.images.datasets import open_pictures
from musicae.images.model import ImageModel
from musicae.images.pictures import Pictures
from musicae.presets import Preset


def model(latent: int, channels: int = 1) -> ImageModel:
    torch.manual_seed(0)
    settings = Preset("tiny", "for tests", Pictures(8, 6, channels), Dense((16,)), latent, Elbo(), Training())
    return ImageModel(settings, build(settings.network, settings.representation.event, latent, "gaussian"))


def test_a_strip_holds_every_picture_enlarged():
    images = model(2).sample(5)
    sheet = figures.strip(images)
    assert sheet.size == (4 + 5 * (48 + 4), 4 + 64 + 4)
    for i, image in enumerate(images):
        left = 4 + i * 52
        shown = sheet.crop((left, 4, left + 48, 68))
        assert np.array_equal(np.asarray(shown)[4::8, 4::8], np.asarray(image))


def test_originals_stand_over_their_reconstructions():
    images = model(2, channels=3).sample(4)
    sheet = figures.reconstructions(images[:2], images[2:])
    assert sheet.mode == "RGB"
    assert sheet.size == (4 + 2 * 52, 4 + 2 * 68)
    assert np.array_equal(np.asarray(sheet)[8:72:8, 8:52:8], np.asarray(images[0]))
    assert np.array_equal(np.asarray(sheet)[76:140:8, 8:52:8], np.asarray(images[2]))


def test_pictures_that_are_large_enough_keep_their_size():
    assert figures.strip([Image.new("L", (90, 70))]).size == (98, 78)
    with pytest.raises(ConfigError, match="no pictures"):
        figures.strip([])


def test_the_manifold_is_laid_out_over_the_quantiles_of_the_prior():
    two = model(2)
    sheet = np.asarray(figures.manifold(two, side=4))
    assert sheet.shape == (4 * 24, 4 * 18)
    sheet = sheet[1::3, 1::3]
    quantile = 1.1503494  # of a normal at 7/8
    assert np.array_equal(sheet[:8, -6:], np.asarray(two.decode([[quantile, quantile]])[0]))
    assert np.array_equal(sheet[-8:, :6], np.asarray(two.decode([[-quantile, -quantile]])[0]))
    assert np.array_equal(sheet[:8, :6], np.asarray(two.decode([[-quantile, quantile]])[0]))
    with pytest.raises(ConfigError, match="3 latent dimensions"):
        figures.manifold(model(3))


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("labelled", [True, False])
def test_scatters_are_the_same_every_time(dimensions, labelled):
    random = np.random.default_rng(0)
    codes, labels = random.normal(size=(50, dimensions)), random.integers(0, 12, 50)
    known = (labels, [f"class {i}" for i in range(12)]) if labelled else ()
    first, again = figures.scatter(codes, *known), figures.scatter(codes, *known)
    assert first.size == (840, 720)
    assert len(first.getcolors(1 << 20)) > 5
    assert np.array_equal(first, again)


def test_figures_are_written_as_png_and_not_over_others(tmp_path):
    sheet = figures.strip(model(2).sample(2))
    path = figures.save(sheet, tmp_path / "sheet.png")
    assert np.array_equal(Image.open(path), sheet)
    with pytest.raises(Error, match="--force"):
        figures.save(sheet, path)
    before = path.read_bytes()
    assert figures.save(sheet, path, force=True).read_bytes() == before


def test_a_latent_plane_is_drawn_where_the_run_is(tmp_path):
    written = figures.save_plane(model(2), open_pictures("digits", Pictures(8, 6)).test, tmp_path)
    assert [path.name for path in written] == ["manifold.png", "scatter.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
