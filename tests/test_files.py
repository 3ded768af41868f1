"""Files are written as a whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from musicae.errors import Error, FileError
from musicae.files import read_file, write_atomically


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "a.bin", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(Error, match="No space left"):
            write_atomically(path, b"new", force=True)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
    with pytest.raises(Error, match="cannot be written"):
        write_atomically(path / "b", b"new")


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    modes = {Path(p).stat().st_mode for p in (tmp_path / "plain", write_atomically(tmp_path / "b", b""))}
    assert len(modes) == 1


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "link", "zero"):
        with pytest.raises(FileError, match="a device or a pipe"):
            read_file(tmp_path / name)
    with pytest.raises(FileError, match="a folder"):
        read_file(tmp_path)
    with pytest.raises(FileError, match="no such file"):
        read_file(tmp_path / "none")
    with pytest.raises(FileError, match="cannot be opened"):
        read_file("nul\0")


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 100_000])
def test_a_file_is_read_up_to_the_limit(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_file(tmp_path / "link", size) == data
    with pytest.raises(FileError, match="the limit"):
        read_file(tmp_path / "a", size - 1)


def test_a_dash_is_the_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"music")))
    assert read_file("-") == b"music"
