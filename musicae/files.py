"""Files: none but ordinary ones are read, and not without end; what is written is never met half done."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from musicae.errors import Error, FileError

MOST_BYTES = 16 * 2**20  # of one file of music, a picture or settings; archives and weights have limits of their own
STDIN = "-"
_MOSTLY = 2**16  # bytes that hold most files: allocating MOST_BYTES for each would take longer than reading it


def open_file(path: str | Path) -> BinaryIO:
    """An ordinary file, open for reading in binary; links to ordinary files are followed.

    Raises:
        FileError: there is none, or it is a folder, a device, a FIFO or a socket (which might never end, or never
            begin), or it cannot be opened.
    """
    try:
        # Without O_NONBLOCK, to open a FIFO waits for who writes to it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise FileError(path, "there is no such file") from None
    except (OSError, ValueError) as error:
        if Path(path).is_dir():
            raise FileError(path, "is a folder; name a file in it") from None
        raise FileError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise FileError(path, "is a folder; name a file in it")
    raise FileError(path, "is a device or a pipe, not a file; save its content to a file first, or pipe it to -")


def read_file(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """The content of an ordinary file, or of the standard input for `-`.

    Args:
        path: the file.
        most: bytes.

    Raises:
        FileError: as `open_file`; or it has more than `most` bytes.
    """
    try:
        if str(path) == STDIN:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with open_file(path) as file:
                data = file.read(_MOSTLY)
                data = data if len(data) < _MOSTLY else data + file.read(max(most + 1 - _MOSTLY, 0))
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror or error}") from None
    if len(data) > most:
        raise FileError(path, f"is larger than {most >> 20} MB, the limit")
    return data


def write_atomically(path: str | Path, data: bytes, force: bool = False) -> Path:
    """Writes `data` beside `path` and renames it there; folders on the way are made.

    Args:
        path: the file to write.
        data: its whole content.
        force: replace an existing file.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    path = Path(path)
    if not force and os.path.lexists(path):
        raise Error(f"{path} exists: choose another name or overwrite it with --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_and_rename(path, data)
    except OSError as error:
        raise Error(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def _write_and_rename(path: Path, data: bytes) -> None:
    handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(_permissions(path))
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _permissions(path: Path) -> int:
    """Those of the file that is replaced, or what a new file would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
