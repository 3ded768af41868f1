"""Reference data that is not part of the repository: tests that need it skip where it is not beside the checkout."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
PARITY = SHARED / "parity"
CONVERSION = PARITY / "conversion"
needs_parity = pytest.mark.skipif(not PARITY.is_dir(), reason="the reference data is not beside this checkout")


@cache
def _midi_files(archive: str) -> dict[str, bytes]:
    """The MIDI files of an archive in `shared/data`, by name."""
    with tarfile.open(SHARED / "data" / archive) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.name.endswith(".mid")}


def midi_file(path: str, archive: str) -> bytes:
    """The one whose name ends so."""
    files = _midi_files(archive)
    return next(files[name] for name in files if name.removeprefix("./").endswith(path))
