"""Where pieces of music come from: folders, archives, tune books, music21; and the splits that a source gives."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from musicae.music.data.corpus import SPLITS, build
from musicae.music.data.sources import labels, pieces
from musicae.music.representations import Melody

TUNE = "X:{n}\nT:Tune {n}\nM:6/8\nL:1/8\nK:G\n" + "GAB c2d|edc BAG|FGA DEF|G3 G3|" * 3 + "\n\n"


def test_archives_tune_books_and_files(folder, tmp_path):
    with tarfile.open(tmp_path / "songs.tar.gz", "w:gz") as tar:
        tar.add(folder, "here")
    with zipfile.ZipFile(tmp_path / "tunes.zip", "w") as file:
        file.writestr("book.abc", "".join(TUNE.format(n=n) for n in (1, 2, 3)))
    (tmp_path / "one.abc").write_text(TUNE.format(n=1))
    names = {path.name: [piece.name for piece in pieces(path)] for path in tmp_path.iterdir() if path.is_file()}
    assert len(names["songs.tar.gz"]) == 42
    assert "here/3/33.mid" in names["songs.tar.gz"]
    assert names["tunes.zip"] == ["book.abc#1", "book.abc#2", "book.abc#3"]
    assert names["one.abc"] == ["one.abc"]
    sources = [tmp_path / name for name in names]
    built = build(sources, Melody(), tmp_path / "corpus", workers=1)
    assert built.index["sources"] == ["one.abc", "songs.tar.gz", "tunes.zip"]
    assert len(built.index["songs"]) == 45


def test_sources_of_one_name_get_different_labels():
    assert labels(["/a/lieder/midi", "/a/hymns/midi", "music21"]) == ["lieder/midi", "hymns/midi", "music21"]
    assert labels(["/a/lieder", "/b/hymns.zip"]) == ["lieder", "hymns.zip"]


def test_music21_brings_its_own():
    names = [piece.name for piece in pieces("music21")]
    assert len(names) > 4000
    assert len(set(names)) == len(names)
    assert not any(name.startswith("essen") for name in names)


def packed(folder: Path, path: Path) -> Path:
    """A folder as an archive."""
    with tarfile.open(path, "w:gz") if path.suffix == ".gz" else zipfile.ZipFile(path, "w") as archive:
        add = archive.add if path.suffix == ".gz" else archive.write
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                add(file, f"songs/{file.relative_to(folder).as_posix()}")
    return path


@pytest.mark.parametrize("kind", ["folder", "songs.tar.gz", "songs.zip"])
def test_a_source_may_say_which_split_its_pieces_belong_to(tabled, tmp_path, kind):
    source = tabled if kind == "folder" else packed(tabled, tmp_path / kind)
    found = {"/".join(Path(piece.name).parts[-2:]): piece.split for piece in pieces(source)}
    assert len(found) == 42
    assert [found[f"0/{i}.mid"] for i in range(10)] == [*SPLITS, *SPLITS, *SPLITS, ""]
    assert not any(split for name, split in found.items() if not name.startswith("0/"))


def test_tables_of_other_things_say_nothing(folder):
    (folder / "info.csv").write_bytes(b"\xff\xfename;split\n1.mid;test\n")
    assert not any(piece.split for piece in pieces(folder))
