"""Conditions, and tasks; the rest is in `networks/test_networks.py`."""

from __future__ import annotations

import pytest
import torch

from musicae.core.autoencoder import Autoencoder, build
from musicae.core.bottlenecks import Gaussian
from musicae.core.conditioning import Conditioning
from musicae.core.data import Batch
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Convolutional, Dense, Network
from musicae.core.objectives import Elbo, ImportanceWeighted, Reconstruction
from musicae.core.penalties import AdversarialPenalty
from musicae.core.randomness import RandomSource
from musicae.core.schedules import Constant
from musicae.core.training import Task
from musicae.errors import ConfigError

EVENT = ExampleSpec("bernoulli", 1, (4, 4))
X = RandomSource(0).uniform(3, 1, 4, 4)
CONDITION = torch.eye(5)[:3]


DENSE = Dense((8,))


def small(size: int, network: Network = DENSE) -> Autoencoder:
    torch.manual_seed(0)
    return build(network, EVENT, 2, Gaussian(), Conditioning(("class",), size))


def test_without_a_condition_an_autoencoder_is_itself():
    model = small(0)
    assert model.conditioned_on(None) is model


@pytest.mark.parametrize(
    ("size", "condition"),
    [(0, CONDITION), (5, None), (4, CONDITION), (6, CONDITION)],
    ids=["too much", "nothing", "more", "less"],
)
def test_a_condition_of_another_size_is_refused_in_one_line(size, condition):
    name = r"class \(\d values for each example\)" if size else "nothing"
    with pytest.raises(ConfigError, match=rf"^the model is conditioned on {name}, but [05] values are given$"):
        small(size).conditioned_on(condition)


@pytest.mark.parametrize("network", [DENSE, Convolutional((4,), blocks=1)], ids=["dense", "convolutional"])
def test_encoder_and_decoder_depend_on_the_condition(network):
    model, z = small(5, network), RandomSource(1).normal(3, 2)
    one, other = model.conditioned_on(CONDITION), model.conditioned_on(CONDITION.flip(0))
    encoded, differently = one.encode(X).mean, other.encode(X).mean
    decoded, otherwise = one.decode(z).logits, other.decode(z).logits
    for a, b in ((encoded, differently), (decoded, otherwise)):
        changed = (a != b).flatten(1).any(1)
        assert changed.tolist() == [True, False, True]  # the middle one has the same condition
    assert torch.equal(model.conditioned_on(CONDITION).encode(X).mean, encoded)


def test_each_of_several_vectors_of_an_example_is_decoded_with_the_condition_of_that_example():
    """`[k · batch]` vectors, the batch again and again."""
    model, z = small(5), RandomSource(1).normal(4, 3, 2)
    together = model.conditioned_on(CONDITION).decode(z.flatten(0, 1)).logits.view(4, 3, 1, 4, 4)
    for k in range(4):
        for i in range(3):
            alone = model.conditioned_on(CONDITION[i : i + 1]).decode(z[k, i : i + 1]).logits[0]
            torch.testing.assert_close(together[k, i], alone)


OBJECTIVES = [
    Elbo(),
    Reconstruction(),
    Reconstruction(AdversarialPenalty(widths=(4,))),
    ImportanceWeighted(Constant(3)),
]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["elbo", "reconstruction", "adversary", "importance weighted"])
@pytest.mark.parametrize("condition", [None, CONDITION], ids=["unconditional", "conditional"])
def test_a_task_runs_with_and_without_conditions_and_its_gradients_reach_everything(objective, condition):
    task = Task(small(0 if condition is None else 5), objective)
    terms = task(Batch(X, condition), 0, RandomSource(0))
    terms.loss.backward()
    assert terms.distortion.shape == terms.rate.shape == terms.accuracy.shape == terms.penalty.shape == (3,)
    assert [name for name, p in task.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_batch_moves_as_a_whole():
    for batch in (Batch(X), Batch(X, CONDITION)):
        moved = batch.to("meta")
        assert moved.x.device.type == "meta"
        assert (moved.condition is None) == (batch.condition is None)
        assert batch.condition is None or moved.condition.device.type == "meta"
