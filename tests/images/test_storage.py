from __future__ import annotations

from pathlib import Path

import pytest

from images.making import GREY, archived, write_mnist
from musicae.errors import DataError
from musicae.images.datasets import open_pictures
from musicae.images.storage import Storage


@pytest.mark.parametrize("kind", ["", ".tar.gz", ".zip"])
def test_a_folder_and_an_archive_of_it_hold_the_same_files(tmp_path, kind):
    arrays = write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / ".hidden").write_text("no data")
    storage = Storage(archived(tmp_path / "mnist", kind) if kind else tmp_path / "mnist")
    assert [Path(name).name for name in storage.names] == sorted(arrays)
    wanted = [name for name in storage.names if "t10k" in name]
    files = {Path(name).name: data for name, data in storage.read([*wanted, "nowhere"])}
    assert len(files) == len(wanted) == 2
    assert all(data == (tmp_path / "mnist" / name).read_bytes() for name, data in files.items())


def test_a_file_on_its_own_is_a_storage_of_one(tmp_path):
    (tmp_path / "one.bin").write_bytes(b"content")
    storage = Storage(tmp_path / "one.bin")
    assert list(storage.read(storage.names)) == [("one.bin", b"content")]
    with pytest.raises(DataError, match="no such file or folder"):
        Storage(tmp_path / "nowhere")


def test_a_damaged_archive_is_refused(tmp_path):
    write_mnist(tmp_path / "mnist", zipped=True)
    for kind in (".tar.gz", ".zip"):
        path = archived(tmp_path / "mnist", kind)
        path.write_bytes(path.read_bytes()[:-1200])
        with pytest.raises(DataError, match="truncated or damaged"):
            open_pictures(path, GREY)
    (tmp_path / "pictures.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DataError, match="truncated or damaged"):
        open_pictures(tmp_path / "pictures.npz", GREY)
