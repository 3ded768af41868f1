"""`python -m musicae.groove` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

from musicae.cli.run import main
from musicae.core.networks import Recurrent
from musicae.groove import TASKS, Groove
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song
from musicae.presets import PRESETS

BAR = 3 * 480


def small(name: str):
    """A preset of GrooVAE with a network that is made in no time."""
    return replace(PRESETS[name], network=Recurrent(encoder_units=(8,), decoder_units=(8,)), latent=4, prior=None)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a flat beat of seven bars in 3/4, taps on a piano, and a model for each task in runs/."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("musicae.loading.PRETRAINED", tmp_path / "none ships")
    for _, name, _ in TASKS.values():
        tiny.folder(small(name), tmp_path / "runs" / name)
    rows = [(480 * i, 480 * i + 60, 36 if i % 3 == 0 else 38, 100) for i in range(21)]
    metre, tempo = (TimeSignature(0, 3, 4),), (Tempo(0, 93.0),)
    beat = Track(np.array(rows, NOTE), is_drum=True, name="Kit")
    piano = Track(np.array([(s + 9, e, 60, v) for s, e, _, v in rows], NOTE), name="Taps")
    Song((beat, tiny.song().tracks[0]), tempos=tempo, time_signatures=metre).save("beat.mid")
    Song((piano,), tempos=tempo, time_signatures=metre).save("taps.mid")
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run a command line: (status, stdout, stderr)."""

    def command(line: str) -> tuple[int, str, str]:
        status = 0
        try:
            main(Groove, "groove", line.split())
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


@pytest.mark.parametrize(("task", "done"), [("humanise", "humanised"), ("tap", "played"), ("fill", "filled")])
def test_a_part_of_any_length_is_played_and_keeps_its_tempo_metre_and_name(run, task, done):
    status, out, err = run(f"{task} beat.mid")
    assert status == 0
    assert out.splitlines()[0] == f"saved beat_{done}.mid"
    assert err.startswith(f"beat.mid: played by {TASKS[task][1]}; took track 1 'Kit'")
    written = Song.read(f"beat_{done}.mid")
    assert written.tempos[0].quarters_per_minute == pytest.approx(93, abs=0.01)
    assert written.time_signatures == (TimeSignature(0, 3, 4),)
    (track,) = written.tracks
    assert (track.is_drum, track.name) == (True, "Kit")
    assert track.notes["start"].min() >= 0
    assert track.notes["start"].max() >= 6 * BAR


def test_it_is_a_reconstruction_of_what_is_left_of_the_file(run):
    run("humanise beat.mid --temperature 0.7 --seed 3")
    model = tiny.model(small("groove-2bar")).for_task("humanise")
    model.reconstruct("beat.mid", temperature=0.7, seed=3).song.save("python.mid")
    assert Path("python.mid").read_bytes() == Path("beat_humanised.mid").read_bytes()
    beat = Song.read("beat.mid")
    drums = beat.tracks[0].notes.copy()
    drums["velocity"] = np.arange(len(drums)) + 30
    drums["start"] += np.arange(len(drums)) % 20
    replace(beat, tracks=(replace(beat.tracks[0], notes=drums),)).save("played.mid")
    run("humanise played.mid --temperature 0.7 --seed 3")
    same = [Song.read(f"{name}_humanised.mid").tracks[0].notes.tolist() for name in ("beat", "played")]
    assert same[0] == same[1]


def test_a_score_keeps_its_hits(run):
    run("humanise beat.mid")
    hits = [(Song.read(name).tracks[0].notes) for name in ("beat.mid", "beat_humanised.mid")]
    assert [len(notes) for notes in hits] == [21, 21]
    assert sorted(hits[0]["pitch"]) == sorted(hits[1]["pitch"])
    assert set(hits[1]["velocity"]) != set(hits[0]["velocity"])


def test_of_taps_on_a_piano_only_the_times_count(run):
    status, _, err = run("tap taps.mid --out a.mid")
    assert status == 0
    assert "took track 1 'Taps' as drums: none is on channel 10" in err
    taps = Song.read("taps.mid")
    notes = taps.tracks[0].notes.copy()
    notes["pitch"] = np.arange(len(notes)) + 40
    replace(taps, tracks=(replace(taps.tracks[0], notes=notes),)).save("taps.mid", force=True)
    run("tap taps.mid --out b.mid")
    assert Path("a.mid").read_bytes() == Path("b.mid").read_bytes()


def test_what_is_filled_in_was_not_heard(run):
    beat = Song.read("beat.mid")
    notes = beat.tracks[0].notes.copy()
    notes["pitch"][1::3] = 42
    replace(beat, tracks=(replace(beat.tracks[0], notes=notes),)).save("with.mid")
    left = beat.tracks[0].notes[np.arange(len(notes)) % 3 != 1]
    replace(beat, tracks=(replace(beat.tracks[0], notes=left),)).save("without.mid")
    for name in ("with", "without"):
        run(f"fill {name}.mid")
    filled = [Song.read(f"{name}_filled.mid").tracks[0].notes.tolist() for name in ("with", "without")]
    assert filled[0] == filled[1]


def test_everything_can_be_written_and_said(run):
    status, out, _ = run("humanise beat.mid --json --png --html --bars 2-3 --out out/")
    assert status == 0
    content = json.loads(out)
    assert content["model"] == "groove-2bar"
    assert {"timing_error_ms", "velocity_error", "hit_precision", "hit_recall"} <= content.keys()
    assert sorted(path.suffix for path in Path("out").iterdir()) == [".html", ".mid", ".png"]


def test_another_model_must_be_one_for_the_task(run):
    folder = tiny.folder(small("groovae_2bar_tap_fixed_velocity_note_dropout"), Path("mine"))
    assert run(f"tap beat.mid --model {folder}")[0] == 0
    status, _, err = run(f"fill beat.mid --model {folder}")
    assert status == 2
    assert "was not trained to fill: leave --model out, or try --model groovae_2bar_add_closed_hh" in err
    status, _, err = run(f"tap beat.mid --force --model {tiny.folder(tiny.MELODY, Path('melody'))}")
    assert status == 2
    assert "was not trained to tap" in err


def test_without_a_model_it_says_how_to_get_one(run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr("musicae.loading.PRETRAINED", tmp_path)
    status, _, err = run("humanise ../beat.mid")
    assert status == 2
    assert "python -m musicae.train groove-2bar" in err


def test_a_run_that_has_just_begun_does_not_hide_the_model_that_ships(run, tmp_path, monkeypatch):
    name = TASKS["humanise"][1]
    (tmp_path / "runs" / name / "model.safetensors").unlink()
    tiny.folder(small(name), tmp_path / "shipped" / name)
    monkeypatch.setattr("musicae.loading.PRETRAINED", tmp_path / "shipped")
    assert run("humanise beat.mid")[0] == 0


def test_existing_files_and_files_without_notes_are_refused(run):
    Path("beat_filled.mid").write_bytes(b"mine")
    assert run("fill beat.mid")[0] == 2
    assert run("fill nowhere.mid")[0] == 2
    assert Path("beat_filled.mid").read_bytes() == b"mine"
