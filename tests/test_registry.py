"""Settings and presets of other packages, and of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import tiny
from command_line import python

import musicae
from musicae import registry
from musicae.core.networks import Dense
from musicae.errors import ConfigError
from musicae.loading import load, read_preset
from musicae.presets import PRESETS
from musicae.registry import find_preset, preset_names, presets_of_packages, read_settings, register, write_settings

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Own(Dense):
    """A network of one's own."""

    size: int = 8


@dataclass(frozen=True)
class Pixelation:
    """A class with the name of one of musicae."""


OWN = replace(tiny.PIANOROLL, name="own", network=Own(widths=(8,)))
MISNAMED, CLASHING = replace(OWN, name="other"), replace(OWN, name="melody-2bar")


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


@pytest.fixture
def packages(monkeypatch):
    """Install entry points of this module: `packages(group, name=value)`."""
    installed: dict[str, list[EntryPoint]] = {}
    monkeypatch.setattr(registry, "_points", lambda group: tuple(installed.get(group, ())))

    def install(group: str, **values: str) -> None:
        points = installed.setdefault(f"musicae.{group}", [])
        points += [EntryPoint(name, value, f"musicae.{group}") for name, value in values.items()]

    return install


# In this process ----------------------------------------------------------------------------------


def test_a_class_of_ones_own_is_saved_and_loaded_once_it_is_registered(tmp_path):
    with pytest.raises(ConfigError, match=r"Own is not registered.*put @musicae.register above the class"):
        tiny.folder(OWN, tmp_path)
    assert musicae.register(Own) is Own
    assert load(tiny.folder(OWN, tmp_path)).preset == OWN
    assert json.loads((tmp_path / "config.json").read_text())["preset"]["network"]["kind"] == "Own"


def test_names_are_unique():
    register(Own)
    register(Own)  # as in a notebook whose cell runs again
    other = dataclass(frozen=True)(type("Own", (), {"__module__": "elsewhere"}))
    with pytest.raises(ConfigError, match="Own is registered already, by test_registry: choose another name"):
        register(other)
    with pytest.raises(ConfigError, match="Pixelation is the name of a class of musicae"):
        register(Pixelation)
    with pytest.raises(ConfigError, match="Absolute is the name of a class of musicae"):  # of an older version
        register(dataclass(frozen=True)(type("Absolute", (), {})))
    with pytest.raises(ConfigError, match="Pixelation is not registered"):
        write_settings(Pixelation())


@pytest.mark.parametrize("kind", [type("Open", (), {}), dataclass(type("Thawed", (), {})), 3])
def test_only_frozen_dataclasses_are_settings(kind):
    with pytest.raises(ConfigError, match="is not a frozen dataclass"):
        register(kind)


# Entry points -------------------------------------------------------------------------------------


def test_a_class_of_a_package_is_found_by_its_name_when_it_is_needed(packages, monkeypatch):
    packages("networks", Own="test_registry:Own", Broken="nowhere:Broken")
    data = write_settings(OWN)
    registry._registered.clear()
    read = read_settings(data)
    assert type(read.network).__name__ == "Own"
    assert read.network.size == 8
    monkeypatch.setattr(registry, "_class", None)
    assert read_settings(write_settings(tiny.MELODY)) == tiny.MELODY, "no package is asked"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (
            "Own",
            "nowhere:Own",
            r"nowhere:Own: 'Own' cannot be loaded \(ModuleNotFoundError: No module",
        ),
        ("Own", "test_registry:Missing", "'Own' cannot be loaded .AttributeError"),
        ("Own", "test_registry:ROOT", "is not a frozen dataclass"),
        ("Mine", "test_registry:Own", "the entry point 'Mine' has to be named 'Own'"),
        ("Pixelation", "test_registry:Pixelation", "Pixelation is the name of a class of musicae"),
    ],
)
def test_a_broken_package_is_named_where_one_of_its_names_is_asked_for(packages, name, value, problem):
    packages("networks", **{name: value})
    data = write_settings(tiny.PIANOROLL)
    data["network"] = {"kind": name if name != "Pixelation" else "Strange"}
    with pytest.raises(ConfigError, match=problem) as caught:
        read_settings(data)
    assert "\n" not in str(caught.value)


def test_two_packages_with_one_name_are_both_refused(packages):
    packages("presets", own="test_registry:OWN")
    packages("presets", own="test_registry:MISNAMED")
    with pytest.raises(ConfigError, match="test_registry:MISNAMED and test_registry:OWN both have 'own'"):
        find_preset("own")


def test_presets_of_packages_are_listed_and_broken_ones_named(packages):
    packages("presets", own="test_registry:OWN", broken="nowhere:X", strange="test_registry:ROOT")
    packages("presets", mine="test_registry:MISNAMED", **{"melody-2bar": "test_registry:CLASHING"})
    assert preset_names() == [*PRESETS, "own", "broken", "strange", "mine"]
    assert find_preset("own") == OWN
    assert find_preset("melody-2bar") is PRESETS["melody-2bar"]
    found, problems = presets_of_packages()
    assert [preset for members in found.values() for preset in members] == [OWN]
    assert len(problems) == 4
    assert "'strange' is a PosixPath, not a Preset" in problems[1]
    assert "'melody-2bar' is the name of a preset of musicae" in problems[3]
    with pytest.raises(ConfigError, match="unknown preset 'owm': did you mean 'own'"):
        find_preset("owm")


# A package that is installed ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example package and one that is broken."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder)]
    subprocess.run([*command, str(ROOT / "tests" / "example_plugin")], check=True, timeout=120)
    broken = folder / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text("[musicae.presets]\nbroken-4bar = nowhere:PRESET\n")
    return folder


COMMANDS = """
import runpy, sys
for line in sys.argv[1:]:
    sys.argv = line.split()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def test_an_installed_package_is_listed_trained_loaded_and_sampled(site, inputs, music):
    lines = [
        "musicae.models",
        "musicae.train treble-2bar --data music --out runs/t --steps 3 --validate-every 3 --device cpu",
        "musicae.sample --model runs/t --temperature 1 --out x",
    ]
    done = python("-c", COMMANDS, *lines, PYTHONPATH=os.pathsep.join([str(site), str(ROOT)]))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    said = done.stdout + done.stderr
    assert "Of the package musicae-treble:\n  treble-2bar " in said
    assert "broken: 'broken-4bar' cannot be loaded (ModuleNotFoundError: No module named 'nowhere')\n" in said
    assert "saved runs/t\n" in said
    assert "saved x.mid\n" in said
    config = json.loads(Path("runs/t/config.json").read_text())["preset"]
    assert (config["representation"]["kind"], config["network"]["kind"]) == ("Treble", "DropoutDense")
    with pytest.raises(ConfigError, match="unknown kind of settings"):  # where the package is not installed
        read_preset(Path("runs/t"))
