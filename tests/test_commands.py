"""The commands as a user types them, mostly in this process and on models with random weights."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import tiny
import torch

from musicae.__main__ import COMMANDS
from musicae.__main__ import main as by_name
from musicae.command import main
from musicae.core import checkpoints
from musicae.core.directions import DIRECTIONS, Directions
from musicae.loading import PRETRAINED
from musicae.music.song import Song, Tempo
from musicae.presets import PRESETS

SAMPLES = Path(__file__).parent.parent / "midi_samples"
SHIPPED = pytest.mark.skipif(not (PRETRAINED / "melody-2bar" / "model.safetensors").exists(), reason="no weights here")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of tiny models by what they are for."""
    made = tmp_path_factory.mktemp("models")
    presets = {"melody": tiny.MELODY, "roll": tiny.PIANOROLL, "pictures": tiny.PICTURES}
    presets |= {preset.name.removeprefix("tiny-"): preset for preset in tiny.FAMILY}
    return {name: tiny.folder(preset, made / name) for name, preset in presets.items()}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with two songs and two pictures in it."""
    monkeypatch.chdir(tmp_path)
    tiny.midi(tmp_path / "a.mid", 4, tempos=(Tempo(0, 77.0),))
    tiny.midi(tmp_path / "b.mid", 4, pitch=52, stride=7)
    tiny.picture(tmp_path / "a.png", 50)
    tiny.picture(tmp_path / "b.png", 200, (20, 30))
    return tmp_path


@pytest.fixture
def run(capsys, models):
    """Run a command line in which {melody} and the like are models; (status, stdout, stderr)."""

    def command(line: str, *more: str) -> tuple[int, str, str]:
        name, *arguments = [part.format(**models) for part in line.split()]
        module = importlib.import_module(f"musicae.{name}")
        status = 0
        try:
            main(getattr(module, name.capitalize()), name, [*arguments, *more])
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def refused(run):
    """The error of a command line that must end with status 2, one line and nothing written."""

    def command(line: str, *more: str) -> str:
        before = sorted(Path().rglob("*"))
        status, out, err = run(line, *more)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert sorted(Path().rglob("*")) == before
        return err

    return command


def written() -> set[str]:
    """What there is beside the inputs."""
    inputs = {"a.mid", "b.mid", "a.png", "b.png"}
    return {str(path) for path in Path().rglob("*") if path.is_file()} - inputs


# Interpolation ------------------------------------------------------------------------------------


def test_interpolate_writes_one_file_and_says_what_it_took(run):
    status, out, err = run("interpolate a.mid b.mid --model {melody}")
    assert status == 0
    assert out.splitlines() == ["saved a_to_b.mid", "seed 0"]
    assert err.splitlines() == [f"{n}.mid: took track 1 'Flöte' (the only one with pitched notes)" for n in "ab"]
    assert written() == {"a_to_b.mid"}


def test_the_file_is_one_that_other_programs_open(run):
    run("interpolate a.mid b.mid --model {melody} --steps 3 --temperature 1")
    file = mido.MidiFile("a_to_b.mid", charset="utf-8")
    assert (file.type, file.ticks_per_beat) == (1, 480)
    conductor, tune = file.tracks
    assert {message.type for message in conductor if message.is_meta} == {m.type for m in conductor}
    assert [round(mido.tempo2bpm(m.tempo)) for m in conductor if m.type == "set_tempo"] == [77]
    assert tune.name == "Flöte"
    assert [m.program for m in tune if m.type == "program_change"] == [73]
    assert all(sum(m.time for m in track) % (4 * 480) == 0 for track in file.tracks)


def test_everything_can_be_written_and_is_the_same_for_the_same_seed(run):
    line = "interpolate a.mid b.mid --model {melody} --steps 3 --temperature 1 --seed {seed} --out {out}/x"
    line += " --bars 1 --split --wav --png --html"
    for seed, out in ((5, "first"), (5, "again"), (6, "other")):
        status, said, _ = run(line.replace("{seed}", str(seed)).replace("{out}", out))
        assert status == 0
        assert said.splitlines()[-1] == f"seed {seed}"
    names = sorted(path.name for path in Path("first").iterdir())
    assert names == ["x.html", "x.mid", "x.png", "x.wav", "x_1of3.mid", "x_2of3.mid", "x_3of3.mid"]
    for name in names:
        first, again, other = (Path(folder, name).read_bytes() for folder in ("first", "again", "other"))
        assert first == again
        assert first != other
    page = Path("first/x.html").read_text()
    assert page.index("A: a.mid") < page.index("Step 1 of 3") < page.index("Step 3 of 3") < page.index("B: b.mid")


def test_json_is_one_object(run):
    status, out, err = run("interpolate a.mid b.mid --model {melody} --steps 2 --json --quiet --split --bars 2-3")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "files": {"midi": ["a_to_b.mid"], "parts": ["a_to_b_1of2.mid", "a_to_b_2of2.mid"]},
        "steps": 2,
        "seed": 0,
        "report": {
            name: ["took track 1 'Flöte' (the only one with pitched notes)", "took bars 2 to 3 of 4"] for name in "ab"
        },
    }


def test_quiet_says_nothing(run):
    assert run("interpolate a.mid b.mid --model {melody} --quiet") == (0, "", "")
    assert written() == {"a_to_b.mid"}


@pytest.mark.parametrize(
    ("out", "path"),
    [
        ("x", "x.mid"),
        ("x.mid", "x.mid"),
        ("x.MID", "x.MID"),
        ("x.midi", "x.midi"),
        ("new/folder/x.v2", "new/folder/x.v2.mid"),
        ("x.wav", "x.wav.mid"),
        ("there", "there/a_to_b.mid"),
        ("new/", "new/a_to_b.mid"),
        (".", "a_to_b.mid"),
    ],
)
def test_out_is_a_file_or_a_folder(run, out, path):
    Path("there").mkdir()
    assert run(f"interpolate a.mid b.mid --model {{melody}} --quiet --out {out}") == (0, "", "")
    assert written() == {path}


def test_nothing_is_overwritten_without_force(refused, run):
    tiny.midi("x.mid", 1)
    Path("y.png").write_text("mine")
    for line in ("--out x", "--out y --png"):
        assert "exists: choose another name with --out, or overwrite it with --force" in refused(
            f"interpolate a.mid b.mid --model {{melody}} {line}"
        )
    assert run("interpolate a.mid b.mid --model {melody} --out y --png --force")[0] == 0
    assert Path("y.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--steps 1", "--steps 1: ask for 2 (both ends) to 10000"),
        ("--steps -3", "--steps -3: ask for 2"),
        ("--steps 1000000000 --split", "--steps 1000000000: ask for 2"),
        ("--temperature -1", "temperature -1.0: it must be 0 or more"),
        ("--temperature nan", "temperature nan: it must be 0 or more"),
        ("--temperature inf", "temperature inf: it must be 0 or more"),
        ("--top-p 0", "top-p 0.0: it must be above 0 and at most 1"),
        ("--top-p nan", "top-p nan: it must be above 0"),
        ("--bars 3-9", "a: no bars 3 to 9; it has bars 1 to 4"),
        ("--bars 3-2", "a: no bars 3 to 2; it has bars 1 to 4"),
        ("--bars 0", "a: no bars 0 to 0"),
        ("--bars 1-", "--bars 1-: give first and last bar, e.g. 5-12"),
        ("--bars 99999999999", "--bars 99999999999: give first and last bar"),
        ("--track 7", "a: no track '7'; tracks: 1 'Flöte' (16 notes)"),
        ("--track ²", "a: no track '²'; tracks: 1 'Flöte' (16 notes)"),
        ("--device banana", "device 'banana' cannot be used here; try --device"),
        ("--out a.mid/x", "a.mid/x.mid cannot be written"),
        ("--out " + 300 * "n", "File name too long"),
    ],
)
def test_options_that_cannot_work(run, options, message):
    status, out, err = run(f"interpolate a.mid b.mid --model {{melody}} --quiet {options}")
    assert (status, out, written()) == (2, "", set())
    assert err.startswith(f"error: {message}") or message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x.mid: there is no such file"),
        (b"", "x.mid: is empty"),
        (b"\0" * 100, "x.mid: is empty"),
        (bytes(range(256)), "x.mid: is not music that can be read"),
        (b"MThd\0\0\0\6\0\1\0\1", "x.mid: ends inside its header"),
        (b"hello", "x.mid: is not music that can be read"),
    ],
)
def test_files_that_are_no_music(refused, content, message):
    if content is not None:
        Path("x.mid").write_bytes(content)
    for line in ("a.mid x.mid", "x.mid a.mid"):
        assert message in refused(f"interpolate {line} --model {{melody}}")
    assert message in refused("reconstruct x.mid --model {melody}")
    assert message in refused("listen a.mid x.mid")


def test_drums_alone_are_no_melody(refused):
    drums = tiny.song()
    replace(drums, tracks=(replace(drums.tracks[0], is_drum=True),)).save("drums.mid")
    assert "drums: only drums" in refused("interpolate a.mid drums.mid --model {melody}")


def test_a_truncated_file_is_mended_in_one_short_line(run):
    Path("x.mid").write_bytes(Path("a.mid").read_bytes()[:160])
    status, _, err = run("interpolate x.mid b.mid --model {melody}")
    assert status == 0
    assert "1 track had a wrong length or was cut off; " in err.splitlines()[0]
    assert len(err.splitlines()) == 2


def test_many_repairs_stay_in_one_line(run, monkeypatch):
    song = tiny.song(changes=tuple(f"repair {i}" for i in range(50)))
    monkeypatch.setattr(Song, "read", classmethod(lambda cls, source: song))
    _, out, err = run("reconstruct a.mid --model {melody} --json")
    assert err == f"a.mid: {'; '.join(song.changes[:8])}; and 43 more (--json has them all)\n"
    assert len(json.loads(out)["songs"][0]["report"]) == 51


def test_the_wrong_kind_of_file_says_which_model_would_do(refused, models, monkeypatch):
    monkeypatch.setattr("musicae.loading.here", lambda: {"mine": models["pictures"], "tunes": models["melody"]})
    error = refused("interpolate a.png b.mid --model {melody}")
    assert "a.png is a picture, and tiny-melody is not a model of pictures: choose mine with --model" in error
    error = refused("reconstruct a.png a.mid --model {pictures}")
    assert "a.mid is a MIDI file, and tiny-pictures is not a model of music: choose tunes with --model" in error
    monkeypatch.setattr("musicae.loading.here", dict)
    assert "python -m musicae.train digits-" in refused("interpolate a.png b.png --model {melody}")


def test_unknown_models(refused):
    assert "unknown model or folder 'melody-2baar'" in refused("interpolate a.mid b.mid --model melody-2baar")
    assert "train it with `python -m musicae.train cat-mel" in refused("sample --model cat-mel_2bar_big")


def test_names_of_any_kind(run):
    for name in ("новый год.mid", "a.b.c.mid", "two\nlines.mid", "bad\udcff.mid"):
        tiny.midi(Path(name), 2)
        status, _, err = run("interpolate --model {melody} --bars 1 --steps 3 --html --force --out x", "a.mid", name)
        assert status == 0
        assert len(err.splitlines()) == 2
        assert run("interpolate --model {melody} --steps 3 --json", name, "a.mid")[0] == 0


def test_usage_errors_end_with_2_too(run):
    for line in ("interpolate a.mid", "interpolate a.mid b.mid --steps x", "sample --nope", "evaluate", "train"):
        assert run(line)[0] == 2


def test_debug_shows_the_whole_error(run):
    from musicae.errors import MidiError

    with pytest.raises(MidiError):
        run("interpolate a.mid x.mid --model {melody} --debug")


# Sampling and reconstructing ----------------------------------------------------------------------


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


@pytest.mark.parametrize("line", ["sample", "reconstruct a.mid", "interpolate a.mid b.mid"])
def test_silence_is_said(run, line):
    mute = tiny.model(tiny.MELODY).network
    with torch.no_grad():
        for weights in mute.parameters():
            weights.zero_()
    checkpoints.write_weights(tiny.folder(tiny.MELODY, Path("mute")), mute)
    status, _, err = run(f"{line} --model mute --out out.mid")
    assert status == 0
    assert "out.mid: silence, no note in it; draw at --temperature 1" in err
    assert "silence, no note" not in run(f"{line} --model mute --out wild.mid --temperature 1")[2]


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


# The MusicVAE family ------------------------------------------------------------------------------

FAMILY = [preset.name.removeprefix("tiny-") for preset in tiny.FAMILY]


@pytest.fixture
def bands(here):
    """Two bands and a beat."""
    tiny.band(2, tempos=(Tempo(0, 77.0),)).save(here / "x.mid")
    tiny.band(2, "3/4", pitch=55, stride=7).save(here / "y.mid")
    tiny.band(3, "3/4", stride=3, tempos=(Tempo(0, 66.0),)).save(here / "beat.mid")


@pytest.mark.usefixtures("bands")
@pytest.mark.parametrize("kind", FAMILY)
def test_every_verb_of_the_whole_family(run, kind):
    drawn = kind in ("trio", "groove")
    for folder, png in (("first", "--png" * drawn), ("again", "")):
        how = f"--model {{{kind}}} --temperature 1 --seed 3 {png} --out"
        assert run(f"sample -n 2 {how} {folder}/sample")[0] == 0
        assert run(f"reconstruct x.mid {how} {folder}/same")[0] == 0
        status, _, err = run(f"interpolate x.mid y.mid --steps 3 --bars 1-2 {how} {folder}/way")
        assert status == 0
        assert err.startswith("x.mid: took ")
    assert len(list(Path("first").iterdir())) == 3 + 3 * drawn
    for path in Path("first").glob("*.mid"):
        assert path.read_bytes() == Path("again", path.name).read_bytes()
    whole = Song.read(Path("first/way.mid"))
    assert [round(tempo.quarters_per_minute) for tempo in whole.tempos] == [77]
    assert json.loads(run(f"evaluate {{{kind}}} --data x.mid --json")[1])["held_out"]["examples"] > 0


@pytest.mark.usefixtures("bands")
def test_chords_are_told_and_said(run):
    for kind, bars in (("chords", 3), ("band", 3)):
        how = ["--chords", "Dm F Am", "--temperature", "1", "--force", "--split"]
        status, out, err = run(f"sample -n 2 --model {{{kind}}}", *how)
        assert status == 0
        assert err == f"tiny-{kind}_samples.mid: told chords Dm F Am, one a bar\n"
        assert Song.read(Path(f"tiny-{kind}_samples_1of2.mid")).end <= bars * 1920
        status, out, err = run(f"reconstruct x.mid --model {{{kind}}} --json", *how)
        assert json.loads(out)["songs"][0]["report"][-1] == "told chords Dm F Am, one a bar"
        status, out, err = run(f"interpolate x.mid y.mid --bars 1 --steps 4 --model {{{kind}}}", *how)
        assert "chords inferred from the notes: " in err
        assert err.splitlines()[0].endswith("told chords Dm F Am, one a bar")
    _, out, err = run("sample -n 1 --key Am --model {chords} --json --force")
    assert json.loads(out)["report"] == ["told key Am"]


@pytest.mark.usefixtures("bands")
def test_hits_are_told_and_said(run):
    said = "told the hits of beat: took track 3 'Kit'"
    assert json.loads(run("sample -n 1 --hits beat.mid --model {hits} --json")[1])["report"] == [said]
    _, _, err = run("reconstruct x.mid --hits beat.mid --model {hits} --html")
    assert err == f"x.mid: took track 3 'Kit'; {said}\n"
    assert "Beat.mid, as far as the model hears it" in Path("x_reconstructed.html").read_text()
    assert run("interpolate x.mid y.mid --steps 3 --hits beat.mid --model {hits}")[0] == 0
    for path in ("tiny-hits_samples.mid", "x_reconstructed.mid", "x_to_y.mid"):
        song = Song.read(Path(path))
        assert [round(tempo.quarters_per_minute) for tempo in song.tempos] == [66]
        assert song.time_signatures == ((0, 3, 4),)


@pytest.mark.usefixtures("bands")
def test_what_a_model_is_not_told_is_refused(refused):
    for option, model in (("--chords C", "melody"), ("--key C", "band"), ("--hits beat.mid", "groove")):
        name = option.split()[0].strip("-")
        for line in ("sample", "reconstruct x.mid", "interpolate x.mid y.mid"):
            error = refused(f"{line} --model {{{model}}} --quiet {option}")
            assert f"this model is not told {name}" in error
    assert "unknown chord 'Q'" in refused("sample --chords Q --model {band}")
    assert "unknown key 'H'" in refused("sample --key H --model {chords}")
    assert "nowhere.mid: there is no such file" in refused("sample --hits nowhere.mid --model {hits}")
    assert "a.png: is not music that can be read" in refused("sample --hits a.png --model {hits}")


def test_evaluation_says_what_a_model_is_told_and_hears(run):
    tiny.band(4).save("x.mid")
    assert "told beside each example: its chords and key" in run("evaluate {chords} --data x.mid")[2]
    err = run("evaluate {groove} --data x.mid")[2]
    assert "heard of each: what Unplayed(humanise=True) leaves; all of it to come back" in err


def test_presets_are_listed_with_their_sizes(run):
    listed = {preset["name"]: preset for preset in json.loads(run("models --json")[1])["presets"]}
    assert set(listed) == set(PRESETS)
    assert listed["cat-mel_2bar_small"]["parameters"] == 4_423_770
    assert listed["hier-multiperf_vel_1bar_big_chords"]["parameters"] == 205_602_282
    lines = run("models")[1].splitlines()
    assert any(line.split()[:3] == ["cat-mel_2bar_small", "4.4", "M"] for line in lines)


# Pictures -----------------------------------------------------------------------------------------


def test_pictures_have_the_same_verbs(run):
    status, out, err = run("interpolate a.png b.png --model {pictures}")
    assert (status, out) == (0, "saved a_to_b.png\n")
    assert err.startswith("b.png: cropped from 20 by 30 to its middle 20 by 20; resized")
    assert run("sample -n 5 --model {pictures}")[1] == "saved tiny-pictures_samples.png\nseed 0\n"
    assert run("reconstruct a.png b.png --out both --model {pictures} --json --quiet")[0] == 0
    assert all(Path(name).read_bytes().startswith(b"\x89PNG") for name in written())
    assert len(written()) == 3


@pytest.mark.parametrize(
    "option",
    ["--wav", "--html", "--split", "--bars 1-2", "--track 1", "--temperature 1", "--chords C", "--key C", "--hits x"],
)
def test_options_of_music_are_refused_for_pictures(refused, option):
    error = refused(f"interpolate a.png b.png --model {{pictures}} {option}")
    assert f"{option.split()[0]} is for music, and tiny-pictures sees pictures: leave it out" in error


def test_pictures_that_are_none(refused):
    Path("x.png").write_text("hello")
    for line in ("interpolate a.png x.png", "reconstruct x.png", "interpolate a.png y.png"):
        assert refused(f"{line} --model {{pictures}}")
    assert "--steps 1" in refused("interpolate a.png b.png --steps 1 --model {pictures}")
    tiny.picture(Path("a_to_b.png"))
    assert "exists" in refused("interpolate a.png b.png --model {pictures}")


# Training and evaluating --------------------------------------------------------------------------


@pytest.fixture
def music(here):
    folder = here / "music"
    folder.mkdir()
    for i in range(10):
        tiny.midi(folder / f"{i}.mid", 4 + i, stride=i + 1)
    return folder


@pytest.fixture
def tiny_preset(monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny-melody", tiny.MELODY)


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
    assert "settings that the run was begun with: --steps, --beta left aside" in err
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


@pytest.mark.usefixtures("tiny_preset", "music")
def test_only_the_first_of_several_processes_speaks(run, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert run("sample -n 1 --model {melody} --json") == (0, "", "")


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


def test_without_training_pictures_there_are_no_baselines_and_it_is_said(run):
    Path("some").mkdir()
    for i in range(5):
        tiny.picture(Path("some", f"{i}.png"), 40 * i)
    status, out, err = run("evaluate {pictures} --data some")
    assert status == 0
    assert "no baselines: the data have no training part" in err
    assert "PCA" not in out
    assert "neighbours" not in out


def test_a_judge_is_trained_and_judges(run, refused):
    line = "judge --data digits --steps 3 --device cpu --out j"
    status, out, _ = run(line)
    assert status == 0
    assert out.startswith("saved j\nright on 0.")
    assert "holds a judge: go on with --resume" in refused(line + " --quiet")
    assert run(line + " --force --quiet") == (0, "", "")
    status, out, _ = run("evaluate {pictures} --data digits --samples 0 --judge j")
    assert status == 0
    assert "180 generated pictures, by a judge of accuracy 0." in out
    assert "nll" not in out
    assert "no judge.json in it" in refused("evaluate {pictures} --data digits --judge nowhere --quiet")
    assert "learns from labels" in refused("judge --data . --out k --quiet")


def test_figures_of_pictures_are_not_those_of_music(refused):
    for option in ("--judge j", "--most 3"):
        name = option.split()[0]
        refusal = refused(f"evaluate {{melody}} --data . {option} --quiet")
        assert f"{name} is for pictures, and tiny-melody hears music: leave it out" in refusal
    assert "ask for 1 or more" in refused("evaluate {pictures} --data digits --most 0 --quiet")
    refusal = refused("evaluate {pictures} --data digits --temperature 1 --quiet")
    assert "--temperature is for music, and tiny-pictures sees pictures: leave it out" in refusal


@pytest.mark.usefixtures("music")
def test_samples_are_judged_beside_held_out_music(run, refused, monkeypatch):
    monkeypatch.setattr("musicae.music.judging.STEPS", 2)
    line = "evaluate {melody} --data music --samples 9"
    status, out, err = run(f"{line} --temperature 1")
    assert status == 0
    assert "judging 9 samples" in err
    assert "9 samples and as many midpoints of two songs, temperature 1, beside" in out
    assert "no ceiling and no distances: the data have no training part" in out
    found = json.loads(run(f"{line} --json")[1])["made_up"]
    assert found["overlaps"].keys() == {*found["means"], "interval_histogram"}
    assert found["judge"].keys() == {"samples", "midpoints"}
    assert "made_up" not in json.loads(run("evaluate {melody} --data a.mid --json")[1])
    refusal = refused("evaluate {melody} --data a.mid --data b.mid --samples 9 --quiet")
    assert "at least 8 held-out songs, and there are 2: give more --data, or leave --samples out" in refusal


def test_a_damaged_model_is_left_out_of_the_list(run):
    for name, text in (("bad", "{"), ("worse", "[]"), ("other", '{"preset": {}}')):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "config.json").write_text(text)
    status, out, err = run("models")
    assert status == 0
    assert "runs/" not in out
    assert [line.split(":")[0] for line in err.splitlines()] == ["runs/bad", "runs/other", "runs/worse"]
    assert all(name in out for name in PRESETS)


# Listening ----------------------------------------------------------------------------------------


def test_listen(run, refused):
    assert run("listen a.mid --out new")[1] == "saved new/a.wav\nsaved new/a.html\n"
    assert "exists" in refused("listen a.mid --out new")
    assert json.loads(run("listen a.mid --out new --force --json")[1]) == {"files": ["new/a.wav", "new/a.html"]}
    assert "no files given" in refused("listen")
    assert "soundfont x.sf2 cannot be opened" in refused("listen a.mid --soundfont x.sf2")


# Processes ----------------------------------------------------------------------------------------


def python(*arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # threads that wait for each other cost more than they give
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False, "env": environment}
    return subprocess.run([sys.executable, *arguments], **options)


def test_help_of_every_command_loads_nothing_heavy():
    code = f"""
