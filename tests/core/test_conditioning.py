from __future__ import annotations

import pytest
import torch

from musicae.core.autoencoder import build
from musicae.core.bottlenecks import Gaussian
from musicae.core.conditioning import Conditioning, concatenated, repeated
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional, Dense, Recurrent
from musicae.errors import ConfigError

CHORDS = Conditioning(("chords", "key"), 37, per_step=True)
CLASS = Conditioning(("class",), 10)
RECURRENT = Recurrent((4,), (4,))


def test_nothing_is_false_whichever_way_it_would_be_read():
    assert not Conditioning()
    assert Conditioning(per_step=True) == Conditioning()
    assert CHORDS
    assert CLASS


def test_it_says_what_it_is():
    assert str(CHORDS) == "chords and key (37 values at each step)"
    assert str(CLASS) == "class (10 values for each example)"
    assert str(Conditioning()) == "nothing"


@pytest.mark.parametrize(
    ("conditioning", "network"),
    [(CHORDS, Convolutional()), (CHORDS, Dense()), (CLASS, RECURRENT)],
    ids=["convolutional", "dense", "recurrent"],
)
def test_a_network_that_reads_other_conditions_is_refused_with_both_quoted(conditioning, network):
    example_spec = ExampleSpec("categorical", 5, (8,))
    with pytest.raises(ConfigError) as error:
        build(network, example_spec, 2, Gaussian(), conditioning)
    assert str(conditioning) in str(error.value)
    assert str(network) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("conditioning", "network"), [(CLASS, Dense()), (CHORDS, RECURRENT), (Conditioning(), RECURRENT)]
)
def test_a_network_that_reads_such_conditions_is_built(conditioning, network):
    model = build(network, ExampleSpec("categorical", 5, (8,)), 2, Gaussian(), conditioning)
    shape = (3, 8, conditioning.size) if conditioning.per_step else (3, conditioning.size)
    conditioned = model.conditioned_on(torch.zeros(shape) if conditioning else None)
    assert conditioned.decode(torch.zeros(3, 2)).mode().shape == (3, 8)


def test_a_condition_stands_after_the_values_it_goes_with():
    x, condition = torch.zeros(2, 3), torch.ones(2, 1)
    assert concatenated(x, None) is x
    assert torch.equal(concatenated(x, condition), torch.tensor([[0.0, 0.0, 0.0, 1.0]] * 2))


def test_the_batch_is_repeated_as_a_whole():
    assert repeated(torch.tensor([[1], [2]]), 2).flatten().tolist() == [1, 2, 1, 2]
