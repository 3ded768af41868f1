"""A corpus that is damaged, or that lies, is refused in one line."""

from __future__ import annotations

import json
import os
import random
import shutil
from contextlib import suppress

import numpy as np
import pytest

from musicae.errors import DataError
from musicae.music.data.corpus import SPLITS, Corpus, build
from musicae.music.data.index import check_values
from musicae.music.representations import Groove, Melody, Pianoroll

INDEX = "index.json"


@pytest.fixture
def whole(folder, tmp_path):
    """A corpus of its own for each test."""
    build(folder, Melody(), tmp_path / "corpus", fractions=(0.6, 0.2, 0.2), workers=1)
    return tmp_path / "corpus"


def change(path, **fields) -> None:
    """Changes fields of the index; None removes one."""
    index = json.loads((path / INDEX).read_text()) | fields
    (path / INDEX).write_text(json.dumps({name: value for name, value in index.items() if value is not None}))


@pytest.mark.parametrize("name", [f"{split}{of}.npy" for split in SPLITS for of in ("", "_song")])
def test_a_changed_bit_is_noticed(whole, name):
    data = bytearray((whole / name).read_bytes())
    data[-1] ^= 1
    (whole / name).write_bytes(data)
    with pytest.raises(DataError, match=rf"^[^\n]*is not a corpus \({name} is damaged: its checksum[^\n]*$"):
        Corpus.open(whole)


def test_a_corpus_of_an_earlier_version_opens(whole):
    expected = Corpus.open(whole)
    change(whole, checksums=None, first_skipped=None, songs_with_split=None)
    opened = Corpus.open(whole)
    assert np.array_equal(opened.train, expected.train)
    assert "Files skipped: 1" in opened.report()


@pytest.mark.parametrize(
    "fields",
    [
        {"songs": None},
        {"songs": 7},
        {"songs": [7]},
        {"songs": []},
        {"skipped": []},
        {"skipped": {"a": "b"}},
        {"windows": {"train": 1}},
        {"windows": dict.fromkeys(SPLITS, -1)},
        {"windows": dict.fromkeys(SPLITS, 1)},
        {"windows": dict.fromkeys(SPLITS, 1e300)},
        {"duplicates": True},
        {"sources": {"a": 1}},
        {"checksums": [1]},
        {"checksums": {"train.npy": 1}},
        {"quarters_per_minute": ["fast"]},
        {"quarters_per_minute": [float("nan")]},
        {"songs_with_split": "none"},
    ],
)
def test_an_index_of_other_types_is_refused(whole, fields):
    change(whole, **fields)
    with pytest.raises(DataError, match=r"^[^\n]*is not a corpus \([^\n]*$"):
        Corpus.open(whole)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{", b"[" * 10**5, b'{"a":' * 10**5, b"\xff", b"9" * 10**5])
def test_an_index_that_is_none_is_refused(whole, text):
    (whole / INDEX).write_bytes(text)
    with pytest.raises(DataError, match=r"^[^\n]*is not a corpus \([^\n]*$"):
        Corpus.open(whole)


def test_arrays_that_do_not_fit_are_refused(whole):
    count = Corpus.open(whole).index["windows"]["test"]
    for name, array in {
        "test.npy": np.zeros((count, 33), np.uint8),
        "test_song.npy": np.full(count, 10**6, np.int32),
        "train_song.npy": np.zeros((3, 3), np.int32),
        "validation.npy": np.zeros((1, 32), np.uint8),
        "train.npy": np.array("words"),
    }.items():
        shutil.copytree(whole, whole.parent / name)
        np.save(whole.parent / name / name, array)
        change(whole.parent / name, checksums=None)
        with pytest.raises(DataError, match=r"^[^\n]*is not a corpus \([^\n]*damaged[^\n]*$"):
            Corpus.open(whole.parent / name)


def test_a_pipe_is_no_array(whole):
    (whole / "train.npy").unlink()
    os.mkfifo(whole / "train.npy")
    with pytest.raises(DataError, match="a pipe"):
        Corpus.open(whole)


def test_values_that_mean_nothing_are_refused(whole):
    opened = Corpus.open(whole)
    opened.check(Melody())
    for other in (Melody(steps=16), Groove()):
        with pytest.raises(DataError, match=r"train\.npy is damaged"):
            opened.check(other)
    for kind, value in ((Melody(), 200), (Pianoroll(), 2), (Groove(), np.nan)):
        windows = np.zeros((9, *kind.shape), kind.dtype)
        check_values(windows, kind, "train")
        windows[7].flat[5] = value
        with pytest.raises(DataError, match="values that mean nothing"):
            check_values(windows, kind, "train")


def test_no_damage_is_anything_but_a_data_error(whole):
    change(whole, checksums=None)
    files = {path: path.read_bytes() for path in whole.iterdir()}
    for seed in range(300):
        rng = random.Random(seed)
        path = rng.choices(sorted(files))[0]
        changed = bytearray(files[path])
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(min(len(changed), 400))] = rng.randrange(256)
        path.write_bytes(changed)
        with suppress(DataError):
            Corpus.open(whole).report()
        path.write_bytes(files[path])
