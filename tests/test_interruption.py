"""Whoever stops a program sees no traceback, and finds no file half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
COMMANDS = {
    "module": ["-m", "musicae.sample"],
    "program": ["-c", "import sys; sys.argv[0] = '/bin/musicae'; from musicae.__main__ import main; main()", "sample"],
}


def started(arguments: list[str], folder: Path, code: str = "") -> subprocess.Popen:
    """Python, begun in a folder after some code has run in it."""
    (folder / "sitecustomize.py").write_text(code)
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *arguments], env=environment, cwd=folder, **pipes)


AT_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("how", COMMANDS)
@pytest.mark.parametrize("module", ["musicae.cli", "tyro.conf", "tyro", "musicae.sample", "musicae.loading", "torch"])
def test_ctrl_c_during_the_start_is_quiet(tmp_path, models, how, module):
    with started(
        [*COMMANDS[how], "--model", str(models["melody"])],
        tmp_path,
        AT_IMPORT.format(module=module, number="SIGINT"),
    ) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"sitecustomize.py"}


WHILE_WRITING = """
import os, signal, sys
fsync, calls = os.fsync, []
def slow(handle):
    fsync(handle)
    calls.append(handle)
    if len(calls) == {turn}:
        os.kill(os.getpid(), signal.{number})
os.fsync = slow
"""


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("turn", [1, 3])
def test_a_command_that_is_stopped_leaves_nothing(tmp_path, models, number, turn):
    arguments = [*COMMANDS["module"], "-n", "3", "--split", "--model", str(models["melody"]), "--out", "new/x"]
    code = WHILE_WRITING.format(turn=turn, number=number.name)
    with started(arguments, tmp_path, code) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (STATUS[number], "", "interrupted\n")
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"sitecustomize.py"}


def test_a_library_changes_no_handler(tmp_path):
    code = "import signal, musicae, musicae.__main__, musicae.sample; print(signal.getsignal(signal.SIGINT).__name__)"
    with started(["-c", code], tmp_path) as process:
        assert process.communicate(timeout=120)[0] == "default_int_handler\n"


def test_what_is_ignored_stays_ignored(tmp_path, models):
    """As nohup and background jobs of scripts have it."""
    code = AT_IMPORT.format(module="torch", number="SIGINT") + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    with started([*COMMANDS["module"], "-n", "1", "--model", str(models["melody"])], tmp_path, code) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "saved" in out
