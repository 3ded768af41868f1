from __future__ import annotations

from pathlib import Path

import pytest

from music.making import eighths
from musicae.music.data.corpus import SPLITS


@pytest.fixture
def folder(tmp_path) -> Path:
    """Forty songs, one of them in two keys, and a file that is none."""
    songs = tmp_path / "songs"
    for i in range(40):
        eighths(i).save(songs / f"{i // 10}" / f"{i}.mid")
    eighths(7, transpose=5).save(songs / "again.mid")
    (songs / "broken.mid").write_bytes(b"MThd" + bytes(3))
    (songs / "notes.txt").write_text("not music")
    return songs


@pytest.fixture
def tabled(folder) -> Path:
    """The forty songs, of which a table in a folder of them puts ten in splits."""
    rows = [f"x,{i}.mid,{SPLITS[i % 3]}" for i in range(9)] + ["x,9.mid,unheard of", "y,7.mid"]
    (folder / "0" / "info.csv").write_text("\n".join(["style,midi_filename,split", *rows]))
    return folder
