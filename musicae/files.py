"""Writing files so that nobody ever meets half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from musicae.errors import Error


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
