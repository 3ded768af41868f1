from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from musicae.loading import DEFAULT, PRETRAINED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IMAGES = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
MUSICVAE = (ROOT / "docs" / "musicvae.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def lines(page: str) -> list[tuple[str, list[str]]]:
    """The command lines of a page, in blocks and in the text, that have arguments: the command's name, and these."""
    found = re.findall(r"(?:^ {4,}(?:\$ )?|`|&& )python -m musicae\.(\w+) ([^`\n]+)", page, re.MULTILINE)
    return [(name, shlex.split(rest)) for name, rest in found]


def parsed(name: str, arguments: list[str]):
    """The command that a line gives."""
    import tyro

    command = getattr(import_module(f"musicae.{name}"), name.capitalize())
    return tyro.cli(command, args=arguments, config=(tyro.conf.FlagCreatePairsOff,))


@pytest.mark.skipif(not (PRETRAINED / DEFAULT).exists(), reason="the default model is not here")
def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    (tmp_path / "midi_samples").symlink_to(ROOT / "midi_samples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "between.mid").exists()
    assert len(names["clips"]) == 8
    assert names["heard"].figures["step_accuracy"] > 0.9


def test_files_that_the_readme_names_exist():
    named = set(re.findall(r"(?:midi_samples|docs|scripts)/[\w./]+\.\w+", README)) | set(
        re.findall(r"\]\((\w+\.md)\)", README)
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_command_is_in_the_readme():
    from musicae.__main__ import COMMANDS

    assert [name for name in COMMANDS if f"python -m musicae.{name}" not in README] == []


def test_the_page_on_pictures_has_every_preset_of_mnist_and_every_figure_that_it_shows():
    from musicae.presets import PRESETS

    assert [name for name in PRESETS if name.startswith("mnist-") and f"`{name}`" not in IMAGES] == []
    shown = re.findall(r"\]\((pictures/[^)]+)\)", IMAGES)
    assert shown
    assert [name for name in shown if not (ROOT / "docs" / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_can_be_given(page):
    from musicae.presets import PRESETS

    for name, arguments in lines(page.read_text(encoding="utf-8")):
        command = parsed(name, arguments)
        if name == "train" and command.preset and not command.preset.isupper():
            assert command.preset in PRESETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_every_page_compiles(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compile(block, page.name, "exec")


def test_the_page_on_musicvae_has_every_configuration_and_its_size():
    from musicae.loading import parameters
    from musicae.presets.musicvae import MUSICVAE as configurations

    rows = {
        row[0].strip("` "): row for row in (line.split("|")[1:] for line in MUSICVAE.splitlines() if line[:3] == "| `")
    }
    for preset in configurations:
        assert rows[preset.name][2:4] == [f" {preset.latent} ", f" {parameters(preset):,} "]


def test_the_page_on_musicvae_uses_only_what_it_made_before_and_what_is_here():
    trained = {
        f"runs/{arguments[0]}" for name, arguments in lines(MUSICVAE) if name == "train" and "--data" in arguments
    }
    used = set(re.findall(r"runs/[\w-]+", MUSICVAE)) - {"runs/NAME", "runs/mine"}
    assert used
    assert used <= trained
    named = set(re.findall(r"(?:midi_samples|scripts)/\w+\.\w+", MUSICVAE))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", [IMAGES, MUSICVAE], ids=["pictures", "MusicVAE"])
def test_the_tests_that_a_page_names_exist(page):
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 10
    assert [name for name in named if f"\ndef {name}(" not in tests] == []


def test_nothing_is_left_to_fill_in():
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        assert re.findall(r"^[A-Z]+_[A-Z]+$", path.read_text(encoding="utf-8"), re.MULTILINE) == [], path.name
