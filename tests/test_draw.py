"""Every figure of a model of pictures, as a user draws it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from musicae.cli.run import main
from musicae.core.bottlenecks import Point
from musicae.core.corruptions import GaussianNoise, Pixelation
from musicae.core.objectives import Reconstruction
from musicae.core.reports import COLUMNS, METRICS_TABLE
from musicae.draw import Draw
from musicae.images.gallery import FIGURES
from musicae.interpolate import Interpolate
from musicae.reconstruct import Reconstruct
from musicae.sample import Sample

PLAIN = replace(tiny.PICTURES, name="tiny-plain", bottleneck=Point(), objective=Reconstruction(), latent=2)
PRESETS = {
    "vae": tiny.PICTURES,
    "plane": replace(tiny.PICTURES, name="tiny-plane", latent=2),
    "plain": PLAIN,
    "noisy": replace(PLAIN, name="tiny-noisy", corruption=GaussianNoise(0.0, 0.5)),
    "low": replace(PLAIN, name="tiny-low", corruption=Pixelation(2)),
    "conditional": replace(tiny.PICTURES, name="tiny-conditional", label_classes=10),
    "melody": tiny.MELODY,
    "colour": replace(PLAIN, name="tiny-colour", representation=replace(tiny.PICTURES.representation, channels=3)),
}
ROWS = [
    [50, "train", 9.5, 8.0, 1.5, 0, 0.5, 1e-3, 0, 1.0],
    [60, "validation", 9.0, 7.5, 1.5, 0, 0.5, "", "", 1.2],
    [100, "train", 8.5, 7.0, 1.5, 0, 0.5, 1e-3, 0, 2.0],
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    folders = {name: tiny.folder(preset, made / name) for name, preset in PRESETS.items()}
    table = [COLUMNS, *ROWS]
    (folders["vae"] / METRICS_TABLE).write_text("".join(",".join(map(str, row)) + "\n" for row in table))
    return folders


@pytest.fixture
def run(capsys, models, tmp_path, monkeypatch):
    """Run a command line in which {vae} and the like are models; (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def command(line: str, kind: type = Draw) -> tuple[int, str, str]:
        status = 0
        try:
            main(kind, kind.__name__.lower(), [part.format(**models) for part in line.split()])
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def refused(run):
    """The error of a command line that must end with status 2, one line and nothing written."""

    def command(line: str, kind: type = Draw) -> str:
        before = sorted(Path().rglob("*"))
        status, out, err = run(f"{line} --quiet", kind)
        assert (status, out, err[:7], err.count("\n")) == (2, "", "error: ", 1)
        assert sorted(Path().rglob("*")) == before
        return err

    return command


def picture(name: str) -> np.ndarray:
    """What a file shows."""
    with Image.open(name) as image:
        return np.asarray(image)


FITTING = [
    *[("reconstructions", name) for name in ("vae", "plain", "conditional")],
    *[("restored", name) for name in ("noisy", "low")],
    *[("manifold", name) for name in ("plane", "plain")],
    *product(("scatter", "interpolation", "samples", "noise"), ("vae", "low", "conditional")),
    ("styles", "conditional"),
]


def test_every_figure_is_tried():
    assert {figure for figure, _ in FITTING} == FIGURES.keys()


@pytest.mark.parametrize(("figure", "model"), FITTING)
def test_a_figure_is_one_file_and_the_same_every_time(run, figure, model):
    status, out, err = run(f"{figure} {{{model}}} -n 6")
    name = f"{PRESETS[model].name}_{figure}.png"
    assert (status, out) == (0, f"saved {name}\n")
    assert err == "" or err.startswith("Pictures from scikit-learn's digits")
    assert run(f"{figure} {{{model}}} -n 6 --out again --quiet") == (0, "", "")
    assert Path(name).read_bytes() == Path("again.png").read_bytes()
    assert picture(name).shape[1] > 40


def test_the_seed_chooses_pictures_noise_and_samples(run):
    for line in ("restored {noisy}", "samples {vae}", "interpolation {conditional}"):
        for seed in (1, 2):
            run(f"{line} --seed {seed} --out {seed} --force")
        assert Path("1.png").read_bytes() != Path("2.png").read_bytes()


def test_json_has_the_numbers_of_the_figure(run):
    _, out, _ = run("restored {low} --json --seed 3")
    said = json.loads(out)
    assert (said["files"], said["seed"]) == ({"png": ["tiny-low_restored.png"]}, 3)
    assert list(said["mse"]) == ["low", "bicubic", "restored", "high"]
    assert said["mse"]["high"] == 0 < said["mse"]["low"]
    said = json.loads(run("noise {vae} --json")[1])
    assert len(said["scales"]) == len(said["mse"]) == 5
    assert said["pictures"] == 180
    assert "kept" not in said


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("restored {vae}", "restores nothing: draw reconstructions"),
        ("reconstructions {noisy}", "draw restored instead"),
        ("styles {vae}", "is not conditioned on labels: draw samples"),
        ("manifold {vae}", "has 4 latent dimensions, and a plane has 2: draw scatter"),
        ("samples {melody}", "is a model of music, of which only curves can be drawn"),
        ("curve {vae}", "unknown figure 'curve': did you mean 'curves'?"),
        ("curves {plane}", "no metrics.csv in it"),
        ("noise {conditional} --data noise", "but these pictures have no labels"),
        ("scatter {vae} --part banana", "banana"),
        ("samples {vae} -n 0", "-n 0: samples shows 1 to 10,000"),
        ("manifold {plane} -n 101", "-n 101: manifold shows 1 to 100"),
        ("reconstructions {vae} --data noise --part train", "give some with --data"),
        ("reconstructions nowhere", "nowhere"),
    ],
)
def test_figures_that_do_not_fit_a_model_are_refused_with_advice(run, refused, line, advice):
    if "banana" in line:
        assert run(line)[0] == 2
    else:
        assert advice in refused(line)


