from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save
from torch import nn

from musicae.core.checkpoints import CONFIG, WEIGHTS, read_json, read_weights, write_json, write_weights
from musicae.errors import CheckpointError


def network(seed: int = 0, width: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))
    module.register_buffer("count", torch.tensor([seed], dtype=torch.int64))
    return module


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_weights_are_read_as_they_were_written_to_the_bit(tmp_path):
    written, read = network(0), network(1)
    with torch.no_grad():
        written[0].bias.copy_(torch.tensor([1e-45, -0.0, torch.finfo().min, torch.finfo().max]))
    write_weights(tmp_path, written)
    assert not equal(written, read)
    read_weights(tmp_path, read)
    assert equal(written, read)
    assert torch.signbit(read[0].bias[1])


def test_half_precision_weights_are_read_into_the_precision_of_the_network(tmp_path):
    written, read = network(0), network(1)
    write_weights(tmp_path, written, torch.float16)
    read_weights(tmp_path, read)
    assert read[0].weight.dtype == torch.float32
    assert read.count.dtype == torch.int64
    assert torch.equal(read[0].weight, written[0].weight.half().float())
    full = tmp_path / "full"
    write_weights(full, written)
    assert (tmp_path / WEIGHTS).stat().st_size < (full / WEIGHTS).stat().st_size


def test_writing_again_replaces_and_leaves_nothing_else(tmp_path):
    write_weights(tmp_path, network(0))
    write_weights(tmp_path, network(1))
    write_json(tmp_path, CONFIG, {"a": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONFIG, WEIGHTS]


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(CheckpointError, match=WEIGHTS):
        read_weights(tmp_path, network())
    with pytest.raises(CheckpointError, match="not a model folder"):
        read_json(tmp_path, CONFIG)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 50, 0.5, 0.99])
def test_a_truncated_file_is_refused_and_the_network_stays_as_it_was(tmp_path, keep):
    write_weights(tmp_path, network(0))
    whole = (tmp_path / WEIGHTS).read_bytes()
    (tmp_path / WEIGHTS).write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: damaged"):
        read_weights(tmp_path, module := network(1))
    assert equal(module, network(1))


class Trap:
    """What would run if anything were unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a checkpoint was unpickled",)


@pytest.mark.parametrize("content", [pickle.dumps(Trap()), b"PK\x03\x04", b"\xff" * 64, b'{"a": 1}'])
def test_a_foreign_file_is_refused_and_never_unpickled(tmp_path, content):
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match="not safetensors"):
        read_weights(tmp_path, network())


def test_a_torch_checkpoint_is_refused(tmp_path):
    torch.save(network().state_dict(), tmp_path / WEIGHTS)
    with pytest.raises(CheckpointError, match="not safetensors"):
        read_weights(tmp_path, network())


def test_the_first_tensor_of_another_shape_is_named(tmp_path):
    write_weights(tmp_path, network(0, width=5))
    with pytest.raises(CheckpointError, match=r"0\.bias has shape \(5,\), the network's \(4,\)"):
        read_weights(tmp_path, network())


def test_the_first_tensor_that_is_missing_or_too_many_is_named(tmp_path):
    tensors = network().state_dict()
    (tmp_path / WEIGHTS).write_bytes(save({k: v for k, v in tensors.items() if not k.startswith("2")}))
    with pytest.raises(CheckpointError, match=r"the file has no tensor 2\.bias"):
        read_weights(tmp_path, network())
    (tmp_path / WEIGHTS).write_bytes(save({**tensors, "1.extra": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match=r"the network has no tensor 1\.extra"):
        read_weights(tmp_path, network())


def test_settings_are_read_as_they_were_written(tmp_path):
    content = {"name": "Ünï", "widths": [1, 2], "rate": 0.1, "none": None}
    write_json(tmp_path, CONFIG, content)
    assert read_json(tmp_path, CONFIG) == content


@pytest.mark.parametrize("content", [b"", b'{"name": ', b"\xff\xfe", b"[1, 2]", b"3"])
def test_settings_that_are_none_are_refused(tmp_path, content):
    (tmp_path / CONFIG).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_json(tmp_path, CONFIG)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / WEIGHTS).mkdir()
    (tmp_path / CONFIG).mkdir()
    with pytest.raises(CheckpointError):
        read_weights(tmp_path, network())
    with pytest.raises(CheckpointError):
        read_json(tmp_path, CONFIG)
