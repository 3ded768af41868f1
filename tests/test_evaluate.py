"""`python -m musicae.evaluate` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny


def test_conditions_and_corruption_are_reported(run):
    tiny.band(4).save("x.mid")
    assert "conditioned on the chords and the key of each example" in run("evaluate {chords} --data x.mid")[2]
    err = run("evaluate {groove} --data x.mid")[2]
    assert (
        "the model gets each example corrupted by GrooveCorruption(humanise=True), and has to restore the whole" in err
    )


def test_evaluate_needs_data_that_fit(refused):
    assert "no data given" in refused("evaluate {melody}")
    assert "nowhere does not exist" in refused("evaluate {melody} --data nowhere")
    assert "no set of pictures" in refused("evaluate {pictures} --data a.mid")


def test_figures_of_pictures_stand_over_those_of_their_baselines(run):
    status, out, err = run("evaluate {pictures} --data digits --samples 2")
    assert status == 0
    assert err.startswith("Pictures from scikit-learn's digits: ")
    assert "baselines" not in err
    lines = out.splitlines()
    assert any(line.startswith("nll ") and "2 samples of z each for 180; grey levels" in line for line in lines)
    header = next(i for i, line in enumerate(lines) if line.startswith("z "))
    assert lines[header].split()[2:] == ["bce", "bce_floor", "mse", "ssim", "psnr", "neighbours"]
    labels = [line[:23].strip() for line in lines[header + 1 : header + 5]]
    assert labels == ["mean    greedy", "sample  greedy", "mean picture", "PCA-4"]
    assert len({len(line) for line in lines[header : header + 5]}) == 1
    held_out = json.loads(run("evaluate {pictures} --data digits --samples 2 --json")[1])["held_out"]
    assert (held_out["nll_samples"], held_out["nll_examples"]) == (2, 180)
    held_out = json.loads(run("evaluate {pictures} --data digits --samples 2 --most 9 --json")[1])["held_out"]
    assert held_out["nll_examples"] == 9
    assert held_out["baselines"]["PCA-4"]["mse"] > 0


def test_without_training_pictures_there_are_no_baselines_and_this_is_reported(run):
    Path("some").mkdir()
    for i in range(5):
        tiny.picture(Path("some", f"{i}.png"), 40 * i)
    status, out, err = run("evaluate {pictures} --data some")
    assert status == 0
    assert "no baselines: the data have no training part" in err
    assert "PCA" not in out
    assert "neighbours" not in out


def test_figures_of_pictures_are_not_those_of_music(refused):
    for option in ("--judge j", "--most 3"):
        name = option.split()[0]
        refusal = refused(f"evaluate {{melody}} --data . {option} --quiet")
        assert f"{name} is for pictures, and tiny-melody is a model of music: leave it out" in refusal
    assert "ask for 1 or more" in refused("evaluate {pictures} --data digits --most 0 --quiet")
    refusal = refused("evaluate {pictures} --data digits --temperature 1 --quiet")
    assert "--temperature is for music, and tiny-pictures is a model of pictures: leave it out" in refusal


@pytest.mark.usefixtures("music")
def test_samples_are_compared_with_held_out_music(run, refused, monkeypatch):
    monkeypatch.setattr("musicae.music.evaluation.two_sample.STEPS", 2)
    line = "evaluate {melody} --data music --samples 9"
    status, out, err = run(f"{line} --temperature 1")
    assert status == 0
    assert "comparing 9 samples with held-out music" in err
    assert "9 samples and as many midpoints of two songs, temperature 1, beside" in out
    assert "no ceiling and no distances: the data have no training part" in out
    found = json.loads(run(f"{line} --json")[1])["made_up"]
    assert found["overlaps"].keys() == {*found["means"], "interval_histogram"}
    assert found["judge"].keys() == {"samples", "midpoints"}
    assert "made_up" not in json.loads(run("evaluate {melody} --data a.mid --json")[1])
    refusal = refused("evaluate {melody} --data a.mid --data b.mid --samples 9 --quiet")
    assert "at least 8 held-out songs, and there are 2: give more --data, or leave --samples out" in refusal
