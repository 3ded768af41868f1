"""The plan of the house: commands -> presets -> images, music -> core, and nothing the other way."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import tiny
from source_code import PACKAGE, modules

GROUND = (
    "musicae.errors",
    "musicae.files",
    "musicae.archives",
    "musicae.skipped",
    "musicae.migration",
)  # stand on nothing but each other
WINGS = ("musicae.core", "musicae.images", "musicae.music")
MUSIC = (  # its rooms, the lowest first
    *("score", "formats", "theory", "representations", "extraction", "analysis", "data", "render", "song", "options"),
    *("language", "codec", "latent", "results", "model", "evaluation", "magenta"),
)
HEAVY = ("torch", "accelerate", "matplotlib", "music21", "symusic", "sklearn", "pretty_midi", "PIL", "scipy")


@cache
def commands() -> set[str]:
    """Modules at the top that are run: they end with `if __name__ == "__main__"`."""
    top = {name: tree for name, tree in modules().items() if name.count(".") == 1}
    return {name for name, tree in top.items() if any(_is_main_guard(node) for node in tree.body)}


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test) and "__main__" in ast.dump(node.test)


@cache
def imports(name: str) -> set[str]:
    """The modules of the package that a module imports, anywhere in it: in functions and under `if TYPE_CHECKING:`."""
    found = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside if inside <= modules().keys() else inside | {node.module}
    return (found & modules().keys()) - {name}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def arrows() -> list[tuple[str, str]]:
    return [(name, target) for name in modules() for target in imports(name)]


def test_the_house_has_its_rooms():
    assert set(WINGS) <= modules().keys()
    assert {"musicae.train", "musicae.sample", "musicae.interpolate"} <= commands()


def test_the_core_knows_neither_pictures_nor_music_nor_presets_nor_commands():
    below = ("musicae.core", "musicae.errors", "musicae.files")
    wrong = [
        (name, target)
        for name, target in arrows()
        if within(name, "musicae.core") and target != "musicae" and not any(within(target, b) for b in below)
    ]
    assert wrong == []


@pytest.mark.parametrize(("wing", "other"), [("musicae.images", "musicae.music"), ("musicae.music", "musicae.images")])
def test_the_wings_do_not_know_each_other(wing, other):
    assert [(name, target) for name, target in arrows() if within(name, wing) and within(target, other)] == []


@pytest.mark.parametrize("wing", ["musicae.images", "musicae.music"])
def test_a_wing_knows_the_core_and_itself(wing):
    """Not the presets, nor what stands above these."""
    below = (wing, "musicae.core", *GROUND)
    wrong = [
        (name, target)
        for name, target in arrows()
        if within(name, wing) and target != "musicae" and not any(within(target, b) for b in below)
    ]
    assert wrong == []


def test_nothing_imports_a_command_but_the_list_of_them():
    assert [(name, target) for name, target in arrows() if target in commands() and name != "musicae.__main__"] == []


def test_errors_files_and_migration_stand_on_nothing():
    assert imports("musicae.errors") == set()
    assert imports("musicae.files") <= {"musicae.errors"}
    assert imports("musicae.archives") <= {"musicae.errors", "musicae.files"}
    assert imports("musicae.skipped") <= {"musicae.files"}
    assert imports("musicae.migration") == set()


def test_nothing_in_music_imports_upwards():
    """Each of its rooms knows those before it in `MUSIC` only."""
    rooms = {name: name.split(".")[2] for name in modules() if name.startswith("musicae.music.")}
    assert set(rooms.values()) == set(MUSIC)
    up = [
        (name, target)
        for name, target in arrows()
        if name in rooms and target in rooms and MUSIC.index(rooms[target]) > MUSIC.index(rooms[name])
    ]
    assert up == []


def test_no_module_imports_itself_by_a_detour():
    """Neither while it is imported, nor inside functions, nor for readers and type checkers."""
    graph = {name: {t for t in imports(name) if t != "musicae"} for name in modules()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def loaded_by(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    options = {"capture_output": True, "text": True, "timeout": 60, "check": False, "env": environment}
    result = subprocess.run([sys.executable, "-c", script], **options, cwd=PACKAGE.parent)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize("module", ["musicae", "musicae.presets", "musicae.__main__"])
def test_importing_loads_nothing_heavy(module):
    assert loaded_by(f"import {module}") == set()


def test_a_cold_start_loads_no_more_than_it_needs():
    songs = [str(Path(__file__).parents[1] / "midi_samples" / name) for name in ("ode_to_joy.mid", "frere_jacques.mid")]
    work = f"import musicae\nmusicae.load().interpolate(*{songs!r}).song.to_bytes()"
    assert loaded_by(work) == {"torch", "symusic"}


@pytest.mark.parametrize("line", ["reconstruct long.mid", "interpolate long.mid long.mid", "vary long.mid"])
def test_what_is_refused_is_refused_before_torch_is_loaded(tmp_path, line):
    song = tiny.midi(tmp_path / "long.mid", 12)
    data = song.read_bytes()
    song.write_bytes(data[:12] + b"\0\1" + data[14:])  # one tick a quarter in place of 480
    name, *arguments = line.replace("long.mid", str(song)).split()
    work = f"""
import contextlib
from musicae.cli.run import main
from musicae.{name} import {name.capitalize()}
with contextlib.suppress(SystemExit):
    main({name.capitalize()}, {name!r}, {arguments!r})
    print("not refused")"""
    assert loaded_by(work) == {"symusic"}


def test_importing_the_commands_loads_nothing_heavy():
    """So that `--help` answers at once."""
    assert loaded_by("\n".join(f"import {name}" for name in sorted(commands()))) == set()
