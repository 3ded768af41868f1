from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from music.render.songs import BEAT, LONG, SONG, boxes, picture, track
from musicae.errors import Error
from musicae.music.render import png as figures
from musicae.music.render.layout import Roll
from musicae.music.render.png import save_interpolation, save_one_pass, save_piano_roll
from musicae.music.render.svg import piano_roll_svg
from musicae.music.score.score import Track
from musicae.music.song import Song


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.mark.parametrize(
    "song",
    [
        Song(),
        Song((Track(),)),
        Song((BEAT,)),
        Song((track((0, 1, 0, 1)),)),
        Song((track((0, 9600, 127, 127)),)),
    ],
    ids=["nothing", "empty track", "drums only", "lowest", "highest"],
)
def test_every_song_has_pictures(song, tmp_path):
    assert len(boxes(picture(song))) == sum(len(track.notes) for track in song.tracks)
    assert min(png_size(save_piano_roll(song, tmp_path / "roll.png"))) > 100
    assert min(png_size(save_interpolation([song, song], tmp_path / "way.png", originals=(song, song)))) > 100


def test_hostile_names_are_titles(tmp_path):
    """Written as they are, but for what cannot be written: neither a formula nor an error, and other than no name."""
    named, unnamed = (replace(SONG, name=name) for name in ("$\\frac{$ \x00" + "很" * 300, ""))
    pictures = [save_piano_roll(song, tmp_path / f"{i}.png") for i, song in enumerate((named, unnamed))]
    assert png_size(pictures[0]) == png_size(pictures[1])
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
    title = figures._plain(named.name)
    assert "$" not in title.replace(r"\$", "")
    assert "\0" not in title
    assert len(title) < 130


def test_pictures_are_the_same_every_time(tmp_path):
    assert piano_roll_svg(SONG) == piano_roll_svg(SONG)
    for name in "ab":
        save_piano_roll(SONG, tmp_path / f"{name}.png")
        save_interpolation([SONG] * 3, tmp_path / f"{name}2.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a2.png").read_bytes() == (tmp_path / "b2.png").read_bytes()


def test_png_grows_with_the_songs(tmp_path):
    one = png_size(save_piano_roll(SONG, tmp_path / "1.png"))
    three = png_size(save_piano_roll([SONG] * 3, tmp_path / "3.png", titles=["a", "b", "c"]))
    assert one[0] == three[0] == 1440
    assert three[1] == pytest.approx(3 * one[1], abs=3)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_panels_of_interpolations_are_in_a_column_short_ones_in_a_row(steps, tmp_path):
    long = png_size(save_interpolation([LONG.slice(0, 7680)] * steps, tmp_path / "long.png"))
    short = png_size(save_interpolation([SONG] * steps, tmp_path / "short.png"))
    assert long[0] == 1440
    assert short[1] == 312
    if steps == 7:
        assert long[1] > 600
        assert short[0] > 1400


def test_pictures_of_too_much_say_what_they_leave_out(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(figures, "_caption", lambda figure, text: said.append(text))
    monkeypatch.setattr(figures, "_MOST_PANELS", 2)
    save_piano_roll([SONG] * 3, tmp_path / "3.png")
    save_interpolation([LONG] * 3, tmp_path / "way.png")
    save_interpolation([SONG] * 3, tmp_path / "short.png")
    assert said == ["The first 2 of 3 songs.", "The first 32 bars."]


def test_originals_are_added_to_an_interpolation(tmp_path):
    steps = [LONG.slice(0, 7680)] * 3
    without = png_size(save_interpolation(steps, tmp_path / "without.png"))
    with_them = png_size(save_interpolation(steps, tmp_path / "with.png", originals=(steps[0], steps[0])))
    assert with_them[1] > 1.5 * without[1]


def test_one_pass_is_coloured_by_its_shares(tmp_path):
    long = LONG.slice(0, 4 * 7680)
    bars = len(Roll.of(long).bars) - 1

    def saved(shares):
        path = save_one_pass(long, np.array(shares), tmp_path / "pass.png", (long, long), ("a", "b"), force=True)
        return path.read_bytes(), png_size(path)

    even, size = saved(np.linspace(0, 1, bars))
    assert size[0] == 1440
    assert saved(np.linspace(0, 1, bars)) == (even, size)
    assert saved(np.zeros(bars)) != (even, size)


@pytest.mark.parametrize("save", [save_piano_roll, save_interpolation])
def test_existing_pictures_are_kept_without_force(save, tmp_path):
    path = tmp_path / "old.png"
    path.write_bytes(b"old")
    with pytest.raises(Error, match="--force"):
        save([SONG, SONG], path)
    assert path.read_bytes() == b"old"
    assert png_size(save([SONG, SONG], path, force=True))


def test_songs_of_drums_have_the_same_rows(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(figures, "_draw", lambda axes, roll, rows, colours: seen.append(rows))
    kick, both = (Song((track((0, 60, drum, 90), (480, 540, 36, 90), is_drum=True),)) for drum in (36, 42))
    save_piano_roll([kick, both, Song((track((0, 480, 60, 90)),))], tmp_path / "beats.png")
    assert [rows.drums for rows in seen] == [(36, 42), (36, 42), ()]
