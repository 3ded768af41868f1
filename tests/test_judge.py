"""`python -m musicae.judge` as a user types it."""

from __future__ import annotations


def test_a_judge_is_trained_and_judges(run, refused):
    line = "judge --data digits --steps 3 --device cpu --out j"
    status, out, _ = run(line)
    assert status == 0
    assert out.startswith("saved j\naccuracy 0.")
    assert "holds a classifier: go on with --resume" in refused(line + " --quiet")
    assert run(line + " --force --quiet") == (0, "", "")
    status, out, _ = run("evaluate {pictures} --data digits --samples 0 --judge j")
    assert status == 0
    assert "180 generated pictures, by a classifier of accuracy 0." in out
    assert "nll" not in out
    assert "no judge.json in it" in refused("evaluate {pictures} --data digits --judge nowhere --quiet")
    assert "a classifier needs labels" in refused("judge --data . --out k --quiet")
