"""`python -m musicae.train` as a user types it."""

from __future__ import annotations

import json

import pytest


@pytest.mark.usefixtures("tiny_preset", "music")
def test_train_evaluate_and_use(run, refused):
    line = "train tiny-melody --data music --out runs/t --device cpu"
    status, out, err = run(f"{line} --steps 3 --validate-every 1")
    assert status == 0
    assert out.startswith("saved runs/t\n")
    assert "onset_f1" in out
    assert err.startswith("10 songs from music; windows: ")
    assert "holds a run: go on with --resume" in refused(line)
    status, out, err = run("train tiny-melody --out runs/t --resume --steps 9 --beta 1 --json --device cpu")
    assert status == 0
    assert json.loads(out)["trained"]["steps"] == 3
    assert "settings that the run was begun with: --steps, --beta ignored" in err
    assert run("interpolate a.mid b.mid --model runs/t --quiet") == (0, "", "")
    listed = json.loads(run("models --json")[1])
    assert listed["models"][-1]["model"] == "runs/t"
    assert listed["models"][-1]["metrics"]["held_out"]["examples"] > 0
    for data in ("runs/t/corpus", "music"):
        status, out, _ = run(f"evaluate runs/t --data {data} --json")
        assert status == 0
        assert json.loads(out)["held_out"]["examples"] > 0
    assert "nothing in their train part" in refused("evaluate runs/t --data music --part train --quiet")
    status, out, err = run(f"{line} --force --quiet")
    assert (status, out, err) == (0, "", "")


@pytest.mark.usefixtures("tiny_preset", "music")
def test_training_that_cannot_be(refused):
    assert "did you mean 'tiny-melody'?" in refused("train tiny-melodie")
    assert "nothing to resume there" in refused("train tiny-melody --resume")
    assert "nowhere does not exist" in refused("train tiny-melody --data nowhere")
    assert "steps 0: it must lie between 1 and" in refused("train tiny-melody --data music --steps 0")
    assert "beta nan" in refused("train tiny-melody --data music --beta nan")
    assert "tiny-melody needs data" in refused("train tiny-melody")
