"""The files of folders and archives, one after another.

Nothing is unpacked to disk, and no size or count in a header is believed: bytes are counted as they are decompressed.
What is wrong with one file is a sentence about it, and the others are read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from musicae.errors import DataError, FileError, in_one_line
from musicae.files import MOST_BYTES, open_file, read_file, too_large

TARS = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
SUFFIXES = (*TARS, ".zip", ".gz")
MOST_FILES = 250_000  # of one archive; a folder may have more
MOST_DECOMPRESSED = 8 * 2**30  # bytes that are decompressed of one archive, ...
MOST_TIMES = 20  # ... or this many times its size, if that is more
MOST_HEADERS = 2**20  # bytes before the content of one file in a tar: its name, time and such
MOST_DIRECTORY = 32 * 2**20  # bytes of the table of contents of a zip
MOST_DICTIONARY = 128 * 2**20  # bytes that xz may ask for to decompress
_CHUNK = 2**18
_ENTRY = b"PK\1\2"  # begins each entry of the table of contents of a zip
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # for others `zipfile` decompresses without a limit


class Member(NamedTuple):
    """One file of a folder or archive.

    Args:
        name: its path in there, with slashes.
        content: all of its bytes; empty where there is a problem.
        problem: why it cannot be read, or "".
    """

    name: str
    content: bytes = b""
    problem: str = ""


class Entry(NamedTuple):
    """One file of a folder or archive, not read yet.

    Args:
        name: its path in there, with slashes.
        read: its content, up to so many bytes; of an archive to be called before the next entry is asked for, and
            whatever is wrong is raised.
        problem: why it cannot be read, or "".
    """

    name: str
    read: Callable[[int], bytes] = lambda most: b""
    problem: str = ""


def is_archive(path: str | Path) -> bool:
    """Whether a file holds others by its name: a tar (compressed by gzip, bzip2 or xz, or not), a zip, or one file
    compressed by gzip."""
    return str(path).lower().endswith(SUFFIXES)


def members(
    source: str | Path | bytes, wanted: Callable[[str], bool], most: int = MOST_BYTES, together: int | None = None
) -> Iterator[Member]:
    """The files of a source whose names are wanted, each with its content or with what is wrong with it.

    Links, devices and pipes in an archive are never read, and nor is what lies behind the links of a folder to other
    folders. Where an archive breaks off, the last member has its name, and says so.

    Args:
        source: a folder, an archive (`is_archive`) or any other file; or the bytes of a zip.
        wanted: of a name, whether to read that file.
        most: bytes of one file.
        together: bytes of all of them, for who keeps them; None for any number.

    Raises:
        DataError: there is no such source, or it is no archive at all.
    """
    left = math.inf if together is None else together
    for entry in entries(source):
        if entry.problem:
            yield Member(entry.name, problem=entry.problem)
        elif wanted(entry.name):
            try:
                member = Member(entry.name, entry.read(int(min(most, left))))
            except Exception as error:  # `zipfile` and `tarfile` raise some fifteen kinds on damaged files
                member = Member(entry.name, problem=_problem(error))
            left -= len(member.content)
            yield member


def _problem(error: Exception) -> str:
    """What is wrong with a file, for a sentence that begins with its name."""
    if isinstance(error, FileError):
        return error.reason
    return str(error) if isinstance(error, DataError) else f"is damaged: {in_one_line(error)}"


def entries(source: str | Path | bytes) -> Iterator[Entry]:
    """The files of a source in order, not read yet; see `members`."""
    if isinstance(source, bytes):
        yield from _of_archive(io.BytesIO(source), "<bytes>", len(source))
        return
    path = Path(source)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_dir():
        yield from in_folder(path)
    elif not is_archive(path):
        yield Entry(path.name, lambda most: read_file(path, most))
    else:
        try:
            file = open_file(path)
        except FileError as error:
            raise DataError(str(error)) from None
        with file:
            yield from _of_archive(file, path.name, os.fstat(file.fileno()).st_size)


def in_folder(folder: Path) -> Iterator[Entry]:
    """The files of a folder and its sub-folders, by name; and what of it cannot be looked into."""
    root, errors = str(folder), list[OSError]()
    found: list[tuple[str, str]] = []
    for parent, folders, files in os.walk(root, onerror=errors.append):
        inside = os.path.relpath(parent, root).replace(os.sep, "/") + "/" if parent != root else ""
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [(inside + name, "") for name in files]
        found += [(inside + name, "is a link to a folder: name that one") for name in links]
    found += [(os.path.relpath(one.filename, root), f"cannot be looked into: {in_one_line(one)}") for one in errors]
    for name, problem in sorted(found, key=lambda one: one[0].split("/")):
        yield Entry(name, lambda most, name=name: read_file(folder / name, most), problem)


def gunzip(data: bytes, most: int) -> bytes:
    """The content of a file that was compressed by gzip.

    Raises:
        DataError: it is damaged, or larger than `most` bytes.
    """
    try:
        return _whole(gzip.GzipFile(fileobj=io.BytesIO(data)), most)
    except Exception as error:
        raise DataError(_problem(error)) from None


# Every kind of archive -------------------------------------------------------------------------------


def _of_archive(file: BinaryIO, name: str, size: int) -> Iterator[Entry]:
    """The files of an archive; what it begins with says of which kind it is.

    Raises:
        DataError: it is none.
    """
    budget = _Budget(max(MOST_DECOMPRESSED, MOST_TIMES * size))
    last, number = "", 0
    try:
        for number, entry in enumerate(_by_kind(file, name, budget), 1):
            if number > MOST_FILES:
                raise _TooMuch(f"it has more than {MOST_FILES:,} files")
            last = entry.name
            yield entry
            budget.spend(0)
    except Exception as error:
        if not number:
            why = f"truncated or damaged ({in_one_line(error)}); get it again, or unpack it first"
            raise DataError(f"{name}: {why}") from None
        kind = "cannot be read" if isinstance(error, _TooMuch) else "is truncated or damaged"
        yield Entry(name, problem=f"{kind} beyond {last} ({in_one_line(error)}); unpack it first")


def _by_kind(file: BinaryIO, name: str, budget: _Budget) -> Iterator[Entry]:
    start = file.read(6)
    file.seek(0)
    if start.startswith((b"PK\3\4", b"PK\5\6")) or name.lower().endswith(".zip"):
        yield from _zipped(file, budget)
    elif name.lower().endswith(TARS):
        yield from _tarred(_Forward(_decompressed(file, start), budget))
    else:
        yield Entry(name.removesuffix(".gz"), lambda most: _whole(_decompressed(file, start), most, budget))


class _TooMuch(DataError):
    """More than what is read of one archive."""


class _Budget:
    """Bytes that may still be decompressed of one archive."""

    def __init__(self, left: int):
        self._left = self._all = left

    def spend(self, size: int) -> None:
        """Counts some bytes, and raises `_TooMuch` where there have been too many."""
        self._left -= size
        if self._left < 0:
            raise _TooMuch(f"more than {self._all >> 30} GB come out of it")


def _whole(file: Any, most: int, budget: _Budget | None = None) -> bytes:
    """All that can be read from a file.

    Raises:
        DataError: these are more than `most` bytes.
        _TooMuch: the archive's budget is spent.
    """
    content = io.BytesIO()  # which gives its bytes away, where a bytearray would copy them
    while chunk := file.read(min(_CHUNK, most + 1 - content.tell())):
        content.write(chunk)
        if budget:
            budget.spend(len(chunk))
        if content.tell() > most:
            raise DataError(too_large(most))
    return content.getvalue()


# Zip -------------------------------------------------------------------------------------------------


class _Listed:
    """The file of a zip, whose table of contents `zipfile` reads at once and as long as it claims to be, and of which
    it refuses all for one entry that asks for a later version than it knows."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Some bytes.

        Raises:
            _TooMuch: it is a table of contents that would take too much memory.
        """
        if size > MOST_DIRECTORY:
            raise _TooMuch(f"its table of contents is larger than {MOST_DIRECTORY >> 20} MB")
        data = self._file.read(size)
        if data.count(_ENTRY) > MOST_FILES:
            raise _TooMuch(f"it has more than {MOST_FILES:,} files")
        return _without_versions(data) if data.startswith(_ENTRY) else data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _without_versions(directory: bytes) -> bytes:
    """A table of contents that asks for no version: whether an entry can be read is found when it is."""
    changed, at = bytearray(directory), 0
    while directory.startswith(_ENTRY, at) and at + 46 <= len(directory):
        changed[at + 6 : at + 8] = bytes(2)
        at += 46 + sum(struct.unpack_from("<3H", directory, at + 28))
    return bytes(changed)


def _zipped(file: BinaryIO, budget: _Budget) -> Iterator[Entry]:
    with zipfile.ZipFile(_Listed(file)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield Entry(info.filename, lambda most, info=info: _unzipped(archive, info, most, budget))


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int, budget: _Budget) -> bytes:
    """The content of one file of a zip."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError("is a link in an archive; unpack the archive first")
    if info.flag_bits & 1:
        raise DataError("is encrypted; unpack the archive first")
    if info.compress_type not in _METHODS:
        method = f"is compressed by a method that is not supported ({info.compress_type})"
        raise DataError(f"{method}; unpack the archive first")
    with archive.open(info) as content:
        return _whole(content, most, budget)


