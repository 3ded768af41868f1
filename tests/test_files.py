"""Files are written as a whole or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.errors import Error, FileError
from musicae.files import read_file, safe_name, together, write_atomically


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


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    for name in (255 * "n", 63 * "𝄞"):
        assert write_atomically(tmp_path / name, b"music").read_bytes() == b"music"
    with pytest.raises(Error, match="too long"):
        write_atomically(tmp_path / (256 * "n"), b"")


def test_permissions_and_links_stay(tmp_path):
    path = write_atomically(tmp_path / "a", b"old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(Error, match="exists"):
        write_atomically(tmp_path / "link", b"new")
    write_atomically(tmp_path / "link", b"new", force=True)
    assert (tmp_path / "link").is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    path.chmod(0o440)
    with pytest.raises(Error, match="read-only"):
        write_atomically(path, b"newer", force=True)


def test_what_is_no_file_is_not_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/full")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/full", tmp_path):
        with pytest.raises(Error, match="name a file to write"):
            write_atomically(path, b"music", force=True)


def write_all(paths: list[Path]) -> None:
    with together():
        for path in paths:
            write_atomically(path, b"new", force=True)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("failing", [Error("no"), KeyboardInterrupt()])
def test_files_appear_together_or_not_at_all(tmp_path, force, failing):
    write_atomically(tmp_path / "old", b"old")
    before = snapshot(tmp_path)
    targets = [tmp_path / "a", tmp_path / "new/folder/b", *[tmp_path / "old"] * force]

    def failing_at_the_end():
        with together():
            for target in targets:
                write_atomically(target, b"new", force)
            assert before.items() <= snapshot(tmp_path).items()
            raise failing

    with pytest.raises(type(failing)):
        failing_at_the_end()
    assert snapshot(tmp_path) == before
    with together(), together():
        write_atomically(tmp_path / "a", b"a")
        write_atomically(tmp_path / "new/folder/b", b"b")
    assert snapshot(tmp_path) == before | {"a": b"a", "new": None, "new/folder": None, "new/folder/b": b"b"}


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("turn", range(3))
def test_what_fails_while_files_appear_is_undone(tmp_path, monkeypatch, linked, error, turn):
    for name in ("a", "b"):
        write_atomically(tmp_path / name, b"old")
    before = snapshot(tmp_path)
    replace, calls = Path.replace, []

    def fail_once(path, target):
        calls.append(path)
        if len(calls) == turn + 1:
            raise error
        return replace(path, target)

    if not linked:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "Operation not supported")))
    monkeypatch.setattr(Path, "replace", fail_once)
    with pytest.raises((Error, KeyboardInterrupt)):
        write_all([tmp_path / name for name in ("a", "new", "b")])
    assert snapshot(tmp_path) == before


def test_one_path_is_not_written_twice(tmp_path):
    with pytest.raises(Error, match="written twice"):
        write_all([tmp_path / "a", tmp_path / "a"])
    assert snapshot(tmp_path) == {}


RACE = """
import sys
from musicae.errors import Error
from musicae.files import write_atomically
print("ready", flush=True)
won = []
for name in sys.stdin.read().split():
    try:
        write_atomically(name, str(sys.argv[1]).encode())
        won.append(name)
    except Error as error:
        assert "exists" in str(error), error
print(*won)
"""


@pytest.mark.parametrize("linked", [True, False])
def test_of_processes_that_write_one_new_file_one_succeeds(tmp_path, linked):
    names = [str(tmp_path / str(i)) for i in range(40)]
    code = RACE if linked else f"import os\ndel os.link\nos.link = lambda *_: os.stat('')\n{RACE}"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code, str(i)], **pipes) for i in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n".join(names))
        process.stdin.close()
    won = [process.stdout.read().split() for process in processes]
    for process in processes:
        process.stdout.close()
        assert process.wait() == 0
    assert sorted(won[0] + won[1]) == sorted(names)
    for i, paths in enumerate(won):
        assert {Path(path).read_text() for path in paths} <= {str(i)}
    assert len(list(tmp_path.iterdir())) == len(names)


@given(
    st.text() | st.sampled_from(["..", "a/../../b", "..\\x", "CON", "nul.mid", "-rf", ".hidden", "x. . ", 300 * "𝄞"])
)
def test_a_safe_name_is_a_file_anywhere(name):
    safe = safe_name(name)
    assert not set(safe) & set('/\\:*?"<>|\0\n\r\x1b\u202e')
    assert safe == Path(safe).name == PureWindowsPath(safe).name
    assert safe[0] not in ".-"
    assert safe[-1] not in ". "
    assert len(safe.encode()) <= 245
    assert safe_name(safe) == safe
    assert safe.partition(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}
