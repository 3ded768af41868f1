from __future__ import annotations

import re
from pathlib import Path

import pytest

from musicae.loading import DEFAULT, PRETRAINED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IMAGES = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")


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


def test_the_tests_that_the_page_on_pictures_names_exist():
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", IMAGES)
    assert len(named) > 10
    assert [name for name in named if f"\ndef {name}(" not in tests] == []


def test_nothing_is_left_to_fill_in():
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        assert re.findall(r"^[A-Z]+_[A-Z]+$", path.read_text(encoding="utf-8"), re.MULTILINE) == [], path.name
