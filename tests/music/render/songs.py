"""Songs to draw (a tune, a beat, both, and one that is too long), and what an SVG of one holds."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from musicae.music.render.svg import piano_roll_svg
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Track
from musicae.music.song import Song


def track(*notes, **other):
    return Track(np.array(list(notes), NOTE), **other)


TUNE = track(*((480 * i, 480 * i + 480, 60 + i, 40 + 10 * i) for i in range(8)), name="Tune")
BEAT = track(*((480 * i, 480 * i + 60, drum, 90) for i in range(8) for drum in (36, 42)), is_drum=True)
SONG = Song((TUNE, BEAT), name="A song")
LONG = Song((track(*((120 * i, 120 * i + 120, 40 + i % 40, 80) for i in range(20_000))),), name="Long")

SVG = "{http://www.w3.org/2000/svg}"


def picture(song, **options):
    return ElementTree.fromstring(piano_roll_svg(song, **options))


def boxes(svg):
    return [{k: float(v) for k, v in box.attrib.items()} for box in svg.iter(f"{SVG}rect")]
