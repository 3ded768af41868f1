from __future__ import annotations

import numpy as np
import pytest
import torch
from bundles import network, shrunk
from shared import PARITY, needs_parity

from musicae.converting import published
from musicae.errors import CheckpointError
from musicae.loading import of
from musicae.music.magenta import javascript, open_checkpoint, recognition, weights
from musicae.music.magenta.numbers import numbers

FAMILIES = ("mel2", "drums", "groove", "hierdec_mel", "hierdec_trio")
PUBLISHED = published()
BIG = {  # cat-mel_2bar_big as its checkpoint has it
    **{
        f"encoder/cell_0/bidirectional_rnn/{way}/multi_rnn_cell/cell_0/lstm_cell/{part}": shape
        for way in ("fw", "bw")
        for part, shape in (("kernel", (2138, 8192)), ("bias", (8192,)))
    },
    **{f"encoder/{name}/kernel": (4096, 512) for name in ("mu", "sigma")},
    **{f"encoder/{name}/bias": (512,) for name in ("mu", "sigma")},
    "decoder/z_to_initial_state/kernel": (512, 12288),
    "decoder/z_to_initial_state/bias": (12288,),
    "decoder/multi_rnn_cell/cell_0/lstm_cell/kernel": (2650, 8192),
    **{f"decoder/multi_rnn_cell/cell_{i}/lstm_cell/kernel": (4096, 8192) for i in (1, 2)},
    **{f"decoder/multi_rnn_cell/cell_{i}/lstm_cell/bias": (8192,) for i in (0, 1, 2)},
    "decoder/output_projection/kernel": (2048, 90),
    "decoder/output_projection/bias": (90,),
}
CONDUCTED = {  # some of hierdec-mel_16bar
    "encoder/cell_1/bidirectional_rnn/bw/multi_rnn_cell/cell_0/lstm_cell/kernel": (6144, 8192),
    "decoder/hierarchical_level_0/initial_state/kernel": (512, 4096),
    "decoder/hierarchical_level_0/cell_0/lstm_cell/kernel": (1025, 4096),
    "decoder/hierarchical_level_0/cell_1/lstm_cell/kernel": (2048, 4096),
    "core_decoder/decoder/z_to_initial_state/kernel": (1024, 4096),
    "core_decoder/decoder/multi_rnn_cell/cell_0/lstm_cell/kernel": (2138, 4096),
    "core_decoder/decoder/multi_rnn_cell/cell_1/lstm_cell/kernel": (2048, 4096),
    "core_decoder/decoder/output_projection/bias": (90,),
}


def test_names_and_shapes_are_those_of_the_published_checkpoints():
    """As musicvae.md lists them, and issue #1854 of magenta."""
    assert weights.shapes(PUBLISHED["cat-mel_2bar_big"]) == BIG
    conducted = weights.shapes(PUBLISHED["hierdec-mel_16bar"])
    assert CONDUCTED.items() <= conducted.items()
    assert len(conducted) == 26


@pytest.mark.parametrize("name", PUBLISHED)
def test_out_and_in_again(name):
    """All but the last bit of the forget biases, to which 1 is added."""
    preset = shrunk(PUBLISHED[name])
    state = network(preset).state_dict()
    tensors = weights.from_musicae(state, preset)
    back = weights.to_musicae(tensors, preset)
    assert back.keys() == state.keys()
    for key, value in state.items():
        torch.testing.assert_close(back[key], value, rtol=0.0, atol=3e-7)
        assert "bias_ih" in key or torch.equal(back[key], value)


def test_an_lstm_is_that_of_tensorflow():
    """LSTMBlockCell, written down once more: gates in the order i, j, f, o, and 1 added to f."""
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(3 + 4, 16)), random.normal(size=16)
    x, h, c = random.normal(size=3), random.normal(size=4), random.normal(size=4)
    i, j, f, o = np.split(np.concatenate([x, h]) @ kernel + bias, 4)
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    new_c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
    new_h = sigmoid(o) * np.tanh(new_c)

    layer = torch.nn.LSTM(3, 4).double()
    cell = weights.Cell("theirs", "ours")
    state = cell.to_musicae(torch.from_numpy(kernel), torch.from_numpy(bias))
    layer.load_state_dict({name.removeprefix("ours."): value for name, value in state.items()})
    start = tuple(torch.from_numpy(v)[None] for v in (h, c))
    _, (ours_h, ours_c) = layer(torch.from_numpy(x)[None], start)
    np.testing.assert_allclose(ours_h[0].detach(), new_h)
    np.testing.assert_allclose(ours_c[0].detach(), new_c)


def test_the_first_tensor_at_fault_is_named():
    preset = shrunk(PUBLISHED["cat-mel_2bar_small"])
    tensors = weights.from_musicae(network(preset).state_dict(), preset)
    name = "encoder/sigma/kernel"
    with pytest.raises(CheckpointError, match=f"tensor {name} is missing, which cat-mel_2bar_small has"):
        weights.to_musicae({k: v for k, v in tensors.items() if k != name}, preset)
    with pytest.raises(CheckpointError, match=rf"tensor {name} has shape \(9, 2\), that of .* has \(10, 2\)"):
        weights.to_musicae(tensors | {name: tensors[name][1:]}, preset)
    with pytest.raises(CheckpointError, match="tensor decoder/more is too many"):
        weights.to_musicae(tensors | {"decoder/more": np.zeros(1)}, preset)
    assert weights.to_musicae(tensors | {"global_step": np.zeros(()), f"{name}/Adam": np.zeros(1)}, preset)


@needs_parity
@pytest.mark.parametrize("kind", ["arrays", "checkpoint", "magenta.js"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_numbers_are_those_of_the_original(family, kind, tmp_path):
    tensors = np.load(PARITY / family / "weights.npz") if kind == "arrays" else open_checkpoint(PARITY / family)
    preset = recognition.recognise(tensors, PUBLISHED.values()).preset
    if kind == "magenta.js":
        out = of(preset, loaded(preset, tensors))
        javascript.write(tmp_path, weights.from_musicae(out.network.state_dict(), preset), {})
        tensors = open_checkpoint(tmp_path)
    original = np.load(PARITY / family / "parity.npz")
    model = of(preset, loaded(preset, tensors))
    ours = numbers(model, original["x_in"], original["x_out"], original["lengths"])
    assert {"mu", "sigma", "kl", "r_loss"} <= set(original.files) & set(ours)
    for name in set(original.files) & set(ours):
        np.testing.assert_allclose(ours[name], original[name], rtol=1e-5, atol=1e-6, err_msg=name)


def loaded(preset, tensors):
    model = network(preset)
    model.load_state_dict(weights.to_musicae(tensors, preset))
    return model
