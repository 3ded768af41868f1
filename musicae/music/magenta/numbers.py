"""The original's forward pass on its own arrays, computed by a model of musicae: to compare number by number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import HVO, Bernoulli, Categorical, Streams
from musicae.core.networks.step_outputs import NadeLikelihood
from musicae.errors import DataError


@torch.no_grad()
def numbers(
    model: Any,
    x_in: np.ndarray,
    x_out: np.ndarray,
    lengths: np.ndarray | None = None,
    controls: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """A forward pass in the original's conventions, z being the mean of the posterior, teacher-forced.

    Args:
        model: a model with a recurrent network.
        x_in: the encoder's input, floats `[batch, steps, depth]`: one-hot classes (those of several streams
            concatenated), drum rolls with a value for silence, or grooves.
        x_out: the decoder's target, in the same layout (drum rolls without that value; labels one-hot).
        lengths: the number of steps, `[batch]`, or of each segment, `[batch, segments]`; None for all.
        controls: the conditions, `[batch, steps, conditions]`.

    Returns:
        `mu` and `sigma` `[batch, latent]`; `kl`, KL(q(z | x) ‖ N(0, I)) summed over the dimensions, and `r_loss`, the
        cross entropy summed over the steps (of grooves the log loss of the hits and the squared errors of the rest,
        without the constants of a density), both in nats, `[batch]`; `rnn_output` `[batch, steps, numbers]`, the output
        projection of the LSTM.

    Raises:
        DataError: the arrays do not fit the model.
    """
    network, example_spec = model.network, model.representation.example_spec
    condition = None if controls is None else torch.from_numpy(np.asarray(controls, np.float32))
    mask = _mask(np.asarray(x_out), lengths)
    x = _example(np.asarray(x_out), example_spec, mask)
    conditioned = network.conditioned_on(condition)
    posterior = conditioned.encode(_example(_without_silence(np.asarray(x_in), example_spec), example_spec, mask))
    likelihood = conditioned.decode(posterior.mean).teacher_forced(x)
    return {
        "mu": posterior.mean.numpy(),
        "sigma": posterior.std.numpy(),
        "kl": posterior.kl().sum(1).numpy(),
        "r_loss": (-likelihood.log_prob(x)).numpy() - _constant(likelihood),
        "rnn_output": _output(likelihood).numpy(),
    }


def _mask(array: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """Which steps of `[batch, steps, depth]` lie within `lengths`, bool `[batch, steps]`."""
    batch, steps = array.shape[:2]
    if lengths is None:
        return np.ones((batch, steps), bool)
    lengths = np.asarray(lengths).reshape(batch, -1)
    segment = steps // lengths.shape[1]
    return (np.arange(segment) < lengths[..., None]).reshape(batch, steps)


def _without_silence(array: np.ndarray, example_spec: ExampleSpec) -> np.ndarray:
    """The encoder's input in the layout of the decoder's target."""
    if not example_spec.silence:
        return array
    if not example_spec.categorical:
        return array[..., :-1]
    labels = array[..., :-1].astype(np.int64) @ (1 << np.arange(array.shape[-1] - 1))
    return (labels[..., None] == np.arange(example_spec.outputs)).astype(np.float32)


def _example(array: np.ndarray, example_spec: ExampleSpec, mask: np.ndarray) -> torch.Tensor:
    """An array of the original as examples of the network.

    Raises:
        DataError: it has another size, or masks steps where examples have a fixed length.
    """
    if array.shape[1:] != (*example_spec.size, example_spec.outputs):
        expected = f"[batch, {example_spec.size[0]}, {example_spec.outputs}]"
        raise DataError(f"an array of shape {array.shape}, where the model has {expected}")
    if not mask.all() and example_spec.end is None:
        raise DataError("lengths shorter than the examples, for a model whose examples have one length")
    if not example_spec.categorical:
        return torch.from_numpy(np.ascontiguousarray(array.swapaxes(1, 2), np.float32))
    streams = np.split(array, np.cumsum(example_spec.streams)[:-1], -1)
    classes = [np.where(mask & part.any(-1), part.argmax(-1), part.shape[-1]) for part in streams]
    return torch.from_numpy(np.stack(classes, 1) if isinstance(example_spec.channels, tuple) else classes[0])


def _constant(likelihood: Any) -> float:
    """The constant of −ln p of grooves besides the squared errors: ½ ln π for each velocity and each offset."""
    if not isinstance(likelihood, HVO):
        return 0.0
    return likelihood.output[0].numel() * 2 / 3 * 0.5 * math.log(math.pi)


def _output(likelihood: Any) -> torch.Tensor:
    """The output projection of the LSTM, `[batch, steps, numbers]`."""
    if isinstance(likelihood, Streams):
        return torch.cat([part.logits for part in likelihood.parts], -1)
    if isinstance(likelihood, Categorical):
        return likelihood.logits
    if isinstance(likelihood, NadeLikelihood):
        return likelihood.output
    return (likelihood.logits if isinstance(likelihood, Bernoulli) else likelihood.output).transpose(1, 2)
