"""`python -m musicae.sample` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import written

from musicae.music.song import Song


@pytest.mark.parametrize("kind", ["melody", "roll"])
def test_sample(run, kind):
    status, out, err = run(f"sample -n 3 --split --png --html --temperature 1 --seed 4 --out x --model {{{kind}}}")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "seed 4"
    assert written() == {"x.mid", "x.png", "x.html", "x_1of3.mid", "x_2of3.mid", "x_3of3.mid"}
    clips = [Song.read(Path(f"x_{i}of3.mid")).tracks[0].notes["start"] for i in (1, 2, 3)]
    starts = np.concatenate([clip + 2 * 1920 * i for i, clip in enumerate(clips)])
    assert sorted(Song.read(Path("x.mid")).tracks[0].notes["start"]) == sorted(starts)


def test_sample_numbers(refused, run):
    for number in (0, -1, 10**9):
        assert f"-n {number}: ask for 1 to 10000" in refused(f"sample -n {number} --model {{melody}}")
    assert json.loads(run("sample -n 2 --json --model {melody}")[1]) == {
        "files": {"midi": ["tiny-melody_samples.mid"]},
        "clips": 2,
        "seed": 0,
        "report": [],
    }
