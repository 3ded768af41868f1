from __future__ import annotations

import struct
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from musicae.errors import Error
from musicae.music.render import png as figures
from musicae.music.render.layout import MOST_NOTES, Rows, pitch_name
from musicae.music.render.png import save_interpolation, save_piano_roll
from musicae.music.render.svg import piano_roll_svg
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song

SVG = "{http://www.w3.org/2000/svg}"


def track(*notes, **other):
    return Track(np.array(list(notes), NOTE), **other)


TUNE = track(*((480 * i, 480 * i + 480, 60 + i, 40 + 10 * i) for i in range(8)), name="Tune")
BEAT = track(*((480 * i, 480 * i + 60, drum, 90) for i in range(8) for drum in (36, 42)), is_drum=True)
SONG = Song((TUNE, BEAT), name="A song")
LONG = Song((track(*((120 * i, 120 * i + 120, 40 + i % 40, 80) for i in range(20_000))),), name="Long")


def picture(song, **options):
    return ElementTree.fromstring(piano_roll_svg(song, **options))


def boxes(svg):
    return [{k: float(v) for k, v in box.attrib.items()} for box in svg.iter(f"{SVG}rect")]


def words(svg):
    return " ".join("".join(text.itertext()) for text in svg.iter(f"{SVG}text"))


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def test_svg_has_a_box_for_every_note_inside_the_picture():
    svg = picture(SONG)
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert len(boxes(svg)) == 24
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes(svg))
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes(svg))


def test_svg_places_notes_by_time_pitch_and_velocity():
    found = boxes(picture(Song((TUNE,))))
    assert np.ptp(np.diff([box["x"] for box in found])) < 0.05
    assert (np.diff([box["x"] for box in found]) > 0).all()
    assert (np.diff([box["y"] for box in found]) < 0).all(), "higher notes are higher"
    assert (np.diff([box["opacity"] for box in found]) > 0).all(), "louder notes are stronger"


def test_svg_shows_drums_under_the_pitches_by_their_names():
    groups = [group for group in picture(SONG).findall(f"{SVG}g") if group.find(f"{SVG}rect") is not None]
    pitched, drums = ([float(box.get("y")) for box in group.iter(f"{SVG}rect")] for group in groups)
    assert max(pitched) < min(drums)
    assert len(set(drums)) == 2
    for word in ("C4", "kick", "hi-hat", "Tune", "Drums"):
        assert word in words(picture(SONG))


@pytest.mark.parametrize(("metre", "lines"), [((4, 4), 3), ((3, 4), 4), ((6, 8), 4), ((5, 4), 3)])
def test_svg_has_a_line_for_every_bar(metre, lines):
    song = replace(SONG, time_signatures=(TimeSignature(0, *metre),))
    stroked = [path for path in picture(song).iter(f"{SVG}path") if path.get("stroke")]
    assert stroked[0].get("d").count("M") == lines


def test_svg_of_a_long_song_is_capped_and_says_so():
    svg = picture(LONG)
    assert len(boxes(svg)) == MOST_NOTES
    said = "4000 of 20000 notes, in bars 1 to 250 of 1250"
    assert said in words(svg)
    assert said in svg.find(f"{SVG}title").text
    assert said not in words(picture(SONG))
    assert len(boxes(picture(LONG, most_notes=10))) == 10


def test_svg_of_many_notes_in_one_bar_or_of_one_far_away_is_capped():
    crowd = Song((track(*((0, 480, i % 128, 80) for i in range(9000))),))
    assert len(boxes(picture(crowd))) == MOST_NOTES
    far = Song((track((0, 480, 60, 80), (480 * 19_000, 480 * 19_001, 60, 80)),))
    assert len(boxes(picture(far))) == 1
    assert "1 of 2 notes" in words(picture(far))
    assert len(piano_roll_svg(far)) < 20_000


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


def test_hostile_names_are_text():
    name = '</title><script>alert(1)</script>"\x00\x1b\ud800&'
    song = Song((replace(TUNE, name=name), replace(TUNE, name="")), name=name)
    svg = picture(song)
    assert not list(svg.iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in words(svg)
    piano_roll_svg(song).encode()


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


@pytest.mark.parametrize("save", [save_piano_roll, save_interpolation])
def test_existing_pictures_are_kept_without_force(save, tmp_path):
    path = tmp_path / "old.png"
    path.write_bytes(b"old")
    with pytest.raises(Error, match="--force"):
        save([SONG, SONG], path)
    assert path.read_bytes() == b"old"
    assert png_size(save([SONG, SONG], path, force=True))


def test_pitch_names():
    assert [pitch_name(pitch) for pitch in (0, 60, 61, 70, 127)] == ["C-1", "C4", "C♯4", "B♭4", "G9"]


def test_songs_of_drums_have_the_same_rows(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(figures, "_draw", lambda axes, roll, rows, colours: seen.append(rows))
    kick, both = (Song((track((0, 60, drum, 90), (480, 540, 36, 90), is_drum=True),)) for drum in (36, 42))
    save_piano_roll([kick, both, Song((track((0, 480, 60, 90)),))], tmp_path / "beats.png")
    assert [rows.drums for rows in seen] == [(36, 42), (36, 42), ()]


def test_every_drum_of_general_midi_has_a_name_of_its_own():
    names = [name for _, name in Rows(0, -1, tuple(range(27, 88))).labels]
    assert len(set(names)) == 61
    assert not any(name.startswith("drum") for name in names)
