"""The numbers of every configuration beside the original's formulas written down once more, in float64 numpy, on the
original's own tensors and arrays."""

from __future__ import annotations

import numpy as np
import pytest
from bundles import network, shrunk
from signatures import distinct

from musicae.converting import published
from musicae.errors import DataError
from musicae.loading import of
from musicae.music.magenta import weights
from musicae.music.magenta.numbers import numbers

PUBLISHED = published()
DISTINCT = [preset.name for preset in distinct(PUBLISHED.values(), "representation", "network")]
BATCH = 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Original:
    """MusicVAE for one example at a time.

    Args:
        tensors: the weights by the original's names.
        preset: the configuration.
    """

    def __init__(self, tensors, preset):
        self.t = {name: value.astype(np.float64) for name, value in tensors.items()}
        self.preset, self.network, self.example_spec = preset, preset.network, preset.representation.example_spec

    def dense(self, name, x):
        return x @ self.t[f"{name}/kernel"] + self.t[f"{name}/bias"]

    def lstm(self, name, xs, h=None, c=None):
        units = len(self.t[f"{name}/bias"]) // 4
        h, c = (np.zeros(units) if v is None else v for v in (h, c))
        out = []
        for x in xs:
            i, j, f, o = np.split(self.dense(name, np.concatenate([x, h])), 4)
            c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
            h = sigmoid(o) * np.tanh(c)
            out.append(h)
        return np.array(out)

    def bidirectional(self, name, xs):
        for i in range(len(self.network.encoder_units)):
            cell = f"{name}/cell_{i}/bidirectional_rnn/{{}}/multi_rnn_cell/cell_0/lstm_cell"
            forward = self.lstm(cell.format("fw"), xs)
            backward = self.lstm(cell.format("bw"), xs[::-1])[::-1]
            xs = np.concatenate([forward, backward], 1)
        return np.concatenate([forward[-1], backward[0]])

    def encode(self, xs, lengths):
        if not self.network.hierarchical_encoder:
            features = self.bidirectional("encoder", xs)
        else:
            cut = np.split(xs, self.network.segments)
            segments = [
                self.bidirectional("encoder/hierarchical_level_0", x[:n]) for x, n in zip(cut, lengths, strict=True)
            ]
            features = self.bidirectional("encoder/hierarchical_level_1", np.array(segments))
        return self.dense("encoder/mu", features), np.log1p(np.exp(self.dense("encoder/sigma", features)))

    def stack(self, start, cells, units, vector, xs):
        """Layers that begin from a vector: c before h, layer by layer."""
        state = np.tanh(self.dense(start, vector))
        parts = np.split(state, np.cumsum([u for u in units for _ in range(2)])[:-1])
        for i in range(len(units)):
            xs = self.lstm(cells.format(i), xs, parts[2 * i + 1], parts[2 * i])
        return xs

    def step_decoder(self, prefix, vectors, x_out, controls):
        before = np.concatenate([np.zeros_like(x_out[:1]), x_out[:-1]])
        segments, out = [np.split(v, len(vectors)) for v in (before, controls)], []
        for vector, x, condition in zip(vectors, *segments, strict=True):
            xs = np.concatenate([x, np.tile(vector, (len(x), 1)), condition], 1)
            names = f"{prefix}z_to_initial_state", f"{prefix}multi_rnn_cell/cell_{{}}/lstm_cell"
            hidden = self.stack(*names, self.network.decoder_units, vector, xs)
            out.append(self.dense(f"{prefix}output_projection", hidden))
        return np.concatenate(out)

    def decode(self, z, x_out, controls):
        """The output projections of all decoders."""
        vectors, core, n = [z], "", self.network
        if n.conductor_units:
            top = "decoder/hierarchical_level_0/"
            names = f"{top}initial_state", f"{top}cell_{{}}/lstm_cell"
            vectors = self.stack(*names, n.conductor_units, z, np.zeros((n.segments, 1)))
            core = "core_decoder/"
        if not n.separate_decoders:
            return self.step_decoder(f"{core}decoder/", vectors, x_out, controls)
        parts = np.split(x_out, np.cumsum(self.example_spec.streams)[:-1], 1)
        prefixes = (f"{core}core_decoder_{k}/decoder/" for k in range(len(parts)))
        return np.concatenate(
            [self.step_decoder(p, vectors, x, controls) for p, x in zip(prefixes, parts, strict=True)], 1
        )

    def loss(self, output, x):
        """Nats of every step."""
        if self.example_spec.likelihood == "hvo":
            (hits, velocities, offsets), (t, v, o) = (np.split(values, 3, 1) for values in (output, x))
            p = sigmoid(hits)
            losses = -t * np.log(p + 1e-7) - (1 - t) * np.log(1 - p + 1e-7)
            return (losses + (sigmoid(velocities) - v) ** 2 + (np.tanh(offsets) - o) ** 2).sum(1)
        if self.network.nade:
            return np.array([*map(self.nade, output, x)])
        ends = np.cumsum(self.example_spec.streams)[:-1]
        pairs = zip(np.split(output, ends, 1), np.split(x, ends, 1), strict=True)
        return sum(np.log(np.exp(a).sum(1)) * b.sum(1) - (a * b).sum(1) for a, b in pairs)

    def nade(self, output, x):
        encoder, decoder = self.t["decoder/nade/w_enc"][:, 0], self.t["decoder/nade/w_dec_t"][:, :, 0]
        a, biases = output[: self.network.nade], output[self.network.nade :]
        total = 0.0
        for i, on in enumerate(x):
            p = sigmoid(biases[i] + sigmoid(a) @ decoder[i])
            total -= on * np.log(p + 1e-6) + (1 - on) * np.log(1 - p + 1e-6)
            a = a + on * encoder[i]
        return total


