"""The table of metrics and the time."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.training_run import SETTINGS, state, train
from musicae.core.reports import COLUMNS, METRICS_TABLE, Table, time_left, whole_rows


def rows_unsorted(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / METRICS_TABLE).read_text().splitlines()))


def test_a_resumed_table_drops_rows_beyond_its_step_and_broken_ones(tmp_path):
    table = Table(tmp_path / METRICS_TABLE, 0)
    for step in (5, 10, 15):
        table.add({"step": step, "split": "train", "loss": 0.5, "seconds": 1.0})
    table.add({"step": 10, "split": "validation", "loss": 1 / 3})
    whole = (tmp_path / METRICS_TABLE).read_text()
    for broken in (
        "",
        "1",
        "10,train,0.5",
        "10,train,0.5,,,,,,1.0",
        "\0\0\0\n",
        "x,train,,,,,,,\n",
        "7,t,1,2,3\n",
        ",,,\n",
    ):
        (tmp_path / METRICS_TABLE).write_text(whole + broken)
        Table(tmp_path / METRICS_TABLE, 10)
        assert [(r["step"], r["split"]) for r in rows_unsorted(tmp_path)] == [
            ("5", "train"),
            ("10", "train"),
            ("10", "validation"),
        ]


def test_time_goes_on_over_interruptions_and_counts_all_steps(tmp_path, monkeypatch):
    settings = replace(SETTINGS, log_every=30, validate_every=7)
    now = iter(range(10**6))
    clock = SimpleNamespace(monotonic=lambda: next(now))  # a second every time that it is asked
    monkeypatch.setattr("musicae.core.reports.time", clock)
    first = train(tmp_path, settings=settings).seconds
    assert first > 0
    assert state(tmp_path)["seconds"] == first
    assert train(tmp_path, settings=replace(settings, steps=50), resume=True).seconds > first


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute left"),
        (29, "less than a minute left"),
        (60, "1 minute left"),
        (7200, "120 minutes left"),
    ],
)
def test_the_time_left_is_in_whole_minutes(seconds, words):
    assert time_left(seconds) == words


def test_rows_that_make_no_sense_are_left_out(tmp_path):
    path = tmp_path / "metrics.csv"
    header = ",".join(COLUMNS) + "\n"
    row = "3,train,1.5,1,0.5,0,0.25,0.001,0,2\n"
    wrong = ["x" * 200_000 + row, row.replace("1.5", "x"), row.replace("3", "3" * 5000, 1), row.replace("3", "-3", 1)]
    path.write_text("".join([header, *wrong, row, row.replace("train", '"train'), row[:-1]]))
    assert [found["loss"] for found in whole_rows(path)] == ["1.5"]