import contextlib, importlib, io, sys
from musicae.command import main
for name in {list(COMMANDS)}:
    command = getattr(importlib.import_module("musicae." + name), name.capitalize())
    text = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        main(command, name, ["--help"])
    text.flush()
    said = text.buffer.getvalue().decode()
    assert len(said) > 500, name
    assert "(default: )" not in said and "[[" not in said, name
heavy = {{"torch", "accelerate", "matplotlib", "music21", "symusic", "sklearn", "PIL", "scipy", "pretty_midi"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_list_of_commands_leads_to_each(models, monkeypatch, capsys):
    listed = python("-m", "musicae").stdout
    assert all(f"  {name} " in listed for name in COMMANDS)
    done = python("-m", "musicae", "sampel")
    assert (done.returncode, done.stderr) == (2, "error: unknown command 'sampel': did you mean 'sample'?\n")
    done = python("-m", "musicae.listen", "nowhere.mid")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: nowhere.mid: there is no such file")
    monkeypatch.setattr(sys, "argv", ["musicae", *f"sample -n 2 --model {models['melody']} --out x".split()])
    by_name()
    assert tuple(capsys.readouterr()) == ("saved x.mid\nseed 0\n", "")


@SHIPPED
def test_the_first_command_of_the_readme(run):
    songs = [str(SAMPLES / f"{name}.mid") for name in ("twinkle_twinkle", "ode_to_joy")]
    status, out, err = run("interpolate", *songs)
    assert (status, out) == (0, "saved twinkle_twinkle_to_ode_to_joy.mid\nseed 0\n")
    assert len(err.splitlines()) == 2
    assert len(Song.read(Path("twinkle_twinkle_to_ode_to_joy.mid")).tracks[0].notes) > 100


# Variation ----------------------------------------------------------------------------------------


@pytest.fixture
def steered(models):
    """The melody model, for as long as it has directions."""
    directions = Directions(("density", "syncopation_eighths"), 3 * np.eye(2, 4, dtype=np.float32)[:, None], np.ones(2))
    directions.save(models["melody"])
    yield
    (models["melody"] / DIRECTIONS).unlink()


def test_vary_writes_variations_one_after_another_and_says_how_much_of_the_song_is_in_each(run):
    status, out, err = run("vary a.mid --model {melody} -n 2 --split --strength 0.5")
    assert status == 0
    saved, parts, *lines, seed = out.splitlines()
    assert (saved, parts, seed) == ("saved a_varied.mid", "saved a_varied_1of2.mid to a_varied_2of2.mid", "seed 0")
    assert [re.sub(r"\d+%", "x", line) for line in lines] == [f"variation {i}: x of the notes kept" for i in (1, 2)]
    assert err == "a.mid: took track 1 'Flöte' (the only one with pitched notes)\n"
    assert written() == {"a_varied.mid", "a_varied_1of2.mid", "a_varied_2of2.mid"}


def test_vary_says_what_became_of_what_was_asked_for(run, steered):
    line = "vary a.mid --model {melody} --more density=1.5 --less syncopation --more density=0.5"
    status, out, _ = run(line, "--html", "--png")
    assert status == 0
    changes = r"variation \d: \d+% of the notes kept, density 1.00 -> [\d.]+, syncopation_eighths 0.00 -> [\d.]+"
    assert all(re.fullmatch(changes, said) for said in out.splitlines()[3:7])
    assert written() == {"a_varied.mid", "a_varied.html", "a_varied.png"}
    status, out, _ = run(line + " --json --out other")
    found = json.loads(out)
    assert found["before"]["density"] == 1
    assert len(found["variations"]) == 4
    assert set(found["variations"][0]) == {"kept", "attributes"}


def test_vary_takes_pictures(run):
    status, out, _ = run("vary a.png --model {pictures} -n 3 --strength 0.5")
    assert (status, out.splitlines()) == (0, ["saved a_varied.png", "seed 0"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.mid --model {melody} --more swing=1", "unknown attribute 'swing': known: density, syncopation_eighths"),
        ("a.mid --model {melody} --less density=much", "--less density=much: give a name and a number"),
        ("a.mid --model {melody} --more density=inf", "density inf: give a number"),
        ("a.mid --model {melody} --strength 1.5", "strength 1.5: it must lie between 0 and 1"),
        ("a.mid --model {melody} -n 0", "-n 0: ask for 1 to 10000"),
        ("a.mid --model {roll} --more density", "tiny-pianoroll has no directions"),
        ("a.png --model {pictures} --more density", "--more is for music"),
    ],
)
def test_vary_refuses_what_cannot_be(refused, steered, line, said):
    assert said in refused(f"vary {line}")
