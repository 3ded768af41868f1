"""`python -m musicae`: the list of commands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import SAMPLES, SHIPPED, python

from musicae.__main__ import COMMANDS, main
from musicae.music.song import Song


@pytest.mark.usefixtures("inputs")
def test_the_list_of_commands_leads_to_each(models, monkeypatch, capsys):
    listed = python("-m", "musicae").stdout
    assert all(f"  {name} " in listed for name in COMMANDS)
    done = python("-m", "musicae", "sampel")
    assert (done.returncode, done.stderr) == (2, "error: unknown command 'sampel': did you mean 'sample'?\n")
    done = python("-m", "musicae.listen", "nowhere.mid")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: nowhere.mid: there is no such file")
    monkeypatch.setattr(sys, "argv", ["musicae", *f"sample -n 2 --model {models['melody']} --out x".split()])
    main()
    assert tuple(capsys.readouterr()) == ("saved x.mid\nseed 0\n", "")


@SHIPPED
@pytest.mark.usefixtures("inputs")
def test_the_first_command_of_the_readme(run):
    songs = [str(SAMPLES / f"{name}.mid") for name in ("twinkle_twinkle", "ode_to_joy")]
    status, out, err = run("interpolate", *songs)
    assert (status, out) == (0, "saved twinkle_twinkle_to_ode_to_joy.mid\nseed 0\n")
    assert len(err.splitlines()) == 2
    assert len(Song.read(Path("twinkle_twinkle_to_ode_to_joy.mid")).tracks[0].notes) > 100
