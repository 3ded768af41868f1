from __future__ import annotations

import re
from pathlib import Path

import pytest

from musicae.loading import DEFAULT, PRETRAINED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
