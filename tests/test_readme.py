from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest
from test_words import PHRASES

from musicae.loading import DEFAULT, PRETRAINED
from musicae.presets import KINDS
from musicae.registry import GROUPS, PRESET_GROUP

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IMAGES = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
MUSICVAE = (ROOT / "docs" / "musicvae.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
OF_MAGENTA_JS = {"MelodyConverter", "DrumsConverter", "DrumRollConverter", "TrioConverter", "MultitrackConverter"}
OF_OTHERS = OF_MAGENTA_JS | {"GrooveConverter", "PrettyMIDI", "Lanczos", "Cov"}


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
    assert names["reconstruction"].figures["step_accuracy"] > 0.9
    assert (tmp_path / "backwards.mid").exists()
    assert len(names["pictures"]) == 10


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


@EVERY_PAGE
def test_command_lines_can_be_given(page):
    from musicae.presets import PRESETS

    for name, arguments in lines(page.read_text(encoding="utf-8")):
        command = parsed(name, arguments)
        if name == "train" and command.preset and not command.preset.isupper():
            assert command.preset in PRESETS


@EVERY_PAGE
def test_python_of_every_page_compiles_and_its_imports_exist(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compile(block, page.name, "exec")
        for line in re.findall(r"^(?:import|from) .*$", block, re.MULTILINE):
            exec(line, {})


@EVERY_PAGE
def test_names_of_the_package_exist(page):
    """Every `musicae.x.y.Name`, by import; entry points have groups that are no modules."""
    named = set(re.findall(r"\bmusicae(?:\.\w+)+", page.read_text(encoding="utf-8")))
    assert [name for name in sorted(named - {*GROUPS, PRESET_GROUP}) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@EVERY_PAGE
def test_classes_that_a_page_names_exist(page):
    """Every `Name`, `Name(setting=...)` and `Name.attribute` in a line of text."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"`([A-Z][A-Za-z]*[a-z][A-Za-z0-9]*)(?:`|\(|\.[a-z])", text))
    assert sorted(named - classes() - OF_OTHERS) == []


@EVERY_PAGE
def test_settings_that_a_page_names_exist(page):
    """The keywords of every `Name(setting=...)` in a line of text are fields of that class."""
    for name, settings in re.findall(r"`([A-Z]\w+)\(([^`]*)\)`", page.read_text(encoding="utf-8")):
        known = {one.name for kind in KINDS if kind.__name__ == name for one in fields(kind)}
        assert set(re.findall(r"\b(\w+)=", settings)) <= known, f"{name}({settings})"


@cache
def classes() -> set[str]:
    """The names of all classes of the package."""
    files = (ROOT / "musicae").rglob("*.py")
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


@EVERY_PAGE
def test_files_of_python_that_a_page_names_exist(page):
    """As a path from the root, or as the end of one; NAME stands for one that somebody is to write."""
    files = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")]
    named = set(re.findall(r"(?<![\w/.])[\w/]+\.py\b", page.read_text(encoding="utf-8")))
    ends = tuple(f"/{name}" for name in named)
    found = {end for path in files for end in ends if f"/{path}".endswith(end)}
    assert sorted(name for name in named if f"/{name}" not in found and "NAME" not in name) == []


@EVERY_PAGE
def test_links_within_the_pages_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([\w/.-]*)(?:#([\w-]+))?\)", page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{target}#{anchor}"


def anchors(text: str) -> set[str]:
    """Those that a page's headings have."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EVERY_PAGE
def test_pages_have_the_words_of_the_field(page):
    """No old word of `test_words.PHRASES` outside what scripts write, code, and the names of tests."""
    left_out = r"<!-- table.*?<!-- end of table -->|```.*?```|`[^`]*`"
    text = " ".join(re.sub(left_out, "", page.read_text(encoding="utf-8"), flags=re.DOTALL).split())
    assert [match[0] for old in PHRASES if (match := re.search(old, text))] == []


def test_the_tree_of_contributing_is_that_of_the_package():
    """Each file once, with what it is for; empty `__init__.py` are left out."""
    block = re.search(r"```\n(musicae/\n.*?)```", CONTRIBUTING, re.DOTALL)[1]
    files = (ROOT / "musicae").rglob("*.py")
    there = [path.relative_to(ROOT).as_posix() for path in files if path.read_text(encoding="utf-8")]
    assert sorted(tree(block)) == sorted(there)


def tree(block: str) -> Iterator[str]:
    """The files of a tree: folders end in a slash, two spaces further in is one folder deeper."""
    folders: list[str] = []
    for line in block.splitlines():
        depth, name, idea = re.fullmatch(r"((?:  )*)(\S+) *(.*)", line).groups()
        folders[len(depth) // 2 :] = [name]
        if name.endswith(".py"):
            assert idea, f"{name}: say what it is for"
            yield "".join(folders)


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


def test_the_functions_that_a_file_passes_exist():
    """Of the tables of files and functions, each `Function` or `Class.method` in its file; no file twice in a walk."""
    for walk in re.findall(r"^## The way of .*?(?=^## )", CONTRIBUTING, re.DOTALL | re.MULTILINE):
        rows = re.findall(r"^\| `musicae/([\w/]+)\.py` \| (.*?) \|", walk, re.MULTILINE)
        assert len(rows) > 20
        assert len({file for file, _ in rows}) == len(rows)
        for file, functions in rows:
            module = "musicae." + file.replace("/", ".")
            assert [one for one in re.findall(r"`([\w.]+)`", functions) if not exists(f"{module}.{one}")] == [], file