def arrays(preset, random):
    """Inputs, outputs, lengths and conditions of the original: `[batch, steps, depth]`."""
    example_spec, steps = preset.representation.example_spec, preset.representation.example_spec.size[0]
    lengths = np.full((BATCH, preset.network.segments), steps // preset.network.segments)
    if example_spec.likelihood == "categorical":
        out = [np.eye(n)[random.integers(0, n, (BATCH, steps))] for n in example_spec.streams]
        x_out = np.concatenate(out, -1)
    else:
        x_out = (random.random((BATCH, steps, example_spec.outputs)) < 0.3).astype(float)
    if example_spec.likelihood == "hvo":
        hits = x_out[..., :9]
        x_out = np.concatenate([hits, hits * random.random(hits.shape), hits * random.uniform(-1, 1, hits.shape)], -1)
    if example_spec.end is not None:
        lengths = random.integers(1, lengths + 1)
        x_out = x_out * (np.arange(steps // lengths.shape[1]) < lengths[..., None]).reshape(BATCH, steps, 1)
    controls = np.eye(max(preset.conditioning.size, 1))[
        random.integers(0, max(preset.conditioning.size, 1), (BATCH, steps))
    ]
    return roll(x_out, example_spec), x_out, lengths, controls[..., : preset.conditioning.size]


def roll(x_out, example_spec):
    """The encoder's input: of drums their bits, and a value for silence."""
    if not example_spec.silence:
        return x_out
    bits = x_out
    if example_spec.likelihood == "categorical":
        bits = (x_out.argmax(-1)[..., None] >> np.arange(9) & 1).astype(float)
    return np.concatenate([bits, (bits.sum(-1, keepdims=True) == 0).astype(float)], -1)


@pytest.mark.parametrize("name", DISTINCT)
def test_the_numbers_are_those_of_the_formulas(name):
    preset = shrunk(PUBLISHED[name])
    model = of(preset, network(preset))
    x_in, x_out, lengths, controls = arrays(preset, np.random.default_rng(0))
    original = Original(weights.from_musicae(model.network.state_dict(), preset), preset)
    ours = numbers(model, x_in, x_out, lengths, controls if preset.conditioning else None)
    close = {"rtol": 1e-5, "atol": 2e-6}
    for b in range(BATCH):
        mu, sigma = original.encode(np.concatenate([x_in[b], controls[b]], 1), lengths[b])
        output = original.decode(mu, x_out[b], controls[b])
        there = x_out[b].any(1) if preset.representation.example_spec.end else np.ones(len(output), bool)
        np.testing.assert_allclose(ours["mu"][b], mu, **close)
        np.testing.assert_allclose(ours["sigma"][b], sigma, **close)
        np.testing.assert_allclose(ours["kl"][b], (0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)).sum(), **close)
        np.testing.assert_allclose(ours["rnn_output"][b], output, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(ours["r_loss"][b], original.loss(output, x_out[b])[there].sum(), **close)


def test_arrays_of_another_model():
    preset = shrunk(PUBLISHED["cat-mel_2bar_small"])
    model = of(preset, network(preset))
    x = np.zeros((1, 32, 90), np.float32)
    with pytest.raises(DataError, match=r"shape \(1, 16, 90\), where the model has \[batch, 32, 90\]"):
        numbers(model, x[:, :16], x[:, :16])
    with pytest.raises(DataError, match="whose examples have one length"):
        numbers(model, x, x, np.array([20]))
