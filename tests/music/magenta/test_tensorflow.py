from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from bundles import proto, table, write_bundle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from shared import PARITY, needs_parity

from musicae.errors import CheckpointError
from musicae.music.magenta import open_checkpoint
from musicae.music.magenta.checkpoints import is_weight

WEIGHTS = {
    "decoder/output_projection/bias": np.arange(5, dtype=np.float32),
    "decoder/output_projection/kernel": np.arange(10, dtype=np.float32).reshape(2, 5),
    "encoder/mu/bias": np.full(3, 0.5, np.float32),
    "encoder/mu/kernel": np.eye(3, dtype=np.float32),
}
OPTIMISER = {
    "encoder/mu/bias/Adam": np.ones(3, np.float32),
    "encoder/mu/bias/Adam_1": np.ones(3, np.float32),
    "beta1_power": np.float32(0.9),
    "beta2_power": np.float32(0.9),
    "global_step": np.int64(1234),
}


def same(checkpoint, weights) -> bool:
    return set(checkpoint) == set(weights) and all(np.array_equal(checkpoint[name], weights[name]) for name in weights)


@pytest.fixture
def prefix(tmp_path):
    return write_bundle(tmp_path / "model.ckpt-1234", WEIGHTS | OPTIMISER)


@pytest.fixture
def archive(prefix, tmp_path):
    with tarfile.open(tmp_path / "model.tar", "w") as tar:
        for file in sorted(prefix.parent.glob("model.ckpt-*")):
            tar.add(file, f"somewhere/{file.name}")
        tar.add(prefix.with_name(prefix.name + ".index"), "somewhere/._model.ckpt-1234.index")
    return tmp_path / "model.tar"


def test_a_prefix_and_what_belongs_to_it(prefix):
    for path in (prefix, *prefix.parent.glob("model.ckpt-*"), prefix.with_name("model.ckpt-1234.meta"), prefix.parent):
        checkpoint = open_checkpoint(path)
        assert same(checkpoint, WEIGHTS)
        assert checkpoint.step == 1234
        assert checkpoint.shapes["decoder/output_projection/kernel"] == (2, 5)


def test_what_belongs_to_training_is_no_weight():
    assert not any(is_weight(name) for name in OPTIMISER)
    assert all(is_weight(name) for name in WEIGHTS)


def test_of_a_folder_the_last_step_is_taken_or_the_one_that_is_named(tmp_path):
    for step in (9, 10):
        write_bundle(tmp_path / f"model.ckpt-{step}", {"global_step": np.int64(step)})
    assert open_checkpoint(tmp_path).step == 10
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-9"\nall_model...: "x"\n')
    assert open_checkpoint(tmp_path).step == 9
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-8"\n')
    assert open_checkpoint(tmp_path).step == 10


def test_the_folder_of_a_run(tmp_path):
    (tmp_path / "train").mkdir()
    write_bundle(tmp_path / "train" / "model.ckpt-7", WEIGHTS)
    assert same(open_checkpoint(tmp_path), WEIGHTS)


@pytest.mark.parametrize("compress", [False, True])
def test_an_archive_is_read_where_it_is(archive, compress):
    before = sorted(archive.parent.iterdir())
    if compress:
        archive.write_bytes(gzip.compress(archive.read_bytes()))
    assert same(open_checkpoint(archive), WEIGHTS)
    assert sorted(archive.parent.iterdir()) == before


def test_an_archive_of_two_checkpoints(tmp_path):
    with tarfile.open(tmp_path / "two.tar", "w") as tar:
        for name in ("a", "b"):
            tar.add(write_bundle(tmp_path / name, WEIGHTS).with_name(f"{name}.index"), f"{name}.index")
    with pytest.raises(CheckpointError, match=r"two\.tar: holds 2 checkpoints; unpack it"):
        open_checkpoint(tmp_path / "two.tar")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text("abc/_0", min_size=1, max_size=12).filter(is_weight),
        hnp.arrays(
            st.sampled_from([np.dtype(t) for t in ("<f4", "<f8", "<f2", "<i8", "<i4", "u1", "?")]),
            hnp.array_shapes(min_dims=0, max_dims=3, max_side=5),
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 3),
    st.integers(1, 5),
    st.booleans(),
)
def test_whatever_is_written_is_read(tmp_path, tensors, shards, entries_in_block, checksums):
    options = {"shards": shards, "entries_in_block": entries_in_block, "checksums": checksums}
    checkpoint = open_checkpoint(write_bundle(tmp_path / "model.ckpt", tensors, **options))
    assert checkpoint.shapes == {name: array.shape for name, array in tensors.items()}
    for name, array in tensors.items():
        with np.errstate(over="ignore"):
            expected = array.astype(np.float32) if array.dtype.kind == "f" else array
            np.testing.assert_array_equal(checkpoint[name], expected)
            assert checkpoint[name].dtype == expected.dtype


