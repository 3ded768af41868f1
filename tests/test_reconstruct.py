"""`python -m musicae.reconstruct` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import tiny


def test_reconstruct_says_how_much_came_back(run):
    status, out, err = run("reconstruct a.mid b.mid --out new --png --model {roll}")
    assert status == 0
    assert out.splitlines()[:2] == ["saved new/a_reconstructed.mid", "saved new/a_reconstructed.png"]
    assert out.splitlines()[2].startswith("a.mid: notes right ")
    assert err.splitlines() == ["a.mid: took track 1 'Flöte'", "b.mid: took track 1 'Flöte'"]
    songs = json.loads(run("reconstruct a.mid --json --force --out new/ --model {roll}")[1])["songs"]
    assert {"note_accuracy", "step_accuracy", "onset_f1", "whole_windows", "report", "file", "files"} == set(songs[0])


def test_reconstruct_wants_files_of_different_names(refused):
    Path("other").mkdir()
    tiny.midi("other/a.mid")
    assert "cannot hold the results of two files" in refused("reconstruct a.mid other/a.mid --model {melody}")
    assert "no files given" in refused("reconstruct --model {melody}")
