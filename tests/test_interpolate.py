"""`python -m musicae.interpolate` as a user types it, on models with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mido
import tiny
from command_line import written


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