def test_bfloat16(tmp_path):
    halves = (np.array([1.0, -2.5, 3.140625], np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.float16)
    checkpoint = open_checkpoint(write_bundle(tmp_path / "m", {"a": halves}, types={"a": 14}))
    assert checkpoint["a"].tolist() == [1.0, -2.5, 3.140625]


@needs_parity
@pytest.mark.parametrize("family", ["mel2", "drums", "groove", "hierdec_mel", "hierdec_trio"])
def test_checkpoints_of_tensorflow_itself(family):
    expected = dict(np.load(PARITY / family / "weights.npz"))
    step = expected.pop("global_step")
    for path in (PARITY / family, PARITY / family / "model.ckpt-0"):
        checkpoint = open_checkpoint(path)
        assert same(checkpoint, expected)
        assert checkpoint.step == step


# What is wrong is said in one line


def data_file(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + ".data-00000-of-00001")


def failure(path: Path, name: str = "encoder/mu/kernel") -> str:
    with pytest.raises(CheckpointError) as error:
        open_checkpoint(path)[name]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_data_cut_off_names_the_tensor(prefix):
    data_file(prefix).write_bytes(data_file(prefix).read_bytes()[:-20])  # 8 are of the step
    assert "tensor encoder/mu/kernel: the data file is cut off: 24 of 36 bytes" in failure(prefix)


def test_an_archive_cut_off_names_the_tensor_or_itself(archive):
    content = archive.read_bytes()
    with tarfile.open(archive) as tar:
        data = next(entry for entry in tar if ".data-" in entry.name)
        index = next(entry for entry in tar if entry.name.endswith(".index"))
    assert data.offset < index.offset
    archive.write_bytes(content[: index.offset_data])
    assert "model.tar: " in failure(archive)
    archive.write_bytes(content[: data.offset_data + 10])
    assert "model.tar: holds no checkpoint, or is cut off" in failure(archive)
    archive.write_bytes(gzip.compress(content)[:200])
    assert "model.tar: " in failure(archive)
    archive.write_bytes(content[:100])
    assert "model.tar: neither a checkpoint of TensorFlow" in failure(archive)


def test_data_damaged_names_the_tensor(prefix):
    content = bytearray(data_file(prefix).read_bytes())
    content[content.index(WEIGHTS["encoder/mu/kernel"].tobytes()) + 5] ^= 1
    data_file(prefix).write_bytes(content)
    assert "tensor encoder/mu/kernel: damaged: its bytes do not have their checksum" in failure(prefix)
    assert open_checkpoint(prefix)["decoder/output_projection/bias"].tolist() == [0, 1, 2, 3, 4]


def test_data_missing_names_the_tensor(prefix):
    data_file(prefix).unlink()
    assert "tensor encoder/mu/kernel: the data file of shard 0 is missing" in failure(prefix)
    assert open_checkpoint(prefix).step is None


def test_damage_to_the_index_is_found_or_makes_no_difference(prefix):
    """It makes none in the block of metadata, which nobody reads."""
    path, said = prefix.with_name(prefix.name + ".index"), []
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :])
        try:
            assert same(open_checkpoint(prefix), WEIGHTS)
        except CheckpointError as error:
            said.append(str(error))
    assert all("its index (.index) is not one of TensorFlow, or damaged" in line for line in said)
    assert len(said) > 0.8 * len(content)


def test_an_index_cut_off(prefix):
    path = prefix.with_name(prefix.name + ".index")
    content = path.read_bytes()
    for size in (0, 20, 47, 60, len(content) - 1):
        path.write_bytes(content[:size])
        assert "its index (.index) is not one of TensorFlow, or damaged" in failure(prefix)


