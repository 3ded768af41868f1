"""What is printed is safe to show on a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from musicae.cli.console import as_json, escaped, one_line
from musicae.core import checkpoints

HOSTILE = "\x1b]0;x\x07\x1b[2J\u202e\x9b31m\r\x7f\u2028\u2066"
EVERY = "".join(chr(i) for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i)) in ("Cc", "Cf", "Zl", "Zp"))


def unsafe(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - set("\n\u200c\u200d")


def test_every_control_character_is_escaped():
    for text in (escaped(EVERY), one_line(EVERY), as_json({EVERY: [EVERY]})):
        assert unsafe(text) == set()
    assert json.loads(as_json({EVERY: [EVERY]})) == {EVERY: [EVERY]}


@given(st.text())
def test_other_text_is_shown_as_it_is(text):
    assert unsafe(escaped(text)) == set()
    assert (escaped(text) == text) == (not unsafe(text))
    assert json.loads(as_json(text)) == text


@pytest.mark.parametrize("text", ["Flöte", "初音ミク\u3000歌", "\u0645\u06cc\u200c\u062e", "👩\u200d🎤", "two\nlines"])
def test_letters_of_all_people_are_legible(text):
    assert escaped(text) == text


def test_no_name_changes_the_terminal(run):
    name = f"{HOSTILE}.mid"
    tiny.midi(Path(name), 4, name=HOSTILE)
    lines = [
        ("interpolate --model {melody} --html", name, "a.mid"),
        ("interpolate --model {melody} --json --force", name, "a.mid"),
        ("reconstruct --model {melody} --track x", name),
        ("reconstruct --model {melody} --force --out", f"{HOSTILE}/", name),
        ("vary --model {melody}", name, "--more", HOSTILE),
        ("sample --chords", HOSTILE),
        ("sample", HOSTILE),
        ("sample --model", HOSTILE),
        ("listen", name),
        ("listen", f"{HOSTILE}2.mid"),
        ("train", HOSTILE),
        ("train {melody} --data", HOSTILE),
        ("convert --out x", HOSTILE),
        ("draw samples", HOSTILE),
    ]
    for line in lines:
        status, out, err = run(*line)
        assert unsafe(out + err) == set(), line
        assert status == 0 or err
    for page in Path().rglob("*.html"):
        assert unsafe(page.read_text()) == set()


def test_settings_of_a_model_name_no_path_and_change_no_terminal(run, models):
    folder = tiny.folder(tiny.MELODY, Path("model"))
    config = json.loads((folder / checkpoints.CONFIG).read_text())
    for name in ("../../up", "..\\up", "/tmp/up", "-rf", HOSTILE):
        config["preset"]["name"] = name
        (folder / checkpoints.CONFIG).write_text(json.dumps(config))
        before = set(Path().iterdir())
        status, out, err = run("sample -n 1 --model model --split --force")
        assert unsafe(out + err) == set()
        if status == 0:  # such a name may well be refused
            assert len(set(Path().iterdir()) - before) <= 2
            assert "saved" in out
    assert not list(Path("..").glob("up*"))
