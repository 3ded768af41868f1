from __future__ import annotations

import json
from pathlib import Path

import pytest

from musicae.loading import DEFAULT, PRETRAINED, load
from musicae.models import Models, describe, headline
from musicae.presets import PRESETS


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ({"step_accuracy": 0.9952, "onset_f1": 0.987, "whole_windows": 0.9}, "0.995 of steps, 0.987 of onsets"),
        (
            {"step_accuracy": 0.5, "onset_f1": None, "timing_error_ms": 17.03, "velocity_error": 0.184},
            "0.500 of steps, 17.0 ms early or late, 18% too loud or soft",
        ),
        ({"bce": 0.0614, "psnr": None}, "bce 0.061"),
        ({}, ""),
    ],
)
def test_a_headline_says_the_known_figures_or_else_all(ratios, words):
    assert headline(ratios) == words


def test_of_a_trio_each_part_comes_before_the_whole():
    ratios = {"step_accuracy": 0.6, "onset_f1": 0.7} | {f"{p}_accuracy": 0.8 for p in ("drums", "bass", "melody")}
    assert headline(ratios).startswith("0.800 of the melody, 0.800 of the bass, 0.800 of the drums, 0.600 of steps")


@pytest.mark.skipif(not (PRETRAINED / DEFAULT).exists(), reason="the default model is not here")
def test_models_that_ship_are_listed_with_size_and_figures(capsys):
    shipped = describe(DEFAULT, PRETRAINED / DEFAULT)
    greedy = json.loads((PRETRAINED / DEFAULT / "metrics.json").read_text())["held_out"]["mean"]["greedy"]
    assert shipped["figures"] == headline(greedy)
    Models().run()
    lines = capsys.readouterr().out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.split()[:1] == [DEFAULT])
    assert f"{shipped['megabytes']:.1f} MB" in lines[place]
    assert lines[place + 1].strip() == shipped["figures"]


@pytest.mark.parametrize("folder", sorted(PRETRAINED.glob("*/config.json")), ids=lambda path: path.parent.name)
def test_what_ships_draws_from_a_prior_chooses_and_can_be_steered(folder):
    model = load(folder.parent)
    assert model.prior is not None
    assert model.reranker is not None
    assert model.directions.names
    keyed = "scale_consistency" in model.directions.names
    assert model.directions.vectors.shape[1:] == (12 if keyed else 1, model.network.latent)
    assert sum(path.stat().st_size for path in folder.parent.iterdir()) <= 16e6


def test_presets_are_listed_with_their_sizes(run):
    listed = {preset["name"]: preset for preset in json.loads(run("models --json")[1])["presets"]}
    assert set(listed) == set(PRESETS)
    assert listed["cat-mel_2bar_small"]["parameters"] == 4_423_770
    assert listed["hier-multiperf_vel_1bar_big_chords"]["parameters"] == 205_602_282
    lines = run("models")[1].splitlines()
    assert any(line.split()[:3] == ["cat-mel_2bar_small", "4.4", "M"] for line in lines)


def test_a_damaged_model_is_left_out_of_the_list(run):
    for name, text in (("bad", "{"), ("worse", "[]"), ("other", '{"preset": {}}')):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "config.json").write_text(text)
    status, out, err = run("models")
    assert status == 0
    assert "runs/" not in out
    assert [line.split(":")[0] for line in err.splitlines()] == ["runs/bad", "runs/other", "runs/worse"]
    assert all(name in out for name in PRESETS)
