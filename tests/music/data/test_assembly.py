"""Windows in files to arrays: held-out windows that an earlier split has are left out, whatever the songs."""

from __future__ import annotations

import tracemalloc
from contextlib import closing

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.music.data.assembly import Shards, write_arrays
from musicae.music.data.extraction import Batch, Extracted, batches
from musicae.music.data.sources import SPLITS, Piece
from musicae.music.representations import Melody

MELODY = Melody(steps=4)


def sharded(folder, songs: list[np.ndarray], hashes: list[np.ndarray]) -> list[Extracted]:
    """Songs as `extract_batch` writes them, three to a file."""
    found = []
    for i, (windows, its_hashes) in enumerate(zip(songs, hashes, strict=True)):
        with (folder / str(i - i % 3)).open("ab") as file:
            found.append(Extracted("s", str(i), i, count=len(windows), shard=i - i % 3, start=file.tell()))
            file.write(windows.tobytes() + its_hashes.tobytes())
    return found


songs_of_hashes = st.lists(
    st.tuples(st.sampled_from(SPLITS), st.lists(st.integers(0, 9), min_size=1, max_size=5)), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(songs_of_hashes)
def test_no_window_is_in_two_splits(tmp_path_factory, songs):
    """Each window holds the number of which it has the hash."""
    folder = tmp_path_factory.mktemp("shards")
    splits = [split for split, _ in songs]
    windows = [np.repeat(np.array(numbers, np.uint8)[:, None], 4, 1) for _, numbers in songs]
    found = sharded(folder, windows, [np.array(numbers, np.uint64) << np.uint64(60) for _, numbers in songs])
    with closing(Shards(folder, MELODY)) as shards:
        counts, duplicates, checksums = write_arrays(folder, shards, found, splits)
    expected, seen = {}, set()
    for split in SPLITS:
        rows = [(n, i) for i, (one, numbers) in enumerate(songs) if one == split for n in numbers]
        expected[split] = [row for row in rows if row[0] not in seen]
        seen |= {n for n, _ in rows}
    for split in SPLITS:
        array, song = np.load(folder / f"{split}.npy"), np.load(folder / f"{split}_song.npy")
        assert array.shape == (counts[split], 4)
        assert list(zip(array[:, 0].tolist(), song.tolist(), strict=True)) == expected[split]
    assert duplicates == sum(len(numbers) for _, numbers in songs) - sum(counts.values())
    assert len(checksums) == 6


def test_memory_does_not_grow_with_the_windows(tmp_path):
    melody = Melody(steps=1024)
    songs = [np.full((64, 1024), i, np.uint8) for i in range(100)]
    found = sharded(tmp_path, songs, [np.arange(64, dtype=np.uint64) + 64 * i for i in range(100)])
    del songs
    shards = Shards(tmp_path, melody)
    tracemalloc.start()
    counts, *_ = write_arrays(tmp_path, shards, found, ["train"] * 80 + ["validation"] * 10 + ["test"] * 10)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    shards.close()
    assert counts == {"train": 5120, "validation": 640, "test": 640}


def test_batches_are_bounded():
    small, large = Piece("s", "a", b"1"), Piece("s", "b", bytes(2**20))
    sizes = [len(batch.pieces) for batch in batches([small] * 70 + [large] * 3 + [small])]
    assert sizes == [32, 32, 7, 1, 1, 1]
    firsts = [batch.first for batch in batches([small] * 70)]
    assert firsts == [0, 32, 64]
    assert Batch(0, [large, small]).size == 2**20 + 1
