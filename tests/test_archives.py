"""Folders and archives of every kind give the same files; what is wrong is a sentence; the rest is read."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from musicae import archives
from musicae.archives import Member, gunzip, members
from musicae.errors import DataError, Error

FILES = {"a.mid": b"tune", "deep/er/b.mid": bytes(range(256)) * 999, "empty.mid": b"", "notes.txt": b"no music"}
KINDS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MB = 2**20


def is_midi(name: str) -> bool:
    return name.endswith(".mid")


def read(source, most: int = 16 * MB) -> dict[str, bytes | str]:
    """Content, or problem, of the members that are MIDI files."""
    return {one.name: one.problem or one.content for one in members(source, is_midi, most)}


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    mode = {".tar": "w:", ".tgz": "w:gz"}.get(path.suffix, f"w:{path.suffix[1:]}")
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def packed(path: Path, files: dict[str, bytes]) -> Path:
    return (zipped if path.suffix == ".zip" else tarred)(path, files)


def header(name: str, size: int, kind: bytes, content: bytes = b"") -> bytes:
    """A header of a tar that claims a size, with some content in whole blocks."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No more memory than this is asked for at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def test_a_folder_and_archives_of_it_hold_the_same_files(tmp_path):
    for name, content in FILES.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    expected = {name: content for name, content in FILES.items() if is_midi(name)}
    assert read(tmp_path / "folder") == expected
    for kind in KINDS:
        path = packed(tmp_path / f"songs{kind}", FILES)
        assert archives.is_archive(path)
        assert read(path) == expected
    assert read((tmp_path / "songs.zip").read_bytes()) == expected
    (tmp_path / "really.zip").write_bytes((tmp_path / "songs.tar.gz").read_bytes())
    with pytest.raises(DataError, match="truncated or damaged"):
        read(tmp_path / "really.zip")


def test_one_file_is_its_own_only_member(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"tune")
    (tmp_path / "b.mid.gz").write_bytes(gzip.compress(b"tu") + gzip.compress(b"ne"))
    assert read(tmp_path / "a.mid") == {"a.mid": b"tune"}
    assert read(tmp_path / "b.mid.gz") == {"b.mid": b"tune"}
    assert read(tmp_path / "b.mid.gz", 3) == {"b.mid": "is larger than 0 MB, the limit"}
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "none")


