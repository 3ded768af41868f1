"""Files: none but ordinary ones are read, and not without end; what is written is never met half done."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, NamedTuple

from musicae.errors import Error, FileError

MOST_BYTES = 16 * 2**20  # of one file of music, a picture or settings; archives and weights have limits of their own
STDIN = "-"
MOST_CHARACTERS = 60  # of a name that somebody else chose
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{kind}{i}" for kind in ("COM", "LPT") for i in range(1, 10))}
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
        raise FileError(path, too_large(most))
    return data


def too_large(most: int) -> str:
    """What is wrong with a file of more than `most` bytes."""
    return f"is larger than {most >> 20} MB, the limit"


def name_of(path: str | Path) -> str:
    """The name of a file without its suffix, to name others after it."""
    return "stdin" if str(path) == STDIN else Path(path).stem


def title_of(path: str | Path) -> str:
    """What a file is called in what is shown."""
    return "stdin" if str(path) == STDIN else Path(path).name


def safe_name(name: str) -> str:
    """A name that somebody else chose, as that of a file: no path, not hidden, no option, allowed on any system."""
    name = re.sub(r"[^\w .+-]|\.(?=\.)", "_", name).lstrip(".- ").rstrip(". ")[:MOST_CHARACTERS]
    return f"_{name}" if not name or name.partition(".")[0].upper() in _RESERVED else name


def check_target(path: str | Path, force: bool = False) -> Path:
    """Refuses a path that could not be written in the end, before the work.

    Args:
        path: the file to write.
        force: replace an existing file.

    Returns:
        Where it will be written: the path, or what it links to.

    Raises:
        Error: the file exists and `force` is off; it is read-only, a folder or a device; or it has no folder that can
            be written to.
    """
    path = Path(path)
    if not force and os.path.lexists(path):
        raise Error(f"{path} exists: choose another name or overwrite it with --force")
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        mode = _mode(target)
        folder = next((one for one in target.parents if one.exists()), None)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    if mode is not None and not stat.S_ISREG(mode):
        raise Error(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'a device or a pipe'}: name a file to write")
    if mode is not None and not mode & 0o222:
        raise Error(f"{path} is read-only: choose another name, or make it writable first")
    if folder is None or not os.access(folder, os.W_OK | os.X_OK):
        raise Error(f"{path} cannot be written: no permission to write in {folder}; choose another folder")
    return target


def identities(paths: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """The files that there are, each under what is the same for all of its names."""
    return {key: path for path in paths if (key := _identity(path))}


def refuse_input(target: Path, inputs: Mapping[tuple[int, int], Path]) -> None:
    """Refuses to write onto what is read, by whatever name.

    Args:
        target: what would be written.
        inputs: the `identities` of what is read.

    Raises:
        Error: the target is one of the inputs.
    """
    if inputs and (key := _identity(target)) in inputs:
        raise Error(f"{target} is an input of this command, {inputs[key]}: choose another name with --out")


@contextmanager
def together() -> Iterator[None]:
    """Files that are written inside appear at its end: all of them, or after an error or an interruption none.

    Until then each lies beside its place under a hidden name; those that are replaced are restored if one fails.
    """
    if _current.get() is not None:  # a part of a larger whole
        yield
        return
    transaction = _Transaction()
    token = _current.set(transaction)
    try:
        yield
        transaction.commit()
    finally:
        _current.reset(token)
        transaction.close()


def write_atomically(path: str | Path, data: bytes, force: bool = False) -> Path:
    """Writes a file, which is never met half done; folders on the way are made. Inside `together` it appears at the
    end.

    Of several processes that write a new file at the same time, one succeeds.

    Args:
        path: the file to write; of a link what it links to.
        data: its whole content.
        force: replace an existing file, whose permissions are kept.

    Raises:
        Error: see `check_target`; or it cannot be written.
    """
    path = Path(path)
    with together():
        _current.get().stage(path, data, force)
    return path


class _Staged(NamedTuple):
    """A file on its way: the path as it was given, where it goes, where it lies until then."""

    path: Path
    target: Path
    part: Path
    force: bool


class _Transaction:
    """Files that lie beside their places until all of them are whole."""

    def __init__(self):
        self._staged: list[_Staged] = []
        self._targets: set[Path] = set()
        self._folders: list[Path] = []  # made on the way
        self._published: list[tuple[Path, Path | None]] = []  # and what was there before
        self._done = False

    def stage(self, path: Path, data: bytes, force: bool) -> None:
        """Write a file under a hidden name."""
        target = check_target(path, force)
        if target in self._targets:
            raise Error(f"{path} would be written twice: choose other names with --out")
        one = _Staged(path, target, _beside(target, "part"), force)
        self._targets.add(target)
        self._staged.append(one)
        try:
            self._make_folders(target.parent)
            _write(one.part, data)
            if (mode := _mode(target)) is not None:
                one.part.chmod(stat.S_IMODE(mode))
        except OSError as error:
            raise _unwritable(path, error) from None

    def commit(self) -> None:
        """Move all files to their places; what was done so far is undone if one fails."""
        try:
            for one in self._staged:
                try:
                    self._publish(one)
                except FileExistsError:
                    check_target(one.path)
                    raise
                except OSError as error:
                    raise _unwritable(one.path, error) from None
        except BaseException:
            self._undo()
            raise
        self._done = True
        for folder in {one.target.parent for one in self._staged}:
            _sync(folder)

    def close(self) -> None:
        """Remove what has no place, and after a failure the folders that were made."""
        for one in self._staged:
            one.part.unlink(missing_ok=True)
        for _, before in self._published:
            if before is not None:
                before.unlink(missing_ok=True)
        for folder in [] if self._done else reversed(self._folders):
            with suppress(OSError):  # it has something else in it by now
                folder.rmdir()

    def _make_folders(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            self._folders.append(one)

    def _publish(self, one: _Staged) -> None:
        if not one.force:
            _create(one.part, one.target)
            self._published.append((one.target, None))
        elif not one.target.exists():
            one.part.replace(one.target)
            self._published.append((one.target, None))
        elif len(self._staged) == 1:
            one.part.replace(one.target)
        else:
            before = _beside(one.target, "old")
            self._published.append((one.target, before))
            _keep(one.target, before)
            one.part.replace(one.target)

    def _undo(self) -> None:
        for target, before in reversed(self._published):
            if before is None:
                target.unlink(missing_ok=True)
            else:
                with suppress(FileNotFoundError):  # it was not even kept
                    before.replace(target)
                    before.unlink(missing_ok=True)  # two names of one file are not renamed to one
        self._published.clear()


_current: ContextVar[_Transaction | None] = ContextVar("transaction", default=None)


def _beside(target: Path, suffix: str) -> Path:
    """A hidden name that begins as the target's, as far as a name may be long."""
    begin = os.fsencode(target.name)[:100].decode(errors="ignore")
    return target.with_name(f".{begin}.{secrets.token_hex(8)}.{suffix}")


def _write(path: Path, data: bytes) -> None:
    """Write a new file to the disk, with the usual permissions."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _create(part: Path, target: Path) -> None:
    """Give a file its name, if nothing has it.

    Raises:
        FileExistsError: something has.
    """
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        part.replace(target)


def _keep(target: Path, before: Path) -> None:
    """Give a file that will be replaced a second name."""
    try:
        os.link(target, before)
    except OSError:  # a file system without links
        target.rename(before)


def _sync(folder: Path) -> None:
    """Write the names in a folder to the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _mode(path: Path) -> int | None:
    """Kind and permissions of a file; None if there is none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for all names of a file; None if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _unwritable(path: Path, error: Exception) -> Error:
    return Error(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}")