def test_what_is_not_supported_is_said(tmp_path):
    compressed = write_bundle(tmp_path / "a", WEIGHTS, compression=1)
    assert "compressed" in failure(compressed)
    sliced = write_bundle(tmp_path / "b", WEIGHTS, sliced=["encoder/mu/kernel"])
    assert "tensor encoder/mu/kernel: stored in slices" in failure(sliced)
    strange = write_bundle(tmp_path / "c", WEIGHTS, types={"encoder/mu/kernel": 7})
    assert "tensor encoder/mu/kernel: of TensorFlow's type 7" in failure(strange)
    wrong = write_bundle(tmp_path / "d", WEIGHTS, types={"encoder/mu/kernel": 2})
    assert "tensor encoder/mu/kernel: 36 bytes for a shape of (3, 3)" in failure(wrong)


def test_what_is_no_checkpoint(tmp_path):
    assert "no checkpoint there" in failure(tmp_path / "nothing")
    assert "holds no checkpoint" in failure(tmp_path)
    (tmp_path / "text").write_text("hello")
    assert "neither a checkpoint of TensorFlow" in failure(tmp_path / "text")
    (tmp_path / "empty").write_bytes(b"")
    assert "empty: " in failure(tmp_path / "empty")
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "text", "text")
    assert "other.tar: holds no checkpoint" in failure(tmp_path / "other.tar")


def crafted(prefix, rows):
    """A checkpoint whose index has these rows, with good checksums."""
    prefix.with_name(f"{prefix.name}.index").write_bytes(table({b"": proto((1, 1)), **rows}, 4, 0))
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(bytes(64))
    return prefix


SHAPE = {name: proto((2, proto((1, size)))) for name, size in {"huge": 2**62, "negative": 2**64 - 1}.items()}


@pytest.mark.parametrize(
    "entry",
    [
        proto((1, 1), (2, SHAPE["huge"]), (5, 64)),
        proto((1, 1), (2, SHAPE["huge"] * 50), (5, 64)),
        proto((1, 1), (2, SHAPE["negative"]), (5, 64)),
        proto((1, 1), (4, 2**63), (5, 2**63)),
        proto((1, b"x"), (5, 64)),
        proto((1, 1), (2, proto((2, proto((1, b"x"))))), (5, 4)),
        proto((1, 1), (3, b"x")),
        proto((1, 1), (2, 5)),
        proto((1, 1), (3, 2**40), (5, 4)),
        proto((1, 99), (5, 4)),
        b"\x08" + b"\xff" * 1000,
        b"\x0f",
    ],
    ids=str,
)
def test_an_index_made_to_do_harm_is_one_line(tmp_path, entry):
    prefix = crafted(tmp_path / "model.ckpt", {b"encoder/kernel": entry})
    with pytest.raises(CheckpointError, match=r"^[^\n]+$"):
        dict(open_checkpoint(prefix))


def test_names_that_grow_and_grow_are_refused(tmp_path):
    rows = {b"a" * n: proto((1, 1), (5, 4)) for n in (1, 2000, 4000, 6000)}
    with pytest.raises(CheckpointError, match="a name is too long"):
        open_checkpoint(crafted(tmp_path / "model.ckpt", rows))


def test_an_archive_that_inflates_too_far_is_refused(tmp_path):
    (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(bytes(200 * 2**20), 1))
    with pytest.raises(CheckpointError, match="neither a checkpoint"):
        open_checkpoint(tmp_path / "bomb.tar.gz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
@pytest.mark.parametrize("suffix", [".tar", ".index", ".data-00000-of-00001"])
def test_what_is_no_file_is_not_waited_for(tmp_path, suffix):
    prefix = write_bundle(tmp_path / "model.ckpt", {"encoder/kernel": np.zeros(4, np.float32)})
    path = tmp_path / f"model.ckpt{suffix}"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match=r"^[^\n]+$"):
        dict(open_checkpoint(path if suffix == ".tar" else prefix))


def test_folders_of_runs_in_folders_of_runs_end(tmp_path):
    (tmp_path / "train").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        open_checkpoint(tmp_path)