def test_nothing_in_a_folder_is_dropped_silently(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    (tmp_path / "broken.mid").symlink_to("nowhere")
    (tmp_path / "elsewhere").symlink_to("/")
    (tmp_path / "large.mid").write_bytes(bytes(11))
    found = read(tmp_path, 10)
    assert set(found) == {"pipe.mid", "broken.mid", "elsewhere", "large.mid"}
    assert "a pipe" in found["pipe.mid"]
    assert "no such file" in found["broken.mid"]
    assert "a link to a folder" in found["elsewhere"]
    assert "the limit" in found["large.mid"]


def with_damage(path: Path, change) -> Path:
    """A zip of two files, the second of which is changed by its `ZipInfo` and the bytes of the archive."""
    zipped(path, {"a.mid": b"tune" * 99, "b.mid": b"song" * 99})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.infolist()[1].header_offset
        change(data, local, data.index(b"PK\1\2", archive.start_dir + 4))
    path.write_bytes(data)
    return path


def set_short(at_local: int, at_central: int, value: int):
    def change(data: bytearray, local: int, central: int) -> None:
        struct.pack_into("<H", data, local + at_local, value)
        struct.pack_into("<H", data, central + at_central, value)

    return change


def spoil(data: bytearray, local: int, central: int) -> None:
    data[local + 35] = 0xFF  # the kind of the first block of deflate: there is none such


def lie(data: bytearray, local: int, central: int) -> None:
    struct.pack_into("<I", data, central + 24, 7)  # bytes after decompression


def later(data: bytearray, local: int, central: int) -> None:
    data[central + 6] = 255  # the version of zip that is needed to read it
    data[local] = 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (set_short(6, 8, 1), "is encrypted"),
        (set_short(8, 10, 99), "by a method that is not supported (99)"),
        (set_short(8, 10, zipfile.ZIP_BZIP2), "by a method that is not supported (12)"),
        (set_short(6, 8, 0x20), "is damaged: compressed patched data"),
        (spoil, "is damaged: Error -3"),
        (lie, "is damaged: Bad CRC"),
        (later, "is damaged: Bad magic number"),
    ],
)
def test_a_damaged_file_in_a_zip_is_named_and_the_others_are_read(tmp_path, change, problem):
    found = read(with_damage(tmp_path / "songs.zip", change))
    assert found["a.mid"] == b"tune" * 99
    assert problem in found["b.mid"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_decompresses_to_too_much_is_not_held(tmp_path, kind):
    path = packed(tmp_path / f"bomb{kind}", {"bomb.mid": bytes(40 * MB), "a.mid": b"tune"})
    with at_most(40 * MB):
        found = read(path)
    assert found == {"bomb.mid": "is larger than 16 MB, the limit", "a.mid": b"tune"}


def test_one_file_at_a_time_is_held(tmp_path):
    path = zipped(tmp_path / "many.zip", {f"{i}.mid": bytes(8 * MB) for i in range(12)})
    with at_most(40 * MB):
        assert sum(len(one.content) for one in members(path, is_midi)) == 96 * MB


def test_an_archive_gives_a_bounded_number_of_files_and_bytes(tmp_path, monkeypatch):
    files = {f"{i}.mid": bytes(1000) for i in range(20)}
    monkeypatch.setattr(archives, "MOST_TIMES", 0)
    for kind in KINDS:
        path = packed(tmp_path / f"songs{kind}", files)
        with monkeypatch.context() as patch:
            patch.setattr(archives, "MOST_DECOMPRESSED", 15_500)
            found = read(path)
            assert 5 < len(found) < 18
            assert "beyond" in found[path.name]
        with monkeypatch.context() as patch:
            patch.setattr(archives, "MOST_FILES", 10)
            if kind == ".zip":
                with pytest.raises(DataError, match="more than 10 files"):
                    read(path)
            else:
                found = read(path)
                assert len(found) == 11
                assert "beyond 9.mid (it has more than 10 files" in found[path.name]


def test_a_table_of_contents_is_bounded(tmp_path, monkeypatch):
    path = zipped(tmp_path / "songs.zip", FILES)
    monkeypatch.setattr(archives, "MOST_DIRECTORY", 100)
    with pytest.raises(DataError, match="table of contents"):
        read(path)


GOOD = header("a.mid", 4, tarfile.REGTYPE, b"tune")
END = bytes(1024)
SPARSE_BLOCK = (b"%011o\0%011o\0" % (1, 1)) * 21 + b"\1" + bytes(7)


@pytest.mark.parametrize(
    "hostile",
    [
        header("long", 2**33 - 1, tarfile.GNUTYPE_LONGNAME, bytes(2**23)),
        header("pax", 2**33 - 1, tarfile.XHDTYPE, bytes(2**23)),
        header("all", 2**33 - 1, tarfile.XGLTYPE, bytes(2**23)),
        header("nested", 4, tarfile.XHDTYPE, b"tune") * 5000,
        header("sparse.mid", 4, tarfile.GNUTYPE_SPARSE)[:482] + b"\1" + bytes(29) + SPARSE_BLOCK * 20_000,
    ],
)
def test_headers_of_a_tar_are_bounded(tmp_path, hostile):
    (tmp_path / "songs.tar.gz").write_bytes(gzip.compress(GOOD + hostile + GOOD + END, 1))
    with at_most(8 * MB):
        found = read(tmp_path / "songs.tar.gz")
    assert found.pop("a.mid") == b"tune"
    assert "beyond a.mid" in found.pop("songs.tar.gz")
    assert not found


def test_what_is_no_file_in_an_archive_is_not_read(tmp_path):
    with tarfile.open(tmp_path / "songs.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE):
            info = tarfile.TarInfo(f"{kind.decode()}.mid")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    with zipfile.ZipFile(tmp_path / "songs.zip", "w") as zip_archive:
        link = zipfile.ZipInfo("link.mid")
        link.external_attr = 0o120777 << 16
        zip_archive.writestr(link, "/etc/passwd")
    for path, number in ((tmp_path / "songs.tar", 5), (tmp_path / "songs.zip", 1)):
        found = read(path)
        assert len(found) == number
        assert all("is a link" in str(problem) for problem in found.values())


def test_an_archive_that_breaks_off_says_so(tmp_path):
    files = {f"{i}.mid": random.Random(i).randbytes(3000) for i in range(9)}
    for kind in (".tar", ".tar.gz", ".tar.xz"):
        path = tarred(tmp_path / f"songs{kind}", files)
        path.write_bytes(path.read_bytes()[: -path.stat().st_size // 2])
        found = list(members(path, is_midi))
        assert found[:2] == [Member(f"{i}.mid", files[f"{i}.mid"]) for i in range(2)]
        assert "is truncated or damaged beyond" in found[-1].problem
    data = bytearray(tarred(tmp_path / "songs.tar", files).read_bytes())
    data[3584] ^= 1  # the name of the second file: the checksum of its header is wrong
    (tmp_path / "songs.tar").write_bytes(data)
    assert list(members(tmp_path / "songs.tar", is_midi))[1].problem.startswith("is truncated or damaged beyond 0.mid")


def test_xz_takes_no_more_memory_than_it_may(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    with lzma.open(tmp_path / "songs.tar.xz", "w", filters=filters) as file:
        file.write(GOOD + END)
    with pytest.raises(DataError, match="Memory usage limit"):
        read(tmp_path / "songs.tar.xz")
    two = lzma.compress(GOOD) + bytes(8) + lzma.compress(GOOD.replace(b"tune", b"song") + END)
    (tmp_path / "songs.tar.xz").write_bytes(two)
    assert [one.content for one in members(tmp_path / "songs.tar.xz", is_midi)] == [b"tune", b"song"]


def test_gunzip_is_bounded():
    assert gunzip(gzip.compress(b"tune"), 4) == b"tune"
    bomb = gzip.compress(bytes(64 * MB))
    with at_most(8 * MB), pytest.raises(DataError, match="larger than 1 MB"):
        gunzip(bomb, MB)
    with pytest.raises(DataError, match="damaged"):
        gunzip(gzip.compress(b"tune")[:-4], 4)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, left out or repeated, and maybe cut."""
    changed = bytearray(data)
    for _ in range(chance.choices((1, 1, 2, 8))[0]):
        at = chance.randrange(len(changed))
        kind = chance.randrange(4)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            changed[at : at + 4] = chance.choices((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\x80" * 4))[0]
        elif kind == 2:
            del changed[at : at + chance.randrange(1, 40)]
        else:
            changed[at:at] = changed[: chance.randrange(1, 200)]
    return bytes(changed)


def test_no_damage_is_anything_but_a_sentence(tmp_path):
    for kind in (*KINDS, ".gz"):
        whole = packed(tmp_path / f"a{kind}", FILES).read_bytes() if kind != ".gz" else gzip.compress(b"tune" * 99)
        for seed in range(60):
            path = tmp_path / f"songs.mid{kind}"
            path.write_bytes(mutated(whole, random.Random(seed)))
            with suppress(Error):
                assert not any("\n" in one.problem for one in members(path, is_midi))
