"""How a command begins and ends."""

from __future__ import annotations

import pytest
from command_line import python

from musicae.__main__ import COMMANDS


def test_usage_errors_end_with_2_too(run):
    for line in ("interpolate a.mid", "interpolate a.mid b.mid --steps x", "sample --nope", "evaluate", "train"):
        assert run(line)[0] == 2


def test_debug_shows_the_whole_error(run):
    from musicae.errors import MidiError

    with pytest.raises(MidiError):
        run("interpolate a.mid x.mid --model {melody} --debug")


def test_help_of_every_command_loads_nothing_heavy():
    code = f"""
import contextlib, importlib, io, sys
from musicae.cli.run import main
for name in {list(COMMANDS)}:
    command = getattr(importlib.import_module("musicae." + name), name.capitalize())
    text = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        main(command, name, ["--help"])
    text.flush()
    text = text.buffer.getvalue().decode()
    assert len(text) > 500, name
    assert not any(word in text for word in ("(default: )", "[[", "None")), name
heavy = {{"torch", "accelerate", "matplotlib", "music21", "symusic", "sklearn", "PIL", "scipy", "pretty_midi"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_output_that_is_full_is_one_line():
    code = "from musicae.cli.run import main; from musicae.models import Models; main(Models, 'models', [])"
    for option in ("-c", "-uc"):
        done = python(option, f"import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); {code}")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "No space left on device" in done.stderr
