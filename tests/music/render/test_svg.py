from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from music.render.songs import LONG, SONG, SVG, TUNE, boxes, picture, track
from musicae.music.render.layout import MOST_NOTES
from musicae.music.render.svg import piano_roll_svg
from musicae.music.score.score import TimeSignature
from musicae.music.song import Song


def words(svg):
    return " ".join("".join(text.itertext()) for text in svg.iter(f"{SVG}text"))


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


def test_hostile_names_are_text():
    name = '</title><script>alert(1)</script>"\x00\x1b\ud800&'
    song = Song((replace(TUNE, name=name), replace(TUNE, name="")), name=name)
    svg = picture(song)
    assert not list(svg.iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in words(svg)
    piano_roll_svg(song).encode()
