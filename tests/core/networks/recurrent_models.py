"""Small recurrent models to test with, of every kind of step."""

from __future__ import annotations

import torch
from torch.nn import functional

from musicae.core.autoencoder import Autoencoder, build
from musicae.core.bottlenecks import Gaussian
from musicae.core.conditioning import Conditioning
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Recurrent
from musicae.core.randomness import RandomSource

EVENT = ExampleSpec("categorical", 6, (9,))


def small(seed: int = 0) -> Autoencoder:
    torch.manual_seed(seed)
    model = build(Recurrent((7,), (5, 8)), EVENT, 4, Gaussian()).eval()
    with torch.no_grad():  # larger than at the start, so that the inputs and z both matter
        for parameter in model.decoder.parameters():
            parameter.mul_(3)
    return model


MODEL = small()
Z = RandomSource(1).normal(64, 4)
X = RandomSource(2).integers(0, 5, 64, 9)


def step_by_step(next_class) -> torch.Tensor:
    """Logits `[batch, steps, classes]` with a call of the decoder a step; `next_class` gives what is read after it."""
    network = MODEL.decoder.voices[0]
    state, inputs, all_logits = network.initial_state(Z), torch.zeros(64, 1, 6), []
    for t in range(9):
        logits, state = network.run(inputs, Z, state)
        all_logits.append(logits[:, 0])
        inputs = functional.one_hot(next_class(t, logits[:, 0]), 6).float().unsqueeze(1)
    return torch.stack(all_logits, 1)


LENGTH = 12
FAMILIES = {
    "classes": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", 6, (LENGTH,))),
    "labels": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", 8, (LENGTH,), silence=True)),
    "binary": (Recurrent((6,), (5, 8)), ExampleSpec("bernoulli", 4, (LENGTH,), silence=True)),
    "nade": (Recurrent((6,), (5, 8), nade=7), ExampleSpec("bernoulli", 4, (LENGTH,), silence=True)),
    "hvo": (Recurrent((6,), (5, 8), dropout=0.5), ExampleSpec("hvo", 6, (LENGTH,))),
    "streams": (Recurrent((6,), (5, 8)), ExampleSpec("categorical", (4, 3, 8), (LENGTH,))),
    "conducted": (Recurrent((6,), (5,), segments=3, conductor_units=(7,)), ExampleSpec("categorical", 6, (LENGTH,))),
    "apart": (
        Recurrent((6, 4), (5,), segments=3, conductor_units=(7, 9), separate_decoders=True),
        ExampleSpec("categorical", (4, 3, 8), (LENGTH,)),
    ),
    "ending": (
        Recurrent((6,), (5,), segments=3, conductor_units=(7,), hierarchical_encoder=True),
        ExampleSpec("categorical", 4, (LENGTH,), end=3),
    ),
}


def lively(name: str, size: int = 0) -> Autoencoder:
    """A model whose steps depend on z, on the step before, and on the condition."""
    torch.manual_seed(3)
    network, example_spec = FAMILIES[name]
    model = build(network, example_spec, 4, Gaussian(), Conditioning(size=size, per_step=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
        for part in (model.decoder.conductor, *model.decoder.voices):
            if part is not None:
                torch.nn.init.normal_(part.start.weight)
    return model


def condition(size: int, examples: int = 64) -> torch.Tensor | None:
    return RandomSource(7).normal(examples, LENGTH, size) if size else None
