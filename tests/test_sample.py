"""`python -m musicae.sample` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import SHIPPED, written

from musicae.music.formats.draft import MOST_QUARTERS
from musicae.music.song import Song
from musicae.presets import PRESETS


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


@pytest.mark.parametrize("option", ["", "--split", "--json"])
def test_many_clips_go_to_several_files_that_can_be_read_again(run, monkeypatch, option):
    assert run("sample -n 7 --out whole --model {melody} --quiet --temperature 1")[0] == 0
    whole = Song.read(Path("whole.mid"))
    monkeypatch.setattr("musicae.sample.CLIPS_IN_FILE", 3)
    status, out, _ = run(f"sample -n 7 --out x --model {{melody}} --temperature 1 {option}")
    assert status == 0
    names = ["x_1-3.mid", "x_4-6.mid", "x_7-7.mid"]
    if option == "--json":
        assert json.loads(out)["files"]["midi"] == names
    parts = {f"x_{a}-{b}_{i}of{b - a + 1}.mid" for a, b in ((1, 3), (4, 6), (7, 7)) for i in range(1, b - a + 2)}
    assert written() == {"whole.mid", *names, *(parts if option == "--split" else ())}
    starts = [Song.read(Path(name)).tracks[0].notes["start"] + 3 * 3840 * i for i, name in enumerate(names)]
    np.testing.assert_array_equal(np.concatenate(starts), whole.tracks[0].notes["start"])
    assert "x_1-3.mid exists" in run("sample -n 7 --out x --model {melody}")[2]


@SHIPPED
@pytest.mark.parametrize("name", ["melody-2bar", "melody-16bar", "trio-16bar"])
def test_no_file_has_more_beats_than_can_be_read(name):
    from musicae.sample import Sample

    steps = PRESETS[name].representation
    most = Sample(model=name)._most_in_a_file()
    assert 0.9 * MOST_QUARTERS < most * steps.steps / steps.steps_per_quarter <= MOST_QUARTERS or most == 1000
