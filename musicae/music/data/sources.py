"""Where music comes from: folders, archives, tune books, single files, and what comes with music21."""

from __future__ import annotations

import csv
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from musicae.errors import DataError

MUSIC_SUFFIXES = {".mid", ".midi", ".kar", ".rmi", ".abc", ".mxl", ".musicxml", ".xml", ".krn"}
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
MOST_BYTES = 16 * 2**20  # of a file in an archive; no score is larger

# Collections of public-domain music, and how many files of each are read: music21 takes a second for a
# chorale in MusicXML. The encodings of Essen's folk songs are non-commercial, so they are not here.
MUSIC21_COLLECTIONS = {"ryansMammoth": None, "oneills1850": None, "airdsAirs": None, "bach": 60}


# A table with a row for each piece and the split that it belongs to, as the Groove MIDI Dataset has one: so figures on
# its test part can be compared with those of others.
TABLE, TABLE_COLUMNS, SPLITS = "info.csv", ("midi_filename", "split"), ("train", "validation", "test")


class Piece(NamedTuple):
    """One piece of music: its source, its name there, the file that holds it or its bytes, and the split that its
    source gives it (train, validation or test), if any."""

    source: str
    name: str
    content: Path | bytes
    split: str = ""


def is_archive(source: str | Path) -> bool:
    """Whether a source is an archive by its name."""
    return str(source).lower().endswith(ARCHIVE_SUFFIXES)


def pieces(source: str | Path, label: str | None = None) -> Iterator[Piece]:
    """The pieces of a source one after another.

    The split of each piece is that in a table `info.csv` of its folder or archive, if there is one with the columns
    `midi_filename` (relative to the table) and `split`.

    Args:
        source: a folder, file or archive of MIDI, ABC, MusicXML or kern; or "music21". Tune books in ABC
            are divided into tunes.
        label: what to call the source; None for its name.

    Raises:
        DataError: there is no such source, or it is a damaged archive.
    """
    found = _music21() if source == "music21" else _of_path(Path(source), label or labels([source])[0])
    for piece in found:
        yield from _tunes(piece) if piece.name.lower().endswith(".abc") else [piece]


def labels(sources: list[str | Path]) -> list[str]:
    """A name for each source: the end of its path, as long as it takes for all to differ."""
    paths = [Path(source).resolve().parts if source != "music21" else ("music21",) for source in sources]
    names = ["/".join(parts[-length:]) for length in range(1, 9) for parts in paths]
    candidates = [names[i : i + len(paths)] for i in range(0, len(names), len(paths))]
    return next((c for c in candidates if len(set(c)) == len(set(paths))), candidates[-1])


def _of_path(path: Path, label: str) -> Iterator[Piece]:
    """The pieces of a folder, an archive or a file."""
    if path.is_dir():
        yield from _of_folder(path, label)
    elif not path.exists():
        raise DataError(f"{path} does not exist: name a folder, a file or an archive of music, or music21")
    elif is_archive(path):
        yield from _of_archive(path, label)
    else:
        yield Piece(label, path.name, path)


def _of_folder(path: Path, label: str) -> Iterator[Piece]:
    files = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
    splits = _splits((name, file.read_bytes()) for name, file in files.items() if is_table(name))
    for name, file in files.items():
        if is_music(name):
            yield Piece(label, name, file, splits.get(name, ""))


def _of_archive(path: Path, label: str) -> Iterator[Piece]:
    splits = _splits(islice(_members(path, is_table), 1))  # one: so the archive is mostly not read twice
    for name, content in _members(path, is_music):
        yield Piece(label, name, content, splits.get(name, ""))


def is_music(name: str) -> bool:
    """Whether a file is music by its name."""
    return PurePosixPath(name).suffix.lower() in MUSIC_SUFFIXES


def is_table(name: str) -> bool:
    """Whether a file is a table of splits by its name."""
    return PurePosixPath(name).name.lower() == TABLE


def _splits(tables: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """The split of each piece by its name, from tables and their names."""
    found = {}
    for name, content in tables:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
        if set(TABLE_COLUMNS) <= set(reader.fieldnames or ()):
            rows = ([row[column] or "" for column in TABLE_COLUMNS] for row in reader)
            folder = PurePosixPath(name).parent
            found |= {str(folder / file): split for file, split in rows if split in SPLITS}
    return found


def _members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of an archive whose name is wanted."""
    try:
        yield from (_zipped if path.suffix.lower() == ".zip" else _tarred)(path, wanted)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is not an archive that can be read ({error}); unpack it first") from None


def _zipped(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if wanted(entry.filename) and entry.file_size <= MOST_BYTES:
                yield entry.filename, archive.read(entry)


def _tarred(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for entry in archive:
            if entry.isfile() and wanted(entry.name) and entry.size <= MOST_BYTES:
                yield entry.name, archive.extractfile(entry).read()


def _music21() -> Iterator[Piece]:
    """The pieces of the collections that come with music21."""
    package = find_spec("music21")
    if package is None:
        raise DataError("music21 is not installed: pip install music21, or name a folder of music")
    corpus = Path(package.origin).parent / "corpus"
    for collection, most in MUSIC21_COLLECTIONS.items():
        for piece in list(_of_path(corpus / collection, "music21"))[:most]:
            yield piece._replace(name=f"{collection}/{piece.name}")


def _tunes(book: Piece) -> Iterator[Piece]:
    """The tunes of a book in ABC, each of which begins with a field X."""
    content = book.content if isinstance(book.content, bytes) else book.content.read_bytes()
    tunes = re.split(rb"(?m)^(?=X:)", content)[1:]
    if len(tunes) < 2:
        yield book
    else:
        yield from (book._replace(name=f"{book.name}#{i}", content=tune) for i, tune in enumerate(tunes, 1))
