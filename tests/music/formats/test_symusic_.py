from __future__ import annotations

import symusic

from music.making import GOOD
from musicae.music.song import Song


def test_reads_symusic_of_other_time_units():
    score = symusic.Score.from_midi(GOOD)
    for unit in ("tick", "quarter", "second"):
        assert Song.read(score.to(unit)).tracks[0].notes["pitch"].tolist() == list(range(60, 68))
