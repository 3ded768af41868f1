"""What all tests share."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path

import pytest
import tiny
import torch
from hypothesis import settings
from music.making import band_windows

from musicae.cli.run import main
from musicae.fitting import fit
from musicae.music.evaluation.two_sample import two_sample_report
from musicae.music.score.score import Tempo
from musicae.presets import PRESETS

# A slow machine is not a failure, and a failure must be repeated on the next run.
settings.register_profile("musicae", deadline=None, derandomize=True)
settings.load_profile("musicae")


@pytest.fixture(autouse=True)
def seeded():
    """Weights that a test draws without a seed do not depend on the tests before it."""
    torch.default_generator.manual_seed(0)  # `torch.manual_seed` looks for every kind of device, a millisecond a time


def pytest_collection_finish():
    """What was imported stays: the collector of garbage need not look through it again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Folders of tiny models by what they are for."""
    made = tmp_path_factory.mktemp("models")
    presets = {"melody": tiny.MELODY, "roll": tiny.PIANOROLL, "pictures": tiny.PICTURES}
    presets |= {preset.name.removeprefix("tiny-"): preset for preset in tiny.FAMILY}
    return {name: tiny.folder(preset, made / name) for name, preset in presets.items()}


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """The current folder, with two songs and two pictures in it."""
    monkeypatch.chdir(tmp_path)
    tiny.midi(tmp_path / "a.mid", 4, tempos=(Tempo(0, 77.0),))
    tiny.midi(tmp_path / "b.mid", 4, pitch=52, stride=7)
    tiny.picture(tmp_path / "a.png", 50)
    tiny.picture(tmp_path / "b.png", 200, (20, 30))
    return tmp_path


@pytest.fixture
def music(inputs):
    """A folder of ten songs in the current one."""
    folder = inputs / "music"
    folder.mkdir()
    for i in range(10):
        tiny.midi(folder / f"{i}.mid", 4 + i, stride=i + 1)
    return folder


@pytest.fixture
def tiny_preset(monkeypatch):
    """A preset that trains in no time, by the name of tiny-melody."""
    monkeypatch.setitem(PRESETS, "tiny-melody", tiny.MELODY)


@pytest.fixture
def run(capsys, models, inputs):
    """Run a command line in which {melody} and the like are models; (status, stdout, stderr)."""

    def command(line: str, *more: str) -> tuple[int, str, str]:
        name, *arguments = [part.format(**models) for part in line.split()]
        module = importlib.import_module(f"musicae.{name}")
        status = 0
        try:
            main(getattr(module, name.capitalize()), name, [*arguments, *more])
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def refused(run):
    """The error of a command line that must end with status 2, one line and nothing written."""

    def command(line: str, *more: str) -> str:
        before = sorted(Path().rglob("*"))
        status, out, err = run(line, *more)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert sorted(Path().rglob("*")) == before
        return err

    return command


@pytest.fixture(scope="session")
def tunes(tmp_path_factory):
    """A folder of ten tunes in several metres."""
    folder = tmp_path_factory.mktemp("tunes")
    for i, metre in enumerate(["4/4", "3/4", "6/8", "5/4", "2/4"] * 2):
        tiny.midi(folder / f"{i}.mid", 4 + i, metre, stride=i + 1)
    return folder


@pytest.fixture(scope="session")
def finished(tunes, tmp_path_factory):
    """The folder of a finished run on the ten tunes."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(tiny.MELODY, [tunes], folder, device="cpu", say=None)
    return folder


@pytest.fixture(scope="session")
def two_sample_figures():
    """How samples and midpoints of a model with random weights compare with held-out music."""
    torch.manual_seed(0)
    return two_sample_report(tiny.model(tiny.MELODY), band_windows(), band_windows(pitch=50), samples=12, steps=3)
