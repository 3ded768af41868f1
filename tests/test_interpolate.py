"""`python -m musicae.interpolate` as a user types it, on models with random weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mido
import tiny
from command_line import written

from musicae.cli import outputs
from musicae.music.render import audio


def test_interpolate_writes_one_file_and_says_what_it_took(run):
    status, out, err = run("interpolate a.mid b.mid --model {melody}")
    assert status == 0
    assert out.splitlines() == ["saved a_to_b.mid", "seed 0"]
    taken = [f"{n}.mid: took track 1 'Flöte' (the only one with pitched notes)" for n in "ab"]
    moved = "; moved by +8 semitones to the first song's key and register on the way, and back in steps"
    assert err.splitlines() == [taken[0], taken[1] + moved]
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
    line = "interpolate a.mid b.mid --model {melody} --steps 2 --temperature 1 --seed {seed} --out {out}/x"
    line += " --bars 1 --split --wav --png --html"
    for seed, out in ((5, "first"), (5, "again"), (6, "other")):
        status, said, _ = run(line.replace("{seed}", str(seed)).replace("{out}", out))
        assert status == 0
        assert said.splitlines()[-1] == f"seed {seed}"
    names = sorted(path.name for path in Path("first").iterdir())
    assert names == ["x.html", "x.mid", "x.png", "x.wav", "x_1of2.mid", "x_2of2.mid"]
    for name in names:
        first, again, other = (Path(folder, name).read_bytes() for folder in ("first", "again", "other"))
        assert first == again
        assert first != other
    page = Path("first/x.html").read_text()
    assert page.index("A: a.mid") < page.index("Step 1 of 2") < page.index("Step 2 of 2") < page.index("B: b.mid")


def test_long_songs_are_one_pass(run):
    for name, pitch in (("long", 60), ("other", 52)):
        tiny.midi(Path(f"{name}.mid"), 24, pitch=pitch)
    status, out, err = run("interpolate long.mid other.mid --model {melody} --temperature 1 --html --png --split")
    assert status == 0
    assert out.splitlines()[-2:] == ["saved long_to_other_1of1.mid to long_to_other_1of1.mid", "seed 0"]
    said = "long.mid to other.mid in one pass, 1:04 in 24 bars; --steps 7 writes 7 whole versions, 7:28 in all"
    assert err.splitlines()[-1] == said
    assert mido.MidiFile("long_to_other.mid").length <= 64.1
    page = Path("long_to_other.html").read_text()
    assert page.index("A: long.mid") < page.index("From long.mid to other.mid") < page.index("B: other.mid")
    assert "Bars 1 to 4 are the model&#x27;s reconstruction of long.mid, the last 4 are that of other.mid;" in page
    assert run("interpolate long.mid other.mid --model {melody} --steps 2 --force")[2].splitlines()[-1] != said
    assert json.loads(run("interpolate a.mid b.mid --model {melody} --steps 2 --force --json")[1])["steps"] == 2


def test_hours_are_said(run, monkeypatch):
    monkeypatch.setattr(outputs, "LONG", 20.0)
    monkeypatch.setattr(audio, "LONGEST", 15.0)
    tiny.midi(Path("long.mid"), 18)
    err = run("interpolate long.mid long.mid --model {melody} --steps 2 --wav")[2].splitlines()
    assert "long_to_long.mid lasts 1:36: 2 parts of about 0:48" in err
    assert "long_to_long.wav: the sound stops after 0:15 of 1:36" in err
    assert run("listen long.mid")[2] == "long.wav: the sound stops after 0:15 of 0:48\n"


def test_steps_that_cannot_be(refused):
    assert "--steps 0: ask for 1 (one pass), or for 2 (both ends) to 10000" in refused(
        "interpolate a.mid b.mid --steps 0 --model {melody}"
    )


def test_drums_alone_are_no_melody(refused):
    drums = tiny.song()
    replace(drums, tracks=(replace(drums.tracks[0], is_drum=True),)).save("drums.mid")
    assert "drums: only drums" in refused("interpolate a.mid drums.mid --model {melody}")


def test_a_truncated_file_is_repaired_in_one_short_line(run):
    Path("x.mid").write_bytes(Path("a.mid").read_bytes()[:160])
    status, _, err = run("interpolate x.mid b.mid --model {melody}")
    assert status == 0
    assert "1 track had a wrong length or was cut off; " in err.splitlines()[0]
    assert len(err.splitlines()) == 2
