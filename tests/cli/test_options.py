"""Options that commands share, as a user types them, on models with random weights."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
import tiny
import torch
from command_line import written

from musicae.core import checkpoints
from musicae.errors import ConfigError
from musicae.music.score.score import Tempo
from musicae.music.song import Song

FAMILY = [preset.name.removeprefix("tiny-") for preset in tiny.FAMILY]


@pytest.fixture
def bands(inputs):
    """Two bands and a beat."""
    tiny.band(2, tempos=(Tempo(0, 77.0),)).save(inputs / "x.mid")
    tiny.band(2, "3/4", pitch=55, stride=7).save(inputs / "y.mid")
    tiny.band(3, "3/4", stride=3, tempos=(Tempo(0, 66.0),)).save(inputs / "beat.mid")


@pytest.mark.parametrize(
    ("out", "path"),
    [
        ("x", "x.mid"),
        ("x.mid", "x.mid"),
        ("x.MID", "x.MID"),
        ("x.midi", "x.midi"),
        ("new/folder/x.v2", "new/folder/x.v2.mid"),
        ("x.3", "x.3.mid"),
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
        ("--steps 0", "--steps 0: ask for 1 (one pass), or for 2 (both ends) to 10000"),
        ("--steps -3", "--steps -3: ask for 1"),
        ("--steps 1000000000 --split", "--steps 1000000000: ask for 1"),
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
def test_files_that_are_not_music(refused, content, message):
    if content is not None:
        Path("x.mid").write_bytes(content)
    for line in ("a.mid x.mid", "x.mid a.mid"):
        assert message in refused(f"interpolate {line} --model {{melody}}")
    assert message in refused("reconstruct x.mid --model {melody}")
    assert message in refused("listen a.mid x.mid")


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
        status, _, err = run("interpolate --model {melody} --bars 1 --steps 2 --html --force --out x", "a.mid", name)
        assert status == 0
        assert len(err.splitlines()) == 2
        assert run("interpolate --model {melody} --bars 1 --steps 2 --json", name, "a.mid")[0] == 0


def test_json_is_one_object(run):
    status, out, err = run("interpolate a.mid b.mid --model {melody} --steps 2 --json --quiet --split --bars 2-3")
    assert (status, err) == (0, "")
    taken = ["took track 1 'Flöte' (the only one with pitched notes)", "took bars 2 to 3 of 4"]
    assert json.loads(out) == {
        "files": {"midi": ["a_to_b.mid"], "parts": ["a_to_b_1of2.mid", "a_to_b_2of2.mid"]},
        "steps": 2,
        "seed": 0,
        "report": {
            "a": taken,
            "b": [*taken, "moved by +10 semitones to the first song's key and register on the way, and back in steps"],
        },
    }


def test_quiet_says_nothing(run):
    assert run("interpolate a.mid b.mid --model {melody} --quiet") == (0, "", "")
    assert written() == {"a_to_b.mid"}


def test_many_repairs_stay_in_one_line(run, monkeypatch):
    song = tiny.song(changes=tuple(f"repair {i}" for i in range(50)))
    monkeypatch.setattr(Song, "read", classmethod(lambda cls, source: song))
    _, out, err = run("reconstruct a.mid --model {melody} --json")
    assert err == f"a.mid: {'; '.join(song.changes[:8])}; and 43 more (--json has them all)\n"
    assert len(json.loads(out)["songs"][0]["report"]) == 51


@pytest.mark.parametrize("line", ["sample", "reconstruct a.mid", "interpolate a.mid b.mid --lerp"])
def test_silence_is_reported(run, line):
    mute = tiny.model(tiny.MELODY).network
    with torch.no_grad():
        for weights in mute.parameters():
            weights.zero_()
    checkpoints.write_weights(tiny.folder(tiny.MELODY, Path("mute")), mute)
    status, _, err = run(f"{line} --model mute --out out.mid")
    assert status == 0
    why = "tiny-melody is probably trained too little (its training did not end): train it longer, or try"
    assert f"out.mid: silence, no note in it; {why} --temperature 1 or another --seed\n" in err
    checkpoints.write_json(Path("mute"), checkpoints.METRICS, {"trained": {"steps": 20}})
    assert "probably trained too little (20 steps)" in run(f"{line} --model mute --out few.mid")[2]
    checkpoints.write_json(Path("mute"), checkpoints.METRICS, {"trained": {"steps": 20_000}})
    assert "few.mid: silence, no note in it; try --temp" in run(f"{line} --model mute --out few.mid --force")[2]
    assert "silence, no note" not in run(f"{line} --model mute --out wild.mid --temperature 1")[2]


def test_only_the_first_of_several_processes_speaks(run, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert run("sample -n 1 --model {melody} --json") == (0, "", "")


@pytest.mark.usefixtures("bands")
def test_chords_condition_the_model_and_are_reported(run):
    for kind, bars in (("chords", 3), ("band", 3)):
        how = ["--chords", "Dm F Am", "--temperature", "1", "--force", "--split"]
        status, out, err = run(f"sample -n 2 --model {{{kind}}}", *how)
        assert status == 0
        assert err == f"tiny-{kind}_samples.mid: follows the chords Dm F Am, one a bar\n"
        assert Song.read(Path(f"tiny-{kind}_samples_1of2.mid")).end <= bars * 1920
        status, out, err = run(f"reconstruct x.mid --model {{{kind}}} --json", *how)
        assert json.loads(out)["songs"][0]["report"][-1] == "follows the chords Dm F Am, one a bar"
        status, out, err = run(f"interpolate x.mid y.mid --bars 1 --steps 4 --model {{{kind}}}", *how)
        assert "chords inferred from the notes: " in err
        assert err.splitlines()[0].endswith("follows the chords Dm F Am, one a bar")
    _, out, err = run("sample -n 1 --key Am --model {chords} --json --force")
    assert json.loads(out)["report"] == ["follows the key Am"]


@pytest.mark.usefixtures("bands")
def test_hits_condition_the_model_and_are_reported(run):
    said = "plays the hits of beat: took track 3 'Kit'"
    assert json.loads(run("sample -n 1 --hits beat.mid --model {hits} --json")[1])["report"] == [said]
    _, _, err = run("reconstruct x.mid --hits beat.mid --model {hits} --html")
    assert err == f"x.mid: took track 3 'Kit'; {said}\n"
    assert "Beat.mid, as the model represents it" in Path("x_reconstructed.html").read_text()
    assert run("interpolate x.mid y.mid --steps 3 --hits beat.mid --model {hits}")[0] == 0
    for path in ("tiny-hits_samples.mid", "x_reconstructed.mid", "x_to_y.mid"):
        song = Song.read(Path(path))
        assert [round(tempo.quarters_per_minute) for tempo in song.tempos] == [66]
        assert song.time_signatures == ((0, 3, 4),)


@pytest.mark.usefixtures("bands")
def test_conditions_that_a_model_does_not_have_are_refused(refused):
    cases = {
        "--chords C": ("melody", "tiny-melody cannot follow chords: choose a chord model, or leave --chords out"),
        "--key C": ("band", "tiny-band cannot follow a key: choose a model that does, or leave --key out"),
        "--hits beat.mid": (
            "groove",
            "tiny-groove cannot play given hits: choose a model that does, or leave --hits out",
        ),
    }
    for option, (model, message) in cases.items():
        for line in ("sample", "reconstruct x.mid", "interpolate x.mid y.mid", "vary x.mid"):
            assert message in refused(f"{line} --model {{{model}}} --quiet {option}")
    assert "unknown chord 'Q'" in refused("sample --chords Q --model {band}")
    assert "unknown key 'H'" in refused("sample --key H --model {chords}")
    assert "nowhere.mid: there is no such file" in refused("sample --hits nowhere.mid --model {hits}")
    assert "a.png: is not music that can be read" in refused("sample --hits a.png --model {hits}")


@pytest.mark.parametrize(
    "option",
    ["--wav", "--html", "--split", "--bars 1-2", "--track 1", "--temperature 1", "--chords C", "--key C", "--hits x"],
)
def test_options_of_music_are_refused_for_pictures(refused, option):
    error = refused(f"interpolate a.png b.png --model {{pictures}} {option}")
    assert f"{option.split()[0]} is for music, and tiny-pictures is a model of pictures: leave it out" in error


def test_pictures_that_are_none(refused):
    Path("x.png").write_text("hello")
    for line in ("interpolate a.png x.png", "reconstruct x.png", "interpolate a.png y.png"):
        assert refused(f"{line} --model {{pictures}}")
    assert "--steps 1" in refused("interpolate a.png b.png --steps 1 --model {pictures}")
    tiny.picture(Path("a_to_b.png"))
    assert "exists" in refused("interpolate a.png b.png --model {pictures}")


@pytest.mark.usefixtures("bands")
@pytest.mark.parametrize("kind", FAMILY)
def test_every_verb_of_the_whole_family(run, kind):
    drawn = kind == "trio"
    for folder, png in (("first", "--png" * drawn), ("again", "")):
        how = f"--model {{{kind}}} --temperature 1 --seed 3 {png} --out"
        assert run(f"sample -n 2 {how} {folder}/sample")[0] == 0
        assert run(f"reconstruct x.mid {how} {folder}/same")[0] == 0
        status, _, err = run(f"interpolate x.mid y.mid --steps 2 --bars 1-2 {how} {folder}/way")
        assert status == 0
        assert err.startswith("x.mid: took ")
    assert len(list(Path("first").iterdir())) == 3 + 3 * drawn
    for path in Path("first").glob("*.mid"):
        assert path.read_bytes() == Path("again", path.name).read_bytes()
    whole = Song.read(Path("first/way.mid"))
    assert [round(tempo.quarters_per_minute) for tempo in whole.tempos] == [77]
    assert json.loads(run(f"evaluate {{{kind}}} --data x.mid --json")[1])["held_out"]["examples"] > 0


def test_pictures_have_the_same_verbs(run):
    status, out, err = run("interpolate a.png b.png --model {pictures}")
    assert (status, out) == (0, "saved a_to_b.png\n")
    assert err.startswith("b.png: cropped from 20 by 30 to its middle 20 by 20; resized")
    assert run("sample -n 5 --model {pictures}")[1] == "saved tiny-pictures_samples.png\nseed 0\n"
    assert run("reconstruct a.png b.png --out both --model {pictures} --json --quiet")[0] == 0
    assert all(Path(name).read_bytes().startswith(b"\x89PNG") for name in written())
    assert len(written()) == 3


@pytest.mark.parametrize("suffix", [".wav", ".png", ".html", ".WAV"])
def test_out_may_name_what_is_written_beside(run, suffix):
    status, out, _ = run(f"reconstruct a.mid --model {{melody}} --quiet --json --out x{suffix}")
    assert status == 0
    assert json.loads(out)["songs"][0]["files"] == {"midi": ["x.mid"], suffix[1:].lower(): [f"x{suffix.lower()}"]}
    assert written() == {"x.mid", f"x{suffix.lower()}"}


@pytest.mark.parametrize(
    "line", ["interpolate a.mid b.mid", "sample", "reconstruct a.mid", "vary a.mid", "listen a.mid"]
)
@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("x.mp3", "x.mp3: "),
        ("there/x.musicxml", "x.musicxml: "),
        ("-", "nothing is written to the standard output"),
        ("/dev/full", "a device or a pipe"),
        ("/dev/nothing", "a device or a pipe"),
        ("pipe", "a device or a pipe"),
        ("locked/x", "no permission to write in locked"),
        ("a.mid/x/", "a.mid/x"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(refused, monkeypatch, line, out, reason):
    monkeypatch.setattr("musicae.loading.load", None)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path) and access(path, mode))
    os.mkfifo("pipe")
    Path("locked").mkdir()
    model = "" if line.startswith("listen") else " --model {melody}"
    assert reason in refused(f"{line}{model} --out {out}")
    assert "--out ''" in refused(f"{line}{model}", "--out", "")
    assert "--out ''" in refused(f"{line}{model} --out=")


@pytest.mark.parametrize("name", ["x.mid", "x.wav", "x.html", "x_1of1.mid"])
def test_no_input_is_overwritten(refused, name):
    tiny.midi(Path("song"), 2)
    Path(name).hardlink_to("song")
    Path("link.mid").symlink_to(name)
    for given in ("song", name, "link.mid"):
        error = refused(f"reconstruct {given} --model {{melody}} --force --wav --html --split --out x")
        assert f"{name} is an input of this command" in error
        error = refused(f"reconstruct a.mid --hits {given} --model {{hits}} --force --wav --html --split --out x")
        assert f"{name} is an input of this command" in error


def test_listen_overwrites_no_input(refused):
    tiny.midi(Path("x.wav"), 2)
    assert "x.wav is an input" in refused("listen x.wav --force")


def test_the_files_of_a_command_appear_together_or_not_at_all(run, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    for line in ("reconstruct a.mid b.mid --bars 1", "interpolate a.mid b.mid --bars 1 --steps 2"):
        before = {path: path.read_bytes() for path in Path().iterdir()}
        with monkeypatch.context() as patch:
            patch.setattr("musicae.music.render.html.page", fail)
            status, out, err = run(f"{line} --model {{melody}} --split --wav --html --force")
            assert (status, out) == (2, "")
            assert "No space left on device" in err
        assert {path: path.read_bytes() for path in Path().iterdir()} == before
        assert run(f"{line} --model {{melody}} --split --wav --html --force")[0] == 0


def test_a_folder_of_thousands_is_planned_in_no_time():
    from musicae.reconstruct import Reconstruct

    names = [f"song {i}" for i in range(20_000)]
    options = Reconstruct(files=())
    assert len(set(options.targets(names, ".mid"))) == 20_000
    with pytest.raises(ConfigError, match="two files of one name"):
        options.targets([*names, names[0]], ".mid")


def test_names_may_have_any_length(run):
    for name in (251 * "n" + ".mid", 62 * "𝄞" + ".mid"):
        tiny.midi(Path(name), 2)
        assert run("interpolate --model {melody} --steps 2 --bars 1 --split --html", name, "a.mid")[0] == 0
        assert run("reconstruct --model {melody} --split --wav", name)[0] == 0


@pytest.mark.parametrize("content", [Path.read_bytes, lambda _: b"X:1\nK:C\nCDEF|GABc|\n"])
@pytest.mark.parametrize("line", ["reconstruct -", "interpolate - b.mid", "interpolate b.mid -", "vary -", "listen -"])
def test_a_song_may_come_by_the_standard_input(run, refused, monkeypatch, line, content):
    model = "" if line.startswith("listen") else " --model {melody}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content(Path("a.mid")))))
    assert run(f"{line}{model}")[0] == 0
    assert any("stdin" in name for name in written())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "is empty" in refused(f"{line}{model} --force")
    assert "read once" in refused("interpolate - - --model {melody}")
    assert "read once" in refused("reconstruct - --hits - --model {hits}")


@pytest.mark.usefixtures("bands")
def test_hits_may_come_by_the_standard_input(run, monkeypatch):
    for line in ("sample -n 2", "reconstruct x.mid"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("beat.mid").read_bytes())))
        assert run(f"{line} --hits - --model {{hits}}")[0] == 0


def test_what_can_be_seen_early_is_refused_before_the_model_is_loaded(refused, monkeypatch):
    monkeypatch.setattr("musicae.loading.load", None)
    tiny.midi(Path("long.mid"), 12)
    data = Path("long.mid").read_bytes()
    Path("long.mid").write_bytes(data[:12] + b"\0\1" + data[14:])  # one tick a quarter in place of 480
    for line in ("interpolate a.mid long.mid", "reconstruct long.mid", "reconstruct a.mid long.mid", "vary long.mid"):
        assert "the limit is 20,000" in refused(f"{line} --model {{melody}}")
        assert "there is no such file" in refused(f"{line.replace('long', 'none')} --model {{melody}}")
        assert "--bars x" in refused(f"{line} --model {{melody}} --bars x")
        assert "temperature -1" in refused(f"{line} --model {{melody}} --temperature -1")
        assert "cannot follow chords" in refused(f"{line} --model {{melody}} --chords C")


def test_a_picture_may_come_by_the_standard_input(run, refused, monkeypatch):
    data = Path("a.png").read_bytes()
    for wrapped in (io.BytesIO(data), io.BufferedReader(io.BytesIO(data))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(wrapped))
        assert run("reconstruct - --model {pictures} --force")[0] == 0
        assert "stdin_reconstructed.png" in written()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert "is a picture" in refused("reconstruct - --model {melody} --force")