def test_nothing_is_overwritten_without_force(run, refused):
    assert run("samples {vae} --quiet")[0] == 0
    before = Path("tiny-pictures_samples.png").read_bytes()
    assert "exists: choose another name with --out" in refused("samples {vae} --seed 1")
    assert run("samples {vae} --seed 1 --force --quiet")[0] == 0
    assert Path("tiny-pictures_samples.png").read_bytes() != before
    assert run("samples {vae} --out new/ --quiet")[0] == 0
    assert Path("new/tiny-pictures_samples.png").exists()


def test_curves_need_no_data_and_any_run_has_them(run, refused, models):
    assert run("curves {vae}") == (0, "saved tiny-pictures_curves.png\n", "")
    assert json.loads(run("curves {vae} --json --force")[1])["rows"][1]["loss"] == "9.0"
    assert "exists" in refused("curves {vae}")
    (models["melody"] / METRICS_TABLE).write_text((models["vae"] / METRICS_TABLE).read_text())
    assert run("curves {melody}")[1] == "saved tiny-melody_curves.png\n"
    (models["melody"] / METRICS_TABLE).write_text(",".join(COLUMNS) + "\n")
    assert "nothing has been reported yet" in refused("curves {melody} --force")


def test_data_that_a_run_was_begun_with_is_the_default(run, models):
    sources = models["vae"] / "sources.json"
    sources.write_text('{"sources": ["noise"]}')
    try:
        assert run("reconstructions {vae}")[2].startswith("Pictures from noise")
    finally:
        sources.unlink()


@pytest.fixture
def judge(tmp_path):
    """The folder of a classifier of grey pictures of 8 by 8 with random weights."""
    from musicae.core import checkpoints
    from musicae.core.configuration import to_data
    from musicae.core.settings import Training
    from musicae.images.classifier import SETTINGS, Classifier, ClassifierSettings

    settings = ClassifierSettings(tiny.PICTURES.representation, 10, Training())
    checkpoints.write_json(tmp_path / "judge", SETTINGS, {"format": 1, "judge": to_data(settings)})
    checkpoints.write_weights(tmp_path / "judge", Classifier(settings))
    return tmp_path / "judge"


