"""What an autoencoder is told beside the data; the rest is in `networks/test_networks.py`."""

from __future__ import annotations

import pytest
import torch

from musicae.core.autoencoder import Autoencoder, build
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
TOLD = torch.eye(5)[:3]


DENSE = Dense((8,))


def made(conditions: int, network: Network = DENSE) -> Autoencoder:
    torch.manual_seed(0)
    return build(network, EVENT, 2, "gaussian", conditions)


def test_told_nothing_an_autoencoder_is_itself():
    model = made(0)
    assert model.given(None) is model


@pytest.mark.parametrize(
    ("conditions", "told"), [(0, TOLD), (5, None), (4, TOLD), (6, TOLD)], ids=["too much", "nothing", "more", "less"]
)
def test_a_condition_of_another_size_is_refused_in_one_line(conditions, told):
    with pytest.raises(ConfigError, match=rf"^the model is told {conditions} values[^\n]+$"):
        made(conditions).given(told)


@pytest.mark.parametrize("network", [DENSE, Convolutional((4,), blocks=1)], ids=["dense", "convolutional"])
def test_both_ways_depend_on_the_condition(network):
    model, z = made(5, network), RandomSource(1).normal(3, 2)
    told, other = model.given(TOLD), model.given(TOLD.flip(0))
    encoded, differently = told.encode(X).mean, other.encode(X).mean
    decoded, otherwise = told.decode(z).logits, other.decode(z).logits
    for a, b in ((encoded, differently), (decoded, otherwise)):
        changed = (a != b).flatten(1).any(1)
        assert changed.tolist() == [True, False, True]  # the middle one is told the same
    assert torch.equal(model.given(TOLD).encode(X).mean, encoded)


def test_each_of_several_vectors_of_an_example_is_decoded_with_the_condition_of_that_example():
    """`[k · batch]` vectors, the batch again and again."""
    model, z = made(5), RandomSource(1).normal(4, 3, 2)
    together = model.given(TOLD).decode(z.flatten(0, 1)).logits.view(4, 3, 1, 4, 4)
    for k in range(4):
        for i in range(3):
            alone = model.given(TOLD[i : i + 1]).decode(z[k, i : i + 1]).logits[0]
            torch.testing.assert_close(together[k, i], alone)


OBJECTIVES = [
    Elbo(),
    Reconstruction(),
    Reconstruction(AdversarialPenalty(widths=(4,))),
    ImportanceWeighted(Constant(3)),
]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["elbo", "reconstruction", "adversary", "importance weighted"])
@pytest.mark.parametrize("told", [None, TOLD], ids=["unconditional", "conditional"])
def test_a_task_runs_with_and_without_conditions_and_its_gradients_reach_everything(objective, told):
    task = Task(made(0 if told is None else 5), objective)
    terms = task(Batch(X, told), 0, RandomSource(0))
    terms.loss.backward()
    assert terms.distortion.shape == terms.rate.shape == terms.accuracy.shape == terms.penalty.shape == (3,)
    assert [name for name, p in task.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_batch_moves_as_a_whole():
    for batch in (Batch(X), Batch(X, TOLD)):
        moved = batch.to("meta")
        assert moved.x.device.type == "meta"
        assert (moved.condition is None) == (batch.condition is None)
        assert batch.condition is None or moved.condition.device.type == "meta"
