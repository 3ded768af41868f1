from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hostile import changes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musicae.errors import CheckpointError, Error
from musicae.music.magenta import javascript, open_checkpoint

WEIGHTS = {f"encoder/{name}": np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32) for name in "abcd"}
SETTINGS = {"type": "MusicVAE", "dataConverter": {"type": "MelodyConverter", "args": {"numSteps": 32}}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(javascript, "SHARD", 100)
    javascript.write(tmp_path / "model", WEIGHTS, SETTINGS)
    return tmp_path / "model"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text("abc/", min_size=1, max_size=9),
        hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, max_side=6)),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 100),
)
def test_what_is_written_is_read(tmp_path, monkeypatch, tensors, size):
    monkeypatch.setattr(javascript, "SHARD", size)
    javascript.write(tmp_path, tensors, SETTINGS, force=True)
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.settings == SETTINGS
    assert checkpoint.shapes == {name: array.shape for name, array in tensors.items()}
    for name, array in tensors.items():
        np.testing.assert_array_equal(checkpoint[name], array)


def test_the_files_are_those_of_the_manifest(folder):
    (group,) = json.loads((folder / "weights_manifest.json").read_text())
    assert [(folder / path).stat().st_size for path in group["paths"]] == [100] * 5 + [60]
    assert group["weights"][0] == {"name": "encoder/a", "shape": [5, 7], "dtype": "float32"}
    assert {path.name for path in folder.iterdir()} == {*group["paths"], "weights_manifest.json", "config.json"}
    assert open_checkpoint(folder / "weights_manifest.json").keys() == WEIGHTS.keys()


def test_nothing_is_overwritten_unasked(folder):
    with pytest.raises(Error, match="exists"):
        javascript.write(folder, WEIGHTS, SETTINGS)
    assert javascript.write(folder, WEIGHTS, SETTINGS, force=True)


@pytest.mark.parametrize(("kind", "levels"), [("uint8", 255), ("uint16", 65535)])
def test_quantised_weights_are_near_those_meant(tmp_path, kind, levels):
    """As TensorFlow.js writes them: `q · scale + min`, each group in a file of its own."""
    manifest = []
    for i, (name, array) in enumerate(WEIGHTS.items()):
        least, scale = float(array.min()), float(np.ptp(array)) / levels
        (tmp_path / f"group{i}").write_bytes(np.round((array - least) / scale).astype(kind).tobytes())
        how = {"dtype": kind, "min": least, "scale": scale, "original_dtype": "float32"}
        weight = {"name": name, "shape": [5, 7], "dtype": "float32", "quantization": how}
        manifest.append({"paths": [f"group{i}"], "weights": [weight]})
    (tmp_path / "weights_manifest.json").write_text(json.dumps(manifest))
    checkpoint = open_checkpoint(tmp_path)
    for name, array in WEIGHTS.items():
        assert checkpoint[name].dtype == np.float32
        np.testing.assert_allclose(checkpoint[name], array, atol=0.51 * np.ptp(array) / levels)


def test_halves(tmp_path):
    (tmp_path / "a").write_bytes(np.array([1.5, -2.0], np.float16).tobytes())
    weight = {"name": "a", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}}
    (tmp_path / "weights_manifest.json").write_text(json.dumps([{"paths": ["a"], "weights": [weight]}]))
    assert open_checkpoint(tmp_path)["a"].tolist() == [1.5, -2.0]


def failure(folder, name: str) -> str:
    with pytest.raises(CheckpointError) as error:
        open_checkpoint(folder)[name]
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("size", [None, 0, 50])
def test_a_shard_missing_or_cut_off_names_the_first_tensor_in_it(folder, size):
    """Of 140 bytes each, the second tensor ends in the third shard of 100."""
    shard = folder / "group1-shard3of6"
    if size is None:
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:size])
    np.testing.assert_array_equal(open_checkpoint(folder)["encoder/a"], WEIGHTS["encoder/a"])
    assert "tensor encoder/b: the file group1-shard3of6 is missing or cut off" in failure(folder, "encoder/b")


def test_the_last_shard_cut_off(folder):
    shard = folder / "group1-shard6of6"
    shard.write_bytes(shard.read_bytes()[:-1])
    np.testing.assert_array_equal(open_checkpoint(folder)["encoder/c"], WEIGHTS["encoder/c"])
    assert "tensor encoder/d: the file group1-shard6of6" in failure(folder, "encoder/d")


@pytest.mark.parametrize("manifest", ["{", '[{"paths": 3}]', '[{"paths": ["../x"], "weights": []}]', '["a"]'])
def test_what_is_no_manifest(folder, manifest):
    (folder / "weights_manifest.json").write_text(manifest)
    assert "weights_manifest.json: " in failure(folder, "encoder/a")


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:x", "\\\\host\\x", "a\0b", "", 3, None]
)
def test_a_manifest_names_no_file_outside_its_folder(folder, path):
    (folder.parent / "x").write_bytes(bytes(10_000))
    manifest = json.loads((folder / "weights_manifest.json").read_text())
    manifest[0]["paths"][0] = path
    (folder / "weights_manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=r"^[^\n]+$"):
        dict(open_checkpoint(folder))


WRONG = (None, True, "x", -1, 0, 0.5, 10**9, 10**30, float("nan"), [], [[]], {}, [-1], ["x"], [10**6, 10**6], [5, 7, 1])


def test_manifests_and_settings_with_anything_in_them_are_read_or_refused_in_one_line(folder):
    """Every value of both files by every wrong one, and left out."""
    for name in ("weights_manifest.json", "config.json"):
        before = (folder / name).read_text()
        for changed in changes(json.loads(before), WRONG):
            (folder / name).write_text(json.dumps(changed))
            with suppress(CheckpointError):
                dict(open_checkpoint(folder))
        (folder / name).write_text(before)


def test_its_files_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(Error, match="exists"):
        javascript.write(tmp_path, WEIGHTS, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
