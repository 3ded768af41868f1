"""Which likelihood a decoder's output is of, by the name in its example specification."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import HVO, Bernoulli, Categorical, HVOLaplace, Likelihood, Normal, Streams
from musicae.core.spans import Spans

LIKELIHOODS = {
    "categorical": Categorical,
    "bernoulli": Bernoulli,
    "spans": Spans,
    "normal": Normal,
    "hvo": HVO,
    "hvo_laplace": HVOLaplace,
}


def likelihood_of(
    example_spec: ExampleSpec,
) -> Callable[[torch.Tensor], Likelihood]:
    """What makes a likelihood of a network's output `[batch, example_spec.outputs, *example_spec.size]`."""
    if isinstance(example_spec.channels, tuple):
        return partial(Streams.of, example_spec=example_spec)
    return LIKELIHOODS[example_spec.likelihood].of
