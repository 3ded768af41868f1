from __future__ import annotations

import pytest

from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional
from musicae.errors import ConfigError


@pytest.mark.parametrize(
    ("network", "size", "halvings"),
    [
        (Convolutional((4, 4, 4), full_resolution=True), (6,), 2),
        (Convolutional((4, 4), full_resolution=False), (6,), 2),
        (Convolutional((4, 4, 4), full_resolution=True), (8, 6), 2),
        (Convolutional((4,), full_resolution=False), (28, 27), 1),
    ],
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_sizes_that_cannot_be_halved_are_refused(network, size, halvings, part):
    example_spec = ExampleSpec("bernoulli", 1, size)
    with pytest.raises(ConfigError, match=rf"cannot be halved {halvings} times"):
        network.encoder(example_spec) if part == "encoder" else network.decoder(example_spec, 5)
