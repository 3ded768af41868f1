"""The state of a run on disk: written with a checksum, the one before it kept; and the lock of its folder."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from filelock import FileLock, Timeout

from musicae.core.data import Examples
from musicae.core.settings import Training
from musicae.errors import CheckpointError, Error
from musicae.files import open_file, write_atomically

STATE, PREVIOUS, LOCK = "state.pt", "state.previous.pt", ".lock"
MARK = b"\nmusicae sha256 "  # and the digest of all before it, at the end of the file
TAIL = len(MARK) + hashlib.sha256().digest_size
END_OF_ZIP = b"PK\5\6"  # of a file of torch: begins its last 22 bytes
BLOCK = 2**20
COMPARED = 64  # examples by which data are recognised


def write_state(folder: Path, content: dict[str, Any]) -> None:
    """Write the state of a run; the one that was there is kept beside it.

    Raises:
        Error: it cannot be written, as on a full disk; then the one that was there stays.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).digest()
    buffer.seek(0, io.SEEK_END)
    buffer.write(MARK + digest)
    _keep(folder)
    write_atomically(folder / STATE, buffer.getbuffer(), force=True)


def read_state(folder: Path) -> tuple[dict[str, Any], str]:
    """The state of a run, or the one before it where that is damaged; and a sentence that says so, or nothing.

    Nothing is unpickled but tensors, numbers and text.

    Raises:
        CheckpointError: there is none, or both are damaged.
    """
    path, previous = folder / STATE, folder / PREVIOUS
    if not path.exists() and not previous.exists():
        raise CheckpointError(f"{path}: nothing to resume here; train without --resume first")
    try:
        return _verified(path), ""
    except CheckpointError as error:
        if not previous.exists():
            raise CheckpointError(f"{error}; start anew with --force") from error
        content = _verified(previous)
        return content, f"{error}: going on from the state before it, of step {content.get('step')}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder of a run, made if it is missing, in which nobody else trains meanwhile.

    Raises:
        Error: another process trains there, or it cannot be written to.
    """
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise Error(f"{folder} is a file: name a folder with --out") from None
    except OSError as error:
        raise Error(f"{folder} cannot be written: {error.strerror or error}; name another --out") from None
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Error(f"{folder}: another process trains there; wait for it, or name another --out") from None
    except (OSError, NotImplementedError) as error:  # a file system without locks
        if not os.access(folder, os.W_OK):
            raise Error(f"{folder} cannot be written: {error}; name another --out") from None
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # something is in it
            for made in new:
                made.rmdir()


def begun_with(objective: Any, settings: Training, examples: tuple[Examples, Examples]) -> dict[str, str]:
    """What a run is begun with, by name and in short: its settings, how many examples, and which to validate by."""
    train, validation = examples
    some = validation.batch(np.arange(min(len(validation), COMPARED))).x
    chosen = {name: repr(value) for name, value in vars(settings).items()}
    return chosen | {
        "objective": repr(objective) if is_dataclass(objective) else type(objective).__name__,
        "training examples": f"{len(train):,}",
        "validation examples": f"{len(validation):,}",
        "the data": hashlib.sha256(some.contiguous().numpy().tobytes()).hexdigest()[:8],
    }


def differences(before: Any, now: dict[str, str]) -> str:
    """A sentence on what a run is resumed with that it was not begun with; empty if nothing, or nothing is known."""
    before = before if isinstance(before, dict) else {}
    changed = [f"{name} {before[name]}, now {value}" for name, value in now.items() if before.get(name, value) != value]
    return f"not as the run was begun: {'; '.join(changed)}" if changed else ""


def _keep(folder: Path) -> None:
    """Give the state that will be replaced a second name."""
    beside = folder / f".{PREVIOUS}.part"
    try:
        beside.unlink(missing_ok=True)
        if not (folder / STATE).exists():
            return
        try:
            os.link(folder / STATE, beside)
        except OSError:  # a file system without links
            shutil.copyfile(folder / STATE, beside)
        beside.replace(folder / PREVIOUS)
    except OSError as error:
        raise Error(f"{folder / PREVIOUS} cannot be written: {error.strerror or error}") from None


def _verified(path: Path) -> dict[str, Any]:
    """The content of a state.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        with open_file(path) as file:
            _check(file, path.stat().st_size)
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch answers a damaged file with whatever it stumbles over
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{path} is damaged ({reason})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is damaged (it is no state)")
    return content


def _check(file: BinaryIO, size: int) -> None:
    """Compare the bytes with their checksum; of older versions, with those of torch.

    Raises:
        ValueError: they differ.
    """
    file.seek(max(size - TAIL, 0))
    end = file.read(TAIL)
    if end[-22:].startswith(END_OF_ZIP):
        if zipfile.ZipFile(file).testzip() is not None:
            raise ValueError("its bytes do not have their checksum")
        return
    digest, left = hashlib.sha256(), max(size - TAIL, 0)
    file.seek(0)
    while block := file.read(min(left, BLOCK)):
        digest.update(block)
        left -= len(block)
    if end != MARK + digest.digest():
        raise ValueError("its bytes do not have their checksum")
