"""Where music comes from: folders, archives, tune books, single files, and what comes with music21."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from musicae.archives import Member, in_folder, is_archive, members
from musicae.errors import DataError, FileError, in_one_line
from musicae.files import read_file

MUSIC_SUFFIXES = {".mid", ".midi", ".kar", ".rmi", ".abc", ".mxl", ".musicxml", ".xml", ".krn"}
MOST_TUNES = 100_000  # of a book in ABC

# Collections of public-domain music, and how many files of each are read: music21 takes a second for a
# chorale in MusicXML. The encodings of Essen's folk songs are non-commercial, so they are not here.
MUSIC21_COLLECTIONS = {"ryansMammoth": None, "oneills1850": None, "airdsAirs": None, "bach": 60}


# A table with a row for each piece and the split that it belongs to, as the Groove MIDI Dataset has one: so figures on
# its test part can be compared with those of others.
TABLE, TABLE_COLUMNS, SPLITS = "info.csv", ("midi_filename", "split"), ("train", "validation", "test")


class Piece(NamedTuple):
    """One piece of music: its source, its name there, the path of its file or its bytes, the split that its source
    gives it (train, validation or test), if any, why it cannot be read, if so, and whether it comes with a dependency
    (`reading.read_trusted`)."""

    source: str
    name: str
    content: str | bytes = b""
    split: str = ""
    problem: str = ""
    trusted: bool = False


def pieces(source: str | Path, label: str | None = None) -> Iterator[Piece]:
    """The pieces of a source one after another.

    The split of each piece is that in a table `info.csv` of its folder or archive, if there is one with the columns
    `midi_filename` (relative to the table) and `split`. What cannot be read is a piece with a problem.

    Args:
        source: a folder, file or archive of MIDI, ABC, MusicXML or kern; or "music21". Tune books in ABC
            are divided into tunes.
        label: what to call the source; None for its name.

    Raises:
        DataError: there is no such source, or it is no archive in spite of its name.
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
        yield Piece(label, path.name, str(path))


def _of_folder(path: Path, label: str) -> Iterator[Piece]:
    found = [(entry.name, entry.problem) for entry in in_folder(path)]
    splits, problems = _splits(_read(path, name) for name, problem in found if is_table(name) and not problem)
    for name, problem in (*problems, *found):
        if problem or is_music(name):
            yield Piece(label, name, f"{path}/{name}", splits.get(name, ""), problem)


def _read(folder: Path, name: str) -> Member:
    try:
        return Member(name, read_file(folder / name))
    except FileError as error:
        return Member(name, problem=error.reason)


def _of_archive(path: Path, label: str) -> Iterator[Piece]:
    tables = (one for one in members(path, is_table) if is_table(one.name))
    splits, problems = _splits(islice(tables, 1))  # one: so the archive is mostly not read twice
    for name, problem in problems:
        yield Piece(label, name, problem=problem)
    for one in members(path, is_music):
        yield Piece(label, one.name, one.content, splits.get(one.name, ""), one.problem)


def is_music(name: str) -> bool:
    """Whether a file is music by its name."""
    return name[max(name.rfind("."), 0) :].lower() in MUSIC_SUFFIXES


def is_table(name: str) -> bool:
    """Whether a file is a table of splits by its name."""
    return name.rpartition("/")[2].lower() == TABLE


def _splits(tables: Iterable[Member]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The split of each piece by its name, from tables; and the names of tables that cannot be read, with reasons."""
    splits, problems = {}, []
    for name, content, problem in tables:
        try:
            splits |= _table(PurePosixPath(name).parent, content)
        except csv.Error as error:
            problem = f"is not a table that can be read: {in_one_line(error)}"
        if problem:
            problems.append((name, problem))
    return splits, problems


def _table(folder: PurePosixPath, content: bytes) -> dict[str, str]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    if not set(TABLE_COLUMNS) <= set(reader.fieldnames or ()):
        return {}
    rows = ([row[column] or "" for column in TABLE_COLUMNS] for row in reader)
    return {str(folder / file): split for file, split in rows if split in SPLITS}


def _music21() -> Iterator[Piece]:
    """The pieces of the collections that come with music21."""
    package = find_spec("music21")
    if package is None:
        raise DataError("music21 is not installed: pip install music21, or name a folder of music")
    corpus = Path(package.origin).parent / "corpus"
    for collection, most in MUSIC21_COLLECTIONS.items():
        for piece in list(_of_path(corpus / collection, "music21"))[:most]:
            yield piece._replace(name=f"{collection}/{piece.name}", trusted=True)


def _tunes(book: Piece) -> Iterator[Piece]:
    """The tunes of a book in ABC, each of which begins with a field X."""
    try:
        content = book.content if isinstance(book.content, bytes) else read_file(book.content)
    except FileError:
        content = b""  # whoever reads the piece meets the same
    starts = [match.start() for match in islice(re.finditer(rb"(?m)^X:", content), MOST_TUNES + 1)]
    if len(starts) < 2 or book.problem:
        yield book
    elif len(starts) > MOST_TUNES:
        yield book._replace(problem=f"has more than {MOST_TUNES:,} tunes; divide it")
    else:
        for i, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True), 1):
            yield book._replace(name=f"{book.name}#{i}", content=content[start:end])
