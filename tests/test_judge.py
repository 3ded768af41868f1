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


def test_values_that_cannot_work_are_refused_before_the_data_are_read(refused):
    for option, message in {
        "--steps 0": "steps 0: it must lie between",
        "--steps -5": "steps -5: it must lie between",
        "--seed -1": "seed -1: it must lie between",
        "--size 0 8": "height of Pictures is 0",
        "--size 8 100000": "width of Pictures is 100000",
    }.items():
        assert message in refused(f"judge --data nowhere {option}")
