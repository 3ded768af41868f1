from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Bottleneck, Gaussian, Point
from musicae.core.networks import Dense
from musicae.core.objectives import Elbo
from musicae.core.settings import Training
from musicae.errors import ConfigError, Error
from musicae.images import figures
from musicae.images.datasets import open_pictures
from musicae.images.model import ImageModel
from musicae.images.pictures import Pictures
from musicae.presets import Preset

GAUSSIAN = Gaussian()
ELBO = Elbo()


def model(latent: int, channels: int = 1, bottleneck: Bottleneck = GAUSSIAN, objective=ELBO) -> ImageModel:
    torch.manual_seed(0)
    settings = Preset("tiny", "for tests", Pictures(8, 6, channels), Dense((16,)), latent, objective, Training())
    return ImageModel(settings, build(settings.network, settings.representation.example_spec, latent, bottleneck))


def test_a_strip_holds_every_picture_enlarged():
    images = model(2).sample(5)
    sheet = figures.strip(images)
    assert sheet.size == (4 + 5 * (48 + 4), 4 + 64 + 4)
    for i, image in enumerate(images):
        left = 4 + i * 52
        shown = sheet.crop((left, 4, left + 48, 68))
        assert np.array_equal(np.asarray(shown)[4::8, 4::8], np.asarray(image))


def test_originals_are_above_their_reconstructions():
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


def test_a_plane_without_a_prior_is_laid_out_over_the_quantiles_of_its_codes():
    two = model(2)
    codes = np.random.default_rng(0).normal([5, -3], [1, 10], (101, 2)).astype(np.float32)
    sheet = np.asarray(figures.manifold(two, 4, codes))[1::3, 1::3]
    across, up = np.quantile(codes, [1 / 8, 7 / 8], axis=0).T
    assert np.array_equal(sheet[:8, -6:], np.asarray(two.decode([[across[1], up[1]]])[0]))
    assert np.array_equal(sheet[-8:, :6], np.asarray(two.decode([[across[0], up[0]]])[0]))


def test_captions_are_left_of_rows_and_headings_above_columns():
    images = model(2).sample(6)
    rows = [images[:3], images[3:]]
    plain = np.asarray(figures.montage(rows))
    for captions, headings in [(["one", "another"], []), ([], ["a", "b", "c"]), (["one", "another"], ["a", "", "c"])]:
        sheet = np.asarray(figures.sheet(rows, captions, headings))
        height, width = plain.shape
        assert np.array_equal(sheet[-height:, -width:], plain)
        left, top = sheet.shape[1] - width, sheet.shape[0] - height
        assert (left > 0, top > 0) == (bool(captions), bool(headings))
        if captions:
            inked = np.flatnonzero((sheet[top:, :left] < 128).any(1))
            assert inked.min() > 4
            assert inked.max() < height - 4
            assert abs((inked[inked < height / 2].mean()) - height / 4) < 6
        if headings:
            inked = np.flatnonzero((sheet[:top, left:] < 128).any(0))
            assert abs(inked[0] - (4 + 24)) < 10


def test_colour_pictures_are_captioned_too():
    sheet = figures.sheet([model(2, 3).sample(2)], ["three"], ["x", "y"])
    assert sheet.mode == "RGB"


def test_axes_fit_codes_that_are_not_normal():
    """Codes far from the origin fill the plot; against N(0, I) they are at their distance from it."""
    codes = np.random.default_rng(0).normal(100, 1, (500, 2))

    def extent(image) -> int:
        array = np.asarray(image)[20:-80, 80:-20].astype(int)
        coloured = np.ptp(array, axis=2) > 30
        return int(np.ptp(np.flatnonzero(coloured.any(0))))

    assert extent(figures.scatter(codes, normal=False)) > 500
    assert extent(figures.scatter(codes)) < 100


def test_no_class_hides_the_others():
    """The classes are drawn in one go, in mixed order: of two in the same place both are visible."""
    random = np.random.default_rng(0)
    codes = np.concatenate([random.normal(0, 0.02, (300, 2))] * 2)
    image = np.asarray(figures.scatter(codes, np.repeat([0, 1], 300), normal=False)).astype(int)[:, :700]
    blue, orange = ((image[..., i] - image[..., j] > 30).sum() for i, j in ((2, 0), (0, 2)))
    assert 0.5 < blue / orange < 2


def rows(**terms) -> list[dict[str, str]]:
    base = {"loss": 5.0, "distortion": 5.0, "rate": 0.0, "penalty": 0.0}
    splits = ("train", "train", "validation")
    return [
        {"step": str(50 * i + 50), "split": split} | {k: str(v + (k in terms) * i) for k, v in (base | terms).items()}
        for i, split in enumerate(splits)
    ]


def test_curves_leave_out_terms_that_are_0_or_the_loss():
    assert figures._informative_terms(rows()) == ["loss"]
    assert figures._informative_terms(rows(loss=9.0, rate=1.0)) == ["loss", "distortion", "rate"]
    assert figures._informative_terms(rows(loss=9.0, penalty=1.0)) == ["loss", "distortion", "penalty"]
    assert figures.training_curves(rows(loss=9.0, rate=1.0)).size == (1440, 408)
    with pytest.raises(ConfigError, match="nothing has been reported"):
        figures.training_curves([])


@pytest.mark.parametrize(("dimensions", "labelled"), [(1, False), (2, True), (5, True)])
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


def test_which_codes_are_normal():
    from musicae.core.objectives import Reconstruction
    from musicae.core.penalties import L2, MMD, AdversarialPenalty

    assert figures.codes_are_normal(model(2))
    for penalty, normal in ((None, False), (L2(0.1), False), (MMD(1.0), True), (AdversarialPenalty(), True)):
        assert figures.codes_are_normal(model(2, bottleneck=Point(), objective=Reconstruction(penalty))) == normal