@pytest.mark.usefixtures("judge")
def test_a_classifier_measures_how_many_pictures_keep_their_class(run, refused):
    said = json.loads(run("noise {vae} --judge judge --json")[1])
    assert len(said["kept"]) == 5
    assert all(0 <= share <= 1 for share in said["kept"])
    assert "--judge is for the figure noise" in refused("samples {vae} --judge judge")
    assert "the classifier reads pictures of 1 by 8 by 8 (channels, height, width), not 3 by 8 by 8" in refused(
        "noise {colour} --judge judge --force"
    )
    assert "no judge.json in it" in refused("noise {vae} --judge nowhere --force")


def test_what_a_run_was_trained_on_is_split_as_it_was(run, models):
    """Named or not, its test part is shown; other pictures are all new to the model."""
    np.savez("mine.npz", images=np.random.default_rng(0).integers(0, 256, (50, 8, 8), np.uint8))
    sources = models["vae"] / "sources.json"
    sources.write_text('{"sources": ["mine.npz"]}')
    try:
        for line in ("", "--data mine.npz"):
            assert ": 40 train, 5 validation, 5 test;" in run(f"scatter {{vae}} --force {line}")[2]
    finally:
        sources.unlink()
    assert ": 0 train, 0 validation, 50 test;" in run("scatter {vae} --force --data mine.npz")[2]


def test_noise_is_restored_too(run):
    status, _, err = run("restored {low} --data noise -n 3")
    assert status == 0
    assert err == "Pictures from noise: 0 train, 0 validation, 1,000 test; no labels.\n"
    assert picture("tiny-low_restored.png").ndim == 2


# Labels of conditional models ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "line"), [(Sample, "-n 3"), (Reconstruct, "a.png --out x"), (Interpolate, "a.png b.png --steps 3 --out x")]
)
def test_conditional_models_take_a_label(run, refused, kind, line):
    for name, level in (("a", 50), ("b", 200)):
        tiny.picture(Path(f"{name}.png"), level)
    assert "is not conditioned on labels: leave them out" in refused(f"{line} --model {{vae}} --label 1", kind)
    assert "knows the classes 0 to 9" in refused(f"{line} --model {{conditional}} --label 10", kind)
    assert "--label is for pictures, and tiny-melody is a model of music" in refused(
        f"{line if kind is Sample else line.replace('.png', '.mid')} --model {{melody}} --label 1", kind
    )
    written = []
    for label in (1, 2):
        assert run(f"{line.replace('--out x', '')} --out {label} --model {{conditional}} --label {label}", kind)[0] == 0
        written.append(Path(f"{label}.png").read_bytes())
    assert written[0] != written[1]


def test_without_a_label_only_samples_are_drawn(run, refused):
    tiny.picture(Path("a.png"))
    assert "is conditioned on the class of a picture" in refused("a.png --model {conditional}", Reconstruct)
    assert "is conditioned on the class of a picture" in refused("a.png a.png --model {conditional}", Interpolate)
    assert run("-n 20 --model {conditional} --quiet", Sample)[0] == 0


def test_a_picture_of_low_resolution_is_given_to_the_model_as_it_is(run, models):
    """Not enlarged and made smaller again by the filter that makes photographs smaller."""
    from musicae.loading import load

    model = load(models["low"])
    levels = np.random.default_rng(0).integers(0, 256, (4, 4), np.uint8)
    Image.fromarray(levels).save("a.png")
    assert run("a.png --model {low} --quiet --out x", Reconstruct)[0] == 0
    sheet = picture("x.png")
    assert np.array_equal(sheet[76:140:8, 8:72:8], np.asarray(model.reconstruct("a.png")[0]))
    assert np.array_equal(sheet[4:68:16, 4:68:16], levels)