# Tar and gzip ----------------------------------------------------------------------------------------


class _Forward:
    """A decompressed file, read forwards only.

    `tarfile` reads headers as long as they claim to be, and follows any number of them: `allowance` is what it may
    still read, set anew before each.
    """

    def __init__(self, file: Any, budget: _Budget):
        self._file = file
        self._budget = budget
        self._at = 0
        self.allowance = MOST_HEADERS
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            _TooMuch: they are more than allowed.
        """
        if not 0 <= size <= self.allowance:
            raise _TooMuch(f"a header is larger than {MOST_HEADERS >> 20} MB")
        self.allowance -= size
        self.last = self._take(size)
        return self.last

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        self._budget.spend(len(data))
        self._at += len(data)
        return data

    def seek(self, to: int) -> int:
        """Goes on to a position; raises `_TooMuch` where it lies behind."""
        if to < self._at:
            raise _TooMuch("a header points backwards")
        while self._at < to and self._take(min(_CHUNK, to - self._at)):
            pass
        return self._at

    def tell(self) -> int:
        """The position, in decompressed bytes."""
        return self._at


def _decompressed(file: BinaryIO, start: bytes) -> Any:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    return io.BufferedReader(_Xz(file), _CHUNK) if start == b"\xfd7zXZ\0" else file


def _tarred(stream: _Forward) -> Iterator[Entry]:
    archive = tarfile.TarFile(fileobj=stream, encoding="utf-8")  # type: ignore[arg-type]
    while (info := archive.next()) is not None:
        archive.members.clear()  # it keeps them all,
        archive.pax_headers.clear()  # and what is said of all files
        if not info.isdir():
            yield Entry(info.name.removeprefix("./"), lambda most, info=info: _untarred(archive, info, most, stream))
        stream.allowance = MOST_HEADERS
    if stream.last.strip(b"\0"):
        raise tarfile.ReadError("it is damaged there")  # `tarfile` takes a header that it cannot read for the end


def _untarred(archive: tarfile.TarFile, info: tarfile.TarInfo, most: int, stream: _Forward) -> bytes:
    """The content of one file of a tar."""
    if not info.isreg() or info.issparse():
        raise DataError("is a link, a device or a pipe in an archive; unpack the archive first")
    if info.size > most:
        raise DataError(too_large(most))
    stream.allowance = info.size
    return _whole(archive.extractfile(info), most)


class _Xz(io.RawIOBase):
    """A file compressed by xz, decompressed in a bounded dictionary: `lzma.open` takes as much memory as is asked."""

    def __init__(self, file: BinaryIO):
        super().__init__()
        self._file = file
        self._decoder = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_DICTIONARY)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes, 0 at the end."""
        data = b""
        while not data:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(b"\0") or self._file.read(_CHUNK).lstrip(b"\0")
                if not rest:
                    return 0
                self._decoder = self._new()
            else:
                rest = self._file.read(_CHUNK) if self._decoder.needs_input else b""
                if not rest and self._decoder.needs_input:
                    raise EOFError("it ends too early")
            data = self._decoder.decompress(rest, len(buffer))
        buffer[: len(data)] = data
        return len(data)
